"""What must hold for any follow-up, with ties, censoring and equal risks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import Evaluation, LadderRow, Outcome, Provenance
from perisurv.evaluation import (
    bootstrap_counts,
    c_index_interval,
    evaluation_from_json,
    evaluation_to_json,
    log_rank,
    permuted,
    roc_at,
    stratified_folds,
)
from perisurv.statistics import harrell_c, kaplan_meier

steady = settings(max_examples=60, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
Study = tuple[Outcome, np.ndarray]


def _outcome(time: list[int], event: list[int]) -> Outcome:
    return Outcome(tuple(f"P{n:03}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


@st.composite
def studies(draw: st.DrawFn) -> Study:
    n = draw(st.integers(6, 30))
    time = draw(st.lists(st.integers(1, 15), min_size=n, max_size=n))
    event = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    time[0], time[1], event[0] = 1, 16, 1
    risk = draw(st.lists(st.integers(-4, 4), min_size=n, max_size=n))
    return _outcome(time, event), np.array(risk, float)


@steady
@given(studies())
def test_c_is_a_rank_statistic(study: Study) -> None:
    """Mirrored by the sign of the risk; unmoved by any rising map of risk or time and by the order of patients."""
    outcome, risk = study
    time, event = outcome.time_days, outcome.event
    c = harrell_c(time, event, risk)
    assert 0 <= c <= 1
    assert harrell_c(time, event, -risk) == pytest.approx(1 - c)
    assert harrell_c(time / 365.25, event, np.exp(risk)) == pytest.approx(c)
    order = np.argsort(risk * 7 % 5, kind="stable")
    assert harrell_c(time[order], event[order], risk[order]) == pytest.approx(c)
    assert harrell_c(time, event, np.zeros(len(time))) == 0.5


@steady
@given(studies(), seeds)
def test_a_constant_risk_has_the_interval_of_chance(study: Study, seed: int) -> None:
    outcome, risk = study
    zero = np.zeros(len(outcome))
    assert c_index_interval(outcome, zero, np.random.default_rng(seed), 50) == (0.5, 0.5)
    lower, upper = c_index_interval(outcome, risk, np.random.default_rng(seed), 50)
    assert 0 <= lower <= upper <= 1


@steady
@given(studies(), st.integers(1, 15))
def test_auc_is_mirrored_and_is_the_area_of_its_curve(study: Study, horizon: int) -> None:
    outcome, risk = study
    roc = roc_at(outcome, risk, horizon)
    assert roc is not None
    mirrored = roc_at(outcome, -risk, horizon)
    assert mirrored is not None
    assert mirrored.auc == pytest.approx(1 - roc.auc)
    fpr, tpr = np.array(roc.false_positive_rate), np.array(roc.true_positive_rate)
    assert np.trapezoid(tpr, fpr) == pytest.approx(roc.auc)
    assert (np.diff(fpr) >= 0).all()
    assert (np.diff(tpr) >= 0).all()


@steady
@given(studies())
def test_kaplan_meier_falls_within_its_limits(study: Study) -> None:
    km = kaplan_meier(study[0])
    assert (np.diff(km.survival) <= 0).all()
    assert ((km.lower <= km.survival) & (km.survival <= km.upper) & (km.upper <= 1)).all()


@steady
@given(studies())
def test_kaplan_meier_without_censoring_is_the_share_alive(study: Study) -> None:
    outcome = study[0]
    dead = Outcome(outcome.patients, outcome.time_days, np.ones(len(outcome), bool))
    km = kaplan_meier(dead)
    np.testing.assert_allclose(km.survival, [(dead.time_days > t).mean() for t in km.time_days], atol=1e-12)


@steady
@given(studies())
def test_log_rank_does_not_care_which_group_is_named(study: Study) -> None:
    outcome, risk = study
    group = risk > 0
    group[:2] = True, False
    statistic, p = log_rank(outcome, group)
    assert log_rank(outcome, ~group) == pytest.approx((statistic, p))
    assert 0 <= p <= 1


@steady
@given(studies(), seeds)
def test_permuted_outcome_keeps_every_follow_up(study: Study, seed: int) -> None:
    outcome = study[0]
    dealt = permuted(outcome, np.random.default_rng(seed))
    assert dealt.patients == outcome.patients
    assert sorted(zip(dealt.time_days, dealt.event, strict=True)) == sorted(
        zip(outcome.time_days, outcome.event, strict=True)
    )


def test_permuted_outcome_cuts_the_link() -> None:
    rng = np.random.default_rng(3)
    outcome = _outcome(list(range(1, 201)), [1] * 200)
    risk = -outcome.time_days
    c = [harrell_c(d.time_days, d.event, risk) for d in (permuted(outcome, rng) for _ in range(200))]
    assert harrell_c(outcome.time_days, outcome.event, risk) == 1.0
    assert np.mean(c) == pytest.approx(0.5, abs=0.01)


@steady
@given(st.integers(2, 5), seeds)
def test_folds_part_the_patients_and_share_the_deaths(k: int, seed: int) -> None:
    outcome = _outcome(list(range(1, 29)), [1] * 11 + [0] * 17)
    folds = stratified_folds(outcome, k, np.random.default_rng(seed))
    assert sorted(p for fold in folds for p in fold) == list(outcome.patients)
    deaths = [outcome.take(fold).n_events for fold in folds]
    assert max(deaths) - min(deaths) <= 1
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    shuffled = outcome.take(outcome.patients[::-1])
    assert stratified_folds(shuffled, k, np.random.default_rng(seed)) == folds


@steady
@given(st.integers(1, 40), st.integers(2, 20), seeds, st.data())
def test_every_resample_has_as_many_patients(n: int, resamples: int, seed: int, data: st.DataObject) -> None:
    strata = data.draw(st.none() | st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    counts = bootstrap_counts(n, resamples, np.random.default_rng(seed), strata)
    assert counts.shape == (resamples, n)
    assert (counts.sum(axis=1) == n).all()
    again = bootstrap_counts(n, resamples, np.random.default_rng(seed), strata)
    np.testing.assert_array_equal(counts, again)


@steady
@given(numbers, numbers, st.text(), st.dictionaries(st.text(), numbers))
def test_json_returns_any_number_and_any_text(c: float, p: float, text: str, selected: dict[str, float]) -> None:
    evaluation = Evaluation(
        ladder=(LadderRow(text, c, c, c, 1, 1, 1),),
        auc=(),
        curves=(),
        calibration=(),
        net_benefit=(),
        log_rank_p={text: p},
        uno_c={text: p},
        confidence=0.95,
        ring=text,
        ring_votes={text: 1},
        selected={text: selected},
        training_centres={text: 1},
        external_centres={},
        flow={},
        exclusions=((text, text, text),),
        tried={},
        notes=(text,),
        provenance=Provenance(text, text, {}, text, 0),
    )
    written = evaluation_to_json(evaluation)
    assert evaluation_from_json(written) == evaluation
    assert evaluation_to_json(evaluation_from_json(written)) == written
