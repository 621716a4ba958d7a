"""Neighbourhood grey tone difference (IBSI 3.10, family IPET)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ngtdm"]

Floats = NDArray[np.float64]


def ngtdm(voxels: NDArray[np.int64], difference: Floats) -> tuple[float, ...]:
    """Coarseness, contrast, busyness, complexity, strength.

    Parameters
    ----------
    voxels
        Voxels with at least one neighbour, per level.
    difference
        Sum of absolute differences to the mean of the neighbours, per level.

    Returns
    -------
    tuple
        NaN where the region has no voxel with a neighbour. A region without any difference has coarseness 1e6 and a
        strength of 0; a single level has a contrast and busyness of 0 (IBSI). Busyness is NaN where level times
        frequency is the same for all levels, so that it divides by zero.
    """
    n = voxels.sum()
    if n == 0:
        return (float("nan"),) * 5
    p = voxels / n
    held = np.flatnonzero(p)
    level, p, s = held + 1.0, p[held], difference[held]
    i, j, pi, pj = level[:, None], level[None, :], p[:, None], p[None, :]
    weighted = float((p * s).sum())
    coarseness = 1.0 / weighted if weighted > 0 else 1e6
    spread = (pi * pj * (i - j) ** 2).sum()
    contrast = spread / (held.size * (held.size - 1)) * s.sum() / n if held.size > 1 else 0.0
    steps = np.abs(i * pi - j * pj).sum()
    busyness = 0.0 if held.size == 1 else weighted / steps if steps > 1e-9 else float("nan")
    complexity = (np.abs(i - j) * (pi * s[:, None] + pj * s[None, :]) / (pi + pj)).sum() / n
    strength = ((pi + pj) * (i - j) ** 2).sum() / s.sum() if s.sum() > 0 else 0.0
    return float(coarseness), float(contrast), float(busyness), float(complexity), float(strength)
