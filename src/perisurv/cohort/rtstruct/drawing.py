"""One ROI drawn into the voxels of a CT, and how far two ways to do so, slices and volumes agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.rtstruct.coverage import Coverage, cover
from perisurv.cohort.rtstruct.gaps import Window, gaps, signed_distance_mm, window_of
from perisurv.cohort.rtstruct.planes import Polygons, Stack
from perisurv.cohort.rtstruct.raster import even_odd
from perisurv.core import Geometry, Mask

__all__ = ["Box", "Drawing", "draw", "union"]

# Points a voxel and axis of the slices between which a shape is interpolated.
_FINER = 3
_HALF = 1e-6
_FAR_MM = 1e6

Box = tuple[slice, slice, slice]
Bools = NDArray[np.bool_]
Distances = Mapping[int, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Voxels of one ROI and what was measured while drawing it.

    Parameters
    ----------
    box
        The part of the CT that holds all its voxels.
    values
        Voxels of the box.
    slices_expected, slices_filled
        Slices of the CT that the contours reach, and those that hold voxels.
    interpolated
        Planes filled between contours.
    even_odd, covered, both
        Voxels inside by the even-odd rule, by the covered area, and by both, on the planes of the contours.
    cut
        Voxels that a contour runs through: each rounds an area up or down.
    contour_mm3
        Volume of the contours: their areas times the distance of the planes (Cavalieri's principle), mm3.
    crossed_mm2
        Area that contours enclose twice or the wrong way round because they cross themselves, mm2.
    """

    box: Box
    values: Bools
    slices_expected: int
    slices_filled: int
    interpolated: int
    even_odd: int
    covered: int
    both: int
    cut: int
    contour_mm3: float
    crossed_mm2: float


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """One plane filled in both ways, in its own window of the grid."""

    window: Window
    inside: Bools
    coverage: Coverage

    @classmethod
    def of(cls, polygons: Polygons, k: int) -> _Plane:
        window = window_of(polygons)
        local = [p - window[:2] for p in polygons]
        inside = even_odd(local, *window[2:], backwards=k % 2 == 1)
        return cls(window, inside, cover(local, *window[2:]))

    def covered(self) -> Bools:
        """Voxels inside by area.

        One that is cut exactly in half, or whose centre lies on the outline, is a matter of convention: it follows the
        even-odd rule.
        """
        either: Bools = (np.abs(self.coverage.share - 0.5) < _HALF) | self.coverage.touched
        return np.where(either, self.inside, self.coverage.share > 0.5)

    def cut(self) -> int:
        """Voxels that are neither empty nor full."""
        return int((np.abs(self.coverage.share - 0.5) < 0.5 - _HALF).sum())


def draw(stack: Stack, geometry: Geometry, *, interpolate: bool) -> Drawing:
    """Voxels of the CT inside the contours, even-odd rule on each plane.

    Planes on slices of the CT are filled as they are. Others are filled on their own grid; a voxel is inside if the
    distance to the outline, linear between the two neighbouring planes, is negative. The first and last plane reach
    less than half the distance of planes beyond themselves.
    """
    planes = {k: _Plane.of(polygons, k) for k, polygons in stack.planes.items()}
    window = window_of(tuple(p for polygons in stack.planes.values() for p in polygons))
    between = _between(stack, window) if interpolate else {}
    if stack.on_slices:
        box, values = _on_slices(planes, between, window, geometry)
        expected = len(planes) + len(between)
    else:
        box, values = _resampled(stack, between, window, geometry)
        expected = _reach(stack, geometry)
    first = [p.inside for p in planes.values()]
    second = [p.covered() for p in planes.values()]
    voxel_mm = stack.grid.spacing_mm
    return Drawing(
        box,
        values,
        expected,
        int(values.any(axis=(1, 2)).sum()),
        len(between),
        sum(int(m.sum()) for m in first),
        sum(int(m.sum()) for m in second),
        sum(int((a & b).sum()) for a, b in zip(first, second, strict=True)),
        sum(p.cut() for p in planes.values()),
        _area(stack, planes, between) * float(np.prod(voxel_mm)),
        sum(p.coverage.crossed for p in planes.values()) * voxel_mm[1] * voxel_mm[2],
    )


def union(drawings: Iterable[Drawing], geometry: Geometry) -> Mask:
    """The voxels of all drawings on the grid of the CT."""
    values = np.zeros(geometry.shape, dtype=bool)
    for drawing in drawings:
        values[drawing.box] |= drawing.values
    return Mask(values, geometry)


