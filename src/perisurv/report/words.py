"""How names, times and probabilities are written in the report."""

from __future__ import annotations

from collections.abc import Mapping

from perisurv.core.wording import counted

__all__ = ["DAYS_PER_MONTH", "DAYS_PER_YEAR", "branch_label", "horizon_label", "p_value", "ring_label", "tried"]

DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12

_BRANCHES = {
    "volume": "Tumour volume alone",
    "clinical": "Clinical",
    "tumour": "Tumour radiomics",
    "tumour+ring": "Tumour + ring radiomics",
    "deep": "Deep features",
    "combined": "Combined",
    "oracle": "Oracle (true risk)",
}


def branch_label(branch: str) -> str:
    """A branch of the ladder as a reader calls it; unknown names stay as they are."""
    if branch.startswith("ring_"):
        return f"{ring_label(branch)} radiomics"
    return _BRANCHES.get(branch, branch)


def ring_label(name: str) -> str:
    """``ring_6mm`` -> ``6 mm ring``."""
    width = name.removeprefix("ring_").removesuffix("mm")
    return f"{width} mm ring" if name == f"ring_{width}mm" else name


def horizon_label(days: float) -> str:
    """Whole years as years, everything else in days."""
    years = round(days / DAYS_PER_YEAR)
    if years < 1 or abs(days - years * DAYS_PER_YEAR) > 1.0:
        return f"{days:g} days"
    return f"{years} year{'s' if years > 1 else ''}"


def p_value(p: float) -> str:
    """``p < 0.001`` or ``p = 0.042``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def tried(counts: Mapping[str, int]) -> str:
    """What was tried before the numbers: ``9 branches, 1 ring``."""
    singular = {"branches": "branch"}
    return ", ".join(counted(n, singular.get(what, what.removesuffix("s")), what) for what, n in counts.items() if n)
