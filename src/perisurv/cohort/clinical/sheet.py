"""Cells of one table: which row names the columns, and which rows are too long."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from perisurv.cohort.clinical.cells import Cell, is_missing, text_of
from perisurv.cohort.clinical.names import ID_NAMES, KNOWN_NAMES, collapsed, plain
from perisurv.core import InputError

__all__ = ["Row", "Sheet", "header_row", "known_names", "refuse_long_rows", "sheet_of"]

Row = tuple[int, Sequence[Cell]]
# Titles and comments above a table are not longer.
_MOST_ABOVE = 40


@dataclass(frozen=True, slots=True)
class Sheet:
    """Cells of one table.

    Parameters
    ----------
    names
        Column names, blanks collapsed.
    lines
        One a row of the file, as many cells as names.
    numbers
        For each line its row in the file.
    how
        How the file was read, for the user.
    delimiter
        Of a text; empty where cells have types.
    above
        Texts of the rows above the names.
    long
        Row in the file -> its number of cells, of rows with more cells than there are names.
    """

    names: tuple[str, ...]
    lines: tuple[tuple[Cell, ...], ...]
    numbers: tuple[int, ...]
    how: str
    delimiter: str = ""
    above: tuple[str, ...] = ()
    long: Mapping[int, int] = field(default_factory=dict)

    @property
    def empty(self) -> frozenset[int]:
        """Indices of columns without any value."""
        return frozenset(k for k in range(len(self.names)) if all(is_missing(line[k]) for line in self.lines))


def sheet_of(rows: Iterable[Row], how: str, delimiter: str = "", named: Collection[str] = ()) -> Sheet | None:
    """The row of column names and those below it; None where every cell is empty.

    Parameters
    ----------
    named
        Names of columns that the user gave.
    """
    filled = [(number, row) for number, row in rows if any(text_of(cell) for cell in row)]
    if not filled:
        return None
    at = header_row([row for _, row in filled], named)
    names = tuple(" ".join(text_of(cell).split()) for cell in filled[at][1])
    names = names[: max(k for k, column in enumerate(names, start=1) if column)]
    below = filled[at + 1 :]
    lines = tuple((*row[: len(names)], *[""] * (len(names) - len(row))) for _, row in below)
    long = {n: len(row) for n, row in below if any(text_of(cell) for cell in row[len(names) :])}
    if at:
        how += f", column names in row {filled[at][0]}"
    above = tuple(text_of(cell) for _, row in filled[:at] for cell in row if text_of(cell))
    return Sheet(names, lines, tuple(number for number, _ in below), how, delimiter, above, long)


def refuse_long_rows(sheet: Sheet, name: str, numbers: Collection[int]) -> None:
    """Refuse a row with more cells than the header: its cells are shifted, as by an unquoted decimal comma.

    Parameters
    ----------
    numbers
        Rows of patients.

    Raises
    ------
    InputError
        With the row.
    """
    for number in numbers:
        if number in sheet.long:
            raise InputError(
                f"Row {number} of {name} has {sheet.long[number]} cells where the header has {len(sheet.names)}; "
                "quote texts and decimals that hold the delimiter, or give every column a name."
            )


def known_names(row: Sequence[Cell], named: Collection[str] = ()) -> int:
    """How many cells of a row are names of columns that are known or that the user gave; 0 without one of patients."""
    texts = [" ".join(text_of(cell).split()) for cell in row if isinstance(cell, str)]
    given = collapsed(named)
    if not any(text in given or plain(text) in ID_NAMES for text in texts):
        return 0
    return sum(text in given or plain(text) in KNOWN_NAMES for text in texts)


def header_row(rows: Sequence[Sequence[Cell]], named: Collection[str] = ()) -> int:
    """Index of the row that names the columns: titles and comments (``#``) may stand above it."""
    top = rows[:_MOST_ABOVE]
    known = [known_names(row, named) for row in top]
    best = max(range(len(top)), key=lambda n: (known[n], not _is_comment(top[n]), -n))
    if known[best] > 1:
        return best
    comments = next((n for n, row in enumerate(top) if not _is_comment(row)), 0)
    at = comments if comments > 1 or (comments and _count(top[0]) == 1) else 0
    widest = max(_count(row) for row in top)
    while widest > 1 and _count(top[at]) == 1:
        at += 1
    return at


def _is_comment(row: Sequence[Cell]) -> bool:
    return next((text_of(cell) for cell in row if text_of(cell)), "").startswith("#")


def _count(row: Sequence[Cell]) -> int:
    return sum(bool(text_of(cell)) for cell in row)
