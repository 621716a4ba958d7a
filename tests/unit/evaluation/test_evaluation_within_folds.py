"""C of cross-validated risks: pairs of one fold only, an interval that covers."""

import numpy as np
import pytest

from perisurv.core import FeatureError, Outcome, OutcomeError
from perisurv.evaluation import FoldRisks, c_index_interval, score_folds
from perisurv.statistics import harrell_c


def simulated(n: int, seed: int, effect: float = 1.0) -> tuple[Outcome, np.ndarray]:
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    death, censored = rng.exponential(500 * np.exp(-effect * risk)), rng.uniform(100, 3000, n)
    outcome = Outcome(tuple(f"p{k:03d}" for k in range(n)), np.minimum(death, censored) + 1, death <= censored)
    return outcome, risk


def test_one_fold_is_harrells_c_and_its_bootstrap() -> None:
    outcome, risk = simulated(60, 0)
    risks = FoldRisks(outcome, np.zeros((1, 60), dtype=np.intp), {"a": risk[None]})
    found = score_folds(risks, np.random.default_rng(1), resamples=200)
    assert found.c_index["a"] == pytest.approx(harrell_c(outcome.time_days, outcome.event, risk), abs=1e-15)
    assert found.by_fold["a"] == (found.c_index["a"],)
    assert found.interval["a"] == pytest.approx(c_index_interval(outcome, risk, np.random.default_rng(1), 200))


def test_a_shift_of_one_fold_changes_nothing() -> None:
    """Models of two folds need not share a scale; pooled over folds such a shift would pass for a signal."""
    outcome, risk = simulated(60, 1)
    fold = (np.arange(60) % 3)[None]
    one = score_folds(FoldRisks(outcome, fold, {"a": risk[None]}), np.random.default_rng(0), resamples=50)
    moved = score_folds(FoldRisks(outcome, fold, {"a": (risk + 10 * fold)}), np.random.default_rng(0), resamples=50)
    assert moved.c_index == one.c_index
    assert moved.interval == one.interval
    assert harrell_c(outcome.time_days, outcome.event, risk + 10 * fold[0]) < one.c_index["a"] - 0.1


def test_pairs_are_added_up_over_folds_and_repeats() -> None:
    outcome, risk = simulated(40, 2)
    fold = np.stack([np.arange(40) % 2, 2 + np.arange(40) // 20])
    found = score_folds(
        FoldRisks(outcome, fold, {"a": np.stack([risk, -risk])}), np.random.default_rng(0), resamples=20
    )
    hits = total = 0.0
    for repeat, sign in ((0, 1), (1, -1)):
        for i in range(40):
            for j in range(40):
                earlier = outcome.event[i] and outcome.time_days[i] < outcome.time_days[j]
                if earlier and fold[repeat, i] == fold[repeat, j]:
                    total += 1
                    hits += sign * risk[i] > sign * risk[j]
    assert found.c_index["a"] == pytest.approx(hits / total, abs=1e-15)
    assert len(found.by_fold["a"]) == 4


def test_patients_that_no_fold_scored_do_not_count() -> None:
    outcome, risk = simulated(50, 3)
    fold = np.where(np.arange(50) < 30, 0, -1)[None].astype(np.intp)
    found = score_folds(FoldRisks(outcome, fold, {"a": risk[None]}), np.random.default_rng(0), resamples=20)
    own = harrell_c(outcome.time_days[:30], outcome.event[:30], risk[:30])
    assert found.c_index["a"] == pytest.approx(own, abs=1e-15)


def test_differences_are_paired() -> None:
    outcome, risk = simulated(80, 4)
    fold = (np.arange(80) % 4)[None]
    noise = risk + np.random.default_rng(9).normal(size=80)
    risks = FoldRisks(outcome, fold, {"noise": noise[None], "same": noise[None], "truth": risk[None]})
    found = score_folds(risks, np.random.default_rng(0), resamples=400)
    assert found.differences["same", "noise"] == (0.0, 0.0, 0.0)
    difference, lower, upper = found.differences["truth", "noise"]
    assert difference == found.c_index["truth"] - found.c_index["noise"]
    assert lower < difference < upper
    apart = found.interval["truth"][1] - found.interval["noise"][0]
    assert upper - lower < apart  # narrower than two intervals that know nothing of one another
    assert set(found.differences) == {("same", "noise"), ("truth", "noise"), ("truth", "same")}


def test_interval_covers_one_half_where_there_is_nothing() -> None:
    """100 null data sets, 2 repeats of 5 folds: the 90 % interval misses about ten of them."""
    missed = 0
    for seed in range(100):
        outcome, _ = simulated(80, 100 + seed, effect=0.0)
        rng = np.random.default_rng(seed)
        fold = np.stack([rng.permutation(80) % 5, 5 + rng.permutation(80) % 5])
        risk = rng.normal(size=80)
        risks = np.stack([risk, risk + 0.3 * rng.normal(size=80)])
        found = score_folds(FoldRisks(outcome, fold, {"a": risks}), rng, resamples=200, confidence=0.9)
        lower, upper = found.interval["a"]
        missed += not lower <= 0.5 <= upper
    assert 2 <= missed <= 20


def test_what_cannot_be_scored_is_refused() -> None:
    outcome, risk = simulated(10, 5)
    alone = FoldRisks(outcome, np.arange(10)[None], {"a": risk[None]})
    assert alone.c_by_fold("a") == (None,) * 10
    with pytest.raises(OutcomeError, match="No two patients of one fold"):
        score_folds(alone, np.random.default_rng(0), resamples=10)
    with pytest.raises(FeatureError, match="finite risk"):
        FoldRisks(outcome, np.zeros((1, 10), dtype=np.intp), {"a": np.full((1, 10), np.nan)})
    with pytest.raises(FeatureError, match="do not score"):
        FoldRisks(outcome, np.full((1, 10), -1), {"a": risk[None]})
