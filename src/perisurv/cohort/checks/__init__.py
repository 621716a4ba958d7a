"""What a CT, a contour and a clinical row must be: one small class a check."""

from perisurv.cohort.checks.base import PASSED, Check, Verdict, failed, findings, first_reason, not_applicable
from perisurv.cohort.checks.contours import CONTOUR_CHECKS, REFERENCE_CHECKS, Pairing
from perisurv.cohort.checks.outcome import CLINICAL_CHECKS, OUTCOME_CHECKS
from perisurv.cohort.checks.series import SERIES_CHECKS

__all__ = [
    "CLINICAL_CHECKS",
    "CONTOUR_CHECKS",
    "OUTCOME_CHECKS",
    "PASSED",
    "REFERENCE_CHECKS",
    "SERIES_CHECKS",
    "Check",
    "Pairing",
    "Verdict",
    "failed",
    "findings",
    "first_reason",
    "not_applicable",
]
