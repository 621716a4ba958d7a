"""How a ring came out: volume, thickness, clipping, tissue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["TISSUE_HU", "audit_ring", "ball_shell_mm3"]

# Upper limits in HU; bone is everything denser.
TISSUE_HU = (("air", -950.0), ("lung", -500.0), ("soft", 150.0))
Floats = NDArray[np.floating]


def audit_ring(
    free_mm: Floats, kept_mm: Floats, kept_hu: Floats, *, inner_mm: float, outer_mm: float, step_mm: float
) -> dict[str, float]:
    """Thickness, clipping and tissue of one ring.

    Parameters
    ----------
    free_mm, kept_mm
        Distances to the tumour's surface of the ring's voxels before and after barrier and image border, mm.
    kept_hu
        HU of the kept voxels.
    inner_mm, outer_mm
        The distances between which the ring was meant to lie, mm.
    step_mm
        Voxel spacing, mm.

    Returns
    -------
    dict
        ``thickness_mm``: extent of the ring along the surface normal, averaged over the surface: the share that the
        barrier left at each distance, integrated over the distances that hold voxels. ``clipped_share``: what barrier
        and image border took. ``air_share``, ``lung_share``, ``soft_share``, ``bone_share``: tissue by HU, sum 1.
    """
    figures = {"thickness_mm": 0.0, "clipped_share": 1.0 - len(kept_mm) / max(len(free_mm), 1)}
    if len(kept_mm) == 0:
        return figures
    edges = np.linspace(inner_mm, outer_mm, max(round((outer_mm - inner_mm) / step_mm), 1) + 1)
    free, kept = np.histogram(free_mm, edges)[0], np.histogram(kept_mm, edges)[0]
    held = free > 0
    figures["thickness_mm"] = float(np.sum(np.diff(edges)[held] * kept[held] / free[held]))
    below = 0.0
    for tissue, limit in TISSUE_HU:
        share = float((kept_hu < limit).mean())
        figures[f"{tissue}_share"] = share - below
        below = share
    figures["bone_share"] = 1.0 - below
    return figures


def ball_shell_mm3(tumour_mm3: float, inner_mm: float, outer_mm: float) -> float:
    """Volume of the same ring around a ball of the tumour's volume, mm^3.

    No body has a smaller unclipped annulus than the ball (Brunn-Minkowski), so an audit far below it is an error.
    """
    radius = (3.0 * tumour_mm3 / (4.0 * np.pi)) ** (1.0 / 3.0)
    return float(4.0 / 3.0 * np.pi * ((radius + outer_mm) ** 3 - (radius + inner_mm) ** 3))
