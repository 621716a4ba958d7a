"""Which regions of interest are meant: names, DICOM types and ordered rules."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from perisurv.cohort.options import RoiRule
from perisurv.cohort.roi_names import USUAL_NAMES, primary_rank, says_spread

__all__ = [
    "RoiChoice",
    "RoiEntry",
    "RoiRules",
    "choose_rois",
    "matches",
    "matching",
    "nearest_name",
    "plain_name",
    "taken",
]


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
    if rule.named is not None:
        return _rank(entry) is not None
    return re.search(rule.regex or "", entry.name, re.IGNORECASE) is not None


def choose_rois(entries: Sequence[RoiEntry], rules: RoiRules) -> RoiChoice:
    """The regions of the first rule that matches any, and all that a rule for other lesions or lungs matches."""
    for rule in map(RoiRule.of, rules.tumour):
        hits = tuple(e.number for e in entries if matches(rule, e)) if rule.named is None else _named(entries, rules)
        if hits:
            return RoiChoice(str(rule), hits, matching(entries, rules.others), matching(entries, rules.lungs))
    return RoiChoice()


def _named(entries: Sequence[RoiEntry], rules: RoiRules) -> tuple[int, ...]:
    """Of the regions that are a primary tumour by their name, and nothing else by a rule, those of the best rank."""
    others = taken(entries, rules)
    ranks = {e.number: rank for e in entries if e.number not in others and (rank := _rank(e)) is not None}
    return tuple(number for number, rank in ranks.items() if rank == min(ranks.values()))


def taken(entries: Sequence[RoiEntry], rules: RoiRules) -> frozenset[int]:
    """Numbers of the regions that the study file says to be lungs or another lesion.

    A rule for other lesions that means tumours of any name, such as ``GTV*``, speaks of all but the tumour: it takes
    none.
    """
    usual = [RoiEntry(n, start + name) for n, name in enumerate(USUAL_NAMES) for start in ("", "mask_")]
    single = [r for r in map(RoiRule.of, rules.others) if r.type is None and not any(matches(r, e) for e in usual)]
    return frozenset((*matching(entries, rules.lungs), *matching(entries, single)))


def _rank(entry: RoiEntry) -> int | None:
    """How surely a region is the primary tumour by its name; its type may say that it is a node or metastasis."""
    return None if says_spread(entry.type) else primary_rank(entry.name)


def matching(entries: Sequence[RoiEntry], rules: Sequence[str | RoiRule]) -> tuple[int, ...]:
    """Numbers of the regions that any of the rules means."""
    return tuple(e.number for e in entries if any(matches(rule, e) for rule in rules))


def nearest_name(names: Sequence[str], rules: Sequence[str | RoiRule]) -> str:
    """The name that looks most like one that a rule asks for; empty if none does."""
    by_key = {name.casefold(): name for name in names}
    best, score = "", 0.6
    for wanted in (_signless(text) for rule in map(RoiRule.of, rules) for text in _asked(rule)):
        for key, name in by_key.items():
            likeness = difflib.SequenceMatcher(None, wanted, _signless(key)).ratio()
            if likeness > score:
                best, score = name, likeness
    return best


def _asked(rule: RoiRule) -> tuple[str, ...]:
    """What a rule looks for, in plain letters."""
    if rule.named is not None:
        return USUAL_NAMES
    return (rule.exact or rule.glob or rule.type or _letters(rule.regex or ""),)


def _signless(text: str) -> str:
    return re.sub(r"\W+", "", text.casefold())


def _letters(pattern: str) -> str:
    """A regular expression without its optional groups, classes and signs: what it looks for in plain letters."""
    while (shorter := re.sub(r"\([^()]*\)\??|\[[^\]]*\]|\\[a-zA-Z]", "", pattern)) != pattern:
        pattern = shorter
    return pattern
