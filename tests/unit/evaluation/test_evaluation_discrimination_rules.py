"""Hand-worked cases, hard cases and refused input of C, Uno's C, AUC, Brier score, intervals and R2."""

import numpy as np
import pytest
from scipy.stats import norm

from perisurv.core import FeatureError, Outcome, OutcomeError, Prediction, SettingsError
from perisurv.evaluation import (
    auc_curve,
    bca_interval,
    bootstrap_counts,
    brier_score,
    c_index_interval,
    evaluate_branch,
    integrated_auc,
    integrated_brier,
    paired_auc_difference,
    paired_c_difference,
    paired_uno_difference,
    uno_c,
)
from perisurv.evaluation.resampling import bootstrap_blocks
from perisurv.statistics import concordance, harrell_c


def _outcome(time: list[float], event: list[int]) -> Outcome:
    return Outcome(tuple(f"P{n:05}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


def _study(n: int, seed: int) -> tuple[Outcome, np.ndarray]:
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    death, censored = rng.exponential(500 * np.exp(-risk)) + 1, rng.uniform(100, 2000, n)
    return _outcome(np.minimum(death, censored).tolist(), (death <= censored).astype(int).tolist()), risk


# Deaths at 1, 2 and 4, censored at 3 and 5; G is 1 up to 3 and 2/3 from there.
SMALL = _outcome([1, 2, 3, 4, 5], [1, 1, 0, 1, 0])
RISK = np.array([3.0, 1.0, 2.0, 2.0, 0.0])


# --- intervals -------------------------------------------------------------------------------------------------------


def test_blocks_of_resamples_are_the_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same draws however many fit into memory at once; with strata drawn block by block."""
    whole = bootstrap_counts(7, 50, np.random.default_rng(0))
    monkeypatch.setattr("perisurv.evaluation.resampling.BLOCK", 30)
    blocks = list(bootstrap_blocks(7, 50, np.random.default_rng(0)))
    assert [len(block) for block in blocks] == [4] * 12 + [2]
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    strata = bootstrap_counts(7, 50, np.random.default_rng(0), "aabbbcc")
    np.testing.assert_array_equal(strata @ np.array([1, 1, 0, 0, 0, 0, 0]), np.full(50, 2))


def test_bca_by_hand() -> None:
    """Efron's formula with bias and acceleration written out."""
    rng = np.random.default_rng(0)
    draws, without = rng.normal(0.1, 1, 4001), rng.exponential(size=30)
    bias = norm.ppf((draws < 0).mean())
    gap = without.mean() - without
    acceleration = (gap**3).sum() / (6 * (gap**2).sum() ** 1.5)
    z = bias + norm.ppf([0.05, 0.95])
    expected = np.quantile(draws, norm.cdf(bias + z / (1 - acceleration * z)))
    np.testing.assert_allclose(bca_interval(draws, 0.0, without, 0.9), expected, rtol=1e-12)


def test_bca_of_one_stratum_is_that_of_none_and_undefined_draws_are_left_out() -> None:
    rng = np.random.default_rng(1)
    draws, without = rng.normal(size=500), rng.exponential(size=30)
    assert bca_interval(draws, 0.1, without, strata=["a"] * 30) == pytest.approx(bca_interval(draws, 0.1, without))
    assert bca_interval(np.append(draws, np.nan), 0.1, without) == bca_interval(draws, 0.1, without)
    symmetric = np.linspace(-1, 1, 1001)
    assert bca_interval(symmetric, 0.0, np.array([1.0, -1.0])) == pytest.approx((-0.95, 0.95))


def test_bca_at_the_edge() -> None:
    """All draws on one side, all equal, a pole of the correction: finite limits within the draws."""
    draws = np.linspace(0, 1, 101)
    skewed = np.append(np.zeros(50), 100.0)
    for estimate in (-1.0, 0.5, 2.0):
        for without in (skewed, -skewed):
            lower, upper = bca_interval(draws, estimate, without)
            assert 0 <= min(lower, upper) <= max(lower, upper) <= 1
    assert bca_interval(np.full(10, 0.5), 0.5, np.full(4, 0.5)) == (0.5, 0.5)
    with pytest.raises(OutcomeError, match="No resample"):
        bca_interval(np.full(3, np.nan), 0.5, np.zeros(3))
    with pytest.raises(SettingsError, match="between 0 and 1"):
        bca_interval(draws, 0.5, skewed, 1.0)


def test_the_three_intervals_of_c_agree_for_many_patients() -> None:
    outcome, risk = _study(400, 3)
    analytic = concordance(outcome.time_days, outcome.event, risk).interval()
    for method in ("percentile", "bca"):
        found = c_index_interval(outcome, risk, np.random.default_rng(0), 2000, method=method)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, analytic, atol=0.006)
    with pytest.raises(SettingsError, match="'percentile' or 'bca', got 'normal'"):
        c_index_interval(outcome, risk, np.random.default_rng(0), method="normal")  # type: ignore[arg-type]


def test_bca_covers_where_the_percentile_interval_is_off() -> None:
    """C near 1 has a skewed distribution; BCa moves both limits down as theory says (skewness to the left)."""
    outcome, risk = _study(40, 8)
    sharp = -np.log(outcome.time_days) + 0.15 * risk
    percentile = c_index_interval(outcome, sharp, np.random.default_rng(0), 4000)
    bca = c_index_interval(outcome, sharp, np.random.default_rng(0), 4000, method="bca")
    assert bca[0] < percentile[0]
    assert bca[1] < percentile[1]


def test_the_interval_is_bytes_of_the_seed_and_of_centres() -> None:
    outcome, risk = _study(90, 5)
    centre = ["abc"[n % 3] for n in range(90)]
    first, again = (c_index_interval(outcome, risk, np.random.default_rng(4), 200, strata=centre) for _ in range(2))
    assert first == again
    assert first != c_index_interval(outcome, risk, np.random.default_rng(4), 200)
    with pytest.raises(SettingsError, match="89 strata, 90 patients"):
        c_index_interval(outcome, risk, np.random.default_rng(4), 200, strata=centre[:-1])
    with pytest.raises(SettingsError, match="at least 2 resamples"):
        c_index_interval(outcome, risk, np.random.default_rng(4), 1)
    with pytest.raises(FeatureError, match="89 risks, 90 patients"):
        paired_c_difference(outcome, risk[:-1], risk, np.random.default_rng(4))


def test_a_bootstrap_of_many_patients_needs_no_matrix() -> None:
    """A matrix of the pairs of 50 000 patients would take 20 GB."""
    outcome, risk = _study(50_000, 6)
    lower, upper = c_index_interval(outcome, risk, np.random.default_rng(0), 4)
    c = harrell_c(outcome.time_days, outcome.event, risk)
    assert c - 0.01 < lower < upper < c + 0.01


def test_evaluate_branch_knows_no_order() -> None:
    outcome, risk = _study(60, 7)
    order = np.random.default_rng(0).permutation(60)
    centre = ["ab"[n % 2] for n in range(60)]
    results = []
    for rows in (np.arange(60), order):
        patients = tuple(outcome.patients[n] for n in rows)
        prediction = Prediction(patients, risk[rows], (), np.empty((60, 0)), risk[rows] > 0)
        results.append(
            evaluate_branch(
                "b", prediction, outcome, rng=np.random.default_rng(1), n_features=1, resamples=50,
                strata=[centre[n] for n in rows],
            )
        )  # fmt: skip
    assert results[0] == results[1]


# --- Uno's C ---------------------------------------------------------------------------------------------------------


def test_uno_by_hand() -> None:
    """Deaths at 1 and 2 weigh 1, the death at 4 weighs 1 / (2/3)**2 = 2.25, by either convention."""
    for convention in ("R", "scikit-survival"):
        found = uno_c(SMALL, RISK, convention=convention)  # type: ignore[arg-type]
        assert found.c_index == pytest.approx((4 + 1 + 2.25) / (4 + 3 + 2.25))
    assert uno_c(SMALL, RISK, tau_days=2).c_index == pytest.approx(5 / 7)
    assert uno_c(SMALL, RISK, tau_days=2, convention="scikit-survival").c_index == 1.0


def test_the_error_of_uno_is_that_of_resampling() -> None:
    """G is estimated again in each resample; the infinitesimal jackknife knows its share."""
    outcome, risk = _study(300, 9)
    counts = bootstrap_counts(300, 800, np.random.default_rng(0)).astype(float)
    draws = [uno_c(outcome, risk, tau_days=900, weight=row).c_index for row in counts]
    found = uno_c(outcome, risk, tau_days=900)
    assert np.std(draws) == pytest.approx(found.standard_error, rel=0.08)
    lower, upper = found.interval(0.95)
    np.testing.assert_allclose(np.quantile(draws, [0.025, 0.975]), [lower, upper], atol=0.006)


def test_paired_uno_difference_is_narrower_than_two_errors() -> None:
    outcome, risk = _study(200, 10)
    other = risk + 0.3 * np.random.default_rng(0).normal(size=200)
    found = paired_uno_difference(outcome, risk, other, tau_days=900)
    alone = [uno_c(outcome, r, tau_days=900).standard_error for r in (risk, other)]
    assert found.standard_error < 0.7 * np.hypot(*alone)
    assert found.lower < found.difference < found.upper


def test_g_at_zero_is_an_error_that_names_the_day() -> None:
    """By G(t) the death at 5 has no weight where the last censoring is on its day; by G(t-) it has."""
    outcome = _outcome([1, 2, 5, 5], [1, 0, 1, 0])
    risk = np.array([4.0, 3.0, 2.0, 1.0])
    assert uno_c(outcome, risk).c_index == 1.0
    with pytest.raises(OutcomeError, match="G = 0.* event at 5 days.*tau"):
        uno_c(outcome, risk, convention="scikit-survival")
    assert uno_c(outcome, risk, convention="scikit-survival", tau_days=5).c_index == 1.0
    early = _outcome([1, 3], [1, 0])
    with pytest.raises(OutcomeError, match="event at 5 days"):
        uno_c(outcome, risk, censoring=early)
    with pytest.raises(OutcomeError, match="G = 0.*by 4 days.*ends at 3 days"):
        auc_curve(outcome, risk, [4], censoring=early)
    with pytest.raises(OutcomeError, match="G = 0"):
        auc_curve(outcome, risk, [2, 5])


def test_a_patient_without_weight_is_no_patient() -> None:
    """The death at 9 comes after the last censoring that counts, where G is zero; it weighs nothing."""
    outcome = _outcome([1, 2, 3, 5, 9], [1, 1, 0, 0, 1])
    risk, weight = np.array([3.0, 1.0, 2.0, 0.0, 9.0]), np.array([1.0, 1, 1, 1, 0])
    found, without = uno_c(outcome, risk, weight=weight), uno_c(outcome.take(outcome.patients[:4]), risk[:4])
    assert (found.c_index, found.standard_error) == pytest.approx((without.c_index, without.standard_error))
    curve = auc_curve(outcome, risk, [2], weight=weight)
    assert curve.auc[0] == pytest.approx(auc_curve(outcome.take(outcome.patients[:4]), risk[:4], [2]).auc[0])


def test_what_uno_refuses() -> None:
    with pytest.raises(SettingsError, match="'R' or 'scikit-survival', got 'timeROC'"):
        uno_c(SMALL, RISK, convention="timeROC")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="positive number of days, got -1"):
        uno_c(SMALL, RISK, tau_days=-1)
    with pytest.raises(SettingsError, match="positive number of days, got nan"):
        uno_c(SMALL, RISK, tau_days=float("nan"))
    with pytest.raises(OutcomeError, match="later tau"):
        uno_c(SMALL, RISK, tau_days=0.5)
    with pytest.raises(OutcomeError, match="no pair"):
        uno_c(_outcome([1, 2, 3], [0, 0, 0]), np.arange(3.0))
    for broken in (np.nan, np.inf):
        with pytest.raises(FeatureError, match="finite risk"):
            uno_c(SMALL, np.where(RISK == 0, broken, RISK))


