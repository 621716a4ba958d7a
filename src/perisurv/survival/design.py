"""What every fit of this room starts from: numbers and names of a table whose rows are the patients of the outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from perisurv.core import FeatureError, FeatureTable, Outcome

__all__ = ["design"]

Floats = NDArray[np.float64]


def design(x: FeatureTable | pd.DataFrame | ArrayLike, outcome: Outcome) -> tuple[Floats, tuple[str, ...]]:
    """Numbers (patients, features) and feature names of a table whose rows are the patients of the outcome.

    Raises
    ------
    FeatureError
        If rows and patients differ, or a value is missing or infinite.
    """
    frame = x.frame if isinstance(x, FeatureTable) else x
    if isinstance(frame, pd.DataFrame):
        if tuple(str(p) for p in frame.index) != outcome.patients:
            raise FeatureError("The rows of the features must be the patients of the outcome, in their order.")
        names = tuple(str(c) for c in frame.columns)
    values = np.asarray(frame, dtype=float)
    if values.ndim != 2 or len(values) != len(outcome):
        raise FeatureError(f"Features of shape {values.shape} do not fit {len(outcome)} patients (rows).")
    if not isinstance(frame, pd.DataFrame):
        names = tuple(f"x{n}" for n in range(values.shape[1]))
    bad = ~np.isfinite(values).all(axis=0)
    if bad.any():
        raise FeatureError(
            f"Feature {names[int(bad.argmax())]!r} is missing or infinite for a patient; impute it first."
        )
    return values, names
