"""Cells of a clinical table to numbers and categories. None: the cell says nothing that can be used."""

from __future__ import annotations

import math
import re
from collections.abc import Collection

from perisurv.cohort.spellings import EVENT, HISTOLOGY, MISSING, SEX

__all__ = ["age_years", "dose_gy", "ecog", "event", "histology", "is_missing", "number", "sex", "stage"]

_STAGE = re.compile(r"(?:stage|stadium|uicc|ajcc)?\s*(iv|iii|ii|i|[1-4])\s*([abc])?\s*[1-3]?(?:\.0+)?")
_ROMAN = {"i": 1.0, "ii": 2.0, "iii": 3.0, "iv": 4.0, "1": 1.0, "2": 2.0, "3": 3.0, "4": 4.0}
_SUBSTAGE = {"a": 0.0, "b": 0.5, "c": 0.75}
_DOSE = re.compile(r"(.*?)\s*(c?gy)?")
_ECOG = re.compile(r"(?:ecog|who|ps)?\s*(?:ps)?\s*([0-4])(?:[.,]0+)?")


def is_missing(text: str) -> bool:
    """Whether the cell is empty or says that the value is not known."""
    return text.strip().casefold() in MISSING


def number(text: str) -> float | None:
    """A number with a decimal point or comma; of both in one number the last is the decimal sign."""
    digits = text.strip().replace("\u00a0", "").replace(" ", "")
    if "," in digits:
        point = digits.rfind(",") > digits.rfind(".")
        digits = digits.replace(".", "").replace(",", ".") if point else digits.replace(",", "")
    try:
        value = float(digits)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def event(text: str) -> bool | None:
    """True for a death, False for follow-up that ended before it."""
    plain = " ".join(text.casefold().split())
    value = number(plain)
    return EVENT.get(f"{value:g}" if value is not None else plain)


def sex(text: str, column: Collection[str] = ()) -> str | None:
    """``male`` or ``female``. A column coded 0 and 1 does not say which is which: None."""
    value = number(text)
    if value is not None and any(number(other) == 0.0 for other in column):
        return None
    return SEX.get(f"{value:g}" if value is not None else text.strip().casefold())


def stage(text: str) -> float | None:
    """Overall stage as a number: I = IA = 1, IB = 1.5, ..., IIIA = 3, IIIB = 3.5, IIIC = 3.75, IV = 4."""
    match = _STAGE.fullmatch(text.strip().casefold())
    if match is None:
        return None
    whole = _ROMAN[match[1]]
    return whole if whole == 4.0 else whole + _SUBSTAGE.get(match[2] or "a", 0.0)


def ecog(text: str) -> float | None:
    """ECOG performance status 0 to 4."""
    match = _ECOG.fullmatch(text.strip().casefold())
    return float(match[1]) if match else None


def histology(text: str) -> str | None:
    """``adenocarcinoma``, ``squamous``, ``large_cell``, ``nos`` or ``other``."""
    plain = text.strip().casefold()
    if plain in MISSING:
        return None
    return next((name for part, name in HISTOLOGY if part in plain), "other")


def age_years(text: str) -> float | None:
    """Age between 0 and 120 years; anything else (999, a year of birth) is a code or a mistake."""
    value = number(text.strip().casefold().removesuffix("y"))
    return value if value is not None and 0 < value < 120 else None


def dose_gy(text: str) -> float | None:
    """Dose in Gy; a cell may state Gy or cGy."""
    match = _DOSE.fullmatch(text.strip().casefold())
    value = number(match[1]) if match else None
    if value is None or value < 0:
        return None
    return value / 100.0 if match and match[2] == "cgy" else value
