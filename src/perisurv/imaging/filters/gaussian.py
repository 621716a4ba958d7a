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
from perisurv.imaging.filters.boundary import Boundary, Box, Singles, continued
from perisurv.imaging.filters.separable import Kernel, filtered, triple

__all__ = ["LaplacianOfGaussian", "laplacian_of_gaussian"]

ROWS = 16  # rows filtered together: what is in work stays in the cache
FAR = 64  # voxels: sums over kernels that reach further cost more than products with weight matrices
Taps = tuple[tuple[Singles, Singles], ...]  # along the last axes: Gaussian and second derivative, from the middle on


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
        check_number("log", "sigma_mm", self.sigma_mm, 0, 1000)
        check_number("log", "truncate", self.truncate, 0, 20)
        check_flag("log", "scale_normalised", self.scale_normalised)
        check_common("log", self.boundary, self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """``log_3mm``, ``log_3mm_normalised``, ``log_3mm_2d``."""
        normalised = "_normalised" if self.scale_normalised else ""
        return (f"log_{number(self.sigma_mm)}mm{normalised}{in_plane(self.dimensions)}",)

    def margin_voxels(self, spacing_mm: Spacing) -> int | None:
        """Radius of the kernel along the axis with the finest voxels."""
        if self.boundary == "periodic":
            return None
        steps = spacing_mm[3 - self.dimensions :]
        return max(_radius(self.sigma_mm / step, self.truncate) for step in steps)

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """The one response."""
        box = box or whole(volume.values.shape)
        sigmas = [self.sigma_mm / step for step in volume.geometry.spacing_mm[3 - self.dimensions :]]
        taps = tuple(_taps(sigma, self.truncate, scale_normalised=self.scale_normalised) for sigma in sigmas)
        reach = [0] * (3 - self.dimensions) + [len(gauss) - 1 for gauss, _ in taps]
        if max(reach) > FAR:
            response = _far_laplacian(volume.values, taps, self.boundary, box)
        else:
            k, j, i = (slice(s.start - r, s.stop + r) for s, r in zip(box, reach, strict=True))
            response = _laplacian(continued(volume.values, (k, j, i), self.boundary), taps, reach)
        yield self.names[0], Volume(response, volume.geometry.crop(box))


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


def _far_laplacian(values: Singles, taps: Taps, boundary: Boundary, box: Box) -> Singles:
    """Sum of second derivatives by products with weight matrices."""
    kernels = [[Kernel((*half[:0:-1].tolist(), *half.tolist()), len(half) - 1) for half in pair] for pair in taps]
    axes = range(len(kernels))
    triples = [triple([kernels[a][a == axis] for a in axes]) for axis in axes]
    first, *others = filtered(values, triples, boundary, box)
    return sum(others, start=first)


def _laplacian(image: Singles, taps: Taps, reach: list[int]) -> Singles:
    """Sum of second derivatives, inside the image without the reach of the taps."""
    from perisurv.imaging.filters.kernels import laplacian  # noqa: PLC0415 (numba, only here)

    slices, rows, columns = (n - 2 * r for n, r in zip(image.shape, reach, strict=True))
    source = laplacian.aligned(image.shape)
    source[..., : image.shape[2]] = image
    lines = laplacian.aligned((3, source.shape[2] + 16))
    response = np.empty((slices, rows, columns), dtype=np.float32)
    if len(taps) == 3:
        planes = laplacian.aligned((min(rows, ROWS), 2, len(image), columns))
        laplacian.in_space(source, taps, planes, lines, response)
    else:
        laplacian.in_slices(source, taps, lines, response)
    return response


def _taps(sigma: float, truncate: float, *, scale_normalised: bool) -> tuple[Singles, Singles]:
    """Sampled Gaussian and its second derivative from the middle outwards; sigma in voxels."""
    x = np.arange(_radius(sigma, truncate) + 1)
    gauss = np.exp(-0.5 * (x / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)
    second = gauss * (x**2 - sigma**2) / sigma ** (2 if scale_normalised else 4)
    return gauss.astype(np.float32), second.astype(np.float32)


def _radius(sigma: float, truncate: float) -> int:
    return int(np.floor(truncate * sigma + 0.5))
