"""Contours to voxels a second time, by another rule: the share of each voxel's area that a contour winds around.

It shares nothing with the even-odd raster: it adds up exact areas instead of asking for centres, and counts windings
instead of crossings. Both agree on sound contours but for voxels that are cut in half. They disagree where contours
cross themselves or one another, so that it is unclear what was meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coverage", "cover"]

_ROUNDING = 1e-6
# A contour runs through a centre if it passes it this closely, in voxels: coordinates are rounded decimal text.
_ON_CENTRE = 0.02

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """What the polygons of one plane cover.

    Parameters
    ----------
    share
        Share of each voxel inside, (rows, columns).
    area
        Area inside, voxels: sum over the polygons of their areas by the shoelace formula, holes subtracted.
    crossed
        Area that a contour winds around more than once or the wrong way round, because it crosses itself; voxels.
    touched
        Voxels whose centre lies on the outline, (rows, columns).
    """

    share: Points
    area: float
    crossed: float
    touched: NDArray[np.bool_]


def cover(polygons: Sequence[Points], rows: int, columns: int) -> Coverage:
    """Cover a window with polygons, vertices (row, column); one that lies inside another is a hole in it."""
    touched = np.zeros((rows, columns), dtype=bool)
    signed = []
    for polygon in polygons:
        pieces = _pieces(polygon + 0.5, np.roll(polygon + 0.5, -1, axis=0))
        signed.append((_shoelace(polygon), _winding(pieces, rows, columns)))
        touched |= _touched(pieces, rows, columns)
    found = sorted(((abs(area), turns if area >= 0 else -turns) for area, turns in signed), key=lambda item: -item[0])
    share = np.zeros((rows, columns))
    total = crossed = 0.0
    for n, (area, turns) in enumerate(found):
        crossed += float(np.abs(turns - turns.clip(0, 1))[np.abs(turns - 0.5) > 0.5 + _ROUNDING].sum())
        inside = sum(float((turns * other).sum()) > 0.5 * float(turns.sum()) for _, other in found[:n])
        sign = -1 if inside % 2 else 1
        total += sign * area
        share += sign * turns
    return Coverage(share, total, crossed, touched)


def _winding(pieces: Points, rows: int, columns: int) -> Points:
    """Integral over each voxel of how often a polygon winds around a point, voxels of area 1 around their centres.

    Its edges were cut at the borders of voxels. A piece adds its height to all voxels of its row to the right, and to
    its own voxel the area to the right of it (the accumulation of coverage in anti-aliased fonts).
    """
    middle = pieces.mean(axis=0)
    height = pieces[1, :, 0] - pieces[0, :, 0]
    row, column = np.floor(middle).astype(int).T
    behind = (middle[:, 1] - column).clip(0, 1)
    left, right = column < 0, column >= columns
    behind[left], column[left] = 0.0, 0
    keep = (row >= 0) & (row < rows) & ~right & (height != 0)
    turns = np.zeros((rows, columns + 1))
    np.add.at(turns, (row[keep], column[keep]), (height * (1 - behind))[keep])
    np.add.at(turns, (row[keep], column[keep] + 1), (height * behind)[keep])
    inside: Points = np.cumsum(turns, axis=1)[:, :columns]
    return inside


def _touched(pieces: Points, rows: int, columns: int) -> NDArray[np.bool_]:
    """Voxels whose centre a piece runs through."""
    start, along = pieces[0], pieces[1] - pieces[0]
    voxel = np.floor(pieces.mean(axis=0))
    centre = voxel + 0.5 - start
    length2 = (along**2).sum(axis=1)
    share = ((centre * along).sum(axis=1) / np.where(length2 > 0, length2, 1.0)).clip(0, 1)
    off = np.linalg.norm(centre - share[:, None] * along, axis=1)
    inside = ((voxel >= 0) & (voxel < (rows, columns))).all(axis=1)
    found = np.zeros((rows, columns), dtype=bool)
    found[tuple(voxel[inside & (off < _ON_CENTRE)].astype(int).T)] = True
    return found


def _pieces(start: Points, stop: Points) -> Points:
    """Edges cut at whole rows and columns: (2, pieces, 2), first and last point of each."""
    edges, shares = [np.tile(np.arange(len(start)), 2)], [np.repeat([0.0, 1.0], len(start))]
    for axis in (0, 1):
        low = np.minimum(start[:, axis], stop[:, axis])
        high = np.maximum(start[:, axis], stop[:, axis])
        first = np.floor(low).astype(int) + 1
        count = (np.ceil(high).astype(int) - first).clip(min=0)
        edge = np.repeat(np.arange(len(count)), count)
        line = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
        edges.append(edge)
        shares.append((line - start[edge, axis]) / (stop[edge, axis] - start[edge, axis]))
    edge, share = np.concatenate(edges), np.concatenate(shares)
    order = np.lexsort((share, edge))
    edge, share = edge[order], share[order]
    points = start[edge] + share[:, None] * (stop - start)[edge]
    same = edge[1:] == edge[:-1]
    return np.stack([points[:-1][same], points[1:][same]])


def _shoelace(polygon: Points) -> float:
    """Signed area in voxels, positive where :func:`_winding` is positive."""
    around = polygon - polygon[0]
    after = np.roll(around, -1, axis=0)
    return float(0.5 * (around[:, 0] * after[:, 1] - around[:, 1] * after[:, 0]).sum())
