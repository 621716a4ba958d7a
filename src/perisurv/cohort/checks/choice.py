"""Which ROI, segment or mask is the tumour."""

from __future__ import annotations

import json

from perisurv.cohort.checks.base import Verdict
from perisurv.cohort.checks.drawn import Pairing
from perisurv.cohort.checks.masked import Masks
from perisurv.cohort.options import TUMOUR_ROI
from perisurv.cohort.roi_names import may_be_tumour
from perisurv.cohort.rtstruct import RoiEntry, RoiRules, nearest_name, taken

__all__ = ["OneTumour"]


class OneTumour:
    """The rules choose one region, or several in a way that the study file decides."""

    id = "no_tumour_roi"
    title = "tumour ROI present"
    fault = "no tumour ROI"
    requires = "a contour or mask and its CT"

    def judge(self, given: Pairing | Masks, /) -> Verdict:
        """List the names that are there; say which rule chose which."""
        options, noun = given.options, given.noun
        if not given.tumour:
            return Verdict(False, _none_chosen(given), names=tuple(_likely(given)))
        names = [r.name for r in given.tumour]
        if len(names) > 1 and options.several_rois == "refuse":
            return Verdict(
                False,
                f"{given.file} has several tumour {noun}s ({', '.join(names)}) by {given.choice.rule}; "
                'make tumour_roi choose one, or set several_rois to "union" or "largest".',
                names=tuple(names),
            )
        how = f", the largest of {len(given.choice.tumour)}" if options.several_rois == "largest" else ""
        others = f" Other lesions: {', '.join(r.name for r in given.others)}." if given.others else ""
        lungs = f" Lungs: {', '.join(r.name for r in given.lungs)}." if given.lungs else ""
        return Verdict(True, f"{' and '.join(names)}, chosen by {given.choice.rule}{how}.{others}{lungs}")


def _none_chosen(given: Pairing | Masks) -> str:
    """The names that are there, and the line of the study file that would choose one."""
    options, noun = given.options, given.noun
    wanted = "whose name says primary tumour" if options.tumour_roi == TUMOUR_ROI else "that tumour_roi matches"
    others = taken(given.entries, RoiRules((), options.other_lesions, options.lung_rois))
    names = ", ".join(_described(e, e.number in others) for e in given.entries)
    likely = _likely(given)
    near = nearest_name(likely, options.tumour_roi)
    line = json.dumps(near or next(iter(likely), "name of the tumour"), ensure_ascii=False)
    return (
        f"{given.file} has no {noun} {wanted}; its {noun}s are {names or 'none'}. "
        + (f"Nearest is {near}. " if near else "")
        + f"Draw the tumour, or name it under [cohort] in the study file: tumour_roi = [{{ exact = {line} }}]."
    )


def _likely(given: Pairing | Masks) -> list[str]:
    """Names that may be that of the tumour."""
    others = taken(given.entries, RoiRules((), given.options.other_lesions, given.options.lung_rois))
    return [e.name for e in given.entries if may_be_tumour(e.name) and e.number not in others]


def _described(entry: RoiEntry, is_taken: bool) -> str:
    """Name and type, and whether the study file has another use for it."""
    more = [f"type {entry.type}"] * bool(entry.type) + ["taken by lung_rois or other_lesions"] * is_taken
    return entry.name + (f" ({', '.join(more)})" if more else "")
