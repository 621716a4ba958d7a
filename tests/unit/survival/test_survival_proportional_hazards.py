"""The test of proportional hazards against cox.zph of R, by its definition, and where it has no answer."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureError, Outcome, SettingsError
from perisurv.survival import check_proportional_hazards, fit_cox

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "survival_cox.json").read_text())
TERMS = ["age", "sex", "ph.ecog", "wt.loss"]
DATA = pd.DataFrame(GOLDEN["data"])
DATA.index = pd.Index([f"p{k:03d}" for k in range(len(DATA))])
X = DATA[TERMS].astype(float)
OUTCOME = Outcome(tuple(DATA.index), DATA["month"].to_numpy(float), DATA["event"].to_numpy() == 1)


@pytest.mark.parametrize("scale", ["km", "identity", "rank", "log"])
@pytest.mark.parametrize("name", list(GOLDEN["models"]))
def test_agrees_with_cox_zph(name: str, scale: str) -> None:
    ties, strata, weights = name.split("_")
    found = check_proportional_hazards(
        X,
        OUTCOME,
        ties,
        scale=scale,
        strata=DATA["centre"] if strata == "strata" else None,
        weight=DATA["w"] if weights == "weights" else None,
    )
    expected = GOLDEN["models"][name]["zph"][scale]
    np.testing.assert_allclose([*found.chi2, found.chi2_global], expected["chisq"], rtol=1e-9)
    np.testing.assert_allclose([*found.p, found.p_global], expected["p"], rtol=1e-9)
    assert [*found.df, found.df_global] == expected["df"]
    np.testing.assert_allclose(np.sort(found.scaled_time), np.sort(expected["x"]), rtol=1e-12)
    np.testing.assert_allclose(found.schoenfeld, GOLDEN["models"][name]["schoenfeld"], atol=1e-10)
    np.testing.assert_allclose(found.scaled_schoenfeld, GOLDEN["models"][name]["scaled"], atol=1e-10)


def test_agrees_with_the_reference_of_lung1(reference: Path, clinical: tuple[pd.DataFrame, Outcome]) -> None:
    expected = pd.read_csv(reference / "coxzph_lung1.csv", index_col=0, skipinitialspace=True)
    found = check_proportional_hazards(*clinical)
    assert [*found.terms, "GLOBAL"] == list(expected.index)
    np.testing.assert_allclose([*found.chi2, found.chi2_global], expected["chisq"], rtol=1e-6)
    np.testing.assert_allclose([*found.p, found.p_global], expected["p"], rtol=1e-6)


def test_agrees_with_the_reference_of_two_scores(reference: Path) -> None:
    folder = reference / "comparisons"
    data = pd.read_csv(folder / "m_te_300.csv")
    scores = np.column_stack([data["s"], np.loadtxt(folder / "s2.txt").ravel()])
    outcome = Outcome(
        tuple(f"p{k:03d}" for k in range(len(data))), data["t"].to_numpy(float), data["e"].to_numpy() == 1
    )
    found = check_proportional_hazards(scores, outcome)
    expected = json.loads((folder / "r_reference.json").read_text())["zph"]
    np.testing.assert_allclose([*found.chi2, found.chi2_global], expected, rtol=1e-8)


def veteran() -> tuple[pd.DataFrame, Outcome, list[int]]:
    data = pd.DataFrame({k: v for k, v in GOLDEN["veteran"].items() if len(v) == len(GOLDEN["veteran"]["time"])})
    x = data[["age", "karno"]].astype(float)
    for cell in ("smallcell", "adeno", "large"):
        x[cell] = (data["celltype"] == cell).astype(float)
    x.index = pd.Index([f"p{k:03d}" for k in range(len(x))])
    return x, Outcome(tuple(x.index), data["time"].to_numpy(float), data["status"].to_numpy() == 1), list(data["trt"])


def test_a_categorical_variable_is_one_term() -> None:
    x, outcome, arm = veteran()
    found = check_proportional_hazards(x, outcome, strata=arm, terms={"cell": ["smallcell", "adeno", "large"]})
    expected = GOLDEN["veteran"]
    assert found.terms == ("age", "karno", "cell")
    assert [*found.df, found.df_global] == expected["df"]
    np.testing.assert_allclose([*found.chi2, found.chi2_global], expected["chisq"], rtol=1e-6)
    np.testing.assert_allclose([*found.p, found.p_global], expected["p"], rtol=1e-6)


def test_an_effect_that_turns_is_found_and_a_constant_one_is_not() -> None:
    rng = np.random.default_rng(3)
    n = 400
    x = pd.DataFrame({"turns": rng.integers(2, size=n), "stays": rng.normal(size=n)}, dtype=float)
    x.index = pd.Index([f"p{k:03d}" for k in range(n)])
    first = rng.exponential(1 / (np.exp(1.5 * x["turns"] + 0.5 * x["stays"])), n)
    second = 0.3 + rng.exponential(1 / np.exp(-1.5 * x["turns"] + 0.5 * x["stays"]), n)
    time = np.where(first < 0.3, first, second)
    found = check_proportional_hazards(x, Outcome(tuple(x.index), time, np.ones(n, dtype=bool)))
    assert found.p[0] < 1e-6
    assert found.p[1] > 0.01
    early = found.scaled_time < np.median(found.scaled_time)
    assert found.scaled_schoenfeld[early, 0].mean() > found.scaled_schoenfeld[~early, 0].mean() + 1


def test_schoenfeld_residuals_sum_to_zero_and_scaled_ones_to_the_coefficients() -> None:
    found = check_proportional_hazards(X, OUTCOME)
    np.testing.assert_allclose(found.schoenfeld.sum(axis=0), 0, atol=1e-8)
    np.testing.assert_allclose(found.scaled_schoenfeld.mean(axis=0), fit_cox(X, OUTCOME).coef, rtol=1e-8)


def test_units_of_features_and_time_change_no_test() -> None:
    one = check_proportional_hazards(X, OUTCOME)
    longer = Outcome(OUTCOME.patients, OUTCOME.time_days * 30.4375, OUTCOME.event)
    other = check_proportional_hazards(X * [10, -1, 1e-4, 1e5] + 7, longer)
    np.testing.assert_allclose(other.chi2, one.chi2, rtol=1e-6)
    np.testing.assert_allclose(
        check_proportional_hazards(X, longer, scale="identity").chi2,
        check_proportional_hazards(X, OUTCOME, scale="identity").chi2,
        rtol=1e-8,
    )


def test_no_answer_is_an_error() -> None:
    with pytest.raises(FeatureError, match="without features"):
        check_proportional_hazards(np.empty((len(X), 0)), OUTCOME)
    with pytest.raises(FeatureError, match="Term 'cell' names the feature 'adeno'"):
        check_proportional_hazards(X, OUTCOME, terms={"cell": ["adeno"]})
    with pytest.raises(SettingsError, match="scale must be one of km"):
        check_proportional_hazards(X, OUTCOME, scale="sqrt")
    once = Outcome(OUTCOME.patients, np.full(len(X), 7.0), OUTCOME.event)
    with pytest.raises(FeatureError, match="'age' changes over time cannot be tested"):
        check_proportional_hazards(X, once)
