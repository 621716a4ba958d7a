"""Splits: whole patients, deaths on both sides, and nothing that hangs on the order of the rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import InputError, LeakageError, Outcome, OutcomeError, SettingsError
from perisurv.evaluation import (
    Split,
    external_centres,
    leave_one_centre_out,
    repeated_folds,
    stratified_folds,
    temporal_split,
)


def outcome_of(n: int = 30, every: int = 2) -> Outcome:
    ids = tuple(f"p{k:02d}" for k in range(n))
    return Outcome(ids, np.arange(n) + 10.0, np.arange(n) % every == 0)


def test_a_patient_in_both_parts_is_a_leak() -> None:
    with pytest.raises(LeakageError, match=r"2 patients that it trains on \(b, c\)"):
        Split("fold 1", ("a", "b", "c"), ("c", "b", "d"))


@pytest.mark.parametrize(
    ("training", "scored", "message"),
    [((), ("a",), "training part is empty"), (("a", "b"), (), "scored part is empty"), (("a", "a"), ("b",), "twice")],
)
def test_parts_hold_each_patient_once(training: tuple[str, ...], scored: tuple[str, ...], message: str) -> None:
    with pytest.raises(OutcomeError, match=message):
        Split("x", training, scored)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(2, 6), st.integers(1, 4), st.integers(20, 60), st.integers(2, 3), st.randoms(use_true_random=False))
def test_repeated_folds_score_every_patient_once_a_repeat(folds, repeats, n, every, random) -> None:
    outcome = outcome_of(n, every)
    splits = repeated_folds(outcome, folds, repeats, np.random.default_rng(5))
    assert len(splits) == folds * repeats
    for repeat in range(repeats):
        own = [s for s in splits if s.repeat == repeat]
        assert sorted(p for s in own for p in s.scored) == sorted(outcome.patients)
        deaths = [outcome.take(s.scored).n_events for s in own]
        sizes = [len(s.scored) for s in own]
        assert max(deaths) - min(deaths) <= 1
        assert max(sizes) - min(sizes) <= 1
        for s in own:
            assert sorted((*s.training, *s.scored)) == sorted(outcome.patients)
    shuffled = list(outcome.patients)
    random.shuffle(shuffled)
    assert repeated_folds(outcome.take(shuffled), folds, repeats, np.random.default_rng(5)) == splits


def test_repeats_differ() -> None:
    splits = repeated_folds(outcome_of(), 5, 2, np.random.default_rng(0))
    assert {s.scored for s in splits[:5]} != {s.scored for s in splits[5:]}


def test_strata_are_spread_over_the_folds() -> None:
    outcome = outcome_of(40, 2)
    centre = {p: "small" if k < 8 else "large" for k, p in enumerate(outcome.patients)}
    for fold in stratified_folds(outcome, 4, np.random.default_rng(1), centre):
        assert sum(centre[p] == "small" for p in fold) == 2


def test_more_folds_than_deaths_is_refused() -> None:
    with pytest.raises(OutcomeError, match="5 folds need at least 5 events, there are 3"):
        repeated_folds(outcome_of(9, 3), 5, 2, np.random.default_rng(0))
    with pytest.raises(SettingsError, match="at least 1 repeat"):
        repeated_folds(outcome_of(), 5, 0, np.random.default_rng(0))


def test_each_centre_is_left_out_once() -> None:
    outcome = outcome_of(12, 2)
    centres = {"b": outcome.patients[:5], "a": outcome.patients[5:9], "c": outcome.patients[9:]}
    splits = leave_one_centre_out(centres, outcome)
    assert [s.name for s in splits] == ["a", "b", "c"]
    assert all(s.scored == centres[s.name] for s in splits)
    assert all(set(s.training) == set(outcome.patients) - set(s.scored) for s in splits)


def test_a_centre_without_deaths_is_named() -> None:
    outcome = outcome_of(12, 2)
    alive = [p for p, died in zip(outcome.patients, outcome.event, strict=True) if not died]
    centres = {"north": [p for p in outcome.patients if p not in alive[:3]], "south": alive[:3]}
    with pytest.raises(OutcomeError, match="Nobody of centre south had an event"):
        leave_one_centre_out(centres, outcome)
    with pytest.raises(OutcomeError, match="0 of the 3 scored patients had an event"):
        external_centres(centres, outcome)
    with pytest.raises(InputError, match="one centre only"):
        leave_one_centre_out({"north": outcome.patients}, outcome)


def test_largest_centre_trains() -> None:
    outcome = outcome_of(12, 2)
    split = external_centres({"a": outcome.patients[:4], "b": outcome.patients[4:]}, outcome)
    assert (split.training, split.scored) == (outcome.patients[4:], outcome.patients[:4])


def test_earlier_patients_train() -> None:
    outcome = outcome_of(10, 2)
    year = {p: float(2010 + k // 2) for k, p in enumerate(outcome.patients)}
    split = temporal_split(year, outcome, cutoff=2013.0)
    assert split.scored == outcome.patients[6:]
    by_share = temporal_split(year, outcome, share=0.5)
    assert by_share.training == outcome.patients[:4]  # 2012 stays together, on the later side
    dates = {p: f"{2010 + k}-03-01" for k, p in enumerate(outcome.patients)}
    assert temporal_split(dates, outcome, cutoff="2018-01-01").scored == outcome.patients[8:]


def test_a_patient_without_time_is_named() -> None:
    outcome = outcome_of(6, 2)
    year = dict.fromkeys(outcome.patients, 2010.0) | {"p03": float("nan")}
    with pytest.raises(InputError, match="p03 has none"):
        temporal_split(year, outcome)
    with pytest.raises(InputError, match="numbers or dates, not both"):
        temporal_split(dict.fromkeys(outcome.patients, 2010.0), outcome, cutoff="2010-01-01")
    with pytest.raises(OutcomeError, match="training part is empty"):
        temporal_split(dict.fromkeys(outcome.patients, 2010.0), outcome)
    with pytest.raises(SettingsError, match="share"):
        temporal_split(dict.fromkeys(outcome.patients, 2010.0), outcome, share=1.0)
