"""Image filters as defined by IBSI-2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from perisurv.core import GeometryError, Volume

__all__ = ["laplacian_of_gaussian"]


def laplacian_of_gaussian(volume: Volume, sigma_mm: float, truncate: float = 4.0) -> Volume:
    """Laplacian of Gaussian (IBSI-2 filter 2, code L6PA), three-dimensional, mirror boundary.

    Parameters
    ----------
    volume
        Image on an isotropic or anisotropic grid.
    sigma_mm
        Standard deviation of the Gaussian, mm. The response is negative on bright blobs.
    truncate
        The kernel ends at this many sigma.

    Raises
    ------
    GeometryError
        If sigma is not positive.
    """
    if not sigma_mm > 0:
        raise GeometryError(f"The scale of a Laplacian of Gaussian must be positive in mm, got {sigma_mm}.")
    kernels = [_kernels(sigma_mm / step, truncate) for step in volume.geometry.spacing_mm]
    total = np.zeros(volume.values.shape, dtype=np.float32)
    for second in range(3):
        part = volume.values
        for axis, (smooth, curved) in enumerate(kernels):
            part = correlate1d(part, curved if axis == second else smooth, axis=axis, output=np.float32, mode="reflect")
        total += part
    return Volume(total, volume.geometry)


def _kernels(sigma: float, truncate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    radius = int(np.floor(truncate * sigma + 0.5))
    x = np.arange(-radius, radius + 1)
    gauss = np.exp(-0.5 * (x / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)
    return gauss, gauss * (x**2 - sigma**2) / sigma**4
