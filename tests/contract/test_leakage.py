"""Ways in which a patient reaches what later scores it, each on purpose: every one is refused, or cannot be written.

What no program can see is not here: names of features chosen on all patients, numbers taken out of a table, one
patient under two names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from test_survival_battery import FirstColumn, metadata
from test_survival_estimators import ESTIMATORS, NEW, OUTCOME, TABLE, TRAINING

from perisurv.core import FeatureTable, LeakageError, ModelError, Outcome
from perisurv.study.store import write_table
from perisurv.survival import FitOptions, Signature, Standardiser, choose_ring, fit_cox, fit_signature
from perisurv.survival.estimator import SurvivalRegressor

TRANSFORMERS = [name for name, e in ESTIMATORS.items() if not isinstance(e, SurvivalRegressor)]
REGRESSORS = [name for name, e in ESTIMATORS.items() if isinstance(e, SurvivalRegressor)]
each_transformer = pytest.mark.parametrize("name", TRANSFORMERS)
each_regressor = pytest.mark.parametrize("name", REGRESSORS)


def fit(name: str, table: FeatureTable) -> Any:
    return clone(ESTIMATORS[name]).fit(table, OUTCOME, **metadata(name, table))


def fit_transform(name: str, table: FeatureTable) -> FeatureTable:
    return clone(ESTIMATORS[name]).fit_transform(table, OUTCOME, **metadata(name, table))


def signature(table: FeatureTable, options: FitOptions | None = None) -> Signature:
    return fit_signature(
        table, OUTCOME, groups={"all": ("",)}, options=options or FitOptions(), rng=np.random.default_rng(0)
    )


# --- a step that saw the patients it will transform: scaling, imputation, harmonisation, filters, fusion -----------


@each_transformer
def test_a_step_of_all_patients_then_its_transform_of_the_test_patients(name: str) -> None:
    step = fit(name, TABLE)
    with pytest.raises(LeakageError, match=min(NEW)):
        step.transform(TABLE.take(NEW))


@each_transformer
def test_a_step_of_all_patients_then_a_cut_into_training_and_test_rows(name: str) -> None:
    rows = fit_transform(name, TABLE)
    model = FirstColumn().fit(rows.take(TRAINING), OUTCOME)
    with pytest.raises(LeakageError, match=min(NEW)):
        model.predict(rows.take(NEW))


@each_transformer
def test_a_step_of_all_patients_hidden_behind_another_step(name: str) -> None:
    rows = Standardiser().fit_transform(fit_transform(name, TABLE).take(TRAINING))
    assert rows.seen == set(TABLE.patients)
    model = FirstColumn().fit(rows, OUTCOME)
    with pytest.raises(LeakageError, match=min(NEW)):
        model.predict(FeatureTable(pd.DataFrame(0.0, index=list(NEW), columns=list(rows.names))))


@each_transformer
def test_the_test_rows_scaled_among_themselves(name: str) -> None:
    """A model of the training patients, fed with test rows that a step was fitted on."""
    names = fit_transform(name, TABLE.take(TRAINING)).names
    rows = fit_transform(name, TABLE.take(NEW))
    if not set(names) <= set(rows.names):
        pytest.skip("other columns come out")
    model = FirstColumn().fit(fit_transform(name, TABLE.take(TRAINING)), OUTCOME)
    with pytest.raises(LeakageError, match="fit_transform"):
        model.predict(rows)


@each_transformer
def test_a_selection_outside_of_the_folds(name: str) -> None:
    """Selected once on all training patients, cross-validated afterwards."""
    rows = fit_transform(name, TABLE.take(TRAINING))
    for fold in range(3):
        left_out = TRAINING[fold::3]
        model = FirstColumn().fit(rows.take([p for p in TRAINING if p not in left_out]), OUTCOME)
        with pytest.raises(LeakageError, match="fitted on"):
            model.predict(rows.take(left_out))


@each_transformer
def test_rows_that_went_through_a_step_remember_through_every_change_of_the_table(name: str) -> None:
    rows = fit_transform(name, TABLE)
    plain = FeatureTable(TABLE.frame.add_prefix("plain_"))
    for changed in (
        rows.take(NEW),
        rows.select(rows.names[:1]),
        rows.starting_with(""),
        rows.join(plain),
        plain.join(rows),
        FeatureTable.stack([rows.take(TRAINING), rows.take(NEW)]),
    ):
        assert changed.seen == set(TABLE.patients)


def test_rows_of_a_fit_are_not_stored(tmp_path: Path) -> None:
    with pytest.raises(LeakageError, match="store the features"):
        write_table(tmp_path / "features.parquet", Standardiser().fit_transform(TABLE))
    assert not list(tmp_path.iterdir())


def test_what_shaped_the_rows_before_is_not_forgotten_by_a_fit() -> None:
    deep = FeatureTable(TABLE.take(TRAINING).frame, {TRAINING[0]: frozenset({NEW[0]})})
    rows = Standardiser().fit_transform(deep)
    assert rows.seen == {*TRAINING, NEW[0]}
    with pytest.raises(LeakageError, match=NEW[0]):
        FirstColumn().fit(rows, OUTCOME).predict(FeatureTable(TABLE.take(NEW).frame))


# --- deep features that are not out-of-fold ------------------------------------------------------------------------


def test_features_of_a_network_trained_on_the_patient() -> None:
    with pytest.raises(LeakageError, match="out-of-fold"):
        FeatureTable(TABLE.take(TRAINING).frame, dict.fromkeys(TRAINING, frozenset(TRAINING)))


def test_features_of_a_network_trained_on_the_test_patients() -> None:
    deep = FeatureTable(TABLE.take(TRAINING).frame, dict.fromkeys(TRAINING, frozenset(NEW)))
    for scorer in (
        FirstColumn().fit(deep, OUTCOME).predict,
        fit_cox(deep, OUTCOME.take(TRAINING)).risk,
        signature(deep).predict,
    ):
        with pytest.raises(LeakageError, match="fitted on"):
            scorer(TABLE.take(NEW))


def test_a_ring_chosen_in_folds_whose_features_know_one_another() -> None:
    half = frozenset(TRAINING[:30])
    deep = FeatureTable(TABLE.take(TRAINING).frame, dict.fromkeys(TRAINING[30:], half))
    with pytest.raises(LeakageError, match="fitted on"):
        choose_ring({"a": deep}, OUTCOME, FitOptions(), np.random.default_rng(0))


# --- a model that scores its own patients --------------------------------------------------------------------------


@each_regressor
def test_a_model_of_all_patients_scored_on_the_test_patients(name: str) -> None:
    model = fit(name, TABLE)
    for score in (model.predict, lambda rows: model.score(rows, OUTCOME)):
        with pytest.raises(LeakageError, match="fitted on"):
            score(TABLE.take(NEW))


@each_regressor
def test_risks_stacked_in_sample(name: str) -> None:
    """The first level scores the rows that it was fitted on, so that the second level would see them."""
    with pytest.raises(LeakageError, match="fitted on"):
        fit(name, TABLE.take(TRAINING)).predict(TABLE.take(TRAINING))


def test_risks_of_a_signature_stacked_in_sample() -> None:
    first = signature(TABLE.take(TRAINING))
    with pytest.raises(LeakageError, match="signature"):
        first.risk(TABLE.take(TRAINING))
    with pytest.raises(LeakageError, match="out-of-fold"):
        FeatureTable(pd.DataFrame({"risk": first.training_risk}), dict.fromkeys(first.training_risk, first.fitted_on))


def test_patients_are_not_taken_out_of_a_signature() -> None:
    """Steps and signature name the same patients, or there is no signature."""
    fitted = signature(TABLE.take(TRAINING))
    with pytest.raises(ModelError, match="same patients"):
        dataclasses.replace(fitted, scaling=dataclasses.replace(fitted.scaling, fitted_on=frozenset()))
    with pytest.raises(ModelError, match="fitted_on|same patients"):
        dataclasses.replace(fitted, fitted_on=frozenset())


def test_the_cut_off_cannot_come_from_the_test_patients() -> None:
    """It is part of the signature, fixed by the training risks; predict takes none."""
    fitted = signature(TABLE.take(TRAINING))
    one = fitted.predict(TABLE.take(NEW))
    few = fitted.predict(TABLE.take(NEW[:4]))
    assert fitted.cutoff == np.median(list(fitted.training_risk.values()))
    np.testing.assert_array_equal(few.high_risk, one.high_risk[:4])
    with pytest.raises(dataclasses.FrozenInstanceError):
        fitted.cutoff = 0.0


# --- inside scikit-learn -------------------------------------------------------------------------------------------


class PeekingScaler(Standardiser):
    """A scaler that was fitted on everybody before the folds were made, and is only pretending to be fitted again."""

    def fit(self, X: Any, y: Any = None) -> PeekingScaler:
        super().fit(TABLE.frame)
        return self


class OutcomeAwareScaler(Standardiser):
    """A scaler that hands the outcome on."""

    def transform(self, X: Any, y: Any = None) -> Any:
        assert y is None
        return super().transform(X)


def test_a_scaler_that_was_fitted_on_everybody_inside_of_folds() -> None:
    leaking = make_pipeline(PeekingScaler(), FirstColumn())
    with pytest.raises(LeakageError, match="PeekingScaler was fitted on"):
        cross_val_score(leaking, TABLE.frame, OUTCOME.take(TABLE.patients).to_frame(), cv=KFold(3), error_score="raise")


def test_a_pipeline_never_hands_the_outcome_to_transform() -> None:
    honest = make_pipeline(OutcomeAwareScaler(), FirstColumn())
    y = OUTCOME.take(TABLE.patients).to_frame()
    assert np.isfinite(cross_val_score(honest, TABLE.frame, y, cv=KFold(3), error_score="raise")).all()


@each_transformer
def test_the_outcome_of_new_patients_has_no_way_into_a_step(name: str) -> None:
    step = fit(name, TABLE.take(TRAINING))
    leak: Callable[..., Any] = step.transform
    with pytest.raises(TypeError):
        leak(TABLE.take(NEW), OUTCOME)


def test_folds_that_overlap() -> None:
    """A patient in both parts of a split is found by whatever was fitted on the first."""
    model = Standardiser().fit(TABLE.take(TRAINING))
    with pytest.raises(LeakageError, match=TRAINING[-1]):
        model.transform(TABLE.take([TRAINING[-1], *NEW]))


def test_rows_of_one_patient_in_both_parts() -> None:
    """Repeats of one patient cannot be two rows of a table."""
    frame = TABLE.take(TRAINING[:2]).frame
    with pytest.raises(ValueError, match="unique patients"):
        FeatureTable(pd.concat([frame, frame]))
    with pytest.raises(ValueError, match="twice"):
        Outcome((TRAINING[0], TRAINING[0]), np.ones(2), np.ones(2, dtype=bool))
