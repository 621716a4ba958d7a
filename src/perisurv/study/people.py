"""``patients.csv`` of the private folder: who every patient is, where the files lie, in or excluded and why.

A row for every patient of the cohort folder, excluded ones too. The index writes it; the stages behind it add whom they
exclude. Reasons of the index name files by their paths, those of later stages by numbers, see ``files.csv``.
"""

from __future__ import annotations

import csv
import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from perisurv.core import Cohort, Exclusion, Person, ReadError
from perisurv.study.private import PrivateFolder

__all__ = ["Known", "find_people", "read_people", "update_people", "write_people"]

IN, EXCLUDED, NOT_USED = "in", "excluded", "not used"
_NOT_USED = "There is no CT with contours of this patient, and no table of follow-up names this patient."
# A spreadsheet takes what begins so for a formula, and an apostrophe before it for plain text.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_BETWEEN = " | "
_NEAR = 0.8


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """A row of ``patients.csv``; never printed by the way.

    Parameters
    ----------
    pseudonym, patient_id
        What the study and what the files call the patient; the latter is empty where the study was given a cohort
        that does not say it.
    folders
        Where the files lie, relative to the cohort folder; ``.`` is that folder itself.
    state
        ``in``, ``excluded`` or ``not used``: neither CT with contours nor follow-up.
    stage
        That excluded the patient.
    kind
        What the first reason has in common with those of other patients.
    reasons
        In full.
    set_aside
        Which files of a patient who is in are not used, and why.
    """

    pseudonym: str
    patient_id: str
    folders: tuple[str, ...] = ()
    state: str = IN
    stage: str = ""
    kind: str = ""
    reasons: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Known({self.pseudonym!r}, state={self.state!r})"


# Columns, as they are called in the file.
_COLUMNS = {f.name: {"patient_id": "PatientID"}.get(f.name, f.name) for f in fields(Known)}
_LISTS = ("folders", "reasons", "set_aside")


def write_people(private: PrivateFolder, cohort: Cohort, later: Iterable[Exclusion] = ()) -> None:
    """Write who the patients of a cohort are.

    Parameters
    ----------
    private
        The folder; it is made.
    cohort
        As the index found it, its reasons with the paths of files.
    later
        Who was excluded behind this index.
    """
    people: dict[str, Person] = {_key(person.patient): person for person in cohort.people}
    named = (*cohort.ids, *(e.patient for e in cohort.exclusions if e.patient))
    for patient in named:  # a cohort that was put together elsewhere need not say who they are
        people.setdefault(_key(patient), Person(patient, ""))
    gone, aside = _by_patient(cohort.exclusions), _by_patient(cohort.set_aside)
    included = set(map(_key, cohort.ids))
    rows = []
    for key, person in sorted(people.items()):
        row = Known(person.patient, person.patient_id, person.folders)
        row = replace(row, set_aside=tuple(e.reason for e in aside.get(key, ())))
        rows.append(row if key in included else _excluded(row, gone.get(key, ())))
    _write(private, _with_later(rows, later))


def update_people(private: PrivateFolder, later: Iterable[Exclusion]) -> None:
    """Add who was excluded behind the index, instead of those that were written before."""
    if private.people.exists():  # not so in a run of an earlier version, whose next index writes it
        _write(private, _with_later(read_people(private), later))


def read_people(private: PrivateFolder) -> tuple[Known, ...]:
    """Everybody.

    Raises
    ------
    ReadError
        If the file is not there or damaged.
    """
    try:
        with private.people.open(encoding="utf-8", newline="") as file:
            return tuple(map(_row, csv.DictReader(file, strict=True)))
    except FileNotFoundError:
        raise ReadError(
            f"{private.people} is not there: it says who the patients are, and no index, or an older perisurv, "
            "made this run. Run `perisurv index` with the same study file again; what was computed stays."
        ) from None
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ReadError(f"{private.people} cannot be read; delete it and run `perisurv index` again.") from error


