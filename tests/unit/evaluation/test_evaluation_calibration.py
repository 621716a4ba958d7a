"""Calibration and reclassification against R, by simulation, and where they are not defined."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perisurv.core import ConvergenceError, FeatureError, Outcome, OutcomeError, SettingsError
from perisurv.evaluation import (
    bootstrap_counts,
    calibration_curve,
    calibration_groups,
    calibration_line,
    calibration_slope,
    cloglog,
    observed_expected,
    reclassification,
)

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "evaluation_r.json").read_text(encoding="utf-8"))
LUNG = GOLDEN["calibration"]
RISK = np.array(LUNG["risk"])
METHODS: list[Any] = ["flexible_cox", "pseudo", "ipcw"]


def _outcome(time: Any, event: Any) -> Outcome:
    return Outcome(tuple(f"P{n:04}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


@pytest.fixture
def lung() -> Outcome:
    return _outcome(LUNG["time"], LUNG["event"])


def _simulated(n: int, seed: int) -> tuple[Outcome, np.ndarray]:
    """True risks at one year, a third of the patients censored."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    death, censored = rng.exponential(1000 * np.exp(-x)), rng.uniform(200, 3000, n)
    return _outcome(np.minimum(death, censored), death <= censored), -np.expm1(-365 / 1000 * np.exp(x))


# --- against R ---------------------------------------------------------------------------------------------------


def test_slope_as_coxph(lung: Outcome) -> None:
    found = calibration_slope(lung, cloglog(RISK))
    assert [found.value, found.standard_error] == pytest.approx(LUNG["slope"], rel=1e-9)
    assert found.p == pytest.approx(0.98, abs=0.01)


def test_observed_over_expected_as_survfit(lung: Outcome) -> None:
    found = observed_expected(lung, RISK, LUNG["horizon"])
    assert found.observed.value == pytest.approx(LUNG["observed"], rel=1e-12)
    assert found.observed.standard_error == pytest.approx(LUNG["se"], rel=1e-12)
    assert found.expected == pytest.approx(LUNG["expected"], rel=1e-12)
    assert found.ratio.value == pytest.approx(LUNG["observed"] / LUNG["expected"])
    half = 1.959964 * LUNG["se"] / LUNG["observed"]
    assert np.log(found.ratio.upper / found.ratio.value) == pytest.approx(half, rel=1e-6)


def test_line_by_pseudo_values(lung: Outcome) -> None:
    found = calibration_line(lung, RISK, LUNG["horizon"])
    large, both = LUNG["pseudo_intercept"], LUNG["pseudo_slope"]
    assert found.intercept.value == pytest.approx(large["coef"], rel=1e-10)
    assert found.intercept.standard_error == pytest.approx(large["se"], rel=1e-9)
    assert [found.intercept_at_slope.value, found.slope.value] == pytest.approx(both["coef"], rel=1e-9)
    assert [found.intercept_at_slope.standard_error, found.slope.standard_error] == pytest.approx(both["se"], rel=1e-9)


@pytest.mark.parametrize("knots", [3, 4, 5])
def test_curve_as_rms(lung: Outcome, knots: int) -> None:
    """coxph on rms::rcs and survfit at the horizon."""
    expected = LUNG[f"curve{knots}"]
    found = calibration_curve(lung, RISK, LUNG["horizon"], knots=knots)
    np.testing.assert_allclose(found.observed, expected["observed"], atol=1e-10)
    for name in ("ici", "e50", "e90", "emax"):
        assert getattr(found, name).value == pytest.approx(expected[name], abs=1e-10)
        assert getattr(found, name).lower is None


def test_groups_as_survfit(lung: Outcome) -> None:
    expected = LUNG["groups"]
    found = calibration_groups(lung, RISK, LUNG["horizon"], 4)
    assert [g.n for g in found] == expected["n"]
    for name, key in (("predicted", "mean"), ("observed", "observed"), ("lower", "lower"), ("upper", "upper")):
        np.testing.assert_allclose([getattr(g, name) for g in found], expected[key], rtol=1e-11)


def test_reclassification_by_formula(lung: Outcome) -> None:
    """R: survfit of those moved, and weights by the censoring curve."""
    expected = GOLDEN["reclassification"]
    counts = bootstrap_counts(len(lung), 200, np.random.default_rng(1))
    free = reclassification(lung, RISK, expected["new"], LUNG["horizon"], counts)
    by_category = reclassification(lung, RISK, expected["new"], LUNG["horizon"], counts, (0.4, 0.5))
    for found, key in ((free, "free"), (by_category, "categories")):
        assert [found.events.value, found.nonevents.value] == pytest.approx(expected[key], rel=1e-11)
        assert found.nri.value == pytest.approx(sum(expected[key]), rel=1e-11)
        assert found.nri.lower < found.nri.value < found.nri.upper
        assert found.role == "secondary"
    assert free.idi.value == pytest.approx(expected["idi"], rel=1e-10)


