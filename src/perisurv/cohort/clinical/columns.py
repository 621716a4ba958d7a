"""Which column holds what: as the user says, else as its name says."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from perisurv.cohort.clinical.cells import Cell, text_of
from perisurv.cohort.clinical.names import collapsed, plain, tokens
from perisurv.cohort.clinical.spellings import (
    ANY_EVENT_COLUMNS,
    ANY_TIME_COLUMNS,
    COLUMNS,
    DEATH_WORDS,
    TIME_COLUMNS,
    TIME_TO_DEATH,
    TIME_TO_LAST,
)
from perisurv.cohort.clinical.units import unit_in
from perisurv.cohort.options import CohortOptions
from perisurv.core import ChoiceError, InputError

__all__ = ["OUTCOME", "TIMES", "Layout", "find_columns", "meanings_of", "require", "toml", "unit_lines"]


# A table has one column of times, or one to the event and one of the others.
TIMES = ("time", "time_death", "time_last", "time_competing")
OUTCOME = frozenset({*TIMES, "event", "competing", "date_zero", "date_death", "date_last"})
_DEATH = frozenset(plain(word) for word in DEATH_WORDS)
_LONG_DEATH = frozenset(word for word in _DEATH if len(word) > 3 or not word.isascii())


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each meaning stands in one table.

    Parameters
    ----------
    name
        What messages call the table.
    position
        Meaning, a key of ``[cohort.columns]`` or of ``[cohort.covariates]``, -> index of its column.
    guessed
        Meanings whose column was not named by the user.
    """

    name: str
    columns: tuple[str, ...]
    position: Mapping[str, int]
    guessed: frozenset[str]

    def cell(self, line: Sequence[Cell], meaning: str) -> Cell:
        """The cell of a meaning; empty without such a column."""
        place = self.position.get(meaning)
        return line[place] if place is not None else ""

    def text(self, line: Sequence[Cell], meaning: str) -> str:
        """The cell of a meaning as text."""
        return text_of(self.cell(line, meaning))

    def column(self, meaning: str) -> str:
        """Name of the column of a meaning; empty where there is none."""
        return self.columns[self.position[meaning]] if meaning in self.position else ""

    def without(self, meaning: str) -> Layout:
        """The layout without a column for this meaning."""
        rest = {m: place for m, place in self.position.items() if m != meaning}
        return replace(self, position=rest, guessed=self.guessed - {meaning})

    def time_unit(self, options: CohortOptions, meaning: str = "time") -> tuple[str, str]:
        """Unit of a column of times, and how it is known.

        Raises
        ------
        InputError
            If the name of the column holds several units, or one that is not known.
        """
        if options.clinical.time_unit != "auto":
            return options.clinical.time_unit, "as time_unit says"
        name = self.column(meaning)
        stated = unit_in(name)
        if len(stated.units) > 1:
            units = ", ".join(sorted(stated.units))
            raise ChoiceError(
                f"Column {name!r} of {self.name} names several units ({units}); set time_unit "
                f'below [cohort.clinical], such as time_unit = "{min(stated.units)}".',
                "cohort.clinical",
                unit_lines(sorted(stated.units)),
            )
        if stated.strange:
            raise ChoiceError(
                f"The unit in the name of column {name!r} of {self.name} ({stated.strange!r}) is not known; say below "
                '[cohort.clinical] whether it is "days", "weeks", "months" or "years", such as time_unit = "months".',
                "cohort.clinical",
                unit_lines(("months", "days", "weeks", "years")),
            )
        return (min(stated.units), "as its name says") if stated.units else ("days", "its name states no unit")


def find_columns(
    names: Sequence[str], table: str, options: CohortOptions, *, outcome: bool = True, empty: Collection[int] = ()
) -> Layout:
    """Match the columns of a table with meanings; without ``outcome`` those of follow-up are left aside.

    Parameters
    ----------
    empty
        Indices of columns without any value: guessed only where no other column has the meaning.

    Raises
    ------
    InputError
        If several columns have one meaning, or one column has several.
    """
    named = {**options.columns.named(), **{key: (column,) for key, column in options.covariates.items()}}
    position: dict[str, int] = {}
    aside = frozenset() if outcome else OUTCOME
    for meaning, columns in named.items():
        if meaning in aside:
            continue
        hits = [k for k, name in enumerate(names) if name in collapsed(columns)]
        if meaning == "time" and (pair := _pair(hits, names)):
            position |= pair
            continue
        _take(position, meaning, hits, names, table)
    free = [k for k, name in enumerate(names) if name not in collapsed(options.columns.ignore)]
    free = [k for k in free if k not in position.values()]
    guessed: set[str] = set()
    for meaning, tiers in _known(options).items():
        if meaning in named or meaning in aside or (meaning == "time" and "time_death" in named):
            continue
        hits = _hits(tiers, names, free, empty)
        if meaning == "time" and (pair := _guessed_pair(hits, names, free, empty, options)):
            position |= pair
            guessed |= pair.keys()
            continue
        _take(position, meaning, hits, names, table)
        guessed |= {meaning} & position.keys()
    _refuse_two_meanings(position, names, table)
    return Layout(table, tuple(names), position, frozenset(guessed))


