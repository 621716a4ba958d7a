"""Clinical rows as a frame, and the frame as numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perisurv.cohort.clinical.reader import level_column
from perisurv.cohort.clinical.rows import ClinicalRow
from perisurv.cohort.options import CohortOptions
from perisurv.core import FeatureTable, InputError

__all__ = ["CLINICAL_COLUMNS", "clinical_features", "clinical_frame", "covariate_columns"]

_TEXT_COLUMNS = frozenset({"sex", "stage_group", "t", "n", "m", "histology", "smoking"})
CLINICAL_COLUMNS = (
    "age_years", "sex", "stage", "stage_group", "t", "n", "m", "ecog", "histology", "smoking", "dose_gy",
)  # fmt: skip
# Against adenocarcinoma: all five would add up to one and no Cox model could tell them apart.
_HISTOLOGY_FEATURES = ("squamous", "large_cell", "nos", "other")


def clinical_frame(
    rows: Sequence[ClinicalRow | None], ids: Sequence[str], covariates: Sequence[str] = ()
) -> pd.DataFrame:
    """One row a patient, columns ``CLINICAL_COLUMNS`` and those of the covariates; NaN where unknown."""
    columns = {}
    for name in (*CLINICAL_COLUMNS, *covariates):
        cells = [row.values.get(name) if row else None for row in rows]
        kind = object if name in _TEXT_COLUMNS else float
        columns[name] = pd.Series([np.nan if c is None else c for c in cells], dtype=kind)
    frame = pd.DataFrame(columns)
    frame.index = pd.Index(list(ids), name="patient", dtype=object)
    return frame


def covariate_columns(options: CohortOptions) -> tuple[str, ...]:
    """Columns of the covariates: a number by its name, a category by its levels but the first."""
    columns: list[str] = []
    for name in options.covariates:
        levels = options.levels.get(name, ())
        columns += [level_column(name, level) for level in levels[1:]] if levels else [name]
    return tuple(columns)


def clinical_features(frame: pd.DataFrame) -> FeatureTable:
    """Fixed numeric encoding of the clinical columns; nothing is fitted, unknown stays NaN.

    ``clinical__age_decades``, ``clinical__male`` (1 male, 0 female), ``clinical__stage`` (1 to 4),
    ``clinical__ecog``, one column a histology against adenocarcinoma, and the covariates.

    Raises
    ------
    InputError
        If the frame lacks a clinical column.
    """
    missing = [c for c in ("age_years", "sex", "stage", "ecog", "histology") if c not in frame.columns]
    if missing:
        raise InputError(f"The clinical table has no column {missing[0]!r}; it has {list(frame.columns)}.")
    known = frame["sex"].notna(), frame["histology"].notna()
    columns = {
        "clinical__age_decades": frame["age_years"].astype(float) / 10.0,
        "clinical__male": (frame["sex"] == "male").astype(float).where(known[0]),
        "clinical__stage": frame["stage"].astype(float),
        "clinical__ecog": frame["ecog"].astype(float),
    }
    for name in _HISTOLOGY_FEATURES:
        columns[f"clinical__histology_{name}"] = (frame["histology"] == name).astype(float).where(known[1])
    for name in frame.columns:
        if name not in CLINICAL_COLUMNS:
            columns[f"clinical__{name}"] = frame[name].astype(float)
    return FeatureTable(pd.DataFrame(columns, index=frame.index))
