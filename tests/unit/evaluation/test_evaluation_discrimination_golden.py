"""Against R (survival, riskRegression, rms) and scikit-survival: see tests/golden/README.md."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from perisurv.core import Outcome
from perisurv.evaluation import (
    auc_curve,
    brier_score,
    explained_variation,
    integrated_auc,
    integrated_brier,
    model_indexes,
    optimism_bootstrap,
    paired_auc_difference,
    paired_brier_difference,
    paired_c_difference,
    paired_uno_difference,
    uno_c,
)
from perisurv.statistics import RiskSets, concordance, maximise

GOLDEN = Path(__file__).parents[2] / "golden"


def _read(name: str) -> dict[str, Any]:
    return dict(json.loads((GOLDEN / name).read_text(encoding="utf-8")))


R = _read("discrimination.json")
SKSURV = _read("discrimination_scikit_survival.json")
TIED = pd.DataFrame(R["tied"]["data"])


def _outcome(time: Any, event: Any) -> Outcome:
    return Outcome(tuple(f"P{n:03}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


MADE = _outcome(TIED["t"], TIED["e"])
GIVEN = _outcome([*TIED["t"], 40], [*TIED["e"], 1])  # for scikit-survival, whose G may not reach zero
X, Y = TIED["x"].to_numpy(float), TIED["y"].to_numpy(float)
VETERAN = _outcome(R["veteran"]["time"], R["veteran"]["status"])
LP_A, LP_B = np.array(R["veteran"]["lp_a"]), np.array(R["veteran"]["lp_b"])
TIMES = R["veteran"]["times"]


def _alive(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.stack([x + 1, x], axis=1)))


# --- C ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "weighted", "strata"),
    [("plain", False, False), ("weighted", True, False), ("strata", False, True), ("weighted_strata", True, True)],
)
def test_c_with_ties_weights_and_strata(name: str, weighted: bool, strata: bool) -> None:
    found = concordance(
        MADE.time_days,
        MADE.event,
        X,
        weight=TIED["w"].to_numpy() if weighted else None,
        strata=list(TIED["g"]) if strata else None,
    )
    assert found.c_index == pytest.approx(R["tied"][name]["c"], abs=1e-14)
    assert found.standard_error == pytest.approx(R["tied"][name]["se"], rel=1e-12)


def test_paired_difference_of_c() -> None:
    found = paired_c_difference(MADE, X, Y, np.random.default_rng(0), resamples=10)
    assert found.difference == pytest.approx(R["tied"]["paired"]["difference"], abs=1e-14)
    assert found.standard_error == pytest.approx(R["tied"]["paired"]["se"], rel=1e-12)
    assert found.p == pytest.approx(2 * norm.sf(abs(found.difference) / R["tied"]["paired"]["se"]), rel=1e-12)


def test_error_of_c_on_lung1(test_data: Path) -> None:
    stats = pd.read_csv(test_data / "reference_statistics" / "stats_lung1.csv", index_col="stat")["value"]
    outcome, lp = _lung1(test_data)
    assert concordance(outcome.time_days, outcome.event, lp).standard_error == pytest.approx(
        stats["harrellC_se"], rel=1e-13
    )
    assert uno_c(outcome, lp).c_index == pytest.approx(stats["unoC_n/G2"], abs=1e-14)
    assert uno_c(outcome, lp, tau_days=1095).c_index == pytest.approx(stats["unoC_n/G2_tau1095"], abs=1e-14)


# --- Uno -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "tau", "weighted"),
    [("uno", None, False), ("uno_weighted", None, True), ("uno_tau_5", 5, False), ("uno_tau_11", 11, False)],
)
def test_uno_as_r(name: str, tau: float | None, weighted: bool) -> None:
    found = uno_c(MADE, X, tau_days=tau, weight=TIED["w"].to_numpy() if weighted else None)
    assert found.c_index == pytest.approx(R["tied"][name]["c"], abs=1e-13)
    assert found.standard_error_g_known == pytest.approx(R["tied"][name]["se"], rel=1e-11)


@pytest.mark.parametrize("tau", ["5.0", "11.0", "15.0"])
def test_uno_as_scikit_survival(tau: str) -> None:
    found = uno_c(MADE, X, tau_days=float(tau), convention="scikit-survival", censoring=GIVEN)
    assert found.c_index == pytest.approx(SKSURV["tied"]["uno"][tau], abs=1e-13)


def test_the_two_conventions_of_uno_differ_where_times_are_tied() -> None:
    assert abs(uno_c(MADE, X, tau_days=11).c_index - SKSURV["tied"]["uno"]["11.0"]) > 1e-3


def test_uno_difference() -> None:
    """R takes G as known in its error; ours knows that it was estimated, which changes a few percent here."""
    found = paired_uno_difference(MADE, X, Y)
    expected = R["tied"]["uno_paired"]
    assert found.difference == pytest.approx(expected["difference"], abs=1e-13)
    assert found.standard_error == pytest.approx(expected["se"], rel=0.05)


def test_uno_with_g_of_other_patients(test_data: Path) -> None:
    """The values that scikit-survival 0.28 printed with the training patients' G."""
    folder = test_data / "reference_statistics" / "comparisons"
    test, train = (pd.read_csv(folder / f"m_{part}_300.csv") for part in ("te", "tr"))
    outcome, given = _outcome(test["t"], test["e"]), _outcome(train["t"], train["e"])
    risk = test["s"].to_numpy()
    for tau, expected in ((36, 0.6635934795400672), (24.5, 0.6694723752443132)):
        found = uno_c(outcome, risk, tau_days=tau, convention="scikit-survival", censoring=given)
        assert found.c_index == pytest.approx(expected, abs=1e-13)
        assert found.standard_error == found.standard_error_g_known
    curve = auc_curve(outcome, risk, [12, 24, 36], convention="scikit-survival", censoring=given)
    np.testing.assert_allclose(curve.auc, [0.73652603, 0.73135587, 0.78556936], atol=5e-9)
    assert integrated_auc(curve, outcome).auc == pytest.approx(0.7420920038001867, abs=1e-13)
    survival = pd.read_csv(folder / "m_P_300.csv", header=None).to_numpy()
    brier = brier_score(outcome, survival, [12, 24, 36], convention="scikit-survival", censoring=given)
    np.testing.assert_allclose(brier.brier, [0.20566621, 0.20178942, 0.1614279], atol=5e-9)
    assert integrated_brier(brier, "trapezoid").brier == pytest.approx(0.19266823639101047, abs=1e-13)


