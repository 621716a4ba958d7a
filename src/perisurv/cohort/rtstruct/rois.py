"""Which regions of interest are meant: names, DICOM types and ordered rules."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from perisurv.cohort.options import RoiRule

__all__ = ["RoiChoice", "RoiEntry", "RoiRules", "choose_rois", "matches", "matching", "nearest_name", "plain_name"]


@dataclass(frozen=True, slots=True)
class RoiEntry:
    """How a structure set, DICOM SEG or folder of masks lists a region.

    Parameters
    ----------
    number, name
        ROI, segment or mask file.
    type
        RTROIInterpretedType, or the meaning of the segmented property type.
    frame_uid
        Frame of reference, where the region has its own.
    code
        Code of the segmented property type.
    """

    number: int
    name: str
    type: str = ""
    frame_uid: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class RoiRules:
    """Ordered rules for the tumour, and rules for other lesions and for the lungs."""

    tumour: tuple[str | RoiRule, ...]
    others: tuple[str | RoiRule, ...] = ()
    lungs: tuple[str | RoiRule, ...] = ()


@dataclass(frozen=True, slots=True)
class RoiChoice:
    """What the rules chose: the rule that won, and the ROI numbers of tumour, lesions (tumour or not) and lungs."""

    rule: str = ""
    tumour: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    lungs: tuple[int, ...] = ()


def plain_name(value: object) -> str:
    """A name without odd blanks and in one spelling of its letters (Unicode NFKC)."""
    return " ".join(unicodedata.normalize("NFKC", str(value or "")).split())


def matches(rule: str | RoiRule, entry: RoiEntry) -> bool:
    """Whether the rule means this region; case does not count."""
    rule, name = RoiRule.of(rule), entry.name.casefold()
    if rule.exact is not None:
        return plain_name(rule.exact).casefold() == name
    if rule.glob is not None:
        return fnmatchcase(name, plain_name(rule.glob).casefold())
    if rule.type is not None:
        return rule.type.strip().casefold() in (entry.type.casefold(), entry.code.casefold())
    return re.search(rule.regex or "", entry.name, re.IGNORECASE) is not None


def choose_rois(entries: Sequence[RoiEntry], rules: RoiRules) -> RoiChoice:
    """The regions of the first rule that matches any, and all that a rule for other lesions or lungs matches."""
    for rule in rules.tumour:
        hits = tuple(e.number for e in entries if matches(rule, e))
        if hits:
            return RoiChoice(
                str(RoiRule.of(rule)), hits, matching(entries, rules.others), matching(entries, rules.lungs)
            )
    return RoiChoice()


def matching(entries: Sequence[RoiEntry], rules: Sequence[str | RoiRule]) -> tuple[int, ...]:
    """Numbers of the regions that any of the rules means."""
    return tuple(e.number for e in entries if any(matches(rule, e) for rule in rules))


def nearest_name(names: Sequence[str], rules: Sequence[str | RoiRule]) -> str:
    """The name that looks most like one that a rule asks for; empty if none does."""
    by_key = {name.casefold(): name for name in names}
    best, score = "", 0.6
    for rule in map(RoiRule.of, rules):
        wanted = re.sub(r"\W+", "", (rule.exact or rule.glob or rule.type or _letters(rule.regex or "")).casefold())
        for key, name in by_key.items():
            likeness = difflib.SequenceMatcher(None, wanted, re.sub(r"\W+", "", key)).ratio()
            if likeness > score:
                best, score = name, likeness
    return best


def _letters(pattern: str) -> str:
    """A regular expression without its optional groups, classes and signs: what it looks for in plain letters."""
    while (shorter := re.sub(r"\([^()]*\)\??|\[[^\]]*\]|\\[a-zA-Z]", "", pattern)) != pattern:
        pattern = shorter
    return pattern
