"""Harrell's C with bootstrap intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Outcome, OutcomeError

__all__ = ["c_index_interval", "harrell_c"]

Floats = NDArray[np.float64]


def harrell_c(time_days: Floats, event: NDArray[np.bool_], risk: Floats) -> float:
    """Harrell's concordance index; above 0.5 the higher risk dies earlier.

    A pair counts if the shorter time is a death; at equal times a death before a censoring counts, two deaths do
    not (as survival::concordance in R). Equal risks count one half.

    Raises
    ------
    OutcomeError
        If no pair of patients can be compared.
    """
    comparable, concordant = _pairs(time_days, event, risk)
    total = comparable.sum()
    if total == 0:
        raise OutcomeError("No pair of patients can be compared: nobody died before another one's follow-up ended.")
    return float(concordant.sum() / total)


def c_index_interval(
    outcome: Outcome, risk: Floats, rng: np.random.Generator, resamples: int = 1000, confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of Harrell's C over patients.

    Resampling patients weights the matrix of pairs by the counts of both patients, so that one matrix serves every
    resample. Resamples in which no pair can be compared are drawn from those that remain.
    """
    comparable, concordant = _pairs(outcome.time_days, outcome.event, risk)
    n = len(outcome)
    counts = rng.multinomial(n, np.full(n, 1.0 / n), size=resamples).astype(float)
    total = np.einsum("bi,bi->b", counts @ comparable, counts)
    hits = np.einsum("bi,bi->b", counts @ concordant, counts)
    values = hits[total > 0] / total[total > 0]
    if values.size == 0:
        raise OutcomeError("No pair of patients can be compared, so C has no interval.")
    lower, upper = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(lower), float(upper)


def _pairs(time: Floats, event: NDArray[np.bool_], risk: Floats) -> tuple[Floats, Floats]:
    """Matrix [i, j]: i died before j's follow-up ended; and how far the risks agree (1, 0.5 or 0)."""
    earlier = (time[:, None] < time[None, :]) | ((time[:, None] == time[None, :]) & ~event[None, :])
    comparable = (event[:, None] & earlier).astype(float)
    np.fill_diagonal(comparable, 0.0)
    agree = 0.5 * (1.0 + np.sign(risk[:, None] - risk[None, :]))
    return comparable, comparable * agree
