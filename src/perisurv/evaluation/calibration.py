"""Do predicted risks come true: slope, observed over expected, groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from perisurv.core import ConvergenceError, FeatureError, Outcome, OutcomeError, SettingsError
from perisurv.evaluation.cloglog import cloglog, fit_cloglog
from perisurv.evaluation.estimate import Estimate, log_normal_estimate, normal_estimate
from perisurv.evaluation.horizon import check_horizon, check_probabilities
from perisurv.statistics import ConfidenceType, RiskSets, kaplan_meier, maximise, pseudo_survival

__all__ = [
    "CalibrationGroup",
    "CalibrationLine",
    "ObservedExpected",
    "calibration_groups",
    "calibration_line",
    "calibration_slope",
    "observed_expected",
]

Floats = NDArray[np.float64]

CERTAIN = 1e-6  # a fitted risk this near to 0 or 1 is one of a line without bound


@dataclass(frozen=True, slots=True)
class ObservedExpected:
    """Calibration in the large at a horizon.

    Parameters
    ----------
    horizon_days
        Horizon, days.
    observed
        One minus Kaplan-Meier, with the normal interval of Greenwood's error.
    expected
        Mean predicted risk.
    ratio
        Observed over expected; its logarithm has a normal interval, ``p`` is against 1. Above 1: too few deaths
        predicted.
    """

    horizon_days: float
    observed: Estimate
    expected: float
    ratio: Estimate


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """Line of the observed on the predicted risk at a horizon, both as log(-log(1 - risk)).

    Parameters
    ----------
    horizon_days
        Horizon, days.
    intercept
        At slope 1: 0 if as many die as predicted, above 0 if more do; ``p`` is against 0.
    slope
        1 if predictions spread as outcomes do, below 1 if they are too extreme; ``p`` is against 1.
    intercept_at_slope
        Intercept that belongs to the slope.
    """

    horizon_days: float
    intercept: Estimate
    slope: Estimate
    intercept_at_slope: Estimate


@dataclass(frozen=True, slots=True)
class CalibrationGroup:
    """One group of patients of similar predicted risk.

    Parameters
    ----------
    n, deaths
        Patients, and how many of them are seen to die by the horizon.
    predicted
        Mean predicted risk.
    observed, lower, upper
        One minus Kaplan-Meier at the horizon with its limits; None where no one of the group is followed so far.
    """

    n: int
    deaths: int
    predicted: float
    observed: float | None
    lower: float | None
    upper: float | None


def calibration_slope(
    outcome: Outcome,
    linear_predictor: ArrayLike,
    *,
    strata: Sequence[object] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Calibration slope: coefficient of the predicted log hazard in a Cox model of new patients.

    1 if the model spreads risks as they are, below 1 if it is overfitted. ``p`` is against 1. It says nothing of the
    level of the risks.

    Parameters
    ----------
    outcome
        Follow-up.
    linear_predictor
        Predicted log hazard ratio, or :func:`perisurv.evaluation.cloglog` of a predicted risk, shape (patients,).
    strata
        One label a patient, such as the centre, each with a baseline hazard of its own.
    confidence
        Coverage of the Wald interval.

    Raises
    ------
    FeatureError
        If a value is missing or not finite, or all are equal.
    OutcomeError
        If nobody died.
    ConvergenceError
        If the predictions separate the deaths from those at risk.
    """
    x = np.asarray(linear_predictor, dtype=float)
    if x.shape != (len(outcome),) or not np.isfinite(x).all():
        raise FeatureError(f"A calibration slope needs one finite prediction for each of the {len(outcome)} patients.")
    if np.ptp(x) == 0:
        raise FeatureError("A calibration slope needs predictions that differ; all patients have the same.")
    sets = RiskSets.of(outcome.time_days, outcome.event, "efron", strata)
    scale = float(x.std())
    column = ((x - x.mean()) / scale)[sets.order, None]
    coef, information = maximise(column, sets, np.zeros(1), ("prediction",))
    return normal_estimate(float(coef[0]) / scale, float(information[0, 0]) ** -0.5 / scale, confidence, null=1.0)


def observed_expected(
    outcome: Outcome, risk: ArrayLike, horizon_days: float, confidence: float = 0.95
) -> ObservedExpected:
    """Deaths by a horizon, observed (Kaplan-Meier) over expected (mean predicted risk).

    The error of the logarithm of the ratio is Greenwood's error of the observed risk over it: the predictions are
    taken as they are.

    Parameters
    ----------
    outcome
        Follow-up.
    risk
        Predicted probability of death by the horizon, shape (patients,); 0 and 1 are allowed.
    horizon_days
        Horizon, days.
    confidence
        Coverage of the intervals.

    Raises
    ------
    FeatureError
        If a risk is no probability or all are 0.
    OutcomeError
        If nobody is followed to the horizon or nobody died by then.
    """
    predicted = check_probabilities(risk, len(outcome), "Calibration in the large")
    check_horizon(outcome, horizon_days)
    km = kaplan_meier(outcome, confidence)
    place = int(np.searchsorted(km.time_days, horizon_days, side="right")) - 1
    observed = 1.0 - float(km.survival[place]) if place >= 0 else 0.0
    expected = float(predicted.mean())
    if observed == 0:
        raise OutcomeError(f"Nobody had an event by {horizon_days:g} days, so observed over expected has no interval.")
    if expected == 0:
        raise FeatureError("All predicted risks are 0, so observed over expected is not defined.")
    error = float(km.standard_error[place])
    found = normal_estimate(observed, error, confidence)
    share = Estimate(observed, error, max(found.lower, 0.0), min(found.upper, 1.0))
    ratio = log_normal_estimate(float(np.log(observed / expected)), error / observed, confidence)
    return ObservedExpected(float(horizon_days), share, expected, ratio)


