"""What a ring may not leave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging import body_mask, lung_mask
from perisurv.regions.options import Barrier

__all__ = ["allowed_voxels", "outside_image"]

Bools = NDArray[np.bool_]
# Partial volume and contouring leave this much between tumour and aerated lung, mm.
GAP_MM = 3.0


def allowed_voxels(ct: Volume, tumour: Mask, barrier: Barrier) -> Bools:
    """Voxels of the tumour's grid that a ring may take.

    ``none``: the image. ``body``: the patient without couch and surrounding air. ``lung``: aerated lung with its
    vessels and the seam between lung and tumour (morphological closing of both together by 3 mm); chest wall,
    mediastinum and consolidation are left out.

    Parameters
    ----------
    ct
        Whole CT on its native grid, HU.
    tumour
        On the analysis grid, which may reach beyond the CT; nothing is allowed there.
    barrier
        See above.
    """
    grid = tumour.geometry
    if barrier == "body":
        return body_mask(ct, grid).values
    if barrier == "lung":
        return _closed(lung_mask(ct, grid).values | tumour.values, grid.spacing_mm) & ~outside_image(ct.geometry, grid)
    return ~outside_image(ct.geometry, grid)


def _closed(mask: Bools, spacing_mm: tuple[float, float, float]) -> Bools:
    grown = distance_transform_edt(~mask, sampling=spacing_mm) <= GAP_MM
    if grown.all():
        return np.asarray(grown)
    return np.asarray(distance_transform_edt(grown, sampling=spacing_mm) > GAP_MM) | mask


def outside_image(native: Geometry, grid: Geometry) -> Bools:
    """Voxels whose centre lies beyond the outer faces of the native grid."""
    last = np.asarray(grid.shape) - 1
    low, high = native.to_index(grid.to_mm((0, 0, 0))), native.to_index(grid.to_mm(last))
    within = []
    for axis, n in enumerate(native.shape):
        where = np.linspace(low[axis], high[axis], grid.shape[axis])
        within.append((where >= -0.5 - 1e-6) & (where <= n - 0.5 + 1e-6))
    k, j, i = within
    return np.asarray(~(k[:, None, None] & j[None, :, None] & i[None, None, :]))
