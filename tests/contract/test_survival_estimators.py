"""One battery for every estimator of the survival room: scikit-learn's own checks, and ours.

scikit-learn's checks give numbers as y. Estimators that need follow-up are wrapped, for these checks only, in a class
that turns the numbers into times of death.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from perisurv.core import FeatureError, FeatureTable, LeakageError, Outcome
from perisurv.survival import (
    BoostedCox,
    ComBat,
    CoxRegression,
    FitOptions,
    ForestCox,
    LassoCox,
    LassoCoxSelector,
    LassoOptions,
    PcaFusion,
    RedundancyFilter,
    RobustScaling,
    SignatureRegressor,
    StabilityOptions,
    StabilitySelector,
    StableFeatures,
    Standardiser,
    UnivariateCoxFilter,
)
from perisurv.survival.estimator import SurvivalRegressor, TableTransformer

# Name -> estimator. A new estimator of the room is listed here, or this file fails.
ESTIMATORS: dict[str, Any] = {
    "BoostedCox": BoostedCox(n_trees=20),
    "ForestCox": ForestCox(n_trees=20),
    "LassoCox": LassoCox(folds=4),
    "LassoCox, repeated, Efron ties": LassoCox(folds=3, repeats=2, options=LassoOptions(alpha=0.5, ties="efron")),
    "LassoCoxSelector": LassoCoxSelector(folds=4, at_least=1),
    "StabilitySelector": StabilitySelector(options=StabilityOptions(pairs=5), at_least=1),
    "PcaFusion": PcaFusion(),
    "SignatureRegressor": SignatureRegressor(options=FitOptions(univariate_p=0.5, lasso_folds=4)),
    "ComBat": ComBat(),
    "CoxRegression": CoxRegression(ridge=0.1),
    "CoxRegression, Breslow ties": CoxRegression(ties="breslow", ridge=0.1),
    "RedundancyFilter": RedundancyFilter(rho=0.7),
    "RedundancyFilter, clusters": RedundancyFilter(rho=0.7, method="average"),
    "RobustScaling": RobustScaling(),
    "StableFeatures": StableFeatures(),
    "Standardiser": Standardiser(),
    "UnivariateCoxFilter": UnivariateCoxFilter(at_least=1),
}
# Estimators that look a patient up: our battery only, as the rows of scikit-learn's checks are nobody.
SITES = {f"p{k:02d}": "AB"[k % 3 == 0] for k in range(80)}
BY_PATIENT: dict[str, Any] = {
    "ComBat, two batches": ComBat(batch=SITES),
    "ComBat, covariate": ComBat(
        batch=SITES, covariates=pd.DataFrame({"age": np.arange(80.0) % 7}, index=list(SITES)), prior="nonparametric"
    ),
    "M-ComBat": ComBat(batch=SITES, m_combat=True, reference="B"),
    "RobustScaling, two batches": RobustScaling(batch=SITES, spread="mad"),
}
NEED_OUTCOME = {name for name, e in ESTIMATORS.items() if e.__sklearn_tags__().target_tags.required}


NEED_REPEATS = {"StableFeatures"}


def follow_up(y: Any) -> Any:
    """Numbers as times of death, all distinct from zero; anything else as it is."""
    if y is None or getattr(np.asarray(y).dtype, "fields", None) or np.iscomplexobj(np.asarray(y)):
        return y
    try:
        values = np.asarray(y, dtype=float)
        values = values.reshape(len(values), -1)[:, 0]
    except (TypeError, ValueError):
        return y
    return pd.DataFrame({"time_days": values - values.min() + 1.0, "event": np.ones(len(values), dtype=bool)})


def more(estimator: Any, X: Any) -> dict[str, Any]:
    """What ``fit`` needs beside features and follow-up: for StableFeatures, the features measured again."""
    if not isinstance(estimator, StableFeatures):
        return {}
    rng = np.random.default_rng(1)
    if isinstance(X, FeatureTable | pd.DataFrame):
        frame = TABLE.frame if isinstance(X, FeatureTable) else X
        return {"repeats": [frame + 1e-3 * rng.normal(size=frame.shape) for _ in range(2)]}
    try:
        values = np.asarray(X, dtype=None if np.iscomplexobj(np.asarray(X)) else float)
    except (TypeError, ValueError):
        return {}
    return {"repeats": [values + 1e-3 * rng.normal(size=values.shape) for _ in range(2)]}


def on_numbers(estimator: Any) -> Any:
    """The same estimator for scikit-learn's checks; its class is found by pickle."""
    kind = type(estimator)

    def fit(self: Any, X: Any, y: Any = None, **params: Any) -> Any:
        return kind.fit(self, X, follow_up(y), **{**more(self, X), **params})

    def score(self: Any, X: Any, y: Any) -> float:
        return float(kind.score(self, X, follow_up(y)))

    name = f"{kind.__name__}OnNumbers"
    held = {"fit": fit, "__init__": kind.__init__, "__doc__": kind.__doc__, "__module__": __name__}
    if issubclass(kind, SurvivalRegressor):
        held["score"] = score
    globals().setdefault(name, type(name, (kind,), held))
    return globals()[name](**estimator.get_params(deep=False))


def do_not_apply(estimator: Any) -> dict[str, str]:
    """Checks of scikit-learn that contradict what an estimator is, each with its reason."""
    if isinstance(estimator, CoxRegression) and estimator.ties == "efron":
        return dict.fromkeys(
            (
                "check_sample_weight_equivalence_on_dense_data",
                "check_sample_weight_equivalence_on_sparse_data",
            ),
            "under Efron ties a patient twice is a tie with himself, which a weight of two is not (as in R)",
        )
    return {}


