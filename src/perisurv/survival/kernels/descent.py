"""Coordinate descent on a penalised quadratic."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["descend"]

Floats = NDArray[np.float64]


def _descend(
    hessian: Floats, gradient: Floats, coef: Floats, l1: float, l2: float, tolerance: float, sweeps: int
) -> Floats:
    """Coefficients that maximise g'(b - c) - (b - c)'H(b - c)/2 - l1 |b| - l2 b'b/2, starting from c.

    Full sweeps alternate with sweeps over the nonzero coefficients. ``hessian`` is the negative Hessian (p, p),
    gradient and coefficients have shape (p,). Stops when no coefficient moves the objective by more than ``tolerance``.
    """
    p = coef.shape[0]
    b = coef.copy()
    g = gradient.copy()
    full = True
    for _ in range(sweeps):
        largest = 0.0
        for j in range(p):
            if not full and b[j] == 0.0:
                continue
            h = hessian[j, j]
            if h + l2 <= 0.0:
                continue
            pull = g[j] + h * b[j]
            new = 0.0
            if pull > l1:
                new = (pull - l1) / (h + l2)
            elif pull < -l1:
                new = (pull + l1) / (h + l2)
            change = new - b[j]
            if change != 0.0:
                for k in range(p):
                    g[k] -= hessian[j, k] * change
                b[j] = new
                largest = max(largest, h * change * change)
        if largest <= tolerance:
            if full:
                break
            full = True
        else:
            full = False
    return b


descend = njit(cache=True)(_descend)
