"""Painting tissues on the grid of a scanner, from smooth fields on a coarse grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from perisurv.core import Geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

__all__ = ["Canvas", "unit_gradient"]

Box = tuple[slice, slice, slice]
EVERYTHING = (slice(None), slice(None), slice(None))


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """A CT under construction.

    Parameters
    ----------
    geometry
        Axial grid of the scanner.
    coarse
        Axial grid of the fields: about distances in mm to a surface, negative inside.
    hu
        The image, changed in place.
    """

    geometry: Geometry
    coarse: Geometry
    hu: NDArray[np.float32]
    _weights: list[NDArray[np.float32]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for axis in range(3):
            self._weights.append(_linear_weights(self.coarse, self.geometry, axis))

    def upsample(self, values: Array, box: Box = EVERYTHING) -> Array:
        """Values of a coarse field in a box of the scanner's grid, trilinear."""
        wz, wy, wx = (weights[part] for weights, part in zip(self._weights, box, strict=True))
        (kz, ky, kx) = (_used(weights) for weights in (wz, wy, wx))
        values = values[kz, ky, kx]
        wz, wy, wx = wz[:, kz], wy[:, ky], wx[:, kx]
        rows = np.matmul(wz, values.reshape(len(values), -1)).reshape(len(wz), *values.shape[1:])
        return np.asarray(np.matmul(np.matmul(wy, rows), wx.T))

    def cover(self, values: Array, soft_mm: float | None = None) -> tuple[Box, Array]:
        """The box that a field's inside fills, and the share of every voxel of it that lies inside."""
        soft = self.geometry.spacing_mm[1] if soft_mm is None else soft_mm
        hits = values < soft
        box = []
        for axis, weights in enumerate(self._weights):
            hit = hits.any(axis=tuple(other for other in range(3) if other != axis))
            seen = np.flatnonzero(weights @ hit.astype(np.float32))
            box.append(slice(int(seen[0]), int(seen[-1]) + 1) if seen.size else slice(0, 0))
        where = (box[0], box[1], box[2])
        share = self.upsample(values, where)
        share *= -1.0 / soft
        share += 0.5
        return where, np.clip(share, 0.0, 1.0, out=share)

    def paint(self, where: Box, share: Array, value: float | Array) -> None:
        """Replace a share of every voxel of the box by a tissue."""
        target = self.hu[where]
        target += (value - target) * share

    def paint_field(self, values: Array, value_hu: float) -> None:
        """Replace the inside of a field by a tissue."""
        self.paint(*self.cover(values), value_hu)


def unit_gradient(values: Array, geometry: Geometry) -> Array:
    """A field scaled so that it measures mm near its surface (first-order distance)."""
    slopes = np.gradient(values, *geometry.spacing_mm)
    norm = np.sqrt(slopes[0] ** 2 + slopes[1] ** 2 + slopes[2] ** 2)
    return np.asarray(values / np.maximum(norm, 0.003), dtype=np.float32)


def _linear_weights(coarse: Geometry, fine: Geometry, axis: int) -> Array:
    """(fine, coarse) matrix of linear interpolation along one axis, constant beyond the ends."""
    shift = (fine.origin_mm[2 - axis] - coarse.origin_mm[2 - axis]) / coarse.spacing_mm[axis]
    at = shift + np.arange(fine.shape[axis]) * fine.spacing_mm[axis] / coarse.spacing_mm[axis]
    distance = np.abs(np.clip(at, 0, coarse.shape[axis] - 1)[:, None] - np.arange(coarse.shape[axis]))
    return np.asarray(np.maximum(1.0 - distance, 0.0), dtype=np.float32)


def _used(weights: Array) -> slice:
    seen = np.flatnonzero(weights.any(axis=0))
    return slice(int(seen[0]), int(seen[-1]) + 1) if seen.size else slice(0, 1)
