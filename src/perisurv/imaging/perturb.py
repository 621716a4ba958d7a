"""Redrawn contours and added noise: how stable is what is measured."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from perisurv.core import Mask, Volume

__all__ = ["add_noise", "perturb_contour"]


def perturb_contour(mask: Mask, rng: np.random.Generator, sd_mm: float = 1.0, correlation_mm: float = 10.0) -> Mask:
    """The mask with its surface moved in and out by a smooth random field.

    Parameters
    ----------
    mask
        On any grid.
    rng
        Source of the field.
    sd_mm
        Standard deviation of the displacement along the normal, mm.
    correlation_mm
        Gaussian correlation length of the displacement, mm.
    """
    box = mask.bounding_box(4.0 * sd_mm + 2.0 * max(mask.geometry.spacing_mm))
    inside = mask.values[box]
    spacing = mask.geometry.spacing_mm
    distance = ndimage.distance_transform_edt(~inside, sampling=spacing) - ndimage.distance_transform_edt(
        inside, sampling=spacing
    )
    field = ndimage.gaussian_filter(
        rng.standard_normal(inside.shape), [correlation_mm / step for step in spacing], mode="wrap"
    )
    field *= sd_mm / max(float(field.std()), 1e-12)
    moved = np.array(mask.values)
    moved[box] = distance <= field
    return Mask(moved if moved.any() else np.array(mask.values), mask.geometry)


def add_noise(volume: Volume, rng: np.random.Generator, sd_hu: float) -> Volume:
    """The image with white Gaussian noise added."""
    noise = rng.normal(0.0, sd_hu, volume.values.shape)
    return Volume((volume.values + noise).astype(np.float32), volume.geometry)
