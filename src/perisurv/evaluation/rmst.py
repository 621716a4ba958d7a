"""Restricted mean survival time, and its difference between two groups."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Outcome, OutcomeError
from perisurv.evaluation.estimate import Estimate, log_normal_estimate, normal_estimate
from perisurv.statistics import life_table

__all__ = ["RestrictedMeanComparison", "restricted_mean", "restricted_mean_difference"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RestrictedMeanComparison:
    """Restricted mean survival of two groups.

    Parameters
    ----------
    tau_days
        End of the restriction, days.
    group, other
        Restricted means of the named group and of the others, days.
    difference
        Group minus others, days.
    ratio
        Group over others.
    """

    tau_days: float
    group: Estimate
    other: Estimate
    difference: Estimate
    ratio: Estimate


def restricted_mean(outcome: Outcome, tau_days: float | None = None, confidence: float = 0.95) -> Estimate:
    """Restricted mean survival time: the area below the Kaplan-Meier curve up to tau, days.

    Values and standard errors are those of R's ``print(survfit(...), rmean = tau)`` and of survRM2 (Uno et al. 2014).

    Parameters
    ----------
    outcome
        Follow-up.
    tau_days
        End of the restriction, days. None: the longest follow-up. The curve is not known beyond the longest follow-up,
        so tau must not lie there unless everybody has died by then.
    confidence
        Coverage of the normal interval.

    Raises
    ------
    OutcomeError
        If tau is not positive or lies beyond the follow-up.
    """
    tau = float(outcome.time_days.max()) if tau_days is None else float(tau_days)
    _check_tau(tau, outcome, "the patients")
    mean, error = _mean(outcome.time_days, outcome.event, tau)
    found = normal_estimate(mean, error, confidence)
    return Estimate(mean, error, found.lower, found.upper)


def restricted_mean_difference(
    outcome: Outcome, group: NDArray[np.bool_], tau_days: float | None = None, confidence: float = 0.95
) -> RestrictedMeanComparison:
    """Difference and ratio of the restricted means of two groups, as survRM2.

    Parameters
    ----------
    outcome
        Follow-up.
    group
        True for the patients of the group, in the order of the outcome; the others are compared with it.
    tau_days
        End of the restriction, days, the same for both. None: the shorter of the longest follow-ups of the two groups.
    confidence
        Coverage of the intervals: normal for means and difference, normal in the logarithm for the ratio.

    Raises
    ------
    OutcomeError
        If a group is empty, or tau is not positive or lies beyond the follow-up of one group.
    """
    inside = np.asarray(group)
    if inside.shape != (len(outcome),) or inside.dtype != np.bool_:
        raise OutcomeError(
            f"A difference of restricted means needs one True or False for each of {len(outcome)} patients."
        )
    if inside.all() or not inside.any():
        raise OutcomeError("All patients are in one group; a difference of restricted means needs two.")
    parts = [
        outcome.take([p for p, own in zip(outcome.patients, mask, strict=True) if own]) for mask in (inside, ~inside)
    ]
    tau = min(float(part.time_days.max()) for part in parts) if tau_days is None else float(tau_days)
    for part, name in zip(parts, ("the group", "the other patients"), strict=True):
        _check_tau(tau, part, name)
    one, other = (restricted_mean(part, tau, confidence) for part in parts)
    difference = normal_estimate(
        one.value - other.value, math.hypot(one.standard_error, other.standard_error), confidence
    )
    relative = math.hypot(one.standard_error / one.value, other.standard_error / other.value)
    ratio = log_normal_estimate(math.log(one.value / other.value), relative, confidence)
    return RestrictedMeanComparison(tau, one, other, difference, ratio)


def _check_tau(tau: float, outcome: Outcome, whose: str) -> None:
    if not (math.isfinite(tau) and tau > 0):
        raise OutcomeError(f"A restricted mean needs a positive tau in days, got {tau:g}.")
    last = float(outcome.time_days.max())
    if tau > last and not outcome.event[outcome.time_days == last].all():
        raise OutcomeError(
            f"tau = {tau:g} days lies beyond the follow-up of {whose}, which ends at {last:g} days with patients "
            f"free of the event, so what comes beyond is unknown. Use tau <= {last:g}."
        )


def _mean(time: Floats, event: NDArray[np.bool_], tau: float) -> tuple[float, float]:
    """Area below the curve up to tau, and the standard error of Greenwood's kind."""
    times, at_risk, deaths = life_table(time, event)
    used = times < tau
    times, at_risk, deaths = times[used], at_risk[used], deaths[used]
    survival = np.concatenate([[1.0], np.cumprod(1.0 - deaths / at_risk)])
    areas = survival * np.diff(np.concatenate([[0.0], times, [tau]]))
    left = np.cumsum(areas[::-1])[::-1][1:]
    alive = at_risk - deaths
    hazard = np.divide(deaths, at_risk * alive, out=np.zeros_like(deaths), where=alive > 0)
    return float(areas.sum()), float(np.sqrt((left**2 * hazard).sum()))
