"""The sixteen features that run length, size zone and dependence matrices have in common (IBSI 3.7, 3.8, 3.11)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["emphasis"]

Floats = NDArray[np.float64]


def emphasis(counts: Floats, lengths: Floats, n_voxels: float) -> tuple[float, ...]:
    """Features of a matrix of counts.

    Parameters
    ----------
    counts
        Elements per grey level (rows, levels 1, 2, ...) and length (columns).
    lengths
        The length, size or dependence that each column stands for.
    n_voxels
        Voxels behind the matrix, for the percentage.

    Returns
    -------
    tuple
        Short and long emphasis; low and high grey level emphasis; short low, short high, long low, long high;
        grey level non-uniformity and its normalised form; length non-uniformity and its normalised form; percentage;
        grey level variance; length variance; entropy (bits).
    """
    total = counts.sum()
    p = counts / total
    level = np.arange(1, counts.shape[0] + 1, dtype=float)[:, None]
    length = np.asarray(lengths, dtype=float)[None, :]
    by_level, by_length = counts.sum(axis=1), counts.sum(axis=0)
    low, short = 1.0 / level**2, 1.0 / length**2
    high, long = level**2, length**2
    filled = p[p > 0]
    values = (
        (p * short).sum(),
        (p * long).sum(),
        (p * low).sum(),
        (p * high).sum(),
        (p * short * low).sum(),
        (p * short * high).sum(),
        (p * long * low).sum(),
        (p * long * high).sum(),
        (by_level**2).sum() / total,
        (by_level**2).sum() / total**2,
        (by_length**2).sum() / total,
        (by_length**2).sum() / total**2,
        total / n_voxels,
        (p * (level - (p * level).sum()) ** 2).sum(),
        (p * (length - (p * length).sum()) ** 2).sum(),
        -(filled * np.log2(filled)).sum(),
    )
    return tuple(float(v) for v in values)
