"""Clinical tables as hospitals write them, and what is understood of each cell."""

import math

import numpy as np
import pandas as pd
import pytest
from cohort_files import write_table

from perisurv.cohort import ClinicalOptions, CohortOptions, ColumnOptions, clinical_features, read_clinical
from perisurv.cohort.clinical import clinical_frame, read_table
from perisurv.core import InputError, SettingsError

LUNG1 = "PatientID,age,Overall.Stage,Histology,gender,Survival.time,deadstatus.event"


def table_of(tmp_path, header, lines, options=CohortOptions(), **given):  # noqa: B008
    path = write_table(tmp_path / "centre", lines, header=header, name="t.csv")
    return read_table(path, "t.csv", options, **given)


def rows_of(*arguments, **given):
    return table_of(*arguments, **given).rows


def columns(**named):
    return CohortOptions(columns=ColumnOptions(**named))


def clinical(**given):
    return CohortOptions(clinical=ClinicalOptions(**given))


@pytest.mark.parametrize(
    ("header", "line"),
    [
        (LUNG1, "P1,66.5,IIIb,large cell,male,730.5,1"),
        ("Pat-Nr;Alter;Geschlecht;Stadium;Histologie;Survival_Months;Vital Status", "P1;66,5;m;3B;großzellig;24;dead "),
        ("patient_id\tage_at_diagnosis\tsex\toverall_stage\thistology\tOS_years\tvital_status",
         "P1\t66.5\t1\tIIIB\tLarge cell carcinoma\t2\tDeceased"),
        ('"Patient ID","Age","Sex","Stage","Histology","OS (months)","OS.Event"',
         '"P1","66,5","M","Stage IIIB","LCC","24,0",1.0'),
        ("Subject ID|Age (years)|Gender|AJCC|Histology|Follow-up days|Death", "P1 |66.5| Male |iiib|large|730.5|yes"),
    ],
)  # fmt: skip
def test_five_dialects_of_one_patient(tmp_path, header, line):
    (row,) = rows_of(tmp_path, header, ["", line, " ;, ", ""])
    assert (row.patient_id, row.centre, row.event) == ("P1", "centre", True)
    assert row.time_days == pytest.approx(730.5)
    assert {name: value for name, value in row.values.items() if value is not None} == {
        "age_years": 66.5, "sex": "male", "stage": 3.5, "stage_group": "IIIB", "histology": "large_cell",
    }  # fmt: skip


def test_centre_column_wins_over_the_folder(tmp_path):
    rows = rows_of(tmp_path, "PatientID,Hospital,time,event", ["A,North,5,1", "B,,6,0"])
    assert [r.centre for r in rows] == ["North", "centre"]


def test_missing_column_names_the_file_and_the_columns(tmp_path):
    with pytest.raises(
        InputError, match=r"t\.csv has no known column for event; its columns are PatientID, age, time.*event = "
    ):
        rows_of(tmp_path, "PatientID,age,time", ["P1,60,100"])
    with pytest.raises(InputError, match=r"t\.csv has no known column for id; .*id = "):
        rows_of(tmp_path, "Name,time,event", ["P1,60,1"])


def test_two_columns_of_one_meaning_are_not_guessed(tmp_path):
    with pytest.raises(InputError, match=r"t\.csv has several columns for time \(OS_days, OS_months\)"):
        rows_of(tmp_path, "PatientID,OS_days,OS_months,event", ["P1,60,2,1"])
    options = columns(time="OS_months")
    assert rows_of(tmp_path, "PatientID,OS_days,OS_months,event", ["P1,60,2,1"], options)[0].time_days == 60.875


def test_weaker_spelling_counts_only_alone(tmp_path):
    assert rows_of(tmp_path, "id,PatientID,time,status,death", ["7,P1,5,stable,1"])[0].event is True
    assert rows_of(tmp_path, "id,time,status", ["7,5,1"])[0].patient_id == "7"


def test_named_columns_and_unit(tmp_path):
    options = CohortOptions(
        columns=ColumnOptions(id="Kennung", time="Dauer", event="Ende"), clinical=ClinicalOptions(time_unit="months")
    )
    (row,) = rows_of(tmp_path, "Kennung,Dauer,Ende", ["P1,12,1"], options)
    assert (row.patient_id, row.event, row.time_days) == ("P1", True, 365.25)


def test_shifted_row_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"Row 3 of t\.csv has 4 cells where the header has 3"):
        rows_of(tmp_path, "PatientID,time,event", ["P1,5,1", "P2,5,5,1"])
    assert len(rows_of(tmp_path, "PatientID,time,event", ["P1,5,1,,"])) == 1
    assert rows_of(tmp_path, "PatientID,time,event,age", ["P1,5,1"])[0].values["age_years"] is None


