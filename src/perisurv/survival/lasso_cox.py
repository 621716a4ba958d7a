"""LASSO and elastic-net Cox regression along a path, and its cross-validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from perisurv.core import ConvergenceError, FeatureTable, Outcome, SettingsError
from perisurv.statistics import RiskSets
from perisurv.survival.design import design
from perisurv.survival.lasso_solver import LassoProblem, solve_lasso
from perisurv.survival.options import LambdaRule, LassoOptions

__all__ = ["CvLasso", "LassoPath", "Screen", "cv_lasso_cox", "lasso_cox_path"]

Floats = NDArray[np.float64]
Screen = Callable[[Floats, Outcome], NDArray[np.bool_]]


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
    """A path with its cross-validated partial-likelihood deviance.

    Parameters
    ----------
    path
        Fitted on all patients.
    deviance, standard_error
        Per death, mean over the folds weighted by deaths and its standard error, shape (path,).
    at_min, at_1se
        Positions of lambda.min and lambda.1se on the path.
    """

    path: LassoPath
    deviance: Floats
    standard_error: Floats
    at_min: int
    at_1se: int

    @property
    def lambda_min(self) -> float:
        """Lambda of the smallest deviance."""
        return float(self.path.lambdas[self.at_min])

    @property
    def lambda_1se(self) -> float:
        """Largest lambda whose deviance lies within one standard error of the smallest."""
        return float(self.path.lambdas[self.at_1se])

    def coef(self, rule: LambdaRule = "min") -> Floats:
        """Coefficients at lambda.min or lambda.1se, shape (features,)."""
        return np.asarray(self.path.coef[self.at_min if rule == "min" else self.at_1se])


def lasso_cox_path(
    x: FeatureTable | pd.DataFrame | ArrayLike, outcome: Outcome, options: LassoOptions | None = None
) -> LassoPath:
    """Maximise ``loglik / n - lambda (alpha |b|_1 + (1 - alpha) |b|_2^2 / 2)`` along decreasing lambdas.

    Breslow ties, as in glmnet (Simon et al. 2011, J Stat Softw 39(5)). Proximal Newton: coordinate descent on the
    quadratic approximation over a working set that grows until no feature violates the KKT conditions.

    Parameters
    ----------
    x
        Shape (patients, features), rows in the order of the outcome.
    outcome
        Follow-up.
    options
        Penalty path.

    Raises
    ------
    FeatureError, OutcomeError, ConvergenceError
        If a value is missing, nobody died, or the optimum at the first lambda was not reached.
    """
    values, names = design(x, outcome)
    options = options or LassoOptions()
    problem = LassoProblem.of(values, outcome, options)
    return _walk(problem, names, options, problem.default_lambdas(options), bool(options.lambdas))


def cv_lasso_cox(
    x: FeatureTable | pd.DataFrame | ArrayLike,
    outcome: Outcome,
    folds: NDArray[np.intp],
    options: LassoOptions | None = None,
    screen: Screen | None = None,
) -> CvLasso:
    """Choose lambda by cross-validated partial likelihood.

    A fold contributes the deviance of all patients minus that of the patients outside the fold, both at the
    coefficients fitted outside the fold (Verweij and van Houwelingen 1993; glmnet's ``grouped = TRUE``).

    Parameters
    ----------
    x
        Shape (patients, features), rows in the order of the outcome.
    outcome
        Follow-up.
    folds
        Fold of each patient, shape (patients,), see :func:`assign_folds`.
    options
        Penalty path.
    screen
        Chooses the features that LASSO may use, shape (features,), from values and outcome. Repeated inside every
        fold: a screen that had seen the left-out patients would make its features look predictive.

    Raises
    ------
    FeatureError, OutcomeError, ConvergenceError, SettingsError
        As :func:`lasso_cox_path`, or if the folds do not fit the patients or hold no death.
    """
    values, names = design(x, outcome)
    _check_folds(folds, outcome)
    options = options or LassoOptions()
    path = _screened_path(values, names, outcome, options, screen)
    fixed = _with_lambdas(options, path.lambdas)
    everyone = RiskSets.of(outcome.time_days, outcome.event, "breslow")
    contribution, deaths = [], []
    for fold in np.unique(folds):
        rest = folds != fold
        part = Outcome(tuple(np.asarray(outcome.patients)[rest]), outcome.time_days[rest], outcome.event[rest])
        coef = _screened_path(values[rest], names, part, fixed, screen).coef
        eta = values @ coef.T
        sets = RiskSets.of(part.time_days, part.event, "breslow")
        contribution.append(_deviance(everyone, eta) - _deviance(sets, eta[rest]))
        deaths.append(int(outcome.event[~rest].sum()))
    return _summarise(path, np.stack(contribution), np.asarray(deaths, dtype=float))


def _summarise(path: LassoPath, contribution: Floats, deaths: Floats) -> CvLasso:
    with_deaths = deaths > 0
    per_death = contribution[with_deaths] / deaths[with_deaths, None]
    weight = deaths[with_deaths] / deaths.sum()
    mean = weight @ per_death
    spread = np.sqrt(weight @ (per_death - mean) ** 2 / max(int(with_deaths.sum()) - 1, 1))
    at_min = int(mean.argmin())
    at_1se = int(np.flatnonzero(mean <= mean[at_min] + spread[at_min])[0])
    return CvLasso(path, mean, spread, at_min, at_1se)


def _check_folds(folds: NDArray[np.intp], outcome: Outcome) -> None:
    if folds.shape != (len(outcome),) or len(np.unique(folds)) < 2:
        raise SettingsError(f"Cross-validation needs one fold a patient ({len(outcome)}) and at least two folds.")
    for fold in np.unique(folds):
        if not outcome.event[folds != fold].any():
            raise SettingsError(f"Without fold {fold} no patient died; use fewer folds or stratify them.")


def _with_lambdas(options: LassoOptions, lambdas: Floats) -> LassoOptions:
    return LassoOptions(
        alpha=options.alpha, lambdas=tuple(lambdas), standardise=options.standardise, tolerance=options.tolerance
    )


def _screened_path(
    values: Floats, names: tuple[str, ...], outcome: Outcome, options: LassoOptions, screen: Screen | None
) -> LassoPath:
    """The path on the screened columns, the others zero."""
    keep = np.ones(len(names), dtype=bool) if screen is None else screen(values, outcome)
    path = lasso_cox_path(values[:, keep], outcome, options)
    coef = np.zeros((len(path.lambdas), len(names)))
    coef[:, keep] = path.coef
    return LassoPath(names, path.lambdas, coef, path.explained, path.null_deviance)


def _deviance(sets: RiskSets, eta: Floats) -> Floats:
    """Partial-likelihood deviance of linear predictors (patients, path), shape (path,)."""
    values = [sets.log_likelihood(column) for column in eta[sets.order].T]
    return 2 * (sets.saturated() - np.asarray(values))


def _walk(
    problem: LassoProblem, names: tuple[str, ...], options: LassoOptions, lambdas: Floats, fixed: bool
) -> LassoPath:
    sets, n = problem.sets, len(problem.x)
    null = 2 * (sets.saturated() - sets.log_likelihood(np.zeros(n)))
    coef = np.zeros(len(names))
    rows: list[Floats] = []
    explained: list[float] = []
    ended = False
    for penalty in lambdas:
        solution = None if ended else solve_lasso(problem, coef, float(penalty), options)
        ended = solution is None
        if ended and not rows:
            raise ConvergenceError(f"LASSO-Cox did not converge at lambda {penalty:.3g}; start at a larger lambda.")
        if ended and not fixed:
            break
        coef = coef if solution is None else solution
        deviance = 2 * (sets.saturated() - sets.log_likelihood(problem.x @ coef))
        rows.append(coef / problem.scale)
        explained.append(1 - deviance / null if null > 0 else 0.0)
        ended = ended or explained[-1] > options.max_explained
        if not fixed and (ended or _gains_nothing(explained, options)):
            break
    return LassoPath(names, lambdas[: len(rows)], np.stack(rows), np.asarray(explained), null)


def _gains_nothing(explained: list[float], options: LassoOptions) -> bool:
    # Like glmnet, look at the gain only once the path has had time to leave zero.
    return len(explained) > 5 and 0 < explained[-1] - explained[-2] < options.min_gain * explained[-1]
