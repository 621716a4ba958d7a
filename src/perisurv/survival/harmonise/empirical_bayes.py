"""Empirical-Bayes estimates of what a batch does to the location and scale of many features (Johnson et al. 2007).

What a batch does is estimated from its moments alone: size, and mean and variance of each standardised feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perisurv.core import ConvergenceError, FeatureError

__all__ = ["Moments", "Prior", "shrink"]

Floats = NDArray[np.float64]
Prior = Literal["parametric", "nonparametric", "none"]

MAX_ITERATIONS = 10_000
BLOCK = 2_000_000  # numbers of one block of the non-parametric weights


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Standardised features of one batch.

    Parameters
    ----------
    n
        Patients.
    location
        Mean of each feature, shape (features,).
    scale
        Variance of each feature (1/(n-1)), shape (features,); ones where only locations are adjusted.
    """

    n: int
    location: Floats
    scale: Floats


def shrink(moments: Moments, prior: Prior, *, mean_only: bool, tolerance: float) -> tuple[Floats, Floats]:
    """Posterior location and scale (a variance) of each feature, each of shape (features,).

    The prior is that of the features of this batch. As in the published programs, the parametric mean-only estimate
    does not look at the size of the batch.

    Raises
    ------
    FeatureError
        If there are too few features for a prior.
    ConvergenceError
        If the parametric estimate does not settle.
    """
    if prior == "none":
        return moments.location, moments.scale
    if len(moments.location) < 2:
        raise FeatureError(
            f"Empirical Bayes learns from many features, found {len(moments.location)} that can be adjusted; "
            "use prior='none'."
        )
    if prior == "nonparametric":
        return _nonparametric(moments)
    if mean_only:
        mean, variance = moments.location.mean(), moments.location.var(ddof=1)
        return (variance * moments.location + mean) / (variance + 1.0), moments.scale
    return _parametric(moments, tolerance)


def _parametric(moments: Moments, tolerance: float) -> tuple[Floats, Floats]:
    """Normal prior of the locations, inverse gamma of the scales; one posterior given the other, until both stay."""
    n, location = moments.n, moments.location
    mean, variance = location.mean(), location.var(ddof=1)
    # Prior of the scales by its moments m and v: shape 2 + m^2 / v and rate m + m^3 / v. Multiplied by v, so that
    # features of equal scale (v = 0) need no case of their own.
    m, v = moments.scale.mean(), moments.scale.var(ddof=1)
    squares = (n - 1) * moments.scale
    g, d = location, moments.scale
    for _ in range(MAX_ITERATIONS):
        new_g = (variance * n * location + d * mean) / (variance * n + d)
        new_d = (0.5 * v * (squares + n * (location - new_g) ** 2) + m * (v + m * m)) / (v * (n / 2 + 1) + m * m)
        change = _change(g, new_g, d, new_d)
        g, d = new_g, new_d
        if change <= tolerance:
            return g, d
    raise ConvergenceError(f"The empirical-Bayes estimates did not settle to {tolerance:g}; use a larger tolerance.")


def _change(old_g: Floats, new_g: Floats, old_d: Floats, new_d: Floats) -> float:
    """Largest relative change; negative locations do not count.

    So it is in every published program. With their rule the number of iterations, hence the digits, are theirs.
    """
    up = old_g > 0
    moved = np.abs(new_g - old_g)[up] / old_g[up]
    return float(max(moved.max(initial=0.0), (np.abs(new_d - old_d) / old_d).max()))


def _nonparametric(moments: Moments) -> tuple[Floats, Floats]:
    """Mean over the estimates of all other features, weighted by how likely they make the values of this one."""
    n, location, scale = moments.n, moments.location, moments.scale
    count = len(location)
    g, d = np.empty(count), np.empty(count)
    constant = -0.5 * n * np.log(scale)
    for rows in np.array_split(np.arange(count), max(1, count * count // BLOCK)):
        squares = (n - 1) * scale[rows, None] + n * (location[rows, None] - location) ** 2
        log_likelihood = constant - squares / (2 * scale)
        log_likelihood[np.arange(len(rows)), rows] = -np.inf
        # Relative to the likeliest: the plain product of sva is 0/0 for large batches.
        weight = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
        total = weight.sum(axis=1)
        g[rows], d[rows] = weight @ location / total, weight @ scale / total
    return g, d
