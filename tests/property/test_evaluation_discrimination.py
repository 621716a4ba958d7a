"""What must hold of scores over time, intervals and differences for any follow-up with ties and censoring."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import Outcome
from perisurv.evaluation import (
    auc_curve,
    brier_score,
    c_index_interval,
    integrated_auc,
    integrated_brier,
    paired_auc_difference,
    paired_c_difference,
    paired_uno_difference,
    roc_at,
    uno_c,
)
from perisurv.statistics import harrell_c

steady = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)
TIMES = [3.0, 6.0, 9.0]


def _study(seed: int, n: int = 25, censored: bool = True) -> tuple[Outcome, np.ndarray, np.ndarray]:
    """Outcome, risk, predicted survival at TIMES; deaths from the first day on, follow-up beyond the last."""
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 13, n).astype(float), rng.random(n) < (0.6 if censored else 2)
    time[:4], event[:4] = (1, 2, 13, 13), (True, True, False, not censored)
    event[2] = not censored
    names = rng.permutation(n)
    outcome = Outcome(tuple(f"P{k:03}" for k in names), time, event)
    return outcome, rng.integers(-3, 4, n).astype(float), np.sort(rng.random((n, 3)), axis=1)[:, ::-1]


def _shuffled(outcome: Outcome, order: np.ndarray) -> Outcome:
    return Outcome(tuple(outcome.patients[k] for k in order), outcome.time_days[order], outcome.event[order])


@steady
@given(seeds)
def test_no_order_of_rows_changes_a_byte(seed: int) -> None:
    outcome, risk, survival = _study(seed)
    order = np.random.default_rng(seed).permutation(len(outcome))
    other, moved = _shuffled(outcome, order), risk[order]
    for found, again in (
        (auc_curve(outcome, risk, TIMES), auc_curve(other, moved, TIMES)),
        (brier_score(outcome, survival, TIMES), brier_score(other, survival[order], TIMES)),
        (uno_c(outcome, risk, tau_days=9), uno_c(other, moved, tau_days=9)),
    ):
        np.testing.assert_array_equal(found.standard_error, again.standard_error)
        np.testing.assert_array_equal(found.influence[..., order], again.influence)
    centre = ["a" if r > 0 else "b" for r in risk]
    for method in ("percentile", "bca"):
        first = c_index_interval(outcome, risk, np.random.default_rng(1), 30, strata=centre, method=method)  # type: ignore[arg-type]
        again = c_index_interval(
            other, moved, np.random.default_rng(1), 30, strata=[centre[k] for k in order], method=method
        )  # type: ignore[arg-type]
        assert first == again
    assert paired_c_difference(
        outcome, risk, -(risk**2), np.random.default_rng(2), resamples=30
    ) == paired_c_difference(other, moved, -(moved**2), np.random.default_rng(2), resamples=30)
    assert paired_auc_difference(outcome, risk, -(risk**2), TIMES) == paired_auc_difference(
        other, moved, -(moved**2), TIMES
    )


@steady
@given(seeds)
def test_without_censoring_weights_are_one(seed: int) -> None:
    """AUC is the share of ordered pairs, Brier the mean squared error, Uno's C Harrell's."""
    outcome, risk, survival = _study(seed, censored=False)
    for convention in ("R", "scikit-survival"):
        curve = auc_curve(outcome, risk, TIMES, convention=convention)  # type: ignore[arg-type]
        brier = brier_score(outcome, survival, TIMES, convention=convention)  # type: ignore[arg-type]
        for column, t in enumerate(TIMES):
            dead = outcome.time_days <= t
            agree = 0.5 * (1 + np.sign(risk[dead][:, None] - risk[~dead][None, :]))
            assert curve.auc[column] == pytest.approx(agree.mean(), abs=1e-13)
            error = (survival[:, column] - ~dead) ** 2
            assert brier.brier[column] == pytest.approx(error.mean(), abs=1e-13)
            assert brier.standard_error[column] == pytest.approx(error.std(ddof=1) / np.sqrt(len(outcome)), abs=1e-13)
            assert brier.null[column] == pytest.approx(dead.mean() * (1 - dead.mean()), abs=1e-13)
        found = uno_c(outcome, risk, convention=convention)  # type: ignore[arg-type]
        assert found.c_index == pytest.approx(harrell_c(outcome.time_days, outcome.event, risk), abs=1e-13)
        assert found.standard_error == pytest.approx(found.standard_error_g_known, abs=1e-13)


@steady
@given(seeds)
def test_scores_are_mirrored_and_know_ranks_and_no_units(seed: int) -> None:
    outcome, risk, survival = _study(seed)
    curve = auc_curve(outcome, risk, TIMES)
    np.testing.assert_allclose(auc_curve(outcome, -risk, TIMES).auc, 1 - curve.auc, atol=1e-12)
    years = Outcome(outcome.patients, outcome.time_days / 365.25, outcome.event)
    moved = auc_curve(years, np.exp(risk), [t / 365.25 for t in TIMES])
    np.testing.assert_array_equal(moved.auc, curve.auc)
    np.testing.assert_array_equal(moved.standard_error, curve.standard_error)
    first, second = uno_c(outcome, risk, tau_days=9), uno_c(years, np.exp(risk), tau_days=9 / 365.25)
    assert (first.c_index, first.standard_error) == (second.c_index, second.standard_error)
    assert uno_c(outcome, -risk, tau_days=9).c_index == pytest.approx(1 - first.c_index, abs=1e-12)
    scores = brier_score(outcome, survival, TIMES).brier
    np.testing.assert_array_equal(brier_score(years, survival, [t / 365.25 for t in TIMES]).brier, scores)


@steady
@given(seeds)
def test_weights_are_duplicated_patients(seed: int) -> None:
    outcome, risk, _ = _study(seed)
    copies = np.random.default_rng(seed).integers(1, 4, len(outcome))
    rows = np.repeat(np.arange(len(outcome)), copies)
    written = Outcome(tuple(f"Q{k}" for k in range(len(rows))), outcome.time_days[rows], outcome.event[rows])
    weighted = auc_curve(outcome, risk, TIMES, weight=copies.astype(float))
    np.testing.assert_allclose(weighted.auc, auc_curve(written, risk[rows], TIMES).auc, atol=1e-12)
    found = uno_c(outcome, risk, tau_days=9, weight=copies.astype(float))
    assert found.c_index == pytest.approx(uno_c(written, risk[rows], tau_days=9).c_index, abs=1e-12)


@steady
@given(seeds)
def test_the_curve_has_the_value_of_the_roc_curve(seed: int) -> None:
    outcome, risk, _ = _study(seed)
    for t, auc in zip(TIMES, auc_curve(outcome, risk, TIMES).auc, strict=True):
        roc = roc_at(outcome, risk, t)
        assert roc is not None
        assert roc.auc == pytest.approx(auc, abs=1e-13)


@steady
@given(seeds)
def test_errors_are_the_derivatives_by_the_weights(seed: int) -> None:
    """Influence of one patient against a small change of its weight, through G as well."""
    outcome, risk, _ = _study(seed)
    weight = np.random.default_rng(seed).uniform(0.5, 2, len(outcome))
    one = seed % len(outcome)
    step = np.where(np.arange(len(outcome)) == one, 1e-6, 0.0)
    up, down = (
        auc_curve(outcome, risk, TIMES, convention="scikit-survival", weight=weight + s).auc for s in (step, -step)
    )
    curve = auc_curve(outcome, risk, TIMES, convention="scikit-survival", weight=weight)
    np.testing.assert_allclose(curve.influence[:, one] / weight[one], (up - down) / 2e-6, atol=1e-7)
    for convention in ("R", "scikit-survival"):
        high, low = (
            uno_c(outcome, risk, tau_days=9, convention=convention, weight=weight + s).c_index  # type: ignore[arg-type]
            for s in (step, -step)
        )
        found = uno_c(outcome, risk, tau_days=9, convention=convention, weight=weight)  # type: ignore[arg-type]
        assert found.influence[one] / weight[one] == pytest.approx((high - low) / 2e-6, abs=1e-7)


@steady
@given(seeds)
def test_integrals_lie_within_their_curve(seed: int) -> None:
    outcome, risk, survival = _study(seed)
    curve = auc_curve(outcome, risk, TIMES)
    for weighting in ("events", "pairs", "uniform"):
        whole = integrated_auc(curve, outcome, weighting)  # type: ignore[arg-type]
        assert curve.auc.min() - 1e-12 <= whole.auc <= curve.auc.max() + 1e-12
        assert whole.standard_error <= curve.standard_error.max() + 1e-12
    scores = brier_score(outcome, survival, TIMES)
    by_hand = (scores.brier[0] * 3 + scores.brier[1] * 3) / 9
    assert integrated_brier(scores).brier == pytest.approx(by_hand, abs=1e-14)
    trapezoid = integrated_brier(scores, "trapezoid")
    assert scores.brier.min() <= trapezoid.brier <= scores.brier.max()
    assert trapezoid.scaled == pytest.approx(1 - trapezoid.brier / trapezoid.null)


@steady
@given(seeds)
def test_a_risk_does_not_differ_from_itself(seed: int) -> None:
    outcome, risk, _ = _study(seed)
    for found in (
        *paired_auc_difference(outcome, risk, risk + 1, TIMES),
        paired_uno_difference(outcome, risk, 2 * risk),
    ):
        assert (found.difference, found.lower, found.upper, found.p, found.standard_error) == (0, 0, 0, 1, 0)
    first, second = (paired_auc_difference(outcome, a, b, TIMES) for a, b in ((risk, -(risk**2)), (-(risk**2), risk)))
    for one, other in zip(first, second, strict=True):
        assert (one.difference, one.p) == pytest.approx((-other.difference, other.p), rel=1e-12)
