"""Our own checks of every estimator of the survival room, beyond those of test_survival_estimators.

Nothing to do for a new estimator: it is listed there. What its fit needs besides rows and follow-up is in ``METADATA``.
"""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from test_survival_estimators import BATTERY, NEW, OUTCOME, TABLE, TRAINING, applied, cohort, more
from threadpoolctl import threadpool_limits

from perisurv.core import FeatureError, FeatureTable, InputError, LeakageError, Outcome, OutcomeError
from perisurv.survival.estimator import SurvivalRegressor, TableTransformer, read_outcome

# Name of an estimator -> what its fit asks for besides rows and follow-up, from the training table.
METADATA: dict[str, Callable[[FeatureTable], dict[str, Any]]] = {
    "StableFeatures": lambda table: more(BATTERY["StableFeatures"], table),
}


def those(test: Callable[[Any], bool]) -> Any:
    return pytest.mark.parametrize("name", [name for name, estimator in BATTERY.items() if test(estimator)])


def takes(parameter: str) -> Callable[[Any], bool]:
    return lambda estimator: parameter in inspect.signature(type(estimator).fit).parameters


each = those(lambda _: True)
each_regressor = those(lambda e: isinstance(e, SurvivalRegressor))
each_transformer = those(lambda e: not isinstance(e, SurvivalRegressor))
each_that_fits_on_the_outcome = those(lambda e: bool(e.__sklearn_tags__().target_tags.required))
each_with_weights, each_with_strata = those(takes("sample_weight")), those(takes("strata"))
# Metadata of a fit is not split with the rows unless the caller sets up scikit-learn's metadata routing.
each_that_scikit_learn_can_split = those(
    lambda e: METADATA.keys().isdisjoint({n for n, o in BATTERY.items() if o is e})
)


class FirstColumn(SurvivalRegressor):
    """The smallest risk model: its first column. Stands at the end of pipelines."""

    def fit(self, X: Any, y: Any = None) -> FirstColumn:
        return self._learn(X, y, lambda *_: None)

    def _risk(self, frame: pd.DataFrame) -> np.ndarray:
        return frame.iloc[:, 0].to_numpy() if frame.shape[1] else np.zeros(len(frame))


def train() -> FeatureTable:
    return TABLE.take(TRAINING)


def metadata(name: str, table: FeatureTable) -> dict[str, Any]:
    return METADATA[name](table) if name in METADATA else {}


def fitted(name: str, X: Any = None, y: Any = OUTCOME, **params: Any) -> Any:
    table = X if isinstance(X, FeatureTable) else train() if X is None else FeatureTable(pd.DataFrame(X))
    return clone(BATTERY[name]).fit(table if X is None else X, y, **metadata(name, table), **params)


def output(estimator: Any, X: Any) -> np.ndarray:
    """What it says of new rows."""
    result = estimator.predict(X) if isinstance(estimator, SurvivalRegressor) else estimator.transform(X)
    return result.frame.to_numpy() if isinstance(result, FeatureTable) else np.asarray(result)


def pipeline(name: str) -> Any:
    """The estimator with a risk model behind it, where it has none itself."""
    estimator = clone(BATTERY[name])
    return (
        make_pipeline(estimator)
        if isinstance(estimator, SurvivalRegressor)
        else make_pipeline(estimator, FirstColumn())
    )


def routed(name: str, table: FeatureTable) -> dict[str, Any]:
    """Metadata for the step of a pipeline."""
    step = type(BATTERY[name]).__name__.lower()
    return {f"{step}__{key}": value for key, value in metadata(name, table).items()}


def follow_up(outcome: Outcome = OUTCOME) -> pd.DataFrame:
    return outcome.take(TABLE.patients).to_frame()


# --- parameters --------------------------------------------------------------------------------------------------


@each
def test_parameters_are_stored_as_given_and_by_name_only(name: str) -> None:
    kind = type(BATTERY[name])
    accepted = inspect.signature(kind.__init__).parameters
    assert all(p.kind is p.KEYWORD_ONLY for key, p in accepted.items() if key != "self")
    marks = {key: object() for key in accepted if key != "self"}
    made = kind(**marks)
    assert all(getattr(made, key) is mark for key, mark in marks.items())
    assert made.get_params(deep=False) == marks


@each
def test_parameters_go_round(name: str) -> None:
    estimator = BATTERY[name]
    other = clone(estimator)
    assert other is not estimator
    assert repr(other) == repr(estimator)
    assert other.set_params(**estimator.get_params()) is other
    assert repr(other.get_params()) == repr(estimator.get_params())
    with pytest.raises(ValueError, match="no_such_setting"):
        other.set_params(no_such_setting=1)


