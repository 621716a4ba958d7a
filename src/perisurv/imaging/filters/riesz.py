"""Riesz transforms (IBSI-2, code AYRS) of a Laplacian of Gaussian or a non-separable wavelet, steered or not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from perisurv.core import SettingsError, Volume
from perisurv.imaging.filters.base import (
    Dimensions,
    Spacing,
    check_choice,
    check_common,
    check_count,
    check_number,
    in_plane,
    number,
    whole,
)
from perisurv.imaging.filters.boundary import Boundary, Box, Singles
from perisurv.imaging.filters.fourier import Spectrum, squared_radius
from perisurv.imaging.filters.nonseparable import MAX_LEVEL, band
from perisurv.imaging.filters.separable import Kernel, filtered, triple

__all__ = ["Riesz", "RieszBase"]

RieszBase = Literal["log", "simoncelli", "shannon"]
MAX_ORDER = 4
WINDOW = 4.0  # standard deviations at which the window of the structure tensor ends


@dataclass(frozen=True, slots=True)
class Riesz:
    """Riesz transform of a filtered image (IBSI-2, code AYRS): derivatives of which every frequency keeps its size.

    Parameters
    ----------
    order
        Order of derivation along x, y and z (in two dimensions along x and y), 1 to 4 together, such as (0, 2, 0).
    base
        ``log`` (Laplacian of Gaussian), ``simoncelli`` or ``shannon``.
    sigma_mm
        Scale of the Laplacian of Gaussian, mm; 0 for wavelets.
    level
        Level of the wavelet; 0 for the Laplacian of Gaussian.
    steering_sigma_mm
        Standard deviation of the Gaussian window of the structure tensor, mm. Derivatives are then taken along its
        eigenvectors, the first along that of the largest eigenvalue, each signed so that the
        image rises along it. 0: along the axes.
    dimensions
        3, or 2: within each axial slice.
    boundary
        How the image goes on beyond its faces. Other than periodic costs eight times (in a slice four times) the
        memory.

    Raises
    ------
    SettingsError
        If a setting lies outside its range.

    References
    ----------
    Unser, Van De Ville, Wavelet steerability and the higher-order Riesz transform, IEEE Trans Image Process 2010;
    19(3).
    """

    order: tuple[int, ...]
    base: RieszBase = "simoncelli"
    sigma_mm: float = 0.0
    level: int = 0
    steering_sigma_mm: float = 0.0
    dimensions: Dimensions = 3
    boundary: Boundary = "periodic"

    def __post_init__(self) -> None:
        check_common("riesz", self.boundary, self.dimensions)
        counts = self.order if isinstance(self.order, tuple) else ()
        valid = len(counts) == self.dimensions and all(type(times) is int and times >= 0 for times in counts)
        if not valid or not 1 <= sum(counts) <= MAX_ORDER:
            raise SettingsError(
                f"Filter riesz: order must be {self.dimensions} whole numbers that add up to 1..{MAX_ORDER}, "
                f"got {list(counts) or self.order!r}."
            )
        check_choice("riesz", "base", self.base, get_args(RieszBase))
        if self.base == "log":
            check_number("riesz", "sigma_mm", self.sigma_mm, 0, 1000)
            check_count("riesz", "level", self.level, 0, 0)
        else:
            check_count("riesz", "level", self.level, 1, MAX_LEVEL)
            check_choice("riesz", "sigma_mm", self.sigma_mm, (0.0,))
        if self.steering_sigma_mm != 0:
            check_number("riesz", "steering_sigma_mm", self.steering_sigma_mm, 0, 1000)

    @property
    def names(self) -> tuple[str, ...]:
        """``riesz_100_log_3mm``, ``riesz_020_simoncelli_1_steered_1mm``."""
        base = f"log_{number(self.sigma_mm)}mm" if self.base == "log" else f"{self.base}_{self.level}"
        steered = f"_steered_{number(self.steering_sigma_mm)}mm" if self.steering_sigma_mm else ""
        return (f"riesz_{''.join(map(str, self.order))}_{base}{steered}{in_plane(self.dimensions)}",)

    def margin_voxels(self, spacing_mm: Spacing) -> None:
        """The whole image: the response to one voxel never ends."""

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """The one response."""
        box = box or whole(volume.values.shape)
        values, inner = volume.values, box
        if self.dimensions == 2:  # slices do not know one another
            values, inner = values[box[0]], (slice(0, box[0].stop - box[0].start), *box[1:])
        spectrum = Spectrum(values, self.dimensions, self.boundary)
        spacing = volume.geometry.spacing_mm[3 - self.dimensions :]
        base = self._base(spectrum, spacing)
        axes = [axis for axis, times in enumerate(reversed(self.order)) for _ in range(times)]
        if self.steering_sigma_mm:
            response = self._steered(spectrum, base, values.shape, spacing)[inner]
        else:
            response = spectrum.filtered(base * _directions(spectrum, axes), inner)
        scale = math.factorial(len(axes)) / math.prod(math.factorial(times) for times in self.order)
        yield self.names[0], Volume(response * np.float32(math.sqrt(scale)), volume.geometry.crop(box))

    def _base(self, spectrum: Spectrum, spacing_mm: tuple[float, ...]) -> Singles:
        if self.base != "log":
            return band(self.base, self.level, spectrum)
        omega = spectrum.frequencies()
        scaled = tuple(w * np.float32(self.sigma_mm / step) for w, step in zip(omega, spacing_mm, strict=True))
        response: Singles = -squared_radius(omega) * np.exp(np.float32(-0.5) * squared_radius(scaled))
        return response

    def _steered(
        self, spectrum: Spectrum, base: Singles, shape: tuple[int, ...], spacing_mm: tuple[float, ...]
    ) -> Singles:
        """Response along the eigenvectors of the structure tensor, on the whole image."""
        everywhere = whole(shape)
        axes = range(self.dimensions)
        gradient = np.stack([spectrum.filtered(base * _directions(spectrum, [a]), everywhere) for a in axes], axis=-1)
        vectors = _eigenvectors(gradient, [self.steering_sigma_mm / step for step in spacing_mm], self.boundary)
        along = [vectors[..., n] for n, times in enumerate(self.order) for _ in range(times)]
        parts: dict[tuple[int, ...], Singles] = {}
        total = np.zeros(shape, dtype=np.float32)
        for index in itertools.product(axes, repeat=len(along)):
            key = tuple(sorted(index))
            if key not in parts:
                parts[key] = spectrum.filtered(base * _directions(spectrum, list(key)), everywhere)
            total += parts[key] * math.prod(v[..., a] for v, a in zip(along, index, strict=True))
        return total


def _directions(spectrum: Spectrum, axes: list[int]) -> NDArray[np.complex64]:
    """Transfer function of a derivative along each of these axes, without its growth with the frequency."""
    omega = spectrum.frequencies()
    square = squared_radius(omega)
    square.flat[0] = np.inf
    transfer: NDArray[np.float32] = np.ones((1,) * len(omega), dtype=np.float32)
    for axis, w in enumerate(omega):
        times = axes.count(axis)
        n = spectrum.shape[spectrum.axes[axis]]
        # The highest frequency of an even number of voxels is its own negative: an odd derivative has none of it.
        factor = np.where(np.abs(w) > np.pi * (1 - 0.5 / n), 0.0, w) if times % 2 else w
        transfer = transfer * (factor**times).astype(np.float32)
    return ((-1j) ** len(axes) * transfer / square ** (len(axes) / 2)).astype(np.complex64)


def _eigenvectors(gradient: Singles, sigmas: list[float], boundary: Boundary) -> Singles:
    """Eigenvectors of the structure tensor, largest eigenvalue first: component a of vector n is ``[..., a, n]``."""
    rank = len(sigmas)
    window = triple([_gauss(sigma) for sigma in sigmas])
    tensor = np.empty((*gradient.shape, rank), dtype=np.float32)
    for a, b in itertools.combinations_with_replacement(range(rank), 2):
        product = gradient[..., a] * gradient[..., b]
        (tensor[..., a, b],) = filtered(product, [window], boundary, whole(product.shape))
        tensor[..., b, a] = tensor[..., a, b]
    vectors: Singles = np.linalg.eigh(tensor).eigenvectors[..., ::-1]
    rise = np.einsum("...a,...an->...n", gradient, vectors)
    return vectors * np.where(rise < 0, np.float32(-1), np.float32(1))[..., None, :]


def _gauss(sigma: float) -> Kernel:
    radius = math.ceil(WINDOW * sigma)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return Kernel(tuple((taps / taps.sum()).tolist()), radius)
