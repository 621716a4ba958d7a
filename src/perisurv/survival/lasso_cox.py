"""LASSO and elastic-net Cox regression along a path, and its cross-validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from perisurv.core import ConvergenceError, FeatureTable, Outcome, SettingsError
from perisurv.survival.options import LambdaRule
from perisurv.survival.risk_sets import RiskSets, design

__all__ = ["CvLasso", "LassoOptions", "LassoPath", "Screen", "cv_lasso_cox", "lasso_cox_path"]

Floats = NDArray[np.float64]
Screen = Callable[[Floats, Outcome], NDArray[np.bool_]]

MAX_NEWTON = 100
LONGEST_STEP = 5.0  # change of a log hazard ratio in one Newton step
WIDEST = 500.0  # range of the log hazard ratios beyond which their exponentials cannot be summed
MAX_SWEEPS = 20  # enough to find most signs; the exact solution on them follows


@dataclass(frozen=True, slots=True)
class LassoOptions:
    """The penalty path, as glmnet defines it.

    Parameters
    ----------
    alpha
        Share of the L1 penalty: 1 is the LASSO; the rest is ridge.
    n_lambdas
        Length of the path.
    lambda_min_ratio
        Smallest over largest lambda; 0: 0.0001, or 0.01 with more features than patients.
    lambdas
        Decreasing lambdas instead of the automatic path.
    standardise
        Scale columns to unit variance (1/n) for the penalty; coefficients are returned on the original scale.
    tolerance
        Largest violation of the optimality (KKT) conditions, relative to the largest lambda of the automatic path.
    max_explained, min_gain
        The automatic path ends where the share of explained deviance exceeds the first or grows by less than the
        second, relative to itself, from one lambda to the next, or where Newton's method does not converge. Given
        lambdas go on, but once the first is exceeded (no finite maximum is in sight) or Newton's method did not
        converge, the coefficients stay as they are.
    """

    alpha: float = 1.0
    n_lambdas: int = 100
    lambda_min_ratio: float = 0.0
    lambdas: tuple[float, ...] = ()
    standardise: bool = True
    tolerance: float = 1e-6
    max_explained: float = 0.999
    min_gain: float = 1e-5

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1 or not 0 <= self.lambda_min_ratio < 1 or self.n_lambdas < 2 or self.tolerance <= 0:
            raise SettingsError(
                "LASSO-Cox needs alpha in (0, 1], lambda_min_ratio in [0, 1), n_lambdas >= 2 and tolerance > 0."
            )
        if self.lambdas and (min(self.lambdas) <= 0 or list(self.lambdas) != sorted(self.lambdas, reverse=True)):
            raise SettingsError("LASSO-Cox lambdas must be positive and decreasing.")


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
    problem = _Problem.of(values, outcome, options)
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


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Standardised columns in the order of time."""

    x: Floats
    scale: Floats
    sets: RiskSets
    largest: float = field(default=0.0)

    @classmethod
    def of(cls, values: Floats, outcome: Outcome, options: LassoOptions) -> _Problem:
        sets = RiskSets.of(outcome.time_days, outcome.event, "breslow")
        mean, sd = values.mean(axis=0), values.std(axis=0)
        varies = sd > 1e-12 * np.maximum(np.abs(mean), 1e-300)
        scale = np.where(varies, sd if options.standardise else 1.0, np.inf)
        x = np.asfortranarray(((values - mean) / scale)[sets.order])
        gradient = cls(x, scale, sets).gradient(np.zeros(len(x)))
        return cls(x, scale, sets, float(np.abs(gradient).max(initial=0.0)) / options.alpha)

    def default_lambdas(self, options: LassoOptions) -> Floats:
        """The lambdas asked for, or equal steps in log lambda from the smallest that selects nothing."""
        if options.lambdas:
            return np.asarray(options.lambdas)
        n, p = self.x.shape
        ratio = options.lambda_min_ratio or (1e-2 if n < p else 1e-4)
        if self.largest <= 0:
            return np.array([1.0])
        return self.largest * np.geomspace(1.0, ratio, options.n_lambdas)

    def gradient(self, eta: Floats) -> Floats:
        """Gradient of loglik / n, shape (features,)."""
        weight = np.exp(eta - eta.max())
        residual = -weight * self.sets.up_to(1 / self.sets.at_risk(weight))
        residual[self.sets.deaths] += 1.0
        return np.asarray(residual @ self.x) / len(eta)

    def hessian(self, eta: Floats, columns: NDArray[np.intp]) -> Floats:
        """Negative Hessian of loglik / n on some columns."""
        x = self.x[:, columns]
        weight = np.exp(eta - eta.max())
        at_risk = self.sets.at_risk(weight)
        mean = self.sets.at_risk(weight[:, None] * x) / at_risk[:, None]
        expected = weight * self.sets.up_to(1 / at_risk)
        return np.asarray((x * expected[:, None]).T @ x - mean.T @ mean) / len(eta)


