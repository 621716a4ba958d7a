"""Smooth calibration curve at a horizon, and how far predictions lie from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perisurv.core import ConvergenceError, FeatureError, Outcome, OutcomeError, SettingsError
from perisurv.evaluation.cloglog import cloglog, fit_cloglog
from perisurv.evaluation.horizon import check_horizon, check_probabilities
from perisurv.evaluation.resampling import percentile_interval
from perisurv.statistics import (
    RiskSets,
    derivatives,
    known_status,
    maximise,
    pseudo_survival,
    restricted_cubic_spline,
    spline_knots,
)

__all__ = ["CalibrationCurve", "CalibrationError", "CalibrationMethod", "calibration_curve"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
CalibrationMethod = Literal["flexible_cox", "pseudo", "ipcw"]

GRID = 101  # points of the drawn curve
ILL_CONDITIONED = 1e10  # information beyond which Newton steps are left to the careful maximiser


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Coefficients, and the observed risk for rows of the standardised spline basis."""

    coef: Floats
    risk: Callable[[Floats], Floats]


_Method = Callable[[Floats, Floats, Bools, float, Floats | None], _Fit]


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """Absolute difference of predicted and observed risk over the patients, with its bootstrap interval.

    ``lower`` and ``upper`` are None without resamples. A difference is never negative: even a perfectly calibrated
    model has one above 0, the more so the fewer patients there are.
    """

    value: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationCurve:
    """Observed risk as a smooth function of the predicted.

    Parameters
    ----------
    method, horizon_days, knots
        As asked.
    predicted, observed
        Of each patient, shape (patients,).
    grid, curve, lower, upper
        The curve at even steps over the range of the predictions, and its pointwise bootstrap interval (None without
        resamples), shape (101,).
    ici, e50, e90, emax
        Integrated calibration index (mean), median, 90th percentile and maximum of the absolute difference.
    failed
        Resamples in which the curve could not be fitted; they are left out of the intervals.
    """

    method: CalibrationMethod
    horizon_days: float
    knots: int
    predicted: Floats
    observed: Floats
    grid: Floats
    curve: Floats
    lower: Floats | None
    upper: Floats | None
    ici: CalibrationError
    e50: CalibrationError
    e90: CalibrationError
    emax: CalibrationError
    failed: int


def calibration_curve(
    outcome: Outcome,
    risk: ArrayLike,
    horizon_days: float,
    method: CalibrationMethod = "flexible_cox",
    knots: int = 3,
    *,
    counts: NDArray[np.int64] | None = None,
    confidence: float = 0.95,
) -> CalibrationCurve:
    """Calibration curve with ICI, E50, E90 and Emax (Austin, Harrell and van Klaveren 2020).

    In every method the observed risk is a restricted cubic spline of ``cloglog(risk)``, knots by Harrell's quantiles:

    - ``"flexible_cox"``: in a Cox model with Efron ties, read at the horizon; assumes proportional hazards;
    - ``"pseudo"``: in a least-squares fit of pseudo-values with complementary log-log link; no model of the hazard,
      censoring independent of the risk;
    - ``"ipcw"``: in the same fit of the outcomes known at the horizon, weighted by the inverse probability of being
      uncensored.

    Parameters
    ----------
    outcome
        Follow-up.
    risk
        Predicted probability of death by the horizon, strictly between 0 and 1, shape (patients,).
    horizon_days
        Horizon, days.
    method
        As above.
    knots
        3, 4 or 5; where predictions repeat so much that fewer than three differ, a straight line.
    counts
        Resamples of :func:`perisurv.evaluation.bootstrap_counts` for the intervals; knots stay those of all patients.
        None: no intervals.
    confidence
        Coverage of the percentile intervals.

    Raises
    ------
    FeatureError
        If a risk does not lie between 0 and 1, or all are equal.
    OutcomeError
        If nobody is followed to the horizon or nobody died by then.
    ConvergenceError
        If the curve could not be fitted.
    SettingsError
        If the method is unknown or there are not 3, 4 or 5 knots.
    """
    if method not in METHODS:
        raise SettingsError(f"A calibration curve is by {', '.join(METHODS)}, got {method!r}.")
    predicted, x = _checked(outcome, risk, horizon_days)
    at = spline_knots(x, knots)
    grid = np.linspace(predicted.min(), predicted.max(), GRID)
    basis, drawn = (restricted_cubic_spline(values, at) for values in (x, cloglog(grid)))
    mean, scale = basis.mean(axis=0), basis.std(axis=0)
    bases = (basis - mean) / scale, (drawn - mean) / scale
    fit = METHODS[method](bases[0], outcome.time_days, outcome.event, horizon_days, None)
    observed, curve = fit.risk(bases[0]), fit.risk(bases[1])

    def refit(rows: Floats, time: Floats, event: Bools) -> _Fit:
        return METHODS[method](rows, time, event, horizon_days, fit.coef)

    draws, curves, failed = _resampled(refit, outcome, predicted, bases, counts)
    lower = upper = None
    limits: list[tuple[float | None, float | None]] = [(None, None)] * 4
    if counts is not None:
        lower, upper = np.array([percentile_interval(values, confidence) for values in curves.T]).T
        limits = [percentile_interval(values, confidence) for values in draws.T]
    errors = [CalibrationError(float(e), *limit) for e, limit in zip(_errors(predicted, observed), limits, strict=True)]
    return CalibrationCurve(
        method=method,
        horizon_days=float(horizon_days),
        knots=knots,
        predicted=predicted,
        observed=observed,
        grid=grid,
        curve=curve,
        lower=lower,
        upper=upper,
        ici=errors[0],
        e50=errors[1],
        e90=errors[2],
        emax=errors[3],
        failed=failed,
    )


