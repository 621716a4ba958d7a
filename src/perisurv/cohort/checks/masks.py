"""What masks must be to their CT."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from perisurv.cohort.checks.base import PASSED, Check, Verdict, failed, not_applicable
from perisurv.cohort.checks.choice import OneTumour
from perisurv.cohort.checks.masked import Masks, SegPairing
from perisurv.cohort.checks.on_slices import OnSlices
from perisurv.cohort.checks.references import EveryReferencedSlice, NamedFrames, OneFile, SameCt
from perisurv.core import Geometry, InputError
from perisurv.core.wording import counted

__all__ = [
    "MASK_CHECKS",
    "SEG_CHECKS",
    "FilledMask",
    "MaskInsideCt",
    "MaskOfOtherLesions",
    "NoEmptySlice",
    "OneGrid",
    "ReadableMasks",
]

_REQUIRES = "a mask and its CT"


class ReadableMasks:
    """The chosen masks can be read and say which voxels are meant."""

    id = "unusable_mask"
    title = "masks readable and unambiguous"
    fault = "unusable mask"
    requires = _REQUIRES

    def judge(self, masks: Masks, /) -> Verdict:
        """Say what is wrong with the first that cannot."""
        try:
            count = len(masks.placed)
        except InputError as error:
            return failed(str(error))
        return Verdict(True, f"{count} {masks.noun}{'s' * (count != 1)} read of {len(masks.entries)}.", count)


class MaskInsideCt:
    """No voxel of a mask lies beyond the CT."""

    id = "mask_outside"
    title = "mask inside the CT"
    fault = "mask of another CT"
    requires = _REQUIRES

    def judge(self, masks: Masks, /) -> Verdict:
        """Count those that do."""
        outside = sum(part.outside for part in masks.used)
        if not outside:
            return PASSED
        return failed(
            f"{masks.label} reaches {outside} voxels beyond the CT in {masks.ct}; take the CT that it was drawn on.",
            outside,
        )


class OneGrid:
    """Masks share the grid of the CT, or the study file asks for resampling."""

    id = "mask_grid"
    title = "mask on the grid of the CT or resampled"
    fault = "mask on another grid"
    requires = _REQUIRES

    def judge(self, masks: Masks, /) -> Verdict:
        """Name both grids and by how much the volume changes; the value is that share."""
        moved = next((part for part in masks.used if part.own is not None), None)
        if moved is None or moved.own is None:
            return Verdict(True, "On the grid of the CT.", 0.0)
        grids = f"its grid of {_grid(moved.own)} is not that of the CT in {masks.ct}, {_grid(masks.grid)}"
        if masks.options.other_grid == "refuse":
            return failed(f'{masks.label}: {grids}; write it on that grid, or set other_grid to "resample".')
        before = sum(masks.placed[e.number].own_mm3 for e in masks.tumour) / 1000.0
        after = sum(float(masks.placed[e.number].values.sum()) for e in masks.tumour) * _voxel_ml(masks.grid)
        change = (after - before) / before if before else 0.0
        said = f"tumour of {before:.2f} ml before, {after:.2f} ml after, {100 * change:+.1f} %"
        return Verdict(True, f"Resampled to the CT: {grids}; {said}.", change)


class FilledMask:
    """The tumour holds voxels of the CT."""

    id = "no_voxel"
    title = "mask holds voxels of the CT"
    fault = "empty mask"
    requires = _REQUIRES

    def judge(self, masks: Masks, /) -> Verdict:
        """Count voxels and slices."""
        slices = np.flatnonzero(masks.values.any(axis=(1, 2)))
        if not slices.size:
            return failed(f"{masks.label} holds no voxel of the CT in {masks.ct}; draw the tumour or take it out.", 0.0)
        count = int(masks.values.sum())
        return Verdict(
            True,
            f"{counted(count, 'voxel')} on {counted(slices.size, 'slice')}, {slices[0] + 1} to {slices[-1] + 1}.",
            count,
        )


class NoEmptySlice:
    """The tumour leaves out no slice between two that overlap, or the study file leaves such slices empty."""

    id = "mask_gap"
    title = "mask without gap, or gap accepted"
    fault = "slices without mask"
    requires = _REQUIRES

    def judge(self, masks: Masks, /) -> Verdict:
        """Name the first gap. Two lesions, one below the other, are none."""
        filled = np.flatnonzero(masks.values.any(axis=(1, 2)))
        gaps = [(a, b) for a, b in pairwise(filled.tolist()) if b - a > 1 and _overlap(masks, a, b)]
        if not gaps:
            return PASSED
        a, b = gaps[0]
        empty = f"slice {b} lies" if b - a == 2 else f"slices {a + 2} to {b} lie"
        text = f"{empty} empty between two that overlap (such gaps: {len(gaps)})"
        if masks.options.between_slices == "leave":
            return Verdict(True, f"Left as they are: {text}.", len(gaps))
        return failed(f'{masks.label}: {text}. Draw every slice, or set between_slices to "leave".', len(gaps))


class MaskOfOtherLesions:
    """Other lesions hold voxels outside the tumour."""

    id = "other_lesions"
    title = "other lesions left out"
    fault = "other lesions"
    requires = "other lesions"

    def judge(self, masks: Masks, /) -> Verdict:
        """Count their voxels."""
        if not masks.others:
            return not_applicable("no other lesions")
        count = sum(int(masks.placed[e.number].values.sum()) for e in masks.others)
        names = ", ".join(e.name for e in masks.others)
        return Verdict(True, f"{names}: {counted(count, 'voxel')}, of which those of the tumour are left out.", count)


def _overlap(masks: Masks, a: int, b: int) -> bool:
    return bool((masks.values[a] & masks.values[b]).any())


def _voxel_ml(grid: Geometry) -> float:
    return grid.voxel_volume_mm3 / 1000.0


def _grid(grid: Geometry) -> str:
    size = " x ".join(map(str, grid.shape[::-1]))
    spacing = " x ".join(f"{mm:.4g}" for mm in grid.spacing_mm[::-1])
    return f"{size} voxels of {spacing} mm from ({', '.join(f'{mm:.2f}' for mm in grid.origin_mm)})"


SEG_CHECKS: tuple[Check[SegPairing], ...] = (
    SameCt("DICOM SEG"),
    OneFile(),
    EveryReferencedSlice(),
    OnSlices(),
    NamedFrames(),
)
MASK_CHECKS: tuple[Check[Masks], ...] = (
    ReadableMasks(),
    OneTumour(),
    MaskInsideCt(),
    OneGrid(),
    FilledMask(),
    NoEmptySlice(),
    MaskOfOtherLesions(),
)
