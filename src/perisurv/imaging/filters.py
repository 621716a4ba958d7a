"""Image filters as defined by IBSI-2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from perisurv.core import GeometryError, Volume

__all__ = ["laplacian_of_gaussian"]

Kernel = NDArray[np.float64]
Singles = NDArray[np.float32]


def laplacian_of_gaussian(volume: Volume, sigma_mm: float, truncate: float = 4.0) -> Volume:
    """Laplacian of Gaussian (IBSI-2, code L6PA), three-dimensional, mirror boundary.

    Beyond its outer faces the image is continued by its own mirror image. The response is negative on blobs that are
    brighter than their surroundings; as in IBSI-2, derivatives are taken per voxel.

    Parameters
    ----------
    volume
        Image of isotropic voxels.
    sigma_mm
        Standard deviation of the Gaussian, mm.
    truncate
        The kernel ends at this many standard deviations.

    Raises
    ------
    GeometryError
        If the scale or the cut-off is not positive and finite, or the voxels are not isotropic.

    References
    ----------
    Whybra et al., The Image Biomarker Standardization Initiative: standardized convolutional filters for reproducible
    radiomics and enhanced clinical insights, Radiology 2024; 310(2).
    """
    for name, value in (("scale in mm", sigma_mm), ("cut-off", truncate)):
        if not (np.isfinite(value) and value > 0):
            raise GeometryError(f"The {name} of a Laplacian of Gaussian must be positive and finite, got {value}.")
    spacing = volume.geometry.spacing_mm
    if max(spacing) > (1 + 1e-4) * min(spacing):
        raise GeometryError(f"A Laplacian of Gaussian needs isotropic voxels, got {spacing} mm; resample first.")
    smooth = volume.values
    curved: Singles = np.zeros(smooth.shape, dtype=np.float32)
    for axis, step in enumerate(spacing):
        gauss, second = _kernels(sigma_mm / step, truncate)
        bent = _along(smooth, second, axis)
        curved = bent + _along(curved, gauss, axis) if axis else bent
        smooth = _along(smooth, gauss, axis) if axis < 2 else smooth
    return Volume(curved, volume.geometry)


def _along(values: Singles, kernel: Kernel, axis: int) -> Singles:
    return np.asarray(correlate1d(values, kernel, axis=axis, output=np.float32, mode="reflect"))


def _kernels(sigma: float, truncate: float) -> tuple[Kernel, Kernel]:
    """Sampled Gaussian and its second derivative; sigma in voxels."""
    radius = int(np.floor(truncate * sigma + 0.5))
    x = np.arange(-radius, radius + 1)
    gauss = np.exp(-0.5 * (x / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)
    return gauss, gauss * (x**2 - sigma**2) / sigma**4
