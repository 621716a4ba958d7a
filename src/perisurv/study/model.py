"""A fitted study as one folder: signatures, networks, settings and provenance. No pickle, no patient data."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perisurv.cohort import clinical_features, read_patient
from perisurv.core import (
    Cohort,
    Exclusion,
    FeatureTable,
    InputError,
    ModelError,
    Patient,
    Prediction,
    Provenance,
    RegionSet,
)
from perisurv.study import stages
from perisurv.study.engine import Failure, run_tasks
from perisurv.study.settings import StudySettings, plain, settings_from_dict
from perisurv.study.store import read_json, write_text
from perisurv.survival import RingChoice, Signature

if TYPE_CHECKING:
    from perisurv.deep import Embedder

__all__ = ["Model", "PatientPrediction", "load_model", "shareable"]

FORMAT = 1


@dataclasses.dataclass(frozen=True, slots=True)
class PatientPrediction:
    """What a model says of the patients of a folder.

    Parameters
    ----------
    prediction
        Risks of the patients that could be read.
    exclusions
        Patients or files that could not be used, with the reason.
    """

    prediction: Prediction
    exclusions: tuple[Exclusion, ...]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A fitted study.

    Parameters
    ----------
    signatures
        One a branch of the ladder.
    embedders
        The cross-fitted networks; empty without the deep branch.
    ring
        The ring width that was chosen, and its votes.
    folds
        Training patients of each fold; network k never saw fold k.
    settings
        The settings that the study ran with.
    provenance
        Versions, seed and digest of the settings.
    """

    signatures: Mapping[str, Signature]
    embedders: tuple[Embedder, ...]
    ring: RingChoice
    folds: tuple[tuple[str, ...], ...]
    settings: StudySettings
    provenance: Provenance

    def predict(self, folder: Path | str, branch: str = "combined") -> Prediction:
        """Risks of the new patients in a folder, by exactly the stages of the training.

        Raises
        ------
        InputError
            If no patient in the folder can be used; the message holds the reason.
        LeakageError
            If a patient trained this model.
        """
        return self.predict_folder(folder, branch).prediction

    def predict_folder(
        self, folder: Path | str, branch: str = "combined", *, pseudonym_key: str = ""
    ) -> PatientPrediction:
        """Like :meth:`predict`, with the patients and files that could not be used.

        With the key of the study's pseudonyms, patients are named as in the study, so that a patient who trained
        the model is recognised.
        """
        if branch not in self.signatures:
            raise InputError(f"This model has no branch {branch!r}; it has {', '.join(self.signatures)}.")
        options = self.settings.cohort
        if pseudonym_key:
            options = dataclasses.replace(options, ids="pseudonym", pseudonym_key=pseudonym_key)
        cohort = read_patient(folder, options=options)
        regions, failed = self._regions(cohort)
        exclusions = (*cohort.exclusions, *failed)
        if not regions:
            reasons = "; ".join(f"{e.patient or 'files'}: {e.reason}" for e in exclusions)
            raise InputError(f"No patient in {folder} can be predicted. {reasons}")
        return PatientPrediction(self._predict_regions(regions, cohort, branch), exclusions)

    def _regions(self, cohort: Cohort) -> tuple[list[RegionSet], list[Exclusion]]:
        def build(patient: Patient) -> RegionSet:
            return stages.build_regions(patient.load(), self.settings)

        built = run_tasks(build, cohort.patients, workers=1)
        good = [r for r in built if not isinstance(r, Failure)]
        failed = [
            Exclusion(patient.id, "regions", result.reason)
            for patient, result in zip(cohort.patients, built, strict=True)
            if isinstance(result, Failure)
        ]
        return good, failed

    def _predict_regions(self, regions: Sequence[RegionSet], cohort: Cohort, branch: str) -> Prediction:
        features = [stages.extract_features(r, self.settings) for r in regions]
        table = FeatureTable.stack(features)
        table = table.join(clinical_features(cohort.clinical))
        audits = {r.patient: stages.audit_figures(r) for r in regions}
        table = table.join(stages.audit_features(audits, self.settings))
        if self.embedders:
            patches = {r.patient: stages.patch(r, self.settings) for r in regions}
            table = table.join(stages.embed_new(self.embedders, table.patients, patches))
        acquisition = stages.with_centres({r.patient: r.acquisition for r in regions}, cohort.centres)
        return stages.predict_branch(self.signatures[branch], table, acquisition, self.settings)

    def save(self, folder: Path) -> None:
        """Write the model folder whole or not at all."""
        temporary = folder.with_name(f".{folder.name}.new")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for name, signature in self.signatures.items():
            write_text(temporary / "signatures" / f"{name}.json", signature.to_json())
        for number, embedder in enumerate(self.embedders):
            embedder.save(temporary / "deep" / f"network_{number}")
        manifest = {
            "format": FORMAT,
            "signatures": list(self.signatures),
            "networks": len(self.embedders),
            "ring": dataclasses.asdict(self.ring),
            "folds": self.folds,
            "settings": shareable(self.settings),
            "provenance": dataclasses.asdict(self.provenance),
        }
        write_text(temporary / "model.json", json.dumps(manifest, indent=1, sort_keys=True) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)


def load_model(folder: Path | str) -> Model:
    """Load a model folder.

    Raises
    ------
    ModelError
        If the folder is not a complete perisurv model of a known format.
    """
    folder = Path(folder)
    if not (folder / "model.json").is_file():
        raise ModelError(
            f"{folder} holds no model (model.json is missing); give the folder `model` of a finished study."
        )
    manifest = read_json(folder / "model.json")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelError(f"{folder} is not a perisurv model of format {FORMAT}; fit the study again.")
    try:
        signatures = {
            name: Signature.from_json((folder / "signatures" / f"{name}.json").read_text(encoding="utf-8"))
            for name in manifest["signatures"]
        }
        ring = RingChoice(
            manifest["ring"]["ring"],
            manifest["ring"]["votes"],
            {name: tuple(scores) for name, scores in manifest["ring"]["scores"].items()},
        )
        settings = settings_from_dict(manifest["settings"], str(folder / "model.json"))
        provenance = Provenance(**manifest["provenance"])
        folds = tuple(tuple(fold) for fold in manifest["folds"])
        networks = int(manifest["networks"])
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        raise ModelError(
            f"{folder} is not a complete perisurv model ({type(error).__name__}: {error}); fit the study again."
        ) from error
    return Model(signatures, _load_networks(folder, networks), ring, folds, settings, provenance)


def shareable(settings: StudySettings) -> dict[str, Any]:
    """Settings as plain values without the paths of this machine."""
    return {**plain(settings), "input": {}, "out": "", "private": ""}


def _load_networks(folder: Path, count: int) -> tuple[Embedder, ...]:
    if count == 0:
        return ()
    from perisurv.deep import Embedder  # noqa: PLC0415 (a model without networks needs no torch)

    return tuple(Embedder.load(folder / "deep" / f"network_{number}") for number in range(count))
