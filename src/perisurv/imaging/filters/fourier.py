"""Filters defined by their spectrum: frequencies, and products in the Fourier domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.imaging.filters.base import Dimensions, whole
from perisurv.imaging.filters.boundary import Boundary, Box, Singles, continued

__all__ = ["Frequencies", "Spectrum", "frequencies", "squared_radius"]

Frequencies = tuple[Singles, ...]  # one array an axis, to be broadcast, radians a voxel
Complexes = NDArray[np.complex64]


class Spectrum:
    """Fourier transform of an image, over all axes or those of its slices.

    Periodic images are transformed as they are; others are continued to twice their size first, half of it on both
    sides, where the mirrored image is periodic exactly.

    Parameters
    ----------
    values
        The image, (slices, rows, columns).
    dimensions
        3, or 2: of each slice.
    boundary
        How the image goes on beyond its faces.
    """

    def __init__(self, values: Singles, dimensions: Dimensions, boundary: Boundary) -> None:
        from scipy import fft  # noqa: PLC0415 (only where a filter works in the Fourier domain)

        self.axes = tuple(range(3 - dimensions, 3))
        pads = [0 if boundary == "periodic" or axis not in self.axes else n // 2 for axis, n in enumerate(values.shape)]
        k, j, i = (slice(-pad, 2 * n - pad if pad else n) for pad, n in zip(pads, values.shape, strict=True))
        self._inside = whole(values.shape)
        if any(pads):
            values = continued(values, (k, j, i), boundary)
            k, j, i = (slice(pad, pad + s.stop) for pad, s in zip(pads, self._inside, strict=True))
            self._inside = k, j, i
        self.shape = values.shape
        self._spectrum: Complexes = fft.rfftn(values, axes=self.axes)

    def filtered(self, transfer: NDArray[np.float32] | Complexes, box: Box) -> Singles:
        """The image with its spectrum times a transfer function, inside a box."""
        from scipy import fft  # noqa: PLC0415 (only where a filter works in the Fourier domain)

        lengths = [self.shape[axis] for axis in self.axes]
        response = fft.irfftn(self._spectrum * transfer, s=lengths, axes=self.axes, overwrite_x=True)
        k, j, i = (slice(o.start + s.start, o.start + s.stop) for o, s in zip(self._inside, box, strict=True))
        return np.ascontiguousarray(response[k, j, i], dtype=np.float32)

    def frequencies(self) -> Frequencies:
        """Angular frequencies of the spectrum along its axes."""
        return frequencies([2 * np.pi * np.fft.fftfreq(self.shape[axis]) for axis in self.axes])


def frequencies(axes: Sequence[NDArray[np.floating[Any]]]) -> Frequencies:
    """Frequencies along the last axes, ready to be broadcast; of the last axis the half that a real image needs."""
    halved = [*axes[:-1], axes[-1][: len(axes[-1]) // 2 + 1]]
    return tuple(
        w.astype(np.float32).reshape([-1 if other == axis else 1 for other in range(len(axes))])
        for axis, w in enumerate(halved)
    )


def squared_radius(omega: Frequencies) -> Singles:
    """Square of the distance from the origin of the spectrum."""
    first, *others = omega
    return np.asarray(sum((w**2 for w in others), start=first**2))
