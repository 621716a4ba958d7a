"""Clinical tables: any separator, decimal sign and spelling to rows of known meaning."""

from __future__ import annotations

import csv
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from perisurv.cohort import values
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.spellings import COLUMNS, DAYS_PER_UNIT, TIME_COLUMNS
from perisurv.core import FeatureTable, InputError, ReadError

__all__ = ["CLINICAL_COLUMNS", "ClinicalRow", "clinical_features", "clinical_frame", "read_table"]

_LOG = logging.getLogger(__name__)
Value = float | str | None

_PARSERS: dict[str, Callable[[str], Value]] = {
    "age_years": values.age_years,
    "stage": values.stage,
    "ecog": values.ecog,
    "histology": values.histology,
    "dose_gy": values.dose_gy,
}
CLINICAL_COLUMNS = ("age_years", "sex", "stage", "ecog", "histology", "dose_gy")
_TEXT_COLUMNS = frozenset({"sex", "histology"})
# Against adenocarcinoma: all five would add up to one and no Cox model could tell them apart.
_HISTOLOGY_FEATURES = ("squamous", "large_cell", "nos", "other")


@dataclass(frozen=True, slots=True)
class ClinicalRow:
    """One patient of a clinical table.

    Parameters
    ----------
    table
        File, as shown in messages.
    values
        Column of ``CLINICAL_COLUMNS`` -> value, None where unknown.
    time_days, event
        None where the cell, quoted in ``time_text`` and ``event_text``, cannot be used.
    """

    table: str
    patient_id: str
    centre: str
    values: dict[str, Value] = field(default_factory=dict)
    time_column: str = ""
    time_text: str = ""
    time_days: float | None = None
    event_column: str = ""
    event_text: str = ""
    event: bool | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    """What a table is called, which centre sent it, and where each meaning stands."""

    name: str
    centre: str
    columns: tuple[str, ...]
    position: dict[str, int]
    days_per_unit: float

    def cell(self, row: Sequence[str], meaning: str) -> str:
        place = self.position.get(meaning)
        return row[place].strip() if place is not None else ""

    def column(self, meaning: str) -> str:
        return self.columns[self.position[meaning]] if meaning in self.position else ""


def read_table(
    path: Path, name: str, options: CohortOptions, *, given: bool = True, outcome: bool = True
) -> tuple[ClinicalRow, ...]:
    """Read a clinical table.

    Parameters
    ----------
    name
        What messages call the file.
    given
        Whether the user named this file. A file that was merely found is a clinical table only if it has a column
        of patients and, with ``outcome``, of time or event, else of any clinical meaning; if not it gives no rows.
    outcome
        Whether time and event are needed.

    Raises
    ------
    ReadError
        If the file is not a table as text.
    InputError
        If a needed column is missing or two columns have one meaning.
    """
    lines = _lines(path, name)
    if not lines:
        if given:
            raise ReadError(f"{name} is empty; a clinical table has a line of column names and a line a patient.")
        return ()
    names = tuple(" ".join(cell.split()) for cell in lines[0])
    position = _positions(names, name, options)
    telling = {"time", "event"} if outcome else {*CLINICAL_COLUMNS, "centre"}
    if not given and not ("patient" in position and position.keys() & telling):
        return ()
    _require(position, names, name, ("patient", "time", "event") if outcome else ("patient",))
    table = _Table(name, path.absolute().parent.name, names, position, _days_per_unit(names, position, options))
    cells = [_cells(line, table, number) for number, line in enumerate(lines[1:], start=2)]
    cells = [line for line in cells if table.cell(line, "patient")]
    sexes = {table.cell(line, "sex") for line in cells}
    rows = tuple(_row(line, table, sexes) for line in cells)
    _warn(cells, rows, table)
    return rows


def clinical_frame(rows: Sequence[ClinicalRow | None], ids: Sequence[str]) -> pd.DataFrame:
    """One row a patient, columns ``CLINICAL_COLUMNS``; NaN where unknown."""
    columns = {}
    for name in CLINICAL_COLUMNS:
        cells = [row.values.get(name) if row else None for row in rows]
        kind = object if name in _TEXT_COLUMNS else float
        columns[name] = pd.Series([np.nan if c is None else c for c in cells], dtype=kind)
    frame = pd.DataFrame(columns)
    frame.index = pd.Index(list(ids), name="patient", dtype=object)
    return frame