def test_found_table_counts_only_if_it_is_clinical(tmp_path):
    assert rows_of(tmp_path, "PatientID,f0,f1", ["P1,1,2"], given=False) == ()
    assert rows_of(tmp_path, ",time,event", ["P1,1,1"], given=False) == ()
    assert len(rows_of(tmp_path, "PatientID,time,event", ["P1,1,1"], given=False)) == 1
    with pytest.raises(InputError, match="no known column for time"):
        rows_of(tmp_path, "PatientID,event", ["P1,1"], given=False)


def test_sex_coded_0_and_1_is_not_guessed(tmp_path):
    table = table_of(tmp_path, "PatientID,time,event,sex", ["A,5,1,0", "B,5,1,1", "C,5,0,m"])
    assert [r.values["sex"] for r in table.rows] == [None, None, "male"]
    assert any("2 of 3 cells of column 'sex' are not understood as sex" in text for text in table.remarks)


def test_times_that_look_like_months_are_remarked(tmp_path):
    table = table_of(tmp_path, "PatientID,time,event", [f"P{n},{n + 1},1" for n in range(60)])
    assert any("set time_unit" in text for text in table.remarks)


def test_every_guess_is_told(tmp_path):
    header = "Pat-Nr;Alter;T;OS_months;Vital Status;Blutgruppe"
    table = table_of(tmp_path, header, ["P1;66,5;2a;24;dead;A", "P2;61;3;20;alive;B"])
    assert table.guesses == (
        "t.csv: 2 rows (utf-8, semicolon between cells)",
        "t.csv: column 'Pat-Nr' read as id",
        "t.csv: column 'Alter' read as age",
        "t.csv: column 'T' read as t",
        "t.csv: column 'OS_months' read as time (months)",
        "t.csv: column 'Vital Status' read as event (dead = dead, alive = alive)",
        "t.csv: no column of centres, so its folder 'centre' is the centre",
        "t.csv: not read: Blutgruppe",
    )
    assert table.remarks == ()


def test_what_the_user_named_is_no_guess(tmp_path):
    options = columns(id="PatientID", time="time", event="event", centre="site")
    table = table_of(tmp_path, "PatientID,time,event,site", ["A,500,1,N"], options)
    assert table.guesses == (
        "t.csv: 1 row (utf-8, comma between cells)",
        "t.csv: column 'time' read as time (days: its name states no unit)",
        "t.csv: column 'event' read as event (1 = dead)",
    )


def test_a_named_column_that_is_not_there_names_the_nearest(tmp_path):
    with pytest.raises(InputError, match=r"no column 'Survival.tme' for time; the nearest is 'Survival.time' among"):
        rows_of(tmp_path, LUNG1, ["P1,66.5,IIIb,large cell,male,730.5,1"], columns(time="Survival.tme"))


@pytest.mark.parametrize("name", ["Beobachtungsdauer", "xyz", "随访"])
def test_a_column_that_looks_nothing_alike_is_not_proposed(tmp_path, name):
    with pytest.raises(InputError, match=f"no column '{name}' for time; its columns are PatientID, age, ") as refused:
        rows_of(tmp_path, LUNG1, ["P1,66.5,IIIb,large cell,male,730.5,1"], columns(time=name))
    assert "nearest" not in str(refused.value)


def test_optional_columns_may_be_missing_in_one_of_the_tables_but_not_in_all(tmp_path):
    a = write_table(tmp_path, ["P1,5,1,60"], header="id,time,event,Jahre", name="a.csv")
    b = write_table(tmp_path, ["P2,5,0"], header="id,time,event", name="b.csv")
    table = read_clinical([a, b], columns(age="Jahre"))
    np.testing.assert_array_equal(table.to_frame()["age_years"], [60, np.nan])
    assert table.remarks == ("b.csv: no column 'Jahre', so age counts as missing.",)
    with pytest.raises(InputError, match=r"No column 'Jahr' for age in a\.csv, b\.csv; the columns are Jahre, event"):
        read_clinical([a, b], columns(age="Jahr"))


def test_a_table_of_patients_to_be_predicted_needs_only_ids(tmp_path):
    """Neither follow-up, nor its codes, nor its dates are looked at, whatever the study file says of them."""
    options = columns(id="id", time="OS", event="dead", age="Alter", date_zero="RT")
    header = "id,age,vital status,OS_days,OS_months,Date of death"
    table = table_of(tmp_path, header, ["A,60,0,5,6,01/02/2010"], options, outcome=False)
    assert table.rows[0].values["age_years"] is None
    assert (table.rows[0].time_days, table.rows[0].event) == (None, None)
    assert table.remarks == ("t.csv: no column 'Alter', so age counts as missing.",)


