"""Files to a cohort: DICOM CT with RTSTRUCT or SEG, image-mask pairs, clinical tables.

Only this room opens patient files.
"""

from perisurv.cohort.clinical import CLINICAL_COLUMNS, ClinicalTable, clinical_features, read_clinical
from perisurv.cohort.clinical_options import ClinicalOptions, ColumnOptions
from perisurv.cohort.frame import SOURCE_COLUMNS, cohort_from_frame, cohort_to_frame
from perisurv.cohort.options import CohortOptions, CtRules, RoiRule
from perisurv.cohort.pseudonym import pseudonym
from perisurv.cohort.read import read_cohort, read_patient
from perisurv.cohort.sources import DicomSource, PairSource, PictureSource, SegSource, picture_of

__all__ = [
    "CLINICAL_COLUMNS",
    "SOURCE_COLUMNS",
    "ClinicalOptions",
    "ClinicalTable",
    "CohortOptions",
    "ColumnOptions",
    "CtRules",
    "DicomSource",
    "PairSource",
    "PictureSource",
    "RoiRule",
    "SegSource",
    "clinical_features",
    "cohort_from_frame",
    "cohort_to_frame",
    "picture_of",
    "pseudonym",
    "read_clinical",
    "read_cohort",
    "read_patient",
]
