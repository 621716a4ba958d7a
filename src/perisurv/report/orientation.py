"""Which way up a patient is shown, and the letters that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry

__all__ = ["Upright", "side"]

# LPS: +x to the patient's left, +y to the back, +z to the head; S and I: head (superior) and feet (inferior).
LETTERS = ("LR", "PA", "SI")
# A direction is named after a second axis from 15 degrees on.
OBLIQUE = np.sin(np.radians(15.0))


@dataclass(frozen=True, slots=True)
class Upright:
    """How an array is turned to be seen as a radiologist does.

    After :meth:`turn` the axes run from head to feet, from front to back and from the patient's right to left, as far
    as the grid allows: the array axis nearest to each is taken, nothing is interpolated.

    Parameters
    ----------
    order
        Array axis that becomes each shown axis.
    flipped
        Whether that axis runs the other way.
    spacing_mm
        Along the shown axes.
    axes
        LPS unit vectors of the shown axes.
    """

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    spacing_mm: tuple[float, float, float]
    axes: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]

    @classmethod
    def of(cls, geometry: Geometry) -> Upright:
        """The turn for arrays on this grid."""
        direction = np.asarray(geometry.direction)
        # World axis z, y, x: the array axis nearest to it, each used once.
        first = int(np.abs(direction[2]).argmax())
        rest = [axis for axis in range(3) if axis != first]
        second = max(rest, key=lambda axis: abs(direction[1, axis]))
        order = (first, second, next(axis for axis in rest if axis != second))
        down, back, left = (
            bool((direction[world, axis] > 0) == (world == 2)) for world, axis in zip((2, 1, 0), order, strict=True)
        )
        flipped = (down, back, left)
        a, b, c = (geometry.spacing_mm[axis] for axis in order)
        z, y, x = (
            tuple(float(v) for v in (-1 if turned else 1) * direction[:, axis])
            for axis, turned in zip(order, flipped, strict=True)
        )
        return cls(order, flipped, (a, b, c), (z, y, x))

    def turn(self, values: NDArray[Any]) -> NDArray[Any]:
        """The array as shown, a view."""
        kept, turned = slice(None), slice(None, None, -1)
        k, j, i = (turned if flipped else kept for flipped in self.flipped)
        return values.transpose(self.order)[k, j, i]

    def index(self, place: Sequence[float], shape: Sequence[int]) -> tuple[float, float, float]:
        """Index in the array of that shape of a place in the array as shown."""
        found = [0.0, 0.0, 0.0]
        for at, axis, flipped in zip(place, self.order, self.flipped, strict=True):
            found[axis] = shape[axis] - 1 - at if flipped else at
        return found[0], found[1], found[2]


def side(direction: Sequence[float]) -> str:
    """Where a direction in LPS points to: ``L``, ``R``, ``P``, ``A``, ``S``, ``I``; ``LP`` where it is oblique.

    The letters of DICOM's Patient Orientation (PS3.3 C.7.6.1.1.1), with S and I for its H and F; the longest first.
    """
    by_length = sorted(range(3), key=lambda axis: -abs(direction[axis]))
    kept = [axis for axis in by_length if abs(direction[axis]) > OBLIQUE] or by_length[:1]
    return "".join(LETTERS[axis][0 if direction[axis] > 0 else 1] for axis in kept)