# --- by simulation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_true_risks_are_calibrated(method: Any) -> None:
    outcome, risk = _simulated(6000, 5)
    found = calibration_curve(outcome, risk, 365, method)
    assert found.ici.value < 0.015
    assert found.emax.value < 0.05
    assert found.ici.value <= found.e90.value <= found.emax.value
    np.testing.assert_allclose(found.curve[5:-5], found.grid[5:-5], atol=0.05)


def test_true_risks_have_slope_and_ratio_one() -> None:
    outcome, risk = _simulated(6000, 6)
    line = calibration_line(outcome, risk, 365)
    ratio = observed_expected(outcome, risk, 365).ratio
    for estimate, truth in (
        (calibration_slope(outcome, cloglog(risk)), 1.0),
        (line.slope, 1.0),
        (line.intercept, 0.0),
        (ratio, 1.0),
    ):
        assert estimate.lower < truth < estimate.upper
        assert estimate.value == pytest.approx(truth, abs=0.08)


def test_risks_twice_too_spread_have_half_the_slope() -> None:
    outcome, risk = _simulated(6000, 7)
    wide = 2 * cloglog(risk)
    assert calibration_slope(outcome, wide).value == pytest.approx(0.5, abs=0.03)
    too_wide = np.clip(-np.expm1(-np.exp(wide + 1)), 1e-6, 1 - 1e-9)
    assert calibration_line(outcome, too_wide, 365).slope.value == pytest.approx(0.5, abs=0.08)
    assert calibration_curve(outcome, too_wide, 365).ici.value > 0.1


def test_risks_halved_have_twice_the_deaths() -> None:
    outcome, risk = _simulated(6000, 8)
    assert observed_expected(outcome, risk / 2, 365).ratio.value == pytest.approx(2.0, abs=0.1)
    assert calibration_line(outcome, risk / 2, 365).intercept.value > 0.5


@pytest.mark.parametrize("method", METHODS)
def test_bootstrap_of_the_curve(lung: Outcome, method: Any) -> None:
    counts = bootstrap_counts(len(lung), 60, np.random.default_rng(1))
    found = calibration_curve(lung, RISK, LUNG["horizon"], method, counts=counts)
    again = calibration_curve(lung, RISK, LUNG["horizon"], method, counts=counts)
    assert found.lower is not None
    assert found.upper is not None
    np.testing.assert_array_equal(found.lower, again.lower)
    middle = slice(30, 70)
    assert (found.lower <= found.curve)[middle].all()
    assert (found.curve <= found.upper)[middle].all()
    assert found.ici.lower is not None
    assert found.ici.upper is not None
    assert found.ici.lower < found.ici.value < found.ici.upper


# --- where nothing can be said -----------------------------------------------------------------------------------


def test_risks_of_exactly_0_and_1(lung: Outcome) -> None:
    """Groups and observed over expected take them; what needs the log cumulative hazard says why it does not."""
    risk = np.where(RISK > 0.5, 1.0, 0.0)
    assert observed_expected(lung, risk, 365).expected == risk.mean()
    groups = calibration_groups(lung, risk, 365, 10)
    assert [g.predicted for g in groups] == [0.0, 1.0]
    for call in (calibration_curve, calibration_line):
        with pytest.raises(FeatureError, match="strictly between 0 and 1"):
            call(lung, risk, 365)


def test_constant_predictions(lung: Outcome) -> None:
    risk = np.full(len(lung), 0.5)
    assert observed_expected(lung, risk, 365).ratio.value == pytest.approx(LUNG["observed"] / 0.5)
    assert len(calibration_groups(lung, risk, 365)) == 1
    for call in (calibration_curve, calibration_line):
        with pytest.raises(FeatureError, match="all patients have the same"):
            call(lung, risk, 365)
    with pytest.raises(FeatureError, match="all patients have the same"):
        calibration_slope(lung, cloglog(risk))


@pytest.mark.parametrize("method", METHODS)
def test_two_predictions_give_a_straight_line(lung: Outcome, method: Any) -> None:
    risk = np.where(RISK > 0.5, 0.6, 0.3)
    found = calibration_curve(lung, risk, 365, method)
    if method == "pseudo":  # the mean of the pseudo-values of each half
        for value in (0.3, 0.6):
            own = risk == value
            mean = np.array(LUNG["pseudo"])[own].mean()
            np.testing.assert_allclose(found.observed[own], mean, atol=1e-9)
    assert len(np.unique(found.observed.round(12))) == 2


