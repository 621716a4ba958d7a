"""LASSO-Cox at one lambda: proximal Newton on a working set."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from perisurv.core import Outcome
from perisurv.statistics import RiskSets
from perisurv.survival.options import LassoOptions

__all__ = ["LassoProblem", "solve_lasso"]

Floats = NDArray[np.float64]

MAX_NEWTON = 100
LONGEST_STEP = 5.0  # change of a log hazard ratio in one Newton step
WIDEST = 500.0  # range of the log hazard ratios beyond which their exponentials cannot be summed
MAX_SWEEPS = 20  # enough to find most signs; the exact solution on them follows


@dataclass(frozen=True, slots=True, eq=False)
class LassoProblem:
    """Standardised columns in the order of time.

    Parameters
    ----------
    x
        Shape (patients, features); constant columns are zero.
    scale
        What the columns were divided by, shape (features,); infinite for constant columns.
    sets
        Risk sets, Breslow.
    largest
        The smallest lambda at which nothing is selected.
    """

    x: Floats
    scale: Floats
    sets: RiskSets
    largest: float = field(default=0.0)

    @classmethod
    def of(cls, values: Floats, outcome: Outcome, options: LassoOptions) -> LassoProblem:
        """Centre, scale and sort."""
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


def solve_lasso(problem: LassoProblem, coef: Floats, penalty: float, options: LassoOptions) -> Floats | None:
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
    problem: LassoProblem, work: NDArray[np.intp], coef: Floats, target: Floats, penalty: tuple[float, float]
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
