"""Grey level co-occurrence (IBSI 3.6, family LFYI)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["glcm"]

Floats = NDArray[np.float64]
N_FEATURES = 25


def glcm(counts: NDArray[np.int64]) -> tuple[float, ...]:
    """The 25 features in the order of the catalogue.

    Parameters
    ----------
    counts
        One-way counts [direction, level, neighbour's level]: one matrix when merged, else one per direction.

    Returns
    -------
    tuple
        Mean of the features of the directions that have pairs. NaN where the region has no pair of neighbours;
        correlation is NaN where all neighbours have one level.
    """
    symmetric = (counts + counts.transpose(0, 2, 1)).astype(float)
    rows = [_features(matrix / matrix.sum()) for matrix in symmetric if matrix.any()]
    if not rows:
        return (float("nan"),) * N_FEATURES
    return tuple(float(v) for v in np.mean(rows, axis=0))


def _features(p: Floats) -> Floats:
    n = p.shape[0]
    level = np.arange(1, n + 1, dtype=float)
    i, j = level[:, None], level[None, :]
    marginal = p.sum(axis=1)
    mean = (marginal * level).sum()
    variance = (marginal * (level - mean) ** 2).sum()
    gap = np.abs(i - j)
    difference = np.bincount(gap.astype(int).ravel(), p.ravel(), minlength=n).astype(float)
    total = np.bincount((i + j).astype(int).ravel(), p.ravel(), minlength=2 * n + 1).astype(float)
    k, s = np.arange(n, dtype=float), np.arange(2 * n + 1, dtype=float)
    mean_gap, mean_sum = (difference * k).sum(), (total * s).sum()
    centred = i + j - 2 * mean
    info = _information(p, marginal)
    off = k > 0
    return np.array(
        [
            p.max(),
            mean,
            (p * (i - mean) ** 2).sum(),
            _entropy(p),
            mean_gap,
            (difference * (k - mean_gap) ** 2).sum(),
            _entropy(difference),
            mean_sum,
            (total * (s - mean_sum) ** 2).sum(),
            _entropy(total),
            (p**2).sum(),
            (difference * k**2).sum(),
            mean_gap,
            (difference / (1 + k)).sum(),
            (difference / (1 + k / n)).sum(),
            (difference / (1 + k**2)).sum(),
            (difference / (1 + (k / n) ** 2)).sum(),
            (difference[off] / k[off] ** 2).sum(),
            ((p * i * j).sum() - mean**2) / variance if variance > 0 else np.nan,
            (p * i * j).sum(),
            (p * centred**2).sum(),
            (p * centred**3).sum(),
            (p * centred**4).sum(),
            *info,
        ]
    )


def _information(p: Floats, marginal: Floats) -> tuple[float, float]:
    """First and second measure of information correlation."""
    product = marginal[:, None] * marginal[None, :]
    joint, single = _entropy(p), _entropy(marginal)
    where = product > 0
    first = -(p[where] * np.log2(product[where])).sum()
    second = -(product[where] * np.log2(product[where])).sum()
    correlation = (joint - first) / single if single > 0 else np.nan
    return float(correlation), float(np.sqrt(max(1 - np.exp(-2 * (second - joint)), 0.0)))


def _entropy(p: Floats) -> float:
    filled = p[p > 0]
    return float(-(filled * np.log2(filled)).sum())
