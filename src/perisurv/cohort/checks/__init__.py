"""What a CT, a contour and a clinical row must be: one small class a check."""

from perisurv.cohort.checks.base import PASSED, Check, Verdict, failed, findings, first_reason, not_applicable
from perisurv.cohort.checks.contours import CONTOUR_CHECKS, REFERENCE_CHECKS, Pairing
from perisurv.cohort.checks.image import IMAGE_CHECKS, SCAN_CHECKS, ImageFile, ScanValues
from perisurv.cohort.checks.masked import Masks, SegPairing
from perisurv.cohort.checks.masks import MASK_CHECKS, SEG_CHECKS
from perisurv.cohort.checks.on_slices import off_slices
from perisurv.cohort.checks.outcome import CLINICAL_CHECKS, OUTCOME_CHECKS
from perisurv.cohort.checks.series import SERIES_CHECKS
from perisurv.cohort.checks.values import VALUE_CHECKS

__all__ = [
    "CLINICAL_CHECKS",
    "CONTOUR_CHECKS",
    "IMAGE_CHECKS",
    "MASK_CHECKS",
    "OUTCOME_CHECKS",
    "PASSED",
    "REFERENCE_CHECKS",
    "SCAN_CHECKS",
    "SEG_CHECKS",
    "SERIES_CHECKS",
    "VALUE_CHECKS",
    "Check",
    "ImageFile",
    "Masks",
    "Pairing",
    "ScanValues",
    "SegPairing",
    "Verdict",
    "failed",
    "findings",
    "first_reason",
    "not_applicable",
    "off_slices",
]
