"""Notes of a study in the order in which a reader needs them: how clinical tables were read, then the rest by kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from perisurv.core.reasons import reason_kind

__all__ = ["ColumnRead", "NoteGroup", "clinical_columns", "note_groups", "warnings_of"]

_FEW = 3
# As perisurv.cohort.clinical writes what it took a column for.
_COLUMN = re.compile(r"^(?P<table>[^:]+): column (?P<quote>['\"])(?P<column>.*?)(?P=quote) read as (?P<meaning>.+)$")
# ... and what it says of a table in which nothing is wrong.
_TABLE = re.compile(r"^[^:]+: \d+ rows? \([^()]*\)\.?$")
# "ring_6mm: ...": a note of one branch or table.
_OWNER = re.compile(r"^(?P<owner>[^\s:]+): (?P<text>.+)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ColumnRead:
    """What one column of a clinical table was taken for, with its unit or codes in ``how`` where they were told."""

    table: str
    column: str
    meaning: str
    how: str


@dataclass(frozen=True, slots=True)
class NoteGroup:
    """Notes that say the same of several branches, tables or times; ``text`` is the first of them."""

    owners: tuple[str, ...]
    text: str
    count: int


def clinical_columns(notes: Sequence[str]) -> tuple[ColumnRead, ...]:
    """What every column of the clinical tables was taken for, in the order of the notes."""
    found = []
    for note in notes:
        read = _COLUMN.match(note)
        if read:
            meaning, _, how = read["meaning"].rstrip(".").partition(" (")
            found.append(ColumnRead(read["table"], read["column"], meaning, how.removesuffix(")")))
    return tuple(found)


def note_groups(notes: Sequence[str]) -> tuple[NoteGroup, ...]:
    """The other notes; where more than three are of one kind, the first of them with their number."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for note in notes:
        if _COLUMN.match(note):
            continue
        owned = _OWNER.match(note)
        owner, text = (owned["owner"], owned["text"]) if owned else ("", note)
        groups.setdefault(f"{bool(owner)} {reason_kind(text)}", []).append((owner, text))
    return tuple(note for own in groups.values() for note in _together(own))


def warnings_of(notes: Sequence[str]) -> tuple[NoteGroup, ...]:
    """The notes that somebody must look at: without what columns were taken for, and without the sizes of tables."""
    return note_groups([note for note in notes if not _TABLE.match(note)])


def _together(own: Sequence[tuple[str, str]]) -> list[NoteGroup]:
    if len(own) <= _FEW:
        return [NoteGroup((owner,) if owner else (), text, 1) for owner, text in own]
    return [NoteGroup(tuple(dict.fromkeys(owner for owner, _ in own if owner)), own[0][1], len(own))]