def find_people(
    known: Sequence[Known], pseudonyms: Sequence[str], patient_ids: Sequence[str] = ()
) -> tuple[tuple[Known, ...], tuple[str, ...]]:
    """Those who are asked for, in the order of the questions, and a sentence for each who is not there.

    Case and outer blanks do not count. The sentences name nobody's PatientID but the one that was asked for.
    """
    by_pseudonym = {_key(one.pseudonym): one for one in known}
    by_id = {_key(one.patient_id): one for one in known if one.patient_id}
    found = [by_pseudonym.get(_key(asked)) for asked in pseudonyms] + [by_id.get(_key(asked)) for asked in patient_ids]
    missing = [
        f"No patient of this study is called {asked}{_near(asked, by_pseudonym)}."
        for asked in pseudonyms
        if _key(asked) not in by_pseudonym
    ]
    missing += [
        f"No patient of this study has the PatientID {asked}{_near_id(asked, by_id)}."
        for asked in patient_ids
        if _key(asked) not in by_id
    ]
    return tuple(dict.fromkeys(one for one in found if one)), tuple(missing)


def _near(asked: str, known: Mapping[str, Known]) -> str:
    """Pseudonyms that begin as the one that was asked for, or differ in a few signs."""
    key = _key(asked)
    near = [name for name in known if len(key) >= 4 and name.startswith(key)][:3]
    near = near or difflib.get_close_matches(key, known, n=1, cutoff=_NEAR)
    return f"; near is {' and '.join(known[name].pseudonym for name in near)}" if near else ""


def _near_id(asked: str, known: Mapping[str, Known]) -> str:
    loose = _loose(_key(asked))
    near = [key for key in known if _loose(key) == loose] or difflib.get_close_matches(
        _key(asked), known, n=1, cutoff=_NEAR
    )
    return f"; near is that of {' and '.join(known[key].pseudonym for key in near[:3])}" if near else ""


def _loose(key: str) -> str:
    """A PatientID as a spreadsheet might have left it: without leading zeros, blanks and decimals."""
    return "".join(key.split()).removesuffix(".0").lstrip("0")


def _key(name: str) -> str:
    return name.strip().casefold()


def _by_patient(entries: Iterable[Exclusion]) -> dict[str, list[Exclusion]]:
    found: dict[str, list[Exclusion]] = {}
    for entry in entries:
        found.setdefault(_key(entry.patient), []).append(entry)
    return found


def _excluded(row: Known, why: Sequence[Exclusion]) -> Known:
    if not why:
        return replace(row, state=NOT_USED, reasons=(_NOT_USED,))
    reasons = tuple(e.reason for e in why)
    return replace(row, state=EXCLUDED, stage=why[0].stage, kind=why[0].kind, reasons=reasons)


def _with_later(rows: Iterable[Known], later: Iterable[Exclusion]) -> list[Known]:
    gone = _by_patient(later)
    found = []
    for row in rows:
        if row.state == IN or row.stage not in ("", "index"):
            plain = replace(row, state=IN, stage="", kind="", reasons=())
            why = gone.get(_key(row.pseudonym), ())
            found.append(_excluded(plain, why) if why else plain)
        else:
            found.append(row)
    return found


def _write(private: PrivateFolder, rows: Iterable[Known]) -> None:
    private.make()
    temporary = private.people.with_name(f".{private.people.name}.{os.getpid()}")
    with os.fdopen(
        os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline=""
    ) as file:
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(_COLUMNS.values())
        writer.writerows([_cell(value) for value in asdict(row).values()] for row in rows)
    Path(temporary).replace(private.people)


def _cell(value: str | tuple[str, ...]) -> str:
    text = value if isinstance(value, str) else _BETWEEN.join(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _text(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _row(cells: Mapping[str, str]) -> Known:
    own = {name: _text(cells[column]) for name, column in _COLUMNS.items()}
    folders, reasons, aside = (tuple(own[name].split(_BETWEEN)) if own[name] else () for name in _LISTS)
    identity = (own["pseudonym"], own["patient_id"], folders)
    return Known(*identity, own["state"], own["stage"], own["kind"], reasons, aside)
