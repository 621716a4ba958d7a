"""The whole fit inside scikit-learn's own tools: cross-validation, pipelines, search; patients in the index."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

from perisurv.core import FeatureTable, LeakageError, Outcome
from perisurv.survival import FitOptions, SignatureRegressor, Standardiser, fit_signature

Data = tuple[FeatureTable, Outcome]
QUICK = FitOptions(lasso_folds=3, lasso_lambdas=15)
GROUPS = {"radiomics": ("tumour__",), "deep": ("deep_",)}


def follow_up(outcome: Outcome) -> pd.DataFrame:
    return pd.DataFrame({"time_days": outcome.time_days, "event": outcome.event}, index=list(outcome.patients))


def test_is_the_signature(cohort: Data) -> None:
    table, outcome = cohort
    training, new = table.take(table.patients[:60]), table.take(table.patients[60:])
    estimator = SignatureRegressor(groups=GROUPS, options=QUICK, seed=4).fit(training, outcome)
    signature = fit_signature(training, outcome, groups=GROUPS, options=QUICK, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(estimator.predict(new), signature.risk(new))
    assert estimator.signature_.to_json() == signature.to_json()
    assert estimator.fitted_on_ == frozenset(training.patients)


def test_cross_validation_fits_everything_again(cohort: Data) -> None:
    table, outcome = cohort
    estimator = SignatureRegressor(options=QUICK)
    folds = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(estimator, table.frame, follow_up(outcome), cv=folds)
    by_hand = []
    for fitted, held in folds.split(table.frame):
        own = SignatureRegressor(options=QUICK).fit(table.frame.iloc[fitted], follow_up(outcome).iloc[fitted])
        by_hand.append(own.score(table.frame.iloc[held], follow_up(outcome).iloc[held]))
    np.testing.assert_allclose(scores, by_hand, atol=1e-12)
    assert scores.mean() > 0.7


def test_a_training_score_is_a_leak(cohort: Data) -> None:
    table, outcome = cohort
    with pytest.raises(LeakageError):
        cross_validate(
            SignatureRegressor(options=QUICK), table.frame, follow_up(outcome), cv=2, return_train_score=True,
            error_score="raise",
        )  # fmt: skip


def test_search_over_whole_options_inside_a_pipeline(cohort: Data) -> None:
    table, outcome = cohort
    frame = table.frame.copy()
    frame.iloc[::9, 0] = np.nan
    pipeline = make_pipeline(Standardiser().set_output(transform="pandas"), SignatureRegressor())
    nothing = FitOptions(univariate_p=0.0)
    search = GridSearchCV(
        pipeline, {"signatureregressor__options": [nothing, QUICK]}, cv=KFold(3, shuffle=True, random_state=1)
    )
    search.fit(frame.iloc[:70], follow_up(outcome).iloc[:70])
    assert search.best_params_["signatureregressor__options"] is QUICK
    assert search.score(frame.iloc[70:], follow_up(outcome).iloc[70:]) > 0.6
    with pytest.raises(LeakageError):
        search.predict(frame.iloc[:5])
