"""Laplacian of Gaussian (IBSI-2, code L6PA)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perisurv.core import GeometryError, Volume
from perisurv.imaging.filters.base import (
    Dimensions,
    Spacing,
    check_common,
    check_flag,
    check_number,
    in_plane,
    number,
    whole,
)
from perisurv.imaging.filters.boundary import Boundary, Box, Singles
from perisurv.imaging.filters.separable import Kernel, along, blocks, span, weights

__all__ = ["LaplacianOfGaussian", "laplacian_of_gaussian"]


@dataclass(frozen=True, slots=True)
class LaplacianOfGaussian:
    """Laplacian of Gaussian (IBSI-2, code L6PA): sums of sampled Gaussians and their second derivatives.

    The response is negative on blobs that are brighter than their surroundings; as in IBSI-2, derivatives are taken
    per voxel, not per mm.

    Parameters
    ----------
    sigma_mm
        Standard deviation of the Gaussian, mm; along each axis divided by the distance of its voxels.
    truncate
        The kernel ends at this many standard deviations.
    scale_normalised
        Multiply by sigma^2 (in voxels; derivatives count in units of sigma), so that responses of different scales can
        be compared.
    dimensions
        3, or 2: within each axial slice.
    boundary
        How the image goes on beyond its faces.

    Raises
    ------
    SettingsError
        If a setting lies outside its range.

    References
    ----------
    Whybra et al., The Image Biomarker Standardization Initiative: standardized convolutional filters for reproducible
    radiomics and enhanced clinical insights, Radiology 2024; 310(2).
    """

    sigma_mm: float
    truncate: float = 4.0
    scale_normalised: bool = False
    dimensions: Dimensions = 3
    boundary: Boundary = "mirror"

    def __post_init__(self) -> None:
        check_number("log", "sigma_mm", self.sigma_mm, 0)
        check_number("log", "truncate", self.truncate, 0)
        check_flag("log", "scale_normalised", self.scale_normalised)
        check_common("log", self.boundary, self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """``log_3mm``, ``log_3mm_normalised``, ``log_3mm_2d``."""
        normalised = "_normalised" if self.scale_normalised else ""
        return (f"log_{number(self.sigma_mm)}mm{normalised}{in_plane(self.dimensions)}",)

    def margin_voxels(self, spacing_mm: Spacing) -> int:
        """Radius of the kernel along the axis with the finest voxels."""
        steps = spacing_mm[3 - self.dimensions :]
        return max(_radius(self.sigma_mm / step, self.truncate) for step in steps)

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """The one response."""
        box = box or whole(volume.values.shape)
        sigmas = [self.sigma_mm / step for step in volume.geometry.spacing_mm]
        bands = []
        for axis in range(3 - self.dimensions, 3):
            scale = sigmas[axis] ** 2 if self.scale_normalised else 1.0
            gauss, second = _kernels(sigmas[axis], self.truncate, scale)
            n, rows = volume.values.shape[axis], box[axis]
            bands.append((weights(gauss, n, rows, self.boundary), weights(second, n, rows, self.boundary)))
        yield self.names[0], Volume(_laplacian(volume.values, bands, box), volume.geometry.crop(box))


def laplacian_of_gaussian(volume: Volume, sigma_mm: float, truncate: float = 4.0) -> Volume:
    """Laplacian of Gaussian (IBSI-2, code L6PA), three-dimensional, mirror boundary.

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
    """
    for name, value in (("scale in mm", sigma_mm), ("cut-off", truncate)):
        if not (math.isfinite(value) and value > 0):
            raise GeometryError(f"The {name} of a Laplacian of Gaussian must be positive and finite, got {value}.")
    spacing = volume.geometry.spacing_mm
    if max(spacing) > (1 + 1e-4) * min(spacing):
        raise GeometryError(f"A Laplacian of Gaussian needs isotropic voxels, got {spacing} mm; resample first.")
    ((_, response),) = LaplacianOfGaussian(sigma_mm, truncate).responses(volume)
    return response


def _laplacian(values: Singles, bands: list[tuple[Singles, Singles]], box: Box) -> Singles:
    """Sum over the axes of second derivatives; the bands (smoothing, second derivative) are of the last axes.

    The smoothed and the curved image lie interleaved along the axis that comes next, so that one product makes and
    adds up both terms.
    """
    reads = [box[0], span(bands[-2][0]), span(bands[-1][0])]
    if len(bands) == 3:
        reads[0] = span(bands[0][0])
    (smooth_j, curve_j), (smooth_i, curve_i) = (
        (smooth[:, read], curve[:, read]) for (smooth, curve), read in zip(bands[-2:], reads[1:], strict=True)
    )
    source = np.ascontiguousarray(values[tuple(reads)])
    slices, rows, columns = len(source), len(smooth_j), len(smooth_i)
    lines = np.empty((slices, source.shape[1], 2, columns), dtype=np.float32)
    along(blocks(smooth_i), source, 2, lines[:, :, 0])
    along(blocks(curve_i), source, 2, lines[:, :, 1])
    both = lines.reshape(slices, -1, columns)
    if len(bands) == 2:
        return along(blocks(_interleaved(curve_j, smooth_j)), both, 1)
    planes = np.empty((slices, 2, rows, columns), dtype=np.float32)
    along(blocks(smooth_j), lines[:, :, 0], 1, planes[:, 0])
    along(blocks(_interleaved(curve_j, smooth_j)), both, 1, planes[:, 1])
    smooth_k, curve_k = (band[:, reads[0]] for band in bands[0])
    return along(blocks(_interleaved(curve_k, smooth_k)), planes.reshape(-1, rows, columns), 0)


def _interleaved(even: Singles, odd: Singles) -> Singles:
    """Matrix whose even columns weigh the smoothed and whose odd columns weigh the curved voxels."""
    return np.stack((even, odd), axis=2).reshape(len(even), -1)


def _kernels(sigma: float, truncate: float, scale: float) -> tuple[Kernel, Kernel]:
    """Sampled Gaussian and its second derivative times the scale; sigma in voxels."""
    radius = _radius(sigma, truncate)
    x = np.arange(-radius, radius + 1)
    gauss = np.exp(-0.5 * (x / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)
    second = scale * gauss * (x**2 - sigma**2) / sigma**4
    return Kernel(tuple(gauss.tolist()), radius), Kernel(tuple(second.tolist()), radius)


def _radius(sigma: float, truncate: float) -> int:
    return int(np.floor(truncate * sigma + 0.5))
