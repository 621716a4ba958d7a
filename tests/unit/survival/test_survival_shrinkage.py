"""Shrunken Cox models: by hand, against what the factor is for, and where nothing can be shrunken."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from perisurv.core import ConvergenceError, FeatureTable, LeakageError, Outcome, SettingsError
from perisurv.statistics import RiskSets
from perisurv.survival import CoxModel, assign_folds, fit_cox, shrink_bootstrap, shrink_heuristic, shrink_ridge


def cohort(seed: int, n: int, effects: list[float]) -> tuple[pd.DataFrame, Outcome]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(effects)))
    death, censored = rng.exponential(300 * np.exp(-x @ effects)), rng.uniform(100, 1500, n)
    ids = [f"p{k:04d}" for k in range(n)]
    names = [f"f{k}" for k in range(len(effects))]
    time = np.minimum(death, censored) + 1
    return pd.DataFrame(x, index=ids, columns=names), Outcome(tuple(ids), time, death <= censored)


WEAK = cohort(0, 120, [0.4, 0.2, 0, 0, 0, 0, 0, 0])


def slope(x: pd.DataFrame, outcome: Outcome, model: CoxModel) -> float:
    return float(fit_cox(model.linear_predictor(x.to_numpy())[:, None], outcome).coef[0])


def test_heuristic_by_hand() -> None:
    x, outcome = WEAK
    plain, found = fit_cox(x, outcome), shrink_heuristic(x, outcome)
    chi2 = 2 * (plain.log_likelihood - plain.log_likelihood_null)
    assert found.factor == pytest.approx((chi2 - 8) / chi2, rel=1e-12)
    np.testing.assert_allclose(found.model.coef, found.factor * plain.coef, rtol=1e-12)
    np.testing.assert_array_equal(found.model.standard_error, plain.standard_error)
    assert found.model.log_likelihood < plain.log_likelihood


def test_the_baseline_belongs_to_the_shrunken_coefficients() -> None:
    """Expected deaths equal deaths: true of Breslow's baseline at any coefficients, not of another model's baseline."""
    x, outcome = WEAK
    model = shrink_heuristic(x, outcome, "breslow").model
    hazard = model.baseline.at(outcome.time_days)
    expected = np.exp(model.linear_predictor(x.to_numpy())) * hazard
    assert expected.sum() == pytest.approx(outcome.n_events, rel=1e-12)


def test_noise_is_shrunken_to_nothing() -> None:
    found = shrink_heuristic(*cohort(0, 60, [0.0] * 10))
    assert found.factor == 0.0
    np.testing.assert_array_equal(found.model.coef, 0.0)
    np.testing.assert_array_equal(found.model.z, 0.0)
    assert found.model.log_likelihood == pytest.approx(found.model.log_likelihood_null)


def test_factors_are_near_the_slope_in_new_patients() -> None:
    effects = [0.4, 0.2, 0, 0, 0, 0, 0, 0]
    true, heuristic, bootstrap = [], [], []
    for seed in range(12):
        x, outcome = cohort(100 + seed, 100, effects)
        new, later = cohort(1000 + seed, 2000, effects)
        true.append(slope(new, later, fit_cox(x, outcome)))
        heuristic.append(shrink_heuristic(x, outcome).factor)
        rng = np.random.default_rng(seed)
        bootstrap.append(shrink_bootstrap(x, outcome, rng=rng, samples=20).factor)
    assert np.mean(heuristic) == pytest.approx(np.mean(true), abs=0.12)
    assert np.mean(bootstrap) == pytest.approx(np.mean(true), abs=0.12)


def test_bootstrap_is_the_generator_and_no_order_of_rows() -> None:
    x, outcome = WEAK
    one = shrink_bootstrap(x, outcome, rng=np.random.default_rng(1), samples=10)
    order = np.random.default_rng(9).permutation(len(x))
    other = shrink_bootstrap(
        x.iloc[order], outcome.take(list(x.index[order])), rng=np.random.default_rng(1), samples=10
    )
    assert one.factor == other.factor
    np.testing.assert_array_equal(one.model.coef, other.model.coef)
    assert one.factor != shrink_bootstrap(x, outcome, rng=np.random.default_rng(2), samples=10).factor
    assert 0 < one.factor < 1


def test_bootstrap_says_when_samples_have_no_model() -> None:
    """Each feature marks two patients, of whom one died: a sample without one of the two has no estimate."""
    x, outcome = cohort(5, 40, [0.0] * 3)
    first = np.argsort(outcome.time_days)
    rare = pd.DataFrame(0.0, index=x.index, columns=x.columns)
    event = np.zeros(40, dtype=bool)
    for k in range(3):
        rare.iloc[first[[5 + k, 20 + k]], k] = 1.0
        event[first[[5 + k, 12 + k]]] = True
    outcome = Outcome(outcome.patients, outcome.time_days, event)
    assert np.isfinite(fit_cox(rare, outcome).coef).all()
    with pytest.raises(ConvergenceError, match="of 20 bootstrap samples have no Cox model"):
        shrink_bootstrap(rare, outcome, rng=np.random.default_rng(0), samples=20)
    with pytest.raises(SettingsError, match="at least one sample"):
        shrink_bootstrap(x, outcome, rng=np.random.default_rng(0), samples=0)


def test_ridge_takes_the_least_deviance_by_its_definition() -> None:
    x, outcome = WEAK
    folds = assign_folds(outcome, 4, np.random.default_rng(0))
    found = shrink_ridge(x, outcome, folds=folds, ridges=(1.0, 10.0, 100.0))
    sd = x.std(ddof=0)
    by_hand = []
    for ridge in (1.0, 10.0, 100.0):
        total = 0.0
        for fold in range(4):
            kept = [p for p, f in zip(x.index, folds, strict=True) if f != fold]
            coef = fit_cox((x / sd).loc[kept], outcome.take(kept), ridge=ridge).coef
            for patients, sign in ((list(x.index), -2), (kept, 2)):
                some = outcome.take(patients)
                sets = RiskSets.of(some.time_days, some.event, "efron")
                total += sign * sets.log_likelihood(((x / sd).loc[patients].to_numpy() @ coef)[sets.order])
        by_hand.append(total)
    np.testing.assert_allclose(found.deviance, by_hand, rtol=1e-9)
    assert found.ridge == found.tried[np.argmin(by_hand)]
    np.testing.assert_allclose(found.model.coef, fit_cox(x / sd, outcome, ridge=found.ridge).coef / sd, rtol=1e-9)
    assert found.factor is None
    np.testing.assert_allclose(found.model.linear_predictor(x.to_numpy()).mean(), 0, atol=1e-12)


def test_ridge_shrinks_noise_and_has_a_model_where_cox_has_none() -> None:
    x, outcome = cohort(6, 40, [0.0] * 45)
    folds = assign_folds(outcome, 5, np.random.default_rng(0))
    found = shrink_ridge(x, outcome, folds=folds, ridges=(0.1, 1.0, 10.0, 100.0, 1000.0))
    assert found.ridge >= 10
    assert np.abs(found.model.coef).max() < 0.2


def test_units_of_the_features_change_no_shrunken_risk() -> None:
    x, outcome = WEAK
    scale = np.array([1e-4, 1e3, -1, 5, 7, 1e2, 1, 1e-2])
    folds = assign_folds(outcome, 4, np.random.default_rng(0))
    one = shrink_ridge(x, outcome, folds=folds, ridges=(1.0, 10.0)).model
    other = shrink_ridge(x * scale + scale, outcome, folds=folds, ridges=(1.0, 10.0)).model
    np.testing.assert_allclose(
        other.linear_predictor((x * scale + scale).to_numpy()), one.linear_predictor(x.to_numpy()), atol=1e-8
    )


def test_strata_and_weights_are_passed_on() -> None:
    x, outcome = WEAK
    centre, weight = np.arange(120) % 3, np.where(np.arange(120) < 60, 1.0, 2.0)
    plain = fit_cox(x, outcome, strata=centre, weight=weight)
    folds = assign_folds(outcome, 3, np.random.default_rng(0))
    for found in (
        shrink_heuristic(x, outcome, strata=centre, weight=weight),
        shrink_bootstrap(x, outcome, rng=np.random.default_rng(0), samples=5, strata=centre, weight=weight),
        shrink_ridge(x, outcome, folds=folds, ridges=(1e-9,), strata=centre, weight=weight),
    ):
        assert found.model.strata == ("0", "1", "2")
        assert found.model.weighted
        factor = 1.0 if found.factor is None else found.factor
        np.testing.assert_allclose(found.model.coef, factor * plain.coef, rtol=1e-6)
        assert {f.name for f in fields(found.model)} == {f.name for f in fields(plain)}


def test_a_shrunken_model_refuses_its_patients() -> None:
    x, outcome = WEAK
    folds = assign_folds(outcome, 3, np.random.default_rng(0))
    for found in (shrink_heuristic(x, outcome), shrink_ridge(x, outcome, folds=folds, ridges=(1.0,))):
        with pytest.raises(LeakageError, match="p0003"):
            found.model.risk(FeatureTable(x.iloc[[3]]))


def test_ridge_says_what_does_not_fit() -> None:
    x, outcome = WEAK
    with pytest.raises(SettingsError, match="two folds at least"):
        shrink_ridge(x, outcome, folds=np.zeros(120, dtype=int))
    with pytest.raises(SettingsError, match="must be positive"):
        shrink_ridge(x, outcome, folds=np.arange(120) % 3, ridges=(0.0, 1.0))


def test_no_feature_is_nothing_to_shrink() -> None:
    _, outcome = WEAK
    found = shrink_heuristic(np.empty((120, 0)), outcome)
    assert found.factor == 0.0
    assert found.model.log_likelihood == found.model.log_likelihood_null
