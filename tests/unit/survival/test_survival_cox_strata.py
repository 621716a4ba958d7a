"""Cox with strata and case weights: every number of R, baselines, the estimator, and cases without an answer."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import ConvergenceError, FeatureError, FeatureTable, LeakageError, Outcome, OutcomeError
from perisurv.statistics import RiskSets
from perisurv.survival import BaselineHazard, CoxModel, CoxRegression, codec, fit_cox
from perisurv.survival.cox_maximum import cox_maximum

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "survival_cox.json").read_text())
TERMS = ["age", "sex", "ph.ecog", "wt.loss"]
DATA = pd.DataFrame(GOLDEN["data"])
DATA.index = pd.Index([f"p{k:03d}" for k in range(len(DATA))])
X = DATA[TERMS].astype(float)
OUTCOME = Outcome(tuple(DATA.index), DATA["month"].to_numpy(float), DATA["event"].to_numpy() == 1)
each_model = pytest.mark.parametrize("name", list(GOLDEN["models"]))


def settings(name: str) -> tuple[str, dict[str, object]]:
    ties, strata, weights = name.split("_")
    return ties, {
        "strata": DATA["centre"] if strata == "strata" else None,
        "weight": DATA["w"] if weights == "weights" else None,
    }


@each_model
def test_agrees_with_coxph(name: str) -> None:
    expected = GOLDEN["models"][name]
    ties, given = settings(name)
    model = fit_cox(X, OUTCOME, ties, **given)
    np.testing.assert_allclose(model.coef, expected["coef"], rtol=1e-10)
    np.testing.assert_allclose(model.standard_error, expected["se"], rtol=1e-10)
    np.testing.assert_allclose(model.robust_standard_error, expected["robust"], rtol=1e-10)
    np.testing.assert_allclose([model.log_likelihood_null, model.log_likelihood], expected["loglik"], rtol=1e-12)
    error = expected["robust"] if model.weighted else expected["se"]
    np.testing.assert_allclose(model.z, np.array(expected["coef"]) / error, rtol=1e-9)


@each_model
def test_baselines_agree_with_basehaz(name: str) -> None:
    expected = GOLDEN["models"][name]
    ties, given = settings(name)
    model = fit_cox(X, OUTCOME, ties, **given)
    time, hazard = np.array(expected["hazard_time"], dtype=float), np.array(expected["hazard"])
    at_zero = np.exp(-model.mean @ model.coef)  # R: centered=FALSE
    if given["strata"] is None:
        np.testing.assert_allclose(model.baseline.at(time) * at_zero, hazard, rtol=1e-10)
        return
    labels = np.array([str(s) for s in expected["hazard_strata"]])
    assert set(labels) == set(model.strata)
    for stratum, baseline in zip(model.strata, model.stratum_baselines, strict=True):
        own = labels == stratum
        np.testing.assert_allclose(baseline.at(time[own]) * at_zero, hazard[own], rtol=1e-10)


@each_model
def test_martingale_residuals_agree_with_r(name: str) -> None:
    ties, given = settings(name)
    fit = cox_maximum(X, OUTCOME, ties, **given)
    residual = np.empty(len(X))
    residual[fit.rows] = fit.martingale_residuals()
    np.testing.assert_allclose(residual, GOLDEN["models"][name]["martingale"], atol=1e-11)


def test_a_stratified_likelihood_is_the_sum_of_those_of_the_strata() -> None:
    fit = cox_maximum(X, OUTCOME, "efron", strata=DATA["centre"])
    coef = fit.coef / fit.scale
    total = 0.0
    for centre in DATA["centre"].unique():
        own = (DATA["centre"] == centre).to_numpy()
        sets = RiskSets.of(OUTCOME.time_days[own], OUTCOME.event[own], "efron")
        total += sets.log_likelihood(((X[own] - fit.mean) @ coef).to_numpy()[sets.order])
    assert fit.sets.log_likelihood(fit.eta) == pytest.approx(total, rel=1e-12)


def test_survival_of_a_stratum_and_of_an_unseen_one() -> None:
    model = fit_cox(X, OUTCOME, strata=DATA["centre"])
    risk = np.array([0.3, 0.3, 0.3])
    survival = model.survival(risk, (6.0, 12.0), [99, 1, "elsewhere"])
    assert survival[0, 0] != survival[1, 0]
    for row, baseline in (
        (0, dict(zip(model.strata, model.stratum_baselines, strict=True))["99"]),
        (2, model.baseline),
    ):
        np.testing.assert_allclose(survival[row], np.exp(-np.exp(0.3) * baseline.at(np.array([6.0, 12.0]))))
    np.testing.assert_array_equal(model.survival(risk, (6.0, 12.0))[0], survival[2])
    with pytest.raises(FeatureError, match="1 labels for 3 patients"):
        model.survival(risk, (6.0,), ["1"])


def test_a_stratum_without_deaths_takes_part_in_nothing() -> None:
    rng = np.random.default_rng(0)
    time, event = rng.exponential(10, 40) + 1, rng.random(40) < 0.8
    event[30:] = False
    x = rng.normal(size=(40, 2))
    ids = tuple(f"p{k:02d}" for k in range(40))
    centre = np.repeat(["a", "b", "quiet"], [15, 15, 10])
    whole = fit_cox(x, Outcome(ids, time, event), strata=centre)
    without = fit_cox(x[:30], Outcome(ids[:30], time[:30], event[:30]), strata=centre[:30])
    np.testing.assert_allclose(whole.coef, without.coef, rtol=1e-9)
    assert len(whole.stratum_baselines[2].hazard) == 0
    pooled = whole.survival(np.zeros(1), (5.0,))
    np.testing.assert_array_equal(whole.survival(np.zeros(1), (5.0,), ["quiet"]), pooled)
    assert 0 < pooled[0, 0] < 1


def test_a_stratum_of_one_patient_and_a_weight_of_zero_change_no_coefficient() -> None:
    rng = np.random.default_rng(1)
    x, time, event = rng.normal(size=(30, 2)), rng.exponential(10, 30) + 1, np.ones(30, dtype=bool)
    ids = tuple(f"p{k:02d}" for k in range(31))
    plain = fit_cox(x, Outcome(ids[:30], time, event))
    more, later, died = np.vstack([x, [[50.0, -50.0]]]), np.append(time, 3.0), np.append(event, True)
    alone = fit_cox(more, Outcome(ids, later, died), strata=["many"] * 30 + ["one"])
    np.testing.assert_allclose(alone.coef, plain.coef, rtol=1e-8)
    assert alone.stratum_baselines[1].time_days.tolist() == [3.0]
    silent = fit_cox(more, Outcome(ids, later, died), weight=np.append(np.ones(30), 0.0))
    np.testing.assert_allclose(silent.coef, plain.coef, rtol=1e-8)
    np.testing.assert_allclose(silent.baseline.hazard, plain.baseline.hazard, rtol=1e-8)
    np.testing.assert_allclose(silent.robust_standard_error, plain.robust_standard_error, rtol=1e-8)


def test_every_patient_a_stratum_is_refused() -> None:
    with pytest.raises(FeatureError, match="constant among the patients at risk|collinear"):
        fit_cox(X, OUTCOME, strata=list(OUTCOME.patients))


def test_one_death() -> None:
    """One death is explained without bound, unless the one who died is in the middle of those at risk."""
    ids = tuple("abcde")
    died = Outcome(ids, np.arange(1.0, 6), np.array([True, False, False, False, False]))
    with pytest.raises(ConvergenceError, match="'x0' grows without bound"):
        fit_cox(np.array([[9.0], [1], [2], [3], [4]]), died)
    middle = fit_cox(np.array([[3.0], [1], [2], [4], [5]]), died)
    assert middle.coef[0] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(middle.baseline.hazard, [1 / 5])


def test_all_deaths_at_one_time() -> None:
    ids = tuple(f"p{k:02d}" for k in range(30))
    rng = np.random.default_rng(2)
    x, event = rng.normal(size=(30, 2)), np.arange(30) % 3 == 0
    model = fit_cox(x, Outcome(ids, np.full(30, 7.0), event))
    assert model.baseline.time_days.tolist() == [7.0]
    sets = RiskSets.of(np.full(30, 7.0), event, "efron")
    for step in np.vstack([np.eye(2), -np.eye(2)]) * 1e-3:
        moved = sets.log_likelihood((x @ (model.coef + step))[sets.order])
        assert moved < sets.log_likelihood((x @ model.coef)[sets.order])


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_no_feature_with_strata_and_weights(ties: str) -> None:
    model = fit_cox(np.empty((len(X), 0)), OUTCOME, ties, strata=DATA["centre"], weight=DATA["w"])
    assert model.log_likelihood == model.log_likelihood_null
    assert model.coef.shape == model.robust_standard_error.shape == (0,)


def test_extreme_risks_are_certain_death_and_certain_life() -> None:
    model = fit_cox(X, OUTCOME)
    with np.errstate(all="raise", under="ignore"):
        survival = model.survival(np.array([-700.0, 700.0, 5000.0, -5000.0]), (12.0,))[:, 0]
    np.testing.assert_array_equal(survival, [1.0, 0.0, 0.0, 1.0])


@pytest.mark.parametrize("value", [1e3, 1e12])
def test_an_outlier_takes_its_own_coefficient_only(value: float) -> None:
    wild = X.copy()
    wild.iloc[3, 0] = value
    model = fit_cox(wild, OUTCOME)
    assert abs(model.coef[0]) * value < 2
    np.testing.assert_allclose(model.coef[1:], fit_cox(X[TERMS[1:]], OUTCOME).coef, rtol=0.05)


@pytest.mark.parametrize("deaths", [2, 5, 10, 30])
def test_a_feature_that_separates_beside_one_that_does_not_is_named(deaths: int) -> None:
    rng = np.random.default_rng(0)
    time = rng.exponential(5, 30) + 1
    x = pd.DataFrame({"noise": rng.normal(size=30), "perfect": -1000 * time}, index=[f"p{k:02d}" for k in range(30)])
    with pytest.raises(ConvergenceError, match="'perfect' grows without bound"):
        fit_cox(x, Outcome(tuple(x.index), time, np.arange(30) < deaths))


def test_more_features_than_deaths_is_refused_and_a_ridge_cures_it() -> None:
    rng = np.random.default_rng(0)
    ids = tuple(f"p{k:02d}" for k in range(30))
    x, outcome = rng.normal(size=(30, 20)), Outcome(ids, rng.exponential(5, 30) + 1, rng.random(30) < 0.4)
    with pytest.raises(ConvergenceError, match="grows without bound"):
        fit_cox(x, outcome)
    assert np.isfinite(fit_cox(x, outcome, ridge=0.1).coef).all()


def test_estimator_is_the_function() -> None:
    table = FeatureTable(X.iloc[:120])
    centre, weight = DATA["centre"].iloc[:120], DATA["w"].iloc[:120]
    model = fit_cox(table, OUTCOME.take(table.patients), strata=centre, weight=weight)
    estimator = CoxRegression().fit(table, OUTCOME, strata=centre, sample_weight=weight)
    np.testing.assert_array_equal(estimator.coef_, model.coef)
    new = FeatureTable(X.iloc[120:])
    np.testing.assert_array_equal(estimator.predict(new), model.risk(new))
    survival = estimator.predict_survival(new, (6.0, 12.0), strata=DATA["centre"].iloc[120:])
    np.testing.assert_array_equal(survival, model.survival(model.risk(new), (6.0, 12.0), DATA["centre"].iloc[120:]))
    assert ((survival[:, 1] <= survival[:, 0]) & (survival > 0).all(axis=1)).all()
    with pytest.raises(LeakageError, match="p003"):
        estimator.predict_survival(FeatureTable(X.iloc[3:5]), (6.0,))
    with pytest.raises(OutcomeError, match="2 labels for 120 patients"):
        CoxRegression().fit(table, OUTCOME, strata=["a", "b"])
    with pytest.raises(OutcomeError, match="Case weights"):
        CoxRegression().fit(table, OUTCOME, sample_weight=[1.0, 2.0])


def test_a_stratified_model_is_saved_and_read() -> None:
    model = fit_cox(X, OUTCOME, strata=DATA["centre"], weight=DATA["w"])
    text = codec.encode(model, "model", 1)
    read = codec.decode(CoxModel, text, "model", 1)
    assert codec.encode(read, "model", 1) == text
    risk = np.linspace(-1, 1, 3)
    for strata in (None, ["1", "99", "elsewhere"]):
        np.testing.assert_array_equal(read.survival(risk, (6.0,), strata), model.survival(risk, (6.0,), strata))
    np.testing.assert_array_equal(read.p, model.p)


def test_baselines_and_strata_must_fit() -> None:
    model = fit_cox(X, OUTCOME, strata=DATA["centre"])
    with pytest.raises(FeatureError, match="one for each stratum"):
        replace(model, strata=("1",))
    with pytest.raises(FeatureError, match="one value a time of an event"):
        BaselineHazard(np.ones(2), np.ones(3), 5.0)
