"""Table files to cells: CSV and TSV as text, XLSX and Parquet with their types."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from perisurv.cohort.clinical.encodings import decoded
from perisurv.cohort.clinical.sheet import Sheet, header_row, known_names, sheet_of
from perisurv.cohort.clinical.workbooks import read_parquet, read_workbook
from perisurv.cohort.clinical_options import ClinicalOptions
from perisurv.core import ReadError

__all__ = ["Sheet", "read_sheet"]

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# First line by which spreadsheet programs are told the delimiter.
_STATED = re.compile(r'\ufeff?"?sep=([,;\t|:^~])"?[ ;,\t]*(?=\r?\n|\r|$)', re.IGNORECASE)
# So many known names of columns leave no doubt about a delimiter under which another finds none.
_SURE = 3


def read_sheet(path: Path, name: str, options: ClinicalOptions, named: Collection[str] = ()) -> Sheet | None:
    """Read a table by its suffix; None where it holds nothing.

    Parameters
    ----------
    named
        Names of columns that the user gave; they tell the row of names among titles.

    Raises
    ------
    ReadError
        If the file is not what its suffix says, or its encoding or delimiter is not certain.
    InputError
        If a workbook has several filled sheets.
    """
    suffix = path.suffix.casefold()
    if suffix in (".xlsx", ".xlsm"):
        return read_workbook(path, name, options, named)
    if suffix == ".parquet":
        return read_parquet(path, name, named)
    if suffix in (".csv", ".tsv", ".txt", ".tab"):
        return _text(path, name, options, named)
    raise ReadError(f"{name} is none of CSV, TSV, XLSX and Parquet; save the clinical table as one of them.")


def _text(path: Path, name: str, options: ClinicalOptions, named: Collection[str]) -> Sheet | None:
    text, encoding = decoded(_bytes(path, name), name, options.encoding)
    stated = _STATED.match(text)
    first = 1
    if stated:
        text, first = text[stated.end() :].lstrip("\r").removeprefix("\n"), 2
    if not any(line.strip(" \t;,|") for line in text.splitlines()):
        return None
    delimiter = "\t" if path.suffix.casefold() in (".tsv", ".tab") else ""
    if stated:
        delimiter = stated[1]
    if options.delimiter != "auto":
        delimiter = options.delimiter
    delimiter = delimiter or _delimiter(text, name, named)
    rows = _filled(_records(text, delimiter, name, first))
    return sheet_of(rows, f"{encoding}, {_called(delimiter)} between cells", delimiter, named)


def _bytes(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReadError(f"{name} cannot be opened ({type(error).__name__}).") from error


def _called(delimiter: str) -> str:
    return _DELIMITERS.get(delimiter, repr(delimiter))


def _records(text: str, delimiter: str, name: str, first: int = 1) -> list[tuple[int, list[str]]]:
    """Records with the row of the file in which each begins; ``first`` is that of the text."""
    above = first - 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    records = []
    try:
        for record in reader:
            records.append((first, record))
            first = reader.line_num + above + 1
    except csv.Error as error:
        raise ReadError(
            f"{name} cannot be read as CSV parted by {_called(delimiter)}: {error} (the record from row {first} "
            "on). Close every quotation mark and double those inside a quoted text."
        ) from error
    return records


def _filled(records: Sequence[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    return [(number, row) for number, row in records if "".join(row).strip(" \t;,|")]


def _delimiter(text: str, name: str, named: Collection[str]) -> str:
    """The only delimiter that parts the column names.

    Of several, the only one that shows known names, else the only one under which every row has as many cells.
    """
    filled: dict[str, list[Sequence[str]]] = {}
    for sign in _DELIMITERS:
        with suppress(ReadError):  # quotation marks that do not fit this sign
            rows: list[Sequence[str]] = [row for _, row in _filled(_records(text, sign, name))]
            filled[sign] = rows[header_row(rows, named) :] if rows else []
    possible = [sign for sign, rows in filled.items() if rows and len(rows[0]) > 1]
    if len(possible) > 1:
        known = {sign: known_names(filled[sign][0], named) for sign in possible}
        sure = [sign for sign in possible if known[sign] >= _SURE]
        if len(sure) == 1 and not any(known[sign] for sign in possible if sign not in sure):
            return sure[0]
        possible = [s for s in possible if len({len(_trimmed(row)) for row in filled[s]}) == 1] or possible
    if len(possible) > 1:
        raise ReadError(
            f"{name} can be parted by {' or '.join(_DELIMITERS[s] for s in possible)}; state it below "
            f"[cohort.clinical], such as delimiter = {possible[0]!r}."
        )
    return possible[0] if possible else ","


def _trimmed(row: Sequence[str]) -> Sequence[str]:
    count = len(row)
    while count and not row[count - 1].strip():
        count -= 1
    return row[:count]
