"""Trachea and bronchi: the air that is connected with the trachea, and the wall around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging.anatomy.coarse import AIR_HU, block_mean
from perisurv.imaging.anatomy.lungs import Lungs
from perisurv.imaging.resample import resample_mask
from perisurv.imaging.shapes import Bools, Box, box_of, grown

__all__ = ["airway_mask"]

GRID_MM = 1.2
WALL_MM = 2.0
LIMITS_HU = (-970.0, -950.0, -930.0, -910.0, -890.0, -870.0)
# A limit that makes more of the trachea, or of the air below the limit before, has broken through into the lung.
FIRST_LEAK, LEAK = 2.0, 1.1


def airway_mask(ct: Volume, lungs: Lungs, grid: Geometry | None = None) -> Mask:
    """Air of trachea and bronchi with a wall of 2 mm.

    The air that is connected with the trachea below a limit in HU, the highest at which it does not break through
    into the lung. It holds trachea, main and lobar bronchi and, in thin slices, some generations more; bronchi
    narrower than about 4 mm are lost in the lung around them. Empty if the CT shows no trachea.

    Parameters
    ----------
    ct
        In HU.
    lungs
        Of this CT.
    grid
        Grid of the result, parallel to that of the CT; by default the grid of the CT. Empty outside the CT.
    """
    grid = grid or ct.geometry
    trachea = _trachea(lungs)
    if not trachea.voxel_count:
        return Mask(np.zeros(grid.shape, dtype=bool), grid)
    fine = block_mean(lungs.axial.volume(ct), GRID_MM)
    box = _chest(lungs, trachea, fine.geometry)
    part = fine.crop(box)
    seed = resample_mask(trachea, part.geometry).values
    lumen = Mask(_connected(part.values, seed), part.geometry)
    turned = lungs.axial.geometry(grid)
    found = grown(resample_mask(lumen, turned).values, WALL_MM, turned.spacing_mm)
    return Mask(lungs.axial.back(found), grid)


def _trachea(lungs: Lungs) -> Mask:
    """The largest gas whose middle lies in the upper half of the lungs."""
    inside = lungs.level.values < AIR_HU
    if not inside.any():
        return lungs.gas
    slices = box_of(inside)[0]
    labels, n = ndimage.label(lungs.gas.values)
    sizes = np.bincount(labels.ravel(), minlength=n + 1).astype(float)
    height = np.bincount(labels.ravel(), weights=np.nonzero(labels + 1)[0], minlength=n + 1) / np.maximum(sizes, 1)
    sizes[(height < 0.5 * (slices.start + slices.stop))] = 0
    sizes[0] = 0
    return Mask(labels == sizes.argmax() if sizes.any() else np.zeros_like(inside), lungs.gas.geometry)


def _chest(lungs: Lungs, trachea: Mask, fine: Geometry) -> Box:
    """Box of lungs and trachea on the fine grid."""
    coarse = trachea.geometry
    box = box_of((lungs.level.values < AIR_HU) | trachea.values, 1)
    low = fine.to_index(coarse.to_mm([s.start for s in box]))
    high = fine.to_index(coarse.to_mm([s.stop for s in box]))
    k, j, i = (slice(max(int(a), 0), min(int(np.ceil(b)), n)) for a, b, n in zip(low, high, fine.shape, strict=True))
    return k, j, i


def _connected(hu: NDArray[np.float32], seed: Bools) -> Bools:
    """The air below the highest limit that does not leak."""
    found, most = seed, FIRST_LEAK * np.count_nonzero(seed)
    for limit in LIMITS_HU:
        labels, n = ndimage.label((hu < limit) | seed)
        reached = np.zeros(n + 1, dtype=bool)
        reached[np.unique(labels[seed])] = True
        air = reached[labels]
        if np.count_nonzero(air) > most:
            break
        found, most = air, LEAK * np.count_nonzero(air)
    return found
