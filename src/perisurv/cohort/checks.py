"""What a CT, a contour and a clinical row must be: one small class a check.

A check has an ``id``, a ``title`` that opens the reason of the exclusion, and ``reason``: None if the subject passes,
else what is wrong, where, what was expected and what to do. Checks of one list build on those before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from perisurv.cohort.clinical import ClinicalRow
from perisurv.cohort.dicom import CtSeries
from perisurv.cohort.pseudonym import patient_key
from perisurv.cohort.rtstruct import StructureSet, rasterise
from perisurv.core import GeometryError

__all__ = [
    "CONTOUR_CHECKS",
    "OUTCOME_CHECKS",
    "REFERENCE_CHECKS",
    "SERIES_CHECKS",
    "BinaryEvent",
    "Check",
    "ClosedContours",
    "ContoursOnSlices",
    "EnclosedVoxels",
    "EveryReferencedSlice",
    "EverySlice",
    "Hounsfield",
    "NoGantryTilt",
    "OneSeries",
    "OneTumour",
    "Pairing",
    "PositiveTime",
    "RegularSlices",
    "SameCt",
    "SliceGeometry",
    "WholeFiles",
    "first_reason",
]

Subject_contra = TypeVar("Subject_contra", contravariant=True)
T = TypeVar("T")


class Check(Protocol[Subject_contra]):
    """One thing that must hold."""

    id: str
    title: str

    def reason(self, subject: Subject_contra, /) -> str | None:
        """None, or why the subject cannot be used."""
        ...


def first_reason(checks: Sequence[Check[T]], subject: T) -> str | None:
    """Title and reason of the first check that the subject does not pass; None if it passes all."""
    for check in checks:
        reason = check.reason(subject)
        if reason is not None:
            return f"{check.title}: {reason}"
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """A structure set with the CT series that it refers to."""

    structures: StructureSet
    series: CtSeries


class WholeFiles:
    """Every slice is as long as its header says."""

    id = "unreadable_file"
    title = "unreadable file"

    def reason(self, series: CtSeries, /) -> str | None:
        """Name the first slice that was cut off."""
        cut = [s.name for s in series.slices if s.truncated]
        if not cut:
            return None
        return f"{cut[0]} ends before its pixels do (such slices: {len(cut)}); copy or export the CT again."


class SliceGeometry:
    """Every file is one slice of a volume in patient space."""

    id = "slice_geometry"
    title = "no slice geometry"

    def reason(self, series: CtSeries, /) -> str | None:
        """Name the first file that is not a slice."""
        for s in series.slices:
            if s.frames > 1:
                return f"{s.name} holds {s.frames} frames (enhanced CT); export the CT with one file a slice."
            known = s.position_mm and s.row_direction and s.column_direction and s.spacing_mm
            if not known or s.rows < 1 or s.columns < 1:
                return f"{s.name} lacks position, orientation or pixel spacing; export the original CT."
        first = series.slices[0]
        axes = np.array([first.row_direction, first.column_direction])
        if not np.allclose(axes @ axes.T, np.eye(2), atol=1e-3) or min(first.spacing_mm or (0.0,)) <= 0:
            return f"{first.name} has axes that are not orthogonal unit vectors, or a pixel spacing of zero."
        if len(series.slices) < 2:
            return f"{first.name} is the only slice of its series; a volume needs at least two."
        return None


class OneSeries:
    """All slices belong to one volume of one patient, none lies where another lies."""

    id = "two_series"
    title = "two series with one UID"

    def reason(self, series: CtSeries, /) -> str | None:
        """Name two slices that cannot belong together."""
        first = series.slices[0]
        for what, values in (
            ("patient", [patient_key(s.patient_id) for s in series.slices]),
            ("matrix", [(s.rows, s.columns) for s in series.slices]),
            ("frame of reference", [s.frame_uid for s in series.slices]),
        ):
            other = next((s for s, v in zip(series.slices, values, strict=True) if v != values[0]), None)
            if other is not None:
                return f"{first.name} and {other.name} carry one SeriesInstanceUID but differ in {what}."
        axes = np.array([[*(s.row_direction or ()), *(s.column_direction or ()), *(s.spacing_mm or ())]
                         for s in series.slices])  # fmt: skip
        turned = np.flatnonzero(np.abs(axes - axes[0]).max(axis=1) > 1e-4)
        if turned.size:
            b = series.slices[turned[0]].name
            return f"{first.name} and {b} carry one SeriesInstanceUID but differ in orientation or pixel spacing."
        steps = np.diff(series.offsets_mm)
        again = np.flatnonzero(steps < 0.01 * np.median(steps) + 1e-6)
        if again.size == 0:
            return None
        a, b = series.slices[again[0]].name, series.slices[again[0] + 1].name
        return f"{a} and {b} lie at one position, as do {again.size} pairs of slices in all; keep one of the copies."


class NoGantryTilt:
    """The slices are stacked along their normal."""

    id = "gantry_tilt"
    title = "gantry tilt"

    def reason(self, series: CtSeries, /) -> str | None:
        """State the tilt."""
        tilted = [s for s in series.slices if abs(s.tilt_degrees) > 0.5]
        if tilted:
            return f"{tilted[0].name} was taken with the gantry tilted by {tilted[0].tilt_degrees:g} degrees, not 0."
        limit_mm = 0.5 * min(series.slices[0].spacing_mm or (0.0,))
        if series.drift_mm > limit_mm:
            return (
                f"the slices in {series.folder} drift sideways by {series.drift_mm:.2f} mm; at most half a pixel "
                f"({limit_mm:.2f} mm) is allowed."
            )
        return None


class EverySlice:
    """No slice is missing inside the series."""

    id = "missing_slice"
    title = "missing slice"

    def reason(self, series: CtSeries, /) -> str | None:
        """Name the slices around the first gap."""
        steps = np.diff(series.offsets_mm)
        usual = float(np.median(steps))
        gaps = np.flatnonzero(steps > 1.5 * usual)
        if gaps.size == 0:
            return None
        k = int(gaps[0])
        return (
            f"{series.slices[k].name} and {series.slices[k + 1].name} are {steps[k]:.2f} mm apart where "
            f"{usual:.2f} mm is usual (such gaps: {gaps.size}); export the whole series."
        )


class RegularSlices:
    """Slice distances agree within the tolerance."""

    id = "irregular_slices"
    title = "irregular slice distance"

    def reason(self, series: CtSeries, /) -> str | None:
        """State the range of the distances."""
        steps = np.diff(series.offsets_mm)
        usual = float(np.median(steps))
        if np.abs(steps - usual).max() <= series.tolerance * usual + 1e-6:
            return None
        return (
            f"slices in {series.folder} are {steps.min():.3f} to {steps.max():.3f} mm apart; "
            f"at most {100 * series.tolerance:g} % of {usual:.3f} mm may differ."
        )


class Hounsfield:
    """The stored values can be turned into HU."""

    id = "not_hu"
    title = "not HU"

    def reason(self, series: CtSeries, /) -> str | None:
        """Name the first slice without a usable rescale."""
        for s in series.slices:
            if s.slope is None or s.intercept is None or not s.slope > 0:
                return f"{s.name} has no usable RescaleSlope and RescaleIntercept; export the original CT."
            if s.rescale_type not in ("", "HU") or not s.greyscale:
                return f"{s.name} is stored as {s.rescale_type or 'colour'}, not as HU in MONOCHROME2."
        return None


class SameCt:
    """The structure set was drawn on this CT of this patient."""

    id = "other_ct"
    title = "RTSTRUCT of another CT"

    def reason(self, pair: Pairing, /) -> str | None:
        """Say what does not fit."""
        structures, series = pair.structures, pair.series
        first = series.slices[0]
        if patient_key(structures.patient_id) != patient_key(first.patient_id):
            return (
                f"{structures.name} was drawn on the CT of another patient in {series.folder}; export the contour of "
                "this patient."
            )
        if structures.frame_uids and first.frame_uid and first.frame_uid not in structures.frame_uids:
            return (
                f"{structures.name} names another frame of reference than the CT in {series.folder}; export the CT "
                "that it was drawn on."
            )
        if structures.image_uids and not structures.image_uids & _image_uids(series):
            return (
                f"{structures.name} refers to none of the slices in {series.folder}; export the CT that it was drawn "
                "on."
            )
        return None


class EveryReferencedSlice:
    """Every slice that the structure set refers to is there, also at the ends of the series."""

    id = "missing_slice"
    title = "missing slice"

    def reason(self, pair: Pairing, /) -> str | None:
        """Count the slices that are not there."""
        missing = len(pair.structures.image_uids - _image_uids(pair.series))
        if not missing:
            return None
        return (
            f"{pair.series.folder} lacks {missing} of the {len(pair.structures.image_uids)} slices that "
            f"{pair.structures.name} refers to; export the whole series."
        )


class OneTumour:
    """The rules choose exactly one ROI."""

    id = "no_tumour_roi"
    title = "no tumour ROI"

    def reason(self, pair: Pairing, /) -> str | None:
        """List the names that are there."""
        structures = pair.structures
        if not structures.candidates:
            names = ", ".join(structures.roi_names.values()) or "none"
            return (
                f"{structures.name} has no ROI that tumour_roi matches; its ROIs are {names}. Draw the tumour, or set "
                "tumour_roi to its name."
            )
        if structures.roi is None:
            names = ", ".join(structures.candidates)
            return f"{structures.name} has several tumour ROIs ({names}); make tumour_roi choose one."
        return None


class ClosedContours:
    """The tumour has closed contours."""

    id = "empty_contour"
    title = "empty contour"

    def reason(self, pair: Pairing, /) -> str | None:
        """Name the ROI."""
        roi = pair.structures.roi
        if roi is None or roi.contours:
            return None
        return (
            f"ROI {roi.name} of {pair.structures.name} has no closed contour of three points; draw it or take it out."
        )


class ContoursOnSlices:
    """Every contour lies on a slice of the CT and inside its image."""

    id = "other_ct"
    title = "RTSTRUCT of another CT"

    def reason(self, pair: Pairing, /) -> str | None:
        """Say where the first contour lies that does not."""
        roi = pair.structures.roi
        try:
            rasterise(roi.contours if roi else (), pair.series.geometry())
        except GeometryError as error:
            name = roi.name if roi else ""
            return (
                f"ROI {name} of {pair.structures.name}: {error} in {pair.series.folder}; export the CT that it was "
                "drawn on."
            )
        return None


class EnclosedVoxels:
    """The contours enclose the centre of some voxel."""

    id = "empty_contour"
    title = "empty contour"

    def reason(self, pair: Pairing, /) -> str | None:
        """Fill the contours and count."""
        roi = pair.structures.roi
        if roi is None or rasterise(roi.contours, pair.series.geometry()).voxel_count:
            return None
        return (
            f"ROI {roi.name} of {pair.structures.name} encloses no voxel of the CT in {pair.series.folder}; draw the "
            "tumour."
        )


class PositiveTime:
    """Survival time is a positive number."""

    id = "survival_time"
    title = "negative or zero survival time"

    def reason(self, row: ClinicalRow, /) -> str | None:
        """Quote the value."""
        if row.time_days is not None and row.time_days > 0:
            return None
        return (
            f"column {row.time_column} of {row.table} holds {row.time_text!r}; "
            "it must be a positive number counted from time zero."
        )


class BinaryEvent:
    """Event is known and is 0 or 1."""

    id = "event"
    title = "event not 0/1"

    def reason(self, row: ClinicalRow, /) -> str | None:
        """Quote the value."""
        if row.event is not None:
            return None
        return (
            f"column {row.event_column} of {row.table} holds {row.event_text!r}; it must be 1 (dead) or 0 (alive at "
            "last follow-up)."
        )


def _image_uids(series: CtSeries) -> set[str]:
    return {s.sop_uid for s in series.slices}


SERIES_CHECKS: tuple[Check[CtSeries], ...] = (
    WholeFiles(),
    SliceGeometry(),
    OneSeries(),
    NoGantryTilt(),
    EverySlice(),
    RegularSlices(),
    Hounsfield(),
)
REFERENCE_CHECKS: tuple[Check[Pairing], ...] = (SameCt(),)
CONTOUR_CHECKS: tuple[Check[Pairing], ...] = (
    EveryReferencedSlice(),
    OneTumour(),
    ClosedContours(),
    ContoursOnSlices(),
    EnclosedVoxels(),
)
OUTCOME_CHECKS: tuple[Check[ClinicalRow], ...] = (PositiveTime(), BinaryEvent())
