"""From a fitted model and external patients to the Evaluation: every branch scored once, the oracle beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.cohort import pseudonym
from perisurv.core import Cohort, Evaluation, FeatureTable, InputError, Outcome, Prediction
from perisurv.evaluation import BranchResult, evaluate_branch, incidence_curves
from perisurv.simulation import oracle_risk
from perisurv.study import stages
from perisurv.study.model import Model
from perisurv.study.settings import StudySettings
from perisurv.study.stages import StudyData

__all__ = ["evaluate_models", "true_risk"]

ORACLE = "oracle"


def evaluate_models(
    model: Model,
    data: StudyData,
    table: FeatureTable,
    *,
    acquisition: Mapping[str, Mapping[str, float | str]],
    cohort: Cohort,
    key: str,
    settings: StudySettings,
) -> tuple[pd.DataFrame, Evaluation]:
    """Score the external patients with every branch.

    Parameters
    ----------
    model
        Fitted on the training patients.
    data
        Who is external, and their outcome.
    table
        All features of the external patients.
    acquisition
        What is known of each external scan.
    cohort
        For the flow, the exclusions and how its files were read.
    key
        Of the pseudonyms; empty where the study keeps the identities.
    settings
        The study file.

    Returns
    -------
    tuple
        Predictions, one row a patient and branch; and what they amount to.
    """
    outcome = data.outcome.take(data.external)
    centre_of = {p.id: p.centre for p in cohort}
    predictions = {
        name: stages.predict_branch(
            signature, table.starting_with(*_columns(name, model, settings)), acquisition, settings
        )
        for name, signature in model.signatures.items()
    }
    counts = {name: len(signature.coefficients) for name, signature in model.signatures.items()}
    if settings.input.truth:
        predictions[ORACLE] = _oracle(Path(settings.input.truth), outcome, key)
        counts[ORACLE] = 0
    results = {
        name: evaluate_branch(
            name,
            prediction,
            outcome,
            rng=stages.stream(settings.seed, "evaluate"),
            n_features=counts[name],
            horizons_days=settings.evaluation.horizons_days if name != ORACLE else (),
            resamples=settings.evaluation.resamples,
            confidence=settings.evaluation.confidence,
            strata=[centre_of[p] for p in outcome.patients],
        )
        for name, prediction in predictions.items()
    }
    frame = pd.concat(
        [p.to_frame(show_abstained=True).reset_index().assign(branch=name) for name, p in predictions.items()]
    )
    return frame, _assemble(model, data, results, predictions, cohort, settings)


def _assemble(
    model: Model,
    data: StudyData,
    results: Mapping[str, BranchResult],
    predictions: Mapping[str, Prediction],
    cohort: Cohort,
    settings: StudySettings,
) -> Evaluation:
    centre_of = {p.id: p.centre for p in cohort}
    external = pd.Series([centre_of[p] for p in data.external]).value_counts().sort_index()
    notes = _notes(model, data, results, predictions["combined"].abstained, [*cohort.notes], settings)
    excluded = {e.patient for e in cohort.exclusions if e.patient}
    return Evaluation(
        ladder=tuple(r.row for r in results.values()),
        auc=tuple(point for r in results.values() for point in r.auc),
        curves=tuple(curve for name, r in results.items() if name != ORACLE for curve in r.curves),
        calibration=tuple(point for result in results.values() for point in result.calibration),
        net_benefit=tuple(curve for result in results.values() for curve in result.net_benefit),
        log_rank_p={name: r.log_rank_p for name, r in results.items() if name != ORACLE},
        uno_c={name: r.uno_c for name, r in results.items() if r.uno_c is not None},
        confidence=settings.evaluation.confidence,
        ring=model.ring.ring,
        ring_votes=dict(model.ring.votes),
        selected={name: dict(s.coefficients) for name, s in model.signatures.items()},
        training_centres={data.training_centre: len(data.training)},
        external_centres={str(name): int(n) for name, n in external.items()},
        flow={
            "found": len(data.radiomics) + len(excluded),
            "excluded": len(excluded),
            "training": len(data.training),
            "external": len(data.external),
            **_competing_count(data.outcome.take(data.external)),
        },
        exclusions=tuple((e.patient, e.stage, e.reason) for e in cohort.exclusions),
        tried={
            "branches": len(model.signatures),
            "rings": len(stages.ring_names(settings)),
            "networks": len(model.embedders),
            "features": data.radiomics.frame.shape[1] + data.clinical.frame.shape[1],
        },
        notes=tuple(notes),
        provenance=model.provenance,
        endpoint=settings.endpoint.noun,
        **_competing(data.outcome.take(data.external), results, settings.evaluation.confidence),
    )


def _competing(outcome: Outcome, results: Mapping[str, BranchResult], confidence: float) -> dict[str, Any]:
    """Cumulative incidence of all external patients and of the risk groups; nothing without competing events."""
    if outcome.competing is None:
        return {}
    found = {name: r.competing for name, r in results.items() if name != ORACLE and r.competing}
    everybody = incidence_curves("", "all", outcome, confidence)
    return {
        "incidence": (*everybody, *(curve for one in found.values() for curve in one.curves)),
        "gray_p": {name: one.gray_p for name, one in found.items()},
        "subdistribution": {name: one.subdistribution for name, one in found.items()},
    }


def _competing_count(outcome: Outcome) -> dict[str, int]:
    return {} if outcome.competing is None else {"competing": int(outcome.competing.sum())}


def _notes(
    model: Model,
    data: StudyData,
    results: Mapping[str, BranchResult],
    abstained: Mapping[str, str],
    told: Sequence[str],
    settings: StudySettings,
) -> list[str]:
    """What a reader must know: how files were read, what could not be computed, what the numbers mean."""
    notes = [*told, *(note for result in results.values() for note in result.notes)]
    notes += [f"{name}: {note}" for name, s in model.signatures.items() for note in s.notes]
    notes += [settings.endpoint.note] if settings.endpoint.note else []
    if abstained:
        notes.append(
            f"{len(abstained)} of {len(data.external)} external patients outside the training domain; "
            "the model would abstain for them, the evaluation scores them all."
        )
    if ORACLE in results:
        notes.append(
            "Simulated cohort: the oracle ranks patients by their true risk; no model can be better on average."
        )
    return notes


def _columns(name: str, model: Model, settings: StudySettings) -> tuple[str, ...]:
    branch = next(b for b in stages.branches(model.ring.ring, settings) if b.name == name)
    return tuple(prefix for prefixes in branch.groups.values() for prefix in prefixes)


def true_risk(truth: Path, patients: Sequence[str], key: str) -> NDArray[np.float64]:
    """True linear predictor of patients of a simulated cohort.

    Parameters
    ----------
    truth
        Folder of the simulated cohort.
    patients
        As named in the study.
    key
        Of the pseudonyms; empty where the study keeps the identities.

    Raises
    ------
    InputError
        If the folder holds no truth, or not that of these patients.
    """
    known = oracle_risk(truth)
    if key:
        known.index = pd.Index([pseudonym(str(p), key) for p in known.index])
    missing = sorted(set(patients) - set(known.index))
    if missing:
        raise InputError(
            f"The truth in {truth} does not know {len(missing)} of {len(patients)} external patients ({missing[0]} is "
            "the first); set truth below [input] to the simulated cohort itself, or take it out for other patients."
        )
    return known.loc[list(patients)].to_numpy(dtype=float)


def _oracle(truth: Path, outcome: Outcome, key: str) -> Prediction:
    """The true risks of a simulated cohort, as if they were predictions."""
    risk = true_risk(truth, outcome.patients, key)
    n = len(outcome)
    return Prediction(outcome.patients, risk, (), np.empty((n, 0)), risk > np.median(risk))
