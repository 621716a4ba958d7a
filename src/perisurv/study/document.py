"""The report of a run, from its artefacts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perisurv import report as pages
from perisurv.core import InputError, RegionSet
from perisurv.regions import load_regions
from perisurv.study import stages
from perisurv.study.ledger import enter, report_key
from perisurv.study.model import shareable
from perisurv.study.settings import settings_from_dict, settings_to_toml
from perisurv.study.store import SET_ASIDE, read_json, safe_name, write_text
from perisurv.study.summary import failed_checks

if TYPE_CHECKING:
    from perisurv.study.run import Run

__all__ = ["write_report"]


def write_report(run: Run) -> Path:
    """Write ``report.html``: the evaluation of external patients, the validation by folds, or both.

    Raises
    ------
    InputError
        If neither was done, or the study ends with its features.
    """
    plan, folder, validation = run.plan(), run.folder, None
    if plan.features_only:
        raise InputError(f"There is nothing to report yet. {plan.told}")
    if plan.external:
        folder.require("evaluate")
    if plan.design != "none" and (not plan.external or folder.done("validate")):
        folder.require("validate")
        validation = read_json(folder.validation)
    key = report_key(plan, folder.done, run.settings)
    if run.is_done("report", key):
        return folder.report
    folder.forget("report")
    settings = settings_to_toml(settings_from_dict(shareable(run.settings)))
    examples = _examples(run)
    maps = [stages.texture_map(regions, run.settings) for regions in examples]
    aside, failed = folder.read_exclusions(SET_ASIDE), failed_checks(run.cohort())
    if plan.external:
        evaluation = run.evaluation()
        evaluation = dataclasses.replace(evaluation, notes=(*failed, *evaluation.notes))
        html = pages.render_report(evaluation, examples, settings, maps, validation, aside)
    else:
        values = validation or {}
        noted = {**values, "notes": [*failed, *values.get("notes", ())]}
        html = pages.render_validation(noted, examples, settings, maps, aside)
    write_text(folder.report, html)
    enter(folder, "report", key, run.settings)
    return folder.report


def _examples(run: Run, count: int = 3) -> list[RegionSet]:
    """Regions of a small, a middle and a large tumour of the external centres, or of the only one."""
    data = run.data()
    shown = data.external or data.training
    column = stages.volume_column(run.settings)
    volumes: Any = data.radiomics.take(shown).frame[column].sort_values()
    picks = np.linspace(0.2, 0.8, count) * (len(volumes) - 1)
    return [load_regions(run.folder.regions / safe_name(str(volumes.index[round(n)]))) for n in picks]
