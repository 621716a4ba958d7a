"""The whole method on one page, in the order in which a patient travels through it.

Every function is one stage: nouns in, nouns out, no files but the patient's own. Training and serving call the same
functions; :mod:`perisurv.study.run` adds the run folder, :mod:`perisurv.study.model` the saved model.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.cohort import clinical_features
from perisurv.core import Cohort, FeatureTable, Mask, Outcome, Patient, Prediction, RegionSet, Scan, SettingsError
from perisurv.core.brief import Brief
from perisurv.deep import cut_patch, ensemble, train
from perisurv.evaluation import external_split, stratified_folds
from perisurv.imaging import perturb_contour
from perisurv.radiomics import extract, feature_map
from perisurv.regions import rings
from perisurv.study.settings import StudySettings
from perisurv.survival import RingChoice, Signature, choose_ring, fit_signature, icc_1_1
from perisurv.survival.options import Harmonise

if TYPE_CHECKING:
    from perisurv.deep import Embedder

__all__ = [
    "Branch",
    "StudyData",
    "audit_features",
    "audit_figures",
    "branches",
    "build_regions",
    "embed_new",
    "extract_features",
    "extract_redrawn",
    "find_ring",
    "fit_branch",
    "network_folds",
    "out_of_fold",
    "patch",
    "predict_branch",
    "redrawn_patients",
    "refuse_unseen_centres",
    "ring_names",
    "stable_names",
    "stream",
    "texture_map",
    "train_network",
    "volume_column",
    "with_centres",
]

Acquisition = Mapping[str, Mapping[str, float | str]]
Audit = Mapping[str, Mapping[str, float]]


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class StudyData(Brief):
    """What the stages after extraction work on: radiomics and clinical columns of all patients, and who trains."""

    radiomics: FeatureTable
    clinical: FeatureTable
    outcome: Outcome
    training_centre: str
    training: tuple[str, ...]
    external: tuple[str, ...]

    @classmethod
    def split(cls, cohort: Cohort, radiomics: FeatureTable, outcome: Outcome) -> StudyData:
        """The largest centre trains, the others are read once (external validation); one centre trains alone."""
        kept = _of_centres(cohort, radiomics)
        training_centre, externals = external_split(kept) if len(kept) > 1 else (next(iter(kept)), ())
        external = tuple(p for centre in externals for p in kept[centre])
        clinical = clinical_features(cohort.clinical).take(radiomics.patients)
        return cls(radiomics, clinical, outcome, training_centre, kept[training_centre], external)


@dataclasses.dataclass(frozen=True, slots=True)
class Branch:
    """One rung of the ladder: which columns it may use, in which groups they are selected, and how."""

    name: str
    groups: Mapping[str, tuple[str, ...]]
    select: bool = True
    fuse: bool = False


# --- one patient -----------------------------------------------------------------------------------------------


def build_regions(scan: Scan, settings: StudySettings) -> RegionSet:
    """CT and contour -> tumour and rings on the analysis grid (METHOD 4-6)."""
    return rings(scan, settings.regions)


def audit_figures(regions: RegionSet) -> Audit:
    """Regions -> volume and audit of each, as stored in ``regions.parquet``."""
    return {region.name: {"volume_ml": region.mask.volume_ml, **region.audit} for region in regions}


def audit_features(audits: Mapping[str, Audit], settings: StudySettings, *, refuse: bool = True) -> FeatureTable:
    """Figures of the audit that the study asks for, one row a patient, named ``clinical__<region>_<figure>``.

    Raises
    ------
    SettingsError
        If no patient has a figure of that name, unless ``refuse`` is False: it is then not known.
    """
    flat = {
        patient: {f"{region}_{name}": value for region, figures in audit.items() for name, value in figures.items()}
        for patient, audit in audits.items()
    }
    known = sorted({name for figures in flat.values() for name in figures})
    for name in settings.audit_covariates:
        if refuse and name not in known:
            raise SettingsError(f"audit_covariates: the audit has no figure {name!r}; it has {', '.join(known)}.")
    columns = {
        f"clinical__{name}": [figures.get(name, np.nan) for figures in flat.values()]
        for name in settings.audit_covariates
    }
    return FeatureTable(pd.DataFrame(columns, index=list(flat)))


def volume_column(settings: StudySettings) -> str:
    """The tumour volume, as the radiomics of the study name it."""
    name = "shape_MeshVolume" if settings.radiomics.naming == "pyradiomics" else "morph_volume"
    return f"tumour__morph__{name}"


def extract_features(regions: RegionSet, settings: StudySettings) -> FeatureTable:
    """Regions -> radiomics (METHOD 7)."""
    return extract(regions, settings.radiomics)


def extract_redrawn(patient: Patient, repeat: int, settings: StudySettings) -> FeatureTable:
    """Radiomics of the same patient with another drawing of the contour (METHOD 8)."""
    scan = patient.load()
    rng = stream(settings.seed, "redraw", patient.id, str(repeat))
    tumour = perturb_contour(scan.tumour, rng, sd_mm=settings.stability.contour_sd_mm)
    redrawn = dataclasses.replace(scan, tumour=tumour)
    return extract(rings(redrawn, settings.regions), settings.radiomics)


def redrawn_patients(cohort: Cohort, table: FeatureTable, settings: StudySettings) -> tuple[str, ...]:
    """Patients whose contours are redrawn: drawn by lot from the largest centre, or from all patients of one centre.

    Follow-up is not looked at, so the features that they keep are the same whatever split a validation deals.
    """
    kept = _of_centres(cohort, table)
    own = kept[external_split(kept)[0]] if len(kept) > 1 else tuple(p for held in kept.values() for p in held)
    count = min(settings.stability.patients, len(own))
    rng = stream(settings.seed, "stability")
    return tuple(sorted(rng.choice(own, size=count, replace=False).tolist()))


# --- training patients -----------------------------------------------------------------------------------------


def stable_names(original: FeatureTable, redrawn: Sequence[FeatureTable], settings: StudySettings) -> tuple[str, ...]:
    """Features whose ICC(1,1) over drawings of the contour reaches the minimum (METHOD 8)."""
    values = np.stack([original.frame.to_numpy(), *(t.frame.to_numpy() for t in redrawn)], axis=1)
    icc = icc_1_1(values)
    return tuple(n for n, value in zip(original.names, icc, strict=True) if value >= settings.stability.minimum_icc)


def with_centres(acquisition: Acquisition, centres: Mapping[str, Sequence[str]]) -> Acquisition:
    """What is known of each scan, and the centre that it comes from; patients of whom nothing is known included."""
    return {p: {**acquisition.get(p, {}), "centre": centre} for centre, own in centres.items() for p in own}


def refuse_unseen_centres(settings: StudySettings) -> None:
    """Refuse a study that could not score one patient: its external centres are never among the training batches.

    Raises
    ------
    SettingsError
        If features are harmonised by centre and unseen centres refused.
    """
    fit = settings.fit
    if fit.harmonise != "none" and fit.harmonise_by == "centre" and fit.unseen == "refuse":
        raise SettingsError(
            "[fit] harmonise_by = 'centre' with unseen = 'refuse' leaves no external patient to score: one centre "
            "trains and every other is unseen. Set unseen = 'as_is', harmonise by scanner, kernel or slice_thickness, "
            "or use `perisurv validate`, whose folds hold all centres."
        )


def find_ring(
    training: FeatureTable, outcome: Outcome, settings: StudySettings, acquisition: Acquisition | None = None
) -> RingChoice:
    """Ring width by inner cross-validation on the training patients (METHOD 10)."""
    tables = {name: training.starting_with(f"{name}__") for name in ring_names(settings)}
    known, rng = outcome.take(training.patients), stream(settings.seed, "ring")
    options = dataclasses.replace(settings.fit, harmonise=_harmonise(["radiomics"], settings))
    return choose_ring(tables, known, options, rng, acquisition=acquisition)


def network_folds(data: StudyData, settings: StudySettings) -> list[tuple[str, ...]]:
    """Training patients in folds; network k never sees fold k."""
    return stratified_folds(data.outcome.take(data.training), settings.deep.folds, stream(settings.seed, "folds"))


def train_network(
    patches: Mapping[str, NDArray[np.float32]],
    outcome: Outcome,
    fold: int,
    settings: StudySettings,
) -> Embedder:
    """3D-SE-ResNet on the patients outside one fold (METHOD 11)."""
    array = np.stack([patches[p] for p in outcome.patients])
    seed = int(stream(settings.seed, "network", str(fold)).integers(2**31))
    return train(outcome.patients, array, outcome, settings.deep.training, seed)


def out_of_fold(
    embedders: Sequence[Embedder],
    folds: Sequence[tuple[str, ...]],
    patches: Mapping[str, NDArray[np.float32]],
) -> FeatureTable:
    """Deep features of the training patients, each by the network that never saw that patient."""
    tables = [_embed(e, fold, patches) for e, fold in zip(embedders, folds, strict=True)]
    return FeatureTable.stack(tables)


def embed_new(
    embedders: Sequence[Embedder], patients: Sequence[str], patches: Mapping[str, NDArray[np.float32]]
) -> FeatureTable:
    """Deep features of patients that no network has seen: the mean over the networks."""
    return ensemble([_embed(e, patients, patches) for e in embedders])


def texture_map(regions: RegionSet, settings: StudySettings) -> NDArray[np.float32]:
    """Joint entropy of small windows in tumour and rings, in the slice with most of the tumour: for the report."""
    everything = np.logical_or.reduce([region.mask.values for region in regions])
    slice_mask = np.zeros_like(everything)
    largest = int(regions["tumour"].mask.values.sum(axis=(1, 2)).argmax())
    slice_mask[largest] = True
    grid = regions.image.geometry
    mask, at = Mask(everything, grid), Mask(slice_mask, grid)
    return feature_map(regions.image, mask, "cm_joint_entr", options=settings.radiomics, at=at).values


def patch(regions: RegionSet, settings: StudySettings) -> NDArray[np.float32]:
    """Regions -> the cube that the network sees."""
    return cut_patch(regions, settings.deep.training)


def branches(ring: str, settings: StudySettings) -> tuple[Branch, ...]:
    """The ladder, from volume alone to the combined model (METHOD: what makes a number believable, 2)."""
    radiomics = ("tumour__", f"{ring}__")
    combined: dict[str, tuple[str, ...]] = {"radiomics": radiomics}
    rungs = [
        Branch("volume", {"volume": (volume_column(settings),)}, select=False),
        Branch("clinical", {"clinical": ("clinical__",)}, select=False),
        Branch("tumour", {"radiomics": ("tumour__",)}),
        *(Branch(name, {"radiomics": (f"{name}__",)}) for name in ring_names(settings)),
        Branch("tumour+ring", {"radiomics": radiomics}),
    ]
    if settings.deep.enabled:
        rungs.append(Branch("deep", {"deep": ("deep_",)}))
        combined["deep"] = ("deep_",)
    if settings.clinical_in_combined:
        combined["clinical"] = ("clinical__",)
    return (*rungs, Branch("combined", combined, fuse=True))


def fit_branch(
    branch: Branch, table: FeatureTable, outcome: Outcome, acquisition: Acquisition, settings: StudySettings
) -> Signature:
    """Selection, fusion and Cox of one branch on the training patients (METHOD 9, 12, 13)."""
    columns = tuple(prefix for prefixes in branch.groups.values() for prefix in prefixes)
    options = dataclasses.replace(
        settings.fit,
        select=branch.select,
        fusion=settings.fit.fusion if branch.fuse else "none",
        harmonise=_harmonise(branch.groups, settings),
    )
    rng = stream(settings.seed, "fit", branch.name)
    own = table.starting_with(*columns)
    return fit_signature(own, outcome, groups=branch.groups, options=options, rng=rng, acquisition=acquisition)


# --- patients that are scored ------------------------------------------------------------------------------------


def predict_branch(
    signature: Signature,
    table: FeatureTable,
    acquisition: Acquisition,
    settings: StudySettings,
) -> Prediction:
    """Risk, survival and group of patients that the signature has never seen (raises LeakageError otherwise)."""
    return signature.predict(table, settings.evaluation.horizons_days, acquisition=acquisition)


def ring_names(settings: StudySettings) -> tuple[str, ...]:
    """Names of the rings of this study, by width."""
    return tuple(f"ring_{width:g}mm" for width in settings.regions.widths_mm)


def stream(seed: int, *names: str) -> np.random.Generator:
    """The random stream of one purpose; another purpose, another stream."""
    digests = (hashlib.sha256(name.encode()).digest()[:8] for name in names)
    return np.random.default_rng([seed, *(int.from_bytes(d) for d in digests)])


def _of_centres(cohort: Cohort, table: FeatureTable) -> dict[str, tuple[str, ...]]:
    """Patients of the table by centre; centres without any left out."""
    kept = {centre: tuple(p for p in patients if p in table.frame.index) for centre, patients in cohort.centres.items()}
    return {centre: patients for centre, patients in kept.items() if patients}


def _harmonise(groups: Iterable[str], settings: StudySettings) -> Harmonise:
    """Branches without a group that is harmonised, such as volume alone, are fitted as they are."""
    return settings.fit.harmonise if set(groups) & set(settings.fit.harmonise_groups) else "none"


def _embed(embedder: Embedder, patients: Sequence[str], patches: Mapping[str, NDArray[np.float32]]) -> FeatureTable:
    return embedder.transform(tuple(patients), np.stack([patches[p] for p in patients]))
