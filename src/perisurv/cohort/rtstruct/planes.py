"""The parallel planes that the contours of one ROI lie in, as slices of a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.rtstruct.contours import Contour, area_vector_mm2
from perisurv.cohort.rtstruct.raster import OFF_SLICE, voxel_points
from perisurv.core import Geometry, GeometryError

__all__ = ["Stack", "outside_ct", "stack_of", "voxel_step_mm"]

# Contours closer than this share of a voxel lie in one plane.
_ONE_PLANE = 0.1
# How far a plane may lie off regular distances, as a share of them.
_IRREGULAR = 0.05
# Points along an axis of a plane; what is larger than 200 mm at half a millimetre gets a coarser grid.
_MOST_POINTS = 400

Points = NDArray[np.float64]
Polygons = tuple[Points, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Contours in parallel planes.

    Parameters
    ----------
    grid
        Grid whose slices are the planes: that of the CT where they are its slices, else one of their own.
    on_slices
        Whether the planes are slices of the CT.
    axial
        Whether the planes are parallel to the slices of the CT.
    planes
        Number of the slice -> its polygons, vertices (row, column) in voxels of the grid.
    """

    grid: Geometry
    on_slices: bool
    axial: bool
    planes: Mapping[int, Polygons]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Slices of the grid that hold contours, ascending."""
        return tuple(sorted(self.planes))

    @property
    def steps(self) -> tuple[int, ...]:
        """Distances of neighbouring planes, in slices of the grid."""
        return tuple(b - a for a, b in pairwise(self.numbers))


def outside_ct(contours: Sequence[Contour], geometry: Geometry) -> str:
    """What lies outside the CT by more than a voxel; empty if nothing does."""
    last = np.asarray(geometry.shape) - 1
    for contour in contours:
        index = geometry.to_index(contour.points_mm)
        if (index[:, 1:] < -1).any() or (index[:, 1:] > last[1:] + 1).any():
            return "a contour leaves the image of the CT"
        k = index[np.abs(index[:, 0] - 0.5 * last[0]).argmax(), 0]
        if not -0.5 <= k <= last[0] + 0.5:
            return f"a contour lies on slice {round(float(k)) + 1} of a CT with {geometry.shape[0]} slices"
    return ""


def stack_of(contours: Sequence[Contour], geometry: Geometry) -> Stack:
    """Put every contour into its plane.

    Planes that are slices of the CT (within a quarter of the slice distance) stay on its grid. Others, parallel to
    its slices or not, get a grid of their own: half the smallest voxel edge in the plane, their own distance across.

    Raises
    ------
    GeometryError
        If a contour is not planar, the planes are not parallel, or lie at irregular distances.
    """
    axis = np.asarray(geometry.direction)[:, 0]
    axial = not any(_off_plane_mm(c.points_mm, axis) > OFF_SLICE * geometry.spacing_mm[0] for c in contours)
    if axial:
        stack = _slices(contours, geometry)
        return stack or _own_grid(contours, geometry, axis, axial=True)
    for contour in contours:
        own = _main_normal([contour])
        off_mm = _off_plane_mm(contour.points_mm, own)
        if off_mm > OFF_SLICE * voxel_step_mm(own, geometry):
            raise GeometryError(f"a contour is not planar: its points lie up to {off_mm:.1f} mm off their plane")
    normal = _main_normal(contours)
    step_mm = voxel_step_mm(normal, geometry)
    if any(_off_plane_mm(c.points_mm, normal) > OFF_SLICE * step_mm for c in contours):
        raise GeometryError("contours lie in planes that are not parallel")
    return _own_grid(contours, geometry, normal, axial=False)


def voxel_step_mm(normal: Points, geometry: Geometry) -> float:
    """Extent of a voxel along a direction, mm: the axis that counts most."""
    return float((np.abs(normal @ np.asarray(geometry.direction)) * geometry.spacing_mm).max())


def _slices(contours: Sequence[Contour], geometry: Geometry) -> Stack | None:
    """The contours on slices of the CT; None if one lies between slices."""
    planes: dict[int, list[Points]] = {}
    heights: dict[int, float] = {}
    for contour in contours:
        index = voxel_points(contour.points_mm, geometry)
        height = float(np.median(index[:, 0]))
        k = round(height)
        if np.abs(index[:, 0] - k).max() > OFF_SLICE or abs(heights.setdefault(k, height) - height) > _ONE_PLANE:
            return None
        planes.setdefault(k, []).append(index[:, 1:])
    return Stack(geometry, True, True, {k: tuple(polygons) for k, polygons in planes.items()})


def _own_grid(contours: Sequence[Contour], geometry: Geometry, normal: Points, *, axial: bool) -> Stack:
    axes = _axes(normal, geometry)
    points = [c.points_mm @ axes for c in contours]
    heights = np.array([np.median(p[:, 0]) for p in points])
    numbers, first_mm, step_mm = _regular(heights, voxel_step_mm(normal, geometry))
    everything = np.concatenate(points)[:, 1:]
    pitch_mm = max(0.5 * min(geometry.spacing_mm), float(np.ptp(everything, axis=0).max()) / _MOST_POINTS)
    # Half a step beside the outermost points: those of a rectangle then lie between the centres.
    low = everything.min(axis=0) - 1.5 * pitch_mm
    size = np.ceil((everything.max(axis=0) - low) / pitch_mm).astype(int) + 3
    origin = axes @ np.array([first_mm, *low])
    x, y, z = (tuple(map(float, row)) for row in axes)
    grid = Geometry(
        (int(numbers.max()) + 1, int(size[0]), int(size[1])),
        (step_mm, pitch_mm, pitch_mm),
        (float(origin[0]), float(origin[1]), float(origin[2])),
        (x, y, z),  # type: ignore[arg-type]
    )
    planes: dict[int, list[Points]] = {}
    for contour, number in zip(contours, numbers.tolist(), strict=True):
        planes.setdefault(number, []).append(voxel_points(contour.points_mm, grid)[:, 1:])
    return Stack(grid, False, axial, {k: tuple(polygons) for k, polygons in planes.items()})


def _regular(heights_mm: Points, voxel_mm: float) -> tuple[NDArray[np.int64], float, float]:
    """Number of the plane of each contour, position of plane 0 and distance of the planes, mm."""
    ordered = np.sort(heights_mm)
    steps = np.diff(ordered)
    steps = steps[steps > _ONE_PLANE * voxel_mm]
    if not steps.size:
        return np.zeros(len(heights_mm), dtype=np.int64), float(heights_mm.mean()), voxel_mm
    usual = float(np.median(steps))
    numbers = np.round((heights_mm - ordered[0]) / usual).astype(np.int64)
    step, first = np.polyfit(numbers, heights_mm, 1)
    off = np.abs(first + step * numbers - heights_mm).max()
    if off > _IRREGULAR * usual or steps.min() < (1 - OFF_SLICE) * usual:
        raise GeometryError(
            f"contours lie in planes at irregular distances ({steps.min():.2f} to {steps.max():.2f} mm) "
            "that are not the slices of the CT"
        )
    return numbers, float(first), float(step)


def _axes(normal: Points, geometry: Geometry) -> Points:
    """Columns: the normal, and two axes in its plane that follow those of the CT."""
    ct = np.asarray(geometry.direction)
    across = int(np.abs(normal @ ct).argmax())
    row = ct[:, (across + 1) % 3]
    row = row - (row @ normal) * normal
    row /= np.linalg.norm(row)
    return np.column_stack([normal, row, np.cross(normal, row)])


def _main_normal(contours: Sequence[Contour]) -> Points:
    """Normal of the planes: the mean, weighted by area, on the side of the largest contour."""
    areas = np.array([area_vector_mm2(c.points_mm) for c in contours])
    largest = areas[np.linalg.norm(areas, axis=1).argmax()]
    total: Points = np.where((areas @ largest < 0)[:, None], -areas, areas).sum(axis=0)
    length = float(np.linalg.norm(total))
    if length > 0:
        return total / length
    points = contours[0].points_mm
    normal: Points = np.linalg.svd(points - points.mean(axis=0))[2][2]
    return normal


def _off_plane_mm(points: Points, normal: Points) -> float:
    height = points @ normal
    return float(np.abs(height - np.median(height)).max())