# --- AUC over time ---------------------------------------------------------------------------------------------------


def test_auc_curve_by_hand() -> None:
    """At 4 days: cases weigh 1, 1 and 1.5, the only control is at 5; at 2 days the controls are at 3, 4, 5."""
    curve = auc_curve(SMALL, RISK, [2, 4])
    np.testing.assert_allclose(curve.auc, [(3 + 1) / 6, 1.0])
    assert curve.standard_error[1] == 0
    assert curve.upper[1] == 1.0


def test_equal_risks_have_no_auc_but_one_half() -> None:
    curve = auc_curve(SMALL, np.full(5, 7.0), [2, 4])
    np.testing.assert_array_equal(curve.auc, [0.5, 0.5])
    np.testing.assert_array_equal(curve.standard_error, [0, 0])
    assert integrated_auc(curve, SMALL).auc == 0.5


def test_integrals_of_auc_by_hand() -> None:
    """S is 3/5 at 2 days and 3/10 at 4."""
    curve = auc_curve(SMALL, RISK, [2, 4])
    a, b = curve.auc
    assert integrated_auc(curve, SMALL).auc == pytest.approx((0.4 * a + 0.3 * b) / 0.7)
    assert integrated_auc(curve, SMALL, "pairs").auc == pytest.approx((0.64 * a + 0.27 * b) / 0.91)
    assert integrated_auc(curve, SMALL, "uniform").auc == pytest.approx((a + b) / 2)
    with pytest.raises(SettingsError, match="'events', 'pairs' or 'uniform', got 'risk'"):
        integrated_auc(curve, SMALL, "risk")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="at least two times"):
        integrated_auc(auc_curve(SMALL, RISK, [2]), SMALL, "uniform")
    with pytest.raises(OutcomeError, match="Nobody had an event by 4 days"):
        integrated_auc(curve, _outcome([5, 6], [1, 0]))


