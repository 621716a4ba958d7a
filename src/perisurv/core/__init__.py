"""The nouns: frozen, valid once built, no I/O, no processing. Loaded when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perisurv.core.cohort import Cohort, Exclusion, Finding, Outcome, Patient, ScanSource
    from perisurv.core.errors import (
        ArchiveError,
        ChoiceError,
        ConvergenceError,
        EmptyCohortError,
        FeatureError,
        GeometryError,
        InputError,
        LeakageError,
        ModelError,
        OutcomeError,
        PerisurvError,
        ReadError,
        RegionError,
        SettingsError,
    )
    from perisurv.core.geometry import Geometry
    from perisurv.core.person import Person
    from perisurv.core.region import Region, RegionSet
    from perisurv.core.result import (
        AucPoint,
        CalibrationPoint,
        Evaluation,
        IncidenceCurve,
        LadderRow,
        NetBenefitCurve,
        Prediction,
        Provenance,
        RiskGroupCurve,
    )
    from perisurv.core.table import FeatureTable
    from perisurv.core.volume import Mask, Scan, View, Volume

__all__ = [
    "ArchiveError",
    "AucPoint",
    "CalibrationPoint",
    "ChoiceError",
    "Cohort",
    "ConvergenceError",
    "EmptyCohortError",
    "Evaluation",
    "Exclusion",
    "FeatureError",
    "FeatureTable",
    "Finding",
    "Geometry",
    "GeometryError",
    "IncidenceCurve",
    "InputError",
    "LadderRow",
    "LeakageError",
    "Mask",
    "ModelError",
    "NetBenefitCurve",
    "Outcome",
    "OutcomeError",
    "Patient",
    "PerisurvError",
    "Person",
    "Prediction",
    "Provenance",
    "ReadError",
    "Region",
    "RegionError",
    "RegionSet",
    "RiskGroupCurve",
    "Scan",
    "ScanSource",
    "SettingsError",
    "View",
    "Volume",
]

_MODULE = {
    "ArchiveError": "errors",
    "AucPoint": "result",
    "CalibrationPoint": "result",
    "ChoiceError": "errors",
    "Cohort": "cohort",
    "ConvergenceError": "errors",
    "EmptyCohortError": "errors",
    "Evaluation": "result",
    "Exclusion": "cohort",
    "FeatureError": "errors",
    "FeatureTable": "table",
    "Finding": "cohort",
    "Geometry": "geometry",
    "GeometryError": "errors",
    "IncidenceCurve": "result",
    "InputError": "errors",
    "LadderRow": "result",
    "LeakageError": "errors",
    "Mask": "volume",
    "ModelError": "errors",
    "NetBenefitCurve": "result",
    "Outcome": "cohort",
    "OutcomeError": "errors",
    "Patient": "cohort",
    "PerisurvError": "errors",
    "Person": "person",
    "Prediction": "result",
    "Provenance": "result",
    "ReadError": "errors",
    "Region": "region",
    "RegionError": "errors",
    "RegionSet": "region",
    "RiskGroupCurve": "result",
    "Scan": "volume",
    "ScanSource": "cohort",
    "SettingsError": "errors",
    "View": "volume",
    "Volume": "volume",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module 'perisurv.core' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"perisurv.core.{_MODULE[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
