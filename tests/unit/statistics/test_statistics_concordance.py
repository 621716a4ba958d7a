"""The tree over ranks against the matrix of all pairs, and what must hold for any follow-up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import FeatureError, OutcomeError
from perisurv.statistics import RankedPairs, concordance, harrell_c

steady = settings(max_examples=60, deadline=None, derandomize=True)
Study = tuple[np.ndarray, np.ndarray, np.ndarray]


def _study(n: int, seed: int, days: int = 12) -> Study:
    """Follow-up and risks with ties everywhere."""
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, days, n).astype(float), rng.random(n) < 0.6
    event[0], time[0], time[1] = True, 1, days
    return time, event, rng.integers(-3, 4, n).astype(float)


def _pairs(study: Study, strata: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """[i, j]: how far risks agree where i died before j's follow-up ended; 1 for each such pair."""
    time, event, risk = study
    usable = event[:, None] & ((time[:, None] < time[None, :]) | ((time[:, None] == time[None, :]) & ~event[None, :]))
    if strata is not None:
        usable &= strata[:, None] == strata[None, :]
    return usable * 0.5 * (1 + np.sign(risk[:, None] - risk[None, :])), usable.astype(float)


@pytest.mark.parametrize("seed", range(6))
def test_the_tree_counts_every_pair(seed: int) -> None:
    rng = np.random.default_rng(seed + 100)
    study = _study(40 + 17 * seed, seed)
    n = len(study[0])
    weight, by_death, strata = rng.uniform(0, 2, n), rng.uniform(0, 3, n), rng.integers(0, 3, n)
    weight[3] = 0
    agree, total = _pairs(study, strata)
    both = weight[:, None] * weight[None, :] * by_death[:, None]
    hits, pairs = agree * both, total * both
    found = concordance(*study, weight=weight, strata=list(strata), time_weight=by_death)
    c = hits.sum() / pairs.sum()
    influence = (hits.sum(0) + hits.sum(1) - c * (pairs.sum(0) + pairs.sum(1))) / pairs.sum()
    assert found.c_index == pytest.approx(c, rel=1e-13)
    assert found.pairs == pytest.approx(pairs.sum(), rel=1e-13)
    np.testing.assert_allclose(found.influence, influence, atol=1e-13)
    assert found.standard_error == pytest.approx(np.sqrt((influence**2).sum()), rel=1e-12)


def test_resamples_are_the_patients_written_out() -> None:
    study = _study(50, 1)
    counts = np.random.default_rng(2).multinomial(50, np.full(50, 0.02), size=20)
    found = RankedPairs.of(*study).resampled(counts)
    for row, c in zip(counts, found, strict=True):
        rows = np.repeat(np.arange(50), row)
        assert c == harrell_c(*(part[rows] for part in study))


def test_without_each_is_the_jackknife() -> None:
    study = _study(30, 4)
    found = RankedPairs.of(*study).without_each()
    for n in range(30):
        rest = [np.delete(part, n) for part in study]
        assert found[n] == pytest.approx(harrell_c(*rest), rel=1e-13)


def test_strata_named_by_anything() -> None:
    time, event, risk = _study(40, 3)
    strata = np.random.default_rng(1).integers(0, 3, 40)
    names = [("north", "south", "east")[s] for s in strata]
    assert harrell_c(time, event, risk, strata=names) == harrell_c(time, event, risk, strata=list(strata))
    assert harrell_c(time, event, risk, strata=["one"] * 40) == harrell_c(time, event, risk)


def test_normal_interval_stays_within_0_and_1() -> None:
    time = np.arange(1.0, 7.0)
    perfect = concordance(time, np.ones(6, bool), -time)
    assert (perfect.c_index, perfect.standard_error, perfect.interval()) == (1.0, 0.0, (1.0, 1.0))
    nearly = concordance(time, np.ones(6, bool), np.array([6.0, 5.0, 4.0, 3.0, 1.0, 2.0]))
    lower, upper = nearly.interval()
    assert 0 < lower < nearly.c_index < upper == 1.0


