"""Resampling onto another grid with parallel axes: one weight matrix an axis (cubic B-spline or linear)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.ndimage import spline_filter1d
from scipy.sparse import coo_array, csr_array

from perisurv.core import Geometry, GeometryError, Mask, Volume

__all__ = ["resample_mask", "resample_volume", "round_hu"]

Floats = NDArray[np.float32]
_CUBIC = BSpline.basis_element(np.arange(-2.0, 3.0), extrapolate=False)


def resample_volume(volume: Volume, geometry: Geometry, *, order: int = 3, outside_hu: float = -1000.0) -> Volume:
    """Image on another grid whose axes are parallel to its own.

    Parameters
    ----------
    volume
        Source.
    geometry
        Target grid; only what it needs of the source is read.
    order
        3: cubic B-spline with prefilter and mirror boundary; 1: linear.
    outside_hu
        Value of voxels whose centre lies more than half a voxel outside the source.

    Raises
    ------
    GeometryError
        If the axes are not parallel.
    """
    positions = _positions(volume.geometry, geometry)
    values = _interpolate(volume.values, positions, order)
    for axis, (where, n) in enumerate(zip(positions, volume.values.shape, strict=True)):
        outside = (where < -0.5 - 1e-6) | (where > n - 0.5 + 1e-6)
        if outside.any():
            values[(slice(None),) * axis + (outside,)] = outside_hu
    return Volume(values, geometry)


def resample_mask(mask: Mask, geometry: Geometry, threshold: float = 0.5) -> Mask:
    """Mask on another grid: linear occupancy at least the threshold (IBSI partial mask volume)."""
    positions = _positions(mask.geometry, geometry)
    values = _interpolate(mask.values.astype(np.float32), positions, 1)
    for axis, (where, n) in enumerate(zip(positions, mask.values.shape, strict=True)):
        values[(slice(None),) * axis + ((where < -0.5) | (where > n - 0.5),)] = 0.0
    return Mask(values >= threshold - 1e-6, geometry)


def round_hu(volume: Volume) -> Volume:
    """Whole HU, as IBSI asks after interpolation of a CT."""
    return Volume(np.rint(volume.values), volume.geometry)


def _positions(source: Geometry, target: Geometry) -> list[NDArray[np.float64]]:
    """Source index of the target voxels along each axis."""
    if not np.allclose(source.direction, target.direction, atol=1e-4):
        raise GeometryError("Resampling needs parallel axes; rotate one of the images first.")
    start = source.to_index(target.to_mm((0, 0, 0)))
    steps = np.asarray(target.spacing_mm) / np.asarray(source.spacing_mm)
    return [start[a] + steps[a] * np.arange(target.shape[a]) for a in range(3)]


def _interpolate(values: NDArray[np.float32], positions: list[NDArray[np.float64]], order: int) -> Floats:
    out = values
    for axis in range(3):
        n = values.shape[axis]
        # 12 voxels: the prefilter's memory of the boundary falls by 0.27 a voxel.
        low = max(int(np.floor(positions[axis].min())) - 14, 0)
        high = min(int(np.ceil(positions[axis].max())) + 15, n)
        low, high = min(low, n - 1), max(high, 1)
        out = out[(slice(None),) * axis + (slice(low, high),)]
    for axis in range(3):
        n = values.shape[axis]
        low = min(max(int(np.floor(positions[axis].min())) - 14, 0), n - 1)
        if order == 3 and out.shape[axis] > 1:
            out = spline_filter1d(out, order=3, axis=axis, output=np.float32, mode="mirror")
        weights = _weights(positions[axis] - low, out.shape[axis], order)
        moved = np.moveaxis(out, axis, 0)
        flat = weights @ np.ascontiguousarray(moved).reshape(moved.shape[0], -1)
        out = np.moveaxis(flat.reshape(-1, *moved.shape[1:]), 0, axis)
    return np.ascontiguousarray(out, dtype=np.float32)


def _weights(positions: NDArray[np.float64], n: int, order: int) -> Any:
    positions = np.clip(positions, -0.5, n - 0.5)
    reach = np.arange(-1, 3) if order == 3 else np.arange(2)
    columns = np.floor(positions).astype(int)[:, None] + reach
    distance = positions[:, None] - columns
    weights = np.nan_to_num(_CUBIC(distance)) if order == 3 else 1 - np.abs(distance)
    period = max(2 * (n - 1), 1)
    columns = np.abs(columns) % period
    columns = np.minimum(columns, period - columns) if n > 1 else np.zeros_like(columns)
    rows = np.repeat(np.arange(positions.size), reach.size)
    entries = coo_array((weights.ravel(), (rows, columns.ravel())), shape=(positions.size, n))
    return csr_array(entries.astype(np.float32))
