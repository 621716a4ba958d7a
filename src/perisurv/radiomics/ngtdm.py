"""Neighbourhood grey tone difference (IBSI 3.10, family IPET)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ngtdm"]

Floats = NDArray[np.float64]


def ngtdm(voxels: NDArray[np.integer], difference: NDArray[np.integer]) -> Floats:
    """Coarseness, contrast, busyness, complexity, strength.

    Parameters
    ----------
    voxels
        Counts [level, voxels of the neighbourhood inside, the voxel itself included]; level 0 belongs to nothing.
    difference
        For the same voxels: sum of abs(level x neighbours - sum of the levels of the neighbours).

    Returns
    -------
    ndarray
        NaN where the region has no voxel with a neighbour. A region without any difference has coarseness 1e6 and a
        strength of 0; a single level has a contrast and busyness of 0 (IBSI). Busyness is NaN where level times
        frequency is the same for all levels, so that it divides by zero.
    """
    # A voxel alone has no neighbours to differ from.
    by_level = voxels[1:, 2:].sum(axis=1)
    n = by_level.sum()
    if n == 0:
        return np.full(5, np.nan)
    held = np.flatnonzero(by_level)
    level, p = held + 1.0, by_level[held] / n
    s = (difference[1:, 2:] / np.arange(1, voxels.shape[1] - 1)).sum(axis=1)[held]
    i, j, pi, pj = level[:, None], level[None, :], p[:, None], p[None, :]
    weighted = float((p * s).sum())
    coarseness = 1.0 / weighted if weighted > 0 else 1e6
    spread = (pi * pj * (i - j) ** 2).sum()
    contrast = spread / (held.size * (held.size - 1)) * s.sum() / n if held.size > 1 else 0.0
    steps = np.abs(i * pi - j * pj).sum()
    busyness = 0.0 if held.size == 1 else weighted / steps if steps > 1e-9 else float("nan")
    complexity = (np.abs(i - j) * (pi * s[:, None] + pj * s[None, :]) / (pi + pj)).sum() / n
    strength = ((pi + pj) * (i - j) ** 2).sum() / s.sum() if s.sum() > 0 else 0.0
    return np.array([coarseness, contrast, busyness, complexity, strength])
