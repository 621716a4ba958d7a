"""What a folder of patients needs of a study file: found by the reading of the index, one key changed at a time.

A key that only says how files name each other is set where it takes more patients. What chooses between meanings (the
name of the tumour, a column, a unit) is asked, never guessed; to see what else is to be asked, the likeliest answer is
tried.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from perisurv.cohort import read_cohort
from perisurv.cohort.walk import find_files
from perisurv.core import ChoiceError, Cohort, EmptyCohortError, InputError, PerisurvError, SettingsError
from perisurv.core.wording import counted
from perisurv.evaluation import external_split
from perisurv.study.plan import plan_study
from perisurv.study.settings import StudySettings, plain, settings_from_dict, toml_value

__all__ = ["FirstLook", "Line", "Question", "look_at"]

Values = dict[str, Any]
Progress = Callable[[str, int, int], None]
_NO_TUMOUR = "no_tumour_roi"
_MOST_NAMES, _MOST_QUESTIONS = 8, 12


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the study file.

    Parameters
    ----------
    table, text
        The table it stands in, and the line itself.
    why
        What it does for these patients.
    """

    table: str
    text: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What the study file must decide.

    Parameters
    ----------
    text
        What is not clear.
    table
        Table of the study file that decides.
    lines
        Each would decide; the likeliest first. None where only the sentence is known.
    """

    text: str
    table: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What was found in a folder.

    Parameters
    ----------
    folder
        The folder of the patients.
    cohort
        As it would be read by the lines that are set and the first line of every question.
    taken
        Lines that are set.
    questions
        What is to be decided before the study can begin.
    offers
        Lines that would take more patients, each at a price that its key states.
    plan
        What the study will do, or why it cannot begin.
    ready
        Whether it can begin once the questions are answered.
    """

    folder: Path
    cohort: Cohort
    taken: tuple[Line, ...] = ()
    questions: tuple[Question, ...] = ()
    offers: tuple[Line, ...] = ()
    plan: str = ""
    ready: bool = True


# Tried where patients are left out; the first group is set if it helps, the second proposed.
_LAYOUT = (Line("cohort", 'references = "series"'),)
_PRICED = (
    Line("cohort", 'references = "geometry"', "the contours alone say which CT they were drawn on"),
    Line("cohort", 'several_rois = "union"', "several tumour contours count as one"),
    Line("cohort", 'several_structure_sets = "newest"', "the newest of several structure sets counts"),
    Line("cohort", 'between_slices = "interpolate"', "contours are interpolated where slices have none"),
    Line("cohort", 'other_grid = "resample"', "masks on another grid are resampled to the CT"),
    Line("cohort", 'gantry_tilt = "resample"', "tilted CTs are resampled to a rectangular grid"),
    Line("cohort", 'irregular_slices = "resample"', "slices at irregular distances are resampled to regular ones"),
)


def look_at(folder: Path, progress: Progress | None = None) -> FirstLook:
    """Read a folder of patients and find what its study file must say.

    Parameters
    ----------
    folder
        Folder of the patients, as in ``[input]``.
    progress
        Called with ("index", files read, files in all).

    Raises
    ------
    InputError
        If there is no such folder, or nothing in it that could be a patient.
    """
    with tempfile.TemporaryDirectory() as kept:
        look = _Look(folder, Path(kept) / "headers.jsonl", progress)
        look.ask_about_tables()
        if look.cohort.exclusions:
            look.ask_which_table()
            look.set_what_helps()
            look.ask_about_tumours()
            look.offer()
        plan, ready = _plan(look.cohort, look.settings())
    return FirstLook(folder, look.cohort, tuple(look.taken), tuple(look.questions), tuple(look.offers), plan, ready)


