"""Signed Euclidean distance to the surface of a region, in mm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from perisurv.core import Mask, RegionError

__all__ = ["signed_distance_mm"]

Floats = NDArray[np.float64]
SMOOTH_MM = 0.7


def signed_distance_mm(mask: Mask) -> Floats:
    """Distance of every voxel centre to the surface of the mask, mm; negative inside.

    The exact distance to the nearest voxel centre on the other side, less the depth of that voxel below the surface.
    The depth is read from the mask smoothed by less than a voxel (value minus one half, over its gradient), so that the
    steps of a voxelised surface do not add to the distance.

    Raises
    ------
    RegionError
        If the mask is empty or fills its grid, so that it has no surface.
    """
    spacing = mask.geometry.spacing_mm
    inside = mask.values
    if not inside.any() or inside.all():
        raise RegionError("A mask that is empty or fills its grid has no surface to measure from.")
    height = gaussian_filter(inside.astype(float), [SMOOTH_MM / step for step in spacing], mode="nearest") - 0.5
    slope = np.sqrt(sum(np.gradient(height, step, axis=axis) ** 2 for axis, step in enumerate(spacing)))
    depth = np.clip(np.abs(height) / np.maximum(slope, 1e-6), 0.0, 0.5 * max(spacing))
    return np.where(inside, -_beyond(~inside, depth, spacing), _beyond(inside, depth, spacing))


def _beyond(target: NDArray[np.bool_], depth: Floats, spacing: tuple[float, float, float]) -> Floats:
    """Distance to the nearest voxel of the target, less that voxel's depth below its surface."""
    distance, nearest = distance_transform_edt(~target, sampling=spacing, return_indices=True)
    return np.asarray(distance - depth[tuple(nearest)])
