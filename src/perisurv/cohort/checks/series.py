"""What a CT series must be."""

from __future__ import annotations

import numpy as np

from perisurv.cohort.checks.base import PASSED, Check, Verdict, failed
from perisurv.cohort.dicom import CtSeries
from perisurv.cohort.pseudonym import patient_key

__all__ = [
    "SERIES_CHECKS",
    "EverySlice",
    "Hounsfield",
    "NoGantryTilt",
    "OneSeries",
    "RegularSlices",
    "SliceGeometry",
    "WholeFiles",
]


class WholeFiles:
    """Every slice is as long as its header says."""

    id = "unreadable_file"
    title = "unreadable file"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Name the first slice that was cut off."""
        cut = [s.name for s in series.slices if s.truncated]
        if not cut:
            return PASSED
        return failed(f"{cut[0]} ends before its pixels do (such slices: {len(cut)}); copy or export the CT again.")


class SliceGeometry:
    """Every file is one slice of a volume in patient space."""

    id = "slice_geometry"
    title = "no slice geometry"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Name the first file that is not a slice."""
        for s in series.slices:
            if s.frames > 1:
                return failed(f"{s.name} holds {s.frames} frames (enhanced CT); export the CT with one file a slice.")
            known = s.position_mm and s.row_direction and s.column_direction and s.spacing_mm
            if not known or s.rows < 1 or s.columns < 1:
                return failed(f"{s.name} lacks position, orientation or pixel spacing; export the original CT.")
        first = series.slices[0]
        axes = np.array([first.row_direction, first.column_direction])
        if not np.allclose(axes @ axes.T, np.eye(2), atol=1e-3) or min(first.spacing_mm or (0.0,)) <= 0:
            return failed(f"{first.name} has axes that are not orthogonal unit vectors, or a pixel spacing of zero.")
        if len(series.slices) < 2:
            return failed(f"{first.name} is the only slice of its series; a volume needs at least two.")
        return PASSED


class OneSeries:
    """All slices belong to one volume of one patient, none lies where another lies."""

    id = "two_series"
    title = "two series with one UID"
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
                return failed(f"{first.name} and {other.name} carry one SeriesInstanceUID but differ in {what}.")
        axes = np.array([[*(s.row_direction or ()), *(s.column_direction or ()), *(s.spacing_mm or ())]
                         for s in series.slices])  # fmt: skip
        turned = np.flatnonzero(np.abs(axes - axes[0]).max(axis=1) > 1e-4)
        if turned.size:
            b = series.slices[turned[0]].name
            return failed(
                f"{first.name} and {b} carry one SeriesInstanceUID but differ in orientation or pixel spacing."
            )
        steps = np.diff(series.offsets_mm)
        again = np.flatnonzero(steps < 0.01 * np.median(steps) + 1e-6)
        if again.size == 0:
            return PASSED
        a, b = series.slices[again[0]].name, series.slices[again[0] + 1].name
        return failed(
            f"{a} and {b} lie at one position, as do {again.size} pairs of slices in all; keep one of the copies."
        )


class NoGantryTilt:
    """The slices are stacked along their normal."""

    id = "gantry_tilt"
    title = "gantry tilt"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """State the tilt."""
        tilted = [s for s in series.slices if abs(s.tilt_degrees) > 0.5]
        if tilted:
            return failed(
                f"{tilted[0].name} was taken with the gantry tilted by {tilted[0].tilt_degrees:g} degrees, not 0."
            )
        limit_mm = 0.5 * min(series.slices[0].spacing_mm or (0.0,))
        if series.drift_mm > limit_mm:
            return failed(
                f"the slices in {series.folder} drift sideways by {series.drift_mm:.2f} mm; at most half a pixel "
                f"({limit_mm:.2f} mm) is allowed."
            )
        return PASSED


class EverySlice:
    """No slice is missing inside the series."""

    id = "missing_slice"
    title = "missing slice"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Name the slices around the first gap."""
        steps = np.diff(series.offsets_mm)
        usual = float(np.median(steps))
        gaps = np.flatnonzero(steps > 1.5 * usual)
        if gaps.size == 0:
            return PASSED
        k = int(gaps[0])
        return failed(
            f"{series.slices[k].name} and {series.slices[k + 1].name} are {steps[k]:.2f} mm apart where "
            f"{usual:.2f} mm is usual (such gaps: {gaps.size}); export the whole series."
        )


# Sideways steps of slices on one line may differ by this much at least, mm: positions are rounded decimal text.
_ROUNDED_MM = 0.01


class RegularSlices:
    """Slices lie on one line, and their distances agree within the tolerance."""

    id = "irregular_slices"
    title = "irregular slice distance"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """State the range of the distances."""
        steps = np.diff(series.offsets_mm)
        usual = float(np.median(steps))
        limit_mm = series.tolerance * usual
        if series.swerve_mm > max(limit_mm, _ROUNDED_MM):
            return failed(
                f"a slice in {series.folder} lies {series.swerve_mm:.3f} mm beside the line of the others; at most "
                f"{max(limit_mm, _ROUNDED_MM):.3f} mm is allowed."
            )
        if np.abs(steps - usual).max() <= limit_mm + 1e-6:
            return PASSED
        return failed(
            f"slices in {series.folder} are {steps.min():.3f} to {steps.max():.3f} mm apart; "
            f"at most {100 * series.tolerance:g} % of {usual:.3f} mm may differ."
        )


class Hounsfield:
    """The stored values can be turned into HU."""

    id = "not_hu"
    title = "not HU"
    requires = "a CT series"

    def judge(self, series: CtSeries, /) -> Verdict:
        """Name the first slice without a usable rescale."""
        for s in series.slices:
            if s.slope is None or s.intercept is None or not s.slope > 0:
                return failed(f"{s.name} has no usable RescaleSlope and RescaleIntercept; export the original CT.")
            if s.rescale_type not in ("", "HU") or not s.greyscale:
                return failed(f"{s.name} is stored as {s.rescale_type or 'colour'}, not as HU in MONOCHROME2.")
        return PASSED


SERIES_CHECKS: tuple[Check[CtSeries], ...] = (
    WholeFiles(),
    SliceGeometry(),
    OneSeries(),
    NoGantryTilt(),
    EverySlice(),
    RegularSlices(),
    Hounsfield(),
)
