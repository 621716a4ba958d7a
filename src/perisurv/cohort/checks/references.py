"""What contours and masks in DICOM say about the CT that they were drawn on."""

from __future__ import annotations

from perisurv.cohort.checks.base import PASSED, Verdict, failed
from perisurv.cohort.checks.drawn import Pairing
from perisurv.cohort.checks.masked import SegPairing
from perisurv.cohort.pseudonym import patient_key

__all__ = ["EveryReferencedSlice", "SameCt"]

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
