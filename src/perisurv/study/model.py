"""A fitted study as one folder: signatures, networks, settings and provenance. No pickle, no patient data."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perisurv.cohort import CohortOptions, RoiRule
from perisurv.core import ModelError, Prediction, Provenance
from perisurv.core.wording import counted
from perisurv.study.engine import Progress
from perisurv.study.serve import New, PatientPrediction, Tables, cohort_of, predict_each, reading_options
from perisurv.study.settings import StudySettings, plain, settings_from_dict
from perisurv.study.store import read_json, write_text
from perisurv.survival import RingChoice, Signature

if TYPE_CHECKING:
    from perisurv.deep import Embedder

__all__ = ["Model", "PatientPrediction", "load_model", "shareable"]

FORMAT = 1


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
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

    def __repr__(self) -> str:
        trained = len(frozenset[str]().union(*(s.fitted_on for s in self.signatures.values())))
        return (
            f"Model(perisurv {self.provenance.version}, {counted(trained, 'training patient')}, "
            f"{counted(len(self.embedders), 'network')}, ring {self.ring.ring}; "
            f"branches: {', '.join(self.signatures)})"
        )

    def predict(
        self,
        new: New,
        branch: str = "combined",
        *,
        clinical: Tables = None,
        tumour_roi: Sequence[str | RoiRule] = (),
        progress: Progress | None = None,
    ) -> Prediction:
        """Risks of new patients, by exactly the stages of the training.

        Parameters
        ----------
        new
            Folder of patients, Cohort, Patient or Scan.
        branch
            Rung of the ladder.
        clinical
            Clinical tables of the patients of a folder; None: those below it. What they do not tell is not known.
        tumour_roi
            Rules for the tumour ROI of a folder, as in a study file; none: those of the training.
        progress
            Called with ("predict", done, total) after every patient.

        Raises
        ------
        InputError
            If no patient can be used; the message holds the reasons. One that cannot be used refuses nobody else.
        LeakageError
            If no patient can be used and some trained this model.
        """
        return self.predict_each(new, branch, clinical=clinical, tumour_roi=tumour_roi, progress=progress).prediction

    def predict_each(  # noqa: PLR0913 (an option is a parameter)
        self,
        new: New,
        branch: str = "combined",
        *,
        clinical: Tables = None,
        tumour_roi: Sequence[str | RoiRule] = (),
        options: CohortOptions | None = None,
        pseudonym_key: str = "",
        progress: Progress | None = None,
        workers: int = 1,
    ) -> PatientPrediction:
        """Like :meth:`predict`, with the patients and files that could not be used.

        ``options`` replaces how the training read its files. With the key of the study's pseudonyms, patients are named
        as in the study, so that a patient who trained the model is recognised. ``workers`` processes change no result.
        """
        reading = reading_options(options or self.settings.cohort, tumour_roi, pseudonym_key)
        return predict_each(self, cohort_of(new, reading, clinical), branch, progress, workers)

    def told(self, found: PatientPrediction, branch: str, *, show_abstained: bool = False) -> dict[str, Any]:
        """A prediction as plain values, with what a reader must know to use it: units, branch, model, use.

        Parameters
        ----------
        found
            Of :meth:`predict_each`.
        branch
            That was asked for.
        show_abstained
            Whether patients for whom the model abstains have numbers.
        """
        endpoint = self.settings.endpoint.noun
        without = f"; in a world without {endpoint.competing}" if endpoint.competing else ""
        rows = found.prediction.to_frame(show_abstained=show_abstained).reset_index()
        return {
            "use": "Research use only: not for clinical use, not a medical device.",
            "endpoint": endpoint.name,
            "event_free": endpoint.event_free,
            "units": {
                "risk": "log hazard ratio against the mean training patient (0: as the mean; higher is worse)",
                "survival": f"probability of being {endpoint.event_free} at that time, days from time zero; null: "
                f"beyond the follow-up{without}",
                "group": "high: risk above the median of the training patients",
            },
            "model": {
                "version": self.provenance.version,
                "settings_sha256": self.provenance.settings_sha256,
                "branch": branch,
                "training_patients": len(self.signatures[branch].training_risk),
            },
            "predictions": json.loads(rows.to_json(orient="records")),
            "exclusions": [dataclasses.asdict(e) for e in found.exclusions],
            "stand_ins": {patient: list(names) for patient, names in found.stand_ins.items()},
            "checks": {patient: [dataclasses.asdict(f) for f in own] for patient, own in found.findings.items()},
        }

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
