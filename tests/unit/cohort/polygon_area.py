"""What the voxels of a contour are by exact polygon area: an oracle that shares no code with the package."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

__all__ = ["covered_share", "mask_by_area"]


def mask_by_area(contours_mm, first_mm, spacing_mm, shape) -> np.ndarray:
    """Axial contours in an axial CT: voxels of which more than half the area lies inside, by the even-odd rule.

    ``first_mm`` is the centre of the first voxel (x, y, z), ``spacing_mm`` the distance of slices, rows, columns.
    """
    slices: dict[int, list[np.ndarray]] = {}
    for points in contours_mm:
        k = round((points[:, 2].mean() - first_mm[2]) / spacing_mm[0])
        column, row = ((points[:, n] - first_mm[n]) / spacing_mm[2 - n] for n in (0, 1))
        slices.setdefault(k, []).append(np.column_stack([column, row]))
    mask = np.zeros(shape, dtype=bool)
    for k, polygons in slices.items():
        low = np.floor(np.concatenate(polygons).min(axis=0)).astype(int)
        columns, rows = np.ceil(np.concatenate(polygons).max(axis=0)).astype(int) + 1 - low
        inside = covered_share([p - low for p in polygons], rows, columns) > 0.5
        mask[k, low[1] : low[1] + rows, low[0] : low[0] + columns] = inside
    return mask


def covered_share(polygons: Sequence[np.ndarray], rows: int, columns: int) -> np.ndarray:
    """Share of the area of every voxel inside, vertices (column, row) in voxels around their centres."""
    lines = shapely.union_all([shapely.linearrings(p) for p in polygons], grid_size=1e-9)
    faces = shapely.get_parts(shapely.polygonize([lines]))
    places = [shapely.point_on_surface(face) for face in faces]
    odd = [sum(_crossings(p, place.x, place.y) for p in polygons) % 2 == 1 for place in places]
    region = shapely.union_all(faces[np.array(odd)])
    row, column = (n.ravel() for n in np.indices((rows, columns)))
    share = shapely.contains_xy(region, column, row).astype(float)
    boxes = shapely.box(column - 0.5, row - 0.5, column + 0.5, row + 0.5)
    shapely.prepare(lines)
    cut = np.flatnonzero(shapely.intersects(lines, boxes))
    share[cut] = shapely.area(shapely.intersection(region, boxes[cut]))
    return share.reshape(rows, columns)


def _crossings(polygon: np.ndarray, x: float, y: float) -> int:
    """How many edges a ray to the right of a point crosses."""
    a, b = polygon, np.roll(polygon, -1, axis=0)
    above = (a[:, 1] > y) != (b[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    return int((above & (at > x)).sum())