@dataclass(slots=True)
class _Look:
    """One reading after the other; headers are read once."""

    folder: Path
    cache: Path
    progress: Progress | None
    values: Values = field(default_factory=dict)
    cohort: Cohort = field(default_factory=lambda: Cohort((), pd.DataFrame()))
    taken: list[Line] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    offers: list[Line] = field(default_factory=list)

    def settings(self, *more: Line) -> StudySettings:
        values = self.values
        for line in more:
            values = _with(values, line)
        return settings_from_dict(values)

    def read(self, *more: Line) -> Cohort:
        """The cohort with further lines; an empty one with its reasons where nobody is left."""
        settings = self.settings(*more)
        try:
            return read_cohort(
                self.folder,
                clinical=settings.input.clinical or None,
                options=settings.endpoint.columns(settings.cohort),
                cache=self.cache,
                progress=self.progress,
                follow_up=settings.input.follow_up,
            )
        except EmptyCohortError as nobody:
            if not nobody.cohort.exclusions:
                raise
            return nobody.cohort

    def ask_about_tables(self) -> None:
        """Read the clinical tables; every time they can be understood in two ways, ask and try the likeliest."""
        while len(self.questions) < _MOST_QUESTIONS:
            try:
                self.cohort = self.read()
                if self.cohort.outcome is None:
                    self.read(Line("input", 'follow_up = "required"'))  # why a table is passed over
                return
            except ChoiceError as error:
                lines = tuple(Line(error.table, text) for text in error.lines)
                self.questions.append(Question(str(error), error.table, lines))
                if not self._assume(lines):
                    break
            except EmptyCohortError:
                raise
            except InputError as error:
                if not self.folder.is_dir():
                    raise
                self.questions.append(Question(str(error), "input"))
                break
        self.values = _with(self.values, Line("input", 'follow_up = "none"'))
        self.cohort = self.read()

    def ask_which_table(self) -> None:
        """Ask which clinical table counts, where several do not say the same of a patient."""
        if not self._named("clinical = ["):
            return
        root = self.folder.absolute()
        lines = {path.relative_to(root).as_posix(): _only(path) for path in find_files(root).tables[:_MOST_NAMES]}
        gains = {name: self._more(line) for name, line in lines.items()}
        useful = sorted((name for name, n in gains.items() if n > 0), key=lambda name: -gains[name])
        if useful:
            text = "Several clinical tables do not say the same of a patient; name the one that counts"
            counts = ", ".join(f"{name} takes {counted(gains[name], 'more patient')}" for name in useful)
            self.questions.append(Question(f"{text}: {counts}.", "input", tuple(lines[name] for name in useful)))
            self._assume([lines[name] for name in useful])

    def set_what_helps(self) -> None:
        """Set the keys that say how files name each other, where they take more patients."""
        for line in _LAYOUT:
            if self._named(_key(line)) and (more := self._more(line)):
                people = counted(more, "patient")
                why = f"taken for {people}, whose structure sets name slices by other UIDs than the CT has"
                self._set(Line(line.table, line.text, why))

    def ask_about_tumours(self) -> None:
        """Ask for the name of the tumour where no name is surely one."""
        failed = [
            finding
            for patient, findings in self.cohort.findings.items()
            if patient not in self.cohort.ids
            for finding in findings
            if finding.id == _NO_TUMOUR and finding.passed is False
        ]
        names = Counter(name for finding in failed for name in dict.fromkeys(finding.names))
        if not failed or (self.cohort.patients and not names):  # those have none that may be it, and others have
            return
        usual = plain(StudySettings())["cohort"]["tumour_roi"] if self.cohort.patients else ()
        lines = [
            Line("cohort", f"tumour_roi = {toml_value([*usual, {'exact': name}])}")
            for name, _ in names.most_common(_MOST_NAMES)
        ]
        told = ", ".join(f"{name} ({counted(n, 'patient')})" for name, n in names.most_common(_MOST_NAMES))
        found = f"names that may be it: {told}" if told else "no name that is there may be it"
        who = counted(len(failed), "patient has", "patients have")
        text = f"{who} no contour that is surely the primary tumour; {found}."
        if told:
            text += " Write the name that your department uses; several may stand in the list."
        self.questions.append(Question(text, "cohort", tuple(lines)))
        if lines:
            self._assume(lines)

    def offer(self) -> None:
        """Find the keys that would take more patients at a price."""
        for line in _PRICED:
            if self._named(_key(line)) and (more := self._more(line)):
                self.offers.append(
                    Line(line.table, line.text, f"would take {counted(more, 'more patient')}: {line.why}")
                )

    def _named(self, key: str) -> bool:
        """Whether a reason names this key; each names those that could help, so no other needs a reading."""
        return any(key in e.reason for e in self.cohort.exclusions)

    def _more(self, line: Line) -> int:
        try:
            return len(self.read(line).patients) - len(self.cohort.patients)
        except PerisurvError:
            return 0

    def _set(self, line: Line) -> None:
        self.cohort, self.values = self.read(line), _with(self.values, line)
        self.taken.append(line)

    def _assume(self, lines: list[Line] | tuple[Line, ...]) -> bool:
        """Go on as if the first line that can be read were the answer."""
        for line in lines:
            try:
                self.settings(line)
            except SettingsError:
                continue
            self.values = _with(self.values, line)
            if _key(line) in ("tumour_roi", "clinical"):
                self.cohort = self.read()
            return True
        return False


def _key(line: Line) -> str:
    return line.text.partition(" = ")[0]


def _only(table: Path) -> Line:
    return Line("input", f"clinical = {toml_value([table.as_posix()])}")


def _with(values: Values, line: Line) -> Values:
    """The values of a study file with one line more; lists grow."""
    return _merged(values, tomllib.loads(f"[{line.table}]\n{line.text}"))


def _merged(old: Values, new: Values) -> Values:
    both = dict(old)
    for key, value in new.items():
        held = both.get(key)
        if isinstance(held, dict) and isinstance(value, dict):
            both[key] = _merged(held, value)
        elif key == "ignore" and isinstance(held, list):
            both[key] = [*held, *value]
        else:
            both[key] = value
    return both


def _plan(cohort: Cohort, settings: StudySettings) -> tuple[str, bool]:
    """What a study of these patients does, and whether it can begin."""
    if not cohort.patients:
        return "No patient is left; see the reasons above.", False
    try:
        plan = plan_study(cohort, settings)
    except PerisurvError as error:
        return str(error), False
    if plan.told:
        return plan.told, True
    trains, others = external_split(cohort.centres)
    scored = sum(len(cohort.centres[name]) for name in others)
    return (
        f"{trains} ({counted(len(cohort.centres[trains]), 'patient')}) trains; {counted(scored, 'patient')} of "
        f"{counted(len(others), 'other centre')} are scored once.",
        True,
    )
