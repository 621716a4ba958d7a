"""Dates of clinical tables. Two figures that may be day and month are read only where their order is known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from perisurv.cohort.clinical.cells import Cell

__all__ = ["ISO", "day_of", "orders"]

ISO = "iso"
_ISO = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})")
_FIGURES = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_NAMED = re.compile(r"(\d{1,2})[-. /]+([a-z]{3,9})[-., /]+(\d{4})|([a-z]{3,9})[-. /]+(\d{1,2})[-., /]+(\d{4})")
_TIME = re.compile(r"[t ]\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(z|[ap]m|[+-]\d{2}:?\d{2})?$")
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip


def day_of(cell: Cell, order: str = ISO) -> date | None:
    """The day that a cell names, without the time of day; years before 1900 and after 2100 are no dates of patients.

    Parameters
    ----------
    order
        ``iso``: ISO 8601, DICOM and named months only; ``dmy`` or ``mdy``: also figures in this order; anything
        else: a pattern as for ``strptime``, and no other form.
    """
    if isinstance(cell, float):
        return None
    day = cell if isinstance(cell, date) else _parsed(cell, order)
    return day if day and 1900 <= day.year <= 2100 else None


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
    if (iso := _ISO.fullmatch(text)) and (iso[2] or len(text) == 8):
        return int(iso[1]), int(iso[3]), int(iso[4])
    if named := _NAMED.fullmatch(text):
        day, month, year = (named[1], named[2], named[3]) if named[1] else (named[5], named[4], named[6])
        return int(year), _month(month), int(day)
    if (figures := _FIGURES.fullmatch(text)) and order != ISO:
        day, month = (figures[1], figures[3]) if order == "dmy" else (figures[3], figures[1])
        return int(figures[4]), int(month), int(day)
    return None
