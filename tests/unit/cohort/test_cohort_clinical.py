"""Clinical tables as hospitals write them, and what is understood of each cell."""

import logging
import math

import numpy as np
import pandas as pd
import pytest
from cohort_files import write_table

from perisurv.cohort import CohortOptions, clinical_features
from perisurv.cohort import ClinicalOptions, ColumnOptions
from perisurv.cohort.clinical import clinical_frame, read_table
from perisurv.core import InputError, ReadError

LUNG1 = "PatientID,age,Overall.Stage,Histology,gender,Survival.time,deadstatus.event"


def rows_of(tmp_path, header, lines, options=CohortOptions(), **given):  # noqa: B008
    path = write_table(tmp_path / "centre", lines, header=header, name="t.csv")
    return read_table(path, "t.csv", options, **given).rows


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
    assert row.values == {
        "age_years": 66.5, "sex": "male", "stage": 3.5, "ecog": None, "histology": "large_cell", "dose_gy": None,
    }  # fmt: skip


def test_centre_column_wins_over_the_folder(tmp_path):
    rows = rows_of(tmp_path, "PatientID,Hospital,time,event", ["A,North,5,1", "B,,6,0"])
    assert [r.centre for r in rows] == ["North", "centre"]


def test_byte_order_mark_windows_text_and_line_ends(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfPatientID;time;event;histology\r\nP1;10;1;gro\xc3\x9fzellig\r\n\r\n")
    assert read_table(path, "t", CohortOptions())[0].values["histology"] == "large_cell"
    path.write_bytes("PatientID;time;event;sex\r\nP1;10;1;männlich\r\n".encode("cp1252"))
    assert read_table(path, "t", CohortOptions())[0].values["sex"] == "male"


def test_missing_column_names_the_file_and_the_columns(tmp_path):
    with pytest.raises(
        InputError, match=r"t\.csv has no known column for event; its columns are PatientID, age, time.*event_column"
    ):
        rows_of(tmp_path, "PatientID,age,time", ["P1,60,100"])
    with pytest.raises(InputError, match=r"t\.csv has no known column for patient.*id_column"):
        rows_of(tmp_path, "Name,time,event", ["P1,60,1"])


def test_two_columns_of_one_meaning_are_not_guessed(tmp_path):
    with pytest.raises(InputError, match=r"t\.csv has several columns for time \(OS_days, OS_months\)"):
        rows_of(tmp_path, "PatientID,OS_days,OS_months,event", ["P1,60,2,1"])
    options = CohortOptions(time_column="OS_months")
    assert rows_of(tmp_path, "PatientID,OS_days,OS_months,event", ["P1,60,2,1"], options)[0].time_days == 60.875


def test_weaker_spelling_counts_only_alone(tmp_path):
    assert rows_of(tmp_path, "id,PatientID,time,status,death", ["7,P1,5,stable,1"])[0].event is True
    assert rows_of(tmp_path, "id,time,status", ["7,5,1"])[0].patient_id == "7"


def test_named_columns_and_unit(tmp_path):
    options = CohortOptions(id_column="Kennung", time_column="Dauer", event_column="Ende", time_unit="months")
    (row,) = rows_of(tmp_path, "Kennung,Dauer,Ende", ["P1,12,1"], options)
    assert (row.patient_id, row.event, row.time_days) == ("P1", True, 365.25)


def test_shifted_row_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"Row 3 of t\.csv has 4 cells where the header has 3"):
        rows_of(tmp_path, "PatientID,time,event", ["P1,5,1", "P2,5,5,1"])
    assert len(rows_of(tmp_path, "PatientID,time,event", ["P1,5,1,,"])) == 1
    assert rows_of(tmp_path, "PatientID,time,event,age", ["P1,5,1"])[0].values["age_years"] is None


def test_file_that_is_no_table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"PK\x03\x04\x00\x00")
    with pytest.raises(ReadError, match="not a table as text"):
        read_table(path, "t.csv", CohortOptions())
    path.write_text("\n")
    with pytest.raises(ReadError, match="empty"):
        read_table(path, "t.csv", CohortOptions())
    assert read_table(path, "t.csv", CohortOptions(), given=False) == ()


