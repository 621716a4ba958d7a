"""What a CT series must be."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from perisurv.cohort.checks.base import PASSED, Check, Verdict, failed
from perisurv.cohort.ct import CtSeries, same_pixels
from perisurv.cohort.dicom import CtHeader
from perisurv.cohort.pseudonym import patient_key
from perisurv.core import ReadError

__all__ = [
    "SERIES_CHECKS",
    "EverySlice",
    "Hounsfield",
    "NoGantryTilt",
    "OneCopy",
    "OneSeries",
    "RegularSlices",
    "SliceGeometry",
    "WholeFiles",
]

# Pixels of a CT of a patient, mm: what lies beyond is a wrong unit or a damaged header.
_PIXEL_MM = (0.05, 10.0)
# A header may round the tilt; what is below this is none, and what differs by less is the same.
_NO_TILT_DEGREES = 0.5
_SAME_TILT_DEGREES = 1.0
# No gantry tilts further.
_MOST_TILT_DEGREES = 45.0
# Sideways steps of slices on one line may differ by this much at least, mm: positions are rounded decimal text.
_ROUNDED_MM = 0.01


class WholeFiles:
    """Every slice is as long as its header says."""

    id = "unreadable_file"
    title = "every slice file complete"
    fault = "unreadable file"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Name the first slice that was cut off."""
        cut = [s.name for s in series.slices if s.truncated]
        if not cut:
            return PASSED
        return failed(f"{cut[0]} ends before its pixels do (such slices: {len(cut)}); copy or export the CT again.")


class OneCopy:
    """What is there twice under one SOPInstanceUID is the same."""

    id = "copied_slice"
    title = "copies of a slice identical"
    fault = "two slices with one UID"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Compare headers and pixels; say which copies are passed over."""
        files: dict[tuple[str, str], list[tuple[CtHeader, CtHeader]]] = defaultdict(list)
        for used, copy in series.copies:
            files[used.name, copy.name].append((used, copy))
        for (used_name, copy_name), pairs in files.items():
            what = f"{used_name} and {copy_name} carry one SOPInstanceUID"
            advice = "keep the one that the contours were drawn on."
            if any(_facts(used) != _facts(copy) for used, copy in pairs):
                return failed(f"{what} but differ in their headers; {advice}")
            try:
                if not same_pixels(pairs):
                    return failed(f"{what} but differ in their pixels; {advice}")
            except ReadError as error:
                return failed(f"{what}, and {error}")
        names = sorted(copy for _, copy in files)
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return Verdict(True, f"Copies are passed over: {names[0]}{more}." if names else "", len(names))


class SliceGeometry:
    """Every file is one slice of a volume in patient space."""

    id = "slice_geometry"
    title = "slice geometry known"
    fault = "no slice geometry"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Name the first file that is not a slice."""
        for s in series.slices:
            if s.frames > 1 and not s.frame:
                return failed(f"{s.label} holds {s.frames} frames but is no enhanced CT; export the original CT.")
            known = s.position_mm and s.row_direction and s.column_direction and s.spacing_mm
            if not known or s.rows < 1 or s.columns < 1:
                return failed(f"{s.label} lacks position, orientation or pixel spacing; export the original CT.")
        first = series.slices[0]
        axes = np.array([first.row_direction, first.column_direction])
        if not np.allclose(axes @ axes.T, np.eye(2), atol=1e-3):
            return failed(f"{first.label} has axes that are not orthogonal unit vectors; export the original CT.")
        least, most = _PIXEL_MM
        rows_mm, columns_mm = first.spacing_mm or (0.0, 0.0)
        if not (least <= rows_mm <= most and least <= columns_mm <= most):
            return failed(
                f"{first.label} has a pixel spacing of {rows_mm:g} x {columns_mm:g} mm where a CT of a patient has "
                f"{least:g} to {most:g}; export the original CT."
            )
        if len(series.slices) < 2:
            return failed(f"{first.label} is the only slice of its series; a volume needs at least two.")
        return PASSED


