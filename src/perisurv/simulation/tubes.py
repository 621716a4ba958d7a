"""Trees of tubes (vessels, airways, spicules): how they grow and how a grid sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perisurv.core import Geometry

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    # Points (n, 3) as x, y, z and radii (n,), mm.
    Tube = tuple[NDArray[np.float64], NDArray[np.float64]]

__all__ = ["Tree", "axes_mm", "grow_tree", "stamp", "tube_along"]


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Nodes of a branching tube: ``points_mm`` (n, 3) as x, y, z; parent index (-1 at the root); terminals below."""

    points_mm: NDArray[np.float64]
    parent: NDArray[np.int64]
    terminals: NDArray[np.int64]

    def radius_mm(self, terminal_mm: float, exponent: float, largest_mm: float) -> NDArray[np.float64]:
        """Murray's law: the n-th power of the radius is the number of terminals below."""
        return np.asarray(np.minimum(terminal_mm * self.terminals ** (1.0 / exponent), largest_mm))

    def sampled(self, radius_mm: NDArray[np.float64], step_mm: float) -> Tube:
        """Points and radii along every edge, at most ``step_mm`` apart."""
        child = np.flatnonzero(self.parent >= 0)
        start, end = self.points_mm[self.parent[child]], self.points_mm[child]
        count = np.maximum(np.ceil(np.linalg.norm(end - start, axis=1) / step_mm).astype(int), 1)
        edge = np.repeat(np.arange(len(child)), count)
        first = np.repeat(np.cumsum(count) - count, count)
        fraction = ((np.arange(len(edge)) - first) / count[edge])[:, None]
        points = start[edge] * (1 - fraction) + end[edge] * fraction
        r0, r1 = radius_mm[self.parent[child]][edge], radius_mm[child][edge]
        # A branch leaves its parent with its own radius, not with that of the trunk.
        return points, np.minimum(r0, 1.15 * r1)


def grow_tree(rng: Generator, trunk_mm: NDArray[np.float64], ends_mm: NDArray[np.float64], step_mm: float) -> Tree:
    """Connect every end point, nearest to the root first, to the cheapest node of the tree grown so far.

    Parameters
    ----------
    rng
        Source of the bends.
    trunk_mm
        (m, 3) points of the trunk, root first.
    ends_mm
        (n, 3) end points.
    step_mm
        Distance of the nodes along a branch.
    """
    room = len(trunk_mm) + 60 * len(ends_mm)
    points, path = np.empty((room, 3)), np.zeros(room)
    parent = np.full(room, -1, dtype=np.int64)
    used = len(trunk_mm)
    points[:used] = trunk_mm
    parent[1:used] = np.arange(used - 1)
    path[1:used] = np.cumsum(np.linalg.norm(np.diff(trunk_mm, axis=0), axis=1))
    leaves = []
    for end in ends_mm[np.argsort(np.linalg.norm(ends_mm - trunk_mm[-1], axis=1), kind="stable")]:
        distance = np.sqrt(((points[:used] - end) ** 2).sum(axis=1))
        best = int(np.argmin(distance + 0.25 * path[:used]))
        count = int(np.clip(distance[best] // step_mm, 1, 59))
        fraction = np.linspace(0, 1, count + 1)[1:, None]
        branch = points[best] * (1 - fraction) + end * fraction
        branch[:-1] += rng.normal(0.0, 0.16 * step_mm, (count - 1, 3))
        new = np.arange(used, used + count)
        points[new] = branch
        parent[new] = np.r_[best, new[:-1]]
        path[new] = path[best] + distance[best] * fraction[:, 0]
        used += count
        leaves.append(used - 1)
    return Tree(points[:used], parent[:used], _terminals_below(parent[:used], leaves))


def _terminals_below(parent: NDArray[np.int64], leaves: list[int]) -> NDArray[np.int64]:
    count = np.zeros(len(parent), dtype=np.int64)
    count[leaves] = 1
    above = parent.tolist()
    below = count.tolist()
    for node in range(len(above) - 1, 0, -1):
        if above[node] >= 0:
            below[above[node]] += below[node]
    return np.maximum(np.array(below, dtype=np.int64), 1)


def tube_along(knots_mm: NDArray[np.float64], radius_mm: NDArray[np.float64], step_mm: float) -> Tube:
    """Points and radii of one bent tube through the knots, evenly spaced."""
    length = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(knots_mm, axis=0), axis=1))]
    at = np.linspace(0.0, length[-1], max(int(length[-1] / step_mm), 2))
    points = np.stack([np.interp(at, length, knots_mm[:, axis]) for axis in range(3)], axis=1)
    return points, np.interp(at, length, radius_mm)


def axes_mm(geometry: Geometry) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Coordinates z, y, x of the voxel centres of an axial grid, shaped to broadcast over [k, j, i]."""
    x0, y0, z0 = geometry.origin_mm
    z, y, x = (
        (first + step * np.arange(n)).astype(np.float32)
        for first, step, n in zip((z0, y0, x0), geometry.spacing_mm, geometry.shape, strict=True)
    )
    return z[:, None, None], y[None, :, None], x[None, None, :]


def stamp(geometry: Geometry, points_mm: NDArray[np.float64], radius_mm: NDArray[np.float64]) -> NDArray[np.float32]:
    """Share of every voxel that the balls around the points fill (0..1), seen with the partial volume of the grid.

    Parameters
    ----------
    geometry
        Axial grid.
    points_mm, radius_mm
        (n, 3) centres as x, y, z and (n,) radii.
    """
    cover = np.zeros(geometry.shape, dtype=np.float32)
    origin = np.asarray(geometry.origin_mm)[::-1]
    spacing = np.asarray(geometry.spacing_mm)
    centre = (points_mm[:, ::-1] - origin) / spacing
    reach = np.ceil((radius_mm[:, None] + 0.5 * spacing) / spacing).astype(int)
    for group in np.unique(reach, axis=0):
        chosen = (reach == group).all(axis=1)
        _stamp_group(cover, centre[chosen], radius_mm[chosen], spacing, group)
    return cover


def _stamp_group(
    cover: NDArray[np.float32],
    centre: NDArray[np.float64],
    radius_mm: NDArray[np.float64],
    spacing: NDArray[np.float64],
    reach: NDArray[np.int64],
) -> None:
    """Stamp balls that need the same patch of voxels, several thousand voxels at a time."""
    patch = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), axis=-1).reshape(-1, 3)
    shape = np.array(cover.shape)
    flat = cover.reshape(-1)
    rows = max(400_000 // len(patch), 1)
    for first in range(0, len(centre), rows):
        part, radius = centre[first : first + rows], radius_mm[first : first + rows, None]
        index = np.rint(part).astype(int)[:, None, :] + patch
        away = np.abs((index - part[:, None, :]) * spacing).astype(np.float32)
        # A slice averages over its thickness: within it, height does not count as distance.
        away[..., 0] = np.maximum(away[..., 0] - 0.5 * spacing[0], 0.0)
        distance = np.sqrt((away**2).sum(axis=-1))
        share = np.clip(0.5 + (radius - distance) / spacing[1], 0.0, 1.0)
        share *= np.minimum(2.0 * radius / spacing[1], 1.0) * np.minimum(3.0 * radius / spacing[0], 1.0)
        inside = ((index >= 0) & (index < shape)).all(axis=-1) & (share > 0)
        voxel = (index[..., 0] * shape[1] + index[..., 1]) * shape[2] + index[..., 2]
        np.maximum.at(flat, voxel[inside], share[inside].astype(np.float32))
