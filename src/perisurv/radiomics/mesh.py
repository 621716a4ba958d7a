"""Surface of a binary region by marching cubes, without building the mesh.

All vertices of the surface of a mask are midpoints of edges between an inside and an outside voxel. A cell of eight
voxels has one of 256 configurations, each with fixed triangles, so area and volume are sums over how often each occurs.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["surface"]

Floats = NDArray[np.float64]

_CORNERS = np.array([(k, j, i) for k in (0, 1) for j in (0, 1) for i in (0, 1)])
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1]
_MIDPOINTS = np.array([(_CORNERS[a] + _CORNERS[b]) / 2 for a, b in _EDGES])
_OPPOSITE = [_EDGES.index((7 - b, 7 - a)) for a, b in _EDGES]
# Corners of each face in the order of a walk around it, seen from outside the cell.
_FACES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
# The classic table breaks ties by this corner and its opposite.
_CLASSIC = 6


def surface(
    mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float], *, classic: bool = False
) -> tuple[float, float]:
    """Area (mm2) and enclosed volume (mm3) of the surface at half occupancy.

    Parameters
    ----------
    mask
        The region, (slices, rows, columns), with a border of voxels outside.
    spacing_mm
        Size of a voxel along each axis.
    classic
        Triangles of the classic table of marching cubes with 128 entries, which pyradiomics uses. It is not symmetric:
        voxels that touch at an edge are joined in some directions and apart in others. Without it they are always
        apart, and mirrors and quarter turns of the mask change nothing.
    """
    from perisurv.radiomics.kernels.mesh import cell_counts  # noqa: PLC0415 (numba, only here)

    counts, sums = cell_counts(mask.view(np.uint8))
    area, normal, moment = _cells(spacing_mm, classic)
    # Flux of the field r / 3 through the surface.
    flux = (sums * normal * np.array(spacing_mm)[:, None]).sum() + (counts * moment).sum()
    return float((counts * area).sum()), float(flux / 3)


@cache
def _cells(spacing_mm: tuple[float, float, float], classic: bool) -> tuple[Floats, Floats, Floats]:
    """Of each configuration: area [256], area vector [3, 256], and flux of r inside the cell [256]."""
    area, normals, moment = np.zeros(256), np.zeros((3, 256)), np.zeros(256)
    for configuration in range(256):
        turned = classic and configuration >> _CLASSIC & 1
        for loop in _loops(configuration ^ 255 if turned else configuration):
            apexes = _apexes(loop, classic)
            for apex in apexes:
                fan = loop[apex:] + loop[:apex]
                for n in range(1, len(fan) - 1):
                    a, b, c = _MIDPOINTS[[fan[0], fan[n], fan[n + 1]]] * spacing_mm
                    normal = np.cross(b - a, c - a) / 2 / len(apexes)
                    area[configuration] += np.linalg.norm(normal)
                    normal = -normal if turned else normal
                    normals[:, configuration] += normal
                    moment[configuration] += normal @ (a + b + c) / 3
    return area, normals, moment


def _loops(configuration: int) -> list[list[int]]:
    """Closed loops of edge midpoints around the inside corners of a cell."""
    following: dict[int, int] = {}
    for face in _FACES:
        inside = [bool(configuration >> corner & 1) for corner in face]
        for n in range(4):
            # A walk enters the inside here; it leaves after the last inside corner of this stretch. Where two inside
            # corners are opposite each gets a segment of its own: they stay apart.
            if inside[n] and not inside[n - 1]:
                m = n
                while inside[(m + 1) % 4]:
                    m += 1
                following[_edge(face[n - 1], face[n])] = _edge(face[m % 4], face[(m + 1) % 4])
    loops = []
    while following:
        first = min(following)
        loop = [first]
        while (after := following.pop(loop[-1])) != first:
            loop.append(after)
        loops.append(loop)
    return loops


def _apexes(loop: list[int], classic: bool) -> list[int]:
    """Where in the loop its triangles meet: at the ends of the diagonal that joins two opposite edges of the cell.

    Loops of up to four edges are flat, and any apex will do. A loop of seven has two such diagonals; its triangles meet
    at a vertex between ends of both. There are three, and the mean over them keeps the symmetry of the cell.
    """
    n = len(loop)
    across = {m for m in range(n) if _OPPOSITE[loop[m]] in loop}
    if n < 7:
        return [min(across, default=0)]
    between = [m for m in range(n) if {(m - 1) % n, (m + 1) % n} <= across]
    if not classic:
        return between
    return [next(m for corner in (7 - _CLASSIC, _CLASSIC) for m in between if corner in _EDGES[loop[m]])]


def _edge(a: int, b: int) -> int:
    return _EDGES.index((min(a, b), max(a, b)))
