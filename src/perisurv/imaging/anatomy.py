"""Body and lungs from a CT by threshold and connectivity, found on a coarse grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging.resample import resample_mask

__all__ = ["body_mask", "lung_mask"]

BODY_HU = -300.0
LUNG_HU = -400.0
OUTSIDE_HU = -960.0  # median: air around the patient and gas lie below, lung above, with emphysema too
COARSE_MM = 3.0
AIRWAY = 2  # coarse voxels: half the width of an airway that an erosion cuts off the lungs
VESSEL = 3  # coarse voxels: half the width of a vessel that a closing fills
SHARE_OF_LARGEST = 0.02
Bools = NDArray[np.bool_]


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
    coarse = _coarse(ct)
    return resample_mask(Mask(_body(coarse.values), coarse.geometry), grid or ct.geometry)


def lung_mask(ct: Volume, grid: Geometry | None = None) -> Mask:
    """Both lungs: the large aerated parts of the body with the vessels in them; trachea and bowel gas are cut off.

    A tumour or consolidation that touches the pleura is not part of it. Parameters as in :func:`body_mask`.
    """
    coarse = _coarse(ct)
    body = _body(coarse.values)
    air = (coarse.values < LUNG_HU) & body
    cores = _aerated(_eroded(air, AIRWAY), coarse.values)
    lungs = ndimage.binary_dilation(cores, iterations=2 * AIRWAY) & air
    filled = _closed(lungs, VESSEL)
    return resample_mask(Mask((filled | lungs) & body, coarse.geometry), grid or ct.geometry)


def _coarse(ct: Volume) -> Volume:
    """Every n-th voxel, about 3 mm apart, the middle of its block."""
    steps = [max(int(COARSE_MM / step), 1) for step in ct.geometry.spacing_mm]
    picks = [np.arange(s // 2, n + s // 2, s) for n, s in zip(ct.values.shape, steps, strict=True)]
    values = ct.values[np.ix_(*(np.minimum(pick, n - 1) for pick, n in zip(picks, ct.values.shape, strict=True)))]
    k, j, i = (step * s for step, s in zip(ct.geometry.spacing_mm, steps, strict=True))
    x, y, z = ct.geometry.to_mm([pick[0] for pick in picks])
    shape = values.shape[0], values.shape[1], values.shape[2]
    return Volume(values, Geometry(shape, (k, j, i), (float(x), float(y), float(z)), ct.geometry.direction))


def _body(coarse: NDArray[np.float32]) -> Bools:
    dense = _largest(ndimage.binary_dilation(_eroded(coarse > BODY_HU, 1)))
    body = np.stack([ndimage.binary_fill_holes(plane) for plane in dense])
    labels, _ = ndimage.label(~body)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[box] == label
        if np.median(coarse[box][part]) > OUTSIDE_HU:
            body[box] |= part
    return body


def _eroded(mask: Bools, voxels: int) -> Bools:
    """Erosion to which the border of the image is not an outside, so that it opens no gap along an edge."""
    return np.asarray(ndimage.binary_erosion(mask, iterations=voxels, border_value=1))


def _aerated(cores: Bools, coarse: NDArray[np.float32]) -> Bools:
    """The components that are large enough for lung and denser than gas."""
    labels, n = ndimage.label(cores)
    sizes = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    large = 1 + np.flatnonzero(sizes > SHARE_OF_LARGEST * sizes.max(initial=0))
    return np.isin(labels, [k for k in large if np.median(coarse[labels == k]) > OUTSIDE_HU])


def _closed(mask: Bools, voxels: int) -> Bools:
    """Closing of the mask as it goes on beyond the border of the image."""
    wide = np.pad(mask, 2 * voxels, mode="edge")
    inner = slice(2 * voxels, -2 * voxels)
    return np.asarray(ndimage.binary_closing(wide, iterations=voxels)[inner, inner, inner])


def _largest(mask: Bools) -> Bools:
    labels, n = ndimage.label(mask)
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])) if n else np.asarray(mask)