def test_large_n_needs_no_matrix() -> None:
    """A matrix of these pairs would take 80 GB. Without ties C of a noisy order has a known value."""
    rng = np.random.default_rng(0)
    n = 100_000
    risk = rng.normal(size=n)
    time = rng.exponential(np.exp(-risk))
    found = concordance(time, np.ones(n, bool), risk)
    # P(T1 < T2 | risks) = 1 / (1 + exp(r2 - r1)); its mean over r1 > r2 with r1 - r2 ~ N(0, 2).
    gap = np.abs(np.random.default_rng(1).normal(0, np.sqrt(2), 4_000_000))
    assert found.c_index == pytest.approx((1 / (1 + np.exp(-gap))).mean(), abs=5 * found.standard_error)
    assert 5e-4 < found.standard_error < 2e-3


@steady
@given(st.integers(2, 40), st.integers(0, 10**6), st.integers(2, 40))
def test_c_has_the_properties_of_a_rank_statistic(n: int, seed: int, days: int) -> None:
    time, event, risk = study = _study(n, seed, days)
    c = harrell_c(*study)
    assert harrell_c(time, event, -risk) == pytest.approx(1 - c, abs=1e-12)
    assert harrell_c(time / 30.4375, event, np.exp(3 * risk)) == c
    order = np.random.default_rng(seed).permutation(n)
    shuffled = concordance(time[order], event[order], risk[order])
    whole = concordance(*study)
    assert (shuffled.c_index, shuffled.standard_error) == (whole.c_index, whole.standard_error)
    np.testing.assert_array_equal(shuffled.influence, whole.influence[order])


@steady
@given(st.integers(2, 30), st.integers(0, 10**6))
def test_weights_are_duplicated_patients(n: int, seed: int) -> None:
    study = _study(n, seed)
    copies = np.random.default_rng(seed).integers(0, 4, n)
    copies[:2] = 1, 2
    rows = np.repeat(np.arange(n), copies)
    assert harrell_c(*study, weight=copies.astype(float)) == harrell_c(*(part[rows] for part in study))


@steady
@given(st.integers(2, 30), st.integers(0, 10**6))
def test_weights_in_any_order_give_the_same_bytes(n: int, seed: int) -> None:
    time, event, risk = _study(n, seed, 4)
    rng = np.random.default_rng(seed)
    weight, strata = rng.uniform(0.1, 2, n), rng.integers(0, 2, n)
    strata[:2] = 0
    order = rng.permutation(n)
    first = concordance(time, event, risk, weight=weight, strata=list(strata))
    second = concordance(time[order], event[order], risk[order], weight=weight[order], strata=list(strata[order]))
    assert (first.c_index, first.standard_error) == (second.c_index, second.standard_error)


def test_what_c_refuses() -> None:
    time, event, risk = _study(10, 0)
    for broken in (np.nan, np.inf, -np.inf):
        with pytest.raises(FeatureError, match="finite risk"):
            concordance(time, event, np.where(np.arange(10) == 4, broken, risk))
    with pytest.raises(FeatureError, match="one risk a patient: 9 risks, 10 times"):
        harrell_c(time, event, risk[:9])
    with pytest.raises(OutcomeError, match="No pair"):
        harrell_c(time, np.zeros(10, bool), risk)
    with pytest.raises(OutcomeError, match="No pair"):
        concordance(np.full(10, 5.0), np.ones(10, bool), risk)
    with pytest.raises(OutcomeError, match="No pair"):
        concordance(time, event, risk, strata=range(10))
    with pytest.raises(OutcomeError, match="No pair"):
        concordance(time, event, risk, weight=np.zeros(10))
    with pytest.raises(OutcomeError, match="Strata need one label a patient: 3 labels for 10"):
        concordance(time, event, risk, strata=["a"] * 3)
    for weight in (np.ones(3), np.full(10, -1.0), np.full(10, np.nan)):
        with pytest.raises(OutcomeError, match="weights must be finite"):
            concordance(time, event, risk, weight=weight)


def test_one_death_and_equal_risks() -> None:
    time, event = np.array([3.0, 5.0, 9.0]), np.array([True, False, False])
    found = concordance(time, event, np.array([1.0, 1.0, 1.0]))
    assert (found.c_index, found.standard_error, found.pairs) == (0.5, 0.0, 2.0)
    assert concordance(time, event, np.array([2.0, 1.0, 3.0])).c_index == 0.5
    assert concordance(np.full(3, 4.0), event, np.array([2.0, 1.0, 0.0])).c_index == 1.0
