"""What contours and masks in DICOM say about the CT that they were drawn on."""

from __future__ import annotations

import numpy as np

from perisurv.cohort.checks.base import PASSED, Verdict, failed, not_applicable
from perisurv.cohort.checks.drawn import Pairing
from perisurv.cohort.checks.masked import SegPairing
from perisurv.cohort.pseudonym import patient_key

__all__ = ["NEXT_SLICE", "EveryReferencedSlice", "NamedFrames", "SameCt"]

# A contour or frame may name the slice next to it, not the one behind that; in slice distances.
NEXT_SLICE = 0.75
_REQUIRES = "a structure set or DICOM SEG and its CT"


class SameCt:
    """The structure set or DICOM SEG was drawn on this CT of this patient."""

    id = "other_ct"
    requires = _REQUIRES

    def __init__(self, kind: str) -> None:
        self.title = f"{kind} of another CT"

    def judge(self, pair: Pairing | SegPairing, /) -> Verdict:
        """Say what does not fit."""
        structures, series = pair.structures, pair.series
        first = series.slices[0]
        if patient_key(structures.patient_id) != patient_key(first.patient_id):
            return failed(
                f"{structures.name} was drawn on the CT of another patient in {series.folder}; export the contour of "
                "this patient."
            )
        if pair.frame_uids and first.frame_uid and first.frame_uid not in pair.frame_uids:
            return failed(
                f"{structures.name} names another frame of reference than the CT in {series.folder}; export the CT "
                "that it was drawn on."
            )
        if structures.image_uids and not structures.image_uids & series.images:
            return failed(
                f"{structures.name} refers to none of the slices in {series.folder}; export the CT that it was drawn "
                "on."
            )
        return PASSED


class EveryReferencedSlice:
    """Every slice that the structure set or DICOM SEG refers to is there, also at the ends of the series."""

    id = "referenced_slice"
    title = "missing slice"
    requires = _REQUIRES

    def judge(self, pair: Pairing | SegPairing, /) -> Verdict:
        """Count the slices that are not there."""
        named = pair.structures.image_uids | pair.structures.named_images()
        missing = len(named - pair.series.images - pair.series.aside)
        if not missing:
            return PASSED
        return failed(
            f"{pair.series.folder} lacks {missing} of the {len(named)} slices that {pair.structures.name} refers to; "
            "export the whole series."
        )


class NamedFrames:
    """A frame of a DICOM SEG lies on the slice that it names, or next to it."""

    id = "wrong_slice"
    title = "frame on another slice than it names"
    requires = "frames that name their slice"

    def judge(self, pair: SegPairing, /) -> Verdict:
        """Name the first slice whose frame lies elsewhere."""
        uids = [s.sop_uid for s in pair.series.slices]
        # The name of a multi-frame file does not say which frame.
        slices = {s.sop_uid: s for s in pair.series.slices if uids.count(s.sop_uid) == 1}
        named = [(position, slices[uid]) for position, uid in pair.structures.named if uid in slices]
        if not named:
            return not_applicable("no frame names the slice that it lies on")
        to_index = pair.series.geometry().to_index
        at = to_index([position for position, _ in named])[:, 0]
        there = to_index([s.position_mm or (0.0, 0.0, 0.0) for _, s in named])[:, 0]
        off = np.abs(at - there)
        n = int(off.argmax())
        if off[n] > NEXT_SLICE:
            return failed(
                f"{pair.structures.name}: a frame on slice {round(float(at[n])) + 1} names {named[n][1].label}, which "
                f"is slice {round(float(there[n])) + 1}; export CT and SEG together.",
                float(off[n]),
            )
        return Verdict(True, f"At most {off[n]:.2f} slices off the slice named.", float(off[n]))
