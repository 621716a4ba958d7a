"""What a ring may not take: beyond the image, beyond its barrier, excluded tissue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Finding, Geometry, Mask, RegionError, Scan
from perisurv.imaging import Body, Lungs, airway_mask, bone_mask, find_body, find_lungs, resample_mask, vessel_mask
from perisurv.imaging.shapes import grown, shrunk
from perisurv.regions.options import RingOptions

__all__ = ["barred", "body_finding", "outside_image"]

Bools = NDArray[np.bool_]
# Partial volume and contouring leave this much between tumour and aerated lung, mm.
GAP_MM = 3.0
# A body that fills more of the image leaves no air around it; one with less of the tumour is not the patient.
MOST_OF_IMAGE, HELD_SHARE = 0.85, 0.5


def barred(scan: Scan, tumour: Mask, options: RingOptions) -> tuple[dict[str, Bools], tuple[Finding, ...]]:
    """Barrier and exclusions of the options by name, with the voxels that they keep from a ring, and findings.

    ``body``: all but the patient; couch and surrounding air. ``lung``: all but the lung of the tumour and the seam
    between both (morphological closing of both together by 3 mm). Of the two lungs it is the one with more voxels
    within 3 mm of the tumour, also for a tumour of the mediastinum that touches both. ``bone``, ``airway``,
    ``vessel``: as in :mod:`perisurv.imaging.anatomy`.

    Parameters
    ----------
    scan
        CT on its native grid; lungs as drawn, if they are.
    tumour
        On the analysis grid, which may reach beyond the CT.
    options
        Barrier and exclusions.

    Raises
    ------
    RegionError
        If the barrier is the body and most of the tumour lies outside of it, or the lung and the tumour touches none.
    """
    taken: dict[str, Bools] = {}
    findings: tuple[Finding, ...] = ()
    asked = {options.barrier, *options.exclude}
    lungs = find_lungs(scan.ct) if asked & {"lung", "airway", "vessel"} else None
    if options.barrier == "body":
        body = find_body(scan.ct, scan.tumour)
        taken["body"] = _beyond_body(scan, body, tumour)
        findings = (body_finding(body),)
    if lungs and options.barrier == "lung":
        taken["lung"] = _beyond_lung(scan, lungs, tumour)
    if "bone" in asked:
        taken["bone"] = bone_mask(scan.ct, tumour.geometry).values
    if lungs and "airway" in asked:
        taken["airway"] = airway_mask(scan.ct, lungs, tumour.geometry).values
    if lungs and "vessel" in asked:
        right, left = _both(scan, lungs, tumour.geometry)
        both = Mask(right.values | left.values, tumour.geometry)
        taken["vessel"] = vessel_mask(scan.ct, both, tumour).values
    return taken, findings


def body_finding(body: Body) -> Finding:
    """Whether air is left around the body: fails where it touches all four borders of a slice or fills the image."""
    slices = body.mask.values.shape[0]
    wrong = body.cut_slices > 0 or body.share > MOST_OF_IMAGE
    text = (
        f"The body that was found touches all four borders of {body.cut_slices} of {slices} slices and fills "
        f"{100 * body.share:.0f} % of the image: the field of view is smaller than the patient, or air was taken for "
        'body. Look at the sheet of the patient; where it is wrong, set barrier = "none" below [regions].'
    )
    passed = f"It fills {100 * body.share:.0f} % of the image."
    return Finding(
        "body_in_air",
        "body told from the air around it",
        'barrier = "body"',
        not wrong,
        text if wrong else passed,
        body.share,
        fault="body not told from the air around it",
    )


def _beyond_body(scan: Scan, body: Body, tumour: Mask) -> Bools:
    inside = body.on(tumour.geometry).values
    share = np.count_nonzero(inside & tumour.values) / max(tumour.voxel_count, 1)
    if share < HELD_SHARE:
        raise RegionError(
            f"Patient {scan.patient}: {100 * share:.0f} % of the tumour lies in the body that was found in the CT, so "
            'that the barrier body would leave the wrong part of its rings; check the contour, or set barrier = "none" '
            "below [regions]."
        )
    return np.asarray(~inside)


def _both(scan: Scan, lungs: Lungs, grid: Geometry) -> tuple[Mask, Mask]:
    """Right and left lung on a grid: as drawn, else as found."""
    return lungs.on(grid) if scan.lungs is None else lungs.split(resample_mask(scan.lungs, grid))


def _beyond_lung(scan: Scan, lungs: Lungs, tumour: Mask) -> Bools:
    spacing = tumour.geometry.spacing_mm
    near = grown(tumour.values, GAP_MM, spacing)
    own, other = sorted(
        (lung.values for lung in _both(scan, lungs, tumour.geometry)),
        key=lambda lung: -int(np.count_nonzero(lung & near)),
    )
    if not (own & near).any():
        raise RegionError(
            f"Patient {scan.patient}: the tumour touches neither lung {_origin(scan)}, so that the barrier lung leaves "
            'nothing of its rings; check the contour, name the ROIs of the lungs in lung_rois, or use barrier = "body".'
        )
    both = own | tumour.values
    seamless = shrunk(grown(both, GAP_MM, spacing), GAP_MM, spacing) | both
    return np.asarray(~seamless | other | outside_image(scan.ct.geometry, tumour.geometry))


def _origin(scan: Scan) -> str:
    return "that was found in the CT" if scan.lungs is None else "that was drawn"


def outside_image(native: Geometry, grid: Geometry) -> Bools:
    """Voxels whose centre lies beyond the outer faces of the native grid."""
    last = np.asarray(grid.shape) - 1
    low, high = native.to_index(grid.to_mm((0, 0, 0))), native.to_index(grid.to_mm(last))
    within = []
    for axis, n in enumerate(native.shape):
        where = np.linspace(low[axis], high[axis], grid.shape[axis])
        within.append((where >= -0.5 - 1e-6) & (where <= n - 0.5 + 1e-6))
    k, j, i = within
    return np.asarray(~(k[:, None, None] & j[None, :, None] & i[None, None, :]))