@parametrize_with_checks(
    [on_numbers(e) if n in NEED_OUTCOME | NEED_REPEATS else e for n, e in ESTIMATORS.items()],
    expected_failed_checks=do_not_apply,
)
def test_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_every_estimator_is_listed() -> None:
    import perisurv.survival as room

    public = {getattr(room, name) for name in room.__all__}
    kinds = {k for k in public if isinstance(k, type) and issubclass(k, TableTransformer | SurvivalRegressor)}
    assert {k.__name__ for k in kinds} == {type(e).__name__ for e in ESTIMATORS.values()}


# --- our own battery ---------------------------------------------------------------------------------------------


def cohort(seed: int = 3, n: int = 80) -> tuple[FeatureTable, Outcome]:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 6))
    values[:, 5] = values[:, 0] + 0.3 * values[:, 5]
    ids = tuple(f"p{k:02d}" for k in rng.permutation(n))
    frame = pd.DataFrame(values, index=list(ids), columns=[f"f{k}" for k in range(6)])
    return FeatureTable(frame), Outcome(ids, rng.exponential(400 * np.exp(-values[:, 0])) + 1, rng.random(n) < 0.8)


TABLE, OUTCOME = cohort()
TRAINING, NEW = TABLE.patients[:60], TABLE.patients[60:]
BATTERY = ESTIMATORS | BY_PATIENT
each = pytest.mark.parametrize("name", list(BATTERY))


def fitted(name: str, table: FeatureTable | None = None, outcome: Outcome = OUTCOME) -> Any:
    table = TABLE.take(TRAINING) if table is None else table
    estimator = clone(BATTERY[name])
    return estimator.fit(table, outcome, **more(estimator, table))


def applied(estimator: Any, table: FeatureTable) -> np.ndarray[Any, Any]:
    if isinstance(estimator, SurvivalRegressor):
        return estimator.predict(table)
    result = estimator.transform(table)
    assert isinstance(result, FeatureTable)
    return result.frame.to_numpy()


@each
def test_deterministic(name: str) -> None:
    np.testing.assert_array_equal(applied(fitted(name), TABLE.take(NEW)), applied(fitted(name), TABLE.take(NEW)))


@each
def test_order_of_rows_changes_nothing(name: str) -> None:
    shuffled = TABLE.take([TRAINING[k] for k in np.random.default_rng(0).permutation(len(TRAINING))])
    one, other = applied(fitted(name), TABLE.take(NEW)), applied(fitted(name, shuffled), TABLE.take(NEW[::-1]))
    np.testing.assert_allclose(other[::-1], one, rtol=1e-9, atol=1e-9)


@each
def test_refuses_nan(name: str) -> None:
    estimator = BATTERY[name]
    if estimator.__sklearn_tags__().input_tags.allow_nan:
        pytest.skip("imputes")
    frame = TABLE.take(TRAINING).frame.copy()
    frame.iloc[3, 2] = np.nan
    with pytest.raises(FeatureError, match="f2"):
        fitted(name, FeatureTable(frame))
    with pytest.raises(ValueError, match="NaN"):
        clone(estimator).fit(frame, OUTCOME, **more(estimator, frame))


@each
def test_refuses_its_own_patients(name: str) -> None:
    estimator = fitted(name)
    assert estimator.fitted_on_ == set(TRAINING)
    for table in (TABLE.take([*NEW, TRAINING[7]]), TABLE.take([TRAINING[7]])):
        with pytest.raises(LeakageError, match=TRAINING[7]):
            applied(estimator, table)
    frame = TABLE.take(TRAINING).frame
    with pytest.raises(LeakageError, match="fitted on"):
        (estimator.predict if isinstance(estimator, SurvivalRegressor) else estimator.transform)(frame)


@each
def test_patients_behind_the_features_are_refused(name: str) -> None:
    made = FeatureTable(TABLE.take(TRAINING).frame, {TRAINING[0]: frozenset({NEW[0]})})
    with pytest.raises(LeakageError, match=NEW[0]):
        applied(fitted(name, made), TABLE.take(NEW))


@each
def test_transformed_rows_carry_who_shaped_them(name: str) -> None:
    estimator = fitted(name)
    if isinstance(estimator, SurvivalRegressor):
        pytest.skip("predicts")
    assert estimator.transform(TABLE.take(NEW)).seen == set(TRAINING)
    assert estimator.get_feature_names_out().tolist() == list(estimator.transform(TABLE.take(NEW)).names)


@each
def test_a_patient_is_transformed_alone_as_among_others(name: str) -> None:
    estimator = fitted(name)
    together = applied(estimator, TABLE.take(NEW))
    for row, patient in enumerate(NEW[:3]):
        np.testing.assert_allclose(applied(estimator, TABLE.take([patient]))[0], together[row], atol=1e-12)


@each
def test_not_fitted(name: str) -> None:
    with pytest.raises(NotFittedError):
        applied(clone(BATTERY[name]), TABLE.take(NEW))


@each
def test_the_outcome_is_not_used_where_it_is_not_asked_for(name: str) -> None:
    if name in NEED_OUTCOME:
        pytest.skip("fits on the outcome")
    other = Outcome(OUTCOME.patients, OUTCOME.time_days[::-1].copy(), ~OUTCOME.event)
    one, two = fitted(name), fitted(name, outcome=other)
    np.testing.assert_array_equal(applied(one, TABLE.take(NEW)), applied(two, TABLE.take(NEW)))
