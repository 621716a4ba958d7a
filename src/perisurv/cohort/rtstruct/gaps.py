"""Slices without contour between slices with one: found, and filled by the shape between their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.rtstruct.planes import Polygons, Stack, voxel_step_mm
from perisurv.cohort.rtstruct.raster import even_odd
from perisurv.core import Geometry

__all__ = ["Window", "between_planes", "gaps", "signed_distance_mm", "window_of"]

# More planes than this in a row are not interpolated: two lesions would grow together.
_MOST_MISSING = 3
# Contours off the slices of the CT are dense if their planes are not further apart than this many voxels.
_DENSE = 1.5

Window = tuple[int, int, int, int]
Gap = tuple[int, int]


def gaps(stack: Stack) -> tuple[Gap, ...]:
    """Neighbouring planes with slices between them whose contours overlap, so that one lesion has a gap.

    Planes whose contours do not overlap end one lesion and begin another.
    """
    return tuple((a, b) for a, b in pairwise(stack.numbers) if b - a > 1 and _overlap(stack.planes[a], stack.planes[b]))


def between_planes(stack: Stack, geometry: Geometry, policy: str) -> str:
    """Why the contours do not say what lies between them, in words; empty if they do or the policy decides."""
    found = gaps(stack)
    step_mm = stack.grid.spacing_mm[0]
    if not stack.on_slices and stack.axial and policy != "interpolate":
        off_mm = geometry.spacing_mm[0] * _off_slice(stack, geometry)
        return f"contours lie between the slices of the CT, up to {off_mm:.2f} mm off the nearest"
    voxel_mm = voxel_step_mm(np.asarray(stack.grid.direction)[:, 0], geometry)
    if not stack.on_slices and step_mm > _DENSE * voxel_mm and policy != "interpolate":
        return f"contours lie {step_mm:.2f} mm apart, voxels of the CT {voxel_mm:.2f} mm"
    long = [gap for gap in found if gap[1] - gap[0] - 1 > _MOST_MISSING]
    if not found or policy == "leave" or (policy == "interpolate" and not long):
        return ""
    if len(set(stack.steps)) == 1 and not long:
        return f"contours lie on every {_ordinal(stack.steps[0])} slice only"
    return _gap_text(stack, found, long if policy == "interpolate" else ())


def window_of(polygons: Polygons) -> Window:
    """First row and column, rows and columns of a window with a margin of one voxel around the polygons."""
    points = np.concatenate(polygons)
    low = np.floor(points.min(axis=0)).astype(int) - 1
    rows, columns = (np.ceil(points.max(axis=0)).astype(int) + 2 - low).tolist()
    return int(low[0]), int(low[1]), rows, columns


def signed_distance_mm(
    polygons: Polygons, window: Window, spacing_mm: tuple[float, float], finer: int = 1
) -> NDArray[np.float64]:
    """Distance to the outline at the centres of a window, mm, negative inside; ``finer`` points a voxel and axis.

    By the Euclidean distance transform on that finer grid, half a step taken off on both sides.
    """
    from scipy.ndimage import distance_transform_edt  # noqa: PLC0415 (heavy, and few structure sets need it)

    rows, columns = finer * (window[2] - 1) + 1, finer * (window[3] - 1) + 1
    inside = even_odd([finer * (p - window[:2]) for p in polygons], rows, columns)
    step = np.asarray(spacing_mm) / finer
    half = 0.5 * float(step.mean())
    if not inside.any():
        return np.full((window[2], window[3]), np.inf)
    out, deep = (distance_transform_edt(m, sampling=step) for m in (~inside, inside))
    distance: NDArray[np.float64] = np.where(inside, half - deep, out - half)[::finer, ::finer]
    return distance


def _overlap(a: Polygons, b: Polygons) -> bool:
    low, left, rows, columns = window_of(a + b)
    one, two = (even_odd([p - (low, left) for p in polygons], rows, columns) for polygons in (a, b))
    if one.any() and two.any():
        return bool((one & two).any())
    (a_low, a_high), (b_low, b_high) = ((np.min(p, axis=0), np.max(p, axis=0)) for p in map(np.concatenate, (a, b)))
    return bool((a_low <= b_high).all() and (b_low <= a_high).all())


def _gap_text(stack: Stack, found: Sequence[Gap], too_long: Sequence[Gap]) -> str:
    a, b = (too_long or found)[0]
    what = "slice" if stack.on_slices else "plane"
    numbers = f"{what} {a + 2} has" if b - a == 2 else f"{what}s {a + 2} to {b} have"
    count = sum(n - m - 1 for m, n in found)
    low, high = (float(stack.grid.to_mm((k, 0, 0))[2]) for k in (a, b))
    where = f" between z = {low:.1f} and {high:.1f} mm" if stack.axial else ""
    more = f" (such {what}s: {count})" if count > b - a - 1 else ""
    limit = f"; more than {_MOST_MISSING} in a row are not interpolated" if too_long else ""
    return f"{numbers} no contour{where}{more}{limit}"


def _off_slice(stack: Stack, geometry: Geometry) -> float:
    """Largest distance of a plane from the nearest slice of the CT, in slices."""
    k = geometry.to_index(stack.grid.to_mm([(n, 0, 0) for n in stack.numbers]))[:, 0]
    return float(np.abs(k - np.round(k)).max())


def _ordinal(n: int) -> str:
    return {2: "second", 3: "third"}.get(n, f"{n}th")
