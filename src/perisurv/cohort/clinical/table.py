"""Clinical tables: any file, column name and spelling to rows of known meaning, and what was assumed on the way."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from perisurv.cohort.clinical.cells import Cell, is_missing, text_of
from perisurv.cohort.clinical.centres import with_plausible_centre
from perisurv.cohort.clinical.columns import OUTCOME, TIMES, Layout, find_columns, meanings_of, require, unit_lines
from perisurv.cohort.clinical.dates import form_to_state
from perisurv.cohort.clinical.events import describe, refuse_unknown_coding
from perisurv.cohort.clinical.features import clinical_frame, covariate_columns
from perisurv.cohort.clinical.files import Sheet, read_sheet
from perisurv.cohort.clinical.notes import notes_of
from perisurv.cohort.clinical.reader import VALUES, Reader, decimal_sign, order_of_dates
from perisurv.cohort.clinical.rows import ClinicalRow
from perisurv.cohort.clinical.sheet import refuse_long_rows
from perisurv.cohort.clinical.units import unit_in, unit_of_times_in
from perisurv.cohort.options import CohortOptions
from perisurv.core import ChoiceError, InputError, ReadError

__all__ = [
    "ClinicalTable",
    "is_telling",
    "named_columns",
    "needed",
    "read_clinical",
    "read_table",
    "refuse_absent_columns",
    "understood",
]

DEFAULTS = CohortOptions()
_COMPETING = {"time_competing": "time to the competing event", "competing": "competing event"}
_CALLED = {"time_death": "time of the dead", "time_last": "time of the others", **_COMPETING}
_CALLED_OF_ANY = {**_CALLED, "time_death": "time to the event", "date_death": "date of the event"}


@dataclass(frozen=True, slots=True)
class ClinicalTable:
    """Rows of one or several files.

    Parameters
    ----------
    columns
        Names of the columns in the files.
    guesses
        How columns and codes were read, one sentence each.
    remarks
        What was not understood, one sentence each. Neither quotes a cell of a patient.
    """

    name: str
    rows: tuple[ClinicalRow, ...]
    columns: frozenset[str] = frozenset()
    guesses: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One line a row, indexed by the id in the table; NaN where unknown.

        Clinical columns, ``time_days``, ``event`` and, where there are any, ``competing``.
        """
        frame = clinical_frame(self.rows, [row.patient_id for row in self.rows], self.covariates)
        frame["time_days"] = [math.nan if row.time_days is None else row.time_days for row in self.rows]
        frame["event"] = pd.array([row.event for row in self.rows], dtype="boolean")
        if any(row.competing for row in self.rows):
            frame["competing"] = pd.array([row.competing for row in self.rows], dtype="boolean")
        return frame


def read_clinical(tables: Path | str | Sequence[Path | str], options: CohortOptions = DEFAULTS) -> ClinicalTable:
    """Read clinical tables without images.

    Parameters
    ----------
    tables
        CSV, TSV, XLSX or Parquet.

    Raises
    ------
    InputError
        If a file is not there or no table, or a column that is needed is missing or not certain.
    """
    paths = [Path(p) for p in ([tables] if isinstance(tables, (str, Path)) else tables)]
    for path in paths:
        if not path.is_file():
            raise InputError(f"There is no clinical table {path}; give the path of a CSV, TSV, XLSX or Parquet file.")
    read = [read_table(path, path.name, options) for path in paths]
    refuse_absent_columns(read, options)
    return ClinicalTable(
        ", ".join(table.name for table in read),
        tuple(row for table in read for row in table.rows),
        frozenset().union(*(table.columns for table in read)),
        tuple(text for table in read for text in table.guesses),
        tuple(text for table in read for text in table.remarks),
        covariate_columns(options),
    )


def read_table(
    path: Path, name: str, options: CohortOptions, *, given: bool = True, outcome: bool = True
) -> ClinicalTable:
    """Read one clinical table.

    Parameters
    ----------
    name
        What messages call the file.
    given
        Whether the user named this file. A file that was merely found is a clinical table only if it has a column
        of patients and, with ``outcome``, of follow-up, else of any clinical meaning; if not it gives no rows.
    outcome
        Whether time and event are needed.

    Raises
    ------
    ReadError
        If the file is not a table, or it is not certain how to read it.
    InputError
        If a needed column is missing, two columns have one meaning, or codes are not known.
    """
    sheet = read_sheet(path, name, options.clinical, named_columns(options))
    if sheet is None:
        if given:
            raise ReadError(f"{name} is empty; a clinical table has a line of column names and a line a patient.")
        return ClinicalTable(name, ())
    if not given and not is_telling(sheet, options, outcome=outcome):
        return ClinicalTable(name, ())
    return understood(sheet, path, name, options, outcome=outcome)


