"""One Cox model a feature, all features at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from perisurv.core import FeatureTable, Outcome
from perisurv.statistics import RiskSets
from perisurv.survival.design import design
from perisurv.survival.options import Ties

__all__ = ["UnivariateCox", "adjust_p", "univariate_cox"]

Floats = NDArray[np.float64]

BLOCK = 512  # columns at a time: bounds memory
MAX_ITERATIONS = 40
TOLERANCE = 1e-14
LONGEST_STEP = 5.0  # change of a log hazard ratio in one iteration
SEPARATED = 1e-6  # smallest share of the information at zero that is left at the maximum


@dataclass(frozen=True, slots=True, eq=False)
class UnivariateCox:
    """Univariate Cox models, one entry a feature.

    Parameters
    ----------
    names
        Features.
    coef, se, z, p
        Log hazard ratio per unit, its standard error, Wald statistic and two-sided p. NaN where no finite estimate
        exists: the feature is constant, or it separates the deaths from those at risk.
    """

    names: tuple[str, ...]
    coef: Floats
    se: Floats
    z: Floats
    p: Floats


def univariate_cox(x: FeatureTable | pd.DataFrame | ArrayLike, outcome: Outcome, ties: Ties = "efron") -> UnivariateCox:
    """Fit one Cox model a feature: one sort, Newton's method on all columns at once.

    Parameters
    ----------
    x
        Shape (patients, features), rows in the order of the outcome.
    outcome
        Follow-up.
    ties
        Tied deaths.

    Raises
    ------
    FeatureError
        If a value is missing.
    OutcomeError
        If nobody died.
    """
    values, names = design(x, outcome)
    sets = RiskSets.of(outcome.time_days, outcome.event, ties)
    values = values[sets.order]
    blocks = [_block(values[:, b : b + BLOCK], sets) for b in range(0, values.shape[1], BLOCK)]
    coef, se = np.concatenate([np.empty((2, 0)), *blocks], axis=1)
    z = coef / se
    return UnivariateCox(names, coef, se, z, np.asarray(2 * special.ndtr(-np.abs(z))))


def adjust_p(p: Floats) -> Floats:
    """Benjamini-Hochberg adjusted p-values; NaN stays NaN and does not count."""
    adjusted = np.full_like(p, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    known = known[np.argsort(p[known], kind="stable")]
    raised = p[known] * len(known) / np.arange(1, len(known) + 1)
    adjusted[known] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return adjusted


def _block(values: Floats, sets: RiskSets) -> Floats:
    """Coefficients and standard errors, shape (2, features); NaN where there is none."""
    mean, sd = values.mean(axis=0), values.std(axis=0)
    varies = sd > 1e-12 * np.maximum(np.abs(mean), 1e-300)
    sd = np.where(varies, sd, 1.0)
    x = (values - mean) / sd
    coef = np.zeros(x.shape[1])
    objective, gradient, start = _derivatives(x, sets, coef)
    information = start.copy()
    usable = varies & (start > 1e-10)
    converged = np.zeros(x.shape[1], dtype=bool)
    active = np.flatnonzero(usable)
    for _ in range(MAX_ITERATIONS):
        step = gradient[active] / information[active]
        done = gradient[active] * step / 2 < TOLERANCE
        converged[active[done]] = True
        coef[active[done]] += step[done]
        active, step = active[~done], step[~done]
        if not len(active):
            break
        step *= np.minimum(1.0, LONGEST_STEP / np.abs(x[:, active] * step).max(axis=0))
        coef[active] += step
        objective[active] = _halve(x, sets, coef, active, step, objective[active])
        _, gradient[active], information[active] = _derivatives(x[:, active], sets, coef[active])
    finite = converged & (information > SEPARATED * start)
    coef = np.where(finite, coef / sd, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([coef, np.where(finite, 1 / np.sqrt(information) / sd, np.nan)])


def _halve(x: Floats, sets: RiskSets, coef: Floats, active: NDArray[np.intp], step: Floats, before: Floats) -> Floats:
    """Halve the steps, in place, of the columns whose likelihood fell; the likelihoods then reached."""
    after = _likelihood(x[:, active], sets, coef[active])
    for _ in range(30):
        worse = ~(after >= before - 1e-10 * np.abs(before))
        if not worse.any():
            break
        step = np.where(worse, step / 2, step)
        coef[active[worse]] -= step[worse]
        after[worse] = _likelihood(x[:, active[worse]], sets, coef[active[worse]])
    return after


def _likelihood(x: Floats, sets: RiskSets, coef: Floats) -> Floats:
    eta = x * coef
    eta -= eta.max(axis=0)
    with np.errstate(divide="ignore"):
        return np.asarray(eta[sets.deaths].sum(axis=0) - np.log(sets.at_risk(np.exp(eta))).sum(axis=0))


def _derivatives(x: Floats, sets: RiskSets, coef: Floats) -> tuple[Floats, Floats, Floats]:
    """Log partial likelihood, gradient and information of each column."""
    eta = x * coef
    eta -= eta.max(axis=0)
    weight = np.exp(eta)
    at_risk = sets.at_risk(weight)
    mean = sets.at_risk(weight * x) / at_risk
    square = sets.at_risk(weight * x * x) / at_risk
    objective = eta[sets.deaths].sum(axis=0) - np.log(at_risk).sum(axis=0)
    return objective, x[sets.deaths].sum(axis=0) - mean.sum(axis=0), (square - mean**2).sum(axis=0)
