"""Kaplan-Meier curves of risk groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Outcome, RiskGroupCurve
from perisurv.statistics import kaplan_meier

__all__ = ["HALF_YEAR_DAYS", "risk_group_curves"]

HALF_YEAR_DAYS = 365.25 / 2

Floats = NDArray[np.float64]


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
    ticks = np.arange(0.0, outcome.time_days.max() + 1, HALF_YEAR_DAYS)
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
