"""Clinical tables: files to rows of known meaning, rows to numbers."""

from perisurv.cohort.clinical.features import CLINICAL_COLUMNS, clinical_features, clinical_frame, covariate_columns
from perisurv.cohort.clinical.found import FoundTables, tables_among
from perisurv.cohort.clinical.rows import ClinicalRow, Dates, differences
from perisurv.cohort.clinical.table import ClinicalTable, read_clinical, read_table, refuse_absent_columns

__all__ = [
    "CLINICAL_COLUMNS",
    "ClinicalRow",
    "ClinicalTable",
    "Dates",
    "FoundTables",
    "clinical_features",
    "clinical_frame",
    "covariate_columns",
    "differences",
    "read_clinical",
    "read_table",
    "refuse_absent_columns",
    "tables_among",
]
