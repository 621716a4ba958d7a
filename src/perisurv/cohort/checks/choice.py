"""Which ROI, segment or mask is the tumour."""

from __future__ import annotations

from perisurv.cohort.checks.base import Verdict, failed
from perisurv.cohort.checks.drawn import Pairing
from perisurv.cohort.checks.masked import Masks
from perisurv.cohort.rtstruct import nearest_name

__all__ = ["OneTumour"]


class OneTumour:
    """The rules choose one region, or several in a way that the study file decides."""

    id = "no_tumour_roi"
    title = "no tumour ROI"
    requires = "a contour or mask and its CT"

    def judge(self, given: Pairing | Masks, /) -> Verdict:
        """List the names that are there; say which rule chose which."""
        options, noun = given.options, given.noun
        if not given.tumour:
            entries = [e.name + (f" (type {e.type})" if e.type else "") for e in given.entries]
            near = nearest_name([e.name for e in given.entries], options.tumour_roi)
            return failed(
                f"{given.file} has no {noun} that tumour_roi matches; its {noun}s are {', '.join(entries) or 'none'}. "
                + (f"Nearest is {near}. " if near else "")
                + "Draw the tumour, or set tumour_roi to its name."
            )
        names = [r.name for r in given.tumour]
        if len(names) > 1 and options.several_rois == "refuse":
            return failed(
                f"{given.file} has several tumour {noun}s ({', '.join(names)}) by {given.choice.rule}; "
                'make tumour_roi choose one, or set several_rois to "union" or "largest".'
            )
        how = f", the largest of {len(given.choice.tumour)}" if options.several_rois == "largest" else ""
        others = f" Other lesions: {', '.join(r.name for r in given.others)}." if given.others else ""
        lungs = f" Lungs: {', '.join(r.name for r in given.lungs)}." if given.lungs else ""
        return Verdict(True, f"{' and '.join(names)}, chosen by {given.choice.rule}{how}.{others}{lungs}")
