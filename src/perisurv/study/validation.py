"""``perisurv validate``: the tabular branches under the design of the study file, beside the external evaluation."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from perisurv.core import FeatureTable, SettingsError
from perisurv.study import stages
from perisurv.study.designs import Patients
from perisurv.study.ledger import enter, stage_key
from perisurv.study.nested import CHOSEN, Nested, validate_branches
from perisurv.study.plan import order_of_treatment
from perisurv.study.provenance import provenance
from perisurv.study.run import Run
from perisurv.study.settings import StudySettings
from perisurv.study.stability import stable_columns
from perisurv.study.store import read_json, write_frame, write_text
from perisurv.study.validation_groups import risk_groups

__all__ = ["validate"]


def validate(run: Run) -> dict[str, Any]:
    """Write ``validation.json`` and ``validation.parquet`` (every prediction), unless they are up to date.

    Returns
    -------
    dict
        What ``validation.json`` holds.

    Patients of one centre are validated by nested cross-validation where the study file names no design.

    Raises
    ------
    SettingsError
        If the study file names no design and there are several centres.
    InputError
        If ``extract`` is not done, or a split cannot be fitted.
    """
    folder = run.folder
    folder.require("extract")
    plan = run.plan()
    if plan.design == "none":
        raise SettingsError(
            plan.told or "This study has no validation: set design below [validation], for example to 'nested'."
        )
    settings = plan.settings(run.settings)
    key = stage_key("validate", [folder.done("extract")], settings)
    if not run.is_done("validate", key):
        folder.forget("validate")
        tabular = dataclasses.replace(settings, deep=dataclasses.replace(settings.deep, enabled=False))
        table, patients = _inputs(run, settings)
        scans, ladder = run.acquisition(table.patients), stages.branches(CHOSEN, tabular)
        found = validate_branches(table, patients, ladder, tabular, acquisition=scans, progress=run.progress)
        write_frame(folder.validation_predictions, found.predictions())
        values = _plain(found, table, settings) | _around(run, patients, plan.told)
        write_text(folder.validation, json.dumps(values, indent=1, allow_nan=False) + "\n")
        enter(folder, "validate", key, settings)
    return dict(read_json(folder.validation))


def _inputs(run: Run, settings: StudySettings) -> tuple[FeatureTable, Patients]:
    data = run.data()
    order, known = order_of_treatment(data.clinical, settings), set(data.radiomics.patients)
    left_out = f"clinical__{settings.validation.order}"
    names = [*stable_columns(run.folder, data, settings), *(c for c in data.clinical.names if c != left_out)]
    kept = {centre: tuple(p for p in own if p in known) for centre, own in run.cohort().centres.items()}
    centres = {centre: own for centre, own in kept.items() if own}
    return data.radiomics.join(data.clinical).select(names), Patients(data.outcome, centres, order)


def _around(run: Run, patients: Patients, told: str) -> dict[str, Any]:
    """What a reader of the numbers must know about the patients behind them."""
    cohort = run.cohort()
    excluded = {e.patient for e in cohort.exclusions if e.patient}
    rules = ["What looks at follow-up (selection, ring, fusion, Cox model, cut-off) was fitted again in every split."]
    if run.folder.perturbed.exists():
        rules.append(
            "Features that another drawing of the contour changes too much were dropped before the splits; follow-up "
            "was not looked at, so this cannot favour any patient that is scored."
        )
    endpoint = run.settings.endpoint
    rules += [endpoint.note] if endpoint.note else []
    return {
        "told": told,
        "endpoint": dataclasses.asdict(endpoint.noun),
        "centres": {centre: len(own) for centre, own in patients.centres.items()},
        "flow": {"found": len(patients.outcome) + len(excluded), "excluded": len(excluded)},
        "exclusions": [[e.patient, e.stage, e.reason] for e in cohort.exclusions],
        "notes": [*rules, *cohort.notes],
    }


def _plain(found: Nested, table: FeatureTable, settings: StudySettings) -> dict[str, Any]:
    score, reference = found.score, next(iter(found.score.c_index))
    return {
        "design": settings.validation.design,
        "patients": len(found.outcome),
        "events": found.outcome.n_events,
        "competing": int((found.outcome.cause == 2).sum()),
        "features": table.frame.shape[1],
        "confidence": settings.evaluation.confidence,
        "reference": reference,
        "splits": [
            {"name": f.split.name, "training": len(f.split.training), "scored": len(f.split.scored), "ring": f.ring}
            for f in found.fits
        ],
        "branches": [
            {
                "branch": branch,
                "c_index": c_index,
                "lower": score.interval[branch][0],
                "upper": score.interval[branch][1],
                "by_split": list(score.by_fold[branch]),
                "permuted": list(found.permuted[branch]),
                "minus_reference": list(score.differences.get((branch, reference), ())),
                "selected": found.selection[branch],
            }
            for branch, c_index in score.c_index.items()
        ],
        "differences": [
            {"first": first, "second": second, "difference": d, "lower": lower, "upper": upper}
            for (first, second), (d, lower, upper) in score.differences.items()
        ],
        "groups": risk_groups(found, settings.evaluation.confidence),
        "ring_votes": found.ring_votes,
        "provenance": dataclasses.asdict(provenance(settings)),
    }
