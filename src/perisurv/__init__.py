"""perisurv: overall survival of lung-cancer patients from a CT, a tumour contour and follow-up.

The names below are loaded when first used: ``import perisurv`` loads neither torch nor numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perisurv.cohort import CohortOptions, read_cohort, read_patient
    from perisurv.core import (
        Cohort,
        Evaluation,
        FeatureTable,
        Geometry,
        InputError,
        LeakageError,
        Mask,
        Outcome,
        Patient,
        PerisurvError,
        Prediction,
        Region,
        RegionSet,
        Scan,
        Volume,
    )
    from perisurv.radiomics import feature_catalogue
    from perisurv.report import ring_picture
    from perisurv.simulation import SimulationOptions
    from perisurv.study.api import Report, Study, StudyResult, extract, rings, simulate
    from perisurv.study.model import Model, load_model

__all__ = [
    "Cohort",
    "CohortOptions",
    "Evaluation",
    "FeatureTable",
    "Geometry",
    "InputError",
    "LeakageError",
    "Mask",
    "Model",
    "Outcome",
    "Patient",
    "PerisurvError",
    "Prediction",
    "Region",
    "RegionSet",
    "Report",
    "Scan",
    "SimulationOptions",
    "Study",
    "StudyResult",
    "Volume",
    "extract",
    "feature_catalogue",
    "load_model",
    "read_cohort",
    "read_patient",
    "ring_picture",
    "rings",
    "simulate",
]

_ROOM = {
    "CohortOptions": "cohort",
    "Model": "study.model",
    "Report": "study.api",
    "SimulationOptions": "simulation",
    "Study": "study.api",
    "StudyResult": "study.api",
    "extract": "study.api",
    "feature_catalogue": "radiomics",
    "load_model": "study.model",
    "read_cohort": "cohort",
    "read_patient": "cohort",
    "ring_picture": "report",
    "rings": "study.api",
    "simulate": "study.api",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'perisurv' has no attribute {name!r}")
    return getattr(import_module(f"perisurv.{_ROOM.get(name, 'core')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