def understood(sheet: Sheet, path: Path, name: str, options: CohortOptions, *, outcome: bool = True) -> ClinicalTable:
    """The rows of a sheet; arguments and errors as of :func:`read_table`.

    Raises
    ------
    InputError
        If a needed column is missing, two columns have one meaning, or codes are not known.
    """
    layout = find_columns(sheet.names, name, options, outcome=outcome, empty=sheet.empty)
    require(layout, needed(layout.position.keys(), outcome=outcome), options)
    lines, remarks = _identified(sheet, layout, options)
    layout, odd = with_plausible_centre(layout, lines)
    _refuse_unit_elsewhere(sheet, layout, options)
    if "event" in layout.position:
        texts = [layout.text(line, "event") for line in lines]
        refuse_unknown_coding(texts, layout.column("event"), name, options.clinical)
    if "competing" in layout.position:
        texts = [layout.text(line, "competing") for line in lines]
        refuse_unknown_coding(texts, layout.column("competing"), name, options.clinical, of_competing=True)
    reader = Reader(
        layout, options, decimal_sign(sheet, lines, layout, options), order_of_dates(lines, layout, options),
        path.absolute().parent.name, frozenset(layout.text(line, "sex") for line in lines),
    )  # fmt: skip
    rows = tuple(reader.row(line) for line in lines)
    guesses = _guesses(sheet, layout, lines, options, reader)
    remarks += [*odd, *_absent(layout, options, outcome=outcome), *_not_understood(lines, rows, reader)]
    return ClinicalTable(name, rows, frozenset(sheet.names), guesses, tuple(remarks), covariate_columns(options))


def named_columns(options: CohortOptions) -> frozenset[str]:
    """Every name of a column that the study file holds."""
    named = {**options.columns.named(), **{key: (column,) for key, column in options.covariates.items()}}
    return frozenset(column for columns in named.values() for column in columns)


def refuse_absent_columns(tables: Sequence[ClinicalTable], options: CohortOptions) -> None:
    """Refuse a column that the user named and no table has.

    Raises
    ------
    InputError
        With the columns that are there.
    """
    there = frozenset().union(*(table.columns for table in tables))
    named = {**options.columns.named(), **{key: (column,) for key, column in options.covariates.items()}}
    named["ignore"] = options.columns.ignore
    for meaning, columns in named.items():
        for column in columns:
            if tables and " ".join(column.split()) not in there:
                names = ", ".join(table.name for table in tables)
                raise InputError(
                    f"No column {column!r} for {meaning} in {names}; the columns are {', '.join(sorted(there - {''}))}."
                    f" Correct {meaning} in the study file."
                )


def is_telling(sheet: Sheet, options: CohortOptions, *, outcome: bool) -> bool:
    """Whether the columns of a file that was merely found are those of a clinical table."""
    there = meanings_of(sheet.names, options).keys()
    telling = {*TIMES, "event", "date_death", "date_last"} if outcome else {*VALUES, "sex", "stage", "centre"}
    return "id" in there and bool(there & telling)


def needed(there: Collection[str], *, outcome: bool) -> list[str]:
    """Meanings that a table needs, given those that it has."""
    if not outcome:
        return ["id"]
    by_dates = "date_zero" in there and bool({"date_death", "date_last"} & {*there})
    always = ["id"] if by_dates or "time_death" in there else ["id", "time"]
    return always if {"date_death", "time_death"} & {*there} else [*always, "event"]


def _identified(sheet: Sheet, layout: Layout, options: CohortOptions) -> tuple[list[tuple[Cell, ...]], list[str]]:
    """Lines with an id, declared codes of missing values emptied, and what is odd about the ids."""
    place = layout.position["id"]
    codes = options.clinical.missing
    notes = notes_of(sheet, layout, place)
    refuse_long_rows(sheet, layout.name, [r for n, r in enumerate(sheet.numbers) if n not in notes])
    lines, without, padded, figures = [], [], 0, 0
    for n, (line, number) in enumerate(zip(sheet.lines, sheet.numbers, strict=True)):
        cell = line[place]
        if n in notes:
            continue
        if not text_of(cell):
            without.append(number)
            continue
        padded += isinstance(cell, str) and cell != cell.strip()
        figures += isinstance(cell, float)
        lines.append(tuple("" if codes and k != place and is_missing(c, codes) else c for k, c in enumerate(line)))
    name, column = layout.name, layout.column("id")
    remarks = []
    if notes:
        told = _first([sheet.numbers[n] for n in sorted(notes)])
        remarks.append(f"{name}: rows that are notes or totals, not patients, left out: {len(notes)} (row {told}).")
    if without:
        remarks.append(
            f"{name}: rows without id in column {column!r}, left out: {len(without)} (row {_first(without)})."
        )
    if padded:
        remarks.append(f"{name}: ids in column {column!r} with blanks around them, which do not count: {padded}.")
    if figures:
        remarks.append(
            f"{name}: ids in column {column!r} that are stored as numbers, so that leading zeros, if there were any, "
            f"are lost: {figures}; format the column as text if the images have them."
        )
    return lines, remarks


