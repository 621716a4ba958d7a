"""LASSO and elastic-net Cox regression along a path, and its cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from perisurv.core import FeatureTable, Outcome, SettingsError
from perisurv.statistics import RiskSets
from perisurv.survival.design import design
from perisurv.survival.lasso_curve import Rise, concordance_curve, deviance_curve
from perisurv.survival.lasso_options import CvMeasure, LassoOptions
from perisurv.survival.lasso_problem import Columns, Problem, penalty_factors
from perisurv.survival.lasso_solver import Walk, walk
from perisurv.survival.options import LambdaRule

__all__ = ["CvLasso", "LassoPath", "Screen", "cv_lasso_cox", "lasso_cox_path", "pose"]

Floats = NDArray[np.float64]
Screen = Callable[[Floats, Outcome], NDArray[np.bool_]]
X = FeatureTable | pd.DataFrame | ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class LassoPath:
    """Coefficients along the path.

    Parameters
    ----------
    names
        Features.
    lambdas
        Decreasing penalties, shape (path,).
    coef
        Coefficients on the original scale, shape (path, features).
    explained
        Share of the null deviance explained, shape (path,).
    null_deviance
        Twice the distance of the null model from the saturated log partial likelihood (Breslow).
    """

    names: tuple[str, ...]
    lambdas: Floats
    coef: Floats
    explained: Floats
    null_deviance: float

    @property
    def n_features(self) -> NDArray[np.intp]:
        """Number of nonzero coefficients, shape (path,)."""
        return np.asarray(np.count_nonzero(self.coef, axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class CvLasso:
    """A path with its cross-validated curve.

    Parameters
    ----------
    path
        Fitted on all patients.
    measure
        What the curve holds: partial-likelihood deviance per death (lower is better), or Harrell's C (higher is).
    curve, standard_error
        Mean over the folds and its standard error, shape (path,). Folds are weighted by their deaths
        (deviance) or patients (C). Of repeated cross-validation, the means over the repeats of the curve and of its
        standard error: repeats share their patients, so more of them make the curve smoother but the patients no more.
    at_min, at_1se
        Positions of lambda.min and lambda.1se on the path.
    """

    path: LassoPath
    measure: CvMeasure
    curve: Floats
    standard_error: Floats
    at_min: int
    at_1se: int

    @property
    def lambda_min(self) -> float:
        """Largest lambda of the best value of the curve."""
        return float(self.path.lambdas[self.at_min])

    @property
    def lambda_1se(self) -> float:
        """Largest lambda whose value lies within one standard error of the best, the standard error at the best."""
        return float(self.path.lambdas[self.at_1se])

    def at(self, rule: LambdaRule = "min") -> int:
        """Position of lambda.min or lambda.1se on the path."""
        return self.at_min if rule == "min" else self.at_1se

    def coef(self, rule: LambdaRule = "min") -> Floats:
        """Coefficients at lambda.min or lambda.1se, shape (features,)."""
        return np.asarray(self.path.coef[self.at(rule)])


def lasso_cox_path(
    x: X,
    outcome: Outcome,
    options: LassoOptions | None = None,
    *,
    strata: Sequence[object] | None = None,
    weight: Floats | None = None,
) -> LassoPath:
    """Maximise ``loglik / n - lambda (alpha |b|_1 + (1 - alpha) |b|_2^2 / 2)`` along decreasing lambdas.

    The log partial likelihood and the penalty are glmnet's (Simon et al. 2011, J Stat Softw 39(5)); with case weights
    ``n`` is their sum. Newton's method with the exact Hessian on the features in play, until no feature violates the
    optimality conditions.

    Parameters
    ----------
    x
        Shape (patients, features), rows in the order of the outcome.
    outcome
        Follow-up.
    options
        Penalty path.
    strata
        One label a patient, such as the centre: each stratum has its own baseline hazard.
    weight
        Case weights, shape (patients,).

    Raises
    ------
    FeatureError, OutcomeError, ConvergenceError, SettingsError
        If a value is missing, nobody died, the optimum at the first lambda was not reached, or the penalty factors do
        not fit the features.
    """
    values, names = design(x, outcome)
    options = options or LassoOptions()
    sets = RiskSets.of(outcome.time_days, outcome.event, options.ties, strata, weight)
    columns, problems = pose(values, [sets], options)
    return _path(names, walk(columns, problems, options), float(sets.weight.sum()))


def cv_lasso_cox(
    x: X,
    outcome: Outcome,
    folds: NDArray[np.intp],
    options: LassoOptions | None = None,
    screen: Screen | None = None,
    *,
    strata: Sequence[object] | None = None,
    weight: Floats | None = None,
) -> CvLasso:
    """Choose lambda by cross-validation.

    By deviance, a fold contributes that of all patients minus that of the patients outside the fold, both at the
    coefficients fitted outside the fold (Verweij and van Houwelingen 1993; glmnet's ``grouped = TRUE``). By
    concordance, it contributes Harrell's C of its own patients (glmnet's ``type.measure = "C"``). Every fold is fitted
    at the lambdas themselves; glmnet interpolates between those of the fold.

    Parameters
    ----------
    x
        Shape (patients, features), rows in the order of the outcome.
    outcome
        Follow-up.
    folds
        Fold of each patient, see :func:`assign_folds`, shape (patients,); for repeated cross-validation one column a
        repeat, shape (patients, repeats).
    options
        Penalty path and what a fold is judged by.
    screen
        Chooses the features that LASSO may use, shape (features,), from values and outcome. Repeated inside every
        fold: a screen that had seen the left-out patients would make its features look predictive.
    strata
        One label a patient, such as the centre: each stratum has its own baseline hazard.
    weight
        Case weights, shape (patients,).

    Raises
    ------
    FeatureError, OutcomeError, ConvergenceError, SettingsError
        As :func:`lasso_cox_path`, or if the folds do not fit the patients or hold no death.
    """
    values, names = design(x, outcome)
    options = options or LassoOptions()
    given = np.ones(len(outcome)) if weight is None else np.asarray(weight, dtype=float)
    everyone = RiskSets.of(outcome.time_days, outcome.event, options.ties, strata, given)
    left_out = _left_out(folds, outcome, given)
    sets = [
        RiskSets.of(outcome.time_days, outcome.event, options.ties, strata, np.where(fold, 0.0, given))
        for fold in left_out
    ]
    sets = [everyone, *sets]
    columns, problems = pose(values, sets, options)
    if screen is not None:
        kept = [screen(values, outcome), *(screen(values[~f], _without(outcome, f)) for f in left_out)]
        problems = [problem.without(~keep) for problem, keep in zip(problems, kept, strict=True)]
    fold_of_repeat = np.concatenate([np.full(len(np.unique(f)), r) for r, f in enumerate(_repeats(folds))])
    rise = Rise(problems, fold_of_repeat, options.patience)
    may_end = options.measure == "deviance" and options.patience > 0 and not options.lambdas
    walked = walk(columns, problems, options, rise if may_end else None)
    path = _path(names, walked, float(everyone.weight.sum()))
    if may_end:
        curve, spread = np.asarray(rise.curve), np.asarray(rise.spread)
    elif options.measure == "deviance":
        curve, spread = deviance_curve(walked.eta, problems, fold_of_repeat)
    else:
        curve, spread = concordance_curve(walked.eta, everyone, left_out[:, everyone.order], fold_of_repeat)
    return _choose(path, options.measure, curve, spread)


def _choose(path: LassoPath, measure: CvMeasure, curve: Floats, spread: Floats) -> CvLasso:
    loss = curve if measure == "deviance" else -curve
    at_min = int(loss.argmin())
    at_1se = int(np.flatnonzero(loss <= loss[at_min] + spread[at_min])[0])
    return CvLasso(path, measure, curve, spread, at_min, at_1se)


def _repeats(folds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Folds with a row a repeat."""
    return folds[None, :] if folds.ndim == 1 else folds.T


