"""Numbers at risk and the Kaplan-Meier estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perisurv.core import Outcome

__all__ = ["KaplanMeier", "kaplan_meier", "life_table"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """Kaplan-Meier estimate at every distinct time, with Greenwood intervals on the log scale."""

    time_days: Floats
    survival: Floats
    lower: Floats
    upper: Floats
    at_risk: NDArray[np.int64]


def kaplan_meier(outcome: Outcome, confidence: float = 0.95) -> KaplanMeier:
    """Kaplan-Meier estimate of survival with Greenwood's interval on the log scale.

    As R's ``survfit`` (``conf.type = "log"``); where nobody is left alive, both limits are 0 (R gives none).
    """
    times, at_risk, deaths = life_table(outcome.time_days, outcome.event)
    survival: Floats = np.cumprod(1.0 - deaths / at_risk).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
        half = norm.ppf((1 + confidence) / 2) * np.sqrt(variance)
        lower = np.where(survival > 0, survival * np.exp(-half), 0.0)
        upper = np.where(survival > 0, np.minimum(survival * np.exp(half), 1.0), 0.0)
    return KaplanMeier(times, survival, lower.astype(float), upper.astype(float), at_risk.astype(np.int64))


def life_table(
    time: Floats, event: NDArray[np.bool_], within: NDArray[np.bool_] | None = None
) -> tuple[Floats, Floats, Floats]:
    """Distinct times of all patients; how many (of those within a group) are at risk and die there, shape (times,)."""
    times = np.unique(time)
    inside = np.ones(time.size, dtype=bool) if within is None else within
    leave = np.bincount(np.searchsorted(times, time[inside]), minlength=times.size)
    deaths = np.bincount(np.searchsorted(times, time[inside & event]), minlength=times.size)
    at_risk = leave[::-1].cumsum()[::-1]
    return times, at_risk.astype(float), deaths.astype(float)