class OneSeries:
    """All slices belong to one volume of one patient, none lies where another lies."""

    id = "two_series"
    title = "one volume of one patient"
    fault = "two series with one UID"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Name two slices that cannot belong together."""
        first = series.slices[0]
        for what, values in (
            ("patient", [patient_key(s.patient_id) for s in series.slices]),
            ("matrix", [(s.rows, s.columns) for s in series.slices]),
            ("pixel format", [s.pixel_format for s in series.slices]),
            ("frame of reference", [s.frame_uid for s in series.slices]),
        ):
            other = next((s for s, v in zip(series.slices, values, strict=True) if v != values[0]), None)
            if other is not None:
                return failed(f"{first.label} and {other.label} carry one SeriesInstanceUID but differ in {what}.")
        axes = np.array([[*(s.row_direction or ()), *(s.column_direction or ()), *(s.spacing_mm or ())]
                         for s in series.slices])  # fmt: skip
        turned = np.flatnonzero(np.abs(axes - axes[0]).max(axis=1) > 1e-4)
        if turned.size:
            b = series.slices[turned[0]].label
            return failed(
                f"{first.label} and {b} carry one SeriesInstanceUID but differ in orientation or pixel spacing."
            )
        steps = np.diff(series.offsets_mm)
        again = np.flatnonzero(steps < 0.01 * np.median(steps) + 1e-6)
        if again.size == 0:
            count = sum("#" in name for name in series.aside)  # every image has one name with a frame
            return Verdict(True, f"Images of the series that are not of this volume: {count}." if count else "", count)
        a, b = series.slices[again[0]].label, series.slices[again[0] + 1].label
        return failed(
            f"{a} and {b} lie at one position, as do {again.size} pairs of slices in all; keep one of the copies."
        )


class NoGantryTilt:
    """The slices are stacked along their normal, or the study file says what to do. Positions rule, not the header."""

    id = "gantry_tilt"
    title = "gantry tilt absent or corrected"
    fault = "gantry tilt"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """State the tilt by the positions, and by the header if they contradict each other."""
        stated = max(series.slices, key=lambda s: abs(s.tilt_degrees))
        tilted = abs(stated.tilt_degrees) > _NO_TILT_DEGREES
        if not series.sheared:
            said = f"{stated.label} states a tilt of {stated.tilt_degrees:g} degrees, but the slices lie straight."
            return Verdict(True, said if tilted else "", series.drift_mm)
        degrees, off_mm = series.shear()
        drift = (
            f"the slices in {series.folder} drift sideways by {series.drift_mm:.2f} mm; at most half a pixel "
            f"({series.drift_limit_mm:.2f} mm) is allowed"
        )
        if off_mm > series.drift_limit_mm or degrees > _MOST_TILT_DEGREES:
            return failed(f"{drift}, and not as a gantry tilts; export the original CT.", degrees)
        if tilted and abs(abs(stated.tilt_degrees) - degrees) > _SAME_TILT_DEGREES:
            return failed(
                f"{stated.label} states a tilt of {stated.tilt_degrees:g} degrees, but the positions are tilted by "
                f"{degrees:.1f}; export the original CT.",
                degrees,
            )
        if series.rules.gantry_tilt == "refuse":
            return failed(
                f'{drift}: a tilt of {degrees:.1f} degrees. Take a CT without tilt, or set gantry_tilt to "resample".',
                degrees,
            )
        return Verdict(True, f"Tilted by {degrees:.1f} degrees: resampled onto a rectangular grid.", degrees)


class EverySlice:
    """No slice is missing inside the series."""

    id = "missing_slice"
    title = "no slice missing inside the series"
    fault = "missing slice"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Name the slices around the first gap, or count the files that are not there."""
        if series.files_missing:
            return failed(
                f"{series.folder} lacks {series.files_missing} of the files of a concatenated multi-frame image; "
                "export the whole series."
            )
        steps = np.diff(series.offsets_mm)
        usual = float(np.median(steps))
        gaps = np.flatnonzero(steps > 1.5 * usual)
        if gaps.size == 0 or series.two_distances:
            return PASSED
        k = int(gaps[0])
        return failed(
            f"{series.slices[k].label} and {series.slices[k + 1].label} are {steps[k]:.2f} mm apart where "
            f"{usual:.2f} mm is usual (such gaps: {gaps.size}); export the whole series."
        )


class RegularSlices:
    """Slices lie on one line, and their distances agree within the tolerance."""

    id = "irregular_slices"
    title = "slice distance regular or resampled"
    fault = "irregular slice distance"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """State the range of the distances."""
        steps, usual = np.diff(series.offsets_mm), series.usual_step_mm
        differ = 100 * float(np.abs(steps - usual).max()) / usual
        limit_mm = max(series.rules.tolerance * usual, _ROUNDED_MM)
        if series.swerve_mm > limit_mm:
            return failed(
                f"a slice in {series.folder} lies {series.swerve_mm:.3f} mm beside the line of the others; at most "
                f"{limit_mm:.3f} mm is allowed. Export the original CT."
            )
        if series.regular:
            return Verdict(True, "", differ)
        said = f"slices in {series.folder} are {steps.min():.3f} to {steps.max():.3f} mm apart"
        if series.two_distances:
            said += ", as they are thicker in a part of the series"
        elif steps.min() < 0.5 * usual:
            return failed(f"{said} where {usual:.3f} mm is usual; export the original CT.", differ)
        if series.rules.irregular_slices == "refuse":
            return failed(
                f"{said}; at most {100 * series.rules.tolerance:g} % of {usual:.3f} mm may differ. Export the original "
                'CT, or set irregular_slices to "resample".',
                differ,
            )
        return Verdict(True, f"The {said}: resampled to {series.step_mm:.3f} mm.", differ)


class Hounsfield:
    """The stored values can be turned into HU."""

    id = "not_hu"
    title = "stored values convert to HU"
    fault = "not HU"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Name the first slice without a usable rescale."""
        for s in series.slices:
            if s.slope is None or s.intercept is None or not s.slope > 0:
                return failed(f"{s.label} has no usable RescaleSlope and RescaleIntercept; export the original CT.")
            if s.rescale_type not in ("", "HU"):
                return failed(f"{s.label} is stored as {s.rescale_type}, not as HU; export the original CT.")
            if not s.greyscale:
                return failed(f"{s.label} is inverted or in colour, not MONOCHROME2; export the original CT.")
        return PASSED


def _facts(header: CtHeader) -> CtHeader:
    """All that a header says, but where it lies."""
    return replace(header, path=Path(), name="")


SERIES_CHECKS: tuple[Check[CtSeries], ...] = (
    WholeFiles(),
    OneCopy(),
    SliceGeometry(),
    OneSeries(),
    NoGantryTilt(),
    EverySlice(),
    RegularSlices(),
    Hounsfield(),
)