@each
def test_a_clone_of_a_fitted_estimator_is_not_fitted(name: str) -> None:
    assert not [key for key in vars(clone(fitted(name))) if key.endswith("_")]


@each
def test_fitting_changes_no_parameter_and_no_input(name: str) -> None:
    frame, y = train().frame, OUTCOME.take(TRAINING).to_frame()
    before, followed = frame.copy(), y.copy()
    estimator = clone(BATTERY[name])
    said = repr(estimator.get_params())
    assert estimator.fit(frame, y, **metadata(name, train())) is estimator
    assert repr(estimator.get_params()) == said
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(y, followed)
    new = TABLE.take(NEW).frame
    before = new.copy()
    output(estimator, new)
    pd.testing.assert_frame_equal(new, before)


# --- the same answer ---------------------------------------------------------------------------------------------


@each
def test_same_bytes_on_any_number_of_threads(name: str) -> None:
    new = TABLE.take(NEW)
    found = []
    for limit in (1, 2):
        with threadpool_limits(limit):
            found.append(output(fitted(name), new).tobytes())
    with ThreadPoolExecutor(2) as pool:
        found += [output(e, new).tobytes() for e in pool.map(lambda _: fitted(name), range(2))]
    assert len(set(found)) == 1


@each
def test_fitting_twice_is_fitting_once(name: str) -> None:
    estimator, once = fitted(name), fitted(name)
    other, followed = cohort(seed=11)
    estimator.fit(other, followed, **metadata(name, other))
    estimator.fit(train(), OUTCOME, **metadata(name, train()))
    assert set(vars(estimator)) == set(vars(once))
    assert estimator.fitted_on_ == once.fitted_on_
    np.testing.assert_array_equal(output(estimator, TABLE.take(NEW)), output(once, TABLE.take(NEW)))


@each
def test_columns_are_found_by_name(name: str) -> None:
    estimator = fitted(name)
    frame = TABLE.take(NEW).frame
    mixed = frame[frame.columns[::-1]].assign(another=np.nan)
    np.testing.assert_array_equal(output(estimator, FeatureTable(mixed)), output(estimator, FeatureTable(frame)))
    with pytest.raises(FeatureError, match="'f3'"):
        output(estimator, FeatureTable(frame.drop(columns="f3")))


@each
def test_a_data_frame_says_the_same_as_a_table(name: str) -> None:
    frame, new = train().frame, TABLE.take(NEW).frame
    estimator = fitted(name, frame)
    assert estimator.feature_names_in_.tolist() == list(frame.columns)
    assert estimator.n_features_in_ == frame.shape[1]
    assert estimator.fitted_on_ == set(TRAINING)
    np.testing.assert_array_equal(output(estimator, new), output(fitted(name), TABLE.take(NEW)))
    with pytest.raises(ValueError, match="feature names"):
        output(estimator, new[new.columns[::-1]])


@each
def test_any_number_type_is_the_same_number(name: str) -> None:
    frame, new = train().frame.round(3), TABLE.take(NEW).frame.round(3)
    expected = output(fitted(name, frame), new)
    np.testing.assert_array_equal(output(fitted(name, frame.astype(object)), new.astype(object)), expected)
    nullable = fitted(name, frame.convert_dtypes())
    np.testing.assert_array_equal(output(nullable, new.convert_dtypes()), expected)


@each
def test_words_are_refused(name: str) -> None:
    frame = train().frame.astype(object)
    frame.iloc[4, 1] = "large"
    with pytest.raises(ValueError, match="large"):
        fitted(name, frame, OUTCOME)


# --- follow-up ---------------------------------------------------------------------------------------------------


@each_that_fits_on_the_outcome
def test_follow_up_is_found_by_patient(name: str) -> None:
    shuffled = np.random.default_rng(1).permutation(TABLE.patients).tolist()
    expected = output(fitted(name), TABLE.take(NEW))
    one = OUTCOME.take(TRAINING)
    record = np.array(list(zip(one.event, one.time_days, strict=True)), dtype=[("event", bool), ("time", float)])
    for y in (OUTCOME.take(shuffled), follow_up().loc[shuffled], one.to_frame().reset_index(drop=True), record):
        np.testing.assert_array_equal(output(fitted(name, train(), y), TABLE.take(NEW)), expected)


@each_that_fits_on_the_outcome
def test_follow_up_of_others_is_refused(name: str) -> None:
    lacking = OUTCOME.take(TABLE.patients[1:])
    for y in (lacking, lacking.to_frame()):
        with pytest.raises(OutcomeError, match=TRAINING[0]):
            fitted(name, train(), y)
    with pytest.raises(OutcomeError, match="59 follow-ups for 60 rows"):
        fitted(name, train(), lacking.take(TRAINING[1:]).to_frame().reset_index(drop=True))


