"""A study on disk: each stage reads the artefacts of the stages before, writes its own, and knows when it is done.

Killed at any moment, a run continues where it was and ends in the same bytes: an artefact is written whole or not at
all, finished patients and networks are kept as parts, and a stage is done only when the ledger says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from perisurv.cohort import SOURCE_COLUMNS, CohortOptions, cohort_from_frame, cohort_to_frame, read_cohort
from perisurv.core import Cohort, Evaluation, Exclusion, FeatureTable, InputError, Patient
from perisurv.evaluation import evaluation_from_json, evaluation_to_json
from perisurv.study import stages
from perisurv.study.document import write_report
from perisurv.study.engine import Failure, Progress, run_tasks, split_failures, tell
from perisurv.study.evaluate import evaluate_models
from perisurv.study.jobs import features_of, network_of, patch_of, regions_of
from perisurv.study.ledger import STAGES, enter, index_key, stage_key
from perisurv.study.model import Model, load_model
from perisurv.study.people import update_people, write_people
from perisurv.study.plan import StudyPlan, plan_study
from perisurv.study.private import (
    PrivateFolder,
    cohort_without_paths,
    numbered,
    private_folder,
    refuse_among_patients,
    without_paths,
)
from perisurv.study.provenance import VERSION, provenance
from perisurv.study.qc import QcPages, write_qc
from perisurv.study.reasons import reasons_kept, write_reasons
from perisurv.study.settings import StudySettings, digest
from perisurv.study.stability import stable_columns, write_redrawn
from perisurv.study.stages import StudyData
from perisurv.study.store import (
    SET_ASIDE,
    RunFolder,
    listing,
    read_json,
    read_table,
    safe_name,
    write_frame,
    write_table,
    write_text,
)

if TYPE_CHECKING:
    from perisurv.deep import Embedder

__all__ = ["Run"]

# After the index.
LATER = ("regions", "extract")


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One study in one folder.

    Parameters
    ----------
    settings
        The study file.
    folder
        Where the artefacts go.
    progress
        Called with (stage, done, total) after every patient or network.
    """

    settings: StudySettings
    folder: RunFolder
    progress: Progress | None = None

    def index(self, cohort: Cohort | None = None) -> Cohort:
        """Find the patients; write ``cohort.parquet``, ``checks.parquet`` and the exclusions, and the private folder.

        Unless the study keeps the identities, files that the texts of the index name get numbers. A cohort that is
        given is taken as it is.
        """
        given, root = self.settings.input, Path(self.settings.input.folder)
        if cohort is None:
            files = self.files()
            key = index_key(self.settings, files)
            self.folder.root.mkdir(parents=True, exist_ok=True)
        else:
            key = digest("index", VERSION, cohort_to_frame(cohort, root).to_json(), dict(cohort.findings))
        if not self.is_done("index", key):
            later = self.folder.read_exclusions(*LATER) if self.folder.done("index") == key else ()
            self.folder.forget("index")
            names = {} if self.settings.keep_ids or cohort is not None else numbered(name for name, _, _ in files)
            if cohort is None:
                if not self.settings.keep_ids:
                    self.private.write_names(names)
                with reasons_kept(self.folder, self.private, names):
                    cohort = read_cohort(
                        root,
                        clinical=given.clinical or None,
                        options=self.cohort_options(),
                        cache=self.private.headers,
                        follow_up=given.follow_up,
                        progress=self.progress,
                    )
            write_people(self.private, cohort, later)
            cohort = cohort_without_paths(cohort, names) if names else cohort
            frame = cohort_to_frame(cohort, root)
            write_frame(self.private.sources, frame[["patient", *SOURCE_COLUMNS]])
            self.private.write_left_out(cohort, root)
            write_frame(self.folder.cohort, frame.drop(columns=list(SOURCE_COLUMNS)))
            write_reasons(self.folder, cohort)
            tell(self.progress, "left_out", "excluded at the index", cohort.exclusions)
            tell(self.progress, "left_out", "files set aside", cohort.set_aside)
            enter(self.folder, "index", key, self.settings)
        return self.cohort()

    def regions(self) -> None:
        """Build tumour and rings of every patient; write ``regions/``, ``regions.parquet`` and the grids of the CTs."""
        key = self.key("regions")
        if self.is_done("regions", key):
            return
        self.folder.forget("regions")
        patients = self.cohort().patients
        parts = self.folder.open_parts("regions", key)
        work = partial(regions_of, settings=self.settings, folder=self.folder.regions, parts=parts)
        results = self._each("regions", work, patients)
        good = [result for result in results if not isinstance(result, Failure)]
        write_frame(self.folder.audit, pd.DataFrame([row for result in good for row in result["regions"]]))
        write_frame(self.folder.acquisition, pd.DataFrame([result["acquisition"] for result in good]))
        write_frame(self.folder.grids, pd.DataFrame([result["grid"] for result in good]))
        self.folder.write_region_checks(good)
        self._exclude("regions", patients, results)
        enter(self.folder, "regions", key, self.settings)

    def qc(self) -> QcPages:
        """Write ``qc/``: a sheet a patient and the page of the cohort."""
        return write_qc(self.folder, self.cohort(), self.settings, progress=self.progress, names=self.private.names())

    def extract(self) -> None:
        """Compute radiomics of every region; write ``features.parquet`` and ``perturbed.parquet``.

        Needs neither follow-up nor centres.
        """
        key = self.key("extract")
        if self.is_done("extract", key):
            return
        self.folder.forget("extract")
        self._covariates()  # refused here, before hours are spent
        cohort = self.cohort()
        patients = self._left(cohort, "regions")
        parts = self.folder.open_parts("extract", key)
        work = partial(features_of, settings=self.settings, folder=self.folder.regions, parts=parts)
        results = self._each("extract", work, patients)
        self._exclude("extract", patients, results)
        table = FeatureTable.stack([r for r in results if not isinstance(r, Failure)])
        write_table(self.folder.features, table)
        write_redrawn(self.folder, cohort, table, self.settings, parts=parts, progress=self.progress)
        enter(self.folder, "extract", key, self.settings)

    def fit(self) -> Model:
        """Train networks, choose the ring, fit every branch on the training patients; write ``model/``."""
        key = self.key("fit")
        if self.is_done("fit", key):
            return load_model(self.folder.model)
        self.folder.forget("fit")
        data = self.data()
        parts = self.folder.open_parts("fit", key)
        stable = stable_columns(self.folder, data, self.settings)
        tell(self.progress, "detail", f"fit: {len(stable)} of {len(data.radiomics.names)} features are stable")
        table = data.radiomics.join(data.clinical).select([*stable, *data.clinical.names])
        folds: list[tuple[str, ...]] = []
        embedders: list[Embedder] = []
        training = table.take(data.training)
        if self.settings.deep.enabled:
            folds = stages.network_folds(data, self.settings)
            self._cut_patches((*data.training, *data.external))
            embedders = self._train_networks(data, folds, parts)
            training = training.join(stages.out_of_fold(embedders, folds, self.patches(data.training)))
        outcome, acquisition = data.outcome.take(data.training), self.acquisition(data.training)
        with threadpool_limits(1):  # the order of a sum depends on the number of threads
            ring = stages.find_ring(table.take(data.training), outcome, self.settings, acquisition)
            signatures = {
                branch.name: stages.fit_branch(branch, training, outcome, acquisition, self.settings)
                for branch in stages.branches(ring.ring, self.settings)
            }
        model = Model(signatures, tuple(embedders), ring, tuple(folds), self.settings, provenance(self.settings))
        model.save(self.folder.model)
        enter(self.folder, "fit", key, self.settings)
        return model

    def evaluate(self) -> Evaluation:
        """Score the external patients once; write ``predictions.parquet`` and ``evaluation.json``.

        Raises
        ------
        InputError
            If all patients are of the centre that trains.
        """
        key = self.key("evaluate")
        if self.is_done("evaluate", key):
            return self.evaluation()
        self.folder.forget("evaluate")
        model = load_model(self.folder.model)
        data = self.data()
        if not data.external:
            raise InputError(
                f"There is no external patient: all {len(data.training)} are of {data.training_centre}, which trains. "
                "Run `perisurv validate`, which needs one centre only, or add patients of another centre."
            )
        table = data.radiomics.join(data.clinical).take(data.external)
        if model.embedders:
            table = table.join(stages.embed_new(model.embedders, data.external, self.patches(data.external)))
        with threadpool_limits(1):
            predictions, evaluation = evaluate_models(
                model,
                data,
                table,
                acquisition=self.acquisition(data.external),
                cohort=self.cohort(),
                key=self.cohort_options().pseudonym_key,
                settings=self.settings,
            )
        write_frame(self.folder.predictions, predictions)
        write_text(self.folder.evaluation, evaluation_to_json(evaluation))
        enter(self.folder, "evaluate", key, self.settings)
        return evaluation

    def report(self) -> Path:
        """Write ``report.html``: the evaluation of external patients, the validation by folds, or both."""
        return write_report(self)

    def plan(self) -> StudyPlan:
        """What this study does with its patients; refuses what cannot work."""
        return plan_study(self.cohort(), self.settings, self.cohort_options().pseudonym_key)

    # --- what lies in the folder ---------------------------------------------------------------------------------

    def cohort(self) -> Cohort:
        """Patients as indexed, with everything excluded since."""
        self.folder.require("index")
        frame = pd.read_parquet(self.folder.cohort).merge(
            self.private.read_sources(), on="patient", how="left", validate="one_to_one"
        )
        exclusions = self.folder.read_exclusions("index", "regions", "extract")
        root = Path(self.settings.input.folder)
        return dataclasses.replace(
            cohort_from_frame(frame, exclusions, root),
            notes=tuple(read_json(self.folder.notes)),
            findings=self.folder.read_findings(),
            set_aside=self.folder.read_exclusions(SET_ASIDE),
            left_out=self.private.read_left_out(root),
        )

    def data(self) -> StudyData:
        """Features, clinical columns and outcome of the patients that came through extraction."""
        self.folder.require("extract")
        cohort, features = self.cohort(), read_table(self.folder.features)
        if cohort.outcome is None:
            raise InputError(f"A model needs follow-up. {self.plan().told}")
        data = StudyData.split(cohort, features, cohort.outcome.take(features.patients))
        return dataclasses.replace(data, clinical=data.clinical.join(self._covariates()))

    def files(self) -> list[tuple[str, int, int]]:
        """Name, size and time of change of all that the index looks at.

        Raises
        ------
        InputError
            If there is no folder of patients, or the study would write into it.
        """
        given, root = self.settings.input, Path(self.settings.input.folder)
        if not given.folder or not root.is_dir():
            wrong = f"There is no folder {root}" if given.folder else "The study file names no folder of patients"
            raise InputError(f"{wrong}; set folder below [input] in the study file.")
        refuse_among_patients(root, {"out": self.folder.root, "private": self.private.root})
        return listing(root, map(Path, given.clinical))

    def cohort_options(self) -> CohortOptions:
        """Options of the index, with the key of the pseudonyms unless the study keeps the identities.

        The key is made once and kept in the private folder, readable by its owner only.
        """
        options = self.settings.endpoint.columns(self.settings.cohort)
        if self.settings.keep_ids:
            return options
        return dataclasses.replace(options, ids="pseudonym", pseudonym_key=self.private.pseudonym_key())

    @property
    def private(self) -> PrivateFolder:
        """Where the key and the paths lie: apart from the run folder, unless the study keeps the identities."""
        return private_folder(self.settings, self.folder.root)

    def evaluation(self) -> Evaluation:
        """What the study found."""
        self.folder.require("evaluate")
        return evaluation_from_json(self.folder.evaluation.read_text(encoding="utf-8"))

    def patches(self, patients: Sequence[str]) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
        """The cubes that the network sees."""
        folder = self.folder.parts / "patches"
        return {p: np.load(folder / f"{safe_name(p)}.npy", allow_pickle=False) for p in patients}

    # --- steps of the stages -------------------------------------------------------------------------------------

    def _covariates(self) -> FeatureTable:
        return stages.audit_features(self.folder.read_audits(), self.settings)

    def key(self, stage: str) -> str:
        """Key of regions, extract, fit or evaluate, from the ledger and the settings.

        Raises
        ------
        InputError
            If the stage that it comes after is not finished.
        """
        for before in STAGES[stage].after:
            self.folder.require(before)
        return stage_key(stage, [self.folder.done(name) for name in STAGES[stage].after], self.settings)

    def is_there(self, stage: str) -> bool:
        """Whether everything lies there that a stage leaves."""
        there = all(path.exists() for path in STAGES[stage].artefacts(self.folder))
        if stage == "index":
            return there and self.private.sources.exists() and self.private.people.exists()
        return there and (stage != "regions" or self._regions_are_there())

    def is_done(self, stage: str, key: str) -> bool:
        """Whether a stage is up to date; who shows the progress is told so."""
        done = self.folder.done(stage) == key and self.is_there(stage)
        if done:
            tell(self.progress, "detail", f"{stage}: was done before")
        return done

    def _each(self, label: str, work: Any, items: Sequence[Any]) -> list[Any]:
        return run_tasks(work, items, workers=self.settings.workers, label=label, progress=self.progress)

    def _regions_are_there(self) -> bool:
        """Whether the folders of all patients with regions are there: one that was deleted is made again."""
        built = pd.read_parquet(self.folder.grids, columns=["patient"])["patient"]
        return all((self.folder.regions / safe_name(str(patient))).is_dir() for patient in built)

    def _left(self, cohort: Cohort, *stages_done: str) -> list[Patient]:
        gone = {e.patient for e in self.folder.read_exclusions(*stages_done)}
        return [p for p in cohort.patients if p.id not in gone]

    def _exclude(self, stage: str, patients: Sequence[Patient], results: Sequence[Any]) -> None:
        good, bad = split_failures(patients, results)
        names = self.private.names()
        gone = [Exclusion(p.id, stage, without_paths(reason, names)) for p, reason in bad]
        self.folder.write_exclusions(stage, gone)
        tell(self.progress, "left_out", f"excluded at {stage}", gone)
        update_people(self.private, self.folder.read_exclusions(*LATER[: LATER.index(stage) + 1]))
        if not good:
            reasons = sorted({reason for _, reason in bad})
            raise InputError(f"No patient came through {stage}. {' '.join(reasons[:3])}")

    def _cut_patches(self, patients: Sequence[str]) -> None:
        key = digest("patches", VERSION, self.folder.done("extract"), self.settings.deep.training)
        parts = self.folder.open_parts("patches", key)
        results = self._each(
            "patches", partial(patch_of, settings=self.settings, folder=self.folder.regions, parts=parts), patients
        )
        _, bad = split_failures(patients, results)
        if bad:
            raise InputError(f"No patch for patient {bad[0][0]}: {bad[0][1]}")

    def _train_networks(self, data: StudyData, folds: Sequence[tuple[str, ...]], parts: Path) -> list[Embedder]:
        jobs = []
        for number, fold in enumerate(folds):
            outcome = data.outcome.take([p for p in data.training if p not in fold])
            jobs.append((number, outcome))
        work = partial(network_of, settings=self.settings, patches=self.folder.parts / "patches", parts=parts)
        results = self._each("networks", work, jobs)
        _, bad = split_failures(jobs, results)
        if bad:
            raise InputError(f"Network {bad[0][0][0]} could not be trained: {bad[0][1]}")
        from perisurv.deep import Embedder  # noqa: PLC0415 (a study without networks needs no torch)

        return [Embedder.load(parts / f"network_{number}") for number, _ in jobs]

    def acquisition(self, patients: Sequence[str]) -> stages.Acquisition:
        """What is known of the scan of each patient, and the centre."""
        frame = pd.read_parquet(self.folder.acquisition).set_index("patient")
        rows: dict[str, dict[str, float | str]] = frame.to_dict(orient="index")  # type: ignore[assignment]
        known = {p: {k: v for k, v in rows[p].items() if pd.notna(v)} for p in patients}
        centres = self.cohort().centres
        return {p: row for p, row in stages.with_centres(known, centres).items() if p in known}
