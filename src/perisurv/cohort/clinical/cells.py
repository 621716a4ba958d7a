"""What a cell of a table is, and numbers in it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date

from perisurv.cohort.clinical.spellings import MISSING

__all__ = ["Cell", "decimal_signs", "is_missing", "number", "text_of", "two_ways"]

# Text as written; numbers and dates where the file has types (XLSX, Parquet).
Cell = str | float | date

_BLANKS = re.compile(r"[\s'\u2019]")
# Between figures a blank parts thousands; "12 24" is no number.
_PARTED = re.compile(r"[+-]?\d{1,3}([\s'\u2019]\d{3})+(?!\d)")
# Figures and signs of East Asian widths, and the minus sign.
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0x2212: 0x2D}
_PLAIN = re.compile(r"[+-]?\d*([.,]?)\d*(?:e[+-]?\d+)?", re.IGNORECASE)
_TWO_WAYS = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?:(?!\1)([.,])\d*)?")


def text_of(cell: Cell) -> str:
    """The cell as text without outer blanks; whole numbers without decimals, dates as ISO 8601."""
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return cell.isoformat() if isinstance(cell, date) else cell.strip()


def is_missing(cell: Cell, codes: Iterable[str] = ()) -> bool:
    """Whether the cell is empty or says that the value is not known; ``codes`` are those that the user declared."""
    text = text_of(cell).casefold()
    if text in MISSING or " ".join(text.strip("[]()<>'\"`\u2018\u2019 ").split()) in MISSING:
        return True
    value = number(cell)
    return any(text == c.strip().casefold() or (value is not None and value == number(c)) for c in codes)


def two_ways(cell: Cell) -> bool:
    """Whether the only sign of a number may part thousands or decimals: ``1,234``."""
    return isinstance(cell, str) and _TWO_WAYS.fullmatch(_figures(cell)) is not None


def _figures(text: str) -> str:
    """The figures of a number without the blanks that part thousands; empty where blanks part something else."""
    narrow = text.translate(_WIDE).strip()
    joined = _BLANKS.sub("", narrow)
    return joined if joined == narrow or _PARTED.match(narrow) else ""


def decimal_signs(cells: Iterable[Cell]) -> set[str]:
    """Decimal signs that the numbers among the cells prove."""
    found = set()
    for cell in cells:
        digits = _figures(cell) if isinstance(cell, str) else ""
        if not digits or two_ways(digits) or number(digits) is None:
            continue
        plain, grouped = _PLAIN.fullmatch(digits), _GROUPED.fullmatch(digits)
        if plain is not None:
            found.add(plain[1])
        elif grouped is not None:
            found.add(grouped[2] or {".": ",", ",": "."}[grouped[1]])
    return found - {""}


def number(cell: Cell, decimal: str = ".") -> float | None:
    """A finite number with a decimal point or comma, thousands parted or not.

    Parameters
    ----------
    decimal
        Decimal sign of a cell that could be read both ways, such as ``1,234``.
    """
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, date):
        return None
    digits = _figures(cell)
    if _PLAIN.fullmatch(digits) and not (two_ways(digits) and decimal not in digits):
        digits = digits.replace(",", ".")
    elif (grouped := _GROUPED.fullmatch(digits)) is not None:
        digits = digits.replace(grouped[1], "").replace(",", ".")
    else:
        return None
    try:
        value = float(digits)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