def _refuse_unit_elsewhere(sheet: Sheet, layout: Layout, options: CohortOptions) -> None:
    """Refuse times whose column names no unit where a title, a footnote or a row of units speaks of another than days.

    Raises
    ------
    InputError
        With the unit.
    """
    place = layout.position["id"]
    notes = notes_of(sheet, layout, place)
    for meaning in TIMES:
        if meaning not in layout.position or layout.time_unit(options, meaning)[1] != "its name states no unit":
            continue
        others = [line for n, line in enumerate(sheet.lines) if n in notes or not text_of(line[place])]
        texts = [*sheet.above, *(text_of(cell) for line in others for cell in line)]
        found = {unit for text in texts for unit in unit_of_times_in(text)}
        found |= {unit for line in others for unit in unit_in(f"({layout.text(line, meaning)})").units}
        if found - {"days"}:
            stated = sorted(found - {"days"})
            raise ChoiceError(
                f"Column {layout.column(meaning)!r} of {layout.name} names no unit, but a title, a footnote or a row "
                f"of units speaks of {' and '.join(stated)}; state which the times have below [cohort.clinical]: "
                f'time_unit = "{stated[0]}" (or "days").',
                "cohort.clinical",
                unit_lines((*stated, "days")),
            )


def _first(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")


def _guesses(
    sheet: Sheet, layout: Layout, lines: Sequence[Sequence[Cell]], options: CohortOptions, reader: Reader
) -> tuple[str, ...]:
    told = [f"{layout.name}: {len(lines)} row{'s' * (len(lines) != 1)} ({sheet.how})"]
    for meaning, place in sorted(layout.position.items(), key=lambda item: item[1]):
        detail = []
        if meaning in TIMES:
            unit, why = layout.time_unit(options, meaning)
            detail.append(f"{unit}: {why}" if why == "its name states no unit" else unit)
        if meaning == "event":
            detail.append(describe([layout.text(line, "event") for line in lines], options.clinical))
        if meaning == "competing":
            detail.append("where the event did not come before")
        if meaning.startswith("date_") and reader.order in ("dmy", "mdy"):
            detail.append("day first" if reader.order == "dmy" else "month first")
        if detail or meaning in layout.guessed:
            kind = f" ({'; '.join(filter(None, detail))})" if any(detail) else ""
            called = _CALLED if options.clinical.event_is_death else _CALLED_OF_ANY
            told.append(f"{layout.name}: column {layout.columns[place]!r} read as {called.get(meaning, meaning)}{kind}")
    told += _how_outcome(layout, options)
    if "centre" not in layout.position:
        told.append(f"{layout.name}: no column of centres, so its folder {reader.folder!r} is the centre")
    unread = [c for k, c in enumerate(layout.columns) if c and k not in layout.position.values()]
    if unread:
        told.append(f"{layout.name}: not read: {', '.join(unread)}")
    return tuple(told)


def _how_outcome(layout: Layout, options: CohortOptions) -> list[str]:
    """Event and time that no column of their own gives."""
    there, told = layout.position.keys(), []
    died, lives, end = ("dead", "alive", "death") if options.clinical.event_is_death else ("event", "none", "the event")
    if "event" not in there and "date_death" in there:
        told.append(
            f"{layout.name}: a date in {layout.column('date_death')!r} read as event (date = {died}, empty = {lives})"
        )
    elif "event" not in there and "time_death" in there:
        told.append(f"{layout.name}: a time in {layout.column('time_death')!r} read as event (filled = {died})")
    if not {*TIMES} & there and "date_zero" in there:
        told.append(
            f"{layout.name}: time read as the days from {layout.column('date_zero')!r} to {end} or last follow-up"
        )
    return told


def _absent(layout: Layout, options: CohortOptions, *, outcome: bool) -> list[str]:
    """Columns that the user named and this table lacks, perhaps as another centre has them."""
    named = {**options.columns.named(), **{key: (column,) for key, column in options.covariates.items()}}
    there = layout.position.keys() | (frozenset() if outcome else OUTCOME)
    if "time_death" in there:
        there |= {"time"}
    return [
        f"{layout.name}: no column {' or '.join(map(repr, columns))}, so {meaning} counts as missing."
        for meaning, columns in named.items()
        if meaning not in there
    ]


def _not_understood(lines: Sequence[Sequence[Cell]], rows: Sequence[ClinicalRow], reader: Reader) -> Iterable[str]:
    """What was not understood, without quoting it."""
    layout, remarks = reader.layout, []
    for meaning, column in layout.position.items():
        lost = sum(reader.lost(line, meaning) for line in lines)
        if lost:
            unread = [layout.cell(line, meaning) for line in lines if reader.lost(line, meaning)]
            form = form_to_state(unread)[0] if meaning.startswith("date_") else ""
            remarks.append(
                f"{layout.name}: {lost} of {len(rows)} cells of column {layout.columns[column]!r} are not understood "
                f"as {meaning} and count as missing{f'; they {form}' if form else ''}."
            )
    filled = sum(row.time_from_dates for row in rows)
    if filled and "time" in layout.position:
        remarks.append(f"{layout.name}: empty times taken from the dates: {filled}.")
    longest = max((row.time_days for row in rows if row.time_days is not None), default=math.inf)
    if len(rows) >= 10 and longest < 200:
        remarks.append(
            f"{layout.name}: nobody is followed for more than {longest:.0f} days; if these are not days, set time_unit."
        )
    return remarks
