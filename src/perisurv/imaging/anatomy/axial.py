"""Turning a grid so that its axes run to the head, to the back and to the left."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry, Volume

__all__ = ["Axial"]

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Axial:
    """The turn of arrays after which their axes are nearest to z, y, x (LPS); nothing is interpolated.

    Parameters
    ----------
    order
        Array axis that becomes each of z, y, x.
    flipped
        Whether that axis runs the other way.
    """

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    @classmethod
    def of(cls, geometry: Geometry) -> Axial:
        """The turn for arrays on this grid and on grids with parallel axes."""
        zyx = np.asarray(geometry.direction)[::-1]
        fit = {(a, b, c): abs(zyx[0, a]) + abs(zyx[1, b]) + abs(zyx[2, c]) for a, b, c in permutations(range(3))}
        order = max(fit, key=lambda axes: fit[axes])
        k, j, i = (bool(zyx[world, axis] < 0) for world, axis in enumerate(order))
        return cls(order, (k, j, i))

    def turn(self, values: NDArray[Value]) -> NDArray[Value]:
        """The array with axes z, y, x, a view."""
        return values.transpose(self.order)[self._steps()]

    def back(self, values: NDArray[Value]) -> NDArray[Value]:
        """Inverse of :meth:`turn`."""
        return values[self._steps()].transpose(np.argsort(self.order))

    def geometry(self, grid: Geometry) -> Geometry:
        """Grid of a turned array."""
        first = [0, 0, 0]
        for axis, flipped in zip(self.order, self.flipped, strict=True):
            first[axis] = grid.shape[axis] - 1 if flipped else 0
        x, y, z = (float(v) for v in grid.to_mm(first))
        shape, spacing = ([values[axis] for axis in self.order] for values in (grid.shape, grid.spacing_mm))
        signs = [-1.0 if flipped else 1.0 for flipped in self.flipped]
        columns = np.asarray(grid.direction)[:, self.order] * signs
        right, back, up = ((float(a), float(b), float(c)) for a, b, c in columns)
        return Geometry(
            (int(shape[0]), int(shape[1]), int(shape[2])),
            (spacing[0], spacing[1], spacing[2]),
            (x, y, z),
            (right, back, up),
        )

    def volume(self, image: Volume) -> Volume:
        """The turned image; the image itself if it is axial, so that its values are not looked at again."""
        if self == AXIAL:
            return image
        return Volume(self.turn(image.values), self.geometry(image.geometry))

    def _steps(self) -> tuple[slice, slice, slice]:
        k, j, i = (slice(None, None, -1 if flipped else 1) for flipped in self.flipped)
        return k, j, i


AXIAL = Axial((0, 1, 2), (False, False, False))