def test_horizon_beyond_the_follow_up(lung: Outcome) -> None:
    for call in (observed_expected, calibration_line, calibration_groups, calibration_curve):
        with pytest.raises(OutcomeError, match="follow-up ends at"):
            call(lung, RISK, 5000)


def test_nobody_dies_by_the_horizon() -> None:
    outcome = _outcome([5, 10, 20, 30], [0, 0, 0, 0])
    risk = np.array([0.1, 0.2, 0.3, 0.4])
    for call in (observed_expected, calibration_line, calibration_curve):
        with pytest.raises(OutcomeError, match=r"[Nn]obody had an event|patients with an event by"):
            call(outcome, risk, 15)
    assert [g.observed for g in calibration_groups(outcome, risk, 15, 2)] == [None, 0.0]
    with pytest.raises(OutcomeError, match="censored"):
        calibration_slope(outcome, cloglog(risk))
    with pytest.raises(OutcomeError, match="needs patients with an event by"):
        reclassification(outcome, risk, risk[::-1], 15, np.ones((5, 4), dtype=int))


def test_one_death() -> None:
    outcome = _outcome([5, 10, 20, 30], [0, 1, 0, 0])
    risk = np.array([0.1, 0.4, 0.3, 0.2])
    found = observed_expected(outcome, risk, 15)
    assert found.observed.value == pytest.approx(1 / 3)
    assert found.ratio.lower < 1 < found.ratio.upper


def test_separated_patients() -> None:
    """All who die by the horizon have the higher risks."""
    outcome, risk = _outcome(np.arange(1.0, 21), np.ones(20)), np.linspace(0.95, 0.05, 20)
    with pytest.raises(ConvergenceError, match="slope grows without bound"):
        calibration_line(outcome, risk, 5.0)
    with pytest.raises(ConvergenceError, match="'prediction' grows without bound"):
        calibration_slope(outcome, cloglog(risk))
    for method in ("pseudo", "ipcw"):
        curve = calibration_curve(outcome, risk, 5.0, method)
        np.testing.assert_allclose(curve.observed, outcome.time_days <= 5, atol=1e-3)


def test_ties_everywhere() -> None:
    """Two days of death: as many die on the first as are predicted to."""
    outcome = _outcome(np.repeat([5.0, 50.0], 10), np.ones(20))
    risk = np.tile(np.linspace(0.3, 0.7, 10), 2)
    assert observed_expected(outcome, risk, 5.0).ratio.value == pytest.approx(1.0)
    assert calibration_line(outcome, risk, 5.0).slope.value == pytest.approx(0.0, abs=1e-9)
    assert calibration_slope(outcome, cloglog(risk)).value == pytest.approx(0.0, abs=1e-9)
    for method in METHODS:
        np.testing.assert_allclose(calibration_curve(outcome, risk, 5.0, method).observed, 0.5, atol=0.03)


def test_requests_that_cannot_be(lung: Outcome) -> None:
    counts = np.ones((5, len(lung)), dtype=int)
    with pytest.raises(SettingsError, match="at least 2 groups"):
        calibration_groups(lung, RISK, 365, 1)
    with pytest.raises(SettingsError, match="flexible_cox, pseudo, ipcw"):
        calibration_curve(lung, RISK, 365, "loess")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="knots"):
        calibration_curve(lung, RISK, 365, knots=6)
    with pytest.raises(SettingsError, match="one count"):
        calibration_curve(lung, RISK, 365, counts=counts[:, 1:])
    with pytest.raises(FeatureError, match="All predicted risks are 0"):
        observed_expected(lung, np.zeros(len(lung)), 365)
    with pytest.raises(FeatureError, match="finite prediction"):
        calibration_slope(lung, np.full(len(lung), np.inf))
    for cuts in ((0.5, 0.4), (0.0, 0.5), (0.5, 1.0)):
        with pytest.raises(SettingsError, match="Cut-offs"):
            reclassification(lung, RISK, RISK, 365, counts, cuts)
    with pytest.raises(SettingsError, match="one count"):
        reclassification(lung, RISK, RISK, 365, counts[:, 1:])


def test_a_model_against_itself_moves_nobody(lung: Outcome) -> None:
    counts = bootstrap_counts(len(lung), 20, np.random.default_rng(1))
    found = reclassification(lung, RISK, RISK, 365, counts)
    for estimate in (found.events, found.nonevents, found.nri, found.idi):
        assert (estimate.value, estimate.lower, estimate.upper) == (0.0, 0.0, 0.0)