# --- AUC and Brier over time -----------------------------------------------------------------------------------------


def _column(rows: list[dict[str, Any]], model: str, name: str) -> np.ndarray:
    return np.array([row[name] for row in rows if row["model"] == model], float)


@pytest.mark.parametrize(("model", "risk"), [("a", LP_A), ("b", LP_B)])
def test_auc_curve_of_veteran(model: str, risk: np.ndarray) -> None:
    curve = auc_curve(VETERAN, risk, TIMES)
    rows = R["veteran"]["auc"]
    np.testing.assert_allclose(curve.auc, _column(rows, model, "AUC"), atol=1e-13)
    np.testing.assert_allclose(curve.standard_error, _column(rows, model, "se"), rtol=1e-10)
    np.testing.assert_allclose(curve.lower, _column(rows, model, "lower"), atol=1e-12)


def test_auc_difference_of_veteran() -> None:
    found = paired_auc_difference(VETERAN, LP_B, LP_A, TIMES)
    for row, expected in zip(found, R["veteran"]["auc_contrasts"], strict=True):
        assert (expected["model"], expected["reference"]) == ("b", "a")
        assert row.difference == pytest.approx(expected["delta.AUC"], abs=1e-13)
        assert row.standard_error == pytest.approx(expected["se"], rel=1e-10)
        assert row.p == pytest.approx(expected["p"], rel=1e-9)


@pytest.mark.parametrize("model", ["a", "b"])
def test_brier_of_veteran(model: str) -> None:
    rows = R["veteran"]["brier"]
    curve = brier_score(VETERAN, np.array(R["veteran"][f"survival_{model}"]), TIMES)
    np.testing.assert_allclose(curve.brier, _column(rows, model, "Brier"), atol=1e-13)
    np.testing.assert_allclose(curve.null, _column(rows, "Null model", "Brier"), atol=1e-13)
    np.testing.assert_allclose(curve.standard_error, _column(rows, model, "se"), rtol=1e-10)
    np.testing.assert_allclose(curve.null_standard_error, _column(rows, "Null model", "se"), rtol=1e-10)
    np.testing.assert_allclose(curve.scaled, 1 - curve.brier / curve.null, atol=1e-15)
    integrated = integrated_brier(curve)
    assert integrated.brier == pytest.approx(_column(rows, model, "IBS")[-1], abs=1e-13)
    assert integrated.null == pytest.approx(_column(rows, "Null model", "IBS")[-1], abs=1e-13)


