"""What every estimator of this room shares: how rows, patients and follow-up come in and numbers go out.

An estimator is a thin scikit-learn skin around a fitted step, a frozen dataclass that can be saved. It takes a
FeatureTable, a DataFrame or an array. Rows of a table, and of a DataFrame whose index is not a plain range, are
patients: ``fitted_on_`` names them, and ``transform`` and ``predict`` refuse them. An array does not say who its rows
are; there the firewall can do nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from perisurv.core import FeatureError, FeatureTable, Outcome, OutcomeError
from perisurv.statistics import harrell_c
from perisurv.survival.firewall import passed_on, refuse_seen

__all__ = ["Features", "FollowUp", "Step", "SurvivalRegressor", "TableTransformer", "read_features", "read_outcome"]

Floats = NDArray[np.float64]
Features = FeatureTable | pd.DataFrame | ArrayLike
FollowUp = Outcome | pd.DataFrame | NDArray[Any]


class Step(Protocol):
    """A fitted, frozen map from features to features."""

    @property
    def fitted_on(self) -> frozenset[str]:
        """Patients that this step must not transform."""
        ...

    def values(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The arithmetic, for rows whose right to be transformed has been checked."""
        ...


class TableTransformer(TransformerMixin, BaseEstimator):
    """Fit on training patients, transform others; ``fit_transform`` is the only way to the training rows.

    A class of this kind writes its own ``fit``, which calls ``_learn``.

    Attributes
    ----------
    step_
        The fitted step.
    fitted_on_
        Patients that ``transform`` refuses: the training patients and those behind their features.
    """

    step_: Step
    fitted_on_: frozenset[str]

    def fit_transform(self, X: Features, y: FollowUp | None = None, **fit_params: object) -> Any:
        """Fit, and the training rows themselves transformed; parameters as for ``fit``.

        A FeatureTable that comes out serves further fits only: whoever fits on some of its rows has seen all of its
        patients.
        """
        self.fit(X, y, **fit_params)
        return self._transform(X, checked=True)

    def transform(self, X: Features) -> Any:
        """Transform new patients; a FeatureTable gives a FeatureTable that remembers who shaped it.

        Raises
        ------
        LeakageError
            If a patient was used for fitting.
        """
        return self._transform(X, checked=False)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Names of the columns that come out, shape (features,)."""
        check_is_fitted(self)
        known = _names_in(self)
        names = known if input_features is None else [str(n) for n in np.asarray(input_features)]
        if len(names) != len(known):
            raise FeatureError(f"input_features holds {len(names)} names for {len(known)} features.")
        out = self.step_.values(pd.DataFrame(np.zeros((1, len(known))), columns=known))
        renamed = dict(zip(known, names, strict=True))
        return np.array([renamed.get(str(c), str(c)) for c in out.columns], dtype=object)

    def _learn(self, X: Features, y: FollowUp | None, fit: Callable[[FeatureTable, Outcome | None], Step]) -> Self:
        """Fit a step on the rows; the table holds no NaN unless the tag ``allow_nan`` is set."""
        table, named = read_features(self, X, reset=True)
        needed = self.__sklearn_tags__().target_tags.required
        self.step_ = fit(table, read_outcome(self, y, table, named) if needed else None)
        self.fitted_on_ = self.step_.fitted_on if named else frozenset()
        return self

    def _transform(self, X: Features, *, checked: bool) -> Any:
        check_is_fitted(self)
        table, named = read_features(self, X, reset=False)
        if named and not checked:
            refuse_seen(table, self.fitted_on_, type(self).__name__)
        frame = self._values(table)
        if not isinstance(X, FeatureTable):
            return frame.to_numpy()
        if checked:
            return FeatureTable(frame, table.fitted_on, fitted_together=self.fitted_on_)
        return passed_on(frame, table, self.fitted_on_)

    def _values(self, table: FeatureTable) -> pd.DataFrame:
        """The arithmetic of the step; a class whose step needs more than the features overrides it."""
        return self.step_.values(table.frame)


class SurvivalRegressor(BaseEstimator):
    """Fit on training patients, predict the risk of others: a log hazard ratio or a rank, higher is worse.

    A class of this kind writes its own ``fit``, which calls ``_learn``, and ``_risk``.

    Attributes
    ----------
    fitted_on_
        Patients that ``predict`` refuses.
    """

    fitted_on_: frozenset[str]

    def predict(self, X: Features) -> Floats:
        """Risk of new patients, shape (patients,); higher is worse.

        Raises
        ------
        LeakageError
            If a patient was used for fitting.
        """
        check_is_fitted(self)
        table, named = read_features(self, X, reset=False)
        if named:
            refuse_seen(table, self.fitted_on_, type(self).__name__)
        return self._risk(table.frame)

    def score(self, X: Features, y: FollowUp) -> float:
        """Harrell's C of the predicted risk."""
        risk = self.predict(X)
        outcome = read_outcome(self, y, *read_features(self, X, reset=False))
        return harrell_c(outcome.time_days, outcome.event, risk)

    @abstractmethod
    def _risk(self, frame: pd.DataFrame) -> Floats:
        """Risk of rows whose right to be scored has been checked, shape (rows,)."""

    def _learn(self, X: Features, y: FollowUp | None, fit: Callable[[FeatureTable, Outcome], None]) -> Self:
        """Fit on the rows, which hold no NaN."""
        table, named = read_features(self, X, reset=True)
        fit(table, read_outcome(self, y, table, named))
        self.fitted_on_ = frozenset(table.patients) | table.seen if named else frozenset()
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def read_features(estimator: Any, X: Features, *, reset: bool) -> tuple[FeatureTable, bool]:
    """The rows as a table, and whether they are named patients.

    Raises
    ------
    FeatureError
        If a FeatureTable lacks a value or a column (ValueError of scikit-learn for arrays and DataFrames).
    """
    finite: bool | str = "allow-nan" if estimator.__sklearn_tags__().input_tags.allow_nan else True
    if isinstance(X, FeatureTable):
        if not reset:
            X = X.select(_names_in(estimator))
        if finite is True and (bad := X.frame.isna().any()).any():
            raise FeatureError(f"Feature {bad.idxmax()!r} is missing for a patient; impute it first.")
        validate_data(estimator, X.frame, reset=reset, ensure_all_finite=finite, dtype=float)
        return X, True
    values = validate_data(estimator, X, reset=reset, ensure_all_finite=finite, dtype=float)
    named = isinstance(X, pd.DataFrame) and not isinstance(X.index, pd.RangeIndex)
    index = [str(p) for p in X.index] if isinstance(X, pd.DataFrame) else [str(n) for n in range(len(values))]
    return FeatureTable(pd.DataFrame(values, index=index, columns=_names_in(estimator))), named


