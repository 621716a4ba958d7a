"""Resampling onto another grid with parallel axes: one sparse weight matrix an axis (cubic B-spline or linear)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry, GeometryError, Mask, Volume

__all__ = ["resample_mask", "resample_volume", "round_hu"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Order = Literal[1, 3]

# Voxels read beyond the target: a B-spline coefficient forgets its neighbours by a factor 0.268 a voxel, so a crop
# gives the values of the whole image to 1e-8 of the contrast at its border.
REACH = 14
HALF_VOXEL = 0.5 + 1e-6


def resample_volume(volume: Volume, geometry: Geometry, *, order: Order = 3, outside_hu: float = -1000.0) -> Volume:
    """Image on another grid whose axes are parallel to its own.

    Resampling onto a crop of a grid gives the same values as resampling onto the whole grid and cropping.

    Parameters
    ----------
    volume
        Source, (k, j, i), HU.
    geometry
        Target grid; only what it needs of the source is read.
    order
        3: cubic B-spline with prefilter and mirror boundary; 1: linear.
    outside_hu
        Value of voxels whose centre lies more than half a voxel outside the source.

    Raises
    ------
    GeometryError
        If the axes are not parallel, or the order is neither 1 nor 3.
    """
    if order not in (1, 3):
        raise GeometryError(f"The order of interpolation must be 1 (linear) or 3 (cubic B-spline), got {order}.")
    return Volume(_resample(volume.values, volume.geometry, geometry, order, outside_hu), geometry)


def resample_mask(mask: Mask, geometry: Geometry, threshold: float = 0.5) -> Mask:
    """Mask on another grid: linearly interpolated occupancy of at least the threshold; nothing outside the source.

    Raises
    ------
    GeometryError
        If the axes are not parallel.
    """
    occupancy = _resample(mask.values, mask.geometry, geometry, 1, 0.0)
    return Mask(occupancy >= threshold - 1e-6, geometry)


def round_hu(volume: Volume) -> Volume:
    """Whole HU, as IBSI asks after interpolation of a CT."""
    return Volume(np.rint(volume.values), volume.geometry)


def _resample(values: NDArray[Any], source: Geometry, target: Geometry, order: int, outside: float) -> Singles:
    positions = _positions(source, target)
    reads = [_read(where, n) for where, n in zip(positions, values.shape, strict=True)]
    out = values[tuple(reads)].astype(np.float32)
    for axis, (where, read) in enumerate(zip(positions, reads, strict=True)):
        out = _along(out, axis, where - read.start, order)
    for axis, (where, n) in enumerate(zip(positions, values.shape, strict=True)):
        beyond = (where < -HALF_VOXEL) | (where > n - 1 + HALF_VOXEL)
        out[(slice(None),) * axis + (beyond,)] = outside
    return out


def _positions(source: Geometry, target: Geometry) -> list[Floats]:
    """Source index of the target voxels along each axis."""
    if not np.allclose(source.direction, target.direction, atol=1e-4):
        raise GeometryError(
            f"Resampling needs grids with parallel axes, got {source.direction} and {target.direction}; "
            "bring both images into one orientation first."
        )
    start = source.to_index(target.to_mm((0, 0, 0)))
    steps = np.asarray(target.spacing_mm) / np.asarray(source.spacing_mm)
    return [start[a] + steps[a] * np.arange(target.shape[a]) for a in range(3)]


def _read(where: Floats, n: int) -> slice:
    """The part of a source axis of n voxels that these positions depend on, at least one voxel."""
    first = int(np.clip(np.floor(where[0]) - REACH, 0, n - 1))
    last = int(np.clip(np.ceil(where[-1]) + REACH, first, n - 1))
    return slice(first, last + 1)


def _along(values: Singles, axis: int, where: Floats, order: int) -> Singles:
    """Interpolate one axis at these positions."""
    if order == 3 and values.shape[axis] > 1:
        from scipy.ndimage import spline_filter1d  # noqa: PLC0415 (heavy, only here)

        values = spline_filter1d(values, order=3, axis=axis, output=np.float32, mode="mirror")
    moved = np.ascontiguousarray(np.moveaxis(values, axis, 0))
    flat = _weights(where, moved.shape[0], order) @ moved.reshape(moved.shape[0], -1)
    return np.ascontiguousarray(np.moveaxis(flat.reshape(-1, *moved.shape[1:]), 0, axis))


def _weights(where: Floats, n: int, order: int) -> Any:
    """Sparse matrix (positions, n) of basis values, mirrored at the centres of the outer voxels."""
    from scipy.sparse import coo_array, csr_array  # noqa: PLC0415 (heavy, only here)

    where = np.clip(where, -0.5, n - 0.5)
    support = np.arange(-1, 3) if order == 3 else np.arange(2)
    columns = np.floor(where).astype(int)[:, None] + support
    distance = where[:, None] - columns
    weights = _cubic_bspline(distance) if order == 3 else 1.0 - np.abs(distance)
    period = max(2 * (n - 1), 1)
    columns = np.abs(columns) % period
    columns = np.minimum(columns, period - columns) if n > 1 else np.zeros_like(columns)
    rows = np.repeat(np.arange(where.size), support.size)
    entries = coo_array((weights.ravel(), (rows, columns.ravel())), shape=(where.size, n))
    return csr_array(entries.astype(np.float32))


def _cubic_bspline(x: Floats) -> Floats:
    """Value of the cubic B-spline with unit knots."""
    x = np.abs(x)
    inner, outer = 2 / 3 - x**2 * (1 - x / 2), np.maximum(2 - x, 0) ** 3 / 6
    return np.where(x < 1, inner, outer)
