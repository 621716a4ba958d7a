"""The columns of a LASSO-Cox fit, standardised once, and the problems that share them: all patients, and each fold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.core import FeatureError, SettingsError
from perisurv.statistics import RiskSets
from perisurv.survival.lasso_options import LassoOptions

__all__ = ["Columns", "Problem", "compiled_sets", "penalty_factors"]

Floats = NDArray[np.float64]

BLOCK = 64  # features at a time, so that they stay in the cache
STILL = 1e-7  # a column whose standard deviation in a fold is a smaller share of that of all patients is constant there


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Features in the order of the risk sets.

    Parameters
    ----------
    rows
        A row a feature, centred and of unit variance among all patients, shape (features, n); zero if constant.
    sd
        What they were divided by, shape (features,); infinite if constant.
    spread
        Standard deviation among the patients of each problem, in units of ``sd``, shape (problems, features); zero if
        constant there.
    """

    rows: Floats
    sd: Floats
    spread: Floats

    @classmethod
    def of(cls, values: Floats, order: NDArray[np.intp], shares: Floats) -> Columns:
        """Sort and standardise values (patients, features); shares (problems, n) are in the order of the risk sets.

        Raises
        ------
        FeatureError
            If the values of a column are too large to be squared.
        """
        p = values.shape[1]
        rows = np.empty((p, len(order)))
        sd, spread = np.empty(p), np.empty((len(shares), p))
        for first in range(0, p, BLOCK):
            part = slice(first, min(first + BLOCK, p))
            rows[part] = values[:, part].T[:, order]
            sd[part], spread[:, part] = _standardise(rows[part], shares)
        if not np.isfinite(spread).all():
            raise FeatureError("LASSO-Cox: the values of a feature are too large; rescale it.")
        return cls(rows, sd, spread)


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Who takes part in a fit, and what each feature costs.

    Parameters
    ----------
    share
        Case weights that sum to 1, zero for patients who are left out, in the order of the risk sets, shape (n,).
    sets
        Risk sets as the kernels take them.
    saturated
        Largest value that the log partial likelihood (divided by the sum of the case weights) can approach.
    deaths
        Weight of the deaths, in units of ``share``.
    l1, l2
        What lambda is multiplied by, in units of the standardised columns, shape (features,); ``l1`` is infinite for
        features that are left out.
    unit
        One unit of the gradient on the scale on which lambda is measured, shape (features,).
    """

    share: Floats
    sets: tuple[Any, ...]
    saturated: float
    deaths: float
    l1: Floats
    l2: Floats
    unit: Floats

    @classmethod
    def of(cls, sets: RiskSets, spread: Floats, sd: Floats, factors: Floats, options: LassoOptions) -> Problem:
        """The problem of the patients whose weight in the risk sets is not zero."""
        total = float(sets.weight.sum())
        unit = spread if options.standardise else 1 / sd
        out = (spread <= 0) | np.isinf(factors)
        unit = np.where(out, 1.0, unit)
        factors = np.where(out, 1.0, factors)
        return cls(
            share=sets.weight / total,
            sets=compiled_sets(sets, total),
            saturated=(sets.saturated() + float(sets.weight[sets.deaths].sum()) * float(np.log(total))) / total,
            deaths=float(sets.weight[sets.deaths].sum()) / total,
            l1=np.where(out, np.inf, options.alpha * factors * unit),
            l2=(1 - options.alpha) * factors * unit**2,
            unit=unit,
        )

    def without(self, features: NDArray[np.bool_]) -> Problem:
        """The same problem without some features (features,)."""
        return replace(self, l1=np.where(features, np.inf, self.l1))


def compiled_sets(sets: RiskSets, total: float) -> tuple[Any, ...]:
    """Risk sets as the kernels take them, weights divided by ``total``; see ``kernels.lasso``."""
    bounds = np.append(sets.tie_start, len(sets.deaths))
    start = sets.start[sets.tie_start]
    if sets.fraction.any():
        terms, fraction, weight = bounds, sets.fraction, sets.death_weight
    else:
        terms, fraction = np.arange(len(bounds)), np.zeros(len(start))
        weight = sets.death_weight[sets.tie_start] * np.diff(bounds)
    return sets.strata, sets.deaths, bounds, start, terms, fraction, weight / total


def penalty_factors(options: LassoOptions, p: int) -> Floats:
    """Factors (features,) with a mean of 1, infinite ones counted as 1."""
    if not options.penalty_factors:
        return np.ones(p)
    factors = np.asarray(options.penalty_factors, dtype=float)
    if len(factors) != p:
        raise SettingsError(f"LASSO-Cox got {len(factors)} penalty factors for {p} features.")
    counted = np.where(np.isinf(factors), 1.0, factors)
    if counted.sum() <= 0:
        raise SettingsError("LASSO-Cox penalises no feature; fit a Cox model instead, or raise a penalty factor.")
    return np.asarray(factors * (p / counted.sum()))


def _standardise(rows: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Centre and scale rows (features, n) in place by the first share; what they were divided by, and their spread."""
    mean = rows @ shares[0]
    rows -= mean[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        sd = np.sqrt(np.square(rows) @ shares[0])
    varies = sd > 1e-12 * np.maximum(np.abs(mean), 1e-300)
    sd = np.where(varies, sd, np.inf)
    rows /= sd[:, None]
    spread = np.sqrt(np.maximum(np.square(rows) @ shares.T - (rows @ shares.T) ** 2, 0.0)).T
    spread[0] = np.where(varies, 1.0, 0.0)
    return sd, np.where(spread > STILL, spread, 0.0)
