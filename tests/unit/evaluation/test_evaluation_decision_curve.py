"""Net benefit against R's dcurves, by hand, and where it is not defined."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import Outcome
from perisurv.evaluation import DecisionCurve, binary_decision_curve


@pytest.fixture(scope="module")
def reference(test_data: Path) -> Path:
    return test_data / "reference_dcurves"


def _outcome(time: list[float], event: list[int]) -> Outcome:
    return Outcome(tuple(f"P{n:03}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


def _survival(reference: Path) -> tuple[pd.DataFrame, Outcome]:
    table = pd.read_csv(reference / "df_surv.csv")
    return table, Outcome(tuple(map(str, table["patientid"])), table["ttcancer"].to_numpy(), table["cancer"].to_numpy())


def _check(found: DecisionCurve, table: pd.DataFrame, model: str) -> None:
    rows = table[table["variable"] == model]
    columns = {
        "pos_rate": np.full(len(rows), found.event_rate),
        "test_pos_rate": found.positive_rate,
        "tp_rate": found.true_positive_rate,
        "fp_rate": found.false_positive_rate,
        "net_benefit": found.net_benefit,
        "net_intervention_avoided": found.interventions_avoided,
    }
    for name, values in columns.items():
        if name in rows:
            expected = rows[name].replace([np.inf, -np.inf], np.nan)  # R divides by zero at threshold 0
            np.testing.assert_allclose(values, expected, atol=1e-13, rtol=1e-12, err_msg=name)
    everybody = table[table["variable"] == "all"]["net_benefit"]
    np.testing.assert_allclose(found.treat_all, everybody, rtol=1e-12)


def _grid(table: pd.DataFrame) -> np.ndarray:
    return table[table["variable"] == "all"]["threshold"].to_numpy()


@pytest.mark.parametrize("file", ["r_case1_results", "r_dca_famhistory"])
def test_family_history(reference: Path, file: str) -> None:
    data, expected = pd.read_csv(reference / "df_binary.csv"), pd.read_csv(reference / f"{file}.csv")
    found = binary_decision_curve(data["cancer"].to_numpy(), data["famhistory"], _grid(expected))
    _check(found, expected, "famhistory")


def test_age_made_a_risk_by_logistic_regression(reference: Path) -> None:
    from scipy.optimize import minimize

    data, expected = (
        pd.read_csv(reference / "df_binary.csv"),
        pd.read_csv(reference / "r_simple_binary_dca_result_df.csv"),
    )
    z = (data["age"].to_numpy() - 65) / 10
    y = data["cancer"].to_numpy()
    fit = minimize(
        lambda b: np.logaddexp(0, -(2 * y - 1) * (b[0] + b[1] * z)).sum(), [0.0, 0.0], method="BFGS", tol=1e-10
    )
    risk = 1 / (1 + np.exp(-(fit.x[0] + fit.x[1] * z)))
    _check(binary_decision_curve(y, risk, _grid(expected)), expected, "age")


def test_harm_of_a_marker(reference: Path) -> None:
    data, expected = pd.read_csv(reference / "df_binary.csv"), pd.read_csv(reference / "r_case3_results.csv")
    risk = pd.read_csv(reference / "dca_tut_bin_int_marker_risks.csv")["marker_risk"]
    found = binary_decision_curve(data["cancer"].to_numpy(), risk, _grid(expected), harm=0.0333)
    _check(found, expected, "marker")


def test_censored_follow_up(reference: Path) -> None:
    table, outcome = _survival(reference)
    expected = pd.read_csv(reference / "r_simple_surv_dca_result_df.csv")
    _check(decision_curve(outcome, table["famhistory"], 1.5, _grid(expected)), expected, "famhistory")


def test_nobody_above_a_threshold_reaches_the_horizon(reference: Path) -> None:
    """R gives nothing from 0.74 on. Neither do we, but where the curve of those above falls to 0: their risk is 1."""
    table, outcome = _survival(reference)
    risk, expected = table["cancerpredmarker"].to_numpy(), pd.read_csv(reference / "r_case2_results.csv")
    grid = _grid(expected)
    found = decision_curve(outcome, risk, 1.0, grid)
    last = [np.where(risk > t, outcome.time_days, 0).argmax() for t in grid]
    dead = np.array([outcome.event[n] and outcome.time_days[n] < 1 for n in last])
    assert dead.sum() == 11
    np.testing.assert_allclose(found.true_positive_rate[dead], found.positive_rate[dead], rtol=1e-12)
    own = ~expected["threshold"].isin(grid[dead])
    kept = decision_curve(outcome, risk, 1.0, grid[~dead])
    assert np.isnan(kept.net_benefit).sum() == 15
    _check(kept, expected[own], "cancerpredmarker")


def test_prediction_model_as_stdca(reference: Path) -> None:
    _, outcome = _survival(reference)
    risk = pd.read_csv(reference / "dca_tut_coxph_pr_failure18_vals.csv")["pr_failure18"]
    expected = pd.read_csv(reference / "dca_tut_r_stdca_coxph_df.csv")
    found = decision_curve(outcome, risk, 1.5, _grid(expected))
    _check(found, expected, "pr_failure18")
    steps = pd.read_csv(reference / "dca_tut_r_stdca_coxph_pr_failure18_test_consequences.csv")  # printed to 7 digits
    found = decision_curve(outcome, risk, 1.5, steps["threshold"])
    np.testing.assert_allclose(found.positive_rate, steps["r_test_pos_rate"], atol=6e-8)
    np.testing.assert_allclose(found.true_positive_rate, steps["tp_rate"], atol=6e-8)
    np.testing.assert_allclose(found.false_positive_rate, steps["fp_rate"], atol=6e-8)
    np.testing.assert_allclose(
        found.true_positive_rate / found.positive_rate, steps["risk_rate_among_test_pos"], atol=6e-8
    )


def test_consequences_of_family_history(reference: Path) -> None:
    table, outcome = _survival(reference)
    steps = pd.read_csv(reference / "r_simple_surv_tpfp_calc_df.csv")
    found = decision_curve(outcome, table["famhistory"], 1.5, steps["threshold"])
    np.testing.assert_allclose(found.event_rate, steps["pos_rate"], rtol=1e-12)
    for name, values in (
        ("test_pos_rate", found.positive_rate),
        ("tp_rate", found.true_positive_rate),
        ("fp_rate", found.false_positive_rate),
        ("risk_rate_among_test_pos", found.true_positive_rate / found.positive_rate),
    ):
        np.testing.assert_allclose(values, steps[name], rtol=1e-12)


def test_competing_causes_of_death(reference: Path) -> None:
    """The event rate is the cumulative incidence, below one minus Kaplan-Meier that censors other deaths."""
    from perisurv.statistics import aalen_johansen

    table, outcome = _survival(reference)
    cause = table["cancer_cr"].map({"censor": 0, "diagnosed with cancer": 1, "dead other causes": 2}).to_numpy()
    died = Outcome(outcome.patients, outcome.time_days, cause > 0)
    risk = table["cancerpredmarker"].to_numpy()
    found = decision_curve(died, risk, 1.5, [0.0, 0.1, 0.3], of_interest=cause == 1)
    incidence = aalen_johansen(outcome.time_days, cause).at(1.5, 1)[0]
    assert found.event_rate == pytest.approx(float(incidence), rel=1e-12)
    assert found.event_rate < decision_curve(outcome, risk, 1.5, [0.1]).event_rate
    above = risk > 0.1
    inside = aalen_johansen(outcome.time_days[above], cause[above]).at(1.5, 1)[0]
    assert found.true_positive_rate[1] == pytest.approx(float(inside) * above.mean(), rel=1e-12)


# --- by hand -----------------------------------------------------------------------------------------------------


def test_by_hand() -> None:
    """Four patients, two die by day 10; above 0.4 stand one of each."""
    found = decision_curve(_outcome([5, 8, 20, 20], [1, 1, 0, 0]), [0.9, 0.2, 0.5, 0.1], 10, [0.2, 0.4])
    np.testing.assert_allclose(found.positive_rate, [0.5, 0.5])  # 0.2 is not above 0.2
    np.testing.assert_allclose(found.net_benefit, [0.25 - 0.25 * 0.25, 0.25 - 0.25 * 2 / 3])
    np.testing.assert_allclose(found.treat_all, [0.5 - 0.5 * 0.25, 0.5 - 0.5 * 2 / 3])
    np.testing.assert_allclose(found.standardised, found.net_benefit / 0.5)
    np.testing.assert_allclose(found.interventions_avoided, (found.net_benefit - found.treat_all) / [0.25, 2 / 3])
    assert found.lower is None


def test_nobody_above_a_threshold_is_treating_nobody() -> None:
    found = decision_curve(_outcome([5, 20], [1, 0]), [0.0, 0.3], 10, [0.5])
    assert (found.positive_rate[0], found.net_benefit[0]) == (0.0, 0.0)


def test_risks_of_exactly_0_and_1() -> None:
    found = decision_curve(_outcome([5, 20], [1, 0]), [1.0, 0.0], 10, [0.0, 0.99])
    np.testing.assert_allclose(found.net_benefit, 0.5)


def test_case_control_needs_the_prevalence() -> None:
    event = np.array([True, True, False, False])
    found = binary_decision_curve(event, [0.9, 0.1, 0.8, 0.1], [0.2], prevalence=0.1)
    assert found.event_rate == pytest.approx(0.1)
    assert found.true_positive_rate[0] == pytest.approx(0.05)
    assert found.false_positive_rate[0] == pytest.approx(0.45)


def test_bootstrap_interval() -> None:
    rng = np.random.default_rng(4)
    n = 150
    risk = rng.uniform(size=n)
    death, censored = rng.exponential(-100 / np.log1p(-risk)), rng.uniform(50, 400, n)
    outcome = _outcome(np.minimum(death, censored).tolist(), (death <= censored).astype(int).tolist())
    counts = bootstrap_counts(n, 300, np.random.default_rng(1))
    found = decision_curve(outcome, risk, 100, [0.1, 0.5, 0.9], counts=counts)
    assert found.lower is not None
    assert found.upper is not None
    assert ((found.lower < found.net_benefit) & (found.net_benefit < found.upper)).all()
    one = decision_curve(outcome, risk, 100, [0.5], counts=np.ones((2, n), dtype=int))
    assert one.lower is not None
    np.testing.assert_allclose(one.lower, one.net_benefit, rtol=1e-12)
    again = decision_curve(outcome, risk, 100, [0.1, 0.5, 0.9], counts=counts)
    np.testing.assert_array_equal(again.lower, found.lower)


def test_no_deaths_by_the_horizon() -> None:
    found = decision_curve(_outcome([15, 20], [1, 0]), [0.5, 0.1], 10, [0.2])
    assert found.net_benefit[0] == pytest.approx(-0.5 * 0.25)
    assert np.isnan(found.standardised[0])


def test_curves_that_cannot_be() -> None:
    outcome = _outcome([5, 20], [1, 0])
    for risk in ([0.5], [0.5, 1.1], [0.5, np.nan]):
        with pytest.raises(FeatureError, match="probability"):
            decision_curve(outcome, risk, 10, [0.2])
    for thresholds in ([1.0], [-0.1], []):
        with pytest.raises(SettingsError, match="Thresholds"):
            decision_curve(outcome, [0.5, 0.2], 10, thresholds)
    with pytest.raises(OutcomeError, match="follow-up ends at 20"):
        decision_curve(outcome, [0.5, 0.2], 21, [0.2])
    with pytest.raises(OutcomeError, match="positive"):
        decision_curve(outcome, [0.5, 0.2], 0, [0.2])
    with pytest.raises(OutcomeError, match="of_interest"):
        decision_curve(outcome, [0.5, 0.2], 10, [0.2], of_interest=np.array([True, True]))
    with pytest.raises(SettingsError, match="one count"):
        decision_curve(outcome, [0.5, 0.2], 10, [0.2], counts=np.ones((5, 3), dtype=int))
    with pytest.raises(OutcomeError, match="boolean"):
        binary_decision_curve(np.array([1, 0]), [0.5, 0.2], [0.2])
    with pytest.raises(SettingsError, match="prevalence"):
        binary_decision_curve(np.array([True, False]), [0.5, 0.2], [0.2], prevalence=1.0)
    with pytest.raises(OutcomeError, match="with and without"):
        binary_decision_curve(np.array([True, True]), [0.5, 0.2], [0.2], prevalence=0.5)
