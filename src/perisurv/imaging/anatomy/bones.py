"""Bone: dense connected parts of the body with cortex, and their marrow."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging.anatomy.axial import Axial
from perisurv.imaging.anatomy.body import body_mask
from perisurv.imaging.anatomy.coarse import block_mean
from perisurv.imaging.resample import resample_mask
from perisurv.imaging.shapes import Bools, closed

__all__ = ["bone_mask"]

GRID_MM = 2.0
BONE_HU, CORTEX_HU, MARROW_HU = 180.0, 350.0, 90.0
# Contrast medium has no cortex, and a calcification is small.
CORTEX_SHARE, LEAST_ML = 0.02, 2.0
MARROW_MM = 8.0


def bone_mask(ct: Volume, grid: Geometry | None = None) -> Mask:
    """Ribs, vertebrae, sternum, shoulder girdle with their marrow.

    Connected parts of the body above 180 HU of at least 2 ml, or cut by the border of the image, some of it above
    350 HU, and what is denser than 90 HU between them (closing by 8 mm). Calcified nodes and nodules are too small,
    vessels with contrast medium too even for it, unless they touch bone. Cartilage is not part of it. Found on a grid
    of about 2 mm.

    Parameters
    ----------
    ct
        In HU.
    grid
        Grid of the result, parallel to that of the CT; by default the grid of the CT. Empty outside the CT.
    """
    grid = grid or ct.geometry
    axial = Axial.of(ct.geometry)
    fine = block_mean(axial.volume(ct), GRID_MM)
    hu = fine.values
    bone = _parts((hu > BONE_HU) & body_mask(fine).values, hu > CORTEX_HU, fine.geometry.voxel_volume_mm3 / 1000.0)
    if bone.any():
        bone |= closed(bone, MARROW_MM, fine.geometry.spacing_mm) & (hu > MARROW_HU)
    found = resample_mask(Mask(bone, fine.geometry), axial.geometry(grid))
    return Mask(axial.back(found.values), grid)


def _parts(dense: Bools, cortex: Bools, voxel_ml: float) -> Bools:
    labels, n = ndimage.label(dense)
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    hard = np.bincount(labels[cortex], minlength=n + 1)
    large = sizes * voxel_ml >= LEAST_ML
    for axis in range(3):
        large[np.unique(np.take(labels, (0, -1), axis))] = True
    keep = large & (hard >= CORTEX_SHARE * sizes)
    keep[0] = False
    return np.asarray(keep[labels])
