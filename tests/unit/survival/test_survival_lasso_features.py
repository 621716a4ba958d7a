"""Repeats, threads, penalty factors, stability selection, estimators, and inputs at the edge."""

from dataclasses import replace

import numpy as np
import pytest

from perisurv.core import ConvergenceError, Outcome, OutcomeError, SettingsError
from perisurv.survival import (
    LassoCox,
    LassoCoxSelector,
    LassoOptions,
    StabilityOptions,
    StabilitySelector,
    assign_folds,
    cv_lasso_cox,
    fit_cox,
    lasso_cox_path,
    stability_selection,
)

SHORT = LassoOptions(n_lambdas=15, lambda_min_ratio=0.1)


def simulated(n: int = 120, p: int = 12, seed: int = 0) -> tuple[np.ndarray, Outcome]:
    """The hazard depends on the first two features; follow-up holds ties."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    death = np.ceil(rng.exponential(50 * np.exp(-0.8 * x[:, 0] + 0.8 * x[:, 1])))
    censored = rng.integers(20, 200, n)
    ids = tuple(f"p{k:03d}" for k in rng.permutation(n))
    return x, Outcome(ids, np.minimum(death, censored).astype(float), death <= censored)


def shuffled(x: np.ndarray, outcome: Outcome) -> tuple[np.ndarray, Outcome]:
    order = np.random.default_rng(9).permutation(len(x))
    return x[order], outcome.take(np.asarray(outcome.patients)[order])


def test_repeats_are_the_mean_of_single_cross_validations() -> None:
    x, outcome = simulated()
    folds = np.stack([assign_folds(outcome, k, np.random.default_rng(k)) for k in (3, 5)], axis=1)
    for measure in ("deviance", "concordance"):
        options = replace(SHORT, measure=measure)
        both = cv_lasso_cox(x, outcome, folds, options)
        single = [cv_lasso_cox(x, outcome, folds[:, k], options) for k in (0, 1)]
        np.testing.assert_allclose(both.curve, np.mean([s.curve for s in single], axis=0), rtol=1e-9)
        spread = np.mean([s.standard_error for s in single], axis=0)
        np.testing.assert_allclose(both.standard_error, spread, rtol=1e-7)
        best = both.curve.min() if measure == "deviance" else both.curve.max()
        assert both.curve[both.at_min] == best
        assert both.at_1se <= both.at_min


def test_threads_change_nothing() -> None:
    x, outcome = simulated(p=40)
    folds = assign_folds(outcome, 5, np.random.default_rng(0))
    one, two = (cv_lasso_cox(x, outcome, folds, replace(SHORT, threads=t)) for t in (1, 3))
    np.testing.assert_array_equal(one.path.coef, two.path.coef)
    np.testing.assert_array_equal(one.curve, two.curve)


def test_an_integer_weight_is_so_many_patients() -> None:
    x, outcome = simulated(60, 6)
    copies = np.arange(60) % 3
    row = np.repeat(np.arange(60), copies)
    many = Outcome(tuple(f"q{k}" for k in range(len(row))), outcome.time_days[row], outcome.event[row])
    options = replace(SHORT, lambdas=(0.2, 0.1, 0.02))
    weighted = lasso_cox_path(x, outcome, options, weight=copies.astype(float))
    np.testing.assert_allclose(weighted.coef, lasso_cox_path(x[row], many, options).coef, atol=1e-7)


def test_unpenalised_features_start_at_their_cox_model_and_infinite_ones_stay_out() -> None:
    x, outcome = simulated(p=6)
    path = lasso_cox_path(x, outcome, replace(SHORT, penalty_factors=(0, 0, 1, 1, 1, np.inf)))
    np.testing.assert_allclose(path.coef[0, :2], fit_cox(x[:, :2], outcome, "breslow").coef, atol=1e-6)
    assert (path.coef[0, 2:] == 0).all()
    assert (path.coef[:, 5] == 0).all()
    assert (path.coef[-1, 2:5] != 0).any()


def test_penalty_factors_are_checked() -> None:
    x, outcome = simulated(p=3)
    with pytest.raises(SettingsError, match="2 penalty factors for 3"):
        lasso_cox_path(x, outcome, LassoOptions(penalty_factors=(1, 1)))
    with pytest.raises(SettingsError, match="penalises no feature"):
        lasso_cox_path(x, outcome, LassoOptions(penalty_factors=(0, 0, 0)))
    with pytest.raises(SettingsError, match="negative"):
        LassoOptions(penalty_factors=(-1.0,))
    separating = np.column_stack([-outcome.time_days, x])
    with pytest.raises(ConvergenceError, match="without a penalty"):
        lasso_cox_path(separating, outcome, LassoOptions(penalty_factors=(0, 1, 1, 1)))


def test_stability_selection_finds_the_two_features_and_bounds_the_false_ones() -> None:
    x, outcome = simulated(200, 60)
    found = stability_selection(x, outcome, np.random.default_rng(1), StabilityOptions(pairs=15, per_half=5))
    assert found.stable == ("x0", "x1")
    assert found.mean_chosen <= 5
    assert found.bound == pytest.approx(found.mean_chosen**2 / (0.5 * 60))
    assert found.frequency[2:].max() < 0.75


def test_stability_selection_is_blind_to_the_order_of_rows() -> None:
    x, outcome = simulated()
    options = StabilityOptions(pairs=6, per_half=4)
    one = stability_selection(x, outcome, np.random.default_rng(1), options)
    other = stability_selection(*shuffled(x, outcome), np.random.default_rng(1), options)
    np.testing.assert_array_equal(one.frequency, other.frequency)


def test_stability_selection_needs_halves() -> None:
    x, outcome = simulated(20, 3)
    one = Outcome(outcome.patients, outcome.time_days, np.arange(20) == 4)
    with pytest.raises(OutcomeError, match="two events"):
        stability_selection(x, one, np.random.default_rng(0))
    with pytest.raises(SettingsError, match=r"threshold above 0\.5"):
        StabilityOptions(threshold=0.5)


def test_estimators_choose_what_the_functions_choose() -> None:
    x, outcome = simulated()
    model = LassoCox(folds=5, options=SHORT).fit(x, outcome)
    folds = assign_folds(outcome, 5, np.random.default_rng(0))
    assert model.cv_.curve.shape == (len(model.cv_.path.lambdas),)
    assert model.get_support()[:2].all()
    assert model.lambda_ == model.cv_.lambda_min
    plain = LassoCox(folds=5, options=SHORT).fit(x, outcome, strata=["a"] * 120, sample_weight=np.full(120, 2.0))
    np.testing.assert_allclose(plain.coef_, model.coef_, atol=1e-7)
    sparse = LassoCox(folds=5, options=SHORT, rule="1se").fit(x, outcome)
    assert sparse.lambda_ >= model.lambda_
    kept = LassoCoxSelector(folds=5, options=SHORT).fit(x, outcome).get_feature_names_out()
    assert list(kept) == [f"x{k}" for k in np.flatnonzero(model.get_support())]
    stable = StabilitySelector(options=StabilityOptions(pairs=5, per_half=3)).fit(x, outcome)
    assert {"x0", "x1"} <= set(stable.get_feature_names_out())
    assert folds.max() == 4


def test_edges() -> None:
    x, outcome = simulated(30, 3)
    assert lasso_cox_path(x[:, :0], outcome).coef.shape[1] == 0
    nobody = Outcome(outcome.patients, outcome.time_days, np.zeros(30, dtype=bool))
    with pytest.raises(OutcomeError, match="censored"):
        lasso_cox_path(x, nobody)
    alone = Outcome(outcome.patients, outcome.time_days, np.arange(30) == int(outcome.time_days.argmin()))
    assert np.isfinite(lasso_cox_path(x, alone, SHORT).coef).all()
    with pytest.raises(OutcomeError, match="two patients with an event"):
        LassoCox().fit(x, alone)
    tied = Outcome(outcome.patients, np.full(30, 7.0), outcome.event)
    assert np.isfinite(lasso_cox_path(x, tied, replace(SHORT, ties="efron")).coef).all()
    far = lasso_cox_path(x * np.array([1e-150, 1.0, 1e150]), outcome, SHORT)
    near = lasso_cox_path(x, outcome, SHORT)
    np.testing.assert_allclose(far.coef * np.array([1e-150, 1.0, 1e150]), near.coef, atol=1e-9)


def test_a_stratum_without_deaths_says_nothing() -> None:
    x, outcome = simulated(60, 4)
    centre = np.where(np.arange(60) < 15, "b", "a")
    event = outcome.event & (centre == "a")
    both = Outcome(outcome.patients, outcome.time_days, event)
    options = LassoOptions(lambdas=(0.05, 0.01), standardise=False)
    found = lasso_cox_path(x, both, options, strata=list(centre), weight=np.ones(60))
    rest = centre == "a"
    part = Outcome(tuple(np.asarray(outcome.patients)[rest]), outcome.time_days[rest], event[rest])
    same = LassoOptions(lambdas=(0.05 * 60 / 45, 0.01 * 60 / 45), standardise=False)
    np.testing.assert_allclose(found.coef, lasso_cox_path(x[rest], part, same).coef, atol=1e-7)
