"""Surface cells, moments and hull candidates of a binary region, in one pass each."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["cell_counts", "farthest", "hull_candidates", "second_moments", "weighted_sums"]

Positions = NDArray[np.int64]


@njit(cache=True, nogil=True)
def cell_counts(mask: NDArray[np.uint8]) -> tuple[Positions, Positions]:
    """How often each of the 256 configurations of eight corners occurs, and the sums of the indices k, j, i there.

    Bit ``4 dk + 2 dj + di`` of a configuration says whether that corner is inside. The mask has a border of zeros.
    """
    nk, nj, ni = mask.shape
    counts, sums = np.zeros(256, np.int64), np.zeros((3, 256), np.int64)
    cells = np.zeros(ni - 1, np.uint8)
    for k in range(nk - 1):
        for j in range(nj - 1):
            a, b, c, d = mask[k, j], mask[k, j + 1], mask[k + 1, j], mask[k + 1, j + 1]
            for i in range(ni - 1):
                low = a[i] | (a[i + 1] << 1) | (b[i] << 2) | (b[i + 1] << 3)
                cells[i] = low | (c[i] << 4) | (c[i + 1] << 5) | (d[i] << 6) | (d[i + 1] << 7)
            for i in range(ni - 1):
                cell = cells[i]
                if 0 < cell < 255:
                    counts[cell] += 1
                    sums[0, cell] += k
                    sums[1, cell] += j
                    sums[2, cell] += i
    return counts, sums


@njit(cache=True, nogil=True)
def second_moments(runs: Positions) -> Positions:
    """Voxels, sums of (k, j, i) and of (kk, kj, ki, jj, ji, ii) over runs (start, end, k, j, i): integers."""
    out = np.zeros(10, np.int64)
    for r in range(len(runs)):
        n, k, j, first = runs[r, 1] - runs[r, 0], runs[r, 2], runs[r, 3], runs[r, 4]
        last = first + n - 1
        along = (first + last) * n // 2
        squares = last * (last + 1) * (2 * last + 1) // 6 - (first - 1) * first * (2 * first - 1) // 6
        out[0] += n
        out[1] += n * k
        out[2] += n * j
        out[3] += along
        out[4] += n * k * k
        out[5] += n * k * j
        out[6] += k * along
        out[7] += n * j * j
        out[8] += j * along
        out[9] += squares
    return out


@njit(cache=True, nogil=True)
def weighted_sums(values: NDArray[np.float32], runs: Positions) -> NDArray[np.float64]:
    """Sum of the values of runs (start, end, k, j, i), and of the values times k, j and i."""
    out = np.zeros(4)
    n = 0
    for r in range(len(runs)):
        row, along = 0.0, 0.0
        for step in range(runs[r, 1] - runs[r, 0]):
            value = np.float64(values[n])
            row += value
            along += value * step
            n += 1
        out[0] += row
        out[1] += row * runs[r, 2]
        out[2] += row * runs[r, 3]
        out[3] += row * runs[r, 4] + along
    return out


@njit(cache=True, nogil=True)
def hull_candidates(points: Positions) -> NDArray[np.bool_]:
    """Which points (plane, a, b), sorted, are corners of the convex hull of their plane (monotone chain)."""
    keep = np.zeros(len(points), np.bool_)
    chain = np.empty(len(points) + 1, np.int64)
    begin = 0
    while begin < len(points):
        end = begin
        while end < len(points) and points[end, 0] == points[begin, 0]:
            end += 1
        for half in range(2):
            size = 0
            for step in range(end - begin):
                p = begin + step if half == 0 else end - 1 - step
                while size >= 2:
                    o, q = chain[size - 2], chain[size - 1]
                    across = (points[q, 1] - points[o, 1]) * (points[p, 2] - points[o, 2])
                    across -= (points[q, 2] - points[o, 2]) * (points[p, 1] - points[o, 1])
                    if across > 0:
                        break
                    size -= 1
                chain[size] = p
                size += 1
            keep[chain[:size]] = True
        begin = end
    return keep


@njit(cache=True, nogil=True)
def farthest(points: NDArray[np.float64]) -> float:
    """Largest distance between two points."""
    best = 0.0
    for a in range(len(points)):
        for b in range(a):
            square = 0.0
            for axis in range(points.shape[1]):
                square += (points[a, axis] - points[b, axis]) ** 2
            best = max(best, square)
    return float(np.sqrt(best))
