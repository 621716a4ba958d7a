"""Signed Euclidean distance to the surface of a region, in mm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from perisurv.core import Mask

__all__ = ["signed_distance_mm"]


def signed_distance_mm(mask: Mask) -> NDArray[np.float64]:
    """Distance of every voxel centre to the surface of the mask, mm; negative inside.

    The surface lies half a voxel beyond the outermost voxel centres of the mask, so the exact distance between voxel
    centres is taken on both sides and reduced by half a voxel.
    """
    spacing = mask.geometry.spacing_mm
    half = 0.5 * min(spacing)
    outside = distance_transform_edt(~mask.values, sampling=spacing)
    inside = distance_transform_edt(mask.values, sampling=spacing)
    return np.where(mask.values, half - inside, outside - half)
