"""LASSO-Cox at one lambda on the features in play: Newton's method with a Hessian that is kept while it serves.

Rows of every matrix are features, columns patients in the order of the risk sets. ``sets`` is the tuple that
``lasso_problem.compiled_sets`` makes: strata (bounds), deaths, bounds of the deaths of each group of ties, first
position at risk of each group, bounds of the terms of each group, fraction and weight of each term. Breslow ties have
one term a group, Efron ties one term a death.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from perisurv.compiled import kernel
from perisurv.survival.kernels.active_set import factorise, maximise_quadratic

__all__ = ["add_features", "log_likelihoods", "residuals", "solve"]

LONGEST_STEP = 5.0  # change of a log hazard ratio in one Newton step
WIDEST = 500.0  # range of the log hazard ratios beyond which their exponentials cannot be summed
MAX_NEWTON = 200
SLOW = 0.2  # a kept Hessian that shrinks the violation less than to this share is made anew
KEPT = 0.9  # features without a coefficient stay in play with a gradient above this share of their penalty


@kernel(nogil=True, error_model="numpy")
def residuals(eta: Any, weight: Any, sets: Any, hazard: Any, total: Any, residual: Any) -> Any:
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


@kernel(nogil=True, error_model="numpy")
def _reach(eta: Any, weight: Any) -> Any:
    """Range of the linear predictors of those who count: a patient left out may lie anywhere."""
    low, high = np.inf, -np.inf
    for i in range(len(eta)):
        if weight[i] > 0.0:
            low = min(low, eta[i])
            high = max(high, eta[i])
    return high - low


@kernel(nogil=True, error_model="numpy")
def _log_added(a: Any, b: Any) -> Any:
    if a == -np.inf or b == -np.inf:
        return max(a, b)
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


@kernel(nogil=True, error_model="numpy")
def _wide_log_likelihood(eta: Any, weight: Any, sets: Any) -> Any:
    """Log likelihood summed on the log scale: finite however far the linear predictors lie apart."""
    strata, deaths, death_first, start, term_first, fraction, term_weight = sets
    value = 0.0
    for s in range(len(strata) - 1):
        a, b = strata[s], strata[s + 1]
        first, last = np.searchsorted(start, a), np.searchsorted(start, b)
        running = -np.inf
        i = b
        for g in range(last - 1, first - 1, -1):
            while i > start[g]:
                i -= 1
                if weight[i] > 0.0:
                    running = _log_added(running, math.log(weight[i]) + eta[i])
            tied = -np.inf
            for d in range(death_first[g], death_first[g + 1]):
                tied = _log_added(tied, math.log(weight[deaths[d]]) + eta[deaths[d]])
                value += weight[deaths[d]] * eta[deaths[d]]
            for t in range(term_first[g], term_first[g + 1]):
                taken = fraction[t] * math.exp(min(tied - running, 0.0))
                value -= term_weight[t] * (running + math.log1p(-taken))
    return value


@kernel(nogil=True, error_model="numpy")
def log_likelihoods(etas: Any, weight: Any, sets: Any) -> Any:
    """Log likelihood of each row of linear predictors (rows, n)."""
    hazard, residual = np.empty(etas.shape[1]), np.empty(etas.shape[1])
    total = np.empty(len(sets[5]))
    values = np.empty(len(etas))
    for k in range(len(etas)):
        if _reach(etas[k], weight) > WIDEST:
            values[k] = _wide_log_likelihood(etas[k], weight, sets)
        else:
            values[k] = residuals(etas[k], weight, sets, hazard, total, residual)
    return values


@kernel(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _products(x: Any, hazard: Any, total: Any, residual: Any, weight: Any, sets: Any, out: Any) -> Any:
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


@kernel(nogil=True, error_model="numpy")
def add_features(new: Any, columns: Any, x: Any, hessian: Any, a: Any, kept: Any, weight: Any, sets: Any) -> Any:
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


@kernel(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _violation(gradient: Any, coef: Any, l1: Any, unit: Any, a: Any) -> Any:
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


@kernel(nogil=True, error_model="numpy")
def _renew(x: Any, hessian: Any, a: Any, eta: Any, weight: Any, sets: Any, kept: Any) -> Any:
    hazard, total, residual = kept
    residuals(eta, weight, sets, hazard, total, residual)
    out = np.empty((a, x.shape[1]))
    _products(x[:a], hazard, total, residual, weight, sets, out)
    hessian[:a, :a] = np.dot(x[:a], out.T)


@kernel(nogil=True, error_model="numpy")
def _compact(features: Any, x: Any, coef: Any, l1: Any, l2: Any, unit: Any, gradient: Any, a: Any, inside: Any) -> Any:
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


@kernel(nogil=True, error_model="numpy")
def solve(
    features: Any,
    x: Any,
    hessian: Any,
    coef: Any,
    l1: Any,
    l2: Any,
    unit: Any,
    a: Any,
    eta: Any,
    weight: Any,
    sets: Any,
    kept: Any,
    inside: Any,
    residual: Any,
    slack: Any,
    factor: Any,
    order: Any,
    c: Any,
) -> Any:
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
        c = factorise(factor, order, hessian, l2, coef[:a])
    for _ in range(MAX_NEWTON):
        if _reach(eta, weight) > WIDEST:
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
            c = factorise(factor, order, hessian, l2, coef[:a])
            fresh = True
        else:
            fresh = False
        halvings = 0
        before, old_objective = violation, objective
        old_coef, old_eta = coef[:a].copy(), eta.copy()
        goal = max(0.02 * violation, 0.2 * slack)
        target, c = maximise_quadratic(hessian, gradient, coef[:a], l1, l2, unit, goal, factor, order, c)
        step = target - coef[:a]
        move = np.dot(step, x[:a])
        longest = _reach(move, weight)
        if longest > LONGEST_STEP:
            step *= LONGEST_STEP / longest
            move *= LONGEST_STEP / longest
            coef[:a] += step
        else:
            coef[:a] = target
        eta += move
    return False, a, value, c
