"""Whose baseline hazard a training patient shares: the centre's own where the options ask for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perisurv.core import FeatureError, Outcome
from perisurv.survival.domain import Acquisition
from perisurv.survival.options import FitOptions

__all__ = ["Strata", "labels_of_strata", "strata_of"]

Strata = Mapping[str, str]


def strata_of(options: FitOptions, acquisition: Acquisition | None, patients: Sequence[str]) -> Strata | None:
    """Patient -> centre, for fits stratified by centre; None without strata.

    Raises
    ------
    FeatureError
        If the centre of a patient is not known.
    """
    if options.strata == "none":
        return None
    given = acquisition or {}
    found = {p: str(given.get(p, {}).get("centre", "")) for p in patients}
    lacking = sorted(p for p, centre in found.items() if not centre)
    if lacking:
        raise FeatureError(
            f"Strata by centre need the centre of every training patient; {', '.join(lacking[:5])} "
            f"({len(lacking)} of {len(found)}) have no 'centre' in the acquisition. Give it or set strata to 'none'."
        )
    return found


def labels_of_strata(strata: Strata | None, outcome: Outcome) -> list[str] | None:
    """Label of each patient in the order of the outcome; None without strata."""
    return None if strata is None else [strata[p] for p in outcome.patients]
