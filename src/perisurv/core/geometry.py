"""Where voxels lie: a regular grid in patient space.

Arrays are indexed ``[k, j, i]`` (slice, row, column); points are LPS ``(x, y, z)`` in mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perisurv.core.errors import GeometryError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Geometry"]

Shape = tuple[int, int, int]
Triple = tuple[float, float, float]
# Columns are the LPS unit vectors of the array axes k, j, i.
AXIAL: tuple[Triple, Triple, Triple] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))


@dataclass(frozen=True, slots=True)
class Geometry:
    """A regular grid in patient space.

    Parameters
    ----------
    shape
        Voxels along the array axes (slices, rows, columns).
    spacing_mm
        Distance of voxel centres along the array axes, mm.
    origin_mm
        LPS position (x, y, z) of the centre of voxel ``[0, 0, 0]``, mm.
    direction
        3x3 rows x, y, z; columns are the LPS unit vectors of the array axes k, j, i.

    Raises
    ------
    GeometryError
        If the shape is empty, a spacing is not positive or the axes are not orthonormal.
    """

    shape: Shape
    spacing_mm: Triple
    origin_mm: Triple = (0.0, 0.0, 0.0)
    direction: tuple[Triple, Triple, Triple] = AXIAL

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise GeometryError(f"A grid needs three axes of at least one voxel, got shape {self.shape}.")
        if not (np.isfinite(self.spacing_mm).all() and min(self.spacing_mm) > 0):
            raise GeometryError(f"Voxel spacing must be positive and finite in mm, got {self.spacing_mm}.")
        if not np.isfinite(self.origin_mm).all():
            raise GeometryError(f"The origin must be finite in mm, got {self.origin_mm}.")
        axes = np.asarray(self.direction)
        if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-3):
            raise GeometryError(f"Grid axes must be orthogonal unit vectors, got {self.direction}.")

    @property
    def affine(self) -> NDArray[np.float64]:
        """4x4 matrix from an index (k, j, i, 1) to an LPS point (x, y, z, 1) in mm."""
        affine = np.eye(4)
        affine[:3, :3] = np.asarray(self.direction) * np.asarray(self.spacing_mm)
        affine[:3, 3] = self.origin_mm
        return affine

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, mm^3."""
        return float(np.prod(self.spacing_mm))

    def to_mm(self, index: ArrayLike) -> NDArray[np.float64]:
        """LPS points (..., 3) in mm of (fractional) array indices (..., 3) in order k, j, i."""
        affine = self.affine
        return np.asarray(index, dtype=float) @ affine[:3, :3].T + affine[:3, 3]

    def to_index(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Fractional array indices (..., 3) in order k, j, i of LPS points (..., 3) in mm."""
        affine = self.affine
        return (np.asarray(points_mm, dtype=float) - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T

    def crop(self, box: tuple[slice, slice, slice]) -> Geometry:
        """Grid of ``array[box]``; the slices have a start, a stop and no step."""
        start = [int(s.start) for s in box]
        shape = [int(s.stop) - int(s.start) for s in box]
        return Geometry(_shape(shape), self.spacing_mm, _triple(self.to_mm(start)), self.direction)

    def resampled(self, spacing_mm: Triple) -> Geometry:
        """Grid of another spacing with the same centre (IBSI 'align grid centres').

        The number of voxels along an axis is ``ceil(n * old / new)``.
        """
        old, new = np.asarray(self.spacing_mm), np.asarray(spacing_mm, dtype=float)
        count = np.asarray(self.shape)
        # 1e-9: 10 voxels of 0.3 mm are 3 mm, not 3.0000000000000004.
        shape = np.maximum(np.ceil(count * old / new - 1e-9).astype(int), 1)
        first = 0.5 * (count - 1) - 0.5 * (shape - 1) * new / old
        return Geometry(_shape(shape), _triple(new), _triple(self.to_mm(first)), self.direction)

    def is_close(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """Whether both grids have one shape and every corner voxel lies within the tolerance."""
        if self.shape != other.shape:
            return False
        corners = np.stack(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij"), axis=-1)
        return bool(np.abs(self.to_mm(corners) - other.to_mm(corners)).max() <= tolerance_mm)


def _shape(values: Any) -> Shape:
    k, j, i = (int(v) for v in values)
    return k, j, i


def _triple(values: Any) -> Triple:
    a, b, c = (float(v) for v in values)
    return a, b, c
