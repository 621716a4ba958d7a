"""The maximum of a quadratic with an L1 penalty, by an active-set method whose Cholesky factor is kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from perisurv.compiled import kernel

__all__ = ["factorise", "maximise_quadratic"]

RIDGE = 1e-10  # lets copies of a column share one weight; the optimality check is made without it
MAX_TURNS, JOINT_TURNS = 500, 8  # of the active-set method; those in which several features may enter at once


@kernel(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _cholesky(matrix: Any) -> Any:
    """Lower factor, in place, by blocks; False if a pivot is not positive."""
    n = len(matrix)
    size = 48
    for k in range(0, n, size):
        end = min(k + size, n)
        for j in range(k, end):
            pivot = matrix[j, j]
            for m in range(k, j):
                pivot -= matrix[j, m] * matrix[j, m]
            if not pivot > 0.0:
                return False
            pivot = math.sqrt(pivot)
            matrix[j, j] = pivot
            for i in range(j + 1, n):
                value = matrix[i, j]
                for m in range(k, j):
                    value -= matrix[i, m] * matrix[j, m]
                matrix[i, j] = value / pivot
        if end < n:
            panel = matrix[end:, k:end].copy()
            matrix[end:, end:] -= np.dot(panel, panel.T)
    return True


@kernel(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _solve_factored(factor: Any, right: Any, n: Any) -> Any:
    """Solve L L' y = right, in place."""
    for i in range(n):
        value = right[i]
        row = factor[i]
        for k in range(i):
            value -= row[k] * right[k]
        right[i] = value / row[i]
    for i in range(n - 1, -1, -1):
        row = factor[i]
        value = right[i] / row[i]
        right[i] = value
        for k in range(i):
            right[k] -= row[k] * value


@kernel(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _append(factor: Any, order: Any, c: Any, hessian: Any, l2: Any, j: Any) -> Any:
    """Let feature j join the c factored ones; how many there are then."""
    row, among = factor[c], hessian[j]
    pivot = among[j] * (1.0 + RIDGE) + l2[j]
    if not pivot > 0.0:
        return c
    least = RIDGE / 2 * pivot
    for i in range(c):
        value = among[order[i]]
        other = factor[i]
        for k in range(i):
            value -= other[k] * row[k]
        value /= other[i]
        row[i] = value
        pivot -= value * value
    row[c] = math.sqrt(max(pivot, least))
    order[c] = j
    return c + 1


@kernel(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _remove(factor: Any, order: Any, c: Any, k: Any) -> Any:
    """Let the k-th factored feature go: its row is taken out, rotations make the rest triangular again."""
    for i in range(k, c - 1):
        order[i] = order[i + 1]
        for m in range(i + 2):
            factor[i, m] = factor[i + 1, m]
    for j in range(k, c - 1):
        x, y = factor[j, j], factor[j, j + 1]
        length = math.hypot(x, y)
        cosine, sine = x / length, y / length
        factor[j, j] = length
        for i in range(j + 1, c - 1):
            x, y = factor[i, j], factor[i, j + 1]
            factor[i, j] = cosine * x + sine * y
            factor[i, j + 1] = cosine * y - sine * x
    return c - 1


@kernel(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def factorise(factor: Any, order: Any, hessian: Any, l2: Any, coef: Any) -> Any:
    """Factor the Hessian of the features with a coefficient; how many there are."""
    chosen = np.flatnonzero(coef)
    c = len(chosen)
    matrix = np.empty((c, c))
    for i in range(c):
        row = hessian[chosen[i]]
        for k in range(c):
            matrix[i, k] = row[chosen[k]]
        matrix[i, i] = row[chosen[i]] * (1.0 + RIDGE) + l2[chosen[i]]
    if _cholesky(matrix):
        for i in range(c):
            order[i] = chosen[i]
            for k in range(i + 1):
                factor[i, k] = matrix[i, k]
        return c
    count = 0
    for j in chosen:
        count = _append(factor, order, count, hessian, l2, j)
    return count


@kernel(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _synchronise(factor: Any, order: Any, c: Any, hessian: Any, l2: Any, coef: Any) -> Any:
    """Let the factored features be those with a coefficient."""
    known = np.zeros(len(coef), dtype=np.bool_)
    for i in range(c - 1, -1, -1):
        if coef[order[i]] == 0.0:
            c = _remove(factor, order, c, i)
        else:
            known[order[i]] = True
    for j in range(len(coef)):
        if coef[j] != 0.0 and not known[j]:
            c = _append(factor, order, c, hessian, l2, j)
    return c


@kernel(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _enter(
    g: Any,
    b: Any,
    l1: Any,
    l2: Any,
    unit: Any,
    goal: Any,
    sign: Any,
    hessian: Any,
    factor: Any,
    order: Any,
    c: Any,
    single: Any,
) -> Any:
    """Let features without a coefficient join whose gradient exceeds their penalty, all or the worst of them."""
    worst, chosen = goal, -1
    for j in range(len(b)):
        if b[j] != 0.0:
            sign[j] = 1.0 if b[j] > 0.0 else -1.0
            continue
        off = (abs(g[j]) - l1[j]) / unit[j]
        if off > goal:
            sign[j] = 1.0 if g[j] > 0.0 else -1.0
            if not single:
                c = _append(factor, order, c, hessian, l2, j)
            elif off > worst:
                worst, chosen = off, j
    if chosen >= 0:
        c = _append(factor, order, c, hessian, l2, chosen)
    return c


@kernel(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def maximise_quadratic(
    hessian: Any, gradient: Any, coef: Any, l1: Any, l2: Any, unit: Any, goal: Any, factor: Any, order: Any, c: Any
) -> Any:
    """Maximise the quadratic approximation by an active-set method; coefficients, and how many are factored.

    ``gradient`` is that at ``coef``, ridge included. Where a coefficient would change sign on the way, it stops at zero
    and the rest go on without it.
    """
    b, g = coef.copy(), gradient.copy()
    a = len(b)
    sign, step = np.zeros(a), np.empty(a)
    c = _synchronise(factor, order, c, hessian, l2, b)
    for turn in range(MAX_TURNS):
        had = c
        c = _enter(g, b, l1, l2, unit, goal, sign, hessian, factor, order, c, turn > JOINT_TURNS)
        if turn > 0 and c == had:
            break
        blocked = 0
        while blocked >= 0 and c > 0:
            for i in range(c):
                step[i] = g[order[i]] - l1[order[i]] * sign[order[i]]
            _solve_factored(factor, step, c)
            share, blocked = 1.0, -1
            for i in range(c):
                j = order[i]
                if l1[j] > 0.0 and (b[j] + step[i]) * sign[j] <= 0.0:
                    to_zero = -b[j] / step[i] if b[j] != 0.0 else 0.0
                    if to_zero <= share:
                        share, blocked = to_zero, i
            for i in range(c):
                j = order[i]
                change = share * step[i] if i != blocked else -b[j]
                if change == 0.0:
                    continue
                row = hessian[j]
                for k in range(a):
                    g[k] -= row[k] * change
                g[j] -= l2[j] * change
                b[j] = b[j] + change if i != blocked else 0.0
            if blocked >= 0:
                c = _remove(factor, order, c, blocked)
    return b, c
