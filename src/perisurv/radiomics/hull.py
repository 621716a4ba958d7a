"""Convex hull and diameters of the surface of a binary region, from few of its voxels.

The vertices of the surface lie half a voxel beside the centres of voxels, so their hull is that of the centres moved by
half a voxel along every axis; and only corners of the hull of each plane of voxels can be corners of the whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ConvexSurface", "convex_surface", "plane_diameters"]

Floats = NDArray[np.float64]
Points = NDArray[np.int64]
# Half-voxel steps along each axis, in units of half a voxel.
_STEPS = np.concatenate([np.eye(3, dtype=np.int64), -np.eye(3, dtype=np.int64)])


class ConvexSurface:
    """Convex hull of the surface of a region.

    Parameters
    ----------
    corners_mm
        Corners of the hull (n, 3), mm.
    volume_mm3, area_mm2
        Of the hull.
    diameter_mm
        Largest distance between two points of the surface.
    """

    __slots__ = ("area_mm2", "corners_mm", "diameter_mm", "volume_mm3")

    def __init__(self, corners_mm: Floats, volume_mm3: float, area_mm2: float, diameter_mm: float) -> None:
        self.corners_mm, self.volume_mm3, self.area_mm2 = corners_mm, volume_mm3, area_mm2
        self.diameter_mm = diameter_mm


def convex_surface(runs: Points, spacing_mm: tuple[float, float, float]) -> ConvexSurface:
    """Hull of the surface of the voxels of runs (start, end, slice, row, column)."""
    from perisurv.radiomics.kernels.mesh import farthest, hull_candidates, hull_facets  # noqa: PLC0415 (numba, only here)

    ends = _ends(runs)
    voxels = _outermost(ends[hull_candidates(ends)])
    vertices = _outermost((2 * voxels[:, None] + _STEPS).reshape(-1, 3))
    # Whole numbers from the corner of the region, in an order that scatters neighbours: few facets are made in vain.
    scattered = np.argsort(np.arange(len(vertices)) * 0.6180339887 % 1)
    points = (vertices - vertices.min(axis=0))[scattered].astype(np.float64)
    facets = hull_facets(points)
    points *= np.array(spacing_mm) / 2
    a, b, c = (points[facets[:, n]] for n in range(3))
    normals = np.cross(b - a, c - a)
    corners = points[np.unique(facets)]
    volume, area = (normals * a).sum() / 6, np.sqrt((normals**2).sum(axis=1)).sum() / 2
    return ConvexSurface(corners, float(abs(volume)), float(area), float(farthest(corners)))


def plane_diameters(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    """Largest distance between two vertices of the surface that lie in one plane: of slices, of rows, of columns."""
    found = []
    for axis in range(3):
        planes = np.ascontiguousarray(np.moveaxis(mask, axis, 0))
        steps = np.array([step for a, step in enumerate(spacing_mm) if a != axis])
        found.append(_plane_diameter(planes, steps))
    return found[0], found[1], found[2]


def _plane_diameter(planes: NDArray[np.bool_], steps: Floats) -> float:
    """Planes of vertices lie in the planes of voxels and half-way between two, where one is inside and one is not."""
    from perisurv.radiomics.kernels.mesh import farthest  # noqa: PLC0415 (numba, only here)

    halves = np.array([(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)])
    between = np.diff(np.pad(planes, ((1, 1), (0, 0), (0, 0))).view(np.int8), axis=0) != 0
    best = 0.0
    for member, shifts in ((planes, halves), (between, np.zeros((1, 2)))):
        points = _corners_of_planes(np.argwhere(member), (0, 1, 2))
        cuts = np.flatnonzero(np.diff(points[:, 0])) + 1
        for plane in np.split(points[:, 1:], cuts):
            best = max(best, float(farthest(((plane[:, None] + shifts).reshape(-1, 2)) * steps)))
    return best


def _ends(runs: Points) -> Points:
    """First and last voxel of every row, sorted."""
    opens = np.flatnonzero(np.diff(runs[:, 2:4], axis=0).any(axis=1)) + 1
    first, last = np.r_[0, opens], np.r_[opens, len(runs)] - 1
    length = runs[last, 1] - runs[last, 0]
    ends = np.concatenate([runs[first, 2:], runs[last, 2:]], axis=1).reshape(-1, 3)
    ends[1::2, 2] += length - 1
    return np.asarray(ends)


def _outermost(points: Points) -> Points:
    """The points that are corners of the hull of their plane, for planes across each of the three axes."""
    for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        points = _corners_of_planes(points, order)
    return points


def _corners_of_planes(points: Points, order: tuple[int, int, int]) -> Points:
    """The points that are corners of the hull of their plane, planes along the first axis of the order."""
    from perisurv.radiomics.kernels.mesh import hull_candidates  # noqa: PLC0415 (numba, only here)

    turned = points[:, order]
    low = turned.min(axis=0)
    _, rows, columns = turned.max(axis=0) - low + 1
    # One number a point sorts much faster than three.
    key = ((turned[:, 0] - low[0]) * rows + turned[:, 1] - low[1]) * columns + turned[:, 2] - low[2]
    key.sort()
    rest, last = np.divmod(key, columns)
    turned = np.column_stack([*np.divmod(rest, rows), last]) + low
    kept = turned[hull_candidates(turned)]
    return np.asarray(kept[:, np.argsort(order)])
