"""The grid of a few mm on which anatomy is found."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry, Volume

__all__ = ["AIR_HU", "Sizes", "block_mean", "block_sizes", "mean_of_blocks"]

AIR_HU = -400.0  # midway between lung and soft tissue
Singles = NDArray[np.float32]
Sizes = tuple[int, int, int]


def block_mean(ct: Volume, step_mm: float) -> Volume:
    """Mean over blocks of about this size; an edge of tissue keeps its place as a share of HU."""
    sizes = block_sizes(ct.geometry, step_mm)
    means = mean_of_blocks(ct.values, sizes)
    k, j, i = (step * size for step, size in zip(ct.geometry.spacing_mm, sizes, strict=True))
    x, y, z = (float(v) for v in ct.geometry.to_mm([0.5 * (size - 1) for size in sizes]))
    shape = (means.shape[0], means.shape[1], means.shape[2])
    return Volume(means, Geometry(shape, (k, j, i), (x, y, z), ct.geometry.direction))


def block_sizes(geometry: Geometry, step_mm: float) -> Sizes:
    """Voxels along each edge of a block of about this size."""
    k, j, i = (max(round(step_mm / step), 1) for step in geometry.spacing_mm)
    return k, j, i


def mean_of_blocks(values: Singles, sizes: Sizes) -> Singles:
    """Mean over blocks of so many voxels; the last block of an axis may be smaller."""
    shape = tuple(-(-n // size) for n, size in zip(values.shape, sizes, strict=True))
    total = np.zeros(shape, dtype=np.float32)
    for first in product(*(range(size) for size in sizes)):
        part = values[tuple(slice(a, None, size) for a, size in zip(first, sizes, strict=True))]
        total[tuple(slice(n) for n in part.shape)] += part
    for axis, (n, size) in enumerate(zip(values.shape, sizes, strict=True)):
        count = np.minimum(n - size * np.arange(shape[axis]), size).astype(np.float32)
        total /= count.reshape([-1 if axis == other else 1 for other in range(3)])
    return total
