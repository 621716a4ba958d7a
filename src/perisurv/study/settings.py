"""The study file: every choice of the method, strict, with a default for each."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from perisurv.cohort.options import CohortOptions
from perisurv.core import SettingsError
from perisurv.deep.options import DeepOptions
from perisurv.radiomics.options import ExtractOptions
from perisurv.radiomics.presets import preset_table
from perisurv.regions.options import RingOptions
from perisurv.study.endpoint_options import EndpointOptions
from perisurv.study.settings_errors import Fault, build, faults_of, refuse
from perisurv.study.study_file import DEFAULT_OUT, parse_study_text, read_study_text
from perisurv.survival.options import FitOptions

__all__ = [
    "Design",
    "EvaluationOptions",
    "InputOptions",
    "NetworkOptions",
    "StabilityOptions",
    "StudySettings",
    "ValidationOptions",
    "digest",
    "plain",
    "read_settings",
    "settings_from_dict",
    "settings_to_toml",
    "toml_value",
]

FollowUp = Literal["auto", "required", "none"]
Design = Literal["none", "nested", "leave_one_centre_out", "temporal"]
_IDENTITY = {"ids", "pseudonym_key"}
_KEPT = (
    "a study decides about identities by keep_ids = true or false at its top; the key of the pseudonyms is made by the "
    "study and kept in its private folder."
)


@dataclass(frozen=True, slots=True)
class InputOptions:
    """Where the data lie. Relative paths count from the study file.

    Parameters
    ----------
    folder
        Folder of DICOM files or of image and mask pairs.
    clinical
        Clinical tables (CSV, TSV, XLSX, Parquet); empty: those found below the folder.
    follow_up
        ``auto``: as the clinical tables have it; where no table with time and event is found, the study ends with
        regions, quality control and features. ``required``: that is an error. ``none``: follow-up is not read.
    truth
        Folder of a simulated cohort whose true risks give the oracle row; empty: none.
    """

    folder: str = ""
    clinical: tuple[str, ...] = ()
    follow_up: FollowUp = "auto"
    truth: str = ""


@dataclass(frozen=True, slots=True)
class StabilityOptions:
    """Which features survive another drawing of the contour (METHOD step 8).

    Parameters
    ----------
    patients
        Training patients whose contours are redrawn; 0 switches the filter off.
    repeats
        Redrawn contours a patient.
    contour_sd_mm
        Standard deviation of the surface displacement, mm.
    minimum_icc
        Features below this ICC(1,1) are dropped.
    """

    patients: int = 20
    repeats: int = 2
    contour_sd_mm: float = 1.0
    minimum_icc: float = 0.75

    def __post_init__(self) -> None:
        if self.patients < 0 or self.repeats < 1 or not 0 <= self.minimum_icc <= 1 or self.contour_sd_mm <= 0:
            raise SettingsError(
                "[stability] needs patients >= 0, repeats >= 1, contour_sd_mm > 0 and minimum_icc within 0..1."
            )


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """How the network joins the study.

    Parameters
    ----------
    enabled
        False leaves the deep branch out (needs no torch).
    folds
        Networks that are trained, each on the other folds of the training patients.
    training
        Architecture and optimisation, see :class:`perisurv.deep.DeepOptions`.
    """

    enabled: bool = True
    folds: int = 5
    training: DeepOptions = field(default_factory=DeepOptions)

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise SettingsError(f"[deep] folds must be at least 2 for out-of-fold features, got {self.folds}.")


@dataclass(frozen=True, slots=True)
class ValidationOptions:
    """Which patients score the tabular branches in ``perisurv validate``; everything is fitted again in each split.

    Parameters
    ----------
    design
        ``nested``: repeated stratified cross-validation; ``leave_one_centre_out``; ``temporal``: the earlier patients
        train, the later are scored; ``none``: no such validation.
    folds, repeats
        Of ``nested``.
    order
        Clinical covariate that says when a patient of a ``temporal`` design was treated, such as ``year``; it is then
        no feature.
    share
        Of the patients, the earliest, that train in a ``temporal`` design.
    permutations
        Runs with the outcome dealt to other patients, each over the splits of one repeat: the null of every branch.
    """

    design: Design = "none"
    folds: int = 5
    repeats: int = 10
    order: str = ""
    share: float = 0.7
    permutations: int = 0

    def __post_init__(self) -> None:
        if self.folds < 2 or self.repeats < 1 or self.permutations < 0 or not 0 < self.share < 1:
            raise SettingsError(
                "[validation] needs folds >= 2, repeats >= 1, permutations >= 0 and share between 0 and 1."
            )
        if (self.design == "temporal") != bool(self.order):
            raise SettingsError(
                "[validation] order names the clinical covariate of the design temporal, and of no other; "
                f"got design {self.design!r} and order {self.order!r}."
            )


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """What is computed on the external patients.

    Parameters
    ----------
    horizons_days
        Times of AUC and predicted survival, days (default 1, 2 and 3 years).
    resamples
        Bootstrap resamples over patients.
    confidence
        Level of the intervals.
    """

    horizons_days: tuple[float, ...] = (365.25, 730.5, 1095.75)
    resamples: int = 1000
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not self.horizons_days or min(self.horizons_days) <= 0:
            raise SettingsError("[evaluation] horizons_days needs at least one positive time in days.")
        if self.resamples < 100 or not 0.5 < self.confidence < 1:
            raise SettingsError("[evaluation] needs resamples >= 100 and confidence within 0.5..1.")


@dataclass(frozen=True, slots=True)
class StudySettings:
    """One study: its data, its seed and the options of every stage.

    Parameters
    ----------
    out
        Folder of the artefacts; relative paths count from the study file.
    seed
        Seed of everything random. Same inputs, settings and seed: same bytes.
    workers
        Processes for work per patient. Does not change any result.
    keep_ids
        False replaces every PatientID by a keyed pseudonym and the path of every file by a number; True keeps them, in
        every artefact and in the report.
    private
        Folder of what leads back to the patients: the key of the pseudonyms and the paths of their files. Empty: beside
        ``out``, with ``.private`` behind its name. A study that keeps the identities has none.
    clinical_in_combined
        Whether the combined model also takes the clinical columns.
    audit_covariates
        Figures of the ring audit that join the clinical columns, as region and figure: ``ring_6mm_clipped_share``.
        Empty: none.
    """

    out: str = DEFAULT_OUT
    seed: int = 2025
    workers: int = 2
    keep_ids: bool = False
    private: str = ""
    clinical_in_combined: bool = False
    audit_covariates: tuple[str, ...] = ()
    input: InputOptions = field(default_factory=InputOptions)
    endpoint: EndpointOptions = field(default_factory=EndpointOptions)
    cohort: CohortOptions = field(default_factory=CohortOptions)
    regions: RingOptions = field(default_factory=RingOptions)
    radiomics: ExtractOptions = field(default_factory=ExtractOptions)
    stability: StabilityOptions = field(default_factory=StabilityOptions)
    deep: NetworkOptions = field(default_factory=NetworkOptions)
    fit: FitOptions = field(default_factory=FitOptions)
    evaluation: EvaluationOptions = field(default_factory=EvaluationOptions)
    validation: ValidationOptions = field(default_factory=ValidationOptions)

    def __post_init__(self) -> None:
        if self.seed < 0 or self.workers < 1:
            raise SettingsError(f"seed must be >= 0 and workers >= 1, got {self.seed} and {self.workers}.")
        if len(set(self.audit_covariates)) < len(self.audit_covariates):
            raise SettingsError(f"audit_covariates names a figure twice: {', '.join(self.audit_covariates)}.")
        _refuse_fit(self.fit, self.deep.enabled)
        if "morph" not in self.radiomics.families:
            raise SettingsError("[radiomics] families must hold morph: the ladder begins with the tumour volume alone.")


def _refuse_fit(fit: FitOptions, deep: bool) -> None:
    unknown = sorted(set(fit.unpenalised) - {"radiomics", "deep", "clinical"})
    if unknown:
        raise SettingsError(f"[fit] unpenalised: there is no group {unknown[0]!r}, only radiomics, deep and clinical.")
    odd = sorted(set(fit.harmonise_groups) - {"radiomics", "deep", "clinical", "volume"})
    if odd:
        raise SettingsError(
            f"[fit] harmonise_groups: there is no group {odd[0]!r}, only radiomics, deep, clinical and volume."
        )
    if deep and fit.fusion in ("late_ridge", "stacked"):
        raise SettingsError(
            f"[fit] fusion = {fit.fusion!r} needs features that no training patient shaped, and those of the network "
            "were: take fusion pca or pca_branch, or switch the network off ([deep] enabled = false)."
        )


def read_settings(path: Path | str) -> StudySettings:
    """Read a study file.

    Raises
    ------
    SettingsError
        If the file is absent or no TOML, or keys are unknown or values wrong: all are named, each with its line.
    """
    path = Path(path)
    text = read_study_text(path)
    settings = settings_from_dict(parse_study_text(text, str(path)), str(path), text)
    home = path.resolve().parent
    data = dataclasses.replace(
        settings.input,
        folder=_below(home, settings.input.folder),
        clinical=tuple(_below(home, c) for c in settings.input.clinical),
        truth=_below(home, settings.input.truth),
    )
    return dataclasses.replace(
        settings, input=data, out=_below(home, settings.out), private=_below(home, settings.private)
    )


def settings_from_dict(values: dict[str, Any], name: str = "settings", text: str = "") -> StudySettings:
    """Settings from nested plain values.

    Parameters
    ----------
    values
        As a study file has them.
    name
        Stands in messages.
    text
        The study file, for the lines in messages.

    Raises
    ------
    SettingsError
        Names every fault of the values, each with its key and, where the text is given, its line.
    """
    hidden = isinstance(cohort := values.get("cohort"), dict) and sorted(_IDENTITY & set(cohort))
    faults = [Fault(("cohort", key), _KEPT) for key in hidden or ()]
    shown = {**values, "cohort": {k: v for k, v in cohort.items() if k not in hidden}} if hidden and cohort else values
    try:
        shown = _with_preset(shown)
    except SettingsError as error:
        faults.append(Fault(("radiomics", "preset"), f"[radiomics] {error}"))
        shown = {key: value for key, value in shown.items() if key != "radiomics"}
    refuse(faults + faults_of(StudySettings, shown), text, name)
    try:
        return cast("StudySettings", build(StudySettings, shown))
    except SettingsError as error:  # what two tables say does not go together
        table = tuple(re.findall(r"^\[(\w+)\] (\w+)", str(error))[:1])
        refuse([Fault(table[0] if table else (), str(error))], text, name)
        raise


def settings_to_toml(settings: StudySettings) -> str:
    """All settings, defaults included, as a study file that reads back to the same settings."""
    top: list[str] = []
    tables: list[str] = []

    def write(section: str, values: dict[str, Any], lines: list[str]) -> None:
        nested = {k: v for k, v in values.items() if isinstance(v, dict)}
        lines += [f"{_key(k)} = {toml_value(v)}" for k, v in values.items() if k not in nested and v is not None]
        for key, value in nested.items():
            tables.append(f"\n[{section}{_key(key)}]")
            write(f"{section}{_key(key)}.", value, tables)

    write("", plain(settings), top)
    return "\n".join(top + tables) + "\n"


def plain(settings: StudySettings) -> dict[str, Any]:
    """Nested plain values that :func:`settings_from_dict` turns back into the settings."""
    values = dataclasses.asdict(settings)
    for key in _IDENTITY:
        values["cohort"].pop(key)
    return values


def digest(*parts: object) -> str:
    """SHA-256 of plain values or settings, independent of dictionary order."""
    plain = [dataclasses.asdict(p) if dataclasses.is_dataclass(p) and not isinstance(p, type) else p for p in parts]
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()


def _with_preset(values: dict[str, Any]) -> dict[str, Any]:
    """``preset = "fast"`` in [radiomics] stands for the keys of that preset; keys beside it go first."""
    radiomics = values.get("radiomics")
    if not (isinstance(radiomics, dict) and "preset" in radiomics):
        return values
    table = preset_table(radiomics["preset"])
    return values | {"radiomics": table | {key: value for key, value in radiomics.items() if key != "preset"}}


def _below(home: Path, path: str) -> str:
    return str(home / path) if path else ""


def _key(name: str) -> str:
    """A key of TOML, quoted where it is not plain: ``"1:DECEASED"``."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(toml_value(v) for v in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {toml_value(v)}' for key, v in value.items() if v is not None)} }}"
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return json.dumps(value, ensure_ascii=False)
