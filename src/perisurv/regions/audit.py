"""How a ring came out: volume, thickness, clipping, tissue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Mask
from perisurv.regions.distance import Surface

__all__ = ["TISSUE_HU", "RingShape", "audit_ring", "ball_shell_mm3", "thickness_mm"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]
# Upper limits in HU; bone is everything denser.
TISSUE_HU = (("air", -950.0), ("lung", -500.0), ("soft", 150.0))
# Step along a normal, and how far beyond the ring a ray still counts voxels that stick out of it, both in voxels.
RAY_STEP = 0.25
RAY_OVER = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class RingShape:
    """One ring on the grid of its tumour.

    Parameters
    ----------
    free, kept
        Voxels of the ring before and after clipping.
    blocked
        What took voxels, by name, the first that holds a voxel first.
    surface
        Surface of the tumour on the same grid.
    span_mm
        The distances to the surface between which the ring was meant to lie.
    """

    free: Bools
    kept: Bools
    blocked: Mapping[str, Bools]
    surface: Surface
    span_mm: tuple[float, float]


def audit_ring(ring: RingShape, kept_hu: Floats, tumour: Mask) -> dict[str, float]:
    """Volume, thickness, clipping and tissue of one ring.

    Parameters
    ----------
    ring
        The ring.
    kept_hu
        HU of the kept voxels.
    tumour
        The tumour on the same grid.

    Returns
    -------
    dict
        ``thickness_mm``, ``thickness_p05_mm``, ``thickness_p95_mm``: mean and percentiles over the surface of
        :func:`thickness_mm`. ``volume_ml``, ``unclipped_volume_ml``, ``ball_shell_ml`` (the same ring around a ball
        of the tumour's volume: no unclipped ring can be smaller). ``clipped_share``: what was taken, of the unclipped
        ring, and ``clipped_by_<name>_share`` by what; ``clipped_by_border_ml`` lies
        beyond the CT. ``air_share``, ``lung_share``, ``soft_share``, ``bone_share``:
        tissue by HU, sum 1.
    """
    free, kept = int(np.count_nonzero(ring.free)), int(np.count_nonzero(ring.kept))
    spacing = tumour.geometry.spacing_mm
    thickness = thickness_mm(ring.kept, ring.surface, ring.span_mm, spacing)
    low, high = np.percentile(thickness, (5, 95)) if len(thickness) else (0.0, 0.0)
    voxel_ml = tumour.geometry.voxel_volume_mm3 / 1000.0
    figures = {
        "thickness_mm": float(thickness.mean()) if len(thickness) else 0.0,
        "thickness_p05_mm": float(low),
        "thickness_p95_mm": float(high),
        "volume_ml": kept * voxel_ml,
        "unclipped_volume_ml": free * voxel_ml,
        "ball_shell_ml": ball_shell_mm3(1000.0 * tumour.volume_ml, *ring.span_mm) / 1000.0,
        "clipped_share": 1.0 - kept / max(free, 1),
    }
    left = ring.free.copy()
    for name, blocked in ring.blocked.items():
        lost = int(np.count_nonzero(left & blocked))
        figures[f"clipped_by_{name}_share"] = lost / max(free, 1)
        if name == "border":
            figures["clipped_by_border_ml"] = lost * voxel_ml
        left &= ~blocked
    return figures | _tissue(kept_hu)


def thickness_mm(
    kept: Bools, surface: Surface, span_mm: tuple[float, float], spacing_mm: Floats | tuple[float, ...]
) -> Floats:
    """Extent of the ring along the normal at each point of the surface, mm, by rays through the voxels of the ring."""
    step = RAY_STEP * min(spacing_mm)
    over = RAY_OVER * max(spacing_mm)
    depths = np.arange(span_mm[0] - over + 0.5 * step, span_mm[1] + over, step)
    per_mm = surface.normals / np.asarray(spacing_mm)[:, None]
    last = np.asarray(kept.shape)[:, None] - 1
    hits = np.zeros(surface.points.shape[1])
    for depth in depths:
        at = np.rint(surface.points + depth * per_mm).astype(np.intp)
        k, j, i = np.clip(at, 0, last)
        hits += kept[k, j, i]
    return hits * step


def _tissue(hu: Floats) -> dict[str, float]:
    if len(hu) == 0:
        return {}
    shares, below = {}, 0.0
    for tissue, limit in TISSUE_HU:
        share = float((hu < limit).mean())
        shares[f"{tissue}_share"] = share - below
        below = share
    return shares | {"bone_share": 1.0 - below}


def ball_shell_mm3(tumour_mm3: float, inner_mm: float, outer_mm: float) -> float:
    """Volume of the same ring around a ball of the tumour's volume, mm^3.

    No body has a smaller unclipped annulus than the ball (Brunn-Minkowski), so an audit far below it is an error.
    """
    radius = (3.0 * tumour_mm3 / (4.0 * np.pi)) ** (1.0 / 3.0)
    return float(4.0 / 3.0 * np.pi * ((radius + outer_mm) ** 3 - (radius + inner_mm) ** 3))
