"""Clinical tables as hospitals and archives of many countries write them."""

import openpyxl
import pytest

from perisurv.cohort import ClinicalOptions, CohortOptions, ColumnOptions, read_clinical
from perisurv.core import InputError, ReadError, SettingsError

CHINESE = "住院号,年龄,性别,生存状态,生存时间（月）\n" + "".join(
    f"P{n},6{n},{'男' if n % 3 else '女'},{'死亡' if n % 2 else '存活'},{6 + 3 * n}.5\n" for n in range(8)
)
TAIWANESE = CHINESE.translate(str.maketrans("号龄别状态时间", "號齡別狀態時間"))
JAPANESE = "患者ID,年齢,性別,転帰,生存期間（ヶ月）\n" + "".join(
    f"P{n},6{n},{'男性' if n % 3 else '女性'},{'死亡' if n % 2 else '生存'},{6 + 3 * n}.5\n" for n in range(8)
)
KOREAN = "환자번호,나이,성별,생존상태,생존기간(개월)\n" + "".join(
    f"P{n},6{n},{'남' if n % 3 else '여'},{'사망' if n % 2 else '생존'},{6 + 3 * n}.5\n" for n in range(8)
)
RUSSIAN = "Номер пациента;Возраст;Пол;Event;Выживаемость (месяцев)\n" + "".join(
    f"P{n};6{n};{'муж' if n % 3 else 'жен'};{'умер' if n % 2 else 'жив'};{6 + 3 * n},5\n" for n in range(8)
)
FRENCH = "Numéro patient;Âge;Sexe;Décès;Survie (mois)\n" + "".join(
    f"P{n};6{n};{'homme' if n % 3 else 'féminin'};{'décédé' if n % 2 else 'vivant'};{6 + 3 * n},5\n" for n in range(8)
)
CZECH = "Patient;Age;Sex;Event;Přežití (měsíců)\n" + "".join(
    f"P{n};6{n};{'m' if n % 3 else 'f'};{n % 2};{6 + 3 * n},5\n" for n in range(8)
)


def options(columns=None, **given):
    return CohortOptions(columns=ColumnOptions(**columns or {}), clinical=ClinicalOptions(**given))


def read(tmp_path, content, options=CohortOptions(), name="t.csv"):  # noqa: B008
    path = tmp_path / "centre" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_clinical(path, options)


# --- encodings -------------------------------------------------------------------------------------------------------

ENCODED = [
    (CHINESE, "gbk"),
    (CHINESE, "gb18030"),
    (CHINESE, "hz"),
    (TAIWANESE, "big5"),
    (TAIWANESE, "big5hkscs"),
    (JAPANESE, "cp932"),
    (JAPANESE, "shift_jis"),
    (JAPANESE, "euc_jp"),
    (KOREAN, "cp949"),
    (KOREAN, "euc_kr"),
    (RUSSIAN, "cp1251"),
    (RUSSIAN, "koi8-r"),
    (RUSSIAN, "cp866"),
    (RUSSIAN, "mac_cyrillic"),
    (FRENCH, "latin-1"),
    (FRENCH, "cp1252"),
    (FRENCH, "cp850"),
    (FRENCH, "mac_roman"),
    (CZECH, "cp1250"),
    (CZECH, "iso8859_2"),
]


@pytest.mark.parametrize(("text", "encoding"), [*ENCODED, (CHINESE, "utf-16"), (JAPANESE, "utf-32"), (KOREAN, "utf-8")])
def test_any_encoding_of_python_may_be_stated(tmp_path, text, encoding):
    columns = {"time": "Přežití (měsíců)"} if text is CZECH else {}
    rows = read(tmp_path, text.encode(encoding), options(columns, encoding=encoding)).rows
    assert [row.patient_id for row in rows] == [f"P{n}" for n in range(8)]
    assert [row.event for row in rows] == [bool(n % 2) for n in range(8)]
    assert [row.time_days for row in rows] == [(6.5 + 3 * n) * 30.4375 for n in range(8)]
    assert [row.values["age_years"] for row in rows] == [60 + n for n in range(8)]
    assert [row.values["sex"] for row in rows] == ["male" if n % 3 else "female" for n in range(8)]


