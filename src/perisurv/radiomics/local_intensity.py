"""Local and global intensity peak: the mean of a sphere of 1 cm3 (IBSI 3.2, family 9ST6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Volume
from perisurv.radiomics.raster import Box, Raster

__all__ = ["local_intensity"]

Floats = NDArray[np.float64]
RADIUS_MM = (3.0 / (4.0 * np.pi)) ** (1 / 3) * 10.0


def local_intensity(image: Volume, raster: Raster, box: Box) -> tuple[float, float]:
    """Mean of the sphere around the brightest voxel of the region, and the highest such mean of all its voxels.

    The sphere holds the voxels whose centres lie within 6.2 mm, also outside the region; beyond the image is nothing.
    Of several brightest voxels the one with the highest mean counts.

    Parameters
    ----------
    image
        CT in HU, as far around the region as it is known.
    raster
        Voxels whose intensities count.
    box
        The part of the image that the raster counts in.

    Returns
    -------
    tuple
        NaN for no voxel.
    """
    if raster.n_voxels == 0:
        return float("nan"), float("nan")
    intensities = raster.gather(image.values[box])
    start = np.array([side.start for side in box])
    means = _sphere_means(image, np.column_stack([raster.runs[:, :2], raster.runs[:, 2:] + start]))
    return float(means[intensities == intensities.max()].max()), float(means.max())


def _sphere_means(image: Volume, runs: NDArray[np.int64]) -> Floats:
    """Mean of the sphere around every voxel of the runs (start, end, slice, row, column)."""
    from perisurv.radiomics.kernels.local_intensity import sphere_sums  # noqa: PLC0415 (numba, only here)

    spacing = image.geometry.spacing_mm
    length = runs[:, 1] - runs[:, 0]
    reach = [int(RADIUS_MM // step) for step in spacing]
    low = np.maximum(runs[:, 2:].min(axis=0) - reach, 0)
    ends = runs[:, 2:] + np.c_[np.ones_like(length), np.ones_like(length), length]
    high = np.minimum(ends.max(axis=0) + reach, image.values.shape)
    values = image.values[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    pad = reach[0], reach[1], reach[2] + 1
    shape = [n + 2 * p for n, p in zip(values.shape, pad, strict=True)]
    row, plane = shape[2], shape[1] * shape[2]
    # The sums that differ are of few voxels: as offsets from the mean they keep their digits.
    middle = float(values.mean())
    centre = tuple(slice(p, p + n) for p, n in zip(pad, values.shape, strict=True))
    at = runs[:, 2:] - low + pad
    starts = at[:, 0] * plane + at[:, 1] * row + at[:, 2]
    k, j = (axis.ravel() for axis in np.mgrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1])
    left = RADIUS_MM**2 - (k * spacing[0]) ** 2 - (j * spacing[1]) ** 2
    k, j, left = k[left >= 0], j[left >= 0], left[left >= 0]
    shifts, half = k * plane + j * row, np.floor(np.sqrt(left) / spacing[2] + 1e-9).astype(np.int64)

    def sums(of: NDArray[np.floating] | float) -> Floats:
        known = np.zeros(shape)
        known[centre] = of
        running = np.concatenate([[0.0], np.cumsum(known)])
        return np.asarray(sphere_sums(running, starts, starts + length, shifts, half))

    return sums(values - middle) / sums(1.0) + middle
