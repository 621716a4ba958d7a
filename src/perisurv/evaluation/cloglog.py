"""Regression of a risk on the scale log(-log(1 - risk)), on which proportional hazards add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from perisurv.core import ConvergenceError, FeatureError

__all__ = ["CloglogFit", "cloglog", "fit_cloglog"]

Floats = NDArray[np.float64]

MAX_ITERATIONS = 200
TOLERANCE = 1e-12  # largest change of a (weighted) risk by the next step
ROUNDING = 1e-9  # expected fall of the sum of squares, relative, below which it is not compared
CONVEX = 1e-8  # smallest eigenvalue of the curvature, against the largest, for a step of Newton
FARTHEST = 30.0  # eta beyond which a risk is 0 or 1 in double precision


@dataclass(frozen=True, slots=True, eq=False)
class CloglogFit:
    """Coefficients (columns,), fitted risks (n,), weighted residuals (n,) and derivatives (n, columns).

    ``bend`` is the part of the curvature by eta that residuals add, shape (n,).
    """

    coef: Floats
    fitted: Floats
    residual: Floats
    jacobian: Floats
    bend: Floats


def cloglog(risk: ArrayLike) -> Floats:
    """Complementary log-log of a risk, ``log(-log(1 - risk))``: the log cumulative hazard, shape of ``risk``.

    Raises
    ------
    FeatureError
        If a risk does not lie strictly between 0 and 1.
    """
    values = np.asarray(risk, dtype=float)
    outside = int((~((values > 0) & (values < 1))).sum())
    if outside:
        raise FeatureError(
            f"{outside} of {values.size} predicted risks do not lie strictly between 0 and 1, so their log cumulative "
            "hazard is infinite. Use calibration in groups, or say how a risk of 0 or 1 is to be read."
        )
    return np.asarray(np.log(-np.log1p(-values)))


def fit_cloglog(
    x: Floats, y: Floats, start: Floats, offset: Floats | None = None, weight: Floats | None = None
) -> CloglogFit:
    """Weighted least squares of ``y`` on ``1 - exp(-exp(x @ coef + offset))`` by Newton's method.

    ``y`` may lie outside [0, 1], as pseudo-values do. For a y of 0 and 1 this is the independence estimating equation
    with constant variance.

    Parameters
    ----------
    x
        Shape (n, columns).
    y
        Shape (n,).
    start
        Coefficients to start from, shape (columns,).
    offset, weight
        Shape (n,); None: 0, 1.

    Raises
    ------
    ConvergenceError
        If no minimum was reached.
    """
    shift = np.zeros(len(y)) if offset is None else offset
    root = np.ones(len(y)) if weight is None else np.sqrt(weight)
    fit = _evaluate(x, y, start, shift, root)
    for _ in range(MAX_ITERATIONS):
        step = _step(x, fit)
        if np.abs(fit.jacobian @ step).max() <= TOLERANCE:
            return _evaluate(x, y, fit.coef + step, shift, root)
        squares = float(fit.residual @ fit.residual)
        fall = float(step @ (fit.jacobian.T @ fit.residual))
        halvings = 1 if fall <= ROUNDING * squares else 40  # near the minimum the sum of squares is all rounding
        trials = (_evaluate(x, y, fit.coef + step / 2**k, shift, root) for k in range(halvings))
        fit = next((t for t in trials if halvings == 1 or float(t.residual @ t.residual) < squares), fit)
    raise ConvergenceError(
        f"The calibration regression did not converge in {MAX_ITERATIONS} steps; predictions and outcomes hardly agree."
    )


def _step(x: Floats, fit: CloglogFit) -> Floats:
    """Newton's step where the sum of squares is convex, otherwise that of Gauss and Newton."""
    gradient = fit.jacobian.T @ fit.residual
    hessian = (x * fit.bend[:, None]).T @ x
    square = fit.jacobian.T @ fit.jacobian
    values, vectors = np.linalg.eigh(square + hessian)
    if values[0] > CONVEX * values[-1]:
        return np.asarray(vectors @ ((vectors.T @ gradient) / values))
    return np.asarray(linalg.lstsq(fit.jacobian, fit.residual)[0])


def _evaluate(x: Floats, y: Floats, coef: Floats, shift: Floats, root: Floats) -> CloglogFit:
    eta = np.clip(x @ coef + shift, -FARTHEST, np.log(FARTHEST))
    fitted = -np.expm1(-np.exp(eta))
    hazard = np.exp(eta)
    slope = hazard * (1.0 - fitted)
    residual = root * (y - fitted)
    return CloglogFit(coef, fitted, residual, (root * slope)[:, None] * x, root * residual * slope * (hazard - 1.0))