@pytest.mark.parametrize(
    ("text", "encoding", "proposed"),
    [
        (CHINESE, "gbk", "gb18030"),
        (TAIWANESE, "big5", "big5"),
        (JAPANESE, "cp932", "cp932"),
        (KOREAN, "cp949", "cp949"),
        (RUSSIAN, "cp1251", "cp1251"),
        (RUSSIAN, "koi8_r", "koi8_r"),
        (FRENCH, "latin-1", "cp1252"),
        (CZECH, "cp1250", "cp1250"),
    ],
)
def test_the_likely_encodings_are_proposed_with_the_names_that_they_give(tmp_path, text, encoding, proposed):
    with pytest.raises(ReadError) as error:
        read(tmp_path, text.encode(encoding))
    told = str(error.value)
    assert "t.csv is not in utf-8: row 1 holds a byte that has no meaning there" in told
    assert f'encoding = "{proposed}" (then it begins: {text.splitlines()[0]}' in told
    columns = {"time": "Přežití (měsíců)"} if text is CZECH else {}
    assert len(read(tmp_path, text.encode(encoding), options(columns, encoding=proposed)).rows) == 8


def test_a_proposal_shows_no_row_of_a_patient(tmp_path):
    text = "PatientID;name;time;event\n" + "P1;Müller;10;1\nP2;Größe;20;0\n" * 5
    with pytest.raises(ReadError) as error:
        read(tmp_path, text.encode("cp1252"))
    assert "row 2" in str(error.value)
    assert "encoding = " in str(error.value)
    assert "ller" not in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["PatientID,time,event\nP1,10,1\n", CHINESE, FRENCH])
def test_utf_16_without_mark_is_known_by_its_zeros(tmp_path, encoding, text):
    table = read(tmp_path, text.encode(encoding))
    assert table.rows[0].patient_id.startswith("P")
    assert encoding in table.guesses[0]


@pytest.mark.parametrize("name", ["utf8mb4", "rot13", "hex", "idna", "", "base64", "unicode_escape"])
def test_what_is_no_encoding_of_a_text_is_refused_by_name(name):
    with pytest.raises(SettingsError, match="is not known to Python; write it as there, such as 'utf-8', 'gb18030'"):
        ClinicalOptions(encoding=name)


# --- rows above and below the table ----------------------------------------------------------------------------------

PLAIN = "PatientID;age;time;event\nP1;66,5;10;1\nP2;61,5;12;0\nP3;70;14;1\n"
CBIOPORTAL = (
    "#Patient Identifier\tSex\tOverall Survival Status\tOverall Survival (Months)\n"
    '#Identifier to uniquely specify a patient.\tSex\tOverall "survival" status.\tOverall survival in months\n'
    "#STRING\tSTRING\tSTRING\tNUMBER\n#1\t1\t1\t9\n"
    "PATIENT_ID\tSEX\tOS_STATUS\tOS_MONTHS\nTCGA-05-4244\tMale\t0:LIVING\t12\nTCGA-05-4249\tFemale\t1:DECEASED\t24\n"
)


@pytest.mark.parametrize(
    ("above", "row"),
    [
        ("", 1),
        ("sep=;\n", 2),
        ("sep=;\r\n", 2),
        ('"sep=;"\n', 2),
        ("SEP=;\n\n", 3),
        ("Lung cancer cohort, department of radiotherapy, exported 2020\n", 2),
        ("Lung cancer cohort\n\nExported: 2020-01-01; by: registry\n\n", 5),
        ("# exported 2020\n# by the registry\n", 3),
        ("#only one line\n", 2),
        ("Patient;;Follow-up;\n", 2),
        (";;;\n", 2),
    ],
)
def test_titles_above_the_names_of_the_columns(tmp_path, above, row):
    for mark in ("", "\ufeff"):
        table = read(tmp_path, mark + above + PLAIN)
        assert [(r.patient_id, r.time_days, r.event) for r in table.rows] == [
            ("P1", 10, True), ("P2", 12, False), ("P3", 14, True),
        ]  # fmt: skip
        told = above.strip(" ;\r\n") and "sep=" not in above.casefold()
        assert (f"column names in row {row}" in table.guesses[0]) == bool(told)


