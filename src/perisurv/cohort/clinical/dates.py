"""Dates of clinical tables. Two figures that may be day and month are read only where their order is known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from perisurv.cohort.clinical.cells import Cell, number, text_of
from perisurv.cohort.clinical_options import SERIAL_DATES

__all__ = ["ISO", "day_of", "form_to_state", "orders"]

ISO = "iso"
_ISO = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})")
_FIGURES = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_NAMED = re.compile(r"(\d{1,2})[-. /]+([a-z]{3,9})[-., /]+(\d{4})|([a-z]{3,9})[-. /]+(\d{1,2})[-., /]+(\d{4})")
_EAST_ASIAN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_SHORT_YEAR = re.compile(r"\d{1,2}([-/. ])(?:\d{1,2}|([a-z]{3,9}))\1'?\d{2}", re.IGNORECASE)
# Days that a spreadsheet counts for 1927 to 2118: smaller and larger numbers are something else.
_SERIAL = (10_000, 80_000)
_TIME = re.compile(r"[t ]\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(z|[ap]m|[+-]\d{2}:?\d{2})?$")
_ORDERS = (("%d", "%m", "%y"), ("%m", "%d", "%y"), ("%y", "%m", "%d"))
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip


def day_of(cell: Cell, order: str = ISO) -> date | None:
    """The day that a cell names, without the time of day; years before 1900 and after 2100 are no dates of patients.

    Parameters
    ----------
    order
        ``iso``: ISO 8601, DICOM and named months only; ``dmy`` or ``mdy``: also figures in this order; a key of
        ``SERIAL_DATES``: also days that a spreadsheet counted; anything else: a pattern as for ``strptime``, and no
        other form.
    """
    if isinstance(cell, date):
        day: date | None = cell
    elif order in SERIAL_DATES and (count := number(cell)) is not None:
        day = SERIAL_DATES[order] + timedelta(days=count // 1) if 1 <= count < _SERIAL[1] else None
    else:
        day = _parsed(text_of(cell), ISO if order in SERIAL_DATES else order)
    return day if day and 1900 <= day.year <= 2100 else None


def form_to_state(cells: Iterable[Cell]) -> tuple[str, tuple[str, ...]]:
    """What the study file must say of dates whose form cannot be known, and its lines; empty where there are none."""
    serial, short = 0, []
    for cell in cells:
        count = number(cell) if not isinstance(cell, date) else None
        serial += count is not None and _SERIAL[0] <= count < _SERIAL[1]
        match = _SHORT_YEAR.fullmatch(_TIME.sub("", text_of(cell)))
        short += [match] if match else []
    if serial:
        told = (
            f"are numbers ({serial}), as a spreadsheet program stores dates; state which below [cohort.clinical]: "
            'date_format = "serial-1900" (the usual system) or "serial-1904" (older Macs)'
        )
        return told, tuple(map(_line, SERIAL_DATES))
    if short:
        sign, named = short[0][1], short[0][2]
        forms = [f"%d{sign}%b{sign}%y"] if named else [f"{a}{sign}{b}{sign}{c}" for a, b, c in _ORDERS]
        told = (
            f"have years of two figures ({len(short)}); state their form below [cohort.clinical], such as "
            f"date_format = {' or '.join(map(_quoted, forms))}"
        )
        return told, tuple(map(_line, forms))
    return "", ()


def _line(form: str) -> str:
    return f"date_format = {_quoted(form)}"


def _quoted(form: str) -> str:
    return f'"{form}"'


def orders(cells: Iterable[Cell]) -> set[str]:
    """Orders of day and month that all dates in figures allow; empty where two of them contradict each other.

    ``{"iso"}`` where no cell is such a date.
    """
    possible, figures, differ = {"dmy", "mdy"}, False, False
    for cell in cells:
        allowed = {order for order in ("dmy", "mdy") if day_of(cell, order) is not None}
        if allowed and day_of(cell) is None:
            figures, possible = True, possible & allowed
            differ = differ or day_of(cell, "dmy") != day_of(cell, "mdy")
    if not figures:
        return {ISO}
    return possible if differ else {"dmy"}


def _month(name: str) -> int:
    if name == "sept":
        return 9
    return next(n for n, month in enumerate(_MONTHS, start=1) if month.startswith(name))


def _parsed(cell: str, order: str) -> date | None:
    try:
        if order not in (ISO, "dmy", "mdy"):
            return datetime.strptime(cell.strip(), order).date()
        parts = _year_month_day(_TIME.sub("", " ".join(cell.casefold().split())), order)
        return date(*parts) if parts else None
    except (StopIteration, ValueError):
        return None


def _year_month_day(text: str, order: str) -> tuple[int, int, int] | None:
    if east := _EAST_ASIAN.fullmatch(text):
        return int(east[1]), int(east[2]), int(east[3])
    if (iso := _ISO.fullmatch(text)) and (iso[2] or len(text) == 8):
        return int(iso[1]), int(iso[3]), int(iso[4])
    if named := _NAMED.fullmatch(text):
        day, month, year = (named[1], named[2], named[3]) if named[1] else (named[5], named[4], named[6])
        return int(year), _month(month), int(day)
    if (figures := _FIGURES.fullmatch(text)) and order != ISO:
        day, month = (figures[1], figures[3]) if order == "dmy" else (figures[3], figures[1])
        return int(figures[4]), int(month), int(day)
    return None
