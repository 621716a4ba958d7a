"""How far two rasters, slices and volumes of the tumour agree; each is measured for every patient.

A voxel that a contour cuts rounds its area up or down. By chance the sum of ``n`` such roundings is off by the order
of ``sqrt(n)`` voxels: a difference of twice that is held against no tumour, however small.
"""

from __future__ import annotations

import numpy as np

from perisurv.cohort.checks.base import Check, Verdict, failed, not_applicable
from perisurv.cohort.checks.drawn import Pairing
from perisurv.cohort.rtstruct import draw
from perisurv.core.wording import counted

__all__ = ["AGREEMENT_CHECKS", "OtherLesions", "SameSlices", "SameVolume", "SimpleContours", "TwoRasters"]

_CHANCE = 2.0
_REQUIRES = "contours in the voxels of the CT"


class SimpleContours:
    """Contours do not cross themselves."""

    id = "crossing_contour"
    title = "self-crossing of contours measured"
    fault = "contour that crosses itself"
    requires = _REQUIRES

    def judge(self, pair: Pairing, /) -> Verdict:
        """State the area; how much of it matters is for the two rasters to say."""
        area = sum(d.crossed_mm2 for d in pair.drawings)
        said = f"Contours cross themselves: {area:.1f} mm2 are enclosed twice or the wrong way round."
        return Verdict(True, said if area >= 0.05 else "", area)


class TwoRasters:
    """The even-odd rule and the covered area give the same voxels."""

    id = "raster_disagreement"
    title = "two rasters agree"
    fault = "two rasters disagree"
    requires = _REQUIRES

    def judge(self, pair: Pairing, /) -> Verdict:
        """State 1 - Dice."""
        total = sum(d.even_odd + d.covered for d in pair.drawings)
        differ = total - 2 * sum(d.both for d in pair.drawings)
        value, limit = differ / total, pair.options.raster_limit
        if value <= limit or differ <= _by_chance(pair):
            return Verdict(True, f"1 - Dice = {value:.4f} between two rasters.", value)
        return failed(
            f"{pair.label}: even-odd rule and covered area differ by 1 - Dice = {value:.3f}, at most {limit:g} is "
            "allowed; contours cross themselves or one another, or are smaller than voxels. Draw it again, or raise "
            "raster_limit.",
            value,
        )


class SameSlices:
    """The tumour fills the slices that its contours reach."""

    id = "slice_difference"
    title = "mask and contours on the same slices"
    fault = "slices of mask and contours differ"
    requires = _REQUIRES

    def judge(self, pair: Pairing, /) -> Verdict:
        """Count both."""
        expected = sum(d.slices_expected for d in pair.drawings)
        filled = sum(d.slices_filled for d in pair.drawings)
        value = abs(expected - filled)
        if value <= pair.options.slice_limit:
            return Verdict(True, f"{filled} slices filled, {expected} reached by contours.", value)
        return failed(
            f"{pair.label} reaches {expected} slices and fills {filled}; at most {pair.options.slice_limit} may "
            "differ. Its contours are smaller than voxels or erase one another: draw it again, or raise slice_limit.",
            value,
        )


class SameVolume:
    """The tumour is as large as its contours."""

    id = "volume_difference"
    title = "mask and contours of the same volume"
    fault = "volumes of mask and contours differ"
    requires = _REQUIRES

    def judge(self, pair: Pairing, /) -> Verdict:
        """Compare voxels with the areas of the contours times the distance of their planes."""
        voxel_ml = pair.geometry.voxel_volume_mm3 / 1000.0
        mask_ml = sum(int(d.values.sum()) for d in pair.drawings) * voxel_ml
        contour_ml = sum(d.contour_mm3 for d in pair.drawings) / 1000.0
        differ_ml = abs(mask_ml - contour_ml)
        value = differ_ml / contour_ml if contour_ml > 0 else 1.0
        said = f"{mask_ml:.2f} ml of voxels, {contour_ml:.2f} ml inside the contours"
        if value <= pair.options.volume_limit or differ_ml <= _by_chance(pair) * voxel_ml:
            return Verdict(True, f"{said}: {100 * value:.1f} %.", value)
        return failed(
            f"{pair.label}: {said}; at most {100 * pair.options.volume_limit:g} % may differ. Its contours cross, or "
            "are smaller than voxels: draw it again, or raise volume_limit.",
            value,
        )


class OtherLesions:
    """Other lesions hold voxels outside the tumour."""

    id = "other_lesions"
    title = "other lesions left out"
    fault = "other lesions"
    requires = "other lesions"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Count their voxels."""
        if not pair.others:
            return not_applicable("no other lesions")
        interpolate = pair.options.between_slices == "interpolate"
        drawings = [draw(stack, pair.geometry, interpolate=interpolate) for stack in pair.other_stacks]
        count = sum(int(d.values.sum()) for d in drawings)
        names = ", ".join(r.name for r in pair.others)
        return Verdict(True, f"{names}: {counted(count, 'voxel')}, of which those of the tumour are left out.", count)


def _by_chance(pair: Pairing) -> float:
    """Voxels by which two sound countings of the tumour may differ."""
    return _CHANCE * float(np.sqrt(sum(d.cut for d in pair.drawings)))


AGREEMENT_CHECKS: tuple[Check[Pairing], ...] = (
    SimpleContours(),
    TwoRasters(),
    SameSlices(),
    SameVolume(),
    OtherLesions(),
)