def test_a_stated_delimiter_stands_for_itself(tmp_path):
    assert len(read(tmp_path, "sep=|\nPatientID|time|event\nP1|10|1\n").rows) == 1
    assert len(read(tmp_path, "sep=\t\nPatientID\ttime\tevent\nP1\t10\t1\n").rows) == 1
    table = read(tmp_path, "sep=;\nPatientID;time;event\nP1;10;1;9\n".replace(";9", ""))
    assert "row" not in "".join(table.remarks)
    with pytest.raises(InputError, match=r"Row 3 of t\.csv has 4 cells"):
        read(tmp_path, "sep=;\nPatientID;time;event\nP1;10;1;9\n")


def test_comments_of_cbioportal(tmp_path):
    table = read(tmp_path, CBIOPORTAL.replace('"', ""), name="data_clinical_patient.txt")
    assert [(r.patient_id, r.event, r.time_days) for r in table.rows] == [
        ("TCGA-05-4244", False, 365.25), ("TCGA-05-4249", True, 730.5),
    ]  # fmt: skip
    assert "column names in row 5" in table.guesses[0]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("#PatientID,time,event", {}),
        ("#,PatientID,time,event", {}),
        ("#Kennung,Dauer,Ende", {"id": "#Kennung", "time": "Dauer", "event": "Ende"}),
    ],
)
def test_a_header_may_begin_with_the_sign_of_a_comment(tmp_path, header, columns):
    line = "1,P1,10,1" if header.startswith("#,") else "P1,10,1"
    assert len(read(tmp_path, f"{header}\n{line}\n", options(columns)).rows) == 1


def test_names_of_the_study_file_tell_the_header_among_titles(tmp_path):
    text = "Kohorte A;Stand 2020;;\nKennung;Dauer;Ende;Alter\nP1;10;1;60\n"
    columns = {"id": "Kennung", "time": "Dauer", "event": "Ende"}
    assert [r.time_days for r in read(tmp_path, text, options(columns)).rows] == [10]


NOTES = [
    ["* as of 2020"],
    ["", ""],
    ["Source: cancer registry"],
    ["Abbreviations: OS", " overall survival", " RT", " radiotherapy", " CT", " x"],
    ["Total", "", "", "2"],
    ["Mean", "66.0", "12", "0.7"],
    ["Mean ± SD", "66 ± 4", "12 ± 1", ""],
    ["n = 3"],
    ["†dead of other cause"],
    ["Note: times count from the start of radiotherapy"],
    ["1) planning CT"],
    ["合计", "", "", "2"],
    ["注：随访至2020年"],
    ["Gesamt", "", "36", "2"],
    ["Quelle: Krebsregister"],
    ["", "", "", "Total: 2"],
    ["PatientID", "age", "time", "event"],
    ["data as of 2020-01-01"],
    ["(3 rows affected)"],
    ["END"],
    ["---------", "----", "-----", "-----"],
    ["*Times count from RT", " in days", " until death", " or last contact", " whichever is first"],
    ["Times count from the start of RT", " in days"],
    ["", "197", "36", "2"],
    ["Median (range)", "66 (60-70)", "12", ""],
]


@pytest.mark.parametrize("note", NOTES, ids=lambda cells: cells[0] or "blank")
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_rows_below_the_table_are_no_patients(tmp_path, note, kind):
    rows = [line.split(";") for line in PLAIN.replace(",", ".").splitlines()]
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for cells in [*rows, [], note]:
            book.active.append(cells)
        (tmp_path / "centre").mkdir()
        book.save(tmp_path / "centre" / "t.xlsx")
        table = read_clinical(tmp_path / "centre" / "t.xlsx")
    else:
        table = read(tmp_path, "\n".join(";".join(cells) for cells in [*rows, note]))
    assert [r.patient_id for r in table.rows] == ["P1", "P2", "P3"]
    blank = not any(note)
    assert bool(table.remarks) != blank
    assert blank or "row 5" in table.remarks[0] or "row 6" in table.remarks[0]