def test_brier_difference_of_veteran() -> None:
    survival = {m: np.array(R["veteran"][f"survival_{m}"]) for m in ("a", "b")}
    found = paired_brier_difference(VETERAN, survival["b"], survival["a"], TIMES)
    rows = [row for row in R["veteran"]["brier_contrasts"] if (row["model"], row["reference"]) == ("b", "a")]
    for row, expected in zip(found, rows, strict=True):
        assert row.difference == pytest.approx(expected["delta.Brier"], abs=1e-13)
        assert row.standard_error == pytest.approx(expected["se"], rel=1e-10)


def test_auc_and_brier_with_ties_everywhere() -> None:
    """Deaths and censorings on one day, in the values and in the errors."""
    rows = R["tied"]["score"]
    for model, values in (("x", X), ("y", Y)):
        curve = auc_curve(MADE, -values, [5, 11])
        np.testing.assert_allclose(curve.auc, _column(rows["auc"], model, "AUC"), atol=1e-13)
        np.testing.assert_allclose(curve.standard_error, _column(rows["auc"], model, "se"), rtol=1e-10)
        brier = brier_score(MADE, _alive(values), [5, 11])
        np.testing.assert_allclose(brier.brier, _column(rows["brier"], model, "Brier"), atol=1e-13)
        np.testing.assert_allclose(brier.standard_error, _column(rows["brier"], model, "se"), rtol=1e-10)


def _lung1(test_data: Path) -> tuple[Outcome, np.ndarray]:
    table = pd.read_csv(test_data / "reference_statistics" / "lung1_clin_lp.csv", index_col=0)
    return _outcome(table["time"], table["event"]), table["lp"].to_numpy()


def test_auc_and_brier_of_lung1_with_their_errors(test_data: Path) -> None:
    folder = test_data / "reference_statistics"
    outcome, lp = _lung1(test_data)
    times = [365, 730, 1095]
    auc, brier = pd.read_csv(folder / "td_auc_lung1.csv"), pd.read_csv(folder / "brier_lung1.csv")
    curve = auc_curve(outcome, lp, times)
    np.testing.assert_allclose(curve.auc, auc["AUC"], atol=1e-14)
    for name, found in (("se", curve.standard_error), ("lower", curve.lower), ("upper", curve.upper)):
        np.testing.assert_allclose(found, auc[name], rtol=1e-10)
    survival = 1 - pd.read_csv(folder / "risk_lung1.csv", index_col=0).to_numpy()
    scores = brier_score(outcome, survival, times)
    model, null = brier[brier["model"] == "cox"], brier[brier["model"] == "Null model"]
    np.testing.assert_allclose(scores.brier, model["Brier"], atol=1e-14)
    np.testing.assert_allclose(scores.standard_error, model["se"], rtol=1e-10)
    np.testing.assert_allclose(scores.null, null["Brier"], atol=1e-14)
    np.testing.assert_allclose(scores.null_standard_error, null["se"], rtol=1e-10)
    for last in (2, 3):
        part = integrated_brier(brier_score(outcome, survival[:, :last], times[:last]))
        assert part.brier == pytest.approx(model["IBS"].iloc[last - 1], abs=1e-14)
        assert part.null == pytest.approx(null["IBS"].iloc[last - 1], abs=1e-14)


def test_brier_with_ties_in_the_comparison_table(test_data: Path) -> None:
    folder = test_data / "reference_statistics" / "comparisons"
    table = pd.read_csv(folder / "m_te_300.csv")
    expected = json.loads((folder / "r_reference.json").read_text(encoding="utf-8"))
    survival = pd.read_csv(folder / "m_P_300.csv", header=None).to_numpy()
    curve = brier_score(_outcome(table["t"], table["e"]), survival, [12, 24, 36])
    np.testing.assert_allclose(curve.brier, _column(expected["brier"], "m", "Brier"), atol=1e-12)
    np.testing.assert_allclose(curve.null, _column(expected["brier"], "Null model", "Brier"), atol=1e-12)
    risk = table["s"].to_numpy()
    auc = auc_curve(_outcome(table["t"], table["e"]), risk, [12, 24, 36])
    np.testing.assert_allclose(auc.auc, _column(expected["auc"], "m", "AUC"), atol=1e-12)
    np.testing.assert_allclose(auc.standard_error, _column(expected["auc"], "m", "se"), rtol=1e-10)
    for tau, name in ((None, "uno"), (36, "uno_tau36")):
        found = uno_c(_outcome(table["t"], table["e"]), risk, tau_days=tau)
        assert found.c_index == pytest.approx(expected[name], abs=1e-12)


