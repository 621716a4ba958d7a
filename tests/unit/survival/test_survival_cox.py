"""Cox regression against R's coxph and basehaz, by hand, and on data that have no estimate."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import ConvergenceError, FeatureError, Outcome, OutcomeError
from perisurv.statistics import harrell_c
from perisurv.survival import fit_cox


def outcome_of(time: object, event: object) -> Outcome:
    time = np.asarray(time, dtype=float)
    return Outcome(tuple(f"p{n:04d}" for n in range(len(time))), time, np.asarray(event, dtype=bool))


def classic(reference: Path, name: str) -> tuple[pd.DataFrame, Outcome]:
    if name == "lung":
        d = pd.read_csv(reference / "lung_complete.csv")
        return d[["age", "sex", "ph.ecog", "wt.loss"]], outcome_of(d["time"], d["status"] == 2)
    if name == "veteran":
        d = pd.read_csv(reference / "veteran.csv")
        for cell in ("smallcell", "adeno", "large"):
            d[f"celltype{cell}"] = (d["celltype"] == cell).astype(float)
        columns = ["trt", "celltypesmallcell", "celltypeadeno", "celltypelarge", "karno", "diagtime", "age", "prior"]
        return d[columns], outcome_of(d["time"], d["status"] == 1)
    if name == "gbsg":
        d = pd.read_csv(reference / "gbsg.csv")
        columns = ["age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon"]
        return d[columns], outcome_of(d["rfstime"], d["status"] == 1)
    d = pd.read_csv(reference / "lung1_clin.csv", index_col=0)
    return d.iloc[:, 2:], outcome_of(d["time"], d["event"] == 1)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", ["lung", "veteran", "gbsg", "lung1clin"])
def test_agrees_with_coxph(reference: Path, name: str, ties: str) -> None:
    x, outcome = classic(reference, name)
    expected = pd.read_csv(reference / "coxph.csv", skipinitialspace=True)
    expected = expected[expected["model"].str.strip() == f"{name}_{ties}"]
    assert list(expected["term"].str.strip()) == list(x.columns)
    model = fit_cox(x.to_numpy(), outcome, ties)
    # R stops at a relative change of 1e-9 of the likelihood, which leaves up to 1e-7 in its coefficients.
    np.testing.assert_allclose(model.coef, expected["coef"], rtol=1e-6)
    np.testing.assert_allclose(model.standard_error, expected["se"], rtol=1e-6)
    np.testing.assert_allclose(model.z, expected["z"], rtol=1e-6)
    np.testing.assert_allclose(model.p, expected["p"], rtol=1e-5)
    np.testing.assert_allclose(model.log_likelihood, expected["loglik"].iloc[0], rtol=1e-12)
    np.testing.assert_allclose(model.log_likelihood_null, expected["loglik0"].iloc[0], rtol=1e-12)
    c = harrell_c(outcome.time_days, outcome.event, model.linear_predictor(x.to_numpy()))
    assert c == pytest.approx(expected["C"].iloc[0], abs=1e-12)


def test_baseline_agrees_with_basehaz(reference: Path, clinical: tuple[pd.DataFrame, Outcome]) -> None:
    model = fit_cox(*clinical, "efron")
    expected = pd.read_csv(reference / "basehaz_lung1.csv")
    at_zero = model.baseline.hazard * np.exp(-model.mean @ model.coef)  # R: centered=FALSE
    row = np.searchsorted(model.baseline.time_days, expected["time"], side="right") - 1
    np.testing.assert_allclose(at_zero[row], expected["hazard"], rtol=1e-6)


def test_predicted_survival_agrees_with_r(reference: Path, clinical: tuple[pd.DataFrame, Outcome]) -> None:
    x, outcome = clinical
    model = fit_cox(x, outcome, "efron")
    expected = 1 - pd.read_csv(reference / "risk_lung1.csv", index_col=0).to_numpy()
    survival = model.survival(model.linear_predictor(x.to_numpy()), (365, 730, 1095))
    np.testing.assert_allclose(survival, expected, rtol=1e-6)


def test_three_patients_by_hand() -> None:
    # exp(b) / (1 + 2 exp(b)) * 1 / (1 + exp(b)) is largest at exp(b) = 1 / sqrt(2).
    model = fit_cox(np.array([[1.0], [0.0], [1.0]]), outcome_of([1, 2, 3], [1, 1, 0]), "breslow")
    assert model.coef[0] == pytest.approx(-np.log(2) / 2, abs=1e-9)


def test_null_model_is_nelson_aalen() -> None:
    model = fit_cox(np.empty((4, 0)), outcome_of([1, 2, 2, 5], [1, 1, 1, 0]), "breslow")
    np.testing.assert_allclose(model.baseline.time_days, [1, 2])
    np.testing.assert_allclose(model.baseline.hazard, [1 / 4, 1 / 4 + 2 / 3])
    survival = model.survival(np.zeros(1), (0.5, 1, 3, 5, 6))
    np.testing.assert_allclose(survival[0, :4], np.exp([-0.0, -1 / 4, -11 / 12, -11 / 12]))
    assert np.isnan(survival[0, 4])  # nobody was followed that long


def test_efron_shares_ties() -> None:
    model = fit_cox(np.empty((3, 0)), outcome_of([2, 2, 5], [1, 1, 0]), "efron")
    np.testing.assert_allclose(model.baseline.hazard, [1 / 3 + 1 / 2])


def test_ridge_is_the_documented_penalty() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 3)) * [1, 10, 0.1]
    outcome = outcome_of(rng.exponential(100, 60) + 1, rng.random(60) < 0.7)
    ridge = 4.0
    model = fit_cox(x, outcome, "efron", ridge)

    def penalised(coef: np.ndarray) -> float:
        from perisurv.statistics import RiskSets

        sets = RiskSets.of(outcome.time_days, outcome.event, "efron")
        return sets.log_likelihood((x @ coef)[sets.order]) - ridge / 2 * float(coef @ coef)

    for column in range(3):
        step = np.zeros(3)
        step[column] = 1e-4
        assert penalised(model.coef) > penalised(model.coef + step)
        assert penalised(model.coef) > penalised(model.coef - step)


def test_scale_of_columns_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(80, 3))
    outcome = outcome_of(rng.exponential(100, 80) + 1, rng.random(80) < 0.7)
    plain = fit_cox(x, outcome)
    scaled = fit_cox(x * [1e-6, 1.0, 1e7] + [0, 5, 1e8], outcome)
    np.testing.assert_allclose(scaled.coef * [1e-6, 1.0, 1e7], plain.coef, rtol=1e-6)


def test_separation_is_an_error_and_ridge_cures_it() -> None:
    outcome = outcome_of([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0])
    x = pd.DataFrame({"size": [6.0, 5, 4, 3, 2, 1], "other": [1.0, 2, 1, 2, 1, 2]}, index=list(outcome.patients))
    with pytest.raises(ConvergenceError, match="'size' grows without bound"):
        fit_cox(x, outcome)
    assert np.isfinite(fit_cox(x, outcome, ridge=0.1).coef).all()


def test_collinear_columns_are_named() -> None:
    rng = np.random.default_rng(3)
    outcome = outcome_of(rng.exponential(100, 50) + 1, np.ones(50))
    a, b = rng.normal(size=(2, 50))
    x = pd.DataFrame({"a": a, "b": b, "both": a - 2 * b}, index=list(outcome.patients))
    with pytest.raises(FeatureError, match="a, b, both are collinear"):
        fit_cox(x, outcome)
    model = fit_cox(x, outcome, ridge=1e-3)
    assert np.isfinite(model.standard_error).all()


def test_constant_column_is_named() -> None:
    outcome = outcome_of([1, 2, 3, 4], [1, 1, 1, 0])
    x = pd.DataFrame({"centre": 1.0, "b": [1.0, 3, 2, 2]}, index=list(outcome.patients))
    with pytest.raises(FeatureError, match="centre is constant"):
        fit_cox(x, outcome)


def test_bad_input_is_refused() -> None:
    outcome = outcome_of([1, 2, 3], [0, 0, 0])
    with pytest.raises(OutcomeError, match="All 3 patients are censored"):
        fit_cox(np.ones((3, 1)), outcome)
    died = outcome_of([1, 2, 3], [1, 1, 0])
    with pytest.raises(FeatureError, match="'x1' is missing"):
        fit_cox(np.array([[1.0, 2], [2, np.nan], [3, 1]]), died)
    with pytest.raises(FeatureError, match="in their order"):
        fit_cox(pd.DataFrame({"a": [1.0, 2, 3]}, index=["p0002", "p0001", "p0000"]), died)
    with pytest.raises(FeatureError, match="do not fit 3 patients"):
        fit_cox(np.ones((4, 1)), died)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_likelihood_by_hand_and_far_apart(ties: str) -> None:
    from perisurv.statistics import RiskSets

    outcome = outcome_of([1, 1, 2, 3], [1, 1, 1, 0])
    sets = RiskSets.of(outcome.time_days, outcome.event, ties)
    eta = np.array([0.3, -0.2, 0.9, 0.0])
    w = np.exp(eta)
    second = w.sum() - (0.5 * (w[0] + w[1]) if ties == "efron" else 0.0)
    expected = eta[:3].sum() - np.log(w.sum()) - np.log(second) - np.log(w[2] + w[3])
    assert sets.log_likelihood(eta) == pytest.approx(expected, rel=1e-12)
    # exp(-2000) underflows; the likelihood must not.
    far = np.array([0.0, 0.0, -2000.0, -2001.0])
    first = -np.log(2) - (np.log(1.0) if ties == "efron" else np.log(2))
    assert sets.log_likelihood(far) == pytest.approx(first - np.log(1 + np.exp(-1)), rel=1e-12)
