"""Which column holds what: as the user says, else as its name says."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perisurv.cohort.clinical.cells import Cell, text_of
from perisurv.cohort.clinical.spellings import COLUMNS, TIME_COLUMNS, UNIT_WORDS
from perisurv.cohort.options import CohortOptions
from perisurv.core import InputError

__all__ = ["OUTCOME", "Layout", "find_columns", "require"]


OUTCOME = frozenset({"time", "event", "date_zero", "date_death", "date_last"})


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

    def time_unit(self, options: CohortOptions) -> tuple[str, str]:
        """Unit of the time column, and how it is known.

        Raises
        ------
        InputError
            If the name of the column holds several units.
        """
        if options.clinical.time_unit != "auto":
            return options.clinical.time_unit, "as time_unit says"
        name = self.column("time")
        units = {UNIT_WORDS[word] for word in _split(name) if word in UNIT_WORDS}
        units = units or {TIME_COLUMNS[name] for name in [_plain(name)] if TIME_COLUMNS.get(name, "days") != "days"}
        if len(units) > 1:
            raise InputError(
                f"Column {name!r} of {self.name} names several units ({', '.join(sorted(units))}); set time_unit below "
                "[cohort.clinical]."
            )
        return (units.pop(), "as its name says") if units else ("days", "its name states no unit")


def find_columns(names: Sequence[str], table: str, options: CohortOptions, *, outcome: bool = True) -> Layout:
    """Match the columns of a table with meanings; without ``outcome`` those of follow-up are left aside.

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
        _take(position, meaning, [k for k, name in enumerate(names) if name in _collapsed(columns)], names, table)
    taken = {*position.values(), *(k for k, name in enumerate(names) if name in _collapsed(options.columns.ignore))}
    guessed = set()
    for meaning, tiers in {**COLUMNS, "time": (tuple(TIME_COLUMNS),)}.items():
        if meaning in named or meaning in aside:
            continue
        hits: list[int] = []
        for tier in tiers:
            hits = hits or [k for k, name in enumerate(names) if k not in taken and _plain(name) in tier]
        _take(position, meaning, hits, names, table)
        guessed |= {meaning} & position.keys()
    _refuse_two_meanings(position, names, table)
    return Layout(table, tuple(names), position, frozenset(guessed))


def require(layout: Layout, meanings: Iterable[str], options: CohortOptions) -> None:
    """Refuse a table that lacks what is needed.

    Raises
    ------
    InputError
        With the columns that are there, and the nearest to one that the user named.
    """
    named = options.columns.named()
    for meaning in meanings:
        if meaning in layout.position:
            continue
        there = ", ".join(c for c in layout.columns if c)
        if meaning not in named:
            raise InputError(
                f"{layout.name} has no known column for {meaning}; its columns are {there}. "
                f'Say which one it is below [cohort.columns]: {meaning} = "...".'
            )
        near = difflib.get_close_matches(named[meaning][0], layout.columns, n=1, cutoff=0.0)
        raise InputError(
            f"{layout.name} has no column {' or '.join(map(repr, named[meaning]))} for {meaning}; the nearest is "
            f"{near[0]!r} among {there}. Correct {meaning} below [cohort.columns]."
        )


def _take(position: dict[str, int], meaning: str, hits: Sequence[int], names: Sequence[str], table: str) -> None:
    if len(hits) > 1:
        raise InputError(
            f"{table} has several columns for {meaning} ({', '.join(names[k] for k in hits)}) among "
            f"{', '.join(c for c in names if c)}; name the right one below [cohort.columns], such as "
            f'{meaning} = "{names[hits[0]]}", or list the others in ignore.'
        )
    if hits:
        position[meaning] = hits[0]


def _refuse_two_meanings(position: Mapping[str, int], names: Sequence[str], table: str) -> None:
    for meaning, place in position.items():
        other = next((m for m, k in position.items() if k == place and m != meaning), None)
        if other:
            raise InputError(f"Column {names[place]!r} of {table} is taken for {meaning} and for {other}; keep one.")


def _collapsed(columns: Iterable[str]) -> set[str]:
    return {" ".join(column.split()) for column in columns}


def _plain(column: str) -> str:
    return "".join(c for c in column.casefold() if c.isalnum())


def _split(column: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-zäöü])(?=[A-Z])", " ", column).casefold())
