"""The unit that the name of a column states. One that is not known is asked for, never taken from the numbers."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from perisurv.cohort.clinical.names import fold, plain, tokens
from perisurv.cohort.clinical.spellings import SPEAKS_OF_TIMES, TIME_COLUMNS, TIME_WORDS, UNIT_WORDS

__all__ = ["NamedUnit", "unit_in", "unit_of_times_in"]

_UNITS = {fold(word): unit for word, unit in UNIT_WORDS.items()}
_WORDS = frozenset(fold(word) for word in TIME_WORDS)
_TIMES = frozenset(fold(word) for word in SPEAKS_OF_TIMES)
_COLUMNS = {plain(name): unit for name, unit in TIME_COLUMNS.items()}
_BRACKETS = re.compile(r"[(\[{【〔「<](.*?)[)\]}】〕」>]|[,;:/]\s*([^,;:/()\[\]]+)$")
# Chinese, Japanese and Korean write no blanks between a word and its unit.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
# "2 years", "2020年": a duration or a date, not the unit of a column.
_DURATION = re.compile(r"\d+[\s-]*[^\W\d_]+")
_NO_UNITS = re.compile(r"日期|日付|年[龄齢齡]|年月日|生年|月経")
_SIGNS = (
    (re.compile(r"月"), "months"),
    (re.compile(r"年"), "years"),
    (re.compile(r"[週周]"), "weeks"),
    (re.compile(r"[天日]"), "days"),
    (re.compile(r"(개월|개월수|달)$"), "months"),
    (re.compile(r"(년|년수)$"), "years"),
    (re.compile(r"(주|주수)$"), "weeks"),
    (re.compile(r"(일|일수)$"), "days"),
)
_LONG = 4


@dataclass(frozen=True, slots=True)
class NamedUnit:
    """What the name of a column says about its unit.

    Parameters
    ----------
    units
        Units that it names: one, several that contradict each other, or none.
    strange
        A word where a unit would stand, which is not known.
    """

    units: frozenset[str] = frozenset()
    strange: str = ""


def unit_in(name: str) -> NamedUnit:
    """The unit in the name of a column of times."""
    words = tokens(name)
    found = frozenset().union(*(_units(word) for word in words if len(word) > 1 or _UNSPACED.match(word)))
    if not found and _COLUMNS.get(plain(name), "days") != "days":
        return NamedUnit(frozenset({_COLUMNS[plain(name)]}))
    apart = [first or second for first, second in _BRACKETS.findall(unicodedata.normalize("NFKC", name))]
    letters = frozenset(_UNITS[fold(text.strip())] for text in apart if fold(text.strip()) in _UNITS)
    if found or letters:
        return NamedUnit(found | letters)
    if plain(name) in _COLUMNS:
        return NamedUnit()
    strange = [text.strip() for text in apart if any(word not in _WORDS for word in tokens(text))]
    if not strange and words and words[-1] not in _WORDS and any(word in _WORDS for word in words):
        strange = [words[-1]]
    return NamedUnit(strange=strange[0] if strange else "")


def unit_of_times_in(text: str) -> frozenset[str]:
    """Units other than days in a title or footnote that speaks of times: ``survival in months``."""
    words = tokens(_DURATION.sub(" ", text))
    if not any(word in _TIMES or _UNSPACED.search(word) for word in words):
        return frozenset()
    found = frozenset().union(*(_units(word) for word in words if len(word) > 2 or _UNSPACED.match(word)))
    return found - {"days"}


def _units(word: str) -> frozenset[str]:
    if word in _UNITS:
        return frozenset({_UNITS[word]})
    if _UNSPACED.search(word):
        rest = _NO_UNITS.sub("", word)
        return frozenset(unit for sign, unit in _SIGNS if sign.search(rest))
    return frozenset(unit for known, unit in _UNITS.items() if len(known) >= _LONG and word.endswith(known))
