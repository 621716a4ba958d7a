"""Intensity histogram: first-order statistics of the grey levels (IBSI 3.4, family ZVCW)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["histogram"]

Floats = NDArray[np.float64]


def histogram(counts: NDArray[np.integer]) -> Floats:
    """The 23 features in the order of the catalogue.

    Parameters
    ----------
    counts
        Voxels of every grey level 0, 1, 2, ...; none of level 0, at least one in all.

    Returns
    -------
    ndarray
        Gradients are NaN where the histogram has a single bin.
    """
    n = counts[1 : np.flatnonzero(counts)[-1] + 1].astype(float)
    level = np.arange(1, n.size + 1, dtype=float)
    p = n / n.sum()
    p10, p25, median, p75, p90 = _quantiles(counts, (0.1, 0.25, 0.5, 0.75, 0.9))
    mean = (p * level).sum()
    second, third, fourth = ((p * (level - mean) ** power).sum() for power in (2, 3, 4))
    held = level[n > 0]
    inner = np.where((level >= p10) & (level <= p90), n, 0.0)
    inner_mean = (inner * level).sum() / inner.sum() if inner.any() else np.nan
    filled = p[p > 0]
    return np.array(
        [
            mean,
            second,
            third / second**1.5 if held.size > 1 else 0.0,
            fourth / second**2 - 3.0 if held.size > 1 else 0.0,
            median,
            held[0],
            p10,
            p90,
            held[-1],
            _mode(n, mean),
            p75 - p25,
            held[-1] - held[0],
            (p * np.abs(level - mean)).sum(),
            (inner * np.abs(level - inner_mean)).sum() / inner.sum() if inner.any() else np.nan,
            (p * np.abs(level - median)).sum(),
            np.sqrt(second) / mean,
            (p75 - p25) / (p75 + p25),
            -(filled * np.log2(filled)).sum(),
            (p**2).sum(),
            *_gradients(n),
        ]
    )


def _quantiles(counts: NDArray[np.integer], shares: tuple[float, ...]) -> Floats:
    """Quantiles of the levels, linear between two voxels."""
    up_to = np.cumsum(counts)
    where = np.array(shares) * (up_to[-1] - 1)
    below = np.searchsorted(up_to, np.floor(where), side="right").astype(float)
    above = np.searchsorted(up_to, np.ceil(where), side="right")
    return np.asarray(below + (above - below) * (where % 1))


def _mode(counts: Floats, mean: float) -> float:
    """The most frequent level; of several the one nearest to the mean, then the lower one."""
    candidates = np.flatnonzero(counts == counts.max()) + 1
    return float(candidates[np.argmin(np.abs(candidates - mean))])


def _gradients(counts: Floats) -> tuple[float, float, float, float]:
    """Steepest rise and fall of the histogram, each with its level."""
    if counts.size < 2:
        return (float("nan"),) * 4
    slope = np.gradient(counts)
    return float(slope.max()), float(slope.argmax() + 1), float(slope.min()), float(slope.argmin() + 1)
