"""What a structure set must be to the CT that it was drawn on."""

from __future__ import annotations

import numpy as np

from perisurv.cohort.checks.agreement import AGREEMENT_CHECKS
from perisurv.cohort.checks.base import PASSED, Check, Verdict, failed, not_applicable
from perisurv.cohort.checks.choice import OneTumour
from perisurv.cohort.checks.drawn import Pairing
from perisurv.cohort.checks.on_slices import OnSlices
from perisurv.cohort.checks.references import NEXT_SLICE, EveryReferencedSlice, OneFile, SameCt
from perisurv.cohort.rtstruct import between_planes, outside_ct
from perisurv.core import GeometryError
from perisurv.core.wording import counted

__all__ = [
    "CONTOUR_CHECKS",
    "REFERENCE_CHECKS",
    "ClosedContours",
    "ContoursInsideCt",
    "EnclosedVoxels",
    "NamedSlices",
    "NoGap",
    "Pairing",
    "ParallelPlanes",
    "ReadableContours",
]


class ReadableContours:
    """Every contour of the ROI can be read and is closed."""

    id = "unusable_contour"
    title = "contours readable and closed"
    fault = "unusable contour"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Name the first contour that is not; say what was passed over."""
        for roi in pair.drawn:
            if roi.problem:
                return failed(f"ROI {roi.name} of {pair.structures.name}: {roi.problem}.")
        notes = [f"{roi.name}: {', '.join(roi.notes)}" for roi in pair.tumour if roi.notes]
        return Verdict(True, f"{'; '.join(notes)}." if notes else "")


class ClosedContours:
    """The tumour has closed contours."""

    id = "empty_contour"
    title = "tumour has contours"
    fault = "empty contour"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Name the ROI, and what it has instead."""
        count = sum(len(r.contours) for r in pair.tumour)
        if count:
            return Verdict(True, f"{counted(count, 'contour')}.", count)
        notes = "; ".join(note for r in pair.tumour for note in r.notes)
        return failed(
            f"{pair.label} has no closed contour of three points{f' ({notes})' if notes else ''}; draw it or take it "
            "out."
        )


class ContoursInsideCt:
    """Every contour lies inside the CT."""

    id = "contour_outside"
    title = "contours inside the CT"
    fault = "RTSTRUCT of another CT"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Say where the first contour lies that does not."""
        for roi in pair.drawn:
            outside = outside_ct(roi.contours, pair.geometry)
            if outside:
                return failed(
                    f"ROI {roi.name} of {pair.structures.name}: {outside} in {pair.series.folder}; export the CT that "
                    "it was drawn on."
                )
        return PASSED


class ParallelPlanes:
    """The contours of the ROI are planar, in parallel planes at regular distances."""

    id = "contour_planes"
    title = "contours in parallel planes"
    fault = "contours without common planes"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Say how the planes lie."""
        try:
            stacks = pair.drawn_stacks
        except GeometryError as error:
            return failed(f"{error}; draw it on the slices of the CT.")
        stack = next((s for s in stacks if not s.on_slices), stacks[0])
        count, step = len(stack.planes), stack.grid.spacing_mm[0]
        if stack.on_slices:
            return Verdict(True, f"On {counted(count, 'slice')} of the CT.", 0.0)
        axes = np.asarray(pair.geometry.direction)[:, 0], np.asarray(stack.grid.direction)[:, 0]
        angle = float(np.degrees(np.arccos(min(abs(float(np.dot(*axes))), 1.0))))
        where = "between the slices of the CT" if stack.axial else f"at {angle:.0f} degrees to the slices of the CT"
        return Verdict(
            True, f"{counted(count, 'plane')}, {step:.2f} mm apart, {where}: resampled to its voxels.", angle
        )


class NamedSlices:
    """A contour lies on the slice that it names, or next to it."""

    id = "wrong_slice"
    title = "contours on the slices they name"
    fault = "contour on another slice than it names"
    requires = "contours that name their slice"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Name the first contour that does not."""
        slices = pair.series.by_name
        found = [(c, c.images & slices.keys()) for r in pair.tumour for c in r.contours]
        contours = [(c, slices[min(there)]) for c, there in found if len(there) == 1]
        if not contours or not all(stack.axial for stack in pair.stacks):
            return not_applicable("no contour names the slice that it lies on")
        off = 0.0
        for contour, slice_ in contours:
            k = float(np.median(pair.geometry.to_index(contour.points_mm)[:, 0]))
            named = float(pair.geometry.to_index(slice_.position_mm or (0.0, 0.0, 0.0))[0])
            off = max(off, abs(k - named))
            if abs(k - named) > NEXT_SLICE:
                return failed(
                    f"{pair.label}: a contour on slice {round(k) + 1} names {slice_.label}, which is slice "
                    f"{round(named) + 1}; export CT and contours together.",
                    off,
                )
        return Verdict(True, f"At most {off:.2f} slices off the slice named.", off)


class NoGap:
    """The contours leave no slice out, or the study file decides what lies between them."""

    id = "contour_gap"
    title = "contours without gap, or gap settled"
    fault = "slices without contour"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Say which slices have none."""
        policy = pair.options.between_slices
        for roi, stack in zip(pair.drawn, pair.drawn_stacks, strict=True):
            text = between_planes(stack, pair.geometry, policy)
            if text:
                other = ' or "leave"' if stack.on_slices else ""
                advice = "" if policy == "interpolate" else f', or set between_slices to "interpolate"{other}'
                return failed(f"ROI {roi.name} of {pair.structures.name}: {text}. Draw every slice{advice}.")
        filled = sum(d.interpolated for d in pair.drawings)
        return Verdict(True, f"{filled} planes filled by the shape between their neighbours." if filled else "", filled)


class EnclosedVoxels:
    """The contours enclose the centre of some voxel."""

    id = "no_voxel"
    title = "contours enclose voxels"
    fault = "empty contour"
    requires = "a structure set and its CT"

    def judge(self, pair: Pairing, /) -> Verdict:
        """Fill the contours and count."""
        if pair.voxels:
            return Verdict(True, f"{pair.voxels} voxels.", pair.voxels)
        return failed(f"{pair.label} encloses no voxel of the CT in {pair.series.folder}; draw the tumour.", 0.0)


REFERENCE_CHECKS: tuple[Check[Pairing], ...] = (SameCt("RTSTRUCT"),)
CONTOUR_CHECKS: tuple[Check[Pairing], ...] = (
    OneFile(),
    EveryReferencedSlice(),
    OneTumour(),
    ReadableContours(),
    ClosedContours(),
    ContoursInsideCt(),
    OnSlices(),
    ParallelPlanes(),
    NamedSlices(),
    NoGap(),
    EnclosedVoxels(),
    *AGREEMENT_CHECKS,
)
