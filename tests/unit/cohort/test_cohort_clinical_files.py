"""Tables as CSV, TSV, XLSX and Parquet: read when it is certain how, else refused with what to state."""

from datetime import date, datetime
from zipfile import ZipFile

import openpyxl
import pandas as pd
import pytest

from perisurv.cohort import ClinicalOptions, CohortOptions
from perisurv.cohort.clinical import files, read_table, workbooks
from perisurv.core import InputError, ReadError

HEADER = ("PatientID", "time", "event", "histology")
TEXT = "PatientID;time;event;histology\r\nP1;10;1;großzellig\r\n"


def clinical(**given):
    return CohortOptions(clinical=ClinicalOptions(**given))


def read(path, options=CohortOptions()):  # noqa: B008
    return read_table(path, path.name, options)


def text_file(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def workbook(tmp_path, rows, **sheets):
    book = openpyxl.Workbook()
    book.active.title = "patients"
    for row in rows:
        book.active.append(row)
    for title, others in sheets.items():
        sheet = book.create_sheet(title)
        for row in others:
            sheet.append(row)
    book.save(tmp_path / "t.xlsx")
    return tmp_path / "t.xlsx"


# --- encoding --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "options", "told"),
    [
        ("utf-8", {}, "utf-8"),
        ("utf-8-sig", {}, "utf-8-sig"),
        ("utf-16", {}, "utf-16"),
        ("utf-8-sig", {"encoding": "latin-1"}, "utf-8-sig"),
        ("latin-1", {"encoding": "latin-1"}, "latin-1"),
        ("cp1252", {"encoding": "cp1252"}, "cp1252"),
    ],
)
def test_encodings(tmp_path, encoding, options, told):
    table = read(text_file(tmp_path, TEXT.encode(encoding)), clinical(**options))
    assert table.rows[0].values["histology"] == "large_cell"
    assert table.guesses[0] == f"t.csv: 1 row ({told}, semicolon between cells)"


def test_an_encoding_is_not_guessed(tmp_path):
    with pytest.raises(ReadError, match=r"t\.csv is not in utf-8: row 2 holds a byte.*encoding = \"cp12"):
        read(text_file(tmp_path, TEXT.encode("latin-1")))


# --- delimiter -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_delimiters(tmp_path, sign):
    rows = read(text_file(tmp_path, TEXT.replace(";", sign))).rows
    assert (rows[0].time_days, rows[0].event) == (10, True)


def test_tsv_is_parted_by_tabs(tmp_path):
    content = "PatientID\ttime\tevent\tremark, free\nP1\t10\t1\ta, b\n"
    assert read(text_file(tmp_path, content, "t.tsv")).rows[0].time_days == 10


def test_signs_inside_names_do_not_part(tmp_path):
    content = "PatientID;age (years, at CT);OS (days, from RT);event\nP1;66,5;10;1\nP2;61,5;12;0\n"
    sheet = files.read_sheet(text_file(tmp_path, content), "t", ClinicalOptions())
    assert sheet.names == ("PatientID", "age (years, at CT)", "OS (days, from RT)", "event")


def test_two_delimiters_that_are_possible_are_refused(tmp_path):
    path = text_file(tmp_path, "id;x,time;event\nP1;x,5;1\n")
    with pytest.raises(ReadError, match=r"t\.csv can be parted by comma or semicolon; .* delimiter = "):
        read(path)
    sheet = files.read_sheet(path, "t", ClinicalOptions(delimiter=";"))
    assert sheet.names == ("id", "x,time", "event")


def test_quoted_lines_and_empty_rows(tmp_path):
    content = '\n\nPatientID,time,event,remark\n"P1",10,1,"two\nlines, quoted"\n\n,,,\nP2,20,0,\n'
    sheet = files.read_sheet(text_file(tmp_path, content), "t", ClinicalOptions())
    assert sheet.lines == (("P1", "10", "1", "two\nlines, quoted"), ("P2", "20", "0", ""))
    assert sheet.numbers == (4, 8)
    sheet = files.read_sheet(text_file(tmp_path, "id,,time,,\nP1,x,10,,,\n"), "t", ClinicalOptions())
    assert (sheet.names, sheet.lines) == (("id", "", "time"), (("P1", "x", "10"),))


@pytest.mark.parametrize("line", ['"P2,20,0', '"P2" x,20,0', 'P2,"a "b" c",0'])
def test_quotation_marks_that_would_swallow_rows_are_refused(tmp_path, line):
    content = f"PatientID,time,event\nP1,10,1\n{line}\nP3,30,0\n"
    with pytest.raises(
        ReadError, match=r"t\.csv cannot be read as CSV parted by comma: .* from row 3 on\)\. Close every"
    ):
        read(text_file(tmp_path, content))


