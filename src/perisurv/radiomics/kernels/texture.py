"""Texture matrices of the grey levels of a region.

Every kernel takes the levels as one flat padded box and the region as runs of its rows (:mod:`.raster`): level 0 lies
outside, a neighbour is a constant offset away and always exists. Blocks of ``BLOCK`` voxels may read beyond a run,
never beyond the guard. Counts have a row and a column for level 0, which belong to nothing; the caller drops them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.compiled import kernel

__all__ = ["cooccurrence", "neighbourhood", "run_lengths", "zones"]

Levels = NDArray[np.unsignedinteger]
Positions = NDArray[np.int64]
Counts = NDArray[np.uint32]
BLOCK = 32
MAX_NEIGHBOURS = 27


@kernel(nogil=True)
def cooccurrence(levels: Levels, starts: Positions, ends: Positions, offsets: Positions, n_levels: int) -> Counts:
    """Counts [direction, level, level + direction], one way; add the transpose for the symmetric matrix."""
    row = np.uint64(n_levels + 1)
    size = row * row
    out = np.zeros(np.uint64(offsets.size) * size, np.uint32)
    # Unsigned positions: a signed index costs a test for negative values at each of the stores.
    for r in range(starts.size):
        for start in range(starts[r], ends[r]):
            p = np.uint64(start)
            cell = np.uint64(levels[p]) * row
            for d in range(offsets.size):
                out[cell + np.uint64(levels[p + np.uint64(offsets[d])])] += np.uint32(1)
                cell += size
    return out.reshape(offsets.size, n_levels + 1, n_levels + 1)


@kernel(nogil=True)
def run_lengths(
    levels: Levels, starts: Positions, ends: Positions, offsets: Positions, plane: int, n_levels: int, longest: int
) -> Counts:
    """Counts [direction, level, run length]; the first direction goes along the rows.

    The length of the run so far is kept for two slices of ``plane`` voxels, and counted where the run ends; all other
    voxels count as length 0, which is cheaper than a branch.
    """
    n = offsets.size
    width = np.uint64(longest + 1)
    size = np.uint64(n_levels + 1) * width
    out = np.zeros(np.uint64(n) * size, np.uint32)
    so_far = np.zeros((n, 2, plane + 2 * BLOCK), np.uint16)
    ended = np.zeros((n, BLOCK), np.uint16)
    one, none = np.uint16(1), np.uint16(0)
    back = (offsets + plane // 2) // plane
    for r in range(starts.size):
        k = starts[r] // plane
        run = none
        for b in range(starts[r], ends[r], BLOCK):
            filled = min(BLOCK, ends[r] - b)
            here = levels[b : b + BLOCK]
            for i in range(filled):
                run = np.uint16(run + one) if levels[b + i - 1] == here[i] else one
                ended[0, i] = run if levels[b + i + 1] != here[i] else none
            for d in range(1, n):
                o = offsets[d]
                before, after = levels[b - o : b - o + BLOCK], levels[b + o : b + o + BLOCK]
                q = b - o - (k - back[d]) * plane
                length_before = so_far[d, (k - back[d]) & 1, q : q + BLOCK]
                length = so_far[d, k & 1, b - k * plane : b - k * plane + BLOCK]
                out_d = ended[d]
                for i in range(BLOCK):
                    t = np.uint16(length_before[i] + one) if before[i] == here[i] else one
                    length[i] = t
                    out_d[i] = t if after[i] != here[i] else none
            for i in range(filled):
                cell = np.uint64(here[i]) * width
                for d in range(n):
                    out[cell + np.uint64(ended[d, i])] += np.uint32(1)
                    cell += size
    return out.reshape(n, n_levels + 1, longest + 1)


@kernel(nogil=True)
def neighbourhood(
    levels: Levels, starts: Positions, ends: Positions, rows: Positions, n_levels: int
) -> tuple[Counts, Counts, NDArray[np.int64]]:
    """NGTDM and NGLDM (distance 1, coarseness 0) in one pass; all counts include the voxel itself.

    ``rows`` are the offsets of the rows of neighbours: nine in three dimensions, three in a slice. Returns counts
    [level, equal neighbours], counts [level, neighbours inside] and, for the latter, the sum of
    |neighbours * level - sum of the neighbours' levels|, an integer.
    """
    shape = (n_levels + 1, MAX_NEIGHBOURS + 1)
    dependence, voxels = np.zeros(shape, np.uint32), np.zeros(shape, np.uint32)
    difference = np.zeros(shape, np.int64)
    total, inside, equal = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint8), np.empty(BLOCK, np.uint8)
    for r in range(starts.size):
        for b in range(starts[r], ends[r], BLOCK):
            here = levels[b : b + BLOCK]
            for i in range(BLOCK):
                total[i], inside[i], equal[i] = 0, 0, 0
            for o in rows:
                q = b + o
                left, middle, right = (
                    levels[q - 1 : q - 1 + BLOCK],
                    levels[q : q + BLOCK],
                    levels[q + 1 : q + 1 + BLOCK],
                )
                for i in range(BLOCK):
                    x, y, z, a = left[i], middle[i], right[i], here[i]
                    total[i] += np.uint32(x) + np.uint32(y) + np.uint32(z)
                    inside[i] += np.uint8(x != 0) + np.uint8(y != 0) + np.uint8(z != 0)
                    equal[i] += np.uint8(x == a) + np.uint8(y == a) + np.uint8(z == a)
            for i in range(min(BLOCK, ends[r] - b)):
                a, n = here[i], inside[i]
                dependence[a, equal[i]] += np.uint32(1)
                voxels[a, n] += np.uint32(1)
                difference[a, n] += abs(np.int64(a) * np.int64(n) - np.int64(total[i]))
    return dependence, voxels, difference


@kernel(inline="always")
def _root(parent: NDArray[np.int32], zone: int) -> int:
    while parent[zone] != zone:
        parent[zone] = parent[parent[zone]]
        zone = parent[zone]
    return zone


@kernel(nogil=True)
def zones(
    levels: Levels,
    starts: Positions,
    ends: Positions,
    offsets: Positions,
    plane: int,
    distance: NDArray[np.uint16],
    joins: tuple[NDArray[np.uint8], NDArray[np.uint8]],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Level, size and smallest distance of every zone of connected voxels of one level, in raster order.

    One pass with a union-find over provisional zones. The equal ones among the voxels already visited are a bit mask,
    and ``joins`` says for each mask which of them are needed: neighbours that touch are in one zone already.
    """
    n_joins, join = joins
    n_voxels = (ends - starts).sum()
    parent, level = np.empty(n_voxels, np.int32), np.empty(n_voxels, np.int32)
    size, nearest = np.empty(n_voxels, np.int32), np.empty(n_voxels, np.int32)
    zone_of = np.empty((2, plane), np.int32)
    equal = np.empty(BLOCK, np.uint16)
    n_zones = 0
    back = (offsets + plane // 2) // plane
    in_slice = offsets - back * plane
    for r in range(starts.size):
        k = starts[r] // plane
        for b in range(starts[r], ends[r], BLOCK):
            here = levels[b : b + BLOCK]
            for i in range(BLOCK):
                equal[i] = 0
            # Three neighbours of each earlier row, then the one before in this row: bit d stands for offset d.
            for d in range(offsets.size - 1, 0, -3):
                row = levels[b - offsets[d] : b - offsets[d] + BLOCK + 2]
                for i in range(BLOCK):
                    a = here[i]
                    bits = np.uint16(row[i + 2] == a) + 2 * np.uint16(row[i + 1] == a) + 4 * np.uint16(row[i] == a)
                    equal[i] = np.uint16(8 * equal[i] + bits)
            before = levels[b - 1 : b - 1 + BLOCK]
            for i in range(BLOCK):
                equal[i] = np.uint16(2 * equal[i] + np.uint16(before[i] == here[i]))
            for i in range(min(BLOCK, ends[r] - b)):
                p, q = b + i, b + i - k * plane
                mask = equal[i]
                if n_joins[mask] == 0:
                    zone = n_zones
                    parent[zone], level[zone], size[zone], nearest[zone] = zone, here[i], 0, distance[p]
                    n_zones += 1
                else:
                    d = join[mask, 0]
                    zone = zone_of[(k - back[d]) & 1, q - in_slice[d]]
                    for j in range(1, n_joins[mask]):
                        d = join[mask, j]
                        other = zone_of[(k - back[d]) & 1, q - in_slice[d]]
                        if other != zone:
                            zone, other = _root(parent, zone), _root(parent, other)
                            zone, other = min(zone, other), max(zone, other)
                            parent[other] = zone
                zone_of[k & 1, q] = zone
                size[zone] += 1
                nearest[zone] = min(nearest[zone], distance[p])
    return _merged(parent[:n_zones], level, size, nearest)


@kernel(nogil=True)
def _merged(
    parent: NDArray[np.int32], level: NDArray[np.int32], size: NDArray[np.int32], nearest: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Provisional zones added to their roots; a root comes before its members."""
    n = 0
    for zone in range(parent.size):
        root = parent[parent[zone]]
        parent[zone] = root
        if root != zone:
            size[root] += size[zone]
            nearest[root] = min(nearest[root], nearest[zone])
    for zone in range(parent.size):
        if parent[zone] == zone:
            level[n], size[n], nearest[n] = level[zone], size[zone], nearest[zone]
            n += 1
    return level[:n].copy(), size[:n].copy(), nearest[:n].copy()