def test_columns_of_several_centres(tmp_path):
    a = write_table(tmp_path, ["P1,5,1"], header="id,Dauer,event", name="a.csv")
    b = write_table(tmp_path, ["P2,6,0"], header="id,Zeit,event", name="b.csv")
    assert [r.time_days for r in read_clinical([a, b], columns(time=("Dauer", "Zeit"))).rows] == [5, 6]


def test_ignored_columns_are_never_guessed(tmp_path):
    options = columns(ignore=("OS_days",))
    assert rows_of(tmp_path, "id,OS_days,OS_months,event", ["P1,60,2,1"], options)[0].time_days == 60.875


def test_one_column_has_one_meaning(tmp_path):
    with pytest.raises(InputError, match="Column 'x' of t.csv is taken for time and for event"):
        rows_of(tmp_path, "id,x,event", ["P1,60,1"], columns(time="x", event="x"))


# --- event -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (("1", "2", "2", "1"), "codes the event as '1', '2'; what '2' means is not known"),
        (("1", "2"), "what '2' means is not known"),
        (("dead", "lost", "lost", "alive"), "what 'lost' means is not known"),
        (("A", "B"), "what 'a', 'b' means is not known"),
    ],
)
def test_an_unknown_coding_is_refused_by_name(tmp_path, codes, told):
    with pytest.raises(InputError, match=told):
        rows_of(tmp_path, "id,time,event", [f"P{n},50,{code}" for n, code in enumerate(codes)])


def test_a_slip_is_left_to_the_patient(tmp_path):
    codes = ("1", "0", "2", "", "NA")
    rows = rows_of(tmp_path, "id,time,event", [f"P{n},50,{code}" for n, code in enumerate(codes)])
    assert [r.event for r in rows] == [True, False, None, None, None]


@pytest.mark.parametrize(
    ("mapping", "codes", "expected"),
    [
        ({"0": "dead", "1": "alive"}, ("0", "1.0", "1"), [True, False, False]),
        ({"2": "dead", "1": "alive"}, ("2", "1", "1"), [True, False, False]),
        ({"X": "dead", "unknown": "alive"}, ("x", "Unknown", "NA"), [True, False, None]),
        ({"1:DECEASED": "dead", "Lost": "alive"}, ("1:deceased", "lost ", "NA"), [True, False, None]),
    ],
)
def test_codes_of_the_study_file(tmp_path, mapping, codes, expected):
    lines = [f"P{n},50,{code}" for n, code in enumerate(codes)]
    table = table_of(tmp_path, "id,time,vital status", lines, clinical(event_codes=mapping))
    assert [r.event for r in table.rows] == expected


def test_figures_of_a_vital_status_are_not_guessed(tmp_path):
    with pytest.raises(InputError, match="registries use both 1 = dead and 1 = alive"):
        rows_of(tmp_path, "id,time,Vital.Status", ["A,50,1", "B,50,0"])


# --- missing, covariates ---------------------------------------------------------------------------------------------


def test_codes_of_missing_values_only_if_declared(tmp_path):
    header, lines = "id,time,event,age,ldh,stage", ["A,50,1,-9,-9,III", "B,60,0,70,-9.0,unknown"]
    covariates = {"ldh": "ldh"}
    plain = table_of(tmp_path, header, lines, CohortOptions(covariates=covariates))
    assert [r.values["ldh"] for r in plain.rows] == [-9, -9]
    assert any("1 of 2 cells of column 'age'" in text for text in plain.remarks)
    options = CohortOptions(covariates=covariates, clinical=ClinicalOptions(missing=("-9",)))
    declared = table_of(tmp_path, header, lines, options)
    assert [r.values["ldh"] for r in declared.rows] == [None, None]
    assert [r.values["age_years"] for r in declared.rows] == [None, 70]
    assert [r.values["stage"] for r in declared.rows] == [3, None]
    assert declared.remarks == ()
    assert rows_of(tmp_path, "id,time,event", ["-9,50,1"], options)[0].patient_id == "-9"


def test_covariates_become_features(tmp_path):
    options = CohortOptions(
        covariates={"ldh": "LDH (U/l)", "egfr": "EGFR"}, levels={"egfr": ("wild type", "mutant", "not tested")}
    )
    lines = ["A,50,1,200.5,Mutant", "B,60,0,,wild  type", "C,70,1,high,?"]
    table = table_of(tmp_path, "id,time,event,LDH (U/l),EGFR", lines, options)
    frame = clinical_frame(table.rows, ["A", "B", "C"], table.covariates)
    features = clinical_features(frame).frame[["clinical__ldh", "clinical__egfr_mutant", "clinical__egfr_not_tested"]]
    np.testing.assert_array_equal(features, [[200.5, 1, 0], [np.nan, 0, 0], [np.nan, np.nan, np.nan]])
    assert table.remarks == (
        "t.csv: 1 of 3 cells of column 'LDH (U/l)' are not understood as ldh and count as missing.",
    )