def clinical_features(frame: pd.DataFrame) -> FeatureTable:
    """Fixed numeric encoding of the clinical columns; nothing is fitted, unknown stays NaN.

    ``clinical__age_decades``, ``clinical__male`` (1 male, 0 female), ``clinical__stage`` (1 to 4),
    ``clinical__ecog`` and one column a histology against adenocarcinoma.

    Raises
    ------
    InputError
        If the frame lacks a clinical column.
    """
    missing = [c for c in ("age_years", "sex", "stage", "ecog", "histology") if c not in frame.columns]
    if missing:
        raise InputError(f"The clinical table has no column {missing[0]!r}; it has {list(frame.columns)}.")
    known = frame["sex"].notna(), frame["histology"].notna()
    columns = {
        "clinical__age_decades": frame["age_years"].astype(float) / 10.0,
        "clinical__male": (frame["sex"] == "male").astype(float).where(known[0]),
        "clinical__stage": frame["stage"].astype(float),
        "clinical__ecog": frame["ecog"].astype(float),
    }
    for name in _HISTOLOGY_FEATURES:
        columns[f"clinical__histology_{name}"] = (frame["histology"] == name).astype(float).where(known[1])
    return FeatureTable(pd.DataFrame(columns, index=frame.index))


def _lines(path: Path, name: str) -> list[list[str]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ReadError(f"{name} cannot be opened ({type(error).__name__}).") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    if "\0" in text:
        raise ReadError(f"{name} is not a table as text; save it as CSV in UTF-8.")
    lines = [line for line in text.splitlines() if line.strip(" \t;,")]
    separator = max(",;\t|", key=lines[0].count) if lines else ","
    try:
        return list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
    except csv.Error as error:
        raise ReadError(f"{name} cannot be read as CSV: {error}.") from error


def _plain(column: str) -> str:
    return "".join(c for c in column.casefold() if c.isalnum())


def _positions(names: Sequence[str], table: str, options: CohortOptions) -> dict[str, int]:
    """Meaning -> index of its column."""
    overrides = {
        "patient": options.id_column,
        "centre": options.centre_column,
        "time": options.time_column,
        "event": options.event_column,
    }
    position = {}
    for meaning, tiers in {**COLUMNS, "time": (tuple(TIME_COLUMNS),)}.items():
        hits = [k for k, n in enumerate(names) if n and n == overrides.get(meaning)]
        for tier in tiers:
            hits = hits or [k for k, n in enumerate(names) if _plain(n) in tier]
        if len(hits) > 1:
            raise InputError(
                f"{table} has several columns for {meaning} ({', '.join(names[k] for k in hits)}) among "
                f"{', '.join(names)}; take out all but one or name it in the options."
            )
        if hits:
            position[meaning] = hits[0]
    return position


def _require(position: dict[str, int], names: Sequence[str], table: str, meanings: Iterable[str]) -> None:
    for meaning in meanings:
        if meaning not in position:
            option = "id_column" if meaning == "patient" else f"{meaning}_column"
            raise InputError(
                f"{table} has no known column for {meaning}; its columns are {', '.join(names)}. "
                f"Rename one or set {option}."
            )


def _days_per_unit(names: Sequence[str], position: dict[str, int], options: CohortOptions) -> float:
    if options.time_unit != "auto":
        return DAYS_PER_UNIT[options.time_unit]
    named = _plain(names[position["time"]]) if "time" in position else ""
    return DAYS_PER_UNIT[TIME_COLUMNS.get(named, "days")]


def _cells(line: Sequence[str], table: _Table, number: int) -> list[str]:
    """The cells of a line, one a column. A line with more is shifted, as by an unquoted decimal comma."""
    count = len(table.columns)
    if any(cell.strip() for cell in line[count:]):
        raise InputError(
            f"Row {number} of {table.name} has {len(line)} cells where the header has {count}; "
            "quote texts and decimals that hold the separator."
        )
    return [*line[:count], *[""] * (count - len(line))]


def _row(cells: Sequence[str], table: _Table, sexes: set[str]) -> ClinicalRow:
    time_text, event_text = table.cell(cells, "time"), table.cell(cells, "event")
    time = values.number(time_text)
    known: dict[str, Value] = {name: parse(table.cell(cells, name)) for name, parse in _PARSERS.items()}
    known["sex"] = values.sex(table.cell(cells, "sex"), sexes)
    return ClinicalRow(
        table=table.name,
        patient_id=table.cell(cells, "patient"),
        centre=table.cell(cells, "centre") or table.centre,
        values=known,
        time_column=table.column("time"),
        time_text=time_text,
        time_days=None if time is None else time * table.days_per_unit,
        event_column=table.column("event"),
        event_text=event_text,
        event=values.event(event_text),
    )


def _warn(lines: Sequence[Sequence[str]], rows: Sequence[ClinicalRow], table: _Table) -> None:
    """Say what was not understood, without quoting it."""
    for name in CLINICAL_COLUMNS:
        texts = [table.cell(line, name) for line in lines]
        lost = sum(row.values[name] is None and not values.is_missing(t) for row, t in zip(rows, texts, strict=True))
        if lost:
            message = "%s: %d of %d cells of column %s are not understood and count as missing."
            _LOG.warning(message, table.name, lost, len(rows), table.column(name))
    longest = max((row.time_days for row in rows if row.time_days is not None), default=math.inf)
    if len(rows) >= 10 and longest < 200:
        message = "%s: nobody is followed for more than %.0f days; if these are not days, set time_unit."
        _LOG.warning(message, table.name, longest)