@each_that_fits_on_the_outcome
def test_all_censored_is_refused(name: str) -> None:
    alive = Outcome(OUTCOME.patients, OUTCOME.time_days, np.zeros(len(OUTCOME), dtype=bool))
    with pytest.raises(InputError, match="censored|0 events|got 0,|had an event"):
        fitted(name, train(), alive)


@each_that_fits_on_the_outcome
def test_units_of_time_change_no_risk(name: str) -> None:
    weeks = Outcome(OUTCOME.patients, OUTCOME.time_days / 8, OUTCOME.event)
    np.testing.assert_allclose(
        output(fitted(name, train(), weeks), TABLE.take(NEW)), output(fitted(name), TABLE.take(NEW)), atol=1e-9
    )


# --- optional inputs of a fit ------------------------------------------------------------------------------------


@each_with_weights
def test_equal_weights_change_nothing(name: str) -> None:
    weighted = fitted(name, sample_weight=np.ones(len(TRAINING)))
    np.testing.assert_allclose(output(weighted, TABLE.take(NEW)), output(fitted(name), TABLE.take(NEW)), atol=1e-10)


@each_with_weights
@pytest.mark.parametrize(("weight", "message"), [(-1.0, "weight"), (np.nan, "weight"), (np.inf, "weight")])
def test_weights_that_are_none_are_refused(name: str, weight: float, message: str) -> None:
    weights = np.ones(len(TRAINING))
    weights[2] = weight
    with pytest.raises(ValueError, match=f"(?i){message}"):
        fitted(name, sample_weight=weights)


@each_with_weights
def test_one_weight_a_patient(name: str) -> None:
    with pytest.raises(ValueError, match="(?i)weight"):
        fitted(name, sample_weight=np.ones(len(TRAINING) - 1))


@each_with_strata
def test_one_stratum_is_no_stratum(name: str) -> None:
    one = fitted(name, strata=["A"] * len(TRAINING))
    np.testing.assert_allclose(output(one, TABLE.take(NEW)), output(fitted(name), TABLE.take(NEW)), atol=1e-10)
    with pytest.raises(ValueError, match="(?i)strat"):
        fitted(name, strata=["A"] * (len(TRAINING) - 1))


# --- what cannot be a table of patients --------------------------------------------------------------------------


@each
def test_a_patient_twice_is_refused(name: str) -> None:
    frame = train().frame
    twice = pd.concat([frame, frame.iloc[:1]])
    y = follow_up().loc[twice.index].reset_index(drop=True)
    with pytest.raises(FeatureError, match="unique patients"):
        fitted_raw(name, twice, y)
    new = TABLE.take(NEW).frame
    with pytest.raises(FeatureError, match="unique patients"):
        output(fitted(name), pd.concat([new, new.iloc[:1]]))


def fitted_raw(name: str, X: pd.DataFrame, y: Any) -> Any:
    return clone(BATTERY[name]).fit(X, y, **metadata(name, train()))


@each
def test_infinity_is_refused(name: str) -> None:
    frame = train().frame.copy()
    frame.iloc[3, 2] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        fitted_raw(name, frame, OUTCOME)
    new = TABLE.take(NEW).frame.copy()
    new.iloc[0, 0] = -np.inf
    with pytest.raises(ValueError, match="infinity"):
        output(fitted(name), new)


@each
def test_no_rows_and_one_row(name: str) -> None:
    estimator = fitted(name)
    assert len(output(estimator, TABLE.take(NEW[:1]))) == 1
    with pytest.raises(ValueError, match="0 sample"):
        output(estimator, TABLE.take([]))
    with pytest.raises(ValueError, match="0 sample"):
        fitted_raw(name, TABLE.take([]).frame, OUTCOME)


# --- the firewall ------------------------------------------------------------------------------------------------


@each
def test_copies_refuse_as_well(name: str) -> None:
    estimator = fitted(name)
    for other in (pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator), copy.copy(estimator)):
        assert other.fitted_on_ == set(TRAINING)
        np.testing.assert_array_equal(output(other, TABLE.take(NEW)), output(estimator, TABLE.take(NEW)))
        with pytest.raises(LeakageError, match=TRAINING[0]):
            output(other, TABLE.take(TRAINING[:1]))


@each
def test_the_fitted_step_is_frozen_and_knows_its_patients(name: str) -> None:
    estimator = fitted(name)
    assert isinstance(estimator.fitted_on_, frozenset)
    if isinstance(estimator, TableTransformer):
        assert is_dataclass(estimator.step_)
        assert estimator.step_.fitted_on == set(TRAINING)
        with pytest.raises(AttributeError):
            estimator.step_.fitted_on = frozenset()


