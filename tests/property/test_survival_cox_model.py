"""What must hold for any cohort: Cox models with strata and weights, tests of their assumptions, stability."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import Outcome
from perisurv.statistics import RiskSets
from perisurv.survival import (
    check_linearity,
    check_proportional_hazards,
    fit_cox,
    intraclass_correlation,
    shrink_heuristic,
)

seeds = st.integers(0, 2**32 - 1)
ties_of = st.sampled_from(["efron", "breslow"])
many = settings(max_examples=25, deadline=None, derandomize=True)


def cohort(seed: int, n: int = 60, tied: bool = True) -> tuple[np.ndarray, Outcome, np.ndarray, np.ndarray]:
    """Features, follow-up, strata and weights."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    death, censored = rng.exponential(500 * np.exp(-0.7 * x[:, 0])) + 1, rng.uniform(200, 3000, n)
    time = np.minimum(death, censored)
    outcome = Outcome(
        tuple(f"p{k:02d}" for k in range(n)), np.ceil(time / 100) * 100 if tied else time, death <= censored
    )
    return x, outcome, rng.integers(3, size=n), rng.integers(1, 4, size=n).astype(float)


def repeated(x: np.ndarray, outcome: Outcome, times: np.ndarray) -> tuple[np.ndarray, Outcome, np.ndarray]:
    rows = np.repeat(np.arange(len(x)), times.astype(int))
    ids = tuple(f"r{k:03d}" for k in range(len(rows)))
    return x[rows], Outcome(ids, outcome.time_days[rows], outcome.event[rows]), rows


@many
@given(seed=seeds, stratified=st.booleans())
def test_a_weight_is_that_many_patients_under_breslow_ties(seed: int, stratified: bool) -> None:
    x, outcome, centre, weight = cohort(seed)
    more, longer, rows = repeated(x, outcome, weight)
    strata = centre if stratified else None
    one = fit_cox(x, outcome, "breslow", strata=strata, weight=weight)
    other = fit_cox(more, longer, "breslow", strata=centre[rows] if stratified else None)
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(one.standard_error, other.standard_error, rtol=1e-7)
    np.testing.assert_allclose(one.log_likelihood, other.log_likelihood, rtol=1e-10)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-10)
    np.testing.assert_allclose(one.baseline.hazard, other.baseline.hazard, rtol=1e-7)


@many
@given(seed=seeds)
def test_a_weight_is_not_that_many_patients_under_efron_ties(seed: int) -> None:
    """Two of one patient are tied with one another, a weight of two is not."""
    x, outcome, _, _ = cohort(seed, tied=False)
    more, longer, _ = repeated(x, outcome, np.full(len(x), 2.0))
    weighted, doubled = fit_cox(x, outcome, weight=np.full(len(x), 2.0)), fit_cox(more, longer)
    assert np.abs(weighted.coef - doubled.coef).max() > 1e-6
    np.testing.assert_allclose(weighted.coef, fit_cox(x, outcome).coef, rtol=1e-8, atol=1e-10)


@many
@given(seed=seeds, ties=ties_of, scale=st.floats(1e-6, 1e6))
def test_the_scale_of_the_weights_changes_only_model_based_errors(seed: int, ties: str, scale: float) -> None:
    x, outcome, _, weight = cohort(seed)
    one, other = fit_cox(x, outcome, ties, weight=weight), fit_cox(x, outcome, ties, weight=scale * weight)
    np.testing.assert_allclose(other.coef, one.coef, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.robust_standard_error, one.robust_standard_error, rtol=1e-6)
    np.testing.assert_allclose(other.standard_error, one.standard_error / np.sqrt(scale), rtol=1e-6)
    np.testing.assert_allclose(other.baseline.hazard, one.baseline.hazard, rtol=1e-6)


@many
@given(seed=seeds, ties=ties_of)
def test_order_of_rows_changes_no_bit(seed: int, ties: str) -> None:
    x, outcome, centre, weight = cohort(seed)
    order = np.random.default_rng(seed).permutation(len(x))
    ids = [outcome.patients[k] for k in order]
    one = fit_cox(x, outcome, ties, strata=centre, weight=weight)
    other = fit_cox(x[order], outcome.take(ids), ties, strata=centre[order], weight=weight[order])
    np.testing.assert_array_equal(one.coef, other.coef)
    np.testing.assert_array_equal(one.robust_standard_error, other.robust_standard_error)
    np.testing.assert_array_equal(one.baseline.hazard, other.baseline.hazard)
    tested = check_proportional_hazards(x, outcome, ties).chi2
    np.testing.assert_array_equal(tested, check_proportional_hazards(x[order], outcome.take(ids), ties).chi2)


