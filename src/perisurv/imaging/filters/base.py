"""What all filters share: their interface, boundaries, boxes, pooling and the checks of their settings."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np

from perisurv.core import SettingsError, Volume
from perisurv.imaging.filters.boundary import Boundary, Box, Singles

__all__ = [
    "Dimensions",
    "ImageFilter",
    "Pooling",
    "Spacing",
    "check_choice",
    "check_common",
    "check_count",
    "check_flag",
    "check_number",
    "grown",
    "in_plane",
    "number",
    "pooled",
    "whole",
    "within",
]

Dimensions = Literal[2, 3]
Pooling = Literal["max", "average"]
Spacing = tuple[float, float, float]


@runtime_checkable
class ImageFilter(Protocol):
    """A filter, or a family of filters that share work, ready to be applied to images."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the response images, in the order in which they come."""

    def margin_voxels(self, spacing_mm: Spacing) -> int | None:
        """How many voxels a response looks beyond its own voxel; None: the whole image, as where it is periodic.

        A part of an image with this margin, or up to its faces, has the responses of the whole image.

        Parameters
        ----------
        spacing_mm
            Distance of voxel centres along the array axes, mm.
        """

    def responses(self, volume: Volume, box: Box | None = None) -> Iterator[tuple[str, Volume]]:
        """Names and response images.

        Parameters
        ----------
        volume
            The image; boundary conditions hold at its faces.
        box
            Only this part of the responses; as cropped from the responses of the whole image, but cheaper.
        """


def whole(shape: tuple[int, ...]) -> Box:
    """The box of a whole array."""
    k, j, i = (slice(0, n) for n in shape)
    return k, j, i


def grown(box: Box, voxels: int, shape: tuple[int, ...]) -> Box:
    """The box with a margin on all sides, inside the array."""
    k, j, i = (slice(max(s.start - voxels, 0), min(s.stop + voxels, n)) for s, n in zip(box, shape, strict=True))
    return k, j, i


def within(box: Box, outer: Box) -> Box:
    """The box as seen from the first voxel of an outer box."""
    k, j, i = (slice(s.start - o.start, s.stop - o.start) for s, o in zip(box, outer, strict=True))
    return k, j, i


def pooled(responses: Iterable[Singles], pooling: Pooling) -> Singles:
    """Voxel-wise maximum or mean of several responses, at least one; the first is overwritten."""
    total: Singles | None = None
    count = 0
    for response in responses:
        count += 1
        if total is None:
            total = response
        elif pooling == "max":
            np.maximum(total, response, out=total)
        else:
            total += response
    assert total is not None
    if pooling == "average" and count > 1:
        total /= np.float32(count)
    return total


def number(value: float) -> str:
    """A number as part of a name: 3.0 as 3, 1.5 as 1.5."""
    return f"{value:.6g}"


def check_number(kind: str, name: str, value: object, low: float, high: float = math.inf) -> None:
    """Refuse what is not a finite number above ``low`` and below ``high``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low < value < high:
        allowed = f"a number above {low:g}" + ("" if high == math.inf else f" and below {high:g}")
        raise SettingsError(f"Filter {kind}: {name} must be {allowed}, got {value!r}.")


def check_count(kind: str, name: str, value: object, low: int, high: int) -> None:
    """Refuse what is not a whole number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SettingsError(f"Filter {kind}: {name} must be a whole number from {low} to {high}, got {value!r}.")


def check_flag(kind: str, name: str, value: object) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise SettingsError(f"Filter {kind}: {name} must be true or false, got {value!r}.")


def check_choice(kind: str, name: str, value: object, choices: Collection[object]) -> None:
    """Refuse what is not one of the choices."""
    if isinstance(value, bool) or value not in choices:
        allowed = ", ".join(str(choice) for choice in choices)
        raise SettingsError(f"Filter {kind}: {name} must be one of {allowed}; got {value!r}.")


def check_common(kind: str, boundary: object, dimensions: object) -> None:
    """Refuse an unknown boundary or number of dimensions."""
    check_choice(kind, "boundary", boundary, get_args(Boundary))
    check_count(kind, "dimensions", dimensions, 2, 3)


def in_plane(dimensions: Dimensions) -> str:
    """What a name of a two-dimensional filter says more than that of a three-dimensional one."""
    return "_2d" if dimensions == 2 else ""
