"""Tables with types: XLSX and Parquet."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from perisurv.cohort.clinical.cells import Cell
from perisurv.cohort.clinical.sheet import Sheet, sheet_of
from perisurv.cohort.clinical_options import ClinicalOptions
from perisurv.core import InputError, ReadError

__all__ = ["read_parquet", "read_workbook"]

# A workbook of a cohort is far smaller; a zip that unpacks to more is refused unread.
_MOST_BYTES = 500_000_000
# First bytes of Microsoft's older files, and of new ones with a password.
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# What openpyxl and zipfile raise for files that are no workbooks, damaged or encrypted.
_DAMAGE = (
    OSError, KeyError, IndexError, TypeError, ValueError, AttributeError, SyntaxError, EOFError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_workbook(path: Path, name: str, options: ClinicalOptions, named: Collection[str] = ()) -> Sheet | None:
    """Read a sheet of a workbook.

    Parameters
    ----------
    named
        Names of columns that the user gave.

    Raises
    ------
    ReadError
        If the file is no workbook, is protected, or holds a formula without its value.
    InputError
        If several sheets are filled and none is chosen.
    """
    import openpyxl  # noqa: PLC0415 (start fast)

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise ReadError(f"{name} unpacks to more than {_MOST_BYTES // 10**6} MB; save the table alone, as CSV.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations that openpyxl does not know
            shown, written = (openpyxl.load_workbook(path, data_only=values) for values in (True, False))
    except _DAMAGE as error:
        raise ReadError(
            f"{name} is not a workbook that can be read ({_instead(path) or type(error).__name__}); save it as XLSX."
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
    return sheet_of(rows, f"sheet {title!r}", named=named)


def _instead(path: Path) -> str:
    """What the content of a file is that is called a workbook and is none; empty if that is not known."""
    try:
        raw = path.read_bytes()
    except OSError:
        return ""
    if raw.startswith(_COMPOUND):
        protected = "EncryptedPackage".encode("utf-16-le") in raw
        return "protected by a password: save it without" if protected else "an Excel workbook from before 2007"
    if raw[:512].lstrip().lower().startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta")):
        return "a web page"
    return "the file is empty" if not raw else ""


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


def read_parquet(path: Path, name: str, named: Collection[str] = ()) -> Sheet | None:
    """Read a Parquet file.

    Raises
    ------
    ReadError
        If it is none.
    """
    import pyarrow as pa  # noqa: PLC0415 (start fast)
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.read_table(path)
        columns = [column.to_pylist() for column in table.columns]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ReadError(f"{name} is not a Parquet file that can be read ({type(error).__name__}).") from error
    rows = [(n, [_typed(value) for value in row]) for n, row in enumerate(zip(*columns, strict=True), start=2)]
    return sheet_of([(1, list(table.column_names)), *rows], "Parquet", named=named)


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