def read_outcome(estimator: Any, y: FollowUp | None, table: FeatureTable, named: bool) -> Outcome:
    """Follow-up of the rows of a table: by patient where both name their rows, else by position.

    Raises
    ------
    OutcomeError
        If there is none, or it does not fit the rows.
    """
    if y is None:
        raise OutcomeError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: give the follow-up."
        )
    if isinstance(y, Outcome):
        if named:
            return y.take(table.patients)
        time, event = y.time_days, y.event
    else:
        time, event = _columns(y)
        if named and isinstance(y, pd.DataFrame) and _names_patients(y.index, table):
            return Outcome(tuple(str(p) for p in y.index), time, event).take(table.patients)
    if len(time) != len(table):
        raise OutcomeError(f"Found {len(time)} follow-ups for {len(table)} rows of features; give one a row.")
    return Outcome(table.patients, time, event)


def _names_patients(index: pd.Index, table: FeatureTable) -> bool:
    """Text does; whole numbers may be what a split left of a plain range, unless the rows of features have them too."""
    return not pd.api.types.is_integer_dtype(index) or set(table.patients) <= {str(p) for p in index}


def _columns(y: pd.DataFrame | NDArray[Any]) -> tuple[Floats, NDArray[np.bool_]]:
    if isinstance(y, pd.DataFrame) and {"time_days", "event"} <= set(y.columns):
        return y["time_days"].to_numpy(dtype=float), y["event"].to_numpy()
    fields = getattr(getattr(y, "dtype", None), "fields", None) or {}
    booleans = [name for name, (kind, *_) in fields.items() if kind == np.bool_]
    if len(fields) == 2 and len(booleans) == 1:
        (time,) = set(fields) - set(booleans)
        values = np.asarray(y)
        return values[time].astype(float), values[booleans[0]]
    raise OutcomeError(
        "y must be follow-up: an Outcome, a DataFrame with columns time_days and event, or a structured array with a "
        f"boolean and a numeric field; got {type(y).__name__}."
    )


def _names_in(estimator: Any) -> list[str]:
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{n}" for n in range(estimator.n_features_in_)] if names is None else [str(n) for n in names]
