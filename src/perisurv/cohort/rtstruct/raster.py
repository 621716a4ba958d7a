"""Contours to voxels by the even-odd rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry, GeometryError, Mask

__all__ = ["OFF_SLICE", "even_odd", "rasterise", "voxel_points"]

# How far off its slice a contour may lie, as a share of the slice distance.
OFF_SLICE = 0.25

Points = NDArray[np.float64]


def rasterise(contours: Iterable[Points], geometry: Geometry) -> Mask:
    """Voxels whose centre lies inside the contours: even-odd rule, contours of one slice combined by XOR.

    A centre on the outline counts as the point right beside it, towards larger row and column on slices 0, 2, 4 ...
    of the CT and towards smaller ones on the others. Two regions that share an outline then share no voxel, and over
    the slices no side of a contour that runs through centres is favoured.

    Parameters
    ----------
    contours
        Closed planar contours, each (points, 3) LPS in mm, on the slices.
    geometry
        Grid of the CT.

    Raises
    ------
    GeometryError
        If a contour does not lie on a slice of the grid.
    """
    slices: dict[int, list[Points]] = {}
    for contour in contours:
        index = voxel_points(contour, geometry)
        k = round(float(np.median(index[:, 0])))
        if np.abs(index[:, 0] - k).max() > OFF_SLICE or not 0 <= k < geometry.shape[0]:
            raise GeometryError("a contour does not lie on a slice of the CT")
        slices.setdefault(k, []).append(index[:, 1:])
    values = np.zeros(geometry.shape, dtype=bool)
    for k, polygons in slices.items():
        points = np.concatenate(polygons)
        low = np.maximum(np.floor(points.min(axis=0)), 0).astype(int)
        high = np.minimum(np.ceil(points.max(axis=0)) + 1, geometry.shape[1:]).astype(int)
        window = values[k, low[0] : high[0], low[1] : high[1]]
        window[:] = even_odd([p - low for p in polygons], *window.shape, backwards=k % 2 == 1)
    return Mask(values, geometry)


def voxel_points(points_mm: Points, geometry: Geometry) -> Points:
    """Points (n, 3) as array indices, rounded to a millionth of a voxel.

    Contours are stored as decimal text, often exactly on voxel centres: which side they are on must not depend on
    the last bit.
    """
    return np.round(geometry.to_index(points_mm), 6)


def even_odd(polygons: Sequence[Points], rows: int, columns: int, *, backwards: bool = False) -> NDArray[np.bool_]:
    """Scan conversion of polygons, vertices (row, column), in a window of so many rows and columns.

    A centre on the outline counts as the point right beside it: towards larger row and column, or ``backwards``
    towards smaller ones.
    """
    if backwards:
        last = np.array([rows - 1, columns - 1])
        return even_odd([last - p for p in polygons], rows, columns)[::-1, ::-1]
    ends = np.concatenate([np.stack([p, np.roll(p, -1, axis=0)]) for p in polygons], axis=1)
    # From the smaller row to the larger, so that an edge and its reverse cross a row at the very same place.
    down = ends[0, :, 0] > ends[1, :, 0]
    start, stop = np.where(down[:, None], ends[::-1], ends)
    # An edge crosses the rows in [lower, upper): half open, so that a shared vertex counts once.
    first = np.ceil(start[:, 0]).astype(int).clip(0, rows)
    count = np.ceil(stop[:, 0]).astype(int).clip(0, rows) - first
    edge = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    slope = (stop[edge, 1] - start[edge, 1]) / (stop[edge, 0] - start[edge, 0])
    # Rounded again: a crossing on a voxel centre must not depend on the last bit.
    crossing = np.round(start[edge, 1] + (row - start[edge, 0]) * slope, 6)
    toggles = np.zeros((rows, columns + 1), dtype=np.int32)
    np.add.at(toggles, (row, np.ceil(crossing).astype(int).clip(0, columns)), 1)
    inside: NDArray[np.bool_] = np.cumsum(toggles, axis=1)[:, :columns] % 2 == 1
    return inside
