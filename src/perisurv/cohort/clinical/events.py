"""Codes of the event and of the end of follow-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from perisurv.cohort.clinical.cells import is_missing, number
from perisurv.cohort.clinical.names import fold, plain, tokens
from perisurv.cohort.clinical.spellings import ALIVE_WORDS, EVENT, EVENT_UNSURE, YES_NO
from perisurv.cohort.clinical_options import ClinicalOptions
from perisurv.core import ChoiceError, InputError

__all__ = ["competing", "describe", "event", "refuse_unknown_coding"]

Codes = Mapping[str, str]
# More are names or remarks of patients, which no message may quote.
_MOST_CODES = 8
_EVENTS = frozenset(("dead", "event"))
# Elsewhere a missing value; beside codes that are texts it may say that there was no event.
_NONE = frozenset(("none", "nil", "无", "無", "없음"))
_ALIVE = frozenset(fold(word) for word in ALIVE_WORDS)


def event(text: str, codes: Codes | None = None) -> bool | None:
    """True for the event, False for follow-up that ended before it.

    Parameters
    ----------
    codes
        Code -> ``dead`` or ``event``, ``alive``, ``censored`` or ``competing``, in place of the known spellings.
    """
    plain = _plain(text)
    if codes:
        return {_plain(code): meaning in _EVENTS for code, meaning in codes.items()}.get(plain)
    return EVENT.get(plain)


def competing(text: str, codes: Codes) -> bool:
    """Whether a code of the event column is that of a competing event."""
    plain = _plain(text)
    return any(meaning == "competing" and _plain(code) == plain for code, meaning in codes.items())


def refuse_unknown_coding(
    texts: Sequence[str], column: str, table: str, options: ClinicalOptions, *, of_competing: bool = False
) -> None:
    """Refuse a column whose codes, not only some cell, are unknown.

    A code that is not known and stands in one row is a slip: that patient is excluded. One that stands in several
    rows, or beside a single known code (1 and 2 in R's survival: censored and dead), is a coding. With ``of_competing``
    the column says whether follow-up ended with a competing event, in the known spellings of yes and no.

    Raises
    ------
    InputError
        If so, or if the column holds figures and its name does not tell which one is the event.
    """
    codes: Codes = {} if of_competing else options.event_codes
    counts = Counter(_plain(text) for text in texts if not is_missing(text, options.missing))
    known = {code: event(code, codes) for code in counts}
    strange = sorted(code for code, value in known.items() if value is None)
    outcomes = {value for value in known.values() if value is not None}
    coding = [code for code in strange if counts[code] > 1] or (
        strange if len(outcomes) < 2 and len(counts) > 1 else []
    )
    if coding and of_competing:
        raise InputError(
            f"Column {column!r} of {table} must say whether follow-up ended with the competing event, by 1 and 0, yes "
            "and no or dead and alive, and does not. Where one column holds the event and its competing causes, name "
            'it as event and its codes below [endpoint], such as competing = ["2"].'
        )
    if coding and len(counts) > _MOST_CODES:
        raise InputError(
            f"Column {column!r} of {table} holds {len(counts)} different texts, which are no codes of "
            f"{' and '.join(_pair(options))}; name the right column below {_columns(options)}, or list its codes in "
            "event_codes below [cohort.clinical]."
        )
    if coding:
        asked = {*counts, *_NONE & {_plain(text) for text in texts}}
        shown = ", ".join(repr(code) for code in sorted(counts))
        raise ChoiceError(
            f"Column {column!r} of {table} codes the event as {shown}; what "
            f"{', '.join(repr(code) for code in coding)} means is not known. Say it below [cohort.clinical]: "
            f"event_codes = {{ {_as_toml(sorted(asked))} }}, with {_words(options)} for each code.",
            "cohort.clinical",
            _codings(sorted(asked), options),
        )
    unsure = sorted(code for code in counts if code in YES_NO)
    if unsure and not codes and not of_competing and (plain(column) in EVENT_UNSURE or _of_the_living(column)):
        example = '"1" = "dead", "0" = "alive"' if unsure[-1] in "01" else _as_toml(unsure)
        raise ChoiceError(
            f"Column {column!r} of {table} holds {' and '.join(unsure)}, and registries use both 1 = dead and "
            f"1 = alive under this name. Say it below [cohort.clinical]: event_codes = {{ {example} }}.",
            "cohort.clinical",
            (f"event_codes = {{ {example} }}",),
        )


def _of_the_living(column: str) -> bool:
    """Whether the name of a column may be true of the living: ``alive``, ``生存状态``."""
    if _ALIVE & {*tokens(column)}:
        return True
    return any(word in fold(column) for word in _ALIVE if not word.isascii())


def _as_toml(codes: Sequence[str]) -> str:
    """The codes as keys of a TOML table to be filled in."""
    return ", ".join(f'"{code}" = "..."' for code in codes)


def _codings(codes: Sequence[str], options: ClinicalOptions) -> tuple[str, ...]:
    """The line that states the codes: of two codes in both ways, the higher one as the event first."""
    if len(codes) != 2:
        return (f"event_codes = {{ {_as_toml(codes)} }}",)
    yes, no = _pair(options)
    ways = ((no, yes), (yes, no))
    return tuple(f'event_codes = {{ "{codes[0]}" = "{a}", "{codes[1]}" = "{b}" }}' for a, b in ways)


def describe(texts: Sequence[str], options: ClinicalOptions) -> str:
    """Which codes of the column mean what: ``1 = dead, 0 = alive``."""
    codes, (yes, no) = options.event_codes, _pair(options)
    found = {_plain(text): event(text, codes) for text in texts}
    told = sorted((code for code, value in found.items() if value is not None), key=lambda c: (not found[c], c))
    said = {code: "competing" if competing(code, codes) else yes if found[code] else no for code in told}
    return ", ".join(f"{code} = {said[code]}" for code in told)


def _pair(options: ClinicalOptions) -> tuple[str, str]:
    return ("dead", "alive") if options.event_is_death else ("event", "censored")


def _words(options: ClinicalOptions) -> str:
    return "dead or alive" if options.event_is_death else "event, censored or competing"


def _columns(options: ClinicalOptions) -> str:
    return "[cohort.columns]" if options.event_is_death else "[endpoint]"


def _plain(text: str) -> str:
    plain = " ".join(text.casefold().split())
    value = number(plain)
    return f"{value:g}" if value is not None else plain
