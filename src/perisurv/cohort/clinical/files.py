"""Table files to cells: CSV and TSV as text, XLSX and Parquet with their types."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from perisurv.cohort.clinical.cells import Cell, text_of
from perisurv.cohort.clinical_options import ClinicalOptions
from perisurv.core import InputError, ReadError

__all__ = ["Sheet", "read_sheet"]

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# A workbook of a cohort is far smaller; a zip that unpacks to more is refused unread.
_MOST_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """Cells of one table.

    Parameters
    ----------
    names
        Column names, blanks collapsed.
    lines
        One a row of the file, as many cells as names.
    numbers
        For each line its row in the file.
    how
        How the file was read, for the user.
    delimiter
        Of a text; empty where cells have types.
    """

    names: tuple[str, ...]
    lines: tuple[tuple[Cell, ...], ...]
    numbers: tuple[int, ...]
    how: str
    delimiter: str = ""


def read_sheet(path: Path, name: str, options: ClinicalOptions) -> Sheet | None:
    """Read a table by its suffix; None where it holds nothing.

    Raises
    ------
    ReadError
        If the file is not what its suffix says, or its encoding or delimiter is not certain.
    """
    suffix = path.suffix.casefold()
    if suffix in (".xlsx", ".xlsm"):
        return _workbook(path, name, options)
    if suffix == ".parquet":
        return _parquet(path, name)
    if suffix in (".csv", ".tsv", ".txt", ".tab"):
        return _text(path, name, options, "\t" if suffix in (".tsv", ".tab") else "")
    raise ReadError(f"{name} is none of CSV, TSV, XLSX and Parquet; save the clinical table as one of them.")


def _sheet(rows: Iterable[tuple[int, Sequence[Cell]]], name: str, how: str, delimiter: str = "") -> Sheet | None:
    """The first row that is not empty names the columns."""
    filled = [(number, row) for number, row in rows if any(text_of(cell) for cell in row)]
    if not filled:
        return None
    names = tuple(" ".join(text_of(cell).split()) for cell in filled[0][1])
    names = names[: max(k for k, column in enumerate(names, start=1) if column)]
    lines = tuple(_fitted(row, len(names), name, number) for number, row in filled[1:])
    return Sheet(names, lines, tuple(number for number, _ in filled[1:]), how, delimiter)


def _fitted(row: Sequence[Cell], count: int, name: str, number: int) -> tuple[Cell, ...]:
    """The cells of a row, one a column. A row with more is shifted, as by an unquoted decimal comma."""
    if any(text_of(cell) for cell in row[count:]):
        raise InputError(
            f"Row {number} of {name} has {len(row)} cells where the header has {count}; "
            "quote texts and decimals that hold the delimiter, or give every column a name."
        )
    return (*row[:count], *[""] * (count - len(row)))


# --- text ------------------------------------------------------------------------------------------------------------


def _text(path: Path, name: str, options: ClinicalOptions, delimiter: str) -> Sheet | None:
    text, encoding = _decoded(_bytes(path, name), name, options)
    if "\0" in text:
        raise ReadError(f"{name} is not a table as text; save it as CSV in UTF-8.")
    lines = [line.strip() for line in text.splitlines() if line.strip(" \t;,|")]
    if not lines:
        return None
    if options.delimiter != "auto":
        delimiter = options.delimiter
    delimiter = delimiter or _delimiter(text, name)
    rows = ((number, row) for number, row in _records(text, delimiter, name) if "".join(row).strip(" \t;,|"))
    return _sheet(rows, name, f"{encoding}, {_DELIMITERS[delimiter]} between cells", delimiter)


def _bytes(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReadError(f"{name} cannot be opened ({type(error).__name__}).") from error


def _decoded(raw: bytes, name: str, options: ClinicalOptions) -> tuple[str, str]:
    encoding = next((known for mark, known in _MARKS if raw.startswith(mark)), options.encoding)
    try:
        return raw.decode(encoding), encoding
    except UnicodeDecodeError as error:
        if b"\0" in raw:
            raise ReadError(f"{name} is not a table as text; save it as CSV in UTF-8.") from error
        row = raw[: error.start].count(b"\n") + 1
        raise ReadError(
            f"{name} is not in {encoding}: row {row} holds a byte that has no meaning there. Save it as CSV in UTF-8, "
            'or state its encoding below [cohort.clinical], such as encoding = "latin-1" (or "cp1252", Windows).'
        ) from error


def _records(text: str, delimiter: str, name: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    records, first = [], 1
    try:
        for record in reader:
            records.append((first, record))
            first = reader.line_num + 1
    except csv.Error as error:
        raise ReadError(
            f"{name} cannot be read as CSV parted by {_DELIMITERS[delimiter]}: {error} (the record from row {first} "
            "on). Close every quotation mark and double those inside a quoted text."
        ) from error
    return records


def _delimiter(text: str, name: str) -> str:
    """The only delimiter that parts the column names, or the only one under which every row has their number."""
    filled: dict[str, list[list[str]]] = {}
    for sign in _DELIMITERS:
        with suppress(ReadError):  # quotation marks that do not fit this sign
            filled[sign] = [row for _, row in _records(text, sign, name) if "".join(row).strip(" \t;,|")]
    possible = [sign for sign, rows in filled.items() if rows and len(rows[0]) > 1]
    if len(possible) > 1:
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


# --- with types ------------------------------------------------------------------------------------------------------


def _workbook(path: Path, name: str, options: ClinicalOptions) -> Sheet | None:
    import openpyxl  # noqa: PLC0415 (start fast)

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise ReadError(f"{name} unpacks to more than {_MOST_BYTES // 10**6} MB; save the table alone, as CSV.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations that openpyxl does not know
            shown, written = (openpyxl.load_workbook(path, data_only=values) for values in (True, False))
    except (OSError, KeyError, TypeError, ValueError, SyntaxError, zipfile.BadZipFile) as error:
        raise ReadError(
            f"{name} is not a workbook that can be read ({type(error).__name__}); save it as XLSX."
        ) from error
    title = _sheet_title(
        [s.title for s in shown.worksheets if s.max_row > 1 or s["A1"].value is not None], name, options
    )
    if not title:
        return None
    formulas = written[title]
    rows: list[tuple[int, list[Cell]]] = []
    for number, row in enumerate(shown[title].iter_rows(), start=1):
        for cell in row:
            if cell.value is None and isinstance(formulas[cell.coordinate].value, str):
                raise ReadError(
                    f"Cell {cell.coordinate} of {name} is a formula without a stored value; open the workbook in a "
                    "spreadsheet program and save it."
                )
        rows.append((number, [_typed(cell.value) for cell in row]))
    return _sheet(rows, name, f"sheet {title!r}")


def _sheet_title(titles: Sequence[str], name: str, options: ClinicalOptions) -> str:
    if options.sheet:
        if options.sheet not in titles:
            raise InputError(f"{name} has no filled sheet {options.sheet!r}; it has {', '.join(map(repr, titles))}.")
        return options.sheet
    if len(titles) > 1:
        raise InputError(
            f"{name} has {len(titles)} filled sheets ({', '.join(map(repr, titles))}); choose one below "
            f"[cohort.clinical]: sheet = {titles[0]!r}."
        )
    return titles[0] if titles else ""


def _parquet(path: Path, name: str) -> Sheet | None:
    import pyarrow as pa  # noqa: PLC0415 (start fast)
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.read_table(path)
        columns = [column.to_pylist() for column in table.columns]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ReadError(f"{name} is not a Parquet file that can be read ({type(error).__name__}).") from error
    rows = [(n, [_typed(value) for value in row]) for n, row in enumerate(zip(*columns, strict=True), start=2)]
    return _sheet([(1, list(table.column_names)), *rows], name, "Parquet")


def _typed(value: Any) -> Cell:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 (NaN)
        return ""
    if isinstance(value, bool):
        return str(value).casefold()
    if isinstance(value, (int, float, Decimal)):
        return float(value)
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else str(value)
