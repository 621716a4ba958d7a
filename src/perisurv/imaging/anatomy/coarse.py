"""The grid of a few mm on which anatomy is found."""

from __future__ import annotations

from itertools import product

import numpy as np

from perisurv.core import Geometry, Volume

__all__ = ["AIR_HU", "block_mean"]

AIR_HU = -400.0  # midway between lung and soft tissue


def block_mean(ct: Volume, step_mm: float) -> Volume:
    """Mean over blocks of about this size; an edge of tissue keeps its place as a share of HU."""
    sizes = [max(round(step_mm / step), 1) for step in ct.geometry.spacing_mm]
    shape = tuple(-(-n // size) for n, size in zip(ct.values.shape, sizes, strict=True))
    total = np.zeros(shape, dtype=np.float32)
    for first in product(*(range(size) for size in sizes)):
        part = ct.values[tuple(slice(a, None, size) for a, size in zip(first, sizes, strict=True))]
        total[tuple(slice(n) for n in part.shape)] += part
    for axis, (n, size) in enumerate(zip(ct.values.shape, sizes, strict=True)):
        count = np.minimum(n - size * np.arange(shape[axis]), size).astype(np.float32)
        total /= count.reshape([-1 if axis == other else 1 for other in range(3)])
    k, j, i = (step * size for step, size in zip(ct.geometry.spacing_mm, sizes, strict=True))
    x, y, z = (float(v) for v in ct.geometry.to_mm([0.5 * (size - 1) for size in sizes]))
    return Volume(total, Geometry((shape[0], shape[1], shape[2]), (k, j, i), (x, y, z), ct.geometry.direction))
