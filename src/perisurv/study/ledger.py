"""The stages of a study: what each depends on, which settings it was made with, and what it leaves.

The one place for the keys of the ledger: ``run`` does a stage whose key does not stand there, ``status`` and a dry run
tell which ones that will be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from perisurv.study.model import shareable
from perisurv.study.plan import StudyPlan
from perisurv.study.provenance import VERSION
from perisurv.study.settings import StudySettings, digest
from perisurv.study.store import RunFolder

__all__ = ["STAGES", "Stage", "enter", "index_key", "report_key", "stage_key", "stages_of"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage as the ledger knows it.

    Parameters
    ----------
    after
        Stages whose keys enter its own.
    options
        Settings that enter its key.
    artefacts
        Files and folders without which it is not done.
    """

    after: tuple[str, ...]
    options: Callable[[StudySettings], Sequence[object]]
    artefacts: Callable[[RunFolder], Sequence[Path]]


STAGES = {
    "index": Stage(
        (),
        lambda s: (s.keep_ids, s.endpoint.columns(s.cohort), s.input),
        lambda f: (f.cohort, f.checks),
    ),
    "regions": Stage(("index",), lambda s: (s.regions,), lambda f: (f.audit, f.grids)),
    "qc": Stage(("regions",), lambda s: (s.keep_ids,), lambda f: (f.qc / "index.html",)),
    "extract": Stage(("regions",), lambda s: (s.radiomics, s.stability, s.seed), lambda f: (f.features,)),
    "fit": Stage(
        ("extract",),
        lambda s: (s.deep, s.fit, s.seed, s.clinical_in_combined, s.stability, s.audit_covariates),
        lambda f: (f.model,),
    ),
    "evaluate": Stage(("fit",), lambda s: (s.evaluation, s.seed, s.endpoint), lambda f: (f.evaluation, f.predictions)),
    "validate": Stage(
        ("extract",),
        lambda s: (
            *(s.validation, s.fit, s.stability, s.evaluation, s.seed, s.endpoint),
            *(s.clinical_in_combined, s.audit_covariates),
        ),
        lambda f: (f.validation, f.validation_predictions),
    ),
    "report": Stage(("evaluate", "validate"), lambda s: (shareable(s),), lambda f: (f.report,)),
}


def stages_of(plan: StudyPlan) -> list[str]:
    """What is done, in this order, with the patients of this plan."""
    after = ["fit", "evaluate"] if plan.external else []
    after += ["validate"] if plan.design != "none" else []
    return ["index", "regions", "qc", "extract", *after, *(["report"] if after else [])]


def index_key(settings: StudySettings, files: Sequence[tuple[str, int, int]]) -> str:
    """Key of the index of these files: name, size and time of change of each."""
    return digest("index", VERSION, *STAGES["index"].options(settings), files)


def stage_key(name: str, before: Sequence[str], settings: StudySettings) -> str:
    """Key of a stage.

    Parameters
    ----------
    name
        Of a stage after the index.
    before
        Keys of the stages that it comes after.
    settings
        The study file.
    """
    return digest(name, VERSION, *before, *STAGES[name].options(settings))


def report_key(plan: StudyPlan, key_of: Callable[[str], str], settings: StudySettings) -> str:
    """Key of the report: of what this plan evaluates, as ``key_of`` knows the keys of stages."""
    parts = [key_of(name) if name in stages_of(plan) else "" for name in STAGES["report"].after]
    return stage_key("report", parts, settings)


def enter(folder: RunFolder, name: str, key: str, settings: StudySettings) -> None:
    """Write into the ledger that a stage is finished, with what tells later why it is out of date."""
    folder.finish(name, key, {"version": VERSION, "settings": digest(*STAGES[name].options(settings))})
