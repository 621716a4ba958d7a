"""Non-separable wavelets (IBSI-2): isotropic bands of the Simoncelli and Shannon families."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from perisurv.core import Volume
from perisurv.imaging.filters.base import (
    Dimensions,
    Spacing,
    check_choice,
    check_common,
    check_count,
    in_plane,
    whole,
)
from perisurv.imaging.filters.boundary import Boundary, Box, Singles
from perisurv.imaging.filters.fourier import Frequencies, Spectrum, frequencies, squared_radius

__all__ = ["MAX_LEVEL", "Family", "NonseparableWavelets", "band"]

Family = Literal["simoncelli", "shannon"]
MAX_LEVEL = 8


@dataclass(frozen=True, slots=True)
class NonseparableWavelets:
    """Band of an isotropic wavelet pyramid, undecimated (IBSI-2; Simoncelli: code PRT7).

    A band of level 1 covers the frequencies from pi/4 (Shannon pi/2) to pi radians a voxel; each level halves them.

    Parameters
    ----------
    family
        ``simoncelli`` or ``shannon``.
    level
        Level of decomposition, 1 the finest.
    dimensions
        3, or 2: within each axial slice.
    boundary
        How the image goes on beyond its faces. Other than periodic costs eight times (in a slice four times) the
        memory; the consensus of IBSI-2 is periodic.

    Raises
    ------
    SettingsError
        If a setting lies outside its range.

    References
    ----------
    Portilla, Simoncelli, A parametric texture model based on joint statistics of complex wavelet coefficients,
    Int J Comput Vis 2000; 40(1).
    """

    family: Family = "simoncelli"
    level: int = 1
    dimensions: Dimensions = 3
    boundary: Boundary = "periodic"

    def __post_init__(self) -> None:
        check_choice("nonseparable", "family", self.family, get_args(Family))
        check_count("nonseparable", "level", self.level, 1, MAX_LEVEL)
        check_common("nonseparable", self.boundary, self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """``simoncelli_1``, ``shannon_2_2d``."""
        return (f"{self.family}_{self.level}{in_plane(self.dimensions)}",)

    def margin_voxels(self, spacing_mm: Spacing) -> None:
        """The whole image: the response to one voxel never ends."""

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """The one response."""
        box = box or whole(volume.values.shape)
        values, inner = volume.values, box
        if self.dimensions == 2:  # slices do not know one another
            values, inner = values[box[0]], (slice(0, box[0].stop - box[0].start), *box[1:])
        spectrum = Spectrum(values, self.dimensions, self.boundary)
        response = spectrum.filtered(band(self.family, self.level, spectrum), inner)
        yield self.names[0], Volume(response, volume.geometry.crop(box))


def band(family: Family, level: int, spectrum: Spectrum) -> Singles:
    """Transfer function of a level on the frequencies of a spectrum.

    The consensus samples the profile on frequencies from -pi to pi with both ends, half a step beside those of the
    transform, and keeps the real part of the response. This is the mean of the profile at a frequency and its negative.
    """
    axes = [np.fft.ifftshift(np.linspace(-np.pi, np.pi, spectrum.shape[axis])) for axis in spectrum.axes]
    negative = [w[-np.arange(len(w))] for w in axes]
    there, back = (_profile(family, level, frequencies(one)) for one in (axes, negative))
    return (there + back) / np.float32(2)


def _profile(family: Family, level: int, omega: Frequencies) -> Singles:
    """Transfer function of the distance from the origin of the spectrum."""
    radius = np.sqrt(squared_radius(omega)) * np.float32(2 ** (level - 1))
    if family == "shannon":
        return ((radius > np.pi / 2) & (radius <= np.pi)).astype(np.float32)
    inside = (radius > np.pi / 4) & (radius <= np.pi)
    profile = np.zeros(radius.shape, dtype=np.float32)
    profile[inside] = np.cos(np.pi / 2 * np.log2(2 / np.pi * radius[inside]))
    return profile
