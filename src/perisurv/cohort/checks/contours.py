"""What a structure set must be to the CT that it was drawn on."""

from __future__ import annotations

from dataclasses import dataclass

from perisurv.cohort.checks.base import PASSED, Check, Verdict, failed
from perisurv.cohort.dicom import CtSeries
from perisurv.cohort.pseudonym import patient_key
from perisurv.cohort.rtstruct import StructureSet, rasterise
from perisurv.core import GeometryError

__all__ = [
    "CONTOUR_CHECKS",
    "REFERENCE_CHECKS",
    "ClosedContours",
    "ContoursOnSlices",
    "EnclosedVoxels",
    "EveryReferencedSlice",
    "OneTumour",
    "Pairing",
    "SameCt",
]


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """A structure set with the CT series that it refers to."""

    structures: StructureSet
    series: CtSeries


class SameCt:
    """The structure set was drawn on this CT of this patient."""

    id = "other_ct"
    title = "RTSTRUCT of another CT"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Say what does not fit."""
        structures, series = pair.structures, pair.series
        first = series.slices[0]
        if patient_key(structures.patient_id) != patient_key(first.patient_id):
            return failed(
                f"{structures.name} was drawn on the CT of another patient in {series.folder}; export the contour of "
                "this patient."
            )
        if structures.frame_uids and first.frame_uid and first.frame_uid not in structures.frame_uids:
            return failed(
                f"{structures.name} names another frame of reference than the CT in {series.folder}; export the CT "
                "that it was drawn on."
            )
        if structures.image_uids and not structures.image_uids & _image_uids(series):
            return failed(
                f"{structures.name} refers to none of the slices in {series.folder}; export the CT that it was drawn "
                "on."
            )
        return PASSED


class EveryReferencedSlice:
    """Every slice that the structure set refers to is there, also at the ends of the series."""

    id = "missing_slice"
    title = "missing slice"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Count the slices that are not there."""
        missing = len(pair.structures.image_uids - _image_uids(pair.series))
        if not missing:
            return PASSED
        return failed(
            f"{pair.series.folder} lacks {missing} of the {len(pair.structures.image_uids)} slices that "
            f"{pair.structures.name} refers to; export the whole series."
        )


class OneTumour:
    """The rules choose exactly one ROI."""

    id = "no_tumour_roi"
    title = "no tumour ROI"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """List the names that are there."""
        structures = pair.structures
        if not structures.candidates:
            names = ", ".join(structures.roi_names.values()) or "none"
            return failed(
                f"{structures.name} has no ROI that tumour_roi matches; its ROIs are {names}. Draw the tumour, or set "
                "tumour_roi to its name."
            )
        if structures.roi is None:
            names = ", ".join(structures.candidates)
            return failed(f"{structures.name} has several tumour ROIs ({names}); make tumour_roi choose one.")
        return PASSED


class ClosedContours:
    """The tumour has closed contours."""

    id = "empty_contour"
    title = "empty contour"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Name the ROI."""
        roi = pair.structures.roi
        if roi is None or roi.contours:
            return PASSED
        return failed(
            f"ROI {roi.name} of {pair.structures.name} has no closed contour of three points; draw it or take it out."
        )


class ContoursOnSlices:
    """Every contour lies on a slice of the CT and inside its image."""

    id = "other_ct"
    title = "RTSTRUCT of another CT"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Say where the first contour lies that does not."""
        roi = pair.structures.roi
        try:
            rasterise(roi.contours if roi else (), pair.series.geometry())
        except GeometryError as error:
            name = roi.name if roi else ""
            return failed(
                f"ROI {name} of {pair.structures.name}: {error} in {pair.series.folder}; export the CT that it was "
                "drawn on."
            )
        return PASSED


class EnclosedVoxels:
    """The contours enclose the centre of some voxel."""

    id = "empty_contour"
    title = "empty contour"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Fill the contours and count."""
        roi = pair.structures.roi
        if roi is None or rasterise(roi.contours, pair.series.geometry()).voxel_count:
            return PASSED
        return failed(
            f"ROI {roi.name} of {pair.structures.name} encloses no voxel of the CT in {pair.series.folder}; draw the "
            "tumour."
        )


def _image_uids(series: CtSeries) -> set[str]:
    return {s.sop_uid for s in series.slices}


REFERENCE_CHECKS: tuple[Check[Pairing], ...] = (SameCt(),)
CONTOUR_CHECKS: tuple[Check[Pairing], ...] = (
    EveryReferencedSlice(),
    OneTumour(),
    ClosedContours(),
    ContoursOnSlices(),
    EnclosedVoxels(),
)
