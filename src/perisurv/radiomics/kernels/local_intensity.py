"""Means over a sphere around many voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.compiled import kernel

__all__ = ["sphere_sums"]

Positions = NDArray[np.int64]


@kernel(nogil=True)
def sphere_sums(
    running: NDArray[np.float64], starts: Positions, ends: Positions, shifts: Positions, half_widths: Positions
) -> NDArray[np.float64]:
    """Sum over the sphere around every voxel of the runs, from sums ``running`` up to each position of a flat image.

    The sphere is a set of rows, each of ``2 half_width + 1`` voxels whose middle is ``shift`` away.
    """
    n = (ends - starts).sum()
    out = np.zeros(n)
    first = 0
    for r in range(starts.size):
        length = ends[r] - starts[r]
        total = out[first : first + length]
        for row in range(shifts.size):
            p = starts[r] + shifts[row]
            upper = running[p + half_widths[row] + 1 : p + half_widths[row] + 1 + length]
            lower = running[p - half_widths[row] : p - half_widths[row] + length]
            for i in range(length):
                total[i] += upper[i] - lower[i]
        first += length
    return out