@pytest.mark.parametrize("name", ["Age", "stage", "a-b", ""])
def test_covariates_have_plain_names_of_their_own(name):
    with pytest.raises(SettingsError, match="covariates"):
        CohortOptions(covariates={name: "x"})


@pytest.mark.parametrize("levels", [{"ldh": ("a", "b")}, {"egfr": ("a",)}, {"egfr": ("a", "A ")}])
def test_levels_belong_to_a_covariate(levels):
    with pytest.raises(SettingsError, match="levels"):
        CohortOptions(covariates={"egfr": "EGFR"}, levels=levels)


# --- ids -------------------------------------------------------------------------------------------------------------


def test_rows_without_id_and_blanks_around_ids_are_told(tmp_path):
    table = table_of(tmp_path, '"id",time,event', ['"A ",50,1', ",60,0", "B,70,0"])
    assert [r.patient_id for r in table.rows] == ["A", "B"]
    assert table.remarks == (
        "t.csv: rows without id in column 'id', left out: 1 (row 3).",
        "t.csv: ids in column 'id' with blanks around them, which do not count: 1.",
    )


# --- stage -----------------------------------------------------------------------------------------------------------


def test_stage_from_tnm_only_when_asked(tmp_path):
    header, lines = (
        "id,time,event,stage,T,N,M",
        ["A,5,1,,2a,0,0", "B,5,1,NA,T1c,N0,M0", "C,5,0,,TX,2,0", "D,5,0,II,3,3,0"],
    )
    assert all(r.values["stage_group"] in (None, "II") for r in rows_of(tmp_path, header, lines))
    groups = {
        edition: [r.values["stage_group"] for r in rows_of(tmp_path, header, lines, clinical(tnm_edition=edition))]
        for edition in (7, 8)
    }
    assert groups == {7: ["IB", None, None, "II"], 8: ["IB", "IA3", None, "II"]}


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_numbers_that_can_be_read_both_ways(tmp_path):
    header = "id;time;event;age"
    assert rows_of(tmp_path, header, ["A;1.234;1;66,5"])[0].time_days == 1234
    assert rows_of(tmp_path, header, ["A;1,234;1;66.5"])[0].time_days == 1234
    assert rows_of(tmp_path, header, ["A;1,234;1;66,5"])[0].time_days == 1.234
    for sign, days in ((".", 1.234), (",", 1234)):
        assert rows_of(tmp_path, header, ["A;1.234;1;66"], clinical(decimal=sign))[0].time_days == days
    for lines in (["A;1.234;1;66"], ["A;1.234;1;66.5", "B;5;0;66,5"]):
        with pytest.raises(InputError, match=r"Column 'time' of t\.csv holds numbers such as '1,234'"):
            rows_of(tmp_path, header, lines)
    assert rows_of(tmp_path, "id,time,event", ["A,1.234,1"])[0].time_days == 1.234


def test_features_are_a_fixed_encoding(tmp_path):
    lines = ["A,70,IIIb,squamous,m,1,5,1", "B,55,I,adeno,f,0,5,1", "C,,,,,,5,0"]
    rows = rows_of(tmp_path, "PatientID,age,stage,histology,sex,ECOG,time,event", lines)
    table = clinical_features(clinical_frame(rows, ["A", "B", "C"]))
    assert table.fitted_on == {}
    assert all(name.startswith("clinical__") for name in table.names)
    a, b, c = (table.frame.loc[p].rename(lambda n: n.removeprefix("clinical__")) for p in "ABC")
    expected = {"age_decades": 7, "male": 1, "stage": 3.5, "ecog": 1, "histology_squamous": 1, "histology_nos": 0}
    assert {n: a[n] for n in expected} == expected
    assert (b["male"], b["age_decades"], b.filter(like="histology").sum()) == (0, 5.5, 0)
    assert c.isna().all()


def test_features_need_the_columns():
    with pytest.raises(InputError, match="no column 'sex'"):
        clinical_features(pd.DataFrame({"age_years": [60.0]}, index=["A"]))


def test_frame_of_patients_without_row():
    frame = clinical_frame([None], ["A"])
    assert frame.loc["A"].isna().all()
    assert frame["age_years"].dtype == np.float64
    assert math.isnan(frame["sex"].iloc[0])