def test_names_of_groups_between_the_rows_are_no_patients(tmp_path):
    table = read(tmp_path, "PatientID,age,time,event\nHospital North,,,\nP1,60,12,1\nHospital South,,,\nP2,60,12,0\n")
    assert [r.patient_id for r in table.rows] == ["P1", "P2"]


def test_three_header_rows_of_the_tcga(tmp_path):
    names = "bcr_patient_uuid\tbcr_patient_barcode\tvital_status\tlast_contact_days_to\tdeath_days_to\tpatient_id\n"
    again = "bcr_patient_uuid\tbcr_patient_barcode\tvital_status\tdays_to_last_followup\tdays_to_death\tpatient_id\n"
    codes = "CDE_ID:\tCDE_ID:2003301\tCDE_ID:5\tCDE_ID:3008273\tCDE_ID:3165475\tCDE_ID:\n"
    rows = "a\tTCGA-05-4244\tAlive\t15\t[Not Applicable]\t4244\nb\tTCGA-05-4249\tDead\t[Not Available]\t121\t4249\n"
    table = read(tmp_path, names + again + codes + rows, name="t.txt")
    assert [(r.patient_id, r.time_days) for r in table.rows] == [("TCGA-05-4244", 15), ("TCGA-05-4249", 121)]


def test_a_legend_below_an_empty_row_is_no_patient(tmp_path):
    text = "id,age,time,event,sex\n1,60,10,1,1\n2,61,20,0,2\n\n0,alive\n1,dead\n"
    table = read(tmp_path, text)
    assert [r.patient_id for r in table.rows] == ["1", "2"]
    assert table.remarks[0] == "t.csv: rows that are notes or totals, not patients, left out: 2 (row 5, 6)."


def test_a_patient_without_follow_up_stays_a_patient(tmp_path):
    table = read(tmp_path, "PatientID,age,time,event\nP1,60,10,1\nP2,,,\nP3,61,20,0\nP4,70,,\n")
    assert [r.patient_id for r in table.rows] == ["P1", "P2", "P3", "P4"]


@pytest.mark.parametrize(
    "ids", [["Total-1", "Total-2"], ["*1", "*2"], ["N1", "N2"], ["Source A1", "Source B2"], ["#1", "#2"]]
)
def test_odd_ids_stay_patients(tmp_path, ids):
    table = read(tmp_path, "PatientID,age,time,event\n" + "".join(f"{i},60,10,1\n" for i in ids))
    assert [r.patient_id for r in table.rows] == ids


# --- time of the dead, time of the others ----------------------------------------------------------------------------

GDC = (
    "case_submitter_id,age_at_index,gender,vital_status,days_to_death,days_to_last_follow_up\n"
    "T1,70,male,Alive,'--,15\nT2,67,male,Alive,'--,1523\nT3,79,female,Dead,121,'--\nT4,79,female,Dead,200,180\n"
)


@pytest.mark.parametrize(
    "text",
    [
        GDC,
        GDC.replace("'--", "[Not Available]"),
        GDC.replace("'--", "not reported"),
        GDC.replace("'--", "[Not Applicable]"),
        GDC.replace("'--", ""),
        GDC.replace("case_submitter_id", "cases.submitter_id")
        .replace("vital_status", "demographic.vital_status")
        .replace("days_to_death", "demographic.days_to_death")
        .replace("days_to_last", "diagnoses.days_to_last"),
        GDC.replace("case_submitter_id", "bcr_patient_barcode")
        .replace("days_to_death", "death_days_to")
        .replace("days_to_last_follow_up", "last_contact_days_to"),
        GDC.replace("days_to_last_follow_up", "Days to last known alive"),
        GDC.replace("vital_status", "x"),
        GDC.replace("case_submitter_id", "case_id,case_submitter_id").replace("\nT", "\n0f-9,T"),
    ],
)
def test_time_of_the_dead_beside_that_of_the_others(tmp_path, text):
    table = read(tmp_path, text)
    assert [(r.patient_id, r.time_days, r.event) for r in table.rows] == [
        ("T1", 15, False), ("T2", 1523, False), ("T3", 121, True), ("T4", 200, True),
    ]  # fmt: skip
    assert any("read as time of the dead (days)" in guess for guess in table.guesses)


