"""Settings of the tumour region and its rings."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

from perisurv.core import SettingsError

__all__ = ["Barrier", "BorderPolicy", "Exclusion", "RingKind", "RingOptions", "TumourMask"]

RingKind = Literal["annulus", "shell", "expansion"]
Barrier = Literal["none", "body", "lung"]
TumourMask = Literal["surface", "linear"]
BorderPolicy = Literal["exclude", "truncate"]
Exclusion = Literal["bone", "airway", "vessel"]
_KINDS = (("kind", RingKind), ("barrier", Barrier), ("mask", TumourMask), ("border", BorderPolicy))


@dataclass(frozen=True, slots=True)
class RingOptions:
    """How rings are drawn (METHOD 5, 6).

    Parameters
    ----------
    widths_mm
        Distances from the tumour surface, mm, ascending.
    kind
        ``annulus``: from the surface to the width; ``shell``: from the width before to this one; ``expansion``:
        tumour and annulus together.
    barrier
        What a ring may not leave: nothing, the body, or the lung of the tumour.
    spacing_mm
        Voxel spacing of the analysis grid, mm.
    margin_mm
        Image kept around the largest ring, mm: the support of the widest filter.
    cube_mm
        Edge of the cube around the tumour's centre that the image also holds, mm: the patch of the network.
    minimum_voxels
        A smaller tumour or ring on the analysis grid is refused.
    mask
        How the tumour comes onto the analysis grid: ``surface``, the voxels inside the smooth surface from which the
        rings are measured; ``linear``, linearly interpolated voxels of at least one half.
    border
        Where the CT ends within a tumour or a ring: ``truncate`` keeps the patient with what lies inside (a check
        fails, and the audit has the share of each ring that is missing), ``exclude`` leaves the patient out.
    exclude
        Tissues that are taken out of every ring: ``bone``, ``airway``, ``vessel``.

    Raises
    ------
    SettingsError
        If a value is not allowed.
    """

    widths_mm: tuple[float, ...] = (3.0, 6.0, 9.0)
    kind: RingKind = "annulus"
    barrier: Barrier = "body"
    spacing_mm: float = 1.0
    margin_mm: float = 20.0
    cube_mm: float = 64.0
    minimum_voxels: int = 64
    mask: TumourMask = "surface"
    border: BorderPolicy = "truncate"
    exclude: tuple[Exclusion, ...] = ()

    def __post_init__(self) -> None:
        widths = list(self.widths_mm)
        names = {f"{width:g}" for width in widths}
        if not widths or not all(0 < w < inf for w in widths) or widths != sorted(widths) or len(names) < len(widths):
            raise SettingsError(f"[regions] widths_mm must be positive, ascending and distinct in mm, got {widths}.")
        for key, kind in _KINDS:
            if getattr(self, key) not in get_args(kind):
                raise SettingsError(
                    f"[regions] {key} must be one of {', '.join(get_args(kind))}; got {getattr(self, key)!r}."
                )
        if not set(self.exclude) <= set(get_args(Exclusion)) or len(set(self.exclude)) < len(self.exclude):
            raise SettingsError(
                f"[regions] exclude holds each of {', '.join(get_args(Exclusion))} once at most; "
                f"got {', '.join(map(repr, self.exclude))}."
            )
        if not 0.25 <= self.spacing_mm <= 5:
            raise SettingsError(f"[regions] spacing_mm must lie within 0.25..5, got {self.spacing_mm}.")
        for key in ("margin_mm", "cube_mm"):
            if not 0 <= getattr(self, key) < inf:
                raise SettingsError(f"[regions] {key} must not be negative, got {getattr(self, key)}.")
        if self.minimum_voxels < 1:
            raise SettingsError(f"[regions] minimum_voxels must be at least 1, got {self.minimum_voxels}.")
