"""Body and lungs from a CT by threshold and connectivity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.core import Mask, Volume

__all__ = ["body_mask", "lung_mask"]

BODY_HU = -300.0
LUNG_HU = -400.0
COARSE_MM = 3.0
Bools = NDArray[np.bool_]


def body_mask(ct: Volume) -> Mask:
    """The patient without couch and clothes: the largest dense component, filled slice by slice."""
    coarse, steps = _coarse(ct)
    dense = ndimage.binary_opening(coarse > BODY_HU, iterations=1)
    body = _largest(dense, 1)
    for k in range(body.shape[0]):
        body[k] = ndimage.binary_fill_holes(body[k])
    return Mask(_fine(body, steps, ct.values.shape), ct.geometry)


def lung_mask(ct: Volume) -> Mask:
    """Both lungs: air-like components inside the body that are large enough, vessels filled in.

    A tumour that touches the pleura may be missing from it.
    """
    coarse, steps = _coarse(ct)
    body = np.array(body_mask(ct).values[:: steps[0], :: steps[1], :: steps[2]])
    air = ndimage.binary_opening((coarse < LUNG_HU) & body, iterations=1)
    lungs = ndimage.binary_closing(_largest(air, 2, minimum_share=0.1), iterations=3) & body
    return Mask(_fine(lungs, steps, ct.values.shape) & (body_mask(ct).values), ct.geometry)


def _coarse(ct: Volume) -> tuple[NDArray[np.float32], tuple[int, int, int]]:
    k, j, i = (max(int(COARSE_MM / step), 1) for step in ct.geometry.spacing_mm)
    return ct.values[::k, ::j, ::i], (k, j, i)


def _fine(mask: Bools, steps: tuple[int, int, int], shape: tuple[int, ...]) -> Bools:
    for axis, step in enumerate(steps):
        mask = np.repeat(mask, step, axis=axis)
    return mask[: shape[0], : shape[1], : shape[2]]


def _largest(mask: Bools, count: int, minimum_share: float = 0.0) -> Bools:
    labels, n = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    sizes[0] = 0
    kept = np.argsort(sizes)[::-1][:count]
    return np.isin(labels, [k for k in kept if sizes[k] > minimum_share * sizes.max()])