def calibration_line(
    outcome: Outcome, risk: ArrayLike, horizon_days: float, confidence: float = 0.95
) -> CalibrationLine:
    """Intercept and slope at a horizon by regression of pseudo-values (complementary log-log link, robust errors).

    Pseudo-values of Kaplan-Meier stand for the censored outcomes (Royston 2015), so that level and spread of the risks
    are judged without a model of the hazard. Censoring must not depend on the risk.

    Parameters
    ----------
    outcome, horizon_days, confidence
        As in :func:`observed_expected`.
    risk
        Predicted probability of death by the horizon, strictly between 0 and 1, shape (patients,).

    Raises
    ------
    FeatureError
        If a risk does not lie between 0 and 1, or all are equal.
    OutcomeError
        If nobody is followed to the horizon, nobody died by then, or everybody did.
    ConvergenceError
        If the regression did not converge, or predictions separate who dies from who lives on.
    """
    x = cloglog(check_probabilities(risk, len(outcome), "A calibration line"))
    check_horizon(outcome, horizon_days)
    if np.ptp(x) == 0:
        raise FeatureError("A calibration line needs predictions that differ; all patients have the same.")
    pseudo = 1.0 - pseudo_survival(outcome.time_days, outcome.event, horizon_days)
    mean = float(pseudo.mean())
    if not 0 < mean < 1:
        raise OutcomeError(
            f"A calibration line needs patients with an event by {horizon_days:g} days and patients without."
        )
    one = np.ones((len(x), 1))
    start = float(cloglog(np.array([mean]))[0])
    large = fit_cloglog(one, pseudo, np.array([start - float(x.mean())]), offset=x)
    both = fit_cloglog(np.column_stack([one, x]), pseudo, np.array([start, 0.0]))
    if ((both.fitted < CERTAIN) | (both.fitted > 1 - CERTAIN)).all():
        raise ConvergenceError(
            "The calibration slope grows without bound: predictions separate who has an event from who has none."
        )
    errors = [np.sqrt(np.diag(_sandwich(fit.jacobian, fit.residual))) for fit in (large, both)]
    return CalibrationLine(
        float(horizon_days),
        normal_estimate(float(large.coef[0]), float(errors[0][0]), confidence),
        normal_estimate(float(both.coef[1]), float(errors[1][1]), confidence, null=1.0),
        normal_estimate(float(both.coef[0]), float(errors[1][0]), confidence),
    )


def calibration_groups(
    outcome: Outcome,
    risk: ArrayLike,
    horizon_days: float,
    groups: int = 10,
    *,
    confidence: float = 0.95,
    conf_type: ConfidenceType = "log-log",
) -> tuple[CalibrationGroup, ...]:
    """Observed and predicted risk in groups by quantiles of the predicted risk.

    Equal risks share a group, so that there may be fewer groups than asked; a constant prediction gives one.

    Parameters
    ----------
    outcome, risk, horizon_days, confidence
        As in :func:`observed_expected`.
    groups
        How many, at least 2.
    conf_type
        Scale of the Kaplan-Meier limits.

    Raises
    ------
    FeatureError, OutcomeError
        As in :func:`observed_expected`; having no death is allowed.
    SettingsError
        If there are fewer than two groups.
    """
    predicted = check_probabilities(risk, len(outcome), "Calibration")
    check_horizon(outcome, horizon_days)
    if groups < 2:
        raise SettingsError(f"Calibration needs at least 2 groups, got {groups}.")
    edges = np.unique(np.quantile(predicted, np.arange(1, groups) / groups))
    place = np.searchsorted(edges, predicted, side="left")
    found = []
    for g in np.unique(place):
        mine = place == g
        own = outcome.take([p for p, inside in zip(outcome.patients, mine, strict=True) if inside])
        curves = kaplan_meier(own, confidence, conf_type).at(horizon_days)
        survival, lower, upper = (None if np.isnan(v) else 1.0 - float(v) for v in curves)
        deaths = int((own.event & (own.time_days <= horizon_days)).sum())
        found.append(CalibrationGroup(len(own), deaths, float(predicted[mine].mean()), survival, upper, lower))
    return tuple(found)


def _sandwich(jacobian: Floats, residual: Floats) -> Floats:
    bread = linalg.inv(jacobian.T @ jacobian)
    scores = jacobian * residual[:, None]
    return np.asarray(bread @ (scores.T @ scores) @ bread)