def test_auc_and_brier_as_scikit_survival() -> None:
    expected = SKSURV["tied"]
    curve = auc_curve(MADE, X, [5, 8, 11], convention="scikit-survival", censoring=GIVEN)
    np.testing.assert_allclose(curve.auc, expected["auc"], atol=1e-13)
    assert integrated_auc(curve, MADE).auc == pytest.approx(expected["auc_mean"], abs=1e-13)
    survival = 1 / (1 + np.exp(np.stack([X - 1, X - 0.5, X], axis=1)))
    brier = brier_score(MADE, survival, [5, 8, 11], convention="scikit-survival", censoring=GIVEN)
    np.testing.assert_allclose(brier.brier, expected["brier"], atol=1e-13)
    expected = SKSURV["veteran"]
    curve = auc_curve(VETERAN, LP_A, TIMES, convention="scikit-survival")
    np.testing.assert_allclose(curve.auc, expected["auc"], atol=1e-13)
    assert integrated_auc(curve, VETERAN).auc == pytest.approx(expected["auc_mean"], abs=1e-13)
    brier = brier_score(VETERAN, np.array(R["veteran"]["survival_a"]), TIMES, convention="scikit-survival")
    np.testing.assert_allclose(brier.brier, expected["brier"], atol=1e-13)
    assert integrated_brier(brier, "trapezoid").brier == pytest.approx(expected["integrated_brier"], abs=1e-13)


# --- explained variation and optimism --------------------------------------------------------------------------------

LUNG = _outcome(R["lung"]["time"], np.array(R["lung"]["status"]) == 2)


@pytest.mark.parametrize(
    ("outcome", "risk", "expected"),
    [
        (VETERAN, LP_A, R["veteran"]["royston_a"]),
        (VETERAN, LP_B, R["veteran"]["royston_b"]),
        (LUNG, np.array(R["lung"]["lp"]), R["lung"]["royston"]),
    ],
    ids=["veteran a", "veteran b", "lung"],
)
def test_explained_variation_as_royston_of_r(outcome: Outcome, risk: np.ndarray, expected: dict[str, float]) -> None:
    found = explained_variation(outcome, risk)
    assert found.royston_d == pytest.approx(expected["D"], rel=1e-8)
    assert found.royston_d_standard_error == pytest.approx(expected["se(D)"], rel=1e-6)
    assert found.r2_d == pytest.approx(expected["R.D"], rel=1e-8)
    assert found.kent_oquigley == pytest.approx(expected["R.KO"], rel=1e-5)
    assert found.nagelkerke == pytest.approx(expected["R.N"], rel=1e-8)
    assert found.slope == pytest.approx(1, abs=1e-5)


def _refit(rows: np.ndarray) -> np.ndarray:
    x = np.array([R["lung"][name] for name in ("age", "sex", "ph_ecog")], float).T
    x = (x - x[rows].mean(axis=0)) / x[rows].std(axis=0)
    sets = RiskSets.of(LUNG.time_days[rows], LUNG.event[rows], "efron")
    coef, _ = maximise(x[rows][sets.order], sets, np.zeros(3), ("age", "sex", "ecog"))
    return np.asarray(x @ coef)


NAMES = {"dxy": "Dxy", "r2": "R2", "slope": "Slope", "d": "D", "u": "U", "q": "Q", "g": "g"}


def test_optimism_is_that_of_rms_validate() -> None:
    """The resamples of R; rms stops Newton's method early, hence a few digits less than printed to 1e-4."""
    counts = np.array([[int(c) for c in row] for row in R["lung"]["counts"]])
    found = optimism_bootstrap(LUNG, _refit, counts)
    for index, name in NAMES.items():
        row, expected = found[index], R["lung"]["validate"][name]
        assert row.apparent == pytest.approx(expected["index.orig"], abs=1e-4)
        assert row.training == pytest.approx(expected["training"], abs=1e-4)
        assert row.test == pytest.approx(expected["test"], abs=1e-4)
        assert row.optimism == pytest.approx(expected["optimism"], abs=1e-4)
        assert row.corrected == pytest.approx(expected["index.corrected"], abs=1e-4)
        assert row.resamples == expected["n"]


def test_rms_validate_of_the_reference_table(test_data: Path) -> None:
    """The table and the committed values are of the same resamples."""
    table = pd.read_csv(test_data / "reference_statistics" / "rms_validate_lung.csv", index_col=0)
    for name, expected in R["lung"]["validate"].items():
        np.testing.assert_allclose(table.loc[name].to_numpy(float), list(expected.values()), rtol=1e-9)


def test_indexes_of_a_linear_predictor() -> None:
    found = model_indexes(LUNG, _refit(np.arange(len(LUNG))), fitted_here=True)
    for index, name in NAMES.items():
        assert getattr(found, index) == pytest.approx(R["lung"]["validate"][name]["index.orig"], abs=1e-4)