def test_found_table_counts_only_if_it_is_clinical(tmp_path):
    assert rows_of(tmp_path, "PatientID,f0,f1", ["P1,1,2"], given=False) == ()
    assert rows_of(tmp_path, ",time,event", ["P1,1,1"], given=False) == ()
    assert len(rows_of(tmp_path, "PatientID,time,event", ["P1,1,1"], given=False)) == 1
    with pytest.raises(InputError, match="no known column for time"):
        rows_of(tmp_path, "PatientID,event", ["P1,1"], given=False)


def test_sex_coded_0_and_1_is_not_guessed(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        rows = rows_of(tmp_path, "PatientID,time,event,sex", ["A,5,1,0", "B,5,1,1", "C,5,0,m"])
    assert [r.values["sex"] for r in rows] == [None, None, "male"]
    assert "2 of 3 cells of column sex are not understood" in caplog.text


def test_times_that_look_like_months_are_remarked(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        rows_of(tmp_path, "PatientID,time,event", [f"P{n},{n + 1},1" for n in range(60)])
    assert "set time_unit" in caplog.text


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.5", 1.5), ("1,5", 1.5), (" 12 ", 12), ("1.234,5", 1234.5), ("1,234.5", 1234.5), ("-3", -3), ("1e2", 100),
     ("1 234,5", 1234.5), ("", None), ("NA", None), ("nan", None), ("inf", None), ("1;5", None), ("12 days", None)],
)  # fmt: skip
def test_number(text, value):
    assert parse.number(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("I", 1), ("IA", 1), ("ib", 1.5), ("IA2", 1), ("II", 2), ("IIa", 2), ("IIB", 2.5), ("III", 3), ("IIIa", 3),
     ("IIIb", 3.5), ("Stage IIIB", 3.5), ("3B", 3.5), ("IIIC", 3.75), ("IV", 4), ("IVA", 4), ("4", 4), ("3.0", 3),
     ("Stadium III", 3), ("V", None), ("0", None), ("", None), ("occult", None), ("T2N1", None)],
)  # fmt: skip
def test_stage(text, value):
    assert parse.stage(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("1.0", True), ("1,0", True), ("dead", True), ("Deceased", True), ("YES", True), ("verstorben", True),
     ("1:DECEASED", True), ("0", False), ("0.0", False), ("alive", False), ("lebt", False), ("0:LIVING", False),
     ("2", None), ("-1", None), ("0.5", None), ("", None), ("NA", None), ("unknown", None)],
)  # fmt: skip
def test_event(text, value):
    assert parse.event(text) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [("adenocarcinoma", "adenocarcinoma"), ("Adeno-Ca", "adenocarcinoma"), ("squamous cell carcinoma", "squamous"),
     ("SCC", "squamous"), ("Plattenepithelkarzinom", "squamous"), ("large cell", "large_cell"), ("nos", "nos"),
     ("NSCLC NOS", "nos"), ("adenosquamous", "other"), ("large cell neuroendocrine", "other"), ("sarcoma", "other"),
     ("", None), ("NA", None)],
)  # fmt: skip
def test_histology(text, value):
    assert parse.histology(text) == value


def test_other_cells():
    assert [parse.sex(t) for t in ("M", "female", "W", "1", "2", "1.0", "x", "0")] == [
        "male", "female", "female", "male", "female", "male", None, None,
    ]  # fmt: skip
    assert [parse.ecog(t) for t in ("0", "ECOG 2", "1.0", "5", "0-1", "")] == [0.0, 2.0, 1.0, None, None, None]
    assert [parse.age_years(t) for t in ("66", "066Y", "999", "1956", "0", "")] == [66.0, 66.0, None, None, None, None]
    assert [parse.dose_gy(t) for t in ("60", "60 Gy", "66,6Gy", "6000 cGy", "-1", "full")] == [
        60,
        60,
        66.6,
        60,
        None,
        None,
    ]


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