def test_the_error_of_the_auc_is_that_of_resampling() -> None:
    outcome, risk = _study(300, 11)
    counts = bootstrap_counts(300, 400, np.random.default_rng(0)).astype(float)
    times = [200.0, 600.0, 1000.0]
    draws = np.array([auc_curve(outcome, risk, times, weight=row).auc for row in counts])
    np.testing.assert_allclose(draws.std(axis=0), auc_curve(outcome, risk, times).standard_error, rtol=0.1)


def test_what_the_curve_refuses() -> None:
    for times, message in (
        ([], "at least one finite time"),
        ([2, np.inf], "at least one finite time"),
        ([4, 2], "positive and ascend"),
        ([2, 2], "positive and ascend"),
        ([0, 2], "positive and ascend"),
    ):
        with pytest.raises(SettingsError, match=message):
            auc_curve(SMALL, RISK, times)
    with pytest.raises(OutcomeError, match=r"No AUC at 0.5 days; it needs events by then \(0\)"):
        auc_curve(SMALL, RISK, [0.5])
    with pytest.raises(OutcomeError, match="No AUC at 4 days.*beyond \\(0\\)"):
        auc_curve(_outcome([1, 4], [1, 1]), RISK[:2], [4])
    with pytest.raises(OutcomeError, match=r"events by then \(0\)"):
        auc_curve(_outcome([1, 2, 3], [0, 0, 0]), np.arange(3.0), [2])
    with pytest.raises(FeatureError, match="finite risk"):
        auc_curve(SMALL, np.where(RISK == 0, np.inf, RISK), [2])
    with pytest.raises(FeatureError, match="finite risk"):
        paired_auc_difference(SMALL, RISK, RISK[:3], [2])
    with pytest.raises(SettingsError, match="convention"):
        auc_curve(SMALL, RISK, [2], convention="")  # type: ignore[arg-type]
    for weight in (np.ones(2), -np.ones(5), np.zeros(5)):
        with pytest.raises(OutcomeError, match="Case weights"):
            auc_curve(SMALL, RISK, [2], weight=weight)


