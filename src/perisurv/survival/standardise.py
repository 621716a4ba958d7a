"""Median imputation and scaling to unit variance, fitted once and then fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import Tags

from perisurv.core import FeatureError, FeatureTable
from perisurv.core.brief import Brief
from perisurv.survival.estimator import Features, FollowUp, TableTransformer
from perisurv.survival.firewall import passed_on, refuse_seen

__all__ = ["Standardisation", "Standardiser", "fit_standardisation"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Standardisation(Brief):
    """Fixed imputation and scaling.

    Parameters
    ----------
    names
        Features that were defined for enough training patients and not constant.
    median
        Training medians, which replace NaN, shape (features,).
    mean, sd
        Training mean and standard deviation (1/n) after imputation, shape (features,).
    fitted_on
        Patients that this step must not transform.
    """

    names: tuple[str, ...]
    median: Floats
    mean: Floats
    sd: Floats
    fitted_on: frozenset[str]

    def __post_init__(self) -> None:
        for values in (self.median, self.mean, self.sd):
            if values.shape != (len(self.names),):
                raise FeatureError(f"The scaling of {len(self.names)} features got {values.shape} numbers.")
        if not (self.sd > 0).all():
            raise FeatureError("The scaling of a feature needs a positive standard deviation.")

    def apply(self, table: FeatureTable) -> FeatureTable:
        """Imputed, standardised features of new patients; other columns are left out.

        Raises
        ------
        LeakageError
            If a patient was used for fitting.
        FeatureError
            If a feature is not in the table.
        """
        refuse_seen(table, self.fitted_on, "scaling")
        return passed_on(self.values(table.select(self.names).frame), table, self.fitted_on)

    def values(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The arithmetic of :meth:`apply`, without its check; other columns are left out."""
        raw = frame[list(self.names)].to_numpy()
        filled = np.where(np.isnan(raw), self.median, raw)
        return pd.DataFrame((filled - self.mean) / self.sd, index=frame.index, columns=list(self.names))

    def narrow(self, names: Sequence[str]) -> Standardisation:
        """The same step for some of the features."""
        position = {name: n for n, name in enumerate(self.names)}
        at = np.array([position[name] for name in names], dtype=np.intp)
        return Standardisation(tuple(names), self.median[at], self.mean[at], self.sd[at], self.fitted_on)


class Standardiser(TableTransformer):
    """Median imputation and scaling to unit variance; see :func:`fit_standardisation`.

    Parameters
    ----------
    max_missing_share
        Features that are NaN for a larger share of the training patients are dropped, as are constant features.
    """

    step_: Standardisation

    def __init__(self, *, max_missing_share: float = 0.2) -> None:
        self.max_missing_share = max_missing_share

    def fit(self, X: Features, y: FollowUp | None = None) -> Self:
        """Fit on training patients; the follow-up is not looked at."""
        return self._learn(X, y, lambda table, _: fit_standardisation(table, self.max_missing_share)[0])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def fit_standardisation(table: FeatureTable, max_missing_share: float) -> tuple[Standardisation, pd.DataFrame]:
    """Fit on the patients of a table.

    Parameters
    ----------
    table
        Training patients.
    max_missing_share
        Features that are NaN for a larger share of them are dropped, as are constant features.

    Returns
    -------
    The fitted step, and the training patients' own values: the only place where these can be had.
    """
    frame, seen = table.frame, frozenset(table.patients) | table.seen
    values = np.ascontiguousarray(frame.to_numpy(dtype=float))
    missing = np.isnan(values)
    share = missing.mean(axis=0)
    candidates = np.flatnonzero((share <= max_missing_share) & (share < 1))
    median = _medians(values[:, candidates], missing[:, candidates])
    filled = np.where(missing[:, candidates], median, values[:, candidates])
    mean, sd = filled.mean(axis=0), filled.std(axis=0)
    varies = sd > 1e-9 * np.abs(filled).max(axis=0, initial=0.0)
    names = tuple(str(frame.columns[n]) for n in candidates[varies])
    step = Standardisation(names, median[varies], mean[varies], sd[varies], seen)
    scaled = (filled[:, varies] - step.mean) / step.sd
    return step, pd.DataFrame(scaled, index=frame.index, columns=list(names))


def _medians(values: Floats, missing: NDArray[np.bool_]) -> Floats:
    median = np.median(values, axis=0) if len(values) else np.zeros(values.shape[1])
    gaps = missing.any(axis=0)
    if gaps.any():
        median[gaps] = np.nanmedian(values[:, gaps], axis=0)
    return np.asarray(median)