def test_columns_without_any_value_are_not_chosen(tmp_path):
    """Tables of the GDC hold clinical and pathological stages, and one of them is mostly not reported."""
    text = GDC.replace("gender", "ajcc_clinical_t,ajcc_pathologic_t,gender").replace("male", "'--,T2a,male")
    text = text.replace("fe'--,T2a,male", "'--,T2a,female")
    assert [r.values["t"] for r in read(tmp_path, text).rows] == ["T2a"] * 4
    with pytest.raises(InputError, match=r"several columns for t \(ajcc_clinical_t, ajcc_pathologic_t\)"):
        read(tmp_path, text.replace("'--,T2a,female", "T1,T2a,female"))


def test_two_columns_of_time_may_be_named(tmp_path):
    text = "id,Monate bis Tod,Monate bis letzter Kontakt,event\nA,12,,1\nB,,24,0\n"
    named = {"time": ("Monate bis Tod", "Monate bis letzter Kontakt")}
    assert [r.time_days for r in read(tmp_path, text, options(named)).rows] == [365.25, 730.5]
    swapped = {"time": tuple(reversed(named["time"]))}
    assert [r.time_days for r in read(tmp_path, text, options(swapped)).rows] == [365.25, 730.5]
    with pytest.raises(InputError, match="several columns for time"):
        read(tmp_path, "id,a,b,event\nA,1,2,1\n", options({"time": ("a", "b")}))


def test_the_last_follow_up_of_the_dead_is_not_their_death(tmp_path):
    table = read(tmp_path, GDC + "T5,60,male,Dead,'--,900\nT6,60,male,Alive,33,900\n")
    assert [r.time_days for r in table.rows[-2:]] == [None, 33]
    assert table.rows[-1].death_time_column == "days_to_death"


# --- units -----------------------------------------------------------------------------------------------------------

UNITS = {
    "days": "OS (jours)|OS_Tage|OS días|OS [giorni]|OS（天）|OS（日）|生存天数|OS dagen|OS (dni)|OS дней|생존기간(일)",
    "weeks": "OS (semaines)|Wochen|OS semanas|OS settimane|OS weken|OS недель|OS（周）|OS (週)",
    "months": "OS (mois)|OS Monate|OS meses|OS_mesi"
    "|OS maanden|OS (мес.)|OS（月）|生存月数|OS(ヶ月)|OS(か月)|OS(个月)|생존 개월|OS (mês)",
    "years": "OS (ans)|OS Jahre|OS años|OS anos|OS anni|OS jaar|OS лет|OS（年）|OS (années)|생존기간(년)",
}
DAYS = {"days": 1, "weeks": 7, "months": 30.4375, "years": 365.25}


@pytest.mark.parametrize(("name", "unit"), [(n, unit) for unit, names in UNITS.items() for n in names.split("|")])
def test_units_in_the_names_of_many_languages(tmp_path, name, unit):
    table = read(tmp_path, f"id,{name},event\nA,2,1\n", options({"time": name}))
    assert table.rows[0].time_days == 2 * DAYS[unit]
    assert f"t.csv: column '{name}' read as time ({unit})" in table.guesses


