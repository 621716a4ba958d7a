"""Masks brought onto the grid of their CT: exactly where both share one lattice of voxels, resampled where not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry, GeometryError, Mask

__all__ = ["Placed", "grid_of", "is_whole", "lattice_index", "nearest", "place", "union"]

# How far voxels of one lattice may lie apart, in voxels: coordinates are stored as rounded decimals.
_ONE_LATTICE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A mask on the grid of its CT.

    Parameters
    ----------
    values
        Boolean array (slices, rows, columns) of the CT.
    outside
        How many voxels of the mask lie beyond the CT.
    own
        The grid that the mask was resampled from; None where it lay on the lattice of the CT.
    own_mm3
        Volume of the mask on its own grid, mm^3.
    """

    values: NDArray[np.bool_]
    outside: int
    own_mm3: float
    own: Geometry | None = None


def grid_of(shape: Sequence[int], steps_mm: NDArray[np.float64], origin_mm: Sequence[float]) -> Geometry:
    """A grid from its steps (3, 3) in LPS, mm; columns are the array axes k, j, i."""
    spacing_mm = np.linalg.norm(steps_mm, axis=0)
    size, step, origin = (tuple(values) for values in (shape, spacing_mm.tolist(), map(float, origin_mm)))
    direction = tuple(map(tuple, (steps_mm / spacing_mm).tolist()))
    return Geometry(size, step, origin, direction)  # type: ignore[arg-type]  # three of each


def place(mask: Mask, grid: Geometry, *, part: bool = True) -> Placed:
    """The mask on a grid: voxel for voxel where both share one lattice, else by :func:`nearest`.

    Axes may be listed in any order and direction. Without ``part`` the mask must cover the whole grid; where it
    does not it counts as another grid.
    """
    index = lattice_index(mask, grid)
    own_mm3 = mask.voxel_count * mask.geometry.voxel_volume_mm3
    if index is None or not (part or is_whole(mask.geometry, grid)):
        values, outside = nearest(mask, grid)
        return Placed(values, outside, own_mm3, mask.geometry)
    values = np.zeros(grid.shape, dtype=bool)
    inside = _inside(index, grid)
    values[tuple(index[inside].T)] = True
    return Placed(values, int((~inside).sum()), own_mm3)


def lattice_index(mask: Mask, grid: Geometry) -> NDArray[np.int64] | None:
    """Indices (n, 3) in the grid of the n voxels of the mask; None if the two are not parts of one lattice."""
    steps, first = _index_map(mask.geometry, grid)
    turn, start = np.rint(steps), np.rint(first)
    size = np.asarray(mask.geometry.shape) - 1
    off = np.abs(first - start) + np.abs(steps - turn) @ size
    if off.max() > _ONE_LATTICE or not np.array_equal(np.abs(turn) @ np.abs(turn).T, np.eye(3)):
        return None
    index: NDArray[np.int64] = (np.argwhere(mask.values) @ turn.T + start).astype(np.int64)
    return index


def is_whole(geometry: Geometry, grid: Geometry) -> bool:
    """Whether the two, parts of one lattice, cover the same voxels."""
    own, last = (np.array([(0, 0, 0), np.asarray(g.shape) - 1]) for g in (geometry, grid))
    return bool(np.array_equal(np.sort(np.rint(grid.to_index(geometry.to_mm(own))), axis=0), last))


def nearest(mask: Mask, grid: Geometry) -> tuple[NDArray[np.bool_], int]:
    """The mask on another grid, and how many of its voxels have their centre beyond that grid.

    A voxel of the grid has the value of the voxel of the mask that its centre lies in; a centre between two belongs
    to the one of larger index, so that what is halved or doubled keeps its volume.
    """
    values = np.zeros(grid.shape, dtype=bool)
    found = np.argwhere(mask.values)
    if not len(found):
        return values, 0
    outside = int((~_inside(_whole(grid.to_index(mask.geometry.to_mm(found))), grid)).sum())
    steps, first = _index_map(grid, mask.geometry)
    low, high = _box(mask, found, grid)
    for k in range(low[0], high[0]):
        rows, columns = np.meshgrid(np.arange(low[1], high[1]), np.arange(low[2], high[2]), indexing="ij")
        points = np.stack([np.full(rows.shape, k), rows, columns], axis=-1) @ steps.T + first
        index = _whole(points)
        inside = _inside(index, mask.geometry)
        window = values[k, low[1] : high[1], low[2] : high[2]]
        window[inside] = mask.values[tuple(index[inside].T)]
    return values, outside


def _index_map(geometry: Geometry, grid: Geometry) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Steps (3, 3; columns are the axes) and start that take an index of one grid to an index of the other."""
    first = grid.to_index(geometry.origin_mm)
    steps = (grid.to_index(geometry.to_mm(np.eye(3))) - first).T
    return steps, first


def _box(mask: Mask, found: NDArray[np.int64], grid: Geometry) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The part of the grid that can lie in voxels of the mask."""
    low, high = found.min(axis=0) - 1, found.max(axis=0) + 1
    corners = np.stack(np.meshgrid(*zip(low, high, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
    index = grid.to_index(mask.geometry.to_mm(corners))
    bounds = np.asarray(grid.shape)
    return (
        np.floor(index.min(axis=0)).clip(0, bounds).astype(np.int64),
        (np.ceil(index.max(axis=0)) + 1).clip(0, bounds).astype(np.int64),
    )


def _whole(index: NDArray[np.float64]) -> NDArray[np.int64]:
    """The voxel that a point lies in; rounded first: a point between two must not depend on the last bit."""
    whole: NDArray[np.int64] = np.floor(np.round(index, 6) + 0.5).astype(np.int64)
    return whole


def _inside(index: NDArray[np.int64], grid: Geometry) -> NDArray[np.bool_]:
    return np.asarray(((index >= 0) & (index < grid.shape)).all(axis=-1))


def union(parts: Iterable[Placed], grid: Geometry, name: str, *, resample: bool) -> Mask:
    """All parts as one mask on the grid of the CT; ``name`` stands in messages.

    Raises
    ------
    GeometryError
        If a part reaches beyond the CT, or lies on another grid and is not to be resampled.
    """
    values = np.zeros(grid.shape, dtype=bool)
    for part in parts:
        if part.outside:
            raise GeometryError(f"{name} has {part.outside} voxels beyond the CT; it belongs to another one.")
        if part.own is not None and not resample:
            raise GeometryError(f"{name} does not share the grid of the CT; index again, or resample it.")
        values |= part.values
    return Mask(values, grid)