def _checked(outcome: Outcome, risk: ArrayLike, horizon_days: float) -> tuple[Floats, Floats]:
    """Predicted risks, and the same as log cumulative hazards."""
    predicted = check_probabilities(risk, len(outcome), "A calibration curve")
    x = cloglog(predicted)
    check_horizon(outcome, horizon_days)
    if np.ptp(x) == 0:
        raise FeatureError("A calibration curve needs predictions that differ; all patients have the same.")
    if not (outcome.event & (outcome.time_days <= horizon_days)).any():
        raise OutcomeError(f"Nobody had an event by {horizon_days:g} days, so there is no calibration curve.")
    return predicted, x


def _errors(predicted: Floats, observed: Floats) -> Floats:
    """ICI, E50, E90, Emax."""
    error = np.abs(predicted - observed)
    return np.array([error.mean(), *np.quantile(error, [0.5, 0.9]), error.max()])


def _resampled(
    refit: Callable[[Floats, Floats, Bools], _Fit],
    outcome: Outcome,
    predicted: Floats,
    bases: tuple[Floats, Floats],
    counts: NDArray[np.int64] | None,
) -> tuple[Floats, Floats, int]:
    """Errors (resamples, 4) and curves (resamples, grid), NaN where a resample has no curve; how many those are."""
    if counts is None:
        return np.zeros((0, 4)), np.zeros((0, GRID)), 0
    if counts.ndim != 2 or counts.shape[1] != len(outcome):
        raise SettingsError(f"Resamples need one count for each of the {len(outcome)} patients.")
    draws, curves = np.full((len(counts), 4), np.nan), np.full((len(counts), GRID), np.nan)
    for n, count in enumerate(counts):
        rows = np.repeat(np.arange(len(outcome)), count)
        try:
            risk = refit(bases[0][rows], outcome.time_days[rows], outcome.event[rows]).risk
        except (ConvergenceError, FeatureError, OutcomeError):
            continue
        draws[n] = _errors(predicted[rows], risk(bases[0])[rows])
        curves[n] = risk(bases[1])
    return draws, curves, int(np.isnan(draws[:, 0]).sum())


def _by_cox(x: Floats, time: Floats, event: Bools, horizon_days: float, start: Floats | None) -> _Fit:
    sets = RiskSets.of(time, event, "efron")
    rows = x[sets.order]
    coef = None if start is None else _newton(rows, sets, start)
    if coef is None:
        names = tuple(f"spline term {n + 1} of the predicted risk" for n in range(x.shape[1]))
        coef, _ = maximise(rows, sets, np.zeros(x.shape[1]), names)
    hazard = sets.death_weight / sets.at_risk(np.exp(rows @ coef))
    total = float(hazard[sets.time_days[sets.deaths] <= horizon_days].sum())
    return _Fit(coef, lambda basis: np.asarray(-np.expm1(-total * np.exp(np.minimum(basis @ coef, 700.0)))))


def _newton(x: Floats, sets: RiskSets, start: Floats) -> Floats | None:
    """Plain Newton steps from a near maximum; None where they do not lead there at once."""
    coef, penalty = start, np.zeros(x.shape[1])
    for _ in range(8):
        gradient, information = derivatives(x, sets, coef, penalty)
        if np.linalg.cond(information) > ILL_CONDITIONED:
            return None
        step = np.linalg.solve(information, gradient)
        coef = coef + step
        if abs(float(gradient @ step)) < 1e-12:
            return coef
    return None


def _by_pseudo(x: Floats, time: Floats, event: Bools, horizon_days: float, start: Floats | None) -> _Fit:
    return _least_squares(x, 1.0 - pseudo_survival(time, event, horizon_days), np.ones(len(time)), start)


def _by_ipcw(x: Floats, time: Floats, event: Bools, horizon_days: float, start: Floats | None) -> _Fit:
    """Deaths weigh 1 / G(T-), who lives beyond the horizon 1 / G(horizon), who is censored before it nothing."""
    cases, controls = known_status(time, event, horizon_days, np.ones((1, len(time))))
    return _least_squares(x, (cases[0] > 0).astype(float), cases[0] + controls[0], start)


def _least_squares(x: Floats, y: Floats, weight: Floats, start: Floats | None) -> _Fit:
    share = float(weight @ y / weight.sum())
    if not 0 < share < 1:
        raise OutcomeError(
            "A calibration curve needs events before the horizon and patients followed beyond it without one."
        )

    def design(basis: Floats) -> Floats:
        return np.column_stack([np.ones(len(basis)), basis])

    first = np.append(cloglog(np.array([share])), np.zeros(x.shape[1])) if start is None else start
    coef = fit_cloglog(design(x), y, first, weight=weight).coef
    return _Fit(coef, lambda basis: np.asarray(-np.expm1(-np.exp(np.minimum(design(basis) @ coef, 700.0)))))


METHODS: dict[CalibrationMethod, _Method] = {"flexible_cox": _by_cox, "pseudo": _by_pseudo, "ipcw": _by_ipcw}
