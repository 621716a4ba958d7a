"""Hand-worked cases, and input that is refused."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from perisurv.core import (
    AucPoint,
    Evaluation,
    FeatureError,
    InputError,
    LadderRow,
    Outcome,
    OutcomeError,
    Prediction,
    Provenance,
    ReadError,
    RiskGroupCurve,
    SettingsError,
)
from perisurv.evaluation import (
    bootstrap_counts,
    c_index_interval,
    evaluate_branch,
    evaluation_from_json,
    evaluation_to_json,
    external_split,
    ladder_row,
    log_rank,
    paired_c_difference,
    percentile_interval,
    risk_group_curves,
    roc_at,
    stratified_folds,
    td_auc,
)
from perisurv.statistics import harrell_c, kaplan_meier


def _outcome(time: list[float], event: list[int]) -> Outcome:
    return Outcome(tuple(f"P{n:03}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


def _study(n: int, seed: int) -> tuple[Outcome, np.ndarray]:
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    death, censored = rng.exponential(500 * np.exp(-risk)), rng.uniform(100, 2000, n)
    return _outcome(np.minimum(death, censored).tolist(), (death <= censored).astype(int).tolist()), risk


# --- discrimination ----------------------------------------------------------------------------------------------


def test_harrell_c_by_hand() -> None:
    """Deaths at 1 and 3, censored at 2 and 4: pairs (1,2) (1,3) (1,4) (3,4); two are discordant, one is tied."""
    outcome = _outcome([1, 2, 3, 4], [1, 0, 1, 0])
    risk = np.array([2.0, 1.0, 3.0, 3.0])
    assert harrell_c(outcome.time_days, outcome.event, risk) == (1 + 0 + 0 + 0.5) / 4


def test_ties_in_time_by_hand() -> None:
    """On one day a death comes before a censoring; two deaths on one day are no pair."""
    outcome = _outcome([5, 5, 5], [1, 1, 0])
    assert harrell_c(outcome.time_days, outcome.event, np.array([2.0, 0.0, 1.0])) == 0.5
    assert harrell_c(outcome.time_days, outcome.event, np.array([2.0, 2.0, 1.0])) == 1.0


def test_no_discrimination_without_pairs_or_with_broken_risks() -> None:
    outcome = _outcome([1, 2, 3], [1, 0, 1])
    with pytest.raises(OutcomeError, match="No pair"):
        harrell_c(np.array([1.0, 2.0]), np.array([False, False]), np.zeros(2))
    with pytest.raises(FeatureError, match="finite"):
        harrell_c(outcome.time_days, outcome.event, np.array([1.0, np.nan, 2.0]))
    with pytest.raises(FeatureError, match="2 risks, 3 times"):
        harrell_c(outcome.time_days, outcome.event, np.zeros(2))
    with pytest.raises(FeatureError, match="finite"):
        roc_at(outcome, np.array([1.0, np.inf, 2.0]), 2.0)


def test_bootstrap_counts_are_the_same_as_resampled_patients() -> None:
    """The weighted pair matrix gives what resampling patients gives (copies of one patient are no pair)."""
    outcome, risk = _study(80, 3)
    lower, upper = c_index_interval(outcome, risk, np.random.default_rng(4), 300)
    slow = []
    for count in bootstrap_counts(80, 300, np.random.default_rng(4)):
        pick = np.repeat(np.arange(80), count)
        slow.append(harrell_c(outcome.time_days[pick], outcome.event[pick], risk[pick]))
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


def test_strata_keep_the_size_of_every_centre() -> None:
    strata = ["a"] * 7 + ["b"] * 3
    counts = bootstrap_counts(10, 50, np.random.default_rng(0), strata)
    assert (counts[:, :7].sum(axis=1) == 7).all()
    assert (counts[:, 7:].sum(axis=1) == 3).all()
    assert (bootstrap_counts(10, 50, np.random.default_rng(0))[:, :7].sum(axis=1) != 7).any()
    outcome, risk = _study(10, 1)
    within = c_index_interval(outcome, risk, np.random.default_rng(0), 50, strata=strata)
    assert within != c_index_interval(outcome, risk, np.random.default_rng(0), 50)


def test_intervals_refuse_impossible_settings() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(SettingsError, match="at least 2 resamples"):
        bootstrap_counts(5, 1, rng)
    with pytest.raises(SettingsError, match="2 strata, 5 patients"):
        bootstrap_counts(5, 10, rng, ["a", "b"])
    with pytest.raises(SettingsError, match="between 0 and 1"):
        percentile_interval(np.arange(3.0), 95)
    with pytest.raises(OutcomeError, match="no interval"):
        percentile_interval(np.array([np.nan, np.nan]), 0.95)


def test_paired_difference_of_equal_risks_is_nothing() -> None:
    outcome, risk = _study(60, 2)
    same = paired_c_difference(outcome, risk, 3 * risk + 1, np.random.default_rng(0), resamples=100)
    assert dataclasses.astuple(same) == (0.0, 0.0, 0.0, 1.0, 0.0)


def test_paired_difference_sees_what_two_intervals_hide() -> None:
    """A risk and the same risk with noise: the intervals of C overlap, the difference is clear."""
    outcome, risk = _study(300, 5)
    noisy = risk + np.random.default_rng(6).normal(0, 0.7, 300)
    first = ladder_row("risk", outcome, risk, np.random.default_rng(1), 1)
    second = ladder_row("noisy", outcome, noisy, np.random.default_rng(1), 1)
    paired = paired_c_difference(outcome, risk, noisy, np.random.default_rng(1))
    assert second.upper > first.lower
    assert paired.lower > 0
    assert paired.p < 0.001
    assert paired.difference == pytest.approx(first.c_index - second.c_index)


# --- AUC over time -----------------------------------------------------------------------------------------------


def test_auc_by_hand() -> None:
    """Death at 1, censored at 2, death at 3, alive at 5; horizon 4.

    G: of three followed beyond day 1 one is censored at 2, so G(3-) = 2/3 and the weights of the cases are 1 and 3/2.
    One control; the first case lies below it, the second above: AUC = 1.5 / 2.5.
    """
    roc = roc_at(_outcome([1, 2, 3, 5], [1, 0, 1, 0]), np.array([0.0, 9.0, 2.0, 1.0]), 4.0)
    assert roc is not None
    assert roc.auc == pytest.approx(0.6)
    assert roc.true_positive_rate == pytest.approx((0, 0, 0.6, 0.6, 1.0))
    assert roc.false_positive_rate == pytest.approx((0, 0, 0, 1.0, 1.0))


def test_auc_without_censoring_is_the_plain_auc() -> None:
    rng = np.random.default_rng(5)
    outcome = _outcome(rng.exponential(500, 50).tolist(), [1] * 50)
    risk = rng.normal(size=50) - 0.002 * outcome.time_days
    roc = roc_at(outcome, risk, 365.25)
    early = outcome.time_days <= 365.25
    expected = (risk[early][:, None] > risk[~early][None, :]).mean()
    assert roc is not None
    assert roc.auc == pytest.approx(expected)
    fpr, tpr = np.array(roc.false_positive_rate), np.array(roc.true_positive_rate)
    assert np.trapezoid(tpr, fpr) == pytest.approx(expected)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)


def test_auc_interval_is_that_of_resampled_patients() -> None:
    outcome, risk = _study(50, 8)
    counts = bootstrap_counts(50, 40, np.random.default_rng(9))
    slow = []
    for count in counts:
        pick = np.repeat(np.arange(50), count)
        copies = _outcome(outcome.time_days[pick].tolist(), outcome.event[pick].astype(int).tolist())
        roc = roc_at(copies, risk[pick], 365.25)
        assert roc is not None
        slow.append(roc.auc)
    (point,), _ = td_auc("x", outcome, risk, (365.25,), counts, 0.9)
    np.testing.assert_allclose((point.lower, point.upper), np.quantile(slow, [0.05, 0.95]), atol=1e-12)


def test_censoring_of_other_patients_can_be_used() -> None:
    """G of a cohort without censoring is 1 everywhere, which leaves the unweighted AUC."""
    outcome, risk = _study(40, 10)
    uncensored = _outcome([4000.0, 5000.0], [1, 1])
    early, late = outcome.event & (outcome.time_days <= 400), outcome.time_days > 400
    expected = (risk[early][:, None] > risk[late][None, :]).mean()
    roc = roc_at(outcome, risk, 400.0, uncensored)
    own = roc_at(outcome, risk, 400.0)
    assert roc is not None
    assert own is not None
    assert roc.auc == pytest.approx(expected)
    assert own.auc != roc.auc


@pytest.mark.parametrize("horizon", [0.5, 10.0], ids=["no case", "no control"])
def test_undefined_auc_is_a_note(horizon: float) -> None:
    counts = bootstrap_counts(3, 100, np.random.default_rng(0))
    points, notes = td_auc("deep", _outcome([1, 2, 3], [1, 1, 1]), np.arange(3.0), (horizon, 2.5), counts)
    assert [p.time_days for p in points] == [2.5]
    assert len(notes) == 1
    assert f"deep: no AUC at {horizon:g} days" in notes[0]


# --- risk groups -------------------------------------------------------------------------------------------------


def test_kaplan_meier_by_hand() -> None:
    """Death at 1 of four, censored at 2, death at 3 of two: 3/4, 3/4, 3/8; Greenwood 1/12 and 1/12 + 1/2."""
    km = kaplan_meier(_outcome([1, 2, 3, 4], [1, 0, 1, 0]))
    np.testing.assert_allclose(km.survival, [0.75, 0.75, 0.375, 0.375])
    np.testing.assert_array_equal(km.at_risk, [4, 3, 2, 1])
    np.testing.assert_allclose(km.lower[2], 0.375 * np.exp(-1.959963984540054 * np.sqrt(1 / 12 + 1 / 2)))
    assert km.upper[2] == 1.0


def test_log_rank_by_hand() -> None:
    """Deaths at 1 (group a) and 2 (group b) of four: O-E of a = 1 - 1/2 - 1/3, V = 1/4 + 2/9."""
    outcome = _outcome([1, 2, 3, 4], [1, 1, 0, 0])
    statistic, _ = log_rank(outcome, np.array([True, False, True, False]))
    assert statistic == pytest.approx((1 - 1 / 2 - 1 / 3) ** 2 / (1 / 4 + 2 / 9))


def test_log_rank_needs_two_groups_and_a_death_between_them() -> None:
    with pytest.raises(OutcomeError, match="one risk group"):
        log_rank(_outcome([1, 2], [1, 1]), np.ones(2, bool))
    with pytest.raises(OutcomeError, match="Nobody had an event"):
        log_rank(_outcome([1, 2, 3], [0, 1, 1]), np.array([True, False, False]))
    with pytest.raises(OutcomeError, match="one group a patient"):
        log_rank(_outcome([1, 2, 3], [0, 1, 1]), np.array([True, False]))


def test_curves_of_two_groups() -> None:
    outcome = _outcome([100, 200, 300, 400, 500], [1, 0, 1, 1, 0])
    low, high = risk_group_curves("x", outcome, np.array([True, False, True, False, False]))
    assert (low.group, high.group) == ("low", "high")
    assert high.time_days == (100, 300)
    assert high.survival == (0.5, 0.0)
    assert high.at_risk_time_days == low.at_risk_time_days == (0.0, 182.625, 365.25)
    assert (low.at_risk, high.at_risk) == ((3, 3, 2), (2, 1, 0))
    (only,) = risk_group_curves("x", outcome, np.zeros(5, bool))
    assert only.group == "low"


# --- splits ------------------------------------------------------------------------------------------------------


def test_largest_centre_trains() -> None:
    centres = {"b": ("1", "2"), "a": ("3", "4"), "c": ("5",), "empty": ()}
    assert external_split(centres) == ("a", ("b", "c"))
    with pytest.raises(InputError, match=r"at least two centres; there is one centre only \(a\)"):
        external_split({"a": ("1",), "empty": ()})
    with pytest.raises(InputError, match="there is no patient"):
        external_split({})


def test_impossible_folds() -> None:
    outcome = _outcome([1, 2, 3, 4, 5, 6], [1, 0, 0, 0, 0, 0])
    with pytest.raises(OutcomeError, match="5 events"):
        stratified_folds(outcome, 5, np.random.default_rng(0))
    with pytest.raises(SettingsError, match="at least 2 folds"):
        stratified_folds(outcome, 1, np.random.default_rng(0))


# --- one branch --------------------------------------------------------------------------------------------------


def test_a_branch_on_its_own_patients_in_its_own_order() -> None:
    outcome, risk = _study(60, 11)
    some = tuple(reversed(outcome.patients[10:]))
    scored = risk[10:][::-1]
    prediction = Prediction(some, scored, (), np.empty((50, 0)), scored > 0)
    result = evaluate_branch("x", prediction, outcome, rng=np.random.default_rng(1), n_features=3, resamples=100)
    own = outcome.take(some)
    assert result.row == ladder_row("x", own, scored, np.random.default_rng(1), 3, resamples=100)
    assert (result.row.n, result.row.events, result.row.n_features) == (50, own.n_events, 3)
    assert result.row.lower < result.row.c_index < result.row.upper
    assert [p.time_days for p in result.auc] == [365.25, 730.5, 1095.75]
    assert result.log_rank_p == log_rank(own, scored > 0)[1]
    assert result.notes == ()


def test_a_constant_risk_has_no_discrimination_and_one_group() -> None:
    outcome = _outcome([1, 2, 3, 4], [1, 1, 0, 1])
    prediction = Prediction(outcome.patients, np.zeros(4), (), np.empty((4, 0)), np.zeros(4, bool))
    result = evaluate_branch(
        "null", prediction, outcome, rng=np.random.default_rng(0), n_features=0, horizons_days=(2.0,), resamples=100
    )
    assert (result.row.c_index, result.row.lower, result.row.upper) == (0.5, 0.5, 0.5)
    assert (result.auc[0].auc, result.auc[0].lower, result.auc[0].upper) == (0.5, 0.5, 0.5)
    assert result.log_rank_p == 1.0
    assert any("one risk group" in note for note in result.notes)


# --- evaluation.json ---------------------------------------------------------------------------------------------

EVALUATION = Evaluation(
    ladder=(LadderRow("volume", 0.6, 0.5, 0.7, 10, 5, 1), LadderRow("oracle", 0.8, 0.7, 0.9, 10, 5, 0)),
    auc=(AucPoint("volume", 365.25, 0.1 + 0.2, 0.5, 0.7, (0.0, 1.0), (0.0, 1.0)),),
    curves=(RiskGroupCurve("volume", "low", (1.0,), (0.5,), (1e-300,), (1.0,), (0.0,), (2,)),),
    calibration=(),
    net_benefit=(),
    log_rank_p={"volume": 0.1},
    uno_c={},
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
    provenance=Provenance("0", "3", {"numpy": "2"}, "x", 1),
)


def test_json_keeps_every_bit() -> None:
    text = evaluation_to_json(EVALUATION)
    assert evaluation_from_json(text) == EVALUATION
    assert evaluation_to_json(evaluation_from_json(text)) == text
    assert json.loads(text)["ladder"][0] == {
        "branch": "volume", "c_index": 0.6, "lower": 0.5, "upper": 0.7, "n": 10, "events": 5, "n_features": 1,
    }  # fmt: skip


def test_json_refuses_numbers_that_are_not_finite() -> None:
    with pytest.raises(FeatureError, match="not finite"):
        evaluation_to_json(dataclasses.replace(EVALUATION, confidence=float("nan")))


def _with(path: list[Any], value: object) -> str:
    """The text of the evaluation with one value replaced."""
    values = place = json.loads(evaluation_to_json(EVALUATION))
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(values)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "Expecting value"),
        ("[]", "evaluation must hold ladder"),
        ("{}", "missing or unknown: \\['auc'"),
        ("[" * 100_000, "recursion"),
        (_with(["ladder"], {}), "evaluation.ladder must be a list"),
        (_with(["ladder", 0, "n"], 1.5), r"evaluation.ladder\[0\].n must be int, got 1.5"),
        (_with(["ladder", 1, "c_index"], "0.6"), r"ladder\[1\].c_index must be float, got '0.6'"),
        (_with(["ladder", 0, "c_index"], True), "c_index must be float, got True"),
        (_with(["ladder", 0], {"branch": "x"}), r"ladder\[0\] must hold branch, c_index"),
        (_with(["confidence"], float("nan")), "NaN is no number"),
        (_with(["confidence"], 1).replace('"confidence": 1', '"confidence": 1e999'), "confidence is not finite"),
        (_with(["log_rank_p"], []), "log_rank_p must be a table"),
        (_with(["exclusions", 0], ["P1"]), r"exclusions\[0\] must be a list of 3"),
        (_with(["more"], 1), r"missing or unknown: \['more'\]"),
    ],
    ids=range(14),
)
def test_json_that_is_no_evaluation_names_the_place(text: str, place: str) -> None:
    with pytest.raises(ReadError, match=place):
        evaluation_from_json(text)