def _walk(problem: _Problem, names: tuple[str, ...], options: LassoOptions, lambdas: Floats, fixed: bool) -> LassoPath:
    sets, n = problem.sets, len(problem.x)
    null = 2 * (sets.saturated() - sets.log_likelihood(np.zeros(n)))
    coef = np.zeros(len(names))
    rows: list[Floats] = []
    explained: list[float] = []
    ended = False
    for penalty in lambdas:
        solution = None if ended else _solve(problem, coef, float(penalty), options)
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


def _solve(problem: _Problem, coef: Floats, penalty: float, options: LassoOptions) -> Floats | None:
    """Coefficients at one lambda, from those at the lambda before; None if Newton's method did not reach them."""
    from perisurv.survival.kernels.descent import descend  # noqa: PLC0415  numba loads at first use

    l1, l2 = penalty * options.alpha, penalty * (1 - options.alpha)
    slack = options.tolerance * max(problem.largest, 1e-12)
    coef = coef.copy()
    eta = problem.x @ coef
    for _ in range(MAX_NEWTON):
        if np.ptp(eta) > WIDEST:
            return None
        gradient = problem.gradient(eta) - l2 * coef
        violation = np.where(coef != 0, np.abs(gradient - l1 * np.sign(coef)), np.abs(gradient) - l1)
        if violation.max(initial=0.0) <= slack:
            return coef
        work = np.flatnonzero((coef != 0) | (violation > 0))
        hessian = problem.hessian(eta, work)
        smooth = gradient[work] + l2 * coef[work]
        # No need to solve the approximation more finely than it approximates.
        inner = (1e-2 * float(violation.max())) ** 2
        target = descend(hessian, smooth, coef[work], l1, l2, inner, MAX_SWEEPS)
        target = _polish(hessian, smooth + hessian @ coef[work], target, l1, l2)
        coef[work], eta = _line_search(problem, work, coef, target, (l1, l2))
    return None


def _polish(hessian: Floats, right: Floats, coef: Floats, l1: float, l2: float) -> Floats:
    """From the signs that coordinate descent found to the exact optimum with these signs.

    Where a coefficient would change sign on the way, it stops at zero and the rest go on without it.
    """
    coef = coef.copy()
    while (chosen := np.flatnonzero(coef)).size:
        sign = np.sign(coef[chosen])
        matrix = hessian[np.ix_(chosen, chosen)]
        # A trace of ridge lets duplicated columns share one weight; the KKT check is made without it.
        matrix[np.diag_indices_from(matrix)] += l2 + 1e-10 * hessian.diagonal().mean()
        try:
            exact = linalg.cho_solve(linalg.cho_factor(matrix), right[chosen] - l1 * sign)
        except linalg.LinAlgError:
            return coef
        crossing = np.sign(exact) != sign
        if not crossing.any():
            coef[chosen] = exact
            return coef
        start = coef[chosen]
        share = np.full(len(chosen), np.inf)
        share[crossing] = start[crossing] / (start - exact)[crossing]
        coef[chosen] = start + share.min() * (exact - start)
        coef[chosen[share <= share.min()]] = 0.0
    return coef


def _line_search(
    problem: _Problem, work: NDArray[np.intp], coef: Floats, target: Floats, penalty: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Halve the Newton step until the objective does not fall; coefficients and linear predictor."""
    l1, l2 = penalty
    x, start = problem.x[:, work], coef[work]

    def objective(b: Floats, eta: Floats) -> float:
        return problem.sets.log_likelihood(eta) / len(eta) - l1 * float(np.abs(b).sum()) - l2 / 2 * float(b @ b)

    before = objective(start, x @ start)
    step = target - start
    step *= min(1.0, LONGEST_STEP / max(float(np.abs(x @ step).max()), 1e-300))
    for halving in range(30):
        trial = start + step / 2**halving
        eta = x @ trial
        if objective(trial, eta) >= before - 1e-12 * abs(before):
            return trial, eta
    return start, x @ start
