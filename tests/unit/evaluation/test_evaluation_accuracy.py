"""What the ladder says of predicted risks: the sum of functions that are tested on their own, and its gaps."""

import numpy as np
import pytest

from perisurv.core import Outcome, Prediction
from perisurv.evaluation import accuracy_at, brier_score, evaluate_branch


def cohort(n: int = 400) -> tuple[Outcome, np.ndarray, np.ndarray]:
    """Exponential survival with a known hazard, censored; the true survival at one and two years."""
    rng = np.random.default_rng(5)
    risk = rng.normal(0, 0.8, n)
    rate = np.exp(risk) / 900
    death, censored = rng.exponential(1 / rate), rng.uniform(300, 2500, n)
    outcome = Outcome(tuple(f"p{k:03d}" for k in range(n)), np.minimum(death, censored) + 1, death <= censored)
    return outcome, risk, np.exp(-rate[:, None] * np.array([365.25, 730.5]))


def prediction(outcome: Outcome, risk: np.ndarray, survival: np.ndarray) -> Prediction:
    return Prediction(outcome.patients, risk, (365.25, 730.5), survival, risk > 0)


def test_the_truth_is_calibrated() -> None:
    outcome, _, survival = cohort()
    point = accuracy_at("truth", outcome, survival[:, 1], 730.5).calibration
    assert point is not None
    assert point.slope_lower < 1 < point.slope_upper
    assert point.observed_lower < point.expected < point.observed_upper
    assert point.ici < 0.05
    assert point.brier == brier_score(outcome, survival[:, [1]], (730.5,)).brier[0] < point.brier_null
    assert np.all(np.diff(point.predicted) > 0)


def test_risks_that_are_too_spread_out_have_a_slope_below_one() -> None:
    outcome, _, survival = cohort()
    spread = survival[:, 0] ** np.exp(np.log(-np.log(survival[:, 0])) - np.log(-np.log(survival[:, 0])).mean())
    point = accuracy_at("spread", outcome, spread, 365.25).calibration
    assert point is not None
    assert point.slope == pytest.approx(0.5, abs=0.12)


def test_net_benefit_of_the_truth_is_above_treating_all_and_nobody_in_the_middle() -> None:
    outcome, _, survival = cohort()
    curve = accuracy_at("truth", outcome, survival[:, 1], 730.5).net_benefit
    assert curve is not None
    middle = curve.threshold.index(0.5)
    assert curve.net_benefit[middle] > max(curve.treat_all[middle], 0.0)


def test_every_branch_has_its_points_and_the_gaps_are_told() -> None:
    outcome, risk, survival = cohort()
    late = survival.copy()
    late[:, 1] = np.nan
    found = evaluate_branch(
        "one", prediction(outcome, risk, late), outcome, rng=np.random.default_rng(0), n_features=1, resamples=100
    )
    assert [p.time_days for p in found.calibration] == [365.25] == [c.time_days for c in found.net_benefit]
    assert any("no predicted risk at 730.5 days" in note for note in found.notes)
    assert found.uno_c == pytest.approx(found.row.c_index, abs=0.03)


def test_a_null_model_has_no_calibration_curve_and_says_so() -> None:
    outcome, risk, _ = cohort(60)
    same = prediction(outcome, np.zeros_like(risk), np.full((60, 2), 0.5))
    found = evaluate_branch("null", same, outcome, rng=np.random.default_rng(0), n_features=0, resamples=100)
    assert found.calibration == () == found.net_benefit
    assert sum("null: no calibration at" in note for note in found.notes) == 2


def test_the_order_of_the_patients_changes_nothing() -> None:
    outcome, risk, survival = cohort(120)
    order = np.random.default_rng(1).permutation(120)
    turned = outcome.take([outcome.patients[k] for k in order])
    one, other = (
        evaluate_branch("b", prediction(o, r, s), outcome, rng=np.random.default_rng(0), n_features=1, resamples=100)
        for o, r, s in ((outcome, risk, survival), (turned, risk[order], survival[order]))
    )
    assert one == other
