"""Predicted risks of death of one branch against what happened, at each horizon of its prediction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import CalibrationPoint, ConvergenceError, InputError, NetBenefitCurve, Outcome
from perisurv.evaluation.brier import brier_score
from perisurv.evaluation.calibration import calibration_line, observed_expected
from perisurv.evaluation.calibration_curve import calibration_curve
from perisurv.evaluation.decision_curve import decision_curve

__all__ = ["Accuracy", "accuracy_at"]

Floats = NDArray[np.float64]

THRESHOLDS = np.arange(1, 100) / 100


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Calibration and net benefit at one horizon; None where undefined, and then why."""

    calibration: CalibrationPoint | None
    net_benefit: NetBenefitCurve | None
    notes: tuple[str, ...]


def accuracy_at(
    branch: str, outcome: Outcome, survival: Floats, time_days: float, confidence: float = 0.95
) -> Accuracy:
    """How far the predicted risks of death by one horizon can be believed, and what acting on them would bring.

    Parameters
    ----------
    branch
        Name on the ladder.
    outcome
        Follow-up of the scored patients.
    survival
        Predicted probability of being alive at the horizon, shape (patients,); NaN beyond the follow-up of the
        training patients.
    time_days
        Horizon, days.
    confidence
        Of the analytic intervals.
    """
    if np.isnan(survival).any():
        return _none(f"{branch}: no predicted risk at {time_days:g} days, where no training patient was followed.")
    try:
        return Accuracy(
            _calibration(branch, outcome, survival, time_days, confidence),
            _net_benefit(branch, outcome, 1.0 - survival, time_days),
            (),
        )
    except (InputError, ConvergenceError) as error:
        return _none(f"{branch}: no calibration at {time_days:g} days. {error}")


def _none(note: str) -> Accuracy:
    return Accuracy(None, None, (note,))


def _calibration(
    branch: str, outcome: Outcome, survival: Floats, time_days: float, confidence: float
) -> CalibrationPoint:
    risk = 1.0 - survival
    large = observed_expected(outcome, risk, time_days, confidence)
    slope = calibration_line(outcome, risk, time_days, confidence).slope
    curve = calibration_curve(outcome, risk, time_days)
    brier = brier_score(outcome, survival[:, None], (time_days,))
    return CalibrationPoint(
        branch=branch,
        time_days=float(time_days),
        brier=float(brier.brier[0]),
        brier_null=float(brier.null[0]),
        expected=large.expected,
        observed=large.observed.value,
        observed_lower=large.observed.lower,
        observed_upper=large.observed.upper,
        slope=slope.value,
        slope_lower=slope.lower,
        slope_upper=slope.upper,
        ici=curve.ici.value,
        predicted=tuple(curve.grid.tolist()),
        actual=tuple(curve.curve.tolist()),
    )


def _net_benefit(branch: str, outcome: Outcome, risk: Floats, time_days: float) -> NetBenefitCurve:
    curve = decision_curve(outcome, risk, time_days, THRESHOLDS)
    known = np.isfinite(curve.net_benefit)
    columns = (curve.thresholds, curve.net_benefit, curve.treat_all)
    threshold, net_benefit, treat_all = (tuple(column[known].tolist()) for column in columns)
    return NetBenefitCurve(branch, float(time_days), threshold, net_benefit, treat_all)