def _between(stack: Stack, window: Window) -> Distances:
    """Distance to the outline, mm, on the planes in gaps: linear between the neighbours.

    Where only every n-th slice has contours, the ends are as thick as the planes between them.
    """
    finer = _FINER if stack.on_slices else 1
    found: dict[int, NDArray[np.float64]] = {}
    for a, b in gaps(stack):
        low, high = (signed_distance_mm(stack.planes[k], window, stack.grid.spacing_mm[1:], finer) for k in (a, b))
        for k in range(a + 1, b):
            share = (k - a) / (b - a)
            found[k] = (1 - share) * low + share * high
    if found and len(set(stack.steps)) == 1:
        for end, side in ((stack.numbers[0], -1), (stack.numbers[-1], 1)):
            for n in range(1, (stack.steps[0] + 1) // 2):
                if 0 <= end + side * n < stack.grid.shape[0]:
                    found[end + side * n] = signed_distance_mm(
                        stack.planes[end], window, stack.grid.spacing_mm[1:], finer
                    )
    return found


def _on_slices(
    planes: Mapping[int, _Plane], between: Distances, window: Window, geometry: Geometry
) -> tuple[Box, Bools]:
    first = min(*planes, *between) if between else min(planes)
    count = max(*planes, *between, first) - first + 1
    values = np.zeros((count, *window[2:]), dtype=bool)
    for k, plane in planes.items():
        row, column, rows, columns = plane.window
        row, column = row - window[0], column - window[1]
        values[k - first, row : row + rows, column : column + columns] = plane.inside
    for k, distance in between.items():
        values[k - first] = distance < 0
    inner = [slice(max(-low, 0), size - low) for low, size in zip(window[:2], geometry.shape[1:], strict=True)]
    values = values[:, inner[0], inner[1]]
    row, column = max(window[0], 0), max(window[1], 0)
    rows, columns = values.shape[1:]
    return (slice(first, first + count), slice(row, row + rows), slice(column, column + columns)), values


def _resampled(stack: Stack, between: Distances, window: Window, geometry: Geometry) -> tuple[Box, Bools]:
    """Voxels of the CT from planes on a grid of their own."""
    from scipy.ndimage import map_coordinates  # noqa: PLC0415 (heavy, and few structure sets need it)

    count = max(stack.planes) + 1
    # A plane without contour before the first and behind the last.
    distances = np.zeros((count + 2, *window[2:]))
    present = np.zeros(count + 2, dtype=bool)
    for k in range(count):
        distance = between.get(k)
        if k in stack.planes:
            distance = signed_distance_mm(stack.planes[k], window, stack.grid.spacing_mm[1:])
        if distance is not None and np.isfinite(distance).all():
            distances[k + 1], present[k + 1] = distance, True
    box = _box(stack, count, window, geometry)
    index = np.stack(np.meshgrid(*[np.arange(s.start, s.stop) for s in box], indexing="ij"), axis=-1)
    place = np.round(stack.grid.to_index(geometry.to_mm(index)), 6) + np.array([1, -window[0], -window[1]])
    lower = np.floor(place[..., 0]).clip(0, count).astype(int)
    share = place[..., 0] - lower
    near, far = (
        map_coordinates(distances, [lower + n, place[..., 1], place[..., 2]], order=1, mode="constant", cval=_FAR_MM)
        for n in (0, 1)
    )
    below, above = present[lower], present[lower + 1]
    mixed = np.where(below & above, near * (1 - share) + far * share, np.where(share < 0.5, near, far))
    known = np.where(share < 0.5, below, above) & (share >= 0) & (share < 1)
    return box, known & (mixed < 0)


def _box(stack: Stack, count: int, window: Window, geometry: Geometry) -> Box:
    """The part of the CT that the planes reach."""
    row, column, rows, columns = window
    corners = np.stack(np.meshgrid((-0.5, count - 0.5), (row, row + rows), (column, column + columns)), axis=-1)
    index = geometry.to_index(stack.grid.to_mm(corners.reshape(-1, 3)))
    low = np.floor(index.min(axis=0)).astype(int).clip(0, geometry.shape)
    high = (np.ceil(index.max(axis=0)).astype(int) + 1).clip(0, geometry.shape)
    k, j, i = (slice(a, max(a, b)) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    return k, j, i


def _reach(stack: Stack, geometry: Geometry) -> int:
    """How many slices of the CT the contours reach, half the distance of planes beyond the first and last included."""
    ends = [
        (k + side, *point)
        for k, polygons in stack.planes.items()
        for polygon in polygons
        for point in polygon.tolist()
        for side in (-0.5, 0.5)
    ]
    k = geometry.to_index(stack.grid.to_mm(ends))[:, 0]
    low, high = max(int(np.ceil(k.min())), 0), min(int(np.ceil(k.max())), geometry.shape[0])
    return max(high - low, 0)


def _area(stack: Stack, planes: Mapping[int, _Plane], between: Distances) -> float:
    """Area of all planes, voxels; between two planes that of a frustum, beyond the ends that of the end."""
    total = sum(p.coverage.area for p in planes.values())
    for a, b in gaps(stack) if between else ():
        low, high = (np.sqrt(abs(planes[k].coverage.area)) for k in (a, b))
        total += sum(float(low + (high - low) * n / (b - a)) ** 2 for n in range(1, b - a))
    first, *_, last = (*stack.numbers, stack.numbers[-1])
    return total + sum(abs(planes[first if k < first else last].coverage.area) for k in between if not first < k < last)
