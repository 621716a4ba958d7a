"""Harrell's C: bootstrap interval, and the paired difference of two risks on the same patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perisurv.core import Outcome, SettingsError
from perisurv.evaluation.resampling import bca_interval, bootstrap_blocks, by_patient, percentile_interval
from perisurv.statistics import RankedPairs, concordance

__all__ = ["PairedDifference", "c_index_interval", "paired_c_difference", "paired_difference"]

Floats = NDArray[np.float64]
Interval = Literal["percentile", "bca"]


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Difference of two scores of the same patients.

    Parameters
    ----------
    difference
        First minus second.
    lower, upper
        Interval: percentile bootstrap for C, both risks scored on the same resamples; normal for the others.
    p
        Two-sided, from the standard error.
    standard_error
        From the infinitesimal jackknife: what two scores have in common by being of the same patients cancels.
    """

    difference: float
    lower: float
    upper: float
    p: float
    standard_error: float


def c_index_interval(
    outcome: Outcome,
    risk: Floats,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
    strata: Sequence[object] | None = None,
    method: Interval = "percentile",
) -> tuple[float, float]:
    """Bootstrap interval of Harrell's C over patients.

    The patients are sorted once; a resample is a count of each of them. Resamples in which no pair can be compared are
    left out. The analytic interval is that of :func:`perisurv.statistics.concordance`.

    Parameters
    ----------
    outcome
        Follow-up.
    risk
        Higher is worse, in the order of the outcome.
    rng
        Of the resamples.
    resamples, confidence
        Number of resamples and coverage of the interval.
    strata
        One label a patient, such as the centre, to resample within; None: all together.
    method
        ``"percentile"``, or ``"bca"``: corrected for bias and acceleration, the latter from C without each patient.
    """
    if method not in ("percentile", "bca"):
        raise SettingsError(f"The interval of C is 'percentile' or 'bca', got {method!r}.")
    outcome, (risk,), strata = by_patient(outcome, risk, strata=strata)
    pairs = RankedPairs.of(outcome.time_days, outcome.event, risk)
    draws = np.concatenate([pairs.resampled(c) for c in bootstrap_blocks(len(outcome), resamples, rng, strata)])
    if method == "percentile":
        return percentile_interval(draws, confidence)
    return bca_interval(draws, pairs.c_index(), pairs.without_each(), confidence, strata)


def paired_c_difference(
    outcome: Outcome,
    risk: Floats,
    other: Floats,
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    strata: Sequence[object] | None = None,
) -> PairedDifference:
    """C of ``risk`` minus C of ``other`` on the same patients; parameters as in :func:`c_index_interval`.

    p is that of R's ``concordance`` with ``influence = 1``, the difference of both.
    """
    outcome, (risk, other), strata = by_patient(outcome, risk, other, strata=strata)
    first, second = (RankedPairs.of(outcome.time_days, outcome.event, r) for r in (risk, other))
    blocks = bootstrap_blocks(len(outcome), resamples, rng, strata)
    draws = np.concatenate([first.resampled(counts) - second.resampled(counts) for counts in blocks])
    lower, upper = percentile_interval(draws, confidence)
    c_first, c_second = (concordance(outcome.time_days, outcome.event, r) for r in (risk, other))
    normal = paired_difference(c_first.c_index - c_second.c_index, c_first.influence - c_second.influence, confidence)
    return PairedDifference(normal.difference, lower, upper, normal.p, normal.standard_error)


def paired_difference(difference: float, influence: Floats, confidence: float = 0.95) -> PairedDifference:
    """Normal interval and p of a difference.

    Parameters
    ----------
    difference
        First minus second.
    influence
        Difference of the influences of each patient, shape (patients,): its sum of squares is the variance.
    confidence
        Coverage.
    """
    error = float(np.sqrt((influence**2).sum()))
    half = float(norm.ppf((1 + confidence) / 2)) * error
    p = float(2 * norm.sf(abs(difference) / error)) if error > 0 else 1.0
    return PairedDifference(float(difference), float(difference - half), float(difference + half), p, error)
