"""Surface cells, moments and hull candidates of a binary region, in one pass each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.compiled import kernel

__all__ = ["cell_counts", "farthest", "hull_candidates", "hull_facets", "second_moments", "weighted_sums"]

Positions = NDArray[np.int64]


@kernel(nogil=True)
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


@kernel(nogil=True)
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


@kernel(nogil=True)
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


@kernel(nogil=True)
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


@kernel(nogil=True)
def hull_facets(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Triangles (corner, corner, corner) of the convex hull, anticlockwise as seen from outside.

    The points are whole numbers below 10^5 that do not lie in one plane, so that every test for the side of a facet is
    exact. Points are added one by one: the facets that see a point give way to triangles from it to their horizon.
    """
    n = len(points)
    facets = np.empty((4 * n + 16, 3), np.int64)
    planes = np.empty((4, 4 * n + 16))
    visible = np.empty(4 * n + 16, np.int64)
    first = _tetrahedron(points)
    count = 0
    for a, b, c in ((0, 1, 2), (0, 2, 3), (0, 3, 1), (1, 3, 2)):
        _set_facet(points, facets, planes, count, (first[a], first[b], first[c]))
        count += 1
    for p in range(n):
        x, y, z = points[p]
        # Most points lie inside: counting is vectorised, listing is not.
        outside = 0
        for f in range(count):
            outside += planes[0, f] * x + planes[1, f] * y + planes[2, f] * z > planes[3, f]
        if outside == 0:
            continue
        seen = 0
        for f in range(count):
            visible[seen] = f
            seen += planes[0, f] * x + planes[1, f] * y + planes[2, f] * z > planes[3, f]
        horizon = _horizon(facets, visible[:seen])
        for v in range(seen - 1, -1, -1):
            count -= 1
            facets[visible[v]] = facets[count]
            planes[:, visible[v]] = planes[:, count]
        for a, b in horizon:
            _set_facet(points, facets, planes, count, (a, b, p))
            count += 1
    return facets[:count].copy()


@kernel(nogil=True)
def _tetrahedron(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Four points that do not lie in one plane, the fourth behind the triangle of the others."""
    out = np.zeros(4, np.int64)
    along, across = np.zeros(3), np.zeros(3)
    for corner in range(1, 4):
        best = -1.0
        for p in range(len(points)):
            step = points[p] - points[out[0]]
            if corner == 1:
                size = (step * step).sum()
            elif corner == 2:
                size = (np.cross(along, step) ** 2).sum()
            else:
                size = abs((across * step).sum())
            if size > best:
                best, out[corner] = size, p
        if corner == 1:
            along = points[out[1]] - points[out[0]]
        elif corner == 2:
            across = np.cross(along, points[out[2]] - points[out[0]])
    if (across * (points[out[3]] - points[out[0]])).sum() > 0:
        out[1], out[2] = out[2], out[1]
    return out


@kernel(nogil=True)
def _set_facet(
    points: NDArray[np.float64],
    facets: NDArray[np.int64],
    planes: NDArray[np.float64],
    at: int,
    corners: tuple[int, int, int],
) -> None:
    """Write a triangle and its plane: normal and offset."""
    a, b, c = corners
    facets[at] = a, b, c
    ux, uy, uz = points[b] - points[a]
    vx, vy, vz = points[c] - points[a]
    planes[0, at] = uy * vz - uz * vy
    planes[1, at] = uz * vx - ux * vz
    planes[2, at] = ux * vy - uy * vx
    x, y, z = points[a]
    planes[3, at] = planes[0, at] * x + planes[1, at] * y + planes[2, at] * z


@kernel(nogil=True)
def _horizon(facets: NDArray[np.int64], visible: NDArray[np.int64]) -> NDArray[np.int64]:
    """Directed edges of the visible facets that no other visible facet shares."""
    edges = np.empty((3 * visible.size, 2), np.int64)
    for v in range(visible.size):
        for side in range(3):
            edges[3 * v + side] = facets[visible[v], side], facets[visible[v], (side + 1) % 3]
    out = np.empty_like(edges)
    n = 0
    for e in range(len(edges)):
        shared = False
        for other in range(len(edges)):
            shared |= edges[other, 0] == edges[e, 1] and edges[other, 1] == edges[e, 0]
        if not shared:
            out[n] = edges[e]
            n += 1
    return out[:n]


@kernel(nogil=True)
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