@pytest.mark.parametrize("content", [b"PK\x03\x04\x00\x00", b"\x00\x01;\xff"])
def test_file_that_is_no_text(tmp_path, content):
    with pytest.raises(ReadError, match=r"t\.csv is not a table as text; save it as CSV in UTF-8"):
        read(text_file(tmp_path, content))


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx", "t.parquet"])
def test_empty_tables(tmp_path, name):
    path = tmp_path / name
    if name == "t.xlsx":
        workbook(tmp_path, [])
    elif name == "t.parquet":
        pd.DataFrame().to_parquet(path)
    else:
        path.write_text("\n ;,\n")
    with pytest.raises(ReadError, match="is empty"):
        read(path)
    assert read_table(path, name, CohortOptions(), given=False).rows == ()


def test_other_suffixes_are_refused_by_name(tmp_path):
    with pytest.raises(ReadError, match=r"t\.xls is none of CSV, TSV, XLSX and Parquet"):
        read(text_file(tmp_path, TEXT, "t.xls"))


# --- with types ------------------------------------------------------------------------------------------------------


def test_workbook(tmp_path):
    rows = [
        [],
        ["PatientID", "age", "OS (months)", "dead", "RT start", "deathdate", "histology"],
        ["A1", 66.625, 12, True, datetime(2014, 3, 5, 12), date(2015, 3, 5), "LCC"],
        ["A2", "61,5", 24.5, False, "2014-03-05", None, None],
    ]
    table = read(workbook(tmp_path, rows))
    a, b = table.rows
    assert (a.values["age_years"], a.time_days, a.event) == (66.625, 365.25, True)
    assert (a.dates.zero, a.dates.death) == (date(2014, 3, 5), date(2015, 3, 5))
    assert (b.values["age_years"], b.time_days, b.event, b.dates.death) == (61.5, 24.5 * 30.4375, False, None)
    assert table.guesses[0] == "t.xlsx: 2 rows (sheet 'patients')"


def test_ids_that_a_workbook_stores_as_numbers_are_told(tmp_path):
    table = read(workbook(tmp_path, [HEADER, [7, 10, 1, ""], ["008", 20, 0, ""]]))
    assert [r.patient_id for r in table.rows] == ["7", "008"]
    assert table.remarks == (
        "t.xlsx: ids in column 'PatientID' that are stored as numbers, so that leading zeros, if there were any, are "
        "lost: 1; format the column as text if the images have them.",
    )


def test_sheets(tmp_path):
    path = workbook(tmp_path, [HEADER, ["P1", 10, 1, ""]], legend=[["code"], ["1"]], empty=[])
    with pytest.raises(InputError, match=r"t\.xlsx has 2 filled sheets \('patients', 'legend'\); choose one"):
        read(path)
    assert len(read(path, clinical(sheet="patients")).rows) == 1
    with pytest.raises(InputError, match=r"no filled sheet 'patient'; it has 'patients', 'legend'"):
        read(path, clinical(sheet="patient"))


def test_formula_without_its_value(tmp_path):
    path = workbook(tmp_path, [HEADER, ["P1", "=5+5", 1, ""]])
    with pytest.raises(ReadError, match=r"Cell B2 of t\.xlsx is a formula without a stored value"):
        read(path)


@pytest.mark.parametrize("name", ["t.xlsx", "t.parquet"])
def test_damaged_files(tmp_path, name):
    with pytest.raises(ReadError, match=f"{name} is not a"):
        read(text_file(tmp_path, TEXT, name))
    with ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("other", "x")
    with pytest.raises(ReadError, match=r"t\.xlsx is not a workbook"):
        read(tmp_path / "t.xlsx")


def test_a_workbook_that_unpacks_to_too_much_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "_MOST_BYTES", 1000)
    with pytest.raises(ReadError, match="unpacks to more than"):
        read(workbook(tmp_path, [HEADER]))


def test_parquet(tmp_path):
    frame = pd.DataFrame(
        {
            "PatientID": ["P1", "P2"],
            "time": [10.5, None],
            "event": pd.array([True, None], dtype="boolean"),
            "age": [66.125, 61.0],
            "date of death": pd.to_datetime(["2014-03-05", None]),
            "stage": pd.Categorical(["IIIA", None]),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    a, b = read(tmp_path / "t.parquet").rows
    assert (a.time_days, a.event, a.values["age_years"], a.dates.death) == (10.5, True, 66.125, date(2014, 3, 5))
    assert a.values["stage_group"] == "IIIA"
    assert (b.time_days, b.event, b.dates.death, b.values["stage_group"]) == (None, None, None, None)


def test_one_table_in_four_forms_says_the_same(tmp_path):
    frame = pd.DataFrame({"PatientID": ["P1", "P2"], "OS_weeks": [10.5, 20.0], "dead": [1, 0], "age": [66.125, 61.0]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    told = [read(tmp_path / f"t.{s}").to_frame() for s in ("csv", "tsv", "xlsx", "parquet")]
    for other in told[1:]:
        pd.testing.assert_frame_equal(told[0], other)
    assert told[0]["time_days"].tolist() == [73.5, 140.0]
