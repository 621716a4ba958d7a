"""Grids of files whose axes are nearly perpendicular, as rounded decimals and sheared scans leave them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.grids import grid_of
from perisurv.core import Geometry, GeometryError

__all__ = ["corners_of", "perpendicular"]

# How far a voxel may be moved by making the axes perpendicular, in voxels, anywhere in the image.
_MOVED_VOXELS = 0.1
# Cosine of the angle between two axes up to which the axes are left exactly as the file states them.
_ROUNDING = 1e-6

Matrix = NDArray[np.float64]


def perpendicular(shape: Sequence[int], steps_mm: Matrix, origin_mm: Matrix, name: str) -> Geometry:
    """A grid from its steps, turned as little as possible to perpendicular axes around the centre of the image.

    Parameters
    ----------
    shape
        Voxels along the array axes k, j, i.
    steps_mm
        Matrix (3, 3): columns are the steps along k, j, i in LPS, mm.
    origin_mm
        LPS position of the centre of voxel ``[0, 0, 0]``, mm.
    name
        What messages call the file.

    Raises
    ------
    GeometryError
        If a step is zero or not finite, or if a corner voxel would move by more than a tenth of a voxel.
    """
    lengths_mm = np.linalg.norm(steps_mm, axis=0)
    if not (np.isfinite(steps_mm).all() and np.isfinite(origin_mm).all() and lengths_mm.min() > 0):
        raise GeometryError(f"{name} states a voxel size that is zero or no number; convert it again from DICOM.")
    axes = steps_mm / lengths_mm
    cosines = np.abs(axes.T @ axes - np.eye(3))
    if cosines.max() <= _ROUNDING:
        return grid_of(shape, steps_mm, origin_mm.tolist())
    left, sizes, right = np.linalg.svd(axes)
    if sizes.min() < 0.1:
        raise GeometryError(f"{name} has two axes of one direction; convert it again from DICOM.")
    turned = (left @ right) * lengths_mm
    middle = (np.asarray(shape) - 1) / 2
    start_mm = origin_mm + (steps_mm - turned) @ middle
    moved_mm = (corners_of(shape) - middle) @ (steps_mm - turned).T
    moved = np.abs(moved_mm @ np.linalg.inv(turned).T).max()
    if moved > _MOVED_VOXELS:
        degrees = np.degrees(np.arcsin(min(float(cosines.max()), 1.0)))
        raise GeometryError(
            f"{name} has axes that are not perpendicular: two of them are {degrees:.2g} degrees off a right angle, so "
            f"that perpendicular ones would move corner voxels by {np.linalg.norm(moved_mm, axis=1).max():.2g} mm "
            f"({moved:.2g} voxels; up to {_MOVED_VOXELS:g} is mended). Resample image and masks to perpendicular axes, "
            "or convert them again from DICOM."
        )
    return grid_of(shape, turned, start_mm.tolist())


def corners_of(shape: Sequence[int]) -> Matrix:
    """Indices (8, 3) in order k, j, i of the corner voxels."""
    ends = [(0.0, float(n - 1)) for n in shape]
    return np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
