"""Tables in the folder of the patients: the clinical one is read, what else is called a table is left aside."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import openpyxl
import pytest
from cohort_files import HEADER, row, write_patient, write_table

from perisurv.cohort import CohortOptions, ColumnOptions, read_cohort, read_patient
from perisurv.core import InputError

COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
STRAY = {
    "Série.csv": "Série;Durée\n1;2\n".encode("latin-1"),
    "unclosed.csv": b'a,b\n1,"x\n',
    "two_signs.csv": b"a,b;c\n1,2;3,4;5\n",
    "utf16.csv": "a,b\n1,2\n".encode("utf-16-le"),
    "binary.csv": bytes(range(256)),
    "zeros.csv": bytes(4096),
    "longer_rows.csv": b"name,value\nx,1,2\n",
    "empty.csv": b"",
    "blank.tsv": b"\n \n\t\n",
    "log.txt": b'2014-03-05 10:00 exported 24 files, "all\n',
    "broken.xlsx": b"PK\x03\x04 cut off",
    "text.xlsx": b"a,b\n1,2\n",
    "protected.xlsx": COMPOUND + "EncryptedPackage".encode("utf-16-le"),
    "old.xls": COMPOUND,
    "page.xls": b"<html><table><tr><td>PatientID</td></tr></table></html>",
    "page.xlsx": b"<!DOCTYPE html><html></html>",
    "~$clinical.xlsx": bytes(165),
    ".~lock.clinical.csv#": b",user,host;",
    "sheet.ods": b"PK\x03\x04",
    "dose.csv": b"PatientID,time,dose\nS1,10:30,60\nS2,11:15,66\n",
    "dvh.csv": b"Dose (Gy);Volume (ml)\n0;100\n10;90\n",
    "features.csv": b"PatientID,firstorder_Mean,shape_Volume\nS1,1.5,20\nS2,2.5,30\n",
    "two_ids.csv": b"PatientID,Patient_ID,f0\nS1,S1,3\n",
    "coded.csv": b"PatientID,time,event\nS1,10,1\nS2,20,2\n",
    "sizes.csv": b"Patient,Site\nS1,RUL\nS2,LLL\n",
    "others.csv": b"PatientID,time,event\nX1,10,1\nX2,20,0\n",
}


@cache
def images():
    """The same two patients for every test."""
    folder = tempfile.TemporaryDirectory()
    for patient in ("S1", "S2"):
        write_patient(Path(folder.name), patient)
    return folder


def hospital(root, table=True):
    shutil.copytree(images().name, root, dirs_exist_ok=True)
    if table:
        write_table(root, [row("S1", 300, 1), row("S2", 400, 0)])


@pytest.mark.parametrize("name", sorted(STRAY))
def test_a_stray_file_stops_neither_the_index_nor_the_prediction(tmp_path, name):
    hospital(tmp_path)
    (tmp_path / "S1" / name).write_bytes(STRAY[name])
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("S1", "S2")
    assert cohort.outcome is not None
    assert cohort.outcome.time_days.tolist() == [300, 400]
    assert read_patient(tmp_path).ids == ("S1", "S2")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "Série.csv",
            "No follow-up is read from S1/Série.csv: S1/Série.csv is not in utf-8",
        ),
        ("protected.xlsx", "protected by a password: save it without"),
        ("page.xlsx", "not a workbook that can be read (a web page)"),
        ("old.xls", "S1/old.xls is none of CSV, TSV, XLSX and Parquet"),
        ("dose.csv", "has no known column for event"),
        ("features.csv", "names patients of this folder but has no known columns of time and event"),
        ("coded.csv", "codes the event as '1', '2'"),
        ("others.csv", "S1/others.csv names no patient of this folder and is left aside."),
    ],
)
def test_what_is_left_aside_is_named(tmp_path, name, told):
    hospital(tmp_path)
    (tmp_path / "S1" / name).write_bytes(STRAY[name])
    assert any(told in note for note in read_cohort(tmp_path).notes)


def test_a_named_table_is_never_left_aside(tmp_path):
    hospital(tmp_path)
    for name in ("coded.csv", "broken.xlsx", "dose.csv"):
        path = tmp_path / name
        path.write_bytes(STRAY[name])
        with pytest.raises(InputError, match=name):
            read_cohort(tmp_path, clinical=[tmp_path / "clinical.csv", path])


@pytest.mark.parametrize("name", ["clinic.tsv", "clinic.xlsx", "clinic.txt", "clinic.csv"])
def test_a_clinical_table_of_any_kind_is_found(tmp_path, name):
    hospital(tmp_path, table=False)
    rows = [HEADER.split(","), *(text.split(",") for text in (row("S1", 300, 1), row("S2", 400, 0)))]
    if name.endswith("xlsx"):
        book = openpyxl.Workbook()
        for cells in rows:
            book.active.append(cells)
        book.save(tmp_path / name)
    else:
        sign = "," if name.endswith("csv") else "\t"
        (tmp_path / name).write_text("\n".join(sign.join(cells) for cells in rows))
    assert read_cohort(tmp_path).outcome.time_days.tolist() == [300, 400]


def test_a_clinical_table_that_raises_a_question_asks_it(tmp_path):
    """Nobody else has the follow-up of S2: leaving the table aside would lose that patient without an answer."""
    hospital(tmp_path, table=False)
    write_table(tmp_path, [row("S1", 300, 1)])
    (tmp_path / "b.csv").write_text("PatientID,time,event\nS2,10,1\nS3,20,2\nS4,20,2\n")
    with pytest.raises(InputError, match="b.csv codes the event as '1', '2'"):
        read_cohort(tmp_path)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.csv": "Série;x\n".encode("latin-1")}, "a.csv is not in utf-8"),
        ({"a.xlsx": b"PK"}, "a.xlsx is not a workbook"),
        ({"a.csv": b'"', "b.xls": COMPOUND}, "None of 2 tables of the folder can be read as the clinical table. a.csv"),
        ({"a.csv": b"PatientID,time\nS1,5\n"}, "a.csv has no known column for event"),
    ],
)
def test_without_any_clinical_table_the_files_that_may_be_one_are_named(tmp_path, files, told):
    hospital(tmp_path, table=False)
    for name, raw in files.items():
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(InputError) as error:
        read_cohort(tmp_path, follow_up="required")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Série.csv", "is not in utf-8"),
        ("broken.xlsx", "is not a workbook"),
        ("dose.csv", "has no known column for event"),
        ("features.csv", "names patients of this folder but has no known columns of time and event"),
    ],
)
def test_features_without_follow_up_are_not_stopped_either(tmp_path, name, told):
    hospital(tmp_path, table=False)
    (tmp_path / name).write_bytes(STRAY[name])
    cohort = read_cohort(tmp_path)
    assert (cohort.ids, cohort.outcome) == (("S1", "S2"), None)
    assert any(told in note for note in cohort.notes)


def test_a_copy_of_the_table_counts_once(tmp_path):
    hospital(tmp_path / "north")
    table = (tmp_path / "north" / "clinical.csv").read_bytes()
    (tmp_path / "north" / "old").mkdir()
    (tmp_path / "north" / "old" / "clinical - copy.csv").write_bytes(table)
    cohort = read_cohort(tmp_path)
    assert set(cohort.centres) == {"north"}
    assert "north/old/clinical - copy.csv holds the same as north/clinical.csv and is left aside." in cohort.notes


def test_two_tables_that_differ_are_not_chosen_between(tmp_path):
    hospital(tmp_path)
    write_table(tmp_path, [row("S1", 300, 1), row("S2", 450, 0)], name="clinical_2.csv")
    cohort = read_cohort(tmp_path)
    (gone,) = cohort.exclusions
    assert cohort.ids == ("S1",)
    assert "differ in time; keep one, or name the table that counts in the study file: clinical = " in gone.reason


def test_what_was_not_understood_is_said_even_when_nobody_is_left(tmp_path):
    hospital(tmp_path, table=False)
    (tmp_path / "a.csv").write_text(
        "PatientID,RT start,date of death,date of last contact\nS1,soon,2014-03-05,\nS2,later,,2014-03-05\n"
    )
    with pytest.raises(InputError) as error:
        read_cohort(tmp_path)
    assert "2 of 2 cells of column 'RT start' are not understood as date_zero" in str(error.value)
    assert "column RT start of a.csv holds a date that is not understood" in str(error.value)
    assert "fill them in" not in str(error.value)


def test_columns_of_the_study_file_make_a_found_table_clinical(tmp_path):
    hospital(tmp_path, table=False)
    (tmp_path / "a.csv").write_text("Kennung,Dauer,Ende\nS1,300,1\nS2,400,0\n")
    options = CohortOptions(columns=ColumnOptions(id="Kennung", time="Dauer", event="Ende"))
    assert read_cohort(tmp_path, options=options).outcome.time_days.tolist() == [300, 400]
