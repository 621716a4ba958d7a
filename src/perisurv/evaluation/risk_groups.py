"""Kaplan-Meier curves and the log-rank test of risk groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from perisurv.core import Outcome, OutcomeError, RiskGroupCurve
from perisurv.statistics import kaplan_meier, life_table

__all__ = ["log_rank", "risk_group_curves"]

Floats = NDArray[np.float64]


def log_rank(outcome: Outcome, group: NDArray[np.bool_]) -> tuple[float, float]:
    """Chi-square (one degree of freedom) and p of the log-rank test of two groups (as R's ``survdiff``).

    Parameters
    ----------
    outcome
        Follow-up.
    group
        True for the patients of one group, in the order of the outcome.

    Raises
    ------
    OutcomeError
        If a group is empty, or nobody died while both groups were followed.
    """
    if group.shape != (len(outcome),):
        raise OutcomeError(f"The log-rank test needs one group a patient: {group.size} for {len(outcome)} patients.")
    if group.all() or not group.any():
        raise OutcomeError("All patients are in one risk group; a log-rank test needs two.")
    _, at_risk, deaths = life_table(outcome.time_days, outcome.event)
    _, in_group, deaths_in_group = life_table(outcome.time_days, outcome.event, group)
    expected = deaths * in_group / at_risk
    share = in_group / at_risk
    variance = float((deaths * share * (1 - share) * (at_risk - deaths) / np.maximum(at_risk - 1, 1)).sum())
    if variance == 0:
        raise OutcomeError("Nobody died while both risk groups were followed; a log-rank test needs such a death.")
    statistic = float((deaths_in_group - expected).sum() ** 2 / variance)
    return statistic, float(chi2.sf(statistic, 1))


def risk_group_curves(
    branch: str, outcome: Outcome, high_risk: NDArray[np.bool_], confidence: float = 0.95
) -> tuple[RiskGroupCurve, ...]:
    """Curves of the low and the high risk group, with numbers at risk each half year; empty groups are left out.

    Parameters
    ----------
    branch
        Name on the ladder.
    outcome
        Follow-up of the scored patients.
    high_risk
        Groups by a cut-off that was fixed on the training patients.
    confidence
        Coverage of the pointwise intervals.
    """
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


def _floats(values: Floats) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
