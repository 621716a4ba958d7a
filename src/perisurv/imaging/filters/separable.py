"""Separable convolution: one weight matrix an axis, with the boundary folded into its columns, applied as products.

A dense product of single precision runs near the peak of a core, a convolution by taps far below it; cut into blocks
of rows, a matrix keeps only the columns around its diagonal.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from perisurv.imaging.filters.boundary import Boundary, Box, Singles, folded

__all__ = ["Block", "Kernel", "Triple", "along", "blocks", "filtered", "rotations", "triple", "weights"]

ROWS = 24  # a block of this height costs least: fewer rows fill the registers of the product less, more widen its band


class Kernel(NamedTuple):
    """A one-dimensional kernel; the response at p is the sum over t of ``taps[t] * x[p + t - centre]``."""

    taps: tuple[float, ...]
    centre: int

    @property
    def flipped(self) -> Kernel:
        """The kernel read backwards about its centre."""
        return Kernel(self.taps[::-1], len(self.taps) - 1 - self.centre)

    @property
    def reach(self) -> int:
        """Voxels that a response looks beyond its own."""
        return max(self.centre, len(self.taps) - 1 - self.centre)


_IDENTITY = Kernel((1.0,), 0)
Triple = tuple[Kernel, Kernel, Kernel]  # along the array axes k, j, i


class Block(NamedTuple):
    """Some rows of a weight matrix without the zero columns on both sides."""

    rows: slice
    columns: slice
    weights: Singles


def weights(kernel: Kernel, n: int, rows: slice, boundary: Boundary) -> Singles:
    """Weight matrix (rows, n) of a kernel along an axis of n voxels, for the responses at these rows only."""
    where = np.arange(rows.start, rows.stop)[:, None] + np.arange(len(kernel.taps)) - kernel.centre
    taps = np.broadcast_to(np.asarray(kernel.taps), where.shape)
    if boundary == "zero":
        taps = np.where((where >= 0) & (where < n), taps, 0.0)
    matrix = np.zeros((len(where), n))
    np.add.at(matrix, (np.arange(len(where))[:, None], folded(where, n, boundary)), taps)
    return matrix.astype(np.float32)


def blocks(matrix: Singles) -> list[Block]:
    """Cut a banded matrix into blocks of rows."""
    cut = []
    for first in range(0, len(matrix), ROWS):
        rows = matrix[first : first + ROWS]
        columns = _span(rows)
        cut.append(Block(slice(first, first + len(rows)), columns, np.ascontiguousarray(rows[:, columns])))
    return cut


def _span(matrix: Singles) -> slice:
    """From the first to the last column that is not zero, at least one column."""
    used = np.flatnonzero(matrix.any(axis=0))
    return slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)


def along(cut: list[Block], values: Singles, axis: int, out: Singles | None = None) -> Singles:
    """Product of a weight matrix with one axis of an array (k, j, i).

    Parameters
    ----------
    cut
        Blocks of the matrix (rows, n).
    values
        n voxels along the axis; its last axis is contiguous.
    axis
        0, 1 or 2.
    out
        Where to write; as many voxels along the axis as the matrix has rows.
    """
    if out is None:
        shape = list(values.shape)
        shape[axis] = cut[-1].rows.stop
        out = np.empty(shape, dtype=np.float32)
    if axis == 0:
        source, target = (x.reshape(len(x), -1, copy=False) for x in (values, out))
        for rows, columns, matrix in cut:
            np.matmul(matrix, source[columns], out=target[rows])
    elif axis == 1:
        for rows, columns, matrix in cut:
            np.matmul(matrix, values[:, columns], out=out[:, rows])
    else:
        source, target = (x.reshape(-1, x.shape[2], copy=False) for x in (values, out))
        for rows, columns, matrix in cut:
            np.matmul(source[:, columns], matrix.T, out=target[:, rows])
    return out


def filtered(values: Singles, triples: Iterable[Triple], boundary: Boundary, box: Box) -> Iterator[Singles]:
    """Responses to separable kernels inside the box, in the order of the kernels; common passes are made once.

    Passes run from the last axis to the first; kernels should come sorted so that those with equal last kernels follow
    one another, since only the passes of the kernel before are kept.
    """
    triples = tuple(triples)
    shape = values.shape
    needed = {(axis, triple[axis]) for triple in triples for axis in range(3)}
    matrices = {(axis, kernel): weights(kernel, shape[axis], box[axis], boundary) for axis, kernel in needed}
    reads = [_union(_span(m) for (a, _), m in matrices.items() if a == axis) for axis in range(3)]
    cut = {(axis, kernel): blocks(m[:, reads[axis]]) for (axis, kernel), m in matrices.items()}
    source = np.ascontiguousarray(values[tuple(reads)])
    last: tuple[Kernel, Singles] | None = None
    middle: tuple[tuple[Kernel, Kernel], Singles] | None = None
    for first_kernel, middle_kernel, last_kernel in triples:
        if last is None or last[0] != last_kernel:
            last = last_kernel, along(cut[2, last_kernel], source, 2)
        if middle is None or middle[0] != (middle_kernel, last_kernel):
            middle = (middle_kernel, last_kernel), along(cut[1, middle_kernel], last[1], 1)
        yield along(cut[0, first_kernel], middle[1], 0)


def triple(kernels: Sequence[Kernel]) -> Triple:
    """Kernels along k, j, i from those of the last two or three axes."""
    *first, j, i = kernels
    return (first[0] if first else _IDENTITY), j, i


def rotations(kernels: Sequence[Kernel]) -> list[Triple]:
    """The different orientations of a separable kernel turned by right angles, at most 24 (in a plane 4).

    Each arises equally often among all rotations, so that their mean is that of all; sorted to share passes.
    """
    axes = range(len(kernels))
    turned = set()
    for order in itertools.permutations(axes):
        odd = sum(order[a] > order[b] for a, b in itertools.combinations(axes, 2)) % 2
        for flips in itertools.product((False, True), repeat=len(kernels)):
            if sum(flips) % 2 == odd:
                turned.add(triple([kernels[o].flipped if f else kernels[o] for o, f in zip(order, flips, strict=True)]))
    return sorted(turned, key=lambda orientation: orientation[::-1])


def _union(slices: Iterable[slice]) -> slice:
    found = tuple(slices)
    return slice(min(s.start for s in found), max(s.stop for s in found))
