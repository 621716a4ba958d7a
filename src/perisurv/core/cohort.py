"""Patients and their follow-up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core.brief import Brief
from perisurv.core.errors import InputError, OutcomeError
from perisurv.core.follow_up import follow_up_of
from perisurv.core.person import Person
from perisurv.core.reasons import reason_kind
from perisurv.core.volume import Scan
from perisurv.core.wording import counted

__all__ = ["Cohort", "Exclusion", "Finding", "Outcome", "Patient", "ScanSource"]


class ScanSource(Protocol):
    """Where a scan comes from. Implemented by ``perisurv.cohort``, the only room that opens patient files."""

    def read(self, patient: str) -> Scan:
        """Read CT and tumour."""
        ...

    def describe(self) -> dict[str, str]:
        """The source as plain text fields, as stored in ``cohort.parquet``."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Patient(Brief):
    """One patient of the study.

    Parameters
    ----------
    id
        Study pseudonym.
    centre
        Name of the treating centre.
    source
        Where the scan can be read.
    """

    id: str
    centre: str
    source: ScanSource

    def load(self) -> Scan:
        """Read CT and tumour of this patient."""
        return self.source.read(self.id)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A patient that left the study, or a file that was set aside, and why."""

    patient: str
    stage: str
    reason: str

    @property
    def kind(self) -> str:
        """What excluded patients have in common: the reason without what differs from patient to patient."""
        return reason_kind(self.reason)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check of a patient found.

    Parameters
    ----------
    id, title, requires
        Of the check; ``title`` is what holds where it passes, ``requires`` what it looks at.
    passed
        True, False, or None: not applicable.
    text
        A sentence for the user.
    value
        The measured number, in the unit that the sentence names; None where nothing is measured.
    fault
        What is wrong where the check does not pass; opens the reason of an exclusion.
    names
        Where it does not pass: names among which the study file may choose. A run folder does not keep them.
    """

    id: str
    title: str
    requires: str
    passed: bool | None
    text: str = ""
    value: float | None = None
    fault: str = ""
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))  # a list where it was read from JSON

    @property
    def reason(self) -> str:
        """What is wrong, of a check that did not pass: its fault and its sentence."""
        what = self.fault or self.title
        return f"{what}: {self.text}" if self.text else what


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Outcome(Brief):
    """Right-censored follow-up.

    Parameters
    ----------
    patients
        Study pseudonyms, unique.
    time_days
        Follow-up from time zero, days, positive.
    event
        True where follow-up ended with the event (death for overall survival), False where it was censored.
    competing
        True where follow-up ended with a competing event, after which the event cannot be seen any more; such a patient
        has no event. None: the endpoint has no competing event.

    Raises
    ------
    OutcomeError
        If lengths differ, a time is not positive and finite, an event is not boolean, a patient occurs twice or has
        both the event and the competing one.
    """

    patients: tuple[str, ...]
    time_days: NDArray[np.float64]
    event: NDArray[np.bool_]
    competing: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if np.asarray(self.time_days).dtype.kind in "mMUS":
            raise OutcomeError("Times of follow-up must be numbers of days, not dates, spans of time or texts.")
        time = np.array(self.time_days, dtype=float)
        event = np.array(self.event)
        if not (len(self.patients) == len(time) == len(event)):
            raise OutcomeError(
                f"Outcome lengths differ: {len(self.patients)} patients, {len(time)} times, {len(event)} events."
            )
        if len(set(self.patients)) != len(self.patients):
            twice = sorted({p for p in self.patients if self.patients.count(p) > 1})
            raise OutcomeError(f"Patients occur twice in the outcome: {', '.join(twice[:5])}.")
        if event.dtype != np.bool_:
            raise OutcomeError(f"Events must be boolean (True = event), got {event.dtype}.")
        bad = [p for p, t in zip(self.patients, time, strict=True) if not (np.isfinite(t) and t > 0)]
        if bad:
            raise OutcomeError(
                f"Time of follow-up must be positive and finite in days; it is not for {', '.join(bad[:5])}."
            )
        time.flags.writeable = event.flags.writeable = False
        object.__setattr__(self, "time_days", time)
        object.__setattr__(self, "event", event)
        if self.competing is not None:
            object.__setattr__(self, "competing", _competing(self.patients, event, np.array(self.competing)))

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Outcome:
        """From a table indexed by patient.

        Parameters
        ----------
        frame
            ``time_days``: numbers, days. ``event``: booleans, the numbers 0 and 1, or the words dead and alive; what
            could mean something else (1 and 2, empty cells, numbers as text) is refused. ``competing``, where there
            is such a column: as ``event``.

        Raises
        ------
        OutcomeError
            With the patients whose cells cannot be used, and what to do.
        """
        return cls(*follow_up_of(frame))

    def to_frame(self) -> pd.DataFrame:
        """Table indexed by patient with columns ``time_days``, ``event`` and, where it is known, ``competing``."""
        columns = {"time_days": self.time_days, "event": self.event}
        if self.competing is not None:
            columns["competing"] = self.competing
        return pd.DataFrame(columns, index=pd.Index(self.patients, name="patient"))

    def take(self, patients: Sequence[str]) -> Outcome:
        """The outcome of these patients, in this order."""
        position = {p: n for n, p in enumerate(self.patients)}
        missing = [p for p in patients if p not in position]
        if missing:
            raise OutcomeError(f"No follow-up for {', '.join(missing[:5])}; add them to the clinical table.")
        rows = [position[p] for p in patients]
        competing = None if self.competing is None else self.competing[rows]
        return Outcome(tuple(patients), self.time_days[rows], self.event[rows], competing)

    def __len__(self) -> int:
        return len(self.patients)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return int(self.event.sum())

    @property
    def cause(self) -> NDArray[np.int64]:
        """How follow-up ended: 0 censored, 1 with the event, 2 with a competing one."""
        codes = self.event.astype(np.int64)
        return codes if self.competing is None else codes + 2 * self.competing


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Patients that can be studied, and those that cannot with the reason.

    Parameters
    ----------
    patients
        Included patients, ordered by id.
    clinical
        One row a patient, indexed by id: ``age_years``, ``sex``, ``stage``, ``ecog``, ``histology``, ... where known.
    outcome
        Follow-up of the included patients, or None for patients to be predicted.
    exclusions
        Patients that were left out.
    set_aside
        Files and series that are not used although nobody is lost by it: those of patients that stay, such as a
        second structure set, and those that name no patient.
    findings
        What the checks of the index found, by patient, excluded ones too.
    notes
        How files were read: what was guessed or not understood in clinical tables, how many masks were resampled.
    people
        Who every patient is, excluded ones too; for the private folder of a study.
    left_out
        Of the excluded patients those of whom a CT may be drawn.

    Raises
    ------
    InputError
        If a patient occurs twice or lacks a clinical row or an outcome.
    """

    patients: tuple[Patient, ...]
    clinical: pd.DataFrame
    outcome: Outcome | None = None
    exclusions: tuple[Exclusion, ...] = field(default=())
    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    set_aside: tuple[Exclusion, ...] = ()
    people: tuple[Person, ...] = ()
    left_out: tuple[Patient, ...] = ()

    def __post_init__(self) -> None:
        ids = self.ids
        if len(set(ids)) != len(ids):
            raise InputError(f"A patient occurs twice in the cohort: {sorted({i for i in ids if ids.count(i) > 1})}.")
        if list(self.clinical.index) != list(ids):
            raise InputError("The clinical table must hold one row a patient, in the order of the patients.")
        if self.outcome is not None and self.outcome.patients != ids:
            raise InputError("The outcome must hold the patients of the cohort, in their order.")

    @property
    def ids(self) -> tuple[str, ...]:
        """Pseudonyms of the included patients."""
        return tuple(p.id for p in self.patients)

    @property
    def centres(self) -> dict[str, tuple[str, ...]]:
        """Patients of each centre."""
        names = sorted({p.centre for p in self.patients})
        return {name: tuple(p.id for p in self.patients if p.centre == name) for name in names}

    def __getitem__(self, patient: str) -> Patient:
        for candidate in self.patients:
            if candidate.id == patient:
                return candidate
        for exclusion in self.exclusions:
            if exclusion.patient == patient:
                raise InputError(f"Patient {patient} was excluded at {exclusion.stage}: {exclusion.reason}")
        raise InputError(f"No patient {patient!r} in this cohort of {len(self.patients)}.")

    def __iter__(self) -> Iterator[Patient]:
        return iter(self.patients)

    def __len__(self) -> int:
        return len(self.patients)

    def __repr__(self) -> str:
        excluded = len({e.patient for e in self.exclusions})
        files = f"; {counted(len(self.set_aside), 'file')} set aside: see .set_aside" if self.set_aside else ""
        return f"Cohort({counted(len(self), 'patient')}, {excluded} excluded: see .exclusions{files})"


def _competing(patients: Sequence[str], event: NDArray[np.bool_], competing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if competing.dtype != np.bool_ or competing.shape != event.shape:
        raise OutcomeError(f"Competing events must be one boolean a patient, got {competing.size} {competing.dtype}.")
    both = [p for p, twice in zip(patients, event & competing, strict=True) if twice]
    if both:
        raise OutcomeError(
            f"Follow-up ends with the event or with a competing one, and has both for {', '.join(both[:5])}; the first "
            "of the two counts."
        )
    competing.flags.writeable = False
    return competing
