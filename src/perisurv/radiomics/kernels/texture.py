"""Texture matrices of a level box: int array (slices, rows, columns), 0 outside the region, levels from 1.

The box has a border of one voxel of zeros, so that every neighbour exists.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["DIRECTIONS", "cooccurrence", "neighbourhood", "run_lengths", "zones"]

Levels = NDArray[np.int32]
Counts = NDArray[np.int64]

# One of each pair of opposite neighbours among the 26.
DIRECTIONS = np.array(
    [(0, 0, 1)]
    + [(0, 1, i) for i in (-1, 0, 1)]
    + [(1, j, i) for j in (-1, 0, 1) for i in (-1, 0, 1)],
    dtype=np.int64,
)  # fmt: skip


@njit(cache=True, nogil=True)
def cooccurrence(levels: Levels, directions: Counts, n_levels: int, merged: bool) -> Counts:
    """Counts [direction, level, level + direction], one way; add the transpose for the symmetric matrix.

    Merged: one matrix [0, level, level] over all directions.
    """
    nk, nj, ni = levels.shape
    out = np.zeros((1 if merged else directions.shape[0], n_levels, n_levels), np.int64)
    for k in range(1, nk - 1):
        for j in range(1, nj - 1):
            for i in range(1, ni - 1):
                a = levels[k, j, i]
                if a:
                    for d in range(directions.shape[0]):
                        b = levels[k + directions[d, 0], j + directions[d, 1], i + directions[d, 2]]
                        if b:
                            out[0 if merged else d, a - 1, b - 1] += 1
    return out


@njit(cache=True, nogil=True)
def run_lengths(levels: Levels, directions: Counts, n_levels: int) -> Counts:
    """Counts [direction, level, run length - 1]."""
    nk, nj, ni = levels.shape
    out = np.zeros((directions.shape[0], n_levels, max(nk, nj, ni)), np.int64)
    for d in range(directions.shape[0]):
        dk, dj, di = directions[d, 0], directions[d, 1], directions[d, 2]
        for k in range(1, nk - 1):
            for j in range(1, nj - 1):
                for i in range(1, ni - 1):
                    a = levels[k, j, i]
                    if a and levels[k - dk, j - dj, i - di] != a:
                        length = 1
                        while levels[k + length * dk, j + length * dj, i + length * di] == a:
                            length += 1
                        out[d, a - 1, length - 1] += 1
    return out


@njit(cache=True, nogil=True)
def zones(levels: Levels) -> tuple[Levels, Levels]:
    """Level and size of every 26-connected zone of one level."""
    nk, nj, ni = levels.shape
    todo = levels.copy()
    n = int(np.count_nonzero(levels))
    stack = np.empty((n + 1, 3), np.int32)
    zone_level = np.empty(n, np.int32)
    zone_size = np.empty(n, np.int32)
    found = 0
    for k in range(1, nk - 1):
        for j in range(1, nj - 1):
            for i in range(1, ni - 1):
                a = todo[k, j, i]
                if a:
                    todo[k, j, i] = 0
                    stack[0, 0], stack[0, 1], stack[0, 2] = k, j, i
                    top, size = 1, 0
                    while top:
                        top -= 1
                        size += 1
                        ck, cj, ci = stack[top, 0], stack[top, 1], stack[top, 2]
                        for dk in range(-1, 2):
                            for dj in range(-1, 2):
                                for di in range(-1, 2):
                                    if todo[ck + dk, cj + dj, ci + di] == a:
                                        todo[ck + dk, cj + dj, ci + di] = 0
                                        stack[top, 0], stack[top, 1], stack[top, 2] = ck + dk, cj + dj, ci + di
                                        top += 1
                    zone_level[found] = a
                    zone_size[found] = size
                    found += 1
    return zone_level[:found], zone_size[:found]


@njit(cache=True, nogil=True)
def neighbourhood(levels: Levels, n_levels: int) -> tuple[Counts, NDArray[np.float64], Counts]:
    """NGTDM and NGLDM (distance 1, coarseness 0) in one pass.

    Returns voxels with a neighbour per level; sum of |level - mean of its neighbours| per level; and
    counts [level, dependence - 1] where the dependence counts the voxel itself and its equal neighbours.
    """
    nk, nj, ni = levels.shape
    voxels = np.zeros(n_levels, np.int64)
    difference = np.zeros(n_levels, np.float64)
    dependence = np.zeros((n_levels, 27), np.int64)
    for k in range(1, nk - 1):
        for j in range(1, nj - 1):
            for i in range(1, ni - 1):
                a = levels[k, j, i]
                if a:
                    total, count, equal = 0, 0, 0
                    for dk in range(-1, 2):
                        for dj in range(-1, 2):
                            for di in range(-1, 2):
                                b = levels[k + dk, j + dj, i + di]
                                if b:
                                    total += b
                                    count += 1
                                    if b == a:
                                        equal += 1
                    dependence[a - 1, equal - 1] += 1
                    if count > 1:
                        voxels[a - 1] += 1
                        difference[a - 1] += abs(a - (total - a) / (count - 1))
    return voxels, difference, dependence
