"""What contours and masks in DICOM say about the CT that they were drawn on."""

from __future__ import annotations

import numpy as np

from perisurv.cohort.checks.base import PASSED, Verdict, failed, not_applicable
from perisurv.cohort.checks.drawn import Pairing
from perisurv.cohort.checks.masked import SegPairing
from perisurv.cohort.checks.on_slices import off_slices
from perisurv.cohort.checks.uids import Pair, missing_slices, other_ct, passes
from perisurv.cohort.pseudonym import patient_key

__all__ = ["NEXT_SLICE", "EveryReferencedSlice", "NamedFrames", "OneFile", "SameCt", "advice"]

# A contour or frame may name the slice next to it, not the one behind that; in slice distances.
NEXT_SLICE = 0.75
_REQUIRES = "a structure set or DICOM SEG and its CT"


class OneFile:
    """What is there twice, under one SOPInstanceUID or under two, is read once."""

    id = "copied_contours"
    title = "each file of contours read once"
    fault = "copies of one file"
    requires = _REQUIRES

    def judge(self, pair: Pair, /) -> Verdict:
        """Name the copies that are passed over; files of one SOPInstanceUID that differ were refused before."""
        copies = pair.structures.copies
        more = f" and {len(copies) - 1} more" if len(copies) > 1 else ""
        said = f"Copies of {pair.structures.name} are passed over: {copies[0]}{more}." if copies else ""
        return Verdict(True, said, len(copies))


class SameCt:
    """The structure set or DICOM SEG was drawn on this CT of this patient."""

    id = "other_ct"
    requires = _REQUIRES

    def __init__(self, kind: str) -> None:
        self.title = f"{kind} drawn on this CT"
        self.fault = f"{kind} of another CT"

    def judge(self, pair: Pair, /) -> Verdict:
        """Say what does not fit."""
        structures, series = pair.structures, pair.series
        if patient_key(structures.patient_id) != patient_key(series.slices[0].patient_id):
            return failed(
                f"{structures.name} was drawn on the CT of another patient in {series.folder}; export the contour of "
                "this patient."
            )
        mismatch = other_ct(pair)
        if not mismatch or passes(pair, pair.options.references):
            return PASSED
        return failed(f"{structures.name} {mismatch}; export the CT that it was drawn on{advice(pair)}.")


class EveryReferencedSlice:
    """Every slice that the structure set or DICOM SEG refers to is there, also at the ends of the series."""

    id = "referenced_slice"
    title = "every referenced slice present"
    fault = "missing slice"
    requires = _REQUIRES

    def judge(self, pair: Pair, /) -> Verdict:
        """Count the slices that are not there."""
        missing, named = missing_slices(pair)
        if not missing or passes(pair, pair.options.references):
            return PASSED
        return failed(
            f"{pair.series.folder} lacks {missing} of the {named} slices that {pair.structures.name} refers to; "
            f"export the whole series{advice(pair)}."
        )


def advice(pair: Pair) -> str:
    """The line of the study file that would accept this CT, if its contours lie on the slices; else why not."""
    policy = next((p for p in ("series", "geometry") if passes(pair, p)), "geometry")
    off = off_slices(pair)
    if off:
        return f" (by its contours it does not fit either: {off})"
    what = "contours" if isinstance(pair, Pairing) else "frames"
    return f', or, as all {what} lie on slices of this CT, set references = "{policy}" below [cohort]'


class NamedFrames:
    """A frame of a DICOM SEG lies on the slice that it names, or next to it."""

    id = "wrong_slice"
    title = "frames on the slices they name"
    fault = "frame on another slice than it names"
    requires = "frames that name their slice"

    def judge(self, pair: SegPairing, /) -> Verdict:
        """Name the first slice whose frame lies elsewhere."""
        slices = pair.series.by_name
        named = []
        for frame in pair.structures.frames:
            known = frame.images & slices.keys()
            if frame.position_mm and len(frame.images) == 1 and known:
                named.append((frame.position_mm, slices[min(known)]))
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