@many
@given(seed=seeds, ties=ties_of, unit=st.floats(1e-3, 1e3))
def test_the_unit_of_time_and_of_the_features_changes_no_test(seed: int, ties: str, unit: float) -> None:
    x, outcome, centre, _ = cohort(seed)
    longer = Outcome(outcome.patients, outcome.time_days * unit, outcome.event)
    scale = np.array([unit, -1.0, 1 / unit])
    one, other = fit_cox(x, outcome, ties, strata=centre), fit_cox(x * scale + 3 * scale, longer, ties, strata=centre)
    np.testing.assert_allclose(other.coef * scale, one.coef, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.z, np.sign(scale) * one.z, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(
        check_proportional_hazards(x * scale, longer, ties).chi2,
        check_proportional_hazards(x, outcome, ties).chi2,
        rtol=1e-5,
        atol=1e-8,
    )


@many
@given(seed=seeds, ties=ties_of)
def test_the_stratified_likelihood_is_the_sum_of_the_strata(seed: int, ties: str) -> None:
    x, outcome, centre, weight = cohort(seed)
    eta = x @ [0.5, -0.2, 0.1]
    sets = RiskSets.of(outcome.time_days, outcome.event, ties, centre.tolist(), weight)
    total = 0.0
    for k in range(3):
        own = centre == k
        if outcome.event[own].any():
            part = RiskSets.of(outcome.time_days[own], outcome.event[own], ties, None, weight[own])
            total += part.log_likelihood(eta[own][part.order])
    np.testing.assert_allclose(sets.log_likelihood(eta[sets.order]), total, rtol=1e-12)


@many
@given(seed=seeds, ties=ties_of)
def test_times_of_other_strata_do_not_matter(seed: int, ties: str) -> None:
    """Stretching the time of one stratum changes no coefficient: patients are compared within strata only."""
    x, outcome, centre, _ = cohort(seed)
    stretched = Outcome(outcome.patients, outcome.time_days * np.where(centre == 1, 50.0, 1.0), outcome.event)
    one, other = fit_cox(x, outcome, ties, strata=centre), fit_cox(x, stretched, ties, strata=centre)
    np.testing.assert_allclose(other.coef, one.coef, rtol=1e-9, atol=1e-12)


@many
@given(seed=seeds)
def test_without_ties_efron_is_breslow(seed: int) -> None:
    x, outcome, centre, weight = cohort(seed, tied=False)
    one, other = (fit_cox(x, outcome, ties, strata=centre, weight=weight) for ties in ("efron", "breslow"))
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.baseline.hazard, other.baseline.hazard, rtol=1e-9)


@many
@given(seed=seeds, ties=ties_of)
def test_expected_deaths_are_the_deaths(seed: int, ties: str) -> None:
    x, outcome, _, _ = cohort(seed)
    residual = check_linearity(x, outcome, ties, knots=3).martingale
    assert abs(residual.sum()) < 1e-9
    assert (residual <= 1).all()


@many
@given(seed=seeds)
def test_shrinkage_keeps_the_order_of_the_patients(seed: int) -> None:
    x, outcome, _, _ = cohort(seed)
    found = shrink_heuristic(x, outcome)
    assert 0 <= found.factor < 1
    np.testing.assert_allclose(found.model.linear_predictor(x), found.factor * fit_cox(x, outcome).linear_predictor(x))


@many
@given(seed=seeds, subjects=st.integers(3, 12), repeats=st.integers(2, 5))
def test_intraclass_correlations_lie_within_their_limits(seed: int, subjects: int, repeats: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(subjects, 1, 4)) * [0, 1, 3, 9] + rng.normal(size=(subjects, repeats, 4))
    for form in ("1_1", "2_1", "3_1"):
        found = intraclass_correlation(values, form)
        assert (found.icc <= 1 + 1e-12).all()
        assert ((found.lower < found.icc) & (found.icc < found.upper)).all()
        moved = intraclass_correlation(values[rng.permutation(subjects)] * -3 + 7, form)
        np.testing.assert_allclose(moved.icc, found.icc, atol=1e-9)
        mean = intraclass_correlation(values, f"{form[0]}_k")
        k = repeats
        np.testing.assert_allclose(mean.icc * (1 + (k - 1) * found.icc), k * found.icc, atol=1e-9)
    shifted = values + rng.normal(size=(1, repeats, 1)) * 5
    np.testing.assert_allclose(
        intraclass_correlation(shifted, "3_1").icc, intraclass_correlation(values, "3_1").icc, atol=1e-7
    )
