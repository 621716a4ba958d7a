"""Vessels of the lung: what is thin and dense in it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from perisurv.core import Mask, Volume
from perisurv.imaging.resample import resample_volume
from perisurv.imaging.shapes import grown, shrunk

__all__ = ["vessel_mask"]

VESSEL_HU = -450.0
RADIUS_MM = 5.0
LEAST_ML = 0.05


def vessel_mask(ct: Volume, lungs: Mask, tumour: Mask) -> Mask:
    """Thin dense structures in the lungs, on the grid of the masks.

    Voxels of the lungs above -450 HU that a ball of 5 mm radius does not fit into (a top-hat by opening), in connected
    parts of at least 0.05 ml, without the tumour. It holds vessels of about 2 to 10 mm; finer ones blend into the
    lung. It looks at thickness alone: bronchial walls, fissures, spicules and strands of infiltration of the same
    thickness and density are taken as well. Where the infiltration around a tumour is what a study looks for, leave
    vessels in.

    Parameters
    ----------
    ct
        In HU.
    lungs, tumour
        On one grid, parallel to that of the CT.
    """
    grid = lungs.geometry
    hu = resample_volume(ct, grid).values
    dense = lungs.values & (hu > VESSEL_HU) & ~tumour.values
    solid = (hu > VESSEL_HU) | tumour.values
    core = shrunk(solid, RADIUS_MM, grid.spacing_mm)
    thin = dense & ~grown(core, RADIUS_MM, grid.spacing_mm)
    labels, n = ndimage.label(thin, np.ones((3, 3, 3)))
    keep = np.bincount(labels.ravel(), minlength=n + 1) * grid.voxel_volume_mm3 >= 1000.0 * LEAST_ML
    keep[0] = False
    return Mask(keep[labels], grid)
