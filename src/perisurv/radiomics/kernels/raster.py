"""A region as runs of rows in a padded box, and its intensities and grey levels along these runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.compiled import kernel

__all__ = ["bounds", "cut", "edge_distance", "encode", "filled", "gather", "place_levels"]

Positions = NDArray[np.int64]


@kernel(nogil=True)
def bounds(mask: NDArray[np.bool_]) -> Positions:
    """First voxel and voxel after the last along each axis, (k0, k1, j0, j1, i0, i1), in one pass over the rows."""
    nk, nj, ni = mask.shape
    columns = np.zeros(ni, np.bool_)
    k0, k1, j0, j1 = nk, 0, nj, 0
    for k in range(nk):
        for j in range(nj):
            row = mask[k, j]
            voxels = np.uint8(0)
            for i in range(ni):
                voxels |= np.uint8(row[i])
                columns[i] |= row[i]
            if voxels:
                k0, k1, j0, j1 = min(k0, k), k + 1, min(j0, j), max(j1, j + 1)
    inside = np.flatnonzero(columns)
    return np.array([k0, k1, j0, j1, inside[0], inside[-1] + 1])


@kernel(nogil=True)
def encode(mask: NDArray[np.bool_], box: Positions, first: int) -> Positions:
    """Runs of the voxels of the mask in the box: rows (start, end, slice, row, column).

    Start and end are flat positions in the padded box, whose first voxel is at ``first``; slice, row and column
    count in the mask. ``box`` holds first and end along each axis.
    """
    k0, k1, j0, j1, i0, i1 = box
    row = i1 - i0 + 2
    plane = row * (j1 - j0 + 2)
    runs = np.empty(((k1 - k0) * (j1 - j0) + row, 5), np.int64)
    n = 0
    for k in range(k0, k1):
        for j in range(j0, j1):
            here = first + (k - k0) * plane + (j - j0) * row - i0
            if n + row > len(runs):
                runs = np.concatenate((runs, np.empty_like(runs)))
            voxels = mask[k, j]
            before = False
            for i in range(i0, i1):
                inside = voxels[i]
                if inside != before:
                    if inside:
                        runs[n] = here + i, 0, k, j, i
                    else:
                        runs[n, 1] = here + i
                        n += 1
                    before = inside
            if before:
                runs[n, 1] = here + i1
                n += 1
    return runs[:n].copy()


@kernel(nogil=True)
def cut(runs: Positions, values: NDArray[np.float32], low: float, high: float) -> Positions:
    """The parts of the runs whose values lie within the range; values are those along the runs."""
    outside = 0
    for value in values:
        outside += not low <= value <= high
    out = np.empty((len(runs) + outside, 5), np.int64)
    n, v = 0, 0
    for r in range(len(runs)):
        before = False
        for step in range(runs[r, 1] - runs[r, 0]):
            inside = low <= values[v] <= high
            v += 1
            if inside and not before:
                out[n] = runs[r, 0] + step, 0, runs[r, 2], runs[r, 3], runs[r, 4] + step
            elif before and not inside:
                out[n, 1] = runs[r, 0] + step
                n += 1
            before = inside
        if before:
            out[n, 1] = runs[r, 1]
            n += 1
    return out[:n].copy()


@kernel(nogil=True)
def filled(starts: Positions, ends: Positions, size: int) -> NDArray[np.bool_]:
    """True along the runs of a flat box."""
    out = np.zeros(size, np.bool_)
    for r in range(starts.size):
        out[starts[r] : ends[r]] = True
    return out


@kernel(nogil=True)
def gather(image: NDArray[np.float32], sources: Positions, lengths: Positions) -> NDArray[np.float32]:
    """Values of all runs, one after the other, from a flat image."""
    out = np.empty(lengths.sum(), image.dtype)
    n = 0
    for r in range(sources.size):
        length = lengths[r]
        row, values = image[sources[r] : sources[r] + length], out[n : n + length]
        for i in range(length):
            values[i] = row[i]
        n += length
    return out


@kernel(nogil=True)
def place_levels(
    values: NDArray[np.float32],
    starts: Positions,
    ends: Positions,
    bins: tuple[float, float, float, int],
    levels: NDArray[np.unsignedinteger],
) -> Positions:
    """Grey levels ``floor(numerator * (value - lower) / denominator) + 1``, at most ``highest``, into the padded box.

    Returns the voxels of every level.
    """
    lower, numerator, denominator, highest = bins
    counts = np.zeros(highest + 1, np.int64)
    n = 0
    for r in range(starts.size):
        for p in range(starts[r], ends[r]):
            level = int(np.floor(numerator * (np.float64(values[n]) - lower) / denominator)) + 1
            level = min(level, highest)
            levels[p] = level
            counts[np.uint64(level)] += 1
            n += 1
    return counts


@kernel(nogil=True)
def edge_distance(starts: Positions, ends: Positions, steps: Positions, size: int) -> NDArray[np.uint16]:
    """City-block distance of every voxel to the outside of the region: 1 at its border; 0 outside.

    ``steps`` are the offsets to the next voxel along each axis, two of them within slices.
    """
    distance = np.zeros(size, np.uint16)
    one = np.uint16(1)
    row, plane = steps[1], steps[-1]
    # The neighbour along the row stays in a register.
    for r in range(starts.size):
        beside = np.uint16(0)
        for p in range(starts[r], ends[r]):
            beside = np.uint16(min(beside, distance[p - row], distance[p - plane]) + one)
            distance[p] = beside
    for r in range(starts.size - 1, -1, -1):
        beside = np.uint16(0)
        for p in range(ends[r] - 1, starts[r] - 1, -1):
            beside = np.uint16(min(beside, distance[p + row], distance[p + plane]) + one)
            beside = min(beside, distance[p])
            distance[p] = beside
    return distance
