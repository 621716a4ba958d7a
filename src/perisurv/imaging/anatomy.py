"""Body and lungs from a CT by threshold and connectivity, on a coarse grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.core import Mask, Volume

__all__ = ["body_mask", "lung_mask"]

BODY_HU = -300.0
LUNG_HU = -400.0
OUTSIDE_HU = -930.0  # median of air around the patient; aerated lung lies above
COARSE_MM = 3.0
SHARE_OF_LARGEST_LUNG = 0.1
Bools = NDArray[np.bool_]
Steps = tuple[int, int, int]


def body_mask(ct: Volume) -> Mask:
    """The patient without couch and surrounding air, lungs and airways included.

    The largest dense component, filled slice by slice; where the image cuts through the chest wall, lung that touches
    the border of the image is told from air around the patient by its HU.
    """
    coarse, steps = _coarse(ct)
    return Mask(_fine(_body(coarse), steps, ct.values.shape), ct.geometry)


def lung_mask(ct: Volume) -> Mask:
    """Both lungs: the one or two largest aerated components inside the body, vessels filled in.

    A tumour or consolidation that touches the pleura may be missing from it.
    """
    coarse, steps = _coarse(ct)
    body = _body(coarse)
    air = ndimage.binary_opening((coarse < LUNG_HU) & body)
    lungs = ndimage.binary_closing(_largest(air, 2), iterations=3) & body
    return Mask(_fine(lungs, steps, ct.values.shape), ct.geometry)


def _body(coarse: NDArray[np.float32]) -> Bools:
    dense = _largest(ndimage.binary_opening(coarse > BODY_HU), 1)
    body = np.stack([ndimage.binary_fill_holes(plane) for plane in dense])
    labels, _ = ndimage.label(~body)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[box] == label
        if np.median(coarse[box][part]) > OUTSIDE_HU:
            body[box] |= part
    return body


def _coarse(ct: Volume) -> tuple[NDArray[np.float32], Steps]:
    k, j, i = (max(int(COARSE_MM / step), 1) for step in ct.geometry.spacing_mm)
    return ct.values[::k, ::j, ::i], (k, j, i)


def _fine(mask: Bools, steps: Steps, shape: tuple[int, ...]) -> Bools:
    for axis, step in enumerate(steps):
        mask = np.repeat(mask, step, axis=axis)
    return mask[: shape[0], : shape[1], : shape[2]]


def _largest(mask: Bools, count: int) -> Bools:
    """The largest components, without those far smaller than the largest."""
    labels, n = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    sizes[0] = 0
    kept = [k for k in np.argsort(sizes)[::-1][:count] if sizes[k] > SHARE_OF_LARGEST_LUNG * sizes.max()]
    return np.isin(labels, kept)
