"""The filters of pyradiomics 3, under its names: for signatures published with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from perisurv.core import GeometryError, SettingsError, Volume
from perisurv.imaging.filters.base import Spacing, check_number
from perisurv.imaging.filters.boundary import Box

__all__ = ["RecursiveLaplacianOfGaussian", "StationaryWavelets"]

_LETTERS = {"L": "a", "H": "d"}


@dataclass(frozen=True, slots=True)
class RecursiveLaplacianOfGaussian:
    """Laplacian of Gaussian by recursive filters, times the squared scale: that of ITK (Deriche).

    Parameters
    ----------
    sigma_mm
        Standard deviation of the Gaussian, mm.
    """

    sigma_mm: float

    def __post_init__(self) -> None:
        check_number("log_recursive", "sigma_mm", self.sigma_mm, 0)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of the response."""
        return (f"log-sigma-{str(float(self.sigma_mm)).replace('.', '-')}-mm-3D",)

    def margin_voxels(self, spacing_mm: Spacing) -> None:  # noqa: ARG002 (the interface of filters)
        """The whole image: a recursive filter has no end."""
        return

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """The response.

        Raises
        ------
        GeometryError
            If an axis has fewer than four voxels.
        """
        import SimpleITK as sitk  # noqa: N813, PLC0415 (heavy, only here)

        if min(volume.values.shape) < 4:
            raise GeometryError(f"The filter log_recursive needs 4 voxels along each axis, got {volume.values.shape}.")
        image = sitk.GetImageFromArray(volume.values)
        image.SetSpacing(volume.geometry.spacing_mm[::-1])
        response = sitk.LaplacianRecursiveGaussian(image, float(self.sigma_mm), True)
        found = Volume(sitk.GetArrayFromImage(response), volume.geometry)
        yield self.names[0], found if box is None else found.crop(box)


@dataclass(frozen=True, slots=True)
class StationaryWavelets:
    """All eight subbands of the first level of the stationary wavelet transform, periodic beyond the faces.

    The first letter is along the rows of an image (x), the last across slices.

    Parameters
    ----------
    wavelet
        Name of a discrete wavelet of PyWavelets.
    """

    wavelet: str = "coif1"

    def __post_init__(self) -> None:
        import pywt  # noqa: PLC0415

        if self.wavelet not in pywt.wavelist(kind="discrete"):
            raise SettingsError(f"Filter wavelets_stationary: PyWavelets has no discrete wavelet {self.wavelet!r}.")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the responses."""
        return tuple(f"wavelet-{''.join(letters)}" for letters in product("LH", repeat=3))

    def margin_voxels(self, spacing_mm: Spacing) -> int:  # noqa: ARG002 (the interface of filters)
        """Length of the kernels, and one for images of odd size."""
        import pywt  # noqa: PLC0415

        return int(pywt.Wavelet(self.wavelet).dec_len) + 1

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """The responses; an axis of odd size is continued by one voxel for them."""
        import pywt  # noqa: PLC0415

        padding = [(0, n % 2) for n in volume.values.shape]
        values = np.pad(volume.values.astype(np.float64), padding, mode="wrap")
        (subbands,) = pywt.swtn(values, self.wavelet, level=1, axes=(2, 1, 0))
        inside = tuple(slice(0, n) for n in volume.values.shape)
        for name in self.names:
            key = "".join(_LETTERS[letter] for letter in name[-3:])
            found = Volume(subbands[key][inside].astype(np.float32), volume.geometry)
            yield name, found if box is None else found.crop(box)
