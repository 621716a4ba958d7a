"""Mean filter (IBSI-2, code S60F) and Laws kernels with their texture energy (code JTXT)."""

from __future__ import annotations

import re
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
    grown,
    in_plane,
    pooled,
    whole,
    within,
)
from perisurv.imaging.filters.boundary import Boundary, Box, Singles
from perisurv.imaging.filters.separable import Kernel, Triple, filtered, rotations, triple

__all__ = ["Laws", "Mean"]

_TAPS: dict[str, tuple[tuple[int, ...], int]] = {  # taps and the sum of their squares
    "L5": ((1, 4, 6, 4, 1), 70),
    "E5": ((-1, -2, 0, 2, 1), 10),
    "S5": ((-1, 0, 2, 0, -1), 6),
    "W5": ((-1, 2, 0, -2, 1), 10),
    "R5": ((1, -4, 6, -4, 1), 70),
    "L3": ((1, 2, 1), 6),
    "E3": ((-1, 0, 1), 2),
    "S3": ((-1, 2, -1), 6),
}
_KERNELS = {  # read backwards: the impulse response is the kernel
    name: Kernel(tuple(t / square**0.5 for t in taps[::-1]), len(taps) // 2) for name, (taps, square) in _TAPS.items()
}


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean over a cube of voxels (IBSI-2, code S60F).

    Parameters
    ----------
    support
        Edge of the cube, an odd number of voxels.
    dimensions
        3, or 2: mean over a square within each axial slice.
    boundary
        How the image goes on beyond its faces.

    Raises
    ------
    SettingsError
        If a setting lies outside its range.
    """

    support: int
    dimensions: Dimensions = 3
    boundary: Boundary = "mirror"

    def __post_init__(self) -> None:
        check_count("mean", "support", self.support, 1, 999)
        if self.support % 2 == 0:
            raise SettingsError(f"Filter mean: support must be odd, so that it has a middle; got {self.support}.")
        check_common("mean", self.boundary, self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        """``mean_5``, ``mean_5_2d``."""
        return (f"mean_{self.support}{in_plane(self.dimensions)}",)

    def margin_voxels(self, spacing_mm: Spacing) -> int | None:  # noqa: ARG002 (part of the interface)
        """Half the support."""
        return None if self.boundary == "periodic" else self.support // 2

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """The one response."""
        box = box or whole(volume.values.shape)
        (response,) = filtered(volume.values, [_cube(self.support // 2, self.dimensions)], self.boundary, box)
        yield self.names[0], Volume(response, volume.geometry.crop(box))


@dataclass(frozen=True, slots=True)
class Laws:
    """Outer product of Laws' level, edge, spot, wave and ripple kernels (IBSI-2, code JTXT), and its texture energy.

    Parameters
    ----------
    kernels
        Names such as ``E5L5S5``, one kernel an axis: first along the rows of an image (x), then along its columns (y),
        then across slices (z; in three dimensions only).
    rotation_invariant
        Whether the responses to the kernel turned by all right angles are pooled.
    pooling
        ``max`` or ``average`` of these.
    energy_distance
        Chebyshev distance over which the absolute response, pooled or not, is averaged to the energy image;
        0: no energy.
    dimensions
        3, or 2: within each axial slice.
    boundary
        How image and response go on beyond their faces.

    Raises
    ------
    SettingsError
        If a setting lies outside its range.
    """

    kernels: str
    rotation_invariant: bool = False
    pooling: Pooling = "max"
    energy_distance: int = 0
    dimensions: Dimensions = 3
    boundary: Boundary = "mirror"

    def __post_init__(self) -> None:
        check_common("laws", self.boundary, self.dimensions)
        names = re.findall("..", self.kernels) if isinstance(self.kernels, str) else []
        if "".join(names) != self.kernels or len(names) != self.dimensions or not set(names) <= set(_KERNELS):
            raise SettingsError(
                f"Filter laws: kernels must be {self.dimensions} of {', '.join(_KERNELS)} written together, "
                f"for example {'E5L5S5'[: 2 * self.dimensions]}; got {self.kernels!r}."
            )
        check_flag("laws", "rotation_invariant", self.rotation_invariant)
        check_choice("laws", "pooling", self.pooling, get_args(Pooling))
        check_count("laws", "energy_distance", self.energy_distance, 0, 499)

    @property
    def names(self) -> tuple[str, ...]:
        """``laws_E5L5S5``, ``laws_E5L5S5_max_energy_7``."""
        invariant = f"_{self.pooling}" if self.rotation_invariant else ""
        energy = f"_energy_{self.energy_distance}" if self.energy_distance else ""
        return (f"laws_{self.kernels}{invariant}{energy}{in_plane(self.dimensions)}",)

    def margin_voxels(self, spacing_mm: Spacing) -> int | None:  # noqa: ARG002 (part of the interface)
        """Half a kernel, and the distance of the energy."""
        return None if self.boundary == "periodic" else 2 + self.energy_distance

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """The one response."""
        shape = volume.values.shape
        box = box or whole(shape)
        outer = box
        if self.energy_distance:
            outer = whole(shape) if self.boundary == "periodic" else grown(box, self.energy_distance, shape)
        kernels = [_KERNELS[name] for name in reversed(re.findall("..", self.kernels))]
        turned = rotations(kernels) if self.rotation_invariant else [triple(kernels)]
        response = pooled(filtered(volume.values, turned, self.boundary, outer), self.pooling)
        if self.energy_distance:
            response = self._energy(response, within(box, outer))
        yield self.names[0], Volume(response, volume.geometry.crop(box))

    def _energy(self, response: Singles, box: Box) -> Singles:
        """Mean of the absolute response around each voxel of the box.

        Faces of the response that lie inside the image are as far from the box as the mean looks.
        """
        cube = _cube(self.energy_distance, self.dimensions)
        (energy,) = filtered(np.abs(response, out=response), [cube], self.boundary, box)
        return energy


def _cube(reach: int, dimensions: Dimensions) -> Triple:
    edge = 2 * reach + 1
    return triple([Kernel((1.0 / edge,) * edge, reach)] * dimensions)
