"""Hand-worked cases and properties of the statistics."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perisurv.core import Evaluation, InputError, LadderRow, Outcome, OutcomeError, Prediction, Provenance, ReadError
from perisurv.evaluation import (
    c_index_interval,
    evaluate_branch,
    evaluation_from_json,
    evaluation_to_json,
    external_split,
    harrell_c,
    kaplan_meier,
    log_rank,
    stratified_folds,
    td_auc,
)


def _outcome(time: list[float], event: list[int]) -> Outcome:
    return Outcome(tuple(f"P{n:03}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


@st.composite
def studies(draw: st.DrawFn) -> tuple[Outcome, np.ndarray]:
    n = draw(st.integers(6, 30))
    time = draw(st.lists(st.integers(1, 15), min_size=n, max_size=n))
    event = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    time[0], time[1], event[0] = 1, 15, 1
    risk = draw(st.lists(st.integers(-4, 4), min_size=n, max_size=n))
    return _outcome([float(t) for t in time], event), np.array(risk, float)


def test_harrell_c_by_hand() -> None:
    """Deaths at 1 and 3, censored at 2 and 4: pairs (1,2) (1,3) (1,4) (3,4); one of them is discordant, one tied."""
    outcome = _outcome([1, 2, 3, 4], [1, 0, 1, 0])
    risk = np.array([2.0, 1.0, 3.0, 3.0])
    assert harrell_c(outcome.time_days, outcome.event, risk) == (1 + 0 + 0 + 0.5) / 4


def test_nobody_can_be_compared() -> None:
    with pytest.raises(OutcomeError, match="No pair"):
        harrell_c(np.array([1.0, 2.0]), np.array([False, False]), np.zeros(2))


@given(studies())
def test_c_properties(study: tuple[Outcome, np.ndarray]) -> None:
    outcome, risk = study
    time, event = outcome.time_days, outcome.event
    c = harrell_c(time, event, risk)
    assert harrell_c(time, event, -risk) == pytest.approx(1 - c)
    assert harrell_c(time / 365.25, event, np.exp(risk)) == pytest.approx(c)
    order = np.argsort(risk * 7 % 5, kind="stable")
    assert harrell_c(time[order], event[order], risk[order]) == pytest.approx(c)
    assert harrell_c(time, event, np.zeros(len(time))) == 0.5


def test_bootstrap_counts_are_the_same_as_resampled_patients() -> None:
    """The weighted pair matrix gives what resampling patients gives (ties of a patient with itself do not count)."""
    rng = np.random.default_rng(3)
    outcome = _outcome(rng.exponential(100, 80).tolist(), rng.integers(0, 2, 80).tolist())
    risk = rng.normal(size=80)
    lower, upper = c_index_interval(outcome, risk, np.random.default_rng(4), 300)
    draws = np.random.default_rng(4).multinomial(80, np.full(80, 1 / 80), size=300)
    slow = []
    for count in draws:
        pick = np.repeat(np.arange(80), count)
        time, event, r = outcome.time_days[pick], outcome.event[pick], risk[pick]
        earlier = (event[:, None] & (time[:, None] < time[None, :])).astype(float)
        slow.append((earlier * (r[:, None] > r[None, :])).sum() / earlier.sum())
    np.testing.assert_allclose((lower, upper), np.quantile(slow, [0.025, 0.975]), atol=1e-12)


def test_interval_covers() -> None:
    """A 90 % interval of a useless marker holds 0.5 about nine times in ten."""
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        outcome = _outcome(rng.exponential(100, 60).tolist(), [1] * 60)
        lower, upper = c_index_interval(outcome, rng.normal(size=60), rng, 200, 0.9)
        hits += lower <= 0.5 <= upper
    assert 47 <= hits <= 60


@given(studies())
def test_kaplan_meier_without_censoring_is_the_share_alive(study: tuple[Outcome, np.ndarray]) -> None:
    outcome = study[0]
    dead = Outcome(outcome.patients, outcome.time_days, np.ones(len(outcome), bool))
    km = kaplan_meier(dead)
    np.testing.assert_allclose(km.survival, [(dead.time_days > t).mean() for t in km.time_days], atol=1e-12)
    assert ((km.lower <= km.survival + 1e-12) & (km.survival <= km.upper + 1e-12)).all()


def test_auc_without_censoring_is_the_plain_auc() -> None:
    rng = np.random.default_rng(5)
    outcome = _outcome(rng.exponential(500, 50).tolist(), [1] * 50)
    risk = rng.normal(size=50) - 0.002 * outcome.time_days
    points, _ = td_auc("x", outcome, risk, (365.25,), rng, 100)
    early = outcome.time_days <= 365.25
    expected = (risk[early][:, None] > risk[~early][None, :]).mean()
    assert points[0].auc == pytest.approx(expected)
    fpr, tpr = np.array(points[0].false_positive_rate), np.array(points[0].true_positive_rate)
    assert np.trapezoid(tpr, fpr) == pytest.approx(expected)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)


def test_auc_without_controls_is_a_note() -> None:
    points, notes = td_auc("x", _outcome([1, 2, 3], [1, 1, 1]), np.arange(3.0), (10.0,), np.random.default_rng(0), 100)
    assert points == ()
    assert "10 days" in notes[0]


def test_log_rank_by_hand() -> None:
    """Deaths at 1 (group a) and 2 (group b) of four: O-E of a = 1 - 1/2 - 1/3, V = 1/4 + 2/9."""
    outcome = _outcome([1, 2, 3, 4], [1, 1, 0, 0])
    statistic, _ = log_rank(outcome, np.array([True, False, True, False]))
    assert statistic == pytest.approx((1 - 1 / 2 - 1 / 3) ** 2 / (1 / 4 + 2 / 9))
    with pytest.raises(OutcomeError, match="two groups"):
        log_rank(outcome, np.ones(4, bool))


def test_largest_centre_trains() -> None:
    centres = {"b": ("1", "2"), "a": ("3", "4"), "c": ("5",)}
    assert external_split(centres) == ("a", ("b", "c"))
    with pytest.raises(InputError, match="one centre only"):
        external_split({"a": ("1",)})


@given(st.integers(2, 5), st.integers(0, 1000))
def test_folds_part_the_patients_and_share_the_deaths(k: int, seed: int) -> None:
    event = [1] * 11 + [0] * 17
    outcome = _outcome(list(range(1, 29)), event)
    folds = stratified_folds(outcome, k, np.random.default_rng(seed))
    assert sorted(p for fold in folds for p in fold) == list(outcome.patients)
    deaths = [outcome.take(fold).n_events for fold in folds]
    assert max(deaths) - min(deaths) <= 1
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    shuffled = outcome.take(outcome.patients[::-1])
    assert stratified_folds(shuffled, k, np.random.default_rng(seed)) == folds


def test_more_folds_than_deaths() -> None:
    with pytest.raises(OutcomeError, match="5 deaths"):
        stratified_folds(_outcome([1, 2, 3, 4, 5, 6], [1, 0, 0, 0, 0, 0]), 5, np.random.default_rng(0))


def test_a_constant_risk_has_no_discrimination_and_one_group() -> None:
    outcome = _outcome([1, 2, 3, 4], [1, 1, 0, 1])
    prediction = Prediction(outcome.patients, np.zeros(4), (), np.empty((4, 0)), np.zeros(4, bool))
    result = evaluate_branch(
        "null", prediction, outcome, rng=np.random.default_rng(0), n_features=0, horizons_days=(2.0,), resamples=100
    )
    assert (result.row.c_index, result.row.lower, result.row.upper) == (0.5, 0.5, 0.5)
    assert result.log_rank_p == 1.0
    assert any("one risk group" in note for note in result.notes)


EVALUATION = Evaluation(
    ladder=(LadderRow("volume", 0.6, 0.5, 0.7, 10, 5, 1),),
    auc=(),
    curves=(),
    log_rank_p={"volume": 0.1},
    confidence=0.95,
    ring="ring_6mm",
    ring_votes={"ring_6mm": 7},
    selected={"volume": {"a": 0.1 + 0.2}},
    training_centres={"a": 10},
    external_centres={"b": 10},
    flow={"found": 20},
    exclusions=(("P1", "index", "no contour"),),
    tried={"branches": 1},
    notes=("n",),
    provenance=Provenance("0", "3", {}, "x", 1),
)


def test_json_keeps_every_bit() -> None:
    text = evaluation_to_json(EVALUATION)
    assert evaluation_from_json(text) == EVALUATION
    assert evaluation_to_json(evaluation_from_json(text)) == text
    with pytest.raises(ReadError, match="not an evaluation"):
        evaluation_from_json("{}")
    with pytest.raises(ValueError, match="JSON"):
        evaluation_to_json(dataclasses.replace(EVALUATION, confidence=float("nan")))