def meanings_of(names: Sequence[str], options: CohortOptions) -> dict[str, list[int]]:
    """Every meaning that some column has, one or several, with the columns; nothing is refused."""
    named = {**options.columns.named(), **{key: (column,) for key, column in options.covariates.items()}}
    free = [k for k, name in enumerate(names) if name not in collapsed(options.columns.ignore)]
    found = {m: [k for k, name in enumerate(names) if name in collapsed(columns)] for m, columns in named.items()}
    for meaning, tiers in _known(options).items():
        if meaning not in named:
            found[meaning] = _hits(tiers, names, free, ())
    if not found.get("time"):
        found |= {meaning: [k] for meaning, k in _guessed_pair((), names, free, (), options).items()}
    return {meaning: hits for meaning, hits in found.items() if hits}


def _known(options: CohortOptions) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Meaning -> the names that it is guessed by. Overall survival says nothing of an event other than death."""
    if options.clinical.event_is_death:
        return {**COLUMNS, "time": (tuple(TIME_COLUMNS),)}
    rest = {meaning: tiers for meaning, tiers in COLUMNS.items() if meaning not in ("date_death", "date_last")}
    return {**rest, "event": ANY_EVENT_COLUMNS, "time": (ANY_TIME_COLUMNS,)}


def _hits(
    tiers: Sequence[Sequence[str]], names: Sequence[str], free: Sequence[int], empty: Collection[int]
) -> list[int]:
    """The free columns of the first tier that has any; columns without values only where there is no other."""
    found: list[int] = []
    for tier in tiers:
        known = {plain(name) for name in tier}
        hits = [k for k in free if plain(names[k]) in known]
        found = found or [k for k in hits if k not in empty]
    every = {plain(name) for tier in tiers for name in tier}
    return found or [k for k in free if plain(names[k]) in every][:1]


def _guessed_pair(
    times: Sequence[int],
    names: Sequence[str],
    free: Sequence[int],
    empty: Collection[int],
    options: CohortOptions,
) -> dict[str, int]:
    """Columns of the time to death and of that to the last follow-up, where the table has no other time."""
    if not options.clinical.event_is_death:
        return {}
    death = [k for k in free if plain(names[k]) in TIME_TO_DEATH[0]]
    last = _hits(TIME_TO_LAST, names, free, empty)
    if len(death) == len(last) == 1 and set(times) <= {*death, *last}:
        return {"time_death": death[0], "time_last": last[0]}
    return {}


def _pair(hits: Sequence[int], names: Sequence[str]) -> dict[str, int]:
    """Two columns that the user named for the time, of which the name of exactly one tells of death."""
    death = [k for k in hits if set(tokens(names[k])) & _DEATH or any(word in plain(names[k]) for word in _LONG_DEATH)]
    if len(hits) == 2 and len(death) == 1:
        return {"time_death": death[0], "time_last": next(k for k in hits if k != death[0])}
    return {}


def unit_lines(units: Iterable[str]) -> tuple[str, ...]:
    """The lines of ``[cohort.clinical]`` that state one of these units."""
    return tuple(f'time_unit = "{unit}"' for unit in units)


def toml(text: str) -> str:
    """A text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)


def require(layout: Layout, meanings: Iterable[str], options: CohortOptions) -> None:
    """Refuse a table that lacks what is needed.

    Raises
    ------
    InputError
        With the columns that are there, and the one that is near to what the user named.
    """
    named = options.columns.named()
    for meaning in meanings:
        if meaning in layout.position or (meaning == "time" and "time_death" in layout.position):
            continue
        there = ", ".join(c for c in layout.columns if c)
        if meaning not in named:
            where = "[cohort.columns]"
            if meaning in OUTCOME and not options.clinical.event_is_death:
                where = "[endpoint], as names of overall survival are not taken for another endpoint"
            raise ChoiceError(
                f"{layout.name} has no known column for {meaning}; its columns are {there}. "
                f'Say which one it is below {where}: {meaning} = "...".',
                where.partition("]")[0].strip("["),
                (),
            )
        near = difflib.get_close_matches(named[meaning][0], layout.columns, n=1)
        found = f"the nearest is {near[0]!r} among {there}" if near else f"its columns are {there}"
        raise InputError(
            f"{layout.name} has no column {' or '.join(map(repr, named[meaning]))} for {meaning}; {found}. Correct "
            f"{meaning} below [cohort.columns]."
        )


def _take(position: dict[str, int], meaning: str, hits: Sequence[int], names: Sequence[str], table: str) -> None:
    if len(hits) > 1:
        raise ChoiceError(
            f"{table} has several columns for {meaning} ({', '.join(names[k] for k in hits)}) among "
            f"{', '.join(c for c in names if c)}; name the right one below [cohort.columns], such as "
            f'{meaning} = "{names[hits[0]]}", or list the others in ignore.',
            "cohort.columns",
            tuple(f"{meaning} = {toml(names[k])}" for k in hits),
        )
    if hits:
        position[meaning] = hits[0]


def _refuse_two_meanings(position: Mapping[str, int], names: Sequence[str], table: str) -> None:
    for meaning, place in position.items():
        other = next((m for m, k in position.items() if k == place and m != meaning), None)
        if other:
            raise InputError(f"Column {names[place]!r} of {table} is taken for {meaning} and for {other}; keep one.")
