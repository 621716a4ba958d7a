"""Whether contours and frames lie on the slices of a CT: what speaks for it where the UIDs of slices do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.checks.base import Verdict, failed, first_reason, not_applicable
from perisurv.cohort.checks.drawn import Pairing
from perisurv.cohort.checks.masked import SegPairing
from perisurv.cohort.checks.series import SERIES_CHECKS
from perisurv.cohort.checks.uids import Pair, agrees, uid_mismatch
from perisurv.cohort.rtstruct import outside_ct
from perisurv.core import Geometry

__all__ = ["OnSlices", "off_slices"]

# How far off its slice a contour or frame may lie, in slice distances: no more than rounded decimal text explains.
_ON_SLICE = 0.1
# Cosine of the angle between a row or column of a frame and the normal of the slices.
_PARALLEL = 0.01


def off_slices(pair: Pair) -> str:
    """Why not every contour or frame lies on a slice of the CT, inside its image; empty if all do."""
    broken = first_reason(SERIES_CHECKS, pair.series)
    if broken:
        return f"the CT cannot be used ({broken.split(':')[0]})"
    grid = pair.series.geometry()
    return _contours_off(pair, grid) if isinstance(pair, Pairing) else _frames_off(pair, grid)


def _contours_off(pair: Pairing, grid: Geometry) -> str:
    contours = [c for r in pair.drawn for c in r.contours]
    if not contours:
        return "it has no contour of the tumour"
    return outside_ct(contours, grid) or _off("a contour", np.concatenate([c.points_mm for c in contours]), grid)


def _frames_off(pair: SegPairing, grid: Geometry) -> str:
    frames = pair.structures.tumour_frames()
    points = [f.position_mm for f in frames if f.position_mm]
    if not frames or len(points) < len(frames):
        return "its frames do not say where they lie"
    normal = np.asarray(grid.direction)[:, 0]
    if any(len(f.axes) != 6 or np.abs(np.reshape(f.axes, (2, 3)) @ normal).max() > _PARALLEL for f in frames):
        return "a frame is not parallel to the slices"
    return _off("a frame", np.array(points), grid)


def _off(what: str, points_mm: NDArray[np.float64], grid: Geometry) -> str:
    k = grid.to_index(points_mm)[:, 0]
    nearest = np.round(k).clip(0, grid.shape[0] - 1)
    off = float(np.abs(k - nearest).max())
    return f"{what} lies {grid.spacing_mm[0] * off:.2f} mm off the nearest slice" if off > _ON_SLICE else ""


class OnSlices:
    """Where references to the CT do not fit and are passed over, all contours or frames lie on its slices."""

    id = "references"
    title = "contours on the slices of the CT"
    fault = "contours off the slices of the CT"
    requires = "contours or frames whose references do not fit"

    def judge(self, pair: Pair, /) -> Verdict:
        """Say which references were passed over, and what speaks for the CT."""
        mismatch = uid_mismatch(pair)
        if not mismatch:
            return not_applicable("all references fit")
        name, folder = pair.structures.name, pair.series.folder
        off = off_slices(pair)
        if off:
            return failed(f"{name} {mismatch}, and {off}; export the CT that it was drawn on.")
        agreement = " and ".join(("the patient", *agrees(pair)))
        if isinstance(pair, Pairing):
            count = f"each of its {sum(len(r.contours) for r in pair.drawn)} contours"
        else:
            count = f"each of its {len(pair.structures.tumour_frames())} frames"
        return Verdict(
            True,
            f'{name} {mismatch}, which references = "{pair.options.references}" passes over: {agreement} fit'
            f"{'' if agrees(pair) else 's'}, and {count} lies on a slice of the CT in {folder}, inside its image.",
        )
