"""Covariates whose effect ComBat keeps: numbers that are known before the outcome."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureError

__all__ = ["check_covariates", "covariate_values", "refuse_confounded"]

Floats = NDArray[np.float64]

# Names of follow-up. Whole names, and words of a name: "performance_status" is a covariate, "status" is not.
WHOLE = frozenset({"event", "events", "status", "vital_status", "time", "os", "pfs", "dfs", "label", "target", "y"})
WORDS = frozenset({"dead", "deadstatus", "death", "deceased", "died", "followup", "outcome", "surv", "survival"})
COLLINEAR = 1e-6  # share of a covariate's spread that must be left once batches and other covariates are taken out


def covariate_values(covariates: pd.DataFrame | None, names: Sequence[str], patients: Sequence[str]) -> Floats:
    """Numbers of the covariates of the patients, shape (patients, covariates).

    Raises
    ------
    FeatureError
        If a patient, a column or a value is missing.
    """
    if not names:
        return np.empty((len(patients), 0))
    if covariates is None:
        raise FeatureError(f"ComBat was fitted with covariates {', '.join(names)}; give them for these patients too.")
    frame = covariates.set_axis([str(p) for p in covariates.index], axis=0)
    if not frame.index.is_unique:
        raise FeatureError("The covariates hold a patient twice; give one row a patient.")
    if lacking := [n for n in names if n not in frame.columns]:
        raise FeatureError(f"Covariate {lacking[0]!r} is not among the columns of the covariates.")
    if lost := [p for p in patients if p not in frame.index]:
        raise FeatureError(f"Patients {', '.join(lost[:5])} have no covariates; give a row for each.")
    values = frame.loc[list(patients), list(names)].to_numpy(dtype=float)
    if (bad := ~np.isfinite(values)).any():
        row, column = np.argwhere(bad)[0]
        raise FeatureError(f"Covariate {names[column]!r} is missing for patient {patients[row]}; impute it first.")
    return values


def check_covariates(covariates: object) -> tuple[str, ...]:
    """Names of the covariates.

    Raises
    ------
    FeatureError
        If they are no table of numbers, or a column looks like follow-up: features adjusted with the outcome of
        training patients would carry it, and a new patient has none.
    """
    if covariates is None:
        return ()
    if not isinstance(covariates, pd.DataFrame):
        raise FeatureError(
            "Covariates must be a DataFrame, a row a patient; the follow-up is none: it is not known for new patients "
            f"(got {type(covariates).__name__})."
        )
    for name in covariates.columns:
        if not pd.api.types.is_numeric_dtype(covariates[name]):
            raise FeatureError(f"Covariate {name!r} is no number; code each of its categories but one as a 0/1 column.")
        words = re.split(r"[^a-z]+", str(name).lower())
        if str(name).lower() in WHOLE or WORDS.intersection(words) or {"time", "days"} <= set(words):
            raise FeatureError(
                f"Covariate {name!r} looks like follow-up. Features adjusted for the outcome carry the outcome; use "
                "what was known at time zero, and rename the column if that is what it is."
            )
    return tuple(str(c) for c in covariates.columns)


def refuse_confounded(batch_design: Floats, values: Floats, names: Sequence[str]) -> None:
    """Refuse a covariate that batches and the covariates before it explain.

    Raises
    ------
    FeatureError
        Naming it.
    """
    basis = np.linalg.qr(batch_design)[0]
    for n, name in enumerate(names):
        centred = values[:, n] - values[:, n].mean()
        spread = float(np.linalg.norm(centred))
        if spread <= 1e-12 * max(1.0, float(np.abs(values[:, n]).max())):
            raise FeatureError(f"Covariate {name!r} is the same for all training patients; leave it out.")
        left = centred - basis @ (basis.T @ centred)
        left -= basis @ (basis.T @ left)
        if np.linalg.norm(left) <= COLLINEAR * spread:
            others = f" and {', '.join(names[:n])}" if n else ""
            raise FeatureError(
                f"Covariate {name!r} is confounded with the batch{others}: knowing them, it is known, so its effect "
                "cannot be told from theirs. Leave it out."
            )
        basis = np.column_stack([basis, left / np.linalg.norm(left)])
