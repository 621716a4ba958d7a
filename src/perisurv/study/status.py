"""What is done of a study, what is not, and what ``run`` would do next. Looks and writes nothing."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from perisurv.cohort import CohortOptions, read_cohort
from perisurv.core import Cohort, PerisurvError
from perisurv.core.wording import counted
from perisurv.evaluation import external_split
from perisurv.study.ledger import STAGES, index_key, report_key, stage_key, stages_of
from perisurv.study.plan import StudyPlan, plan_study
from perisurv.study.provenance import VERSION
from perisurv.study.run import Run
from perisurv.study.settings import StudySettings, digest
from perisurv.study.store import read_json

__all__ = ["StageStatus", "State", "StudyStatus", "study_status"]

State = Literal["done", "stale", "missing", "partly done"]

_BEFORE_THE_PLAN = ("index", "regions", "qc", "extract")
# Finished patients of an unfinished stage, and for the fit networks.
_PARTS: dict[str, tuple[str, str]] = {
    "regions": ("*.json", "patient"),
    "qc": ("*", "sheet"),
    "extract": ("*.parquet", "patient"),
    "fit": ("network_*", "network"),
}
_DESIGNS = {
    "nested": "nested cross-validation of the tabular branches inside these patients",
    "leave_one_centre_out": "each centre is scored by what was fitted on all others",
    "temporal": "the later patients are scored by what was fitted on the earlier",
}


@dataclass(frozen=True, slots=True)
class StageStatus:
    """One stage.

    Parameters
    ----------
    stage, state
        ``stale``: it was done, and would be done again; ``partly done``: it was cut off and goes on.
    why
        What is to be done and why; empty for a stage that is done.
    finished
        When it was last finished, local time; empty if never.
    """

    stage: str
    state: State
    why: str = ""
    finished: str = ""


@dataclass(frozen=True, slots=True)
class StudyStatus:
    """All stages of a study, and what is planned.

    Parameters
    ----------
    folder
        The run folder.
    stages
        In their order; only those that are known before the index, where the index is not done.
    plan
        What is done with the patients, in words; empty before the index.
    refused
        Why the study cannot work as it is; empty where it can.
    """

    folder: Path
    stages: tuple[StageStatus, ...]
    plan: str = ""
    refused: str = ""

    @property
    def next(self) -> tuple[str, ...]:
        """Stages that ``run`` would do."""
        return tuple(s.stage for s in self.stages if s.state != "done")

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {**dataclasses.asdict(self), "folder": str(self.folder), "next": list(self.next)}

    def __str__(self) -> str:
        finished = max(len("finished"), *(len(s.finished) for s in self.stages))
        rows = [("stage", "state", "finished", "")]
        rows += [(s.stage, s.state, s.finished or "-", s.why) for s in self.stages]
        lines = [f"{a:<9} {b:<11}  {c:<{finished}}  {d}".rstrip() for a, b, c, d in rows]
        if self.refused:
            lines.append(f"run would refuse: {self.refused}")
        elif self.next:
            later = "" if self.plan else ", and what the patients allow after that"
            lines.append(f"run would do {', '.join(self.next)}{later}.")
        else:
            lines.append("run would do nothing.")
        return "\n".join([*lines, *([self.plan] if self.plan else [])])


@dataclass(frozen=True, slots=True)
class _Look:
    """The keys that the stages would have now, as far as they are known."""

    run: Run
    keys: Mapping[str, str]
    settings: StudySettings


def study_status(run: Run, *, read_patients: bool = False) -> StudyStatus:
    """Which stages are done, stale or missing.

    Parameters
    ----------
    run
        The study and its folder.
    read_patients
        Read the patients where the index is out of date, to tell the plan and how many there are. Takes as long as an
        index.

    Raises
    ------
    InputError
        If there is no folder of patients; with ``read_patients`` also if no patient can be used.
    """
    files = run.files()
    keys = {"index": index_key(run.settings, files)}
    index = _stage(_Look(run, keys, run.settings), "index", counted(len(files), "file"))
    known, cohort = index.state == "done", None
    if known:
        cohort = run.cohort()
    elif read_patients:
        cohort = _read(run)
    plan, refused = _plan(run, cohort) if cohort is not None else (None, "")
    settings = plan.settings(run.settings) if plan else run.settings
    names = stages_of(plan) if plan else list(_BEFORE_THE_PLAN)
    for name in names[1:]:
        if plan and name == "report":
            keys[name] = report_key(plan, keys.__getitem__, run.settings)
        else:
            keys[name] = stage_key(name, [keys[stage] for stage in STAGES[name].after], settings)
    look = _Look(run, keys, settings)
    later = [_stage(look, name, _of(run, cohort, name)) for name in names[1:]]
    told = _told(plan, cohort) if plan and cohort else ""
    return StudyStatus(run.folder.root, (index, *later), told, refused)


def _stage(look: _Look, name: str, of: str) -> StageStatus:
    folder, key = look.run.folder, look.keys[name]
    held, entry = folder.done(name), folder.entry(name)
    finished = ""
    if held:
        finished = datetime.fromtimestamp(entry.stat().st_mtime).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if held == key:
        if look.run.is_there(name):
            return StageStatus(name, "done", "", finished)
        return StageStatus(name, "missing", f"what it had left is not all there; {of}", finished)
    parts = _parts(look, name)
    if held:
        why = "; ".join(filter(None, (_why_stale(look, name, read_json(entry)), parts, of)))
        return StageStatus(name, "stale", why, finished)
    if parts:
        return StageStatus(name, "partly done", f"{parts} of {of}" if of else parts)
    return StageStatus(name, "missing", of)


def _why_stale(look: _Look, name: str, made: Mapping[str, str]) -> str:
    if made.get("version", VERSION) != VERSION:
        return f"made by perisurv {made['version']}, this is {VERSION}"
    if made.get("settings") != digest(*STAGES[name].options(look.settings)):
        return "the study file changed"
    for before in STAGES[name].after:
        if look.keys.get(before, "") != look.run.folder.done(before):
            return f"{before} is done again first"
    return "files of patients or tables changed" if name == "index" else "what it is made from changed"


def _parts(look: _Look, name: str) -> str:
    """What an unfinished stage has finished, if it was begun with the inputs and settings of now."""
    pattern, noun = _PARTS.get(name, ("", ""))
    folder = look.run.folder.parts / name
    marker = folder / "key"
    if not pattern or not marker.exists() or marker.read_text(encoding="utf-8") != look.keys[name]:
        return ""
    finished = [p for p in folder.glob(pattern) if p.name != "key" and not p.name.startswith(".")]
    number = sum(".redrawn" not in path.name for path in finished)
    return f"{counted(number, noun)} done" if number else ""


def _of(run: Run, cohort: Cohort | None, name: str) -> str:
    """How much work a stage is."""
    if cohort is None:
        return ""
    if name == "fit":
        return counted(run.settings.deep.folds, "network") if run.settings.deep.enabled else ""
    gone = {e.patient for e in cohort.exclusions if e.stage in ("regions", "extract")} if name != "regions" else set()
    return counted(len(set(cohort.ids) - gone), "patient") if name in _PARTS else ""


def _read(run: Run) -> Cohort:
    """The patients as the index would find them; pseudonyms are made of a key that is forgotten."""
    given, options = run.settings.input, run.settings.endpoint.columns(run.settings.cohort)
    if not run.settings.keep_ids:
        options = _with_pseudonyms(options)
    return read_cohort(
        Path(given.folder),
        clinical=given.clinical or None,
        options=options,
        follow_up=given.follow_up,
        progress=run.progress,
    )


def _with_pseudonyms(options: CohortOptions) -> CohortOptions:
    return dataclasses.replace(options, ids="pseudonym", pseudonym_key=secrets.token_hex(16))


def _plan(run: Run, cohort: Cohort) -> tuple[StudyPlan | None, str]:
    """The plan, or why the study would be refused. Who is in the truth of a simulation is left to the run."""
    settings = dataclasses.replace(run.settings, input=dataclasses.replace(run.settings.input, truth=""))
    try:
        return plan_study(cohort, settings), ""
    except PerisurvError as error:
        return None, str(error)


def _told(plan: StudyPlan, cohort: Cohort) -> str:
    said = [f"{counted(len(cohort), 'patient')} of {counted(len(cohort.centres), 'centre')}."]
    if plan.external:
        centre, others = external_split(cohort.centres)
        scored = ", ".join(f"{name} ({len(cohort.centres[name])})" for name in others)
        said.append(f"External validation: {centre} ({len(cohort.centres[centre])}) trains, {scored} scored once.")
    if plan.design != "none":
        said.append(f"Validation: {_DESIGNS[plan.design]}.")
    return " ".join([*said, *([plan.told] if plan.told else [])])
