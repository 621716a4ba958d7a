"""One contour of a structure set: its points, checked, and contours that are drawn twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from perisurv.cohort.references import images_of
from perisurv.core import ReadError

__all__ = ["Contour", "area_vector_mm2", "read_contour", "rough_volume_mm3", "without_copies"]

# DICOM PS3.3 C.8.8.6.1: the closed types enclose a region, the others mark points or lines.
_CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
# Below this area a contour encloses nothing: points of one line, stored as decimal text.
_NO_AREA_MM2 = 1e-6
# Two contours whose box, centroid and area agree this well are one that was drawn or exported twice.
_COPY_MM = 0.02
_FARTHEST_MM = 1e5

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """A closed planar contour: points (n, 3) LPS in mm without a repeated end point, and the images that it names."""

    points_mm: Points
    images: frozenset[str] = frozenset()


def read_contour(item: Dataset) -> Contour | str:
    """A contour, or why it can be passed over: it marks a point, or encloses nothing.

    Raises
    ------
    ReadError
        If it cannot be read or is not closed, so that its region is unknown.
    """
    kind = str(item.get("ContourGeometricType", "") or "").strip().upper()
    points = _points(item)
    if kind == "POINT":
        return "of type POINT"
    if kind not in _CLOSED:
        if len(points) < 2:
            return "with fewer than three points"
        what = f"is of type {kind}, which encloses nothing; close it" if kind else "has no type; export it again"
        raise ReadError(what)
    points = points[np.any(points != np.roll(points, 1, axis=0), axis=1)]
    if len(points) < 3:
        return "with fewer than three points"
    if np.linalg.norm(area_vector_mm2(points)) < _NO_AREA_MM2 and np.linalg.matrix_rank(points - points[0], 1e-4) < 2:
        return "without area"
    return Contour(points, images_of(item.get("ContourImageSequence")))


def area_vector_mm2(points: Points) -> Points:
    """Area of a planar contour times its normal (Newell's method), mm2; x, y, z."""
    around = points - points[0]
    area: Points = 0.5 * np.cross(around, np.roll(around, -1, axis=0)).sum(axis=0)
    return area


def rough_volume_mm3(contours: Sequence[Contour]) -> float:
    """Sum of the areas times the usual distance of their planes, to compare ROIs of one structure set; mm3.

    Holes are counted in. A single plane is as thick as its distance is unknown: 1 mm.
    """
    areas = np.array([area_vector_mm2(c.points_mm) for c in contours]).reshape(-1, 3)
    size = np.linalg.norm(areas, axis=1)
    if not size.any():
        return 0.0
    normal = areas[size.argmax()] / size.max()
    steps = np.diff(np.unique(np.round([np.median(c.points_mm @ normal) for c in contours], 2)))
    return float(size.sum() * (np.median(steps) if steps.size else 1.0))


def without_copies(contours: Sequence[Contour]) -> list[Contour]:
    """The contours, each once: XOR would take away what is drawn twice."""
    kept: list[Contour] = []
    facts: list[Points] = []
    for contour in contours:
        fact = _shape_facts(contour.points_mm)
        if not any(np.abs(fact - other).max() <= _COPY_MM for other in facts):
            kept.append(contour)
            facts.append(fact)
    return kept


def _shape_facts(points: Points) -> Points:
    """What direction, first point and points on straight edges do not change, in mm: box, centre, size."""
    step = np.roll(points, -1, axis=0) - points
    length = np.linalg.norm(step, axis=1)
    middle = ((points + 0.5 * step) * length[:, None]).sum(axis=0) / length.sum()
    size = np.sqrt(np.linalg.norm(area_vector_mm2(points)))
    return np.concatenate([points.min(axis=0), points.max(axis=0), middle, [size]])


def _points(item: Dataset) -> Points:
    raw: Any = item.get_item("ContourData").value if "ContourData" in item else None
    # Most of a structure set is decimal text: numpy reads it from the bytes, pydicom would build an object a number.
    numbers = raw.replace(b"\0", b"").strip().split(b"\\") if isinstance(raw, bytes) else list(raw or ())
    try:
        values = np.array([n for n in numbers if numbers != [b""]], dtype=float)
    except (ValueError, TypeError) as error:
        raise ReadError("holds coordinates that are no numbers; export it again") from error
    if not (np.abs(values) < _FARTHEST_MM).all():
        raise ReadError("holds coordinates that are no positions in a patient; export it again")
    count = item.get("NumberOfContourPoints")
    if values.size % 3 or (count not in (None, "") and int(count) != values.size // 3):
        raise ReadError(f"holds {values.size} coordinates where {count} points are announced; export it again")
    return values.reshape(-1, 3)
