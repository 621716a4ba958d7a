"""To documents: the report of an evaluation, the QC pages of a cohort; self-contained HTML. Loads when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perisurv.report.html import render_report
    from perisurv.report.pictures import map_picture, ring_picture
    from perisurv.report.qc_cohort import PatientRow, render_cohort
    from perisurv.report.qc_sheet import Sheet, render_sheet
    from perisurv.report.validation import render_validation

__all__ = [
    "PatientRow",
    "Sheet",
    "map_picture",
    "render_cohort",
    "render_report",
    "render_sheet",
    "render_validation",
    "ring_picture",
]

_MODULE = {
    "PatientRow": "qc_cohort",
    "Sheet": "qc_sheet",
    "map_picture": "pictures",
    "render_cohort": "qc_cohort",
    "render_report": "html",
    "render_sheet": "qc_sheet",
    "render_validation": "validation",
    "ring_picture": "pictures",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module 'perisurv.report' has no attribute {name!r}")
    return getattr(import_module(f"perisurv.report.{_MODULE[name]}"), name)
