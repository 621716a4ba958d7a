"""Intensity histogram: first-order statistics of the grey levels (IBSI 3.4, family ZVCW)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.radiomics.statistics import statistics

__all__ = ["histogram"]


def histogram(levels: NDArray[np.int32]) -> tuple[float, ...]:
    """The 23 features in the order of the catalogue.

    Parameters
    ----------
    levels
        Grey levels of the voxels of the region, from 1, at least one voxel.

    Returns
    -------
    tuple
        Gradients are NaN where the histogram has a single bin.
    """
    counts = np.bincount(levels.ravel())[1:].astype(float)
    *to_maximum, iqr, spread, mad, rmad, medad, cov, qcod, _, _ = statistics(levels)
    p = counts[counts > 0] / counts.sum()
    return (
        *to_maximum,
        _mode(counts, to_maximum[0]),
        iqr,
        spread,
        mad,
        rmad,
        medad,
        cov,
        qcod,
        float(-(p * np.log2(p)).sum()),
        float((p**2).sum()),
        *_gradients(counts),
    )


def _mode(counts: NDArray[np.float64], mean: float) -> float:
    """The most frequent level; of several the one nearest to the mean, then the lower one."""
    candidates = np.flatnonzero(counts == counts.max()) + 1
    return float(candidates[np.argmin(np.abs(candidates - mean))])


def _gradients(counts: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Steepest rise and fall of the histogram, each with its level."""
    if counts.size < 2:
        return (float("nan"),) * 4
    slope = np.gradient(counts)
    return float(slope.max()), float(slope.argmax() + 1), float(slope.min()), float(slope.argmin() + 1)
