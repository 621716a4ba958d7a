"""The nouns: frozen, valid once built, no I/O, no processing."""

from perisurv.core.cohort import Cohort, Exclusion, Finding, Outcome, Patient, ScanSource
from perisurv.core.errors import (
    ArchiveError,
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