@each_transformer
def test_its_own_rows_serve_a_fit_but_not_a_score(name: str) -> None:
    """What fit_transform gives of all patients cannot be cut into training and test rows."""
    estimator = clone(BATTERY[name])
    rows = estimator.fit_transform(TABLE, OUTCOME, **metadata(name, TABLE))
    assert rows.seen == set(TABLE.patients)
    model = FirstColumn().fit(rows.take(TRAINING), OUTCOME)
    with pytest.raises(LeakageError, match=min(NEW)):
        model.predict(rows.take(NEW))
    as_frame = clone(BATTERY[name]).fit_transform(TABLE.frame, OUTCOME, **metadata(name, TABLE))
    np.testing.assert_array_equal(rows.frame, as_frame)
    # A model of other patients refuses them too: whoever is scored must not have fitted what made the row.
    others = [f"other{k}" for k in range(len(rows))]
    outcome = Outcome(tuple(others), OUTCOME.time_days, OUTCOME.event)
    with pytest.raises(LeakageError, match="fit_transform"):
        FirstColumn().fit(rows.frame.set_axis(others), outcome).predict(rows)


@each_regressor
def test_scores(name: str) -> None:
    estimator = fitted(name)
    risk = estimator.predict(TABLE.take(NEW))
    assert risk.shape == (len(NEW),)
    assert risk.dtype == np.float64
    assert np.isfinite(risk).all()
    assert 0.5 < estimator.score(TABLE.take(NEW), OUTCOME) <= 1
    with pytest.raises(LeakageError, match="fitted on 60 of the 60"):
        estimator.score(train(), OUTCOME)


# --- inside scikit-learn -----------------------------------------------------------------------------------------


@each_that_scikit_learn_can_split
def test_cross_validation_of_a_frame_of_patients(name: str) -> None:
    scores = cross_val_score(pipeline(name), TABLE.frame, follow_up(), cv=KFold(4), error_score="raise")
    assert scores.shape == (4,)
    assert ((scores >= 0) & (scores <= 1)).all()
    risk = cross_val_predict(pipeline(name), TABLE.frame, follow_up(), cv=KFold(4))
    assert np.isfinite(risk).all()


@each_that_scikit_learn_can_split
def test_a_score_of_the_training_rows_meets_the_firewall(name: str) -> None:
    with pytest.raises(LeakageError, match="fitted on"):
        cross_validate(
            pipeline(name), TABLE.frame, follow_up(), cv=KFold(4), return_train_score=True, error_score="raise"
        )


@each
def test_a_pipeline_of_tables_refuses_its_patients(name: str) -> None:
    model = pipeline(name).fit(train(), OUTCOME, **routed(name, train()))
    assert model.predict(TABLE.take(NEW)).shape == (len(NEW),)
    for table in (train(), TABLE):
        with pytest.raises(LeakageError, match="fitted on"):
            model.predict(table)


@each_that_scikit_learn_can_split
def test_a_grid_search_refuses_its_patients(name: str) -> None:
    estimator = BATTERY[name]
    key = next((k for k in estimator.get_params(deep=False)), None)
    if key is None:
        pytest.skip("has no parameter")
    grid = {f"{type(estimator).__name__.lower()}__{key}": [estimator.get_params()[key]]}
    search = GridSearchCV(pipeline(name), grid, cv=KFold(3), error_score="raise").fit(
        train().frame, follow_up().loc[list(TRAINING)]
    )
    assert search.predict(TABLE.take(NEW).frame).shape == (len(NEW),)
    with pytest.raises(LeakageError, match="fitted on"):
        search.score(train().frame, follow_up().loc[list(TRAINING)])


# --- follow-up by name or by position ----------------------------------------------------------------------------


def test_what_a_split_left_of_a_plain_range_is_no_name() -> None:
    table = TABLE.take(TRAINING[:5])
    y = OUTCOME.take(TRAINING[:5]).to_frame()
    positional = y.reset_index(drop=True).set_axis([3, 7, 8, 11, 12])
    np.testing.assert_array_equal(read_outcome(FirstColumn(), positional, table, True).time_days, y["time_days"])
    numbered = FeatureTable(table.frame.set_axis([12, 11, 8, 7, 3]))
    np.testing.assert_array_equal(
        read_outcome(FirstColumn(), positional, numbered, True).time_days, y["time_days"].to_numpy()[::-1]
    )
    assert applied(FirstColumn().fit(table, OUTCOME), TABLE.take(NEW)).shape == (len(NEW),)
