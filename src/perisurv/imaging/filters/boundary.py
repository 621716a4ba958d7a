"""How an image goes on beyond its faces (boundary conditions of IBSI-2)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Boundary", "Box", "continued", "folded"]

Boundary = Literal["mirror", "nearest", "zero", "periodic"]
Box = tuple[slice, slice, slice]
Singles = NDArray[np.float32]


def folded(where: NDArray[np.intp], n: int, boundary: Boundary) -> NDArray[np.intp]:
    """Index inside an axis of n voxels whose value continues the image at these positions (zero: as nearest)."""
    if boundary == "periodic":
        return where % n
    if boundary == "mirror":
        where = where % (2 * n)
        return np.minimum(where, 2 * n - 1 - where)
    return np.clip(where, 0, n - 1)


def continued(values: Singles, box: Box, boundary: Boundary) -> Singles:
    """The image on a box that may reach beyond its faces; not to be written to."""
    beyond = [axis for axis, s in enumerate(box) if s.start < 0 or s.stop > values.shape[axis]]
    k, j, i = (slice(None) if axis in beyond else s for axis, s in enumerate(box))
    inside = values[k, j, i]
    for axis in beyond:
        n = inside.shape[axis]
        where = np.arange(box[axis].start, box[axis].stop)
        inside = inside.take(folded(where, n, boundary), axis=axis)
        if boundary == "zero":
            inside[(slice(None),) * axis + ((where < 0) | (where >= n),)] = 0
    return inside
