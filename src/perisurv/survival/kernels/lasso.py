"""LASSO-Cox at one lambda on the features in play: Newton's method with a Hessian that is kept while it serves.

Rows of every matrix are features, columns patients in the order of the risk sets. ``sets`` is the tuple that
``lasso_problem.compiled_sets`` makes: strata (bounds), deaths, bounds of the deaths of each group of ties, first
position at risk of each group, bounds of the terms of each group, fraction and weight of each term. Breslow ties have
one term a group, Efron ties one term a death.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["add_features", "log_likelihoods", "residuals", "solve"]

LONGEST_STEP = 5.0  # change of a log hazard ratio in one Newton step
WIDEST = 500.0  # range of the log hazard ratios beyond which their exponentials cannot be summed
MAX_NEWTON = 200
SLOW = 0.2  # a kept Hessian that shrinks the violation less than to this share is made anew
RIDGE = 1e-10  # lets copies of a column share one weight; the optimality check is made without it
MAX_TURNS, JOINT_TURNS = 500, 8  # of the active-set method; those in which several features may enter at once
KEPT = 0.9  # features without a coefficient stay in play with a gradient above this share of their penalty


@njit(cache=True, nogil=True, error_model="numpy")
def residuals(eta, weight, sets, hazard, total, residual):
    """Log likelihood; fills hazard ratios (n), sums at risk (terms), and the derivative of each patient (n)."""
    strata, deaths, death_first, start, term_first, fraction, term_weight = sets
    value = 0.0
    for s in range(len(strata) - 1):
        a, b = strata[s], strata[s + 1]
        top = -np.inf
        for i in range(a, b):
            if weight[i] > 0.0:
                top = max(top, eta[i])
        if top == -np.inf:
            top = 0.0
        for i in range(a, b):
            hazard[i] = weight[i] * math.exp(eta[i] - top) if weight[i] > 0.0 else 0.0
            residual[i] = 0.0
        first = np.searchsorted(start, a)
        last = np.searchsorted(start, b)
        running = 0.0
        i = b
        for g in range(last - 1, first - 1, -1):
            while i > start[g]:
                i -= 1
                running += hazard[i]
            tied = 0.0
            for d in range(death_first[g], death_first[g + 1]):
                tied += hazard[deaths[d]]
            for t in range(term_first[g], term_first[g + 1]):
                total[t] = running - fraction[t] * tied
                value -= term_weight[t] * (top + math.log(total[t]))
        cumulative = 0.0
        i = a
        for g in range(first, last):
            while i < start[g]:
                residual[i] = -hazard[i] * cumulative
                i += 1
            for t in range(term_first[g], term_first[g + 1]):
                cumulative += term_weight[t] / total[t]
        while i < b:
            residual[i] = -hazard[i] * cumulative
            i += 1
        for g in range(first, last):
            own = 0.0
            for t in range(term_first[g], term_first[g + 1]):
                own += fraction[t] * term_weight[t] / total[t]
            for d in range(death_first[g], death_first[g + 1]):
                residual[deaths[d]] += weight[deaths[d]] + hazard[deaths[d]] * own
                value += weight[deaths[d]] * eta[deaths[d]]
    return value


@njit(cache=True, nogil=True, error_model="numpy")
def log_likelihoods(etas, weight, sets):
    """Log likelihood of each row of linear predictors (rows, n)."""
    hazard, residual = np.empty(etas.shape[1]), np.empty(etas.shape[1])
    total = np.empty(len(sets[5]))
    values = np.empty(len(etas))
    for k in range(len(etas)):
        values[k] = residuals(etas[k], weight, sets, hazard, total, residual)
    return values


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _products(x, hazard, total, residual, weight, sets, out):
    """Rows of x (features, n) times the negative Hessian in the linear predictors."""
    strata, deaths, death_first, start, term_first, fraction, term_weight = sets
    n = x.shape[1]
    # The expected deaths of a patient are the observed ones minus the residual.
    expected = -residual
    for d in range(len(deaths)):
        expected[deaths[d]] += weight[deaths[d]]
    inverse = np.empty(len(total))
    for t in range(len(total)):
        inverse[t] = 1.0 / total[t]
    pull = np.empty(len(start))
    own = np.empty(len(start))
    for j in range(x.shape[0]):
        row = x[j]
        for s in range(len(strata) - 1):
            a, b = strata[s], strata[s + 1]
            first = np.searchsorted(start, a)
            last = np.searchsorted(start, b)
            running = 0.0
            i = b
            for g in range(last - 1, first - 1, -1):
                while i > start[g]:
                    i -= 1
                    running += hazard[i] * row[i]
                tied = 0.0
                if term_first[g + 1] - term_first[g] > 1:
                    for d in range(death_first[g], death_first[g + 1]):
                        tied += hazard[deaths[d]] * row[deaths[d]]
                pull[g] = 0.0
                own[g] = 0.0
                for t in range(term_first[g], term_first[g + 1]):
                    share = term_weight[t] * (running - fraction[t] * tied) * inverse[t] * inverse[t]
                    pull[g] += share
                    own[g] += fraction[t] * share
            cumulative = 0.0
            i = a
            for g in range(first, last):
                while i < start[g]:
                    out[j, i] = expected[i] * row[i] - hazard[i] * cumulative
                    i += 1
                cumulative += pull[g]
            while i < b:
                out[j, i] = expected[i] * row[i] - hazard[i] * cumulative
                i += 1
            for g in range(first, last):
                if own[g] != 0.0:
                    for d in range(death_first[g], death_first[g + 1]):
                        out[j, deaths[d]] += hazard[deaths[d]] * own[g]
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def add_features(new, columns, x, hessian, a, kept, weight, sets):
    """Put rows of columns behind the a features in play, with their Hessian where the kept Hessian was taken."""
    hazard, total, residual = kept
    c = len(new)
    for j in range(c):
        x[a + j] = columns[new[j]]
    out = np.empty((c, x.shape[1]))
    _products(x[a : a + c], hazard, total, residual, weight, sets, out)
    cross = np.dot(x[: a + c], out.T)
    hessian[: a + c, a : a + c] = cross
    hessian[a : a + c, :a] = cross[:a].T


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _violation(gradient, coef, l1, unit, a):
    worst = 0.0
    for j in range(a):
        if coef[j] > 0.0:
            off = abs(gradient[j] - l1[j])
        elif coef[j] < 0.0:
            off = abs(gradient[j] + l1[j])
        else:
            off = abs(gradient[j]) - l1[j]
        worst = max(worst, off / unit[j])
    return worst


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _cholesky(matrix):
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _solve_factored(factor, right, n):
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _append(factor, order, c, hessian, l2, j):
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _remove(factor, order, c, k):
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _factorise(factor, order, hessian, l2, coef):
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _synchronise(factor, order, c, hessian, l2, coef):
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _enter(g, b, l1, l2, unit, goal, sign, hessian, factor, order, c, single):
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


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _quadratic(hessian, gradient, coef, l1, l2, unit, goal, factor, order, c):
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


@njit(cache=True, nogil=True, error_model="numpy")
def _renew(x, hessian, a, eta, weight, sets, kept):
    hazard, total, residual = kept
    residuals(eta, weight, sets, hazard, total, residual)
    out = np.empty((a, x.shape[1]))
    _products(x[:a], hazard, total, residual, weight, sets, out)
    hessian[:a, :a] = np.dot(x[:a], out.T)


@njit(cache=True, nogil=True, error_model="numpy")
def _compact(features, x, coef, l1, l2, unit, gradient, a, inside):
    """Take features out of play that have no coefficient and are far from having one; how many stay."""
    b = 0
    for j in range(a):
        if coef[j] == 0.0 and abs(gradient[j]) < KEPT * l1[j]:
            inside[features[j]] = False
            continue
        if b < j:
            features[b] = features[j]
            x[b] = x[j]
            coef[b], l1[b], l2[b], unit[b], gradient[b] = coef[j], l1[j], l2[j], unit[j], gradient[j]
        b += 1
    return b


@njit(cache=True, nogil=True, error_model="numpy")
def solve(
    features, x, hessian, coef, l1, l2, unit, a, eta, weight, sets, kept, inside, residual, slack, factor, order, c
):
    """Optimum over the features in play: reached or not, their number, log likelihood, how many are factored.

    ``coef``, ``eta``, ``residual`` and what is kept are changed in place.
    """
    n = x.shape[1]
    hazard, total = np.empty(n), np.empty(len(sets[5]))
    before, halvings = np.inf, 0
    old_coef, old_eta = coef[:a].copy(), eta.copy()
    old_objective = -np.inf
    fresh = False
    value = 0.0
    if l2.any():  # the ridge has changed with lambda
        c = _factorise(factor, order, hessian, l2, coef[:a])
    for _ in range(MAX_NEWTON):
        if eta.max() - eta.min() > WIDEST:
            return False, a, value, c
        value = residuals(eta, weight, sets, hazard, total, residual)
        objective = value
        for j in range(a):
            objective -= l1[j] * abs(coef[j]) + l2[j] / 2 * coef[j] * coef[j]
        if not objective >= old_objective - 1e-12 * abs(old_objective):
            if halvings == 40:
                return False, a, value, c
            halvings += 1
            fresh = False
            coef[:a] = (coef[:a] + old_coef) / 2
            eta[:] = (eta + old_eta) / 2
            continue
        gradient = np.dot(x[:a], residual) - l2[:a] * coef[:a]
        violation = _violation(gradient, coef, l1, unit, a)
        if violation <= slack:
            return True, a, value, c
        if not fresh and (violation > SLOW * before or halvings > 0):
            a = _compact(features, x, coef, l1, l2, unit, gradient, a, inside)
            _renew(x, hessian, a, eta, weight, sets, kept)
            c = _factorise(factor, order, hessian, l2, coef[:a])
            fresh = True
        else:
            fresh = False
        halvings = 0
        before, old_objective = violation, objective
        old_coef, old_eta = coef[:a].copy(), eta.copy()
        goal = max(0.02 * violation, 0.2 * slack)
        target, c = _quadratic(hessian, gradient, coef[:a], l1, l2, unit, goal, factor, order, c)
        step = target - coef[:a]
        move = np.dot(step, x[:a])
        longest = np.abs(move).max()
        if longest > LONGEST_STEP:
            step *= LONGEST_STEP / longest
            move *= LONGEST_STEP / longest
            coef[:a] += step
        else:
            coef[:a] = target
        eta += move
    return False, a, value, c
