"""Tumours and rings that the border of the CT cuts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from perisurv.core import Finding, Geometry, Mask, Region, RegionError

__all__ = ["border_findings", "border_sides", "cut_area_mm2", "cut_by_border", "refuse_cut_ring", "refuse_cut_tumour"]

Bools = NDArray[np.bool_]
Singles = NDArray[np.float32]
Side = tuple[int, int]  # index axis, and 0 for its first end, 1 for its last
AXES, ENDS = ("slice", "row", "column"), ("first", "last")
KEEP = 'set border = "truncate" below [regions] to keep the patient with what lies inside (the audit has the share)'


def border_sides(mask: Mask) -> tuple[Side, ...]:
    """Sides of its grid that a mask touches."""
    return tuple(
        (axis, end) for axis in range(3) for end in (0, 1) if np.take(mask.values, -1 if end else 0, axis).any()
    )


def cut_area_mm2(mask: Mask) -> float:
    """Area of the section in which the border of its grid cuts a mask, mm^2."""
    spacing, total = mask.geometry.spacing_mm, 0.0
    for axis, end in border_sides(mask):
        rows, columns = (spacing[other] for other in range(3) if other != axis)
        total += np.count_nonzero(np.take(mask.values, -1 if end else 0, axis)) * rows * columns
    return total


def cut_by_border(distance_mm: Singles, tumour: Bools, outside: Bools, grid: Geometry) -> Singles:
    """Distance beyond the CT to a tumour that ends where the CT ends.

    Nobody knows how a tumour goes on beyond the border. What a ring lacks there is counted as if the tumour ended
    at it, by the distance to the nearest voxel of the tumour less half a voxel.

    Parameters
    ----------
    distance_mm
        To a surface that goes on beyond the CT.
    tumour
        Voxels of the tumour inside the CT.
    outside
        Voxels beyond the CT.
    grid
        Of all three.
    """
    if not outside.any() or not tumour.any():
        return distance_mm
    beyond = distance_transform_edt(~tumour, sampling=grid.spacing_mm) - 0.5 * min(grid.spacing_mm)
    return np.where(outside, beyond, distance_mm).astype(np.float32)


def refuse_cut_tumour(patient: str, tumour: Mask) -> None:
    """Refuse a tumour on the border of the CT.

    Raises
    ------
    RegionError
        If it touches a side.
    """
    sides = border_sides(tumour)
    if sides:
        raise RegionError(
            f"Patient {patient}: the tumour touches the border of the CT ({_named(sides)}), so that tumour and rings "
            f"are cut off; check the contour, use a CT that holds the whole tumour, or {KEEP}."
        )


def refuse_cut_ring(patient: str, ring: Region) -> None:
    """Refuse a ring that reaches beyond the CT.

    Raises
    ------
    RegionError
        If a part of it lies there.
    """
    share = ring.audit["clipped_by_border_share"]
    if share > 0:
        raise RegionError(
            f"Patient {patient}: {100 * share:.1f} % of {ring.name} lies beyond the border of the CT; use a CT that "
            f"holds it, or {KEEP}."
        )


def border_findings(tumour: Mask, rings: Sequence[Region]) -> tuple[Finding, Finding]:
    """Whether tumour and rings lie inside the CT: checks of a patient that is kept in either case.

    Parameters
    ----------
    tumour
        On the grid of the CT.
    rings
        With their audit.
    """
    sides = border_sides(tumour)
    text = (
        f"The tumour touches the {_named(sides)} of the CT ({cut_area_mm2(tumour):.0f} mm2): where it goes on beyond, "
        'its volume and its features are those of a part. Exclude such patients by border = "exclude" below [regions].'
    )
    cut = [ring for ring in rings if ring.audit["clipped_by_border_share"] > 0]
    lost = ", ".join(
        f"{ring.name} {100 * ring.audit['clipped_by_border_share']:.1f} % ({ring.audit['clipped_by_border_ml']:.2f} ml)"
        for ring in cut
    )
    worst = max((ring.audit["clipped_by_border_share"] for ring in cut), default=0.0)
    return (
        Finding(
            "tumour_in_ct", "tumour inside the CT", "the contoured tumour", not sides, text if sides else "",
            cut_area_mm2(tumour), fault="tumour on the border of the CT",
        ),
        Finding(
            "rings_in_ct", "rings inside the CT", "the rings of the study", not cut,
            f"Beyond the CT lie of {lost}; the features of these rings are those of the rest." if cut else "",
            worst, fault="ring cut by the border of the CT",
        ),
    )  # fmt: skip


def _named(sides: Sequence[Side]) -> str:
    return " and ".join(f"{ENDS[end]} {AXES[axis]}" for axis, end in sides)