@pytest.mark.parametrize(
    "name", ["OS (lunes)", "OS (J)", "OS [T]", "Survival time (q)", "OS_xyz", "OS (a)", "生存时间(期)"]
)
def test_a_unit_that_is_not_known_is_asked_for(tmp_path, name):
    text = f"id,{name},event\nA,2,1\n"
    with pytest.raises(
        InputError, match=r"The unit in the name of column .* is not known; say .* time_unit = \"months\""
    ):
        read(tmp_path, text, options({"time": name}))
    assert read(tmp_path, text, options({"time": name}, time_unit="weeks")).rows[0].time_days == 14


@pytest.mark.parametrize("name", ["OS (months or years)", "5年生存時間(月)", "OS Tage/Monate"])
def test_two_units_are_not_chosen_between(tmp_path, name):
    with pytest.raises(InputError, match="names several units"):
        read(tmp_path, f"id,{name},event\nA,2,1\n", options({"time": name}))


@pytest.mark.parametrize(
    "name",
    ["Survival.time", "OS_time", "OS (from RT)", "Dauer", "time to event", "生存时间", "OS since start of treatment"],
)
def test_a_name_without_unit_means_days_and_this_is_told(tmp_path, name):
    table = read(tmp_path, f"id,{name},event\nA,200,1\n", options({"time": name}))
    assert table.rows[0].time_days == 200
    assert f"t.csv: column '{name}' read as time (days: its name states no unit)" in table.guesses


@pytest.mark.parametrize(
    "text",
    [
        "PatientID,time,event\n,months,\nP1,60,1\nP2,61,0\n",
        "PatientID,time,event\n,[Monate],\nP1,60,1\nP2,61,0\n",
        "Survival in months,,\nPatientID,time,event\nP1,60,1\nP2,61,0\n",
        "PatientID,time,event\nP1,60,1\nP2,61,0\nNote: times in months,,\n",
        "生存时间单位：月,,\nPatientID,time,event\nP1,60,1\nP2,61,0\n",
    ],
)
def test_a_unit_that_stands_outside_the_name_is_asked_about(tmp_path, text):
    with pytest.raises(
        InputError, match=r'Column \'time\' of t\.csv names no unit, but .* speaks of months; .*time_unit = "mo'
    ):
        read(tmp_path, text)
    assert [r.time_days for r in read(tmp_path, text, options(time_unit="months")).rows] == [60 * 30.4375, 61 * 30.4375]


@pytest.mark.parametrize(
    "text",
    [
        "Patients of the years 2010 to 2014,,,\nPatientID,age,time,event\nP1,60,60,1\n",
        "PatientID,age,time,event\n,years,days,\nP1,60,60,1\n",
        "PatientID,age,time,event\nP1,60,60,1\nNote: age in years,,,\n",
        "PatientID,age,time,event\nP1,60,60,1\n* follow-up of at least 2 years,,,\n",
    ],
)
def test_units_of_other_columns_do_not_count(tmp_path, text):
    assert [r.time_days for r in read(tmp_path, text).rows] == [60]


@pytest.mark.parametrize(
    ("yes", "no"), [("yes", "no"), ("oui", "non"), ("sí", "no"), ("ja", "nee"), ("да", "нет"), ("是", "否")]
)
def test_yes_and_no_of_many_languages(tmp_path, yes, no):
    text = f"id,time,dead\nA,10,{yes}\nB,20,{no}\n"
    assert [r.event for r in read(tmp_path, text).rows] == [True, False]


@pytest.mark.parametrize("name", ["alive", "Is alive?", "生存", "생존여부", "生存状态", "vivant", "Patient lebt"])
@pytest.mark.parametrize("codes", [("1", "0"), ("yes", "no"), ("是", "否"), ("true", "false")])
def test_what_is_true_of_the_living_is_no_death(tmp_path, name, codes):
    text = f"id,time,{name}\nA,10,{codes[0]}\nB,20,{codes[1]}\n"
    with pytest.raises(InputError, match="1 = alive under this name. Say it below"):
        read(tmp_path, text, options({"event": name}))
    reversed_codes = {codes[0]: "alive", codes[1]: "dead"}
    rows = read(tmp_path, text, options({"event": name}, event_codes=reversed_codes)).rows
    assert [r.event for r in rows] == [False, True]


