"""Cells of a clinical table to numbers and categories. None: the cell says nothing that can be used."""

from __future__ import annotations

import re
from collections.abc import Collection

from perisurv.cohort.clinical.cells import is_missing, number
from perisurv.cohort.clinical.spellings import HISTOLOGY, SEX, SMOKING

__all__ = ["age_years", "dose_gy", "ecog", "histology", "level", "sex", "smoking"]

_DOSE = re.compile(r"(.*?)\s*(c?gy)?")
_ECOG = re.compile(r"(?:ecog|who|ps)?\s*(?:ps)?\s*([0-4])(?:[.,]0+)?")


def sex(text: str, column: Collection[str] = ()) -> str | None:
    """``male`` or ``female``. A column coded 0 and 1 does not say which is which: None."""
    value = number(text)
    if value is not None and any(number(other) == 0.0 for other in column):
        return None
    return SEX.get(f"{value:g}" if value is not None else text.strip().casefold())


def ecog(text: str) -> float | None:
    """ECOG performance status 0 to 4."""
    match = _ECOG.fullmatch(text.strip().casefold())
    return float(match[1]) if match else None


def histology(text: str) -> str | None:
    """``adenocarcinoma``, ``squamous``, ``large_cell``, ``nos`` or ``other``."""
    plain = text.strip().casefold()
    if is_missing(plain):
        return None
    return next((name for part, name in HISTOLOGY if part in plain), "other")


def smoking(text: str) -> str | None:
    """``never``, ``former`` or ``current``. Figures are codes that differ between hospitals: None."""
    return SMOKING.get("".join(c for c in text.casefold() if c.isalpha()))


def age_years(text: str, decimal: str = ".") -> float | None:
    """Age between 0 and 120 years; anything else (999, a year of birth) is a code or a mistake."""
    value = number(text.strip().casefold().removesuffix("y"), decimal)
    return value if value is not None and 0 < value < 120 else None


def dose_gy(text: str, decimal: str = ".") -> float | None:
    """Dose in Gy; a cell may state Gy or cGy."""
    match = _DOSE.fullmatch(text.strip().casefold())
    value = number(match[1], decimal) if match else None
    if value is None or value < 0:
        return None
    return value / 100.0 if match and match[2] == "cgy" else value


def level(text: str, levels: Collection[str]) -> str | None:
    """The level that the cell names, whatever its case and blanks."""
    plain = " ".join(text.casefold().split())
    return next((known for known in levels if " ".join(known.casefold().split()) == plain), None)
