"""Clinical tables among the files of a folder, none of which the user named: the rest is left aside with a remark."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from perisurv.cohort.clinical.cells import text_of
from perisurv.cohort.clinical.columns import meanings_of
from perisurv.cohort.clinical.files import Sheet, read_sheet
from perisurv.cohort.clinical.table import ClinicalTable, is_telling, named_columns, needed, understood
from perisurv.cohort.options import CohortOptions
from perisurv.core import InputError

__all__ = ["FoundTables", "tables_among"]

# Of a text that is no table nothing is said: every folder has some.
_SILENT = (".txt",)
# A table of patients is far smaller; a longer text is that of a program.
_LONGEST_TEXT = 20_000_000
_MOST_TOLD = 3
_NAME_IT = 'If it is the clinical table, name it in the study file: clinical = ["..."] below [input].'


@dataclass(frozen=True, slots=True)
class FoundTables:
    """The clinical tables of a folder, and what was left aside, one sentence each.

    Parameters
    ----------
    of_others
        Whether some table has follow-up, but of no patient of the folder.
    """

    tables: tuple[ClinicalTable, ...]
    remarks: tuple[str, ...] = ()
    of_others: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    """One file: its table, or why it gives none.

    Parameters
    ----------
    ids
        Keys of the patients of the folder that it names.
    complete
        Whether it has all columns of a clinical table.
    """

    name: str
    path: Path
    sheet: Sheet | None = None
    table: ClinicalTable | None = None
    error: InputError | None = None
    ids: frozenset[str] = frozenset()
    complete: bool = False


def tables_among(
    paths: Sequence[Path], root: Path, options: CohortOptions, known: Collection[str], key: Callable[[str], str],
    *, outcome: bool, required: bool = False,
) -> FoundTables:  # fmt: skip
    """Read the clinical tables among files that were merely found.

    Parameters
    ----------
    known
        Keys of the patients that have images.
    key
        PatientID to key.
    outcome
        Whether time and event are needed.
    required
        Whether the folder must hold a clinical table.

    Raises
    ------
    InputError
        If a clinical table of patients that no other table names cannot be read with certainty, or if one is required,
        no file is one and some cannot be read.
    """
    readings = [_read(path, path.relative_to(root).as_posix(), options, known, key, outcome=outcome) for path in paths]
    copies, readings = _without_copies(readings)
    good = _those_with_follow_up([r for r in readings if r.table is not None and r.ids], options)
    served = frozenset().union(*(r.ids for r in good))
    for reading in readings:
        if reading.error is not None and reading.complete and reading.ids - served:
            raise reading.error
    if known and required and not good:
        _refuse_nothing_found(readings)
    taken = {reading.name for reading in good}
    aside = [remark for r in readings if r.name not in taken and (remark := _remark(r, outcome=outcome))]
    of_others = any(r.table is not None and r.table.rows and r.complete and not r.ids for r in readings)
    return FoundTables(tuple(r.table for r in good if r.table is not None), tuple(copies + aside), of_others)


def _read(
    path: Path, name: str, options: CohortOptions, known: Collection[str], key: Callable[[str], str], *, outcome: bool
) -> _Reading:
    sheet, ids, complete = None, frozenset[str](), False
    try:
        if path.suffix.casefold() in _SILENT and path.stat().st_size > _LONGEST_TEXT:
            return _Reading(name, path)
        sheet = read_sheet(path, name, options.clinical, named_columns(options))
        if sheet is None:
            return _Reading(name, path)
        there = meanings_of(sheet.names, options)
        places = there.get("id", [])
        ids = frozenset(key(text_of(line[place])) for line in sheet.lines for place in places) & frozenset(known)
        complete = is_telling(sheet, options, outcome=outcome) and {*needed(there, outcome=outcome)} <= there.keys()
        if not is_telling(sheet, options, outcome=outcome):
            return _Reading(name, path, sheet, ids=ids)
        table = understood(sheet, path, name, options, outcome=outcome)
    except OSError as error:
        return _Reading(name, path, error=InputError(f"{name} cannot be opened ({type(error).__name__})."))
    except InputError as error:
        return _Reading(name, path, sheet, error=error, ids=ids, complete=complete)
    return _Reading(name, path, sheet, table, ids=ids, complete=complete)


def _those_with_follow_up(good: list[_Reading], options: CohortOptions) -> list[_Reading]:
    """Where some tables hold follow-up only those, also for a prediction: they are what a study is trained on."""
    there = [meanings_of(r.sheet.names, options).keys() if r.sheet else () for r in good]
    with_follow_up = [r for r, names in zip(good, there, strict=True) if {*needed(names, outcome=True)} <= {*names}]
    return with_follow_up or good


def _without_copies(readings: Sequence[_Reading]) -> tuple[list[str], list[_Reading]]:
    """Tables with the same cells once, that of the shortest path; a remark on each of the others."""
    remarks: list[str] = []
    kept: list[_Reading] = []
    for reading in sorted(readings, key=lambda r: (len(r.path.parts), r.name)):
        twin = next((r for r in kept if r.ids and reading.sheet and _cells(r) == _cells(reading)), None)
        if twin is None:
            kept.append(reading)
        else:
            remarks.append(f"{reading.name} holds the same as {twin.name} and is left aside.")
    return remarks, sorted(kept, key=lambda r: r.name)


def _cells(reading: _Reading) -> object:
    sheet = reading.sheet
    return (sheet.names, [[text_of(cell) for cell in line] for line in sheet.lines]) if sheet else None


def _refuse_nothing_found(readings: Sequence[_Reading]) -> None:
    """Refuse a folder without any clinical table where some file might be one."""
    failed = sorted((r for r in readings if r.error), key=lambda r: (not r.complete, not r.ids, r.name))
    failed = [r for r in failed if r.ids or r.path.suffix.casefold() not in _SILENT]
    if len(failed) == 1 or (failed and failed[0].complete):
        raise failed[0].error  # type: ignore[misc]
    if failed:
        told = " ".join(str(reading.error) for reading in failed[:_MOST_TOLD])
        raise InputError(f"None of {len(failed)} tables of the folder can be read as the clinical table. {told}")


def _remark(reading: _Reading, *, outcome: bool) -> str:
    quiet = reading.path.suffix.casefold() in _SILENT and not reading.ids
    if quiet:
        return ""
    if reading.error is not None:
        what = "No follow-up" if outcome else "No clinical value"
        return f"{what} is read from {reading.name}: {reading.error} {_NAME_IT}"
    if reading.table is not None and reading.ids:
        return f"{reading.name} is left aside, as it holds no follow-up and another table does. {_NAME_IT}"
    if reading.table is not None:
        features = (
            ' For features of patients without follow-up set follow_up = "none" below [input].' if outcome else ""
        )
        return f"{reading.name} names no patient of this folder and is left aside.{features}"
    if reading.ids and outcome:
        return (
            f"{reading.name} names patients of this folder but has no known columns of time and event and is left "
            "aside; if it holds the follow-up, name its columns below [cohort.columns]."
        )
    return ""