def _left_out(folds: NDArray[np.intp], outcome: Outcome, weight: Floats) -> NDArray[np.bool_]:
    """Who is left out, a row for every fold of every repeat, shape (folds, patients)."""
    rows = []
    for repeat in _repeats(np.asarray(folds)):
        labels = np.unique(repeat)
        if repeat.shape != (len(outcome),) or len(labels) < 2:
            raise SettingsError(
                f"Cross-validation needs one fold a patient ({len(outcome)}) and at least two folds in every repeat."
            )
        for fold in labels:
            if not (outcome.event & (weight > 0))[repeat != fold].any():
                raise SettingsError(f"Without fold {fold} no patient has an event; use fewer folds or stratify them.")
            rows.append(repeat == fold)
    return np.stack(rows)


def _without(outcome: Outcome, left_out: NDArray[np.bool_]) -> Outcome:
    rest = ~left_out
    return Outcome(tuple(np.asarray(outcome.patients)[rest]), outcome.time_days[rest], outcome.event[rest])


def pose(values: Floats, sets: Sequence[RiskSets], options: LassoOptions) -> tuple[Columns, list[Problem]]:
    """Columns standardised by the first sets' case weights, and the problem of each of the sets."""
    shares = np.stack([s.weight / s.weight.sum() for s in sets])
    columns = Columns.of(values, sets[0].order, shares)
    factors = penalty_factors(options, values.shape[1])
    problems = [Problem.of(s, columns.spread[k], columns.sd, factors, options) for k, s in enumerate(sets)]
    return columns, problems


def _path(names: tuple[str, ...], walked: Walk, total: float) -> LassoPath:
    return LassoPath(names, walked.lambdas, walked.coef, walked.explained, 2 * total * walked.null)
