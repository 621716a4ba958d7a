"""One Cox model a feature, all features at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

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

BLOCK = 100_000  # numbers at a time, so that they stay in the cache
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


def univariate_cox(
    x: FeatureTable | pd.DataFrame | ArrayLike,
    outcome: Outcome,
    ties: Ties = "efron",
    *,
    strata: Sequence[object] | None = None,
    weight: Floats | None = None,
) -> UnivariateCox:
    """Fit one Cox model a feature: one sort, Newton's method on a block of columns at once.

    Parameters
    ----------
    x
        Shape (patients, features), rows in the order of the outcome.
    outcome
        Follow-up.
    ties
        Tied deaths.
    strata
        One label a patient, such as the centre: each stratum has its own baseline hazard.
    weight
        Case weights, shape (patients,).

    Raises
    ------
    FeatureError
        If a value is missing.
    OutcomeError
        If nobody died, or strata or weights do not fit the patients.
    """
    values, names = design(x, outcome)
    sets = RiskSets.of(outcome.time_days, outcome.event, ties, strata, weight)
    width = max(BLOCK // len(values), 16)
    blocks = [_block(values[:, b : b + width][sets.order], sets) for b in range(0, values.shape[1], width)]
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


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Standardised columns (patients, features) in the order of the risk sets, and what every step needs of them."""

    x: Floats
    top: Floats
    bottom: Floats
    died: Floats

    @classmethod
    def of(cls, x: Floats, sets: RiskSets) -> _Columns:
        return cls(x, x.max(axis=0), x.min(axis=0), sets.weight[sets.deaths] @ x[sets.deaths])

    def take(self, active: NDArray[np.intp]) -> _Columns:
        if len(active) == self.x.shape[1]:
            return self
        return _Columns(self.x[:, active], self.top[active], self.bottom[active], self.died[active])


def _block(values: Floats, sets: RiskSets) -> Floats:
    """Coefficients and standard errors, shape (2, features); NaN where there is none."""
    share = sets.weight / sets.weight.sum()
    mean = share @ values
    x = values - mean
    sd = np.sqrt(share @ x**2)
    varies = sd > 1e-12 * np.maximum(np.abs(mean), 1e-300)
    sd = np.where(varies, sd, 1.0)
    x /= sd
    columns = _Columns.of(x, sets)
    coef = np.zeros(x.shape[1])
    gradient, start = _derivatives(columns, sets, coef)
    information = start.copy()
    converged = np.zeros(x.shape[1], dtype=bool)
    low, high = np.full(x.shape[1], -np.inf), np.full(x.shape[1], np.inf)
    active = np.flatnonzero(varies & (start > 1e-10))
    for _ in range(MAX_ITERATIONS):
        step = gradient[active] / information[active]
        done = gradient[active] * step / 2 < TOLERANCE
        converged[active[done]] = True
        coef[active[done]] += step[done]
        active, step = active[~done], step[~done]
        if not len(active):
            break
        part = columns.take(active)
        coef[active] = _bracketed(part, coef[active], step, gradient[active], (low, high), active)
        gradient[active], information[active] = _derivatives(part, sets, coef[active])
    finite = converged & (information > SEPARATED * start)
    coef = np.where(finite, coef / sd, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([coef, np.where(finite, 1 / np.sqrt(information) / sd, np.nan)])


def _bracketed(
    columns: _Columns,
    coef: Floats,
    step: Floats,
    gradient: Floats,
    bounds: tuple[Floats, Floats],
    active: NDArray[np.intp],
) -> Floats:
    """The Newton step, no longer than allowed; halfway back where it leaves the interval that holds the maximum.

    The likelihood is concave, so the sign of the gradient tells on which side the maximum lies.
    """
    low, high = bounds
    rising = gradient > 0
    low[active[rising]] = coef[rising]
    high[active[~rising]] = coef[~rising]
    reach = np.maximum(columns.top, -columns.bottom)
    trial = coef + step * np.minimum(1.0, LONGEST_STEP / (reach * np.abs(step)))
    below, above = low[active], high[active]
    outside = (trial <= below) | (trial >= above)
    middle = (np.where(np.isfinite(below), below, 0.0) + np.where(np.isfinite(above), above, 0.0)) / 2
    return np.where(outside, middle, trial)


def _derivatives(columns: _Columns, sets: RiskSets, coef: Floats) -> tuple[Floats, Floats]:
    """Gradient and information of the log partial likelihood of each column."""
    from perisurv.survival.kernels.univariate import slopes  # noqa: PLC0415  numba loads at first use

    x = columns.x
    if coef.any():
        weight = x * coef
        if len(sets.strata) == 2:
            weight -= np.maximum(columns.top * coef, columns.bottom * coef)
        else:
            for a, b in pairwise(sets.strata):
                weight[a:b] -= weight[a:b].max(axis=0)
        np.exp(weight, out=weight)
        if (sets.weight != 1.0).any():
            weight *= sets.weight[:, None]
    else:
        weight = np.repeat(sets.weight[:, None], x.shape[1], axis=1)
    mean, information = slopes(
        x, weight, sets.strata, sets.deaths, sets.start, sets.tie_start, sets.fraction, sets.death_weight
    )
    return columns.died - mean, information
