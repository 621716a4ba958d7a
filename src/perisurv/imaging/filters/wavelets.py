"""Separable wavelets (IBSI-2): Haar, Daubechies, Coiflet and the other families of PyWavelets."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np

from perisurv.core import SettingsError, Volume
from perisurv.imaging.filters.base import (
    Dimensions,
    Pooling,
    Spacing,
    check_choice,
    check_common,
    check_count,
    check_flag,
    pooled,
    whole,
)
from perisurv.imaging.filters.boundary import Boundary, Box, Singles
from perisurv.imaging.filters.separable import Kernel, Triple, filtered, rotations, triple

__all__ = ["Wavelets"]

MAX_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Wavelets:
    """Separable wavelet transform (IBSI-2): one subband or all of a level.

    Low-pass (L) and high-pass (H) kernels are applied along the rows of an image (x, the first letter), along its
    columns (y) and across slices (z). The kernels of a level are those of all levels up to it in one, so that the
    boundary is met once.

    Parameters
    ----------
    wavelet
        Name of a discrete wavelet of PyWavelets, such as ``haar``, ``db3`` or ``coif1``.
    level
        Level of decomposition, 1 the finest.
    subband
        Such as ``LLH`` (in two dimensions ``LH``), or ``all``.
    rotation_invariant
        Whether the responses to the kernel turned by all right angles are pooled.
    pooling
        ``max`` or ``average`` of these.
    decimated
        Whether only every ``2**level``-th coefficient is taken; each fills its block of voxels, so that the response
        keeps the grid of the image. Undecimated otherwise (stationary, "a trous").
    dimensions
        3, or 2: within each axial slice.
    boundary
        How the image goes on beyond its faces.

    Raises
    ------
    SettingsError
        If a setting lies outside its range.
    """

    wavelet: str
    level: int = 1
    subband: str = "all"
    rotation_invariant: bool = False
    pooling: Pooling = "average"
    decimated: bool = False
    dimensions: Dimensions = 3
    boundary: Boundary = "mirror"

    def __post_init__(self) -> None:
        _check_wavelet(self.wavelet)
        check_count("wavelets", "level", self.level, 1, MAX_LEVEL)
        check_common("wavelets", self.boundary, self.dimensions)
        check_choice("wavelets", "subband", self.subband, ("all", *_subbands(self.dimensions)))
        check_flag("wavelets", "rotation_invariant", self.rotation_invariant)
        check_choice("wavelets", "pooling", self.pooling, get_args(Pooling))
        check_flag("wavelets", "decimated", self.decimated)

    @property
    def subbands(self) -> tuple[str, ...]:
        """The subbands that are computed."""
        return _subbands(self.dimensions) if self.subband == "all" else (self.subband,)

    @property
    def names(self) -> tuple[str, ...]:
        """``wavelet_coif1_1_LLL``, ..., ``wavelet_db3_2_HH_average_decimated``."""
        invariant = f"_{self.pooling}" if self.rotation_invariant else ""
        decimated = "_decimated" if self.decimated else ""
        return tuple(f"wavelet_{self.wavelet}_{self.level}_{band}{invariant}{decimated}" for band in self.subbands)

    def margin_voxels(self, spacing_mm: Spacing) -> int | None:  # noqa: ARG002 (part of the interface)
        """Reach of the kernel; None where decimated, since which coefficients are taken depends on the first voxel."""
        if self.decimated or self.boundary == "periodic":
            return None
        return max(max(kernel.reach, kernel.flipped.reach) for kernel in self._kernels().values())

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """One response for each subband, low-pass first."""
        values = volume.values
        box = box or whole(values.shape)
        step = 2**self.level if self.decimated else 1
        k, j, i = (slice(s.start - s.start % step, s.stop) for s in box)
        bands = [self._orientations(band) for band in self.subbands]
        found = filtered(values, [one for band in bands for one in band], self.boundary, (k, j, i))
        for name, band in zip(self.names, bands, strict=True):
            response = pooled(itertools.islice(found, len(band)), self.pooling)
            yield name, Volume(_repeated(response, box, step), volume.geometry.crop(box))

    def _orientations(self, subband: str) -> list[Triple]:
        kernels = self._kernels()
        along = [kernels[letter] for letter in reversed(subband)]
        return rotations(along) if self.rotation_invariant else [triple(along)]

    def _kernels(self) -> dict[str, Kernel]:
        """Low-pass and high-pass kernel of the level."""
        import pywt  # noqa: PLC0415 (only where a wavelet is used)

        wavelet = pywt.Wavelet(self.wavelet)
        low, high = (_kernel(taps) for taps in (wavelet.dec_lo, wavelet.dec_hi))
        smooth = Kernel((1.0,), 0)
        for step in (2**j for j in range(self.level - 1)):
            smooth = _composed(smooth, low, step)
        last = 2 ** (self.level - 1)
        return {"L": _composed(smooth, low, last), "H": _composed(smooth, high, last)}


def _kernel(taps: list[float]) -> Kernel:
    """Kernel that convolves with these taps, about the middle or the voxel before it."""
    return Kernel(tuple(taps[::-1]), (len(taps) - 1) // 2)


def _composed(first: Kernel, then: Kernel, step: int) -> Kernel:
    """One kernel for two passes, the second with its taps this many voxels apart."""
    spread = np.zeros(step * (len(then.taps) - 1) + 1)
    spread[::step] = then.taps
    return Kernel(tuple(np.convolve(first.taps, spread).tolist()), first.centre + step * then.centre)


def _repeated(response: Singles, box: Box, step: int) -> Singles:
    """The first value of every block of voxels in the whole block; the response starts with a block."""
    if step == 1:
        return response
    k, j, i = (np.arange(s.start, s.stop) // step * step - (s.start - s.start % step) for s in box)
    return response[np.ix_(k, j, i)]


def _subbands(dimensions: Dimensions) -> tuple[str, ...]:
    return tuple("".join(letters) for letters in itertools.product("LH", repeat=dimensions))


def _check_wavelet(name: object) -> None:
    import pywt  # noqa: PLC0415 (only where a wavelet is used)

    known = pywt.wavelist(kind="discrete")
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
        raise SettingsError(
            "Filter wavelets: wavelet must be a discrete wavelet of PyWavelets such as haar, db3 or coif1; "
            f"got {name!r}{f', nearest is {near[0]!r}' if near else ''}."
        )