# --- Brier score -----------------------------------------------------------------------------------------------------


def test_brier_by_hand() -> None:
    """At 4 days: the deaths at 1 and 2 weigh 1, that at 4 and the survivor weigh 1.5; censored at 3: nothing."""
    survival = np.array([[0.9], [0.5], [0.5], [0.2], [0.6]])
    curve = brier_score(SMALL, survival, [4])
    assert curve.brier[0] == pytest.approx((0.81 + 0.25 + 1.5 * 0.04 + 1.5 * 0.16) / 5)
    assert curve.null[0] == pytest.approx((0.3**2 * 3.5 + 1.5 * 0.7**2) / 5)
    assert curve.scaled[0] == pytest.approx(1 - curve.brier[0] / curve.null[0])
    given = brier_score(SMALL, survival, [4], null_survival=[0.5])
    assert given.null[0] == pytest.approx(0.25)


def test_a_perfect_and_an_empty_prediction() -> None:
    outcome = _outcome([1, 2, 3, 4], [1, 1, 1, 1])
    perfect = (outcome.time_days[:, None] > np.array([1.5, 2.5])).astype(float)
    curve = brier_score(outcome, perfect, [1.5, 2.5])
    np.testing.assert_array_equal(curve.brier, 0)
    np.testing.assert_array_equal(curve.scaled, 1)
    beyond = brier_score(outcome, np.zeros((4, 1)), [9])
    assert (beyond.brier[0], beyond.null[0]) == (0, 0)
    assert np.isnan(beyond.scaled[0])
    null = brier_score(SMALL, np.tile([0.6, 0.3], (5, 1)), [2, 4])
    np.testing.assert_allclose(null.scaled, 0, atol=1e-15)


