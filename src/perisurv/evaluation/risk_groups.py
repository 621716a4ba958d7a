"""Kaplan-Meier curves and the log-rank test of risk groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from perisurv.core import Outcome, OutcomeError, RiskGroupCurve

__all__ = ["KaplanMeier", "kaplan_meier", "log_rank", "risk_group_curves"]

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
    """Kaplan-Meier estimate of survival; interval as R's ``survfit`` (``conf.type = "log"``)."""
    times, at_risk, deaths = _table(outcome.time_days, outcome.event)
    survival: Floats = np.cumprod(1.0 - deaths / at_risk).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
        half = norm.ppf((1 + confidence) / 2) * np.sqrt(variance)
        lower = np.where(survival > 0, survival * np.exp(-half), 0.0)
        upper = np.where(survival > 0, np.minimum(survival * np.exp(half), 1.0), 0.0)
    return KaplanMeier(times, survival, lower.astype(float), upper.astype(float), at_risk.astype(np.int64))


def log_rank(outcome: Outcome, group: NDArray[np.bool_]) -> tuple[float, float]:
    """Chi-square (one degree of freedom) and p of the log-rank test of two groups.

    Raises
    ------
    OutcomeError
        If a group is empty or nobody died.
    """
    if group.all() or not group.any() or outcome.n_events == 0:
        raise OutcomeError("A log-rank test needs two groups with patients and at least one death.")
    _, at_risk, deaths = _table(outcome.time_days, outcome.event)
    _, in_group, deaths_in_group = _table(outcome.time_days, outcome.event, group)
    expected = deaths * in_group / at_risk
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = deaths * (in_group / at_risk) * (1 - in_group / at_risk) * (at_risk - deaths) / (at_risk - 1)
    variance = float(np.nansum(np.where(at_risk > 1, spread, 0.0)))
    if variance == 0:
        raise OutcomeError("A log-rank test needs a death while both groups are at risk.")
    statistic = float((deaths_in_group - expected).sum() ** 2 / variance)
    return statistic, float(chi2.sf(statistic, 1))


def risk_group_curves(
    branch: str, outcome: Outcome, high_risk: NDArray[np.bool_], confidence: float = 0.95
) -> tuple[RiskGroupCurve, ...]:
    """Curves of the low and the high risk group, with numbers at risk each half year; empty groups are left out."""
    ticks = np.arange(0.0, outcome.time_days.max() + 1, 365.25 / 2)
    curves = []
    for name, group in (("low", ~high_risk), ("high", high_risk)):
        if group.any():
            patients = [p for p, inside in zip(outcome.patients, group, strict=True) if inside]
            own = outcome.take(patients)
            km = kaplan_meier(own, confidence)
            at_risk = [int((own.time_days >= t).sum()) for t in ticks]
            curves.append(
                RiskGroupCurve(
                    branch, name, _floats(km.time_days), _floats(km.survival), _floats(km.lower), _floats(km.upper),
                    _floats(ticks), tuple(at_risk),
                )
            )  # fmt: skip
    return tuple(curves)


def _table(
    time: Floats, event: NDArray[np.bool_], within: NDArray[np.bool_] | None = None
) -> tuple[Floats, Floats, Floats]:
    """Distinct times, and the patients (within a group) at risk and dying there."""
    times = np.unique(time)
    inside = np.ones(time.size, dtype=bool) if within is None else within
    leave = np.bincount(np.searchsorted(times, time[inside]), minlength=times.size)
    deaths = np.bincount(np.searchsorted(times, time[inside & event]), minlength=times.size)
    at_risk = leave[::-1].cumsum()[::-1]
    return times, at_risk.astype(float), deaths.astype(float)


def _floats(values: Floats) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