# --- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "days"),
    [
        ("1 234", 1234), ("1\u00a0234", 1234), ("1\u202f234,5", 1234.5), ("1'234", 1234), ("1\u2019234.5", 1234.5),
        ("\uff11\uff12\uff13", 123), ("\uff16\uff16\uff0e\uff15", 66.5), ("66,5", 66.5), ("1.234,5", 1234.5),
        ("1,234.5", 1234.5), ("12 24", None), ("10\u00b2", None), ("24*", None), ("> 24", None), ("\u22125", -5),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(tmp_path, cell, days):
    assert read(tmp_path, f"id;time;event\nA;{cell};1\n").rows[0].time_days == days


# --- dates -----------------------------------------------------------------------------------------------------------

DATED = "id,RT start,date of death,date of last contact\nA,{},{},\nB,{},,{}\n"


@pytest.mark.parametrize(
    ("cells", "stated", "told"),
    [
        (("05/03/14", "04/03/15", "25/03/14", "26/03/16"), "%d/%m/%y", "years of two figures"),
        (("05.03.14", "04.03.15", "25.03.14", "26.03.16"), "%d.%m.%y", 'date_format = "%d.%m.%y"'),
        (("14-03-05", "15-03-04", "14-03-25", "16-03-26"), "%y-%m-%d", '"%y-%m-%d"'),
        (("05-Mar-14", "04-Mar-15", "25-Mar-14", "26-Mar-16"), "%d-%b-%y", 'date_format = "%d-%b-%y"'),
        (("41703", "42067", "41723", "42455"), "serial-1900", 'date_format = "serial-1900"'),
        (("40241.5", "40605", "40261", "40993.25"), "serial-1904", 'or "serial-1904" (older Macs)'),
    ],
)
def test_dates_whose_form_cannot_be_known_are_asked_for(tmp_path, cells, stated, told):
    text = DATED.format(*cells)
    with pytest.raises(InputError, match="Dates in 'RT start' of t.csv") as error:
        read(tmp_path, text)
    assert told in str(error.value)
    assert cells[0] not in str(error.value)
    rows = read(tmp_path, text, options(date_format=stated)).rows
    assert [(r.time_days, r.event) for r in rows] == [(364, True), (732, False)]
    assert [r.dates.zero.year for r in rows] == [2014, 2014]


def test_serial_dates_of_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    for cells in (["id", "RT start", "date of death"], ["A", 41703, 42067], ["B", 41723, None]):
        book.active.append(cells)
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(InputError, match=r"are numbers \(2\), as a spreadsheet program stores dates"):
        read_clinical(tmp_path / "t.xlsx")
    rows = read_clinical(tmp_path / "t.xlsx", options(date_format="serial-1900")).rows
    assert (rows[0].dates.zero.isoformat(), rows[0].time_days) == ("2014-03-05", 364)


@pytest.mark.parametrize("cells", [("2014年3月5日", "2015年3月4日", "2014年3月25日", "2016年3月26日"),
                                   ("20140305", "20150304", "20140325", "20160326"),
                                   ("2014.3.5", "2015.3.4", "2014.3.25", "2016.3.26")])  # fmt: skip
def test_dates_that_begin_with_the_year_need_no_form(tmp_path, cells):
    assert [r.time_days for r in read(tmp_path, DATED.format(*cells)).rows] == [364, 732]


def test_dates_beside_a_time_are_remarked_and_do_not_stop_the_table(tmp_path):
    text = "id,time,event,RT start\nA,300,1,05/03/14\nB,200,0,25/03/14\n"
    table = read(tmp_path, text)
    assert [r.time_days for r in table.rows] == [300, 200]
    (remark,) = [r for r in table.remarks if "RT start" in r]
    assert "2 of 2 cells" in remark
    assert 'date_format = "%d/%m/%y"' in remark


def test_one_slip_among_dates_is_left_to_its_patient(tmp_path):
    rows = read(tmp_path, DATED.format("05/03/14", "2015-03-04", "2014-03-25", "2016-03-26")).rows
    assert [r.time_days for r in rows] == [None, 732]
    assert rows[0].unread_dates == ("RT start",)


# --- centres ---------------------------------------------------------------------------------------------------------


def centres_of(tmp_path, column, values, columns=None):
    lines = [f'P{n},10,{n % 2},"{value}"' for n, value in enumerate(values)]
    table = read(tmp_path, "\n".join([f"PatientID,time,event,{column}", *lines]), options(columns))
    return [row.centre for row in table.rows], table


@pytest.mark.parametrize(
    "values",
    [
        ["RUL", "LUL", "RUL", "LLL"],
        ["C34.1", "C34.3", "C34.1", "C349"],
        ["L", "R", "L", "R"],
        ["left", "Right", "right", "left"],
        ["Right upper lobe", "left lower lobe", "Right middle lobe", ""],
        ["Lung", "Lung", "Lung", "Lung"],
        ["rechts", "links", "rechts", "links"],
        ["右上叶", "左下叶", "右上叶", "右中叶"],
        ["Upper lobe, lung", "Lower lobe, lung", "Main bronchus", "Lung, NOS"],
        ["central", "peripheral", "central", "peripheral"],
    ],
)
@pytest.mark.parametrize("column", ["Site", "Center"])
def test_parts_of_the_body_are_no_centres(tmp_path, column, values):
    centres, table = centres_of(tmp_path, column, values)
    assert set(centres) == {"centre"}
    assert any(f'set centre = "{column}" below [cohort.columns]' in remark for remark in table.remarks)
    assert centres_of(tmp_path, column, values, {"centre": column})[0][0] == values[0]


@pytest.mark.parametrize(
    "values", [["Oslo", "Bergen", "Oslo", "Bergen"], ["1", "2", "1", "2"], ["RUL", "Oslo", "RUL", "Oslo"]]
)
@pytest.mark.parametrize("column", ["Site", "SITE", "site_id"])
def test_a_name_with_two_meanings_is_asked_about(tmp_path, column, values):
    with pytest.raises(InputError) as error:
        centres_of(tmp_path, column, values)
    assert f"Column '{column}' of t.csv may be the centre that treated or the site of the tumour." in str(error.value)
    assert f'centre = "{column}", or ignore = ["{column}"]' in str(error.value)
    assert centres_of(tmp_path, column, values, {"centre": column})[0] == values
    assert set(centres_of(tmp_path, column, values, {"ignore": (column,)})[0]) == {"centre"}


@pytest.mark.parametrize("column", ["Institution", "Hospital", "Center", "Zentrum", "Klinik", "医院"])
def test_a_centre_is_guessed_where_its_values_are_plausible(tmp_path, column):
    values = ["Oslo", "Bergen", "Oslo", "Bergen", "Oslo"]
    assert centres_of(tmp_path, column, values)[0] == values
    assert centres_of(tmp_path, column, ["Oslo"] * 5)[0] == ["Oslo"] * 5
    for implausible in (["1", "2", "3", "4", "5"], ["a", "b", "c", "d", "a"]):
        with pytest.raises(InputError, match="is called a centre but has . different values in 5 rows"):
            centres_of(tmp_path, column, implausible)


def test_a_location_is_never_a_centre(tmp_path):
    for column in ("Location", "Tumor site", "PRIMARY_SITE", "Laterality", "Lobe"):
        assert set(centres_of(tmp_path, column, ["RUL", "LUL", "RUL", "LLL"])[0]) == {"centre"}


def test_a_row_without_centre_has_that_of_the_folder(tmp_path):
    assert centres_of(tmp_path, "Centre", ["Oslo", "NA", "", "Oslo", "unknown"])[0] == [
        "Oslo",
        "centre",
        "centre",
        "Oslo",
        "centre",
    ]
    assert centres_of(tmp_path, "Centre", ["X", "Y", "X", "Y"])[0] == ["X", "Y", "X", "Y"]