def test_integrated_brier_by_hand() -> None:
    survival = np.random.default_rng(0).random((5, 3))
    curve = brier_score(SMALL, survival, [1, 2, 4])
    assert integrated_brier(curve).brier == pytest.approx((curve.brier[0] * 1 + curve.brier[1] * 2) / 4)
    by_hand = ((curve.brier[0] + curve.brier[1]) / 2 + (curve.brier[1] + curve.brier[2])) / 3
    assert integrated_brier(curve, "trapezoid").brier == pytest.approx(by_hand)
    with pytest.raises(SettingsError, match="'left' or 'trapezoid', got 'right'"):
        integrated_brier(curve, "right")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="at least two times"):
        integrated_brier(brier_score(SMALL, survival[:, :1], [1]))


def test_what_the_brier_score_refuses() -> None:
    survival = np.full((5, 1), 0.5)
    with pytest.raises(OutcomeError, match="G = 0.*by 6 days.*Take an earlier horizon"):
        brier_score(SMALL, survival, [6])
    with pytest.raises(OutcomeError, match="G = 0"):
        brier_score(_outcome([1, 2], [0, 0]), survival[:2], [3])
    with pytest.raises(FeatureError, match=r"survival of shape \(5, 1\).*got \(4, 1\)"):
        brier_score(SMALL, survival[:4], [2])
    with pytest.raises(FeatureError, match="null_survival of shape"):
        brier_score(SMALL, survival, [2], null_survival=[0.1, 0.2])
    for broken in (1.5, -0.1, np.nan):
        with pytest.raises(FeatureError, match="between 0 and 1"):
            brier_score(SMALL, np.full((5, 1), broken), [2])
    with pytest.raises(SettingsError, match="convention"):
        brier_score(SMALL, survival, [2], convention="pec")  # type: ignore[arg-type]


def test_all_censored_has_no_error_before_the_end() -> None:
    """Nobody dies: who is followed beyond the time is known to live, and G makes up for the others."""
    outcome = _outcome([1, 2, 3], [0, 0, 0])
    curve = brier_score(outcome, np.full((3, 1), 0.8), [2.5])
    assert curve.brier[0] == pytest.approx(0.04)
    assert curve.null[0] == 0
