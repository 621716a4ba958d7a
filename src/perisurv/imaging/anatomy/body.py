"""The patient without couch and surrounding air."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging.anatomy.axial import Axial
from perisurv.imaging.anatomy.coarse import block_mean
from perisurv.imaging.resample import resample_mask
from perisurv.imaging.shapes import Bools, largest, neighbours

__all__ = ["COARSE_MM", "OUTSIDE_HU", "body_mask", "coarse_body"]

COARSE_MM = 3.0
BODY_HU = -300.0
OUTSIDE_HU = -960.0  # median: air around the patient and gas lie below, lung above, with emphysema too


def body_mask(ct: Volume, grid: Geometry | None = None) -> Mask:
    """The patient without couch and surrounding air; lungs and airways belong to the patient.

    The largest dense component, filled slice by slice. Where the image cuts through the chest wall, lung that touches
    the border of the image is told from air around the patient by its HU. Found on a grid of about 3 mm.

    Parameters
    ----------
    ct
        In HU.
    grid
        Grid of the result, parallel to that of the CT; by default the grid of the CT. Empty outside the CT.
    """
    grid = grid or ct.geometry
    axial = Axial.of(ct.geometry)
    coarse = block_mean(axial.volume(ct), COARSE_MM)
    found = resample_mask(Mask(coarse_body(coarse.values), coarse.geometry), axial.geometry(grid))
    return Mask(axial.back(found.values), grid)


def coarse_body(hu: NDArray[np.float32]) -> Bools:
    """The body on an axial grid of about 3 mm."""
    core = ~neighbours(hu <= BODY_HU)  # the border of the image is not an outside
    body = _filled_slices(largest(neighbours(core)))
    labels, _ = ndimage.label(~body)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[box] == label
        if np.median(hu[box][part]) > OUTSIDE_HU:
            body[box] |= part
    return body


def _filled_slices(mask: Bools) -> Bools:
    """The mask with the holes of every slice."""
    within = np.zeros((3, 3, 3), dtype=bool)
    within[1, 1, :] = within[1, :, 1] = True
    labels, n = ndimage.label(~mask, within)
    outside = np.zeros(n + 1, dtype=bool)
    for edge in (labels[:, (0, -1)], labels[:, :, (0, -1)]):
        outside[np.unique(edge)] = True
    outside[0] = False
    return np.asarray(~outside[labels])
