"""Harrell's C: value, bootstrap interval, and the paired difference of two risks on the same patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perisurv.core import Outcome
from perisurv.evaluation.resampling import bootstrap_counts, percentile_interval
from perisurv.statistics import pair_matrices

__all__ = ["PairedDifference", "c_index_interval", "paired_c_difference"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Difference of two C-indices on the same patients.

    Parameters
    ----------
    difference
        First minus second.
    lower, upper
        Percentile bootstrap interval; both risks are scored on the same resamples.
    p
        Two-sided, from the infinitesimal jackknife (as R's ``concordance`` with ``influence = 1``).
    """

    difference: float
    lower: float
    upper: float
    p: float


def c_index_interval(
    outcome: Outcome,
    risk: Floats,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
    strata: Sequence[object] | None = None,
) -> tuple[float, float]:
    """Percentile bootstrap interval of Harrell's C over patients.

    Resampling patients weights the matrix of pairs by the counts of both patients, so one matrix serves every
    resample. Resamples in which no pair can be compared are left out.

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
    """
    counts = bootstrap_counts(len(outcome), resamples, rng, strata).astype(float)
    return percentile_interval(_resampled_c(outcome, risk, counts), confidence)


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
    """C of ``risk`` minus C of ``other`` on the same patients; parameters as in :func:`c_index_interval`."""
    counts = bootstrap_counts(len(outcome), resamples, rng, strata).astype(float)
    draws = _resampled_c(outcome, risk, counts) - _resampled_c(outcome, other, counts)
    lower, upper = percentile_interval(draws, confidence)
    c_first, influence_first = _influence(outcome, risk)
    c_second, influence_second = _influence(outcome, other)
    difference = c_first - c_second
    error = float(np.sqrt(((influence_first - influence_second) ** 2).sum()))
    p = float(2 * norm.sf(abs(difference) / error)) if error > 0 else 1.0
    return PairedDifference(difference, lower, upper, p)


def _resampled_c(outcome: Outcome, risk: Floats, counts: Floats) -> Floats:
    """C of every resample; NaN where no pair can be compared."""
    concordant, comparable = pair_matrices(outcome.time_days, outcome.event, risk)
    # Counts and halves are exact in binary, so the sums do not depend on the order of the additions.
    hits = ((counts @ concordant) * counts).sum(axis=1)
    total = ((counts @ comparable) * counts).sum(axis=1)
    values: Floats = np.divide(hits, total, out=np.full(len(total), np.nan), where=total > 0)
    return values


def _influence(outcome: Outcome, risk: Floats) -> tuple[float, Floats]:
    """C, and its derivative by the weight of each patient."""
    concordant, comparable = pair_matrices(outcome.time_days, outcome.event, risk)
    total = comparable.sum()
    c_index = concordant.sum() / total
    hits = concordant.sum(axis=0) + concordant.sum(axis=1)
    pairs = comparable.sum(axis=0) + comparable.sum(axis=1)
    return float(c_index), (hits - c_index * pairs) / total
