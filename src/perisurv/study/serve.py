"""New patients through a fitted model: each for itself, so that one that cannot be used never refuses the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from perisurv.cohort import CLINICAL_COLUMNS, CohortOptions, RoiRule, clinical_features, read_patient
from perisurv.cohort.clinical import covariate_columns
from perisurv.core import Cohort, Exclusion, Finding, InputError, LeakageError, Patient, Prediction, Scan
from perisurv.core.brief import Brief
from perisurv.study import stages
from perisurv.study.engine import Failure, Progress, run_tasks, tell

if TYPE_CHECKING:
    from perisurv.study.model import Model

__all__ = ["New", "PatientPrediction", "Tables", "cohort_of", "predict_each", "reading_options"]

New = Path | str | Cohort | Patient | Scan
Tables = Path | str | Sequence[Path | str] | None

_STAGE = "predict"
_UNKNOWN_CENTRE = "unknown"


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class PatientPrediction(Brief):
    """What a model says of new patients.

    Parameters
    ----------
    prediction
        Risks of the patients that could be used.
    exclusions
        Patients or files that could not be used, with the reason.
    stand_ins
        Patient -> features of the model that are not known of it; the mean of the training patients stands in.
    findings
        Patient -> what the checks of tumour, rings and body found; one that failed excludes nobody.
    """

    prediction: Prediction
    exclusions: tuple[Exclusion, ...]
    stand_ins: dict[str, tuple[str, ...]]
    findings: dict[str, tuple[Finding, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class _Held:
    """A scan that is already read."""

    scan: Scan

    def read(self, patient: str) -> Scan:  # noqa: ARG002 (the protocol of sources)
        return self.scan

    def describe(self) -> dict[str, str]:
        return {"kind": "memory"}


def reading_options(
    options: CohortOptions, tumour_roi: Sequence[str | RoiRule] = (), pseudonym_key: str = ""
) -> CohortOptions:
    """Options of the training, with other rules for the tumour ROI and with pseudonyms where a key is given."""
    if tumour_roi:
        options = dataclasses.replace(options, tumour_roi=tuple(tumour_roi))
    if pseudonym_key:
        options = dataclasses.replace(options, ids="pseudonym", pseudonym_key=pseudonym_key)
    return options


def cohort_of(new: New, options: CohortOptions, clinical: Tables = None) -> Cohort:
    """The patients to be predicted.

    Parameters
    ----------
    new
        Folder, cohort, patient or scan.
    options
        How a folder is read.
    clinical
        Clinical tables of the patients of a folder; None: those below it.

    Raises
    ------
    InputError
        If the folder or a table is not there, no patient can be read, or tables are given with something else than
        a folder.
    """
    if isinstance(new, Path | str):
        return read_patient(new, options, clinical=clinical)
    if clinical is not None:
        raise InputError("Clinical tables go with a folder of patients; a Cohort carries its own in Cohort.clinical.")
    if isinstance(new, Cohort):
        return new
    patient = Patient(new.patient, _UNKNOWN_CENTRE, _Held(new)) if isinstance(new, Scan) else new
    return Cohort((patient,), pd.DataFrame(index=pd.Index([patient.id], name="patient")))


def predict_each(
    model: Model, cohort: Cohort, branch: str, progress: Progress | None = None, workers: int = 1
) -> PatientPrediction:
    """Predict patient by patient, by exactly the stages of the training.

    Raises
    ------
    InputError
        If the model has no such branch, or no patient can be used; the message holds the reasons.
    LeakageError
        If no patient can be used and some trained this model.
    """
    if branch not in model.signatures:
        raise InputError(f"This model has no branch {branch!r}; it has {', '.join(model.signatures)}.")
    for note in cohort.notes:
        tell(progress, "detail", note)
    clinical = _complete(cohort.clinical, model)
    work = partial(_one, model=model, branch=branch, clinical=clinical)
    results = run_tasks(work, cohort.patients, workers=workers, label=_STAGE, progress=progress)
    failed = tuple(
        Exclusion(patient.id, _STAGE, result.reason)
        for patient, result in zip(cohort.patients, results, strict=True)
        if isinstance(result, Failure)
    )
    good = [result for result in results if not isinstance(result, Failure)]
    exclusions = (*cohort.exclusions, *failed)
    if not good:
        reasons = "; ".join(f"{e.patient or 'files'}: {e.reason}" for e in exclusions)
        kind = LeakageError if set(cohort.ids) & model.signatures[branch].fitted_on else InputError
        raise kind(f"No patient can be predicted. {reasons}")
    stand_ins = {one.patient: one.unknown for one in good if one.unknown}
    findings = {one.patient: one.findings for one in good}
    return PatientPrediction(_together([one.prediction for one in good]), exclusions, stand_ins, findings)


@dataclasses.dataclass(frozen=True, slots=True)
class _One:
    """One patient: the prediction, features that are not known, what the checks of its regions found."""

    prediction: Prediction
    unknown: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def patient(self) -> str:
        return self.prediction.patients[0]


def _one(patient: Patient, *, model: Model, branch: str, clinical: pd.DataFrame) -> _One:
    signature, settings = model.signatures[branch], model.settings
    if patient.id in signature.fitted_on:
        raise LeakageError("this patient trained the model, which would only repeat what it was told; no prediction.")
    regions = dataclasses.replace(stages.build_regions(patient.load(), settings), patient=patient.id)
    table = stages.extract_features(regions, settings).join(clinical_features(clinical.loc[[patient.id]]))
    audit = {patient.id: stages.audit_figures(regions)}
    table = table.join(stages.audit_features(audit, settings, refuse=False))
    if model.embedders:
        patches = {patient.id: stages.patch(regions, settings)}
        table = table.join(stages.embed_new(model.embedders, table.patients, patches))
    acquisition = stages.with_centres({patient.id: regions.acquisition}, {patient.centre: (patient.id,)})
    row = table.frame.loc[patient.id]
    unknown = tuple(name for name in signature.selected if name in row.index and np.isnan(row[name]))
    return _One(stages.predict_branch(signature, table, acquisition, settings), unknown, regions.findings)


def _complete(clinical: pd.DataFrame, model: Model) -> pd.DataFrame:
    """The clinical columns of the training; what a cohort does not have is not known."""
    options = model.settings.cohort
    wanted = [*CLINICAL_COLUMNS, *(c for c in covariate_columns(options) if c not in CLINICAL_COLUMNS)]
    return clinical.reindex(columns=wanted)


def _together(parts: Sequence[Prediction]) -> Prediction:
    return Prediction(
        tuple(p for part in parts for p in part.patients),
        np.concatenate([part.risk for part in parts]),
        parts[0].horizons_days,
        np.concatenate([part.survival for part in parts]),
        np.concatenate([part.high_risk for part in parts]),
        {patient: reason for part in parts for patient, reason in part.abstained.items()},
    )
