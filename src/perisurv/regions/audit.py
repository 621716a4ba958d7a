"""How a ring came out: thickness, volume, clipping, tissue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Volume

__all__ = ["TISSUE_HU", "audit_ring"]

# Upper limits in HU; bone is everything denser.
TISSUE_HU = (("air", -950.0), ("lung", -500.0), ("soft", 150.0))


def audit_ring(
    image: Volume, free: NDArray[np.bool_], kept: NDArray[np.bool_], distance_mm: NDArray[np.float64]
) -> dict[str, float]:
    """Figures of one ring.

    Parameters
    ----------
    image
        CT in HU.
    free, kept
        The ring before and after the barrier.
    distance_mm
        Signed distance to the tumour's surface, mm.

    Returns
    -------
    dict
        ``ring_ml`` and ``unclipped_ml``; ``clipped_share``; ``thickness_mm``: extent of the kept voxels along the
        distance, from the 1st to the 99th percentile stretched to the whole; shares of air, lung, soft tissue, bone.
    """
    voxel_ml = image.geometry.voxel_volume_mm3 / 1000.0
    n_free, n_kept = int(free.sum()), int(kept.sum())
    figures = {
        "ring_ml": n_kept * voxel_ml,
        "unclipped_ml": n_free * voxel_ml,
        "clipped_share": 1.0 - n_kept / n_free if n_free else 0.0,
    }
    if n_kept:
        # Voxel centres stop short of both surfaces, together by about half a voxel.
        reach = float(np.ptp(np.quantile(distance_mm[kept], (0.01, 0.99)))) / 0.98
        figures["thickness_mm"] = reach + 0.5 * min(image.geometry.spacing_mm)
        hu = image.values[kept]
        below = 0.0
        for tissue, limit in TISSUE_HU:
            share = float((hu < limit).mean())
            figures[f"{tissue}_share"] = share - below
            below = share
        figures["bone_share"] = 1.0 - below
    return figures
