"""Signed Euclidean distance to the surface of a region, in mm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from perisurv.core import Mask, RegionError

__all__ = ["signed_distance_mm"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Triple = tuple[float, float, float]

# Standard deviation of the smoothing that turns voxel steps into a surface, in steps of the drawn and of the own grid.
SMOOTH_DRAWN = 0.6
SMOOTH_OWN = 0.7
SMALLEST_MM = 1e-3
BISECTIONS = 20


def signed_distance_mm(mask: Mask, drawn_mm: Triple | None = None) -> Floats:
    """Distance of every voxel centre to the surface of the mask, mm; negative inside, positive outside, never zero.

    The surface is smooth: the level of the mask, smoothed by a fraction of the steps it was drawn in, that encloses
    as many voxels as the mask, so that a contour drawn on thick slices does not grow its rings from the edges of its
    steps. A distance is exact to the nearest voxel centre on the other side, less the depth of that centre below the
    surface (height over gradient). Detail finer than a step is kept: every voxel of the mask counts as inside.

    Parameters
    ----------
    mask
        Region.
    drawn_mm
        Voxel spacing (k, j, i) of the grid on which the contour was drawn, mm; by default that of the mask.

    Raises
    ------
    RegionError
        If the mask is empty or fills its grid, so that it has no surface.
    """
    spacing, inside = mask.geometry.spacing_mm, mask.values
    if not inside.any() or inside.all():
        raise RegionError("A mask that is empty or fills its grid has no surface to measure from.")
    depth = _depth_mm(inside, spacing, drawn_mm or spacing)
    limit = 0.5 * max(spacing)
    outward = _beyond(inside | (depth >= 0), np.clip(depth, 0.0, limit), spacing)
    inward = _beyond(~inside | (depth < 0), np.clip(-depth, 0.0, limit), spacing)
    return np.where(inside, -inward, outward)


def _depth_mm(inside: Bools, spacing_mm: Triple, drawn_mm: Triple) -> Floats:
    """Depth below the smooth surface, mm, true near it: smoothed mask less its level, over its gradient."""
    sigma = [max(SMOOTH_DRAWN * drawn / own, SMOOTH_OWN) for drawn, own in zip(drawn_mm, spacing_mm, strict=True)]
    smooth = np.asarray(gaussian_filter(inside.astype(np.float64), sigma, mode="nearest"))
    squares = [np.gradient(smooth, step, axis=axis) ** 2 for axis, step in enumerate(spacing_mm)]
    slope = np.maximum(np.sqrt(squares[0] + squares[1] + squares[2]), 1e-6)
    # Across one voxel along the gradient.
    k, j, i = (square * step**2 for square, step in zip(squares, spacing_mm, strict=True))
    rise = np.maximum(np.sqrt(k + j + i), 1e-6)
    return np.asarray((smooth - _level(smooth, rise, int(np.count_nonzero(inside)))) / slope)


def _level(smooth: Floats, rise: Floats, count: int) -> float:
    """The level that encloses the volume of this many voxels; a voxel at the surface counts by its part inside."""
    near = (smooth > 1e-4) & (smooth < 1 - 1e-4)
    smooth, rise, left = smooth[near], rise[near], count - int(np.count_nonzero(smooth >= 1 - 1e-4))
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        level = 0.5 * (low + high)
        larger = np.clip(0.5 + (smooth - level) / rise, 0.0, 1.0).sum() > left
        low, high = (level, high) if larger else (low, level)
    return 0.5 * (low + high)


def _beyond(target: Bools, depth: Floats, spacing_mm: Triple) -> Floats:
    """Distance to the nearest voxel centre of the target, less the depth of that centre."""
    distance, nearest = distance_transform_edt(~target, sampling=spacing_mm, return_indices=True)
    return np.asarray(np.maximum(distance - depth[tuple(nearest)], SMALLEST_MM))
