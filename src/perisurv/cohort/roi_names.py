"""Whether a name says that a region is the primary tumour.

A name is cut into words, wherever blanks, signs, digits and capitals part or join them. It is that of the primary
tumour if one word says tumour and every other leaves it one. A word that says otherwise (node, metastasis, organ,
margin, test), or that nobody knows, makes it none: what is not sure is not taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from perisurv.cohort.roi_words import CORE, IMPERSONAL, OTHER, QUALIFIERS, SPREAD

__all__ = [
    "USUAL_NAMES",
    "may_be_tumour",
    "primary_rank",
    "says_mask",
    "says_nothing",
    "says_other",
    "says_region",
    "says_spread",
]

# Names that the primary tumour has by custom; a rule that means one of them speaks of all tumours.
USUAL_NAMES = ("GTV-1", "GTV1", "GTV_1", "GTV", "GTVp", "GTV_p", "GTV primary", "Tumour", "Tumor")
# Signs that part words and say nothing else.
_PLAIN_SIGNS = frozenset(" _-.,:;()[]#'\"")
_LETTERS_OR_DIGITS = re.compile(r"\d+|[^\W\d_]+")
_CAPITAL_AFTER_WORD = re.compile(r"(?<=[a-z]{2})(?=[A-Z])")
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "\u0131": "i"})
_UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class _Word:
    """A word or number, and the blanks and signs between it and the one before."""

    text: str
    gap: str


def primary_rank(name: str) -> int | None:
    """How surely a name is that of the primary tumour: 0 (GTV-1) to 4; None if it is not sure.

    The order is that of custom: GTV-1 (the primary where tumours are numbered), GTVp, GTV, tumour, and with 4 what says
    more, such as the side or the lobe.
    """
    words = [w for w in _words_of(name) if w.text not in _IMPERSONAL]
    texts = [w.text for w in words]
    if not set(texts) & _CORE or not _sure(name, words):
        return None
    return _rank(texts)


def says_other(name: str) -> bool:
    """Whether a name says node, metastasis, organ, margin, test or another image: never the primary tumour."""
    words = _words_of(name)
    texts = {w.text for w in words}
    organ_alone = bool(texts & _LUNG) and not texts & _CORE
    return bool(texts & _OTHER) or organ_alone or any(_is_station(a, b) for a, b in pairwise(words))


def may_be_tumour(name: str) -> bool:
    """Whether a person may mean the tumour by a name: it does not say otherwise, or GTV is in it."""
    return not says_spread(name) and ("gtv" in name.casefold() or not says_other(name))


def says_mask(name: str) -> bool:
    """Whether a name says mask or tumour, which no image is called."""
    return any(w.text in _IMPERSONAL or w.text in _CORE for w in _words_of(name))


def says_region(name: str) -> bool:
    """Whether a name says mask, tumour, lung or something else that is drawn."""
    return says_mask(name) or says_other(name)


def says_spread(text: str) -> bool:
    """Whether a name or a DICOM type says lymph node or metastasis."""
    return any(w.text in _SPREAD for w in _words_of(text))


def says_nothing(name: str) -> bool:
    """Whether a name says no more than that the region is one, such as ``mask`` or ``seg_1``."""
    words = _words_of(name)
    texts = [w.text for w in words]
    return any(t in _IMPERSONAL for t in texts) and all(t in _IMPERSONAL | _IMAGE or t.isdecimal() for t in texts)


def _rank(texts: list[str]) -> int:
    first, rest = texts[0], texts[1:]
    bare = rest[:-1] if rest[-1:] == ["1"] else rest
    if first == "gtv" and rest == ["1"]:
        return 0
    if first == "gtv" and len(bare) == 1 and bare[0] in _PRIMARY:
        return 1
    if texts == ["gtv"]:
        return 2
    tumour = len(bare) == 1 and (bare[0] in _CORE or bare[0] in ("t", "lung") or bare[0] in _PRIMARY)
    return 3 if not bare or tumour else 4


def _sure(name: str, words: Sequence[_Word]) -> bool:
    known = all(w.text in _KNOWN or w.text.isdecimal() for w in words)
    signs = all(c.isalnum() or c in _PLAIN_SIGNS for c in _normal(name))
    doubt = any(_doubtful(a, b) for a, b in pairwise(_without_dose(words)))
    return known and signs and not doubt and not _without_tumour(words)


def _without_dose(words: Sequence[_Word]) -> list[_Word]:
    """All but a dose such as 66 Gy."""
    dose = {n for n, w in enumerate(words) if w.text in ("gy", "cgy") and n and words[n - 1].text.isdecimal()}
    return [w for n, w in enumerate(words) if n not in dose and n + 1 not in dose]


def _doubtful(word: _Word, after: _Word) -> bool:
    """Whether two words together may say a nodal station, a vertebra, a phase or a date."""
    if word.text.isdecimal():
        return _is_station(word, after) or len(word.text) > 2
    if not after.text.isdecimal():
        return False
    value = int(after.text)
    if value > 99 or (word.text in _CORE and 5 <= value <= 9):  # stations 5 to 9 have no side
        return True
    if after.gap:
        return False
    # Vertebrae L1, C3 and T8; station R4. T2 is a stage and c40 the phase of 40 %.
    return word.text in ("l", "r") or (word.text == "c" and value % 10 > 0) or (word.text == "t" and value > 4)


def _is_station(word: _Word, after: _Word) -> bool:
    """Nodal stations with a side, such as 4R and 10L."""
    if not (word.text.isdecimal() and after.text in ("l", "r", "li", "re")):
        return False
    return 1 <= int(word.text) <= 14 and (not after.gap or int(word.text) > 3)


def _without_tumour(words: Sequence[_Word]) -> bool:
    """Lung-GTV, Lung GTV and Lung-tumor may be the lung without the tumour; GTV_lung and Lung tumor are not."""
    for n, word in enumerate(words):
        after_lung = any(w.text in _LUNG for w in words[:n])
        if after_lung and word.text in _CORE and (word.text == "gtv" or "-" in word.gap):
            return True
    return False


@lru_cache(maxsize=4096)
def _words_of(name: str) -> tuple[_Word, ...]:
    found: list[_Word] = []
    text, end = _normal(name), 0
    for run in _LETTERS_OR_DIGITS.finditer(text):
        gap = text[end : run.start()]
        end = run.end()
        if run[0].isdecimal():
            found.append(_Word(str(int(run[0])), gap))
            continue
        for part in _CAPITAL_AFTER_WORD.split(run[0]):
            for n, word in enumerate(_cut(part.casefold())):
                found.append(_Word(word, "" if n else gap))
            gap = ""
    return tuple(found)


def _cut(run: str) -> list[str]:
    """The fewest known words that make up a run of letters; the run with a mark of the unknown if none do.

    Words of one and two letters count where they stand alone, and behind ``gtv``.
    """
    if run in _KNOWN or run in _OTHER:
        return [run]
    best: list[list[str] | None] = [[]] + [None] * len(run)
    for end in range(1, len(run) + 1):
        for start in range(end):
            head, word = best[start], run[start:end]
            if head is None or (word not in _KNOWN and word not in _OTHER):
                continue
            if len(word) < 3 and not (run.startswith("gtv") or not word.isascii()):
                continue
            known = best[end]
            if known is None or len(head) + 1 < len(known):
                best[end] = [*head, word]
    return best[-1] or [run + _UNKNOWN]


def _normal(text: str) -> str:
    """One spelling of letters, without accents."""
    text = text.translate(_LIGATURES)
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _plain(words: frozenset[str]) -> frozenset[str]:
    return frozenset(_normal(word).casefold() for word in words)


_CORE, _OTHER, _SPREAD, _IMPERSONAL = _plain(CORE), _plain(OTHER), _plain(SPREAD), _plain(IMPERSONAL)
_KNOWN = (_CORE | _IMPERSONAL | _plain(QUALIFIERS)) - _OTHER
_IMAGE = frozenset({"ct", "image", "img", "volume"})
_PRIMARY = frozenset({"p", "pri", "prim", "primar", "primaer", "primary", "primaire", "primario", "primaria"})
_LUNG = _plain(frozenset({"lung", "lunge", "poumon", "pulmon", "polmone", "pulmao", "long", "肺", "左肺", "右肺"}))
