"""Spatial autocorrelation of the intensities of a region: Moran's I and Geary's C (IBSI 3.1, codes N365 and NPT7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.radiomics.raster import Raster

__all__ = ["autocorrelation"]

Floats = NDArray[np.float64]


def autocorrelation(
    raster: Raster, values: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> tuple[float, float]:
    """Moran's I and Geary's C with weights 1 / distance over all pairs of voxels.

    The sums over pairs of voxels are correlations of the box with itself under the weights: four Fourier transforms
    (Parseval) instead of n^2 distances.

    Parameters
    ----------
    raster, values
        Voxels whose intensities count, and these, HU.
    spacing_mm
        Size of a voxel along (slice, row, column).

    Returns
    -------
    tuple
        NaN for no voxel, and where all intensities are equal.
    """
    from scipy.fft import next_fast_len, rfftn  # noqa: PLC0415 (only here)

    n = values.size
    if n == 0 or values.min() == values.max():
        return float("nan"), float("nan")
    inside = raster.mask()[1:-1, 1:-1, 1:-1]
    x = np.zeros(inside.shape)
    x[inside] = values - values.mean(dtype=float)
    spread = float((x**2).sum())
    shape = [next_fast_len(2 * size - 1, real=True) for size in inside.shape]
    weight = rfftn(_inverse_distance(shape, inside.shape, spacing_mm), shape).real
    weight /= np.prod(shape)
    # A real transform keeps one of each pair of conjugate frequencies along the last axis.
    weight[..., 1 : (shape[2] + 1) // 2] *= 2
    members = rfftn(inside.astype(float), shape)
    total = _pair_sum(members, members, weight)
    squares = _pair_sum(rfftn(x**2, shape), members, weight)
    deviations = rfftn(x, shape)
    products = _pair_sum(deviations, deviations, weight)
    return n / total * products / spread, (n - 1) / total * (squares - products) / spread


def _pair_sum(a: NDArray[np.complex128], b: NDArray[np.complex128], weight: Floats) -> float:
    """Sum of weight * a * b over all ordered pairs, from the transforms; the transform of the weight is real."""
    return float(((a.real * b.real + a.imag * b.imag) * weight).sum())


def _inverse_distance(shape: list[int], size: tuple[int, ...], spacing: tuple[float, float, float]) -> Floats:
    """1 / distance in mm of every displacement of the circular correlation; 0 for none."""
    squared = np.zeros(shape)
    for axis, (n, extent, step) in enumerate(zip(shape, size, spacing, strict=True)):
        number = np.arange(n)
        offset = np.where(number < extent, number, number - n) * step
        squared += (offset**2).reshape([-1 if a == axis else 1 for a in range(3)])
    squared[0, 0, 0] = np.inf
    return np.asarray(1 / np.sqrt(squared))
