"""What must hold for any follow-up: curves, tests, restricted means, net benefit, competing causes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import Outcome, OutcomeError
from perisurv.evaluation import (
    binary_decision_curve,
    calibration_groups,
    calibration_line,
    decision_curve,
    gray_test,
    log_rank,
    log_rank_test,
    log_rank_trend,
    observed_expected,
    restricted_mean,
    restricted_mean_difference,
)
from perisurv.statistics import aalen_johansen, kaplan_meier, life_table, pseudo_survival

steady = settings(max_examples=50, deadline=None, derandomize=True)
WEIGHTS = ["log_rank", "gehan", "tarone_ware", "peto_peto", "fleming_harrington"]


def _outcome(time: object, event: object) -> Outcome:
    days = np.asarray(time, dtype=float)
    return Outcome(tuple(f"P{n:03}" for n in range(len(days))), days, np.asarray(event).astype(bool))


@st.composite
def causes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Times with many ties, causes 0, 1, 2; somebody dies of 1."""
    n = draw(st.integers(6, 30))
    time = np.array(draw(st.lists(st.integers(1, 12), min_size=n, max_size=n)), float)
    cause = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    time[0], cause[0], time[1], cause[1] = 1, 1, 13, 0
    return time, cause


@st.composite
def studies(draw: st.DrawFn) -> tuple[Outcome, np.ndarray, np.ndarray]:
    """Follow-up, a group of 0, 1, 2 and a predicted risk."""
    time, cause = draw(causes())
    group = np.array(draw(st.lists(st.integers(0, 2), min_size=len(time), max_size=len(time))))
    group[:3] = 0, 1, 2
    risk = np.array(draw(st.lists(st.integers(1, 19), min_size=len(time), max_size=len(time)))) / 20
    risk[:2] = 0.9, 0.1
    return _outcome(time, cause > 0), group, risk


def _turned(outcome: Outcome) -> tuple[Outcome, np.ndarray]:
    order = np.random.default_rng(len(outcome)).permutation(len(outcome))
    return outcome.take([outcome.patients[n] for n in order]), order


@steady
@given(causes())
def test_incidences_and_survival_add_up_to_one(study: tuple[np.ndarray, np.ndarray]) -> None:
    time, cause = study
    found = aalen_johansen(time, cause)
    np.testing.assert_allclose(found.incidence.sum(axis=1) + found.survival, 1.0, atol=1e-12)
    assert (np.diff(found.incidence, axis=0) >= -1e-15).all()
    np.testing.assert_allclose(found.survival, kaplan_meier(_outcome(time, cause > 0)).survival, atol=1e-12)
    alone = aalen_johansen(time, (cause > 0).astype(int), variance="aalen")
    km = kaplan_meier(_outcome(time, cause > 0))
    np.testing.assert_allclose(alone.incidence[:, 0], 1 - km.survival, atol=1e-12)


@steady
@given(causes())
def test_incidence_without_censoring_is_the_share_dead(study: tuple[np.ndarray, np.ndarray]) -> None:
    time, cause = study
    cause = np.maximum(cause, 1)
    found = aalen_johansen(time, cause)
    for column, which in enumerate(found.causes):
        share = [np.mean((time <= t) & (cause == which)) for t in found.time_days]
        np.testing.assert_allclose(found.incidence[:, column], share, atol=1e-12)
        variance = np.array(share) * (1 - np.array(share)) / len(time)
        np.testing.assert_allclose(found.standard_error[:, column] ** 2, variance, atol=1e-12)


@steady
@given(studies(), st.data())
def test_weights_are_patients(study: tuple[Outcome, np.ndarray, np.ndarray], data: st.DataObject) -> None:
    outcome = study[0]
    weight = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(outcome), max_size=len(outcome))))
    weight[0] = 1
    rows = np.repeat(np.arange(len(outcome)), weight)
    copies = kaplan_meier(_outcome(outcome.time_days[rows], outcome.event[rows]))
    weighted = kaplan_meier(outcome, weight=weight.astype(float))
    for name in ("time_days", "survival", "lower", "upper", "at_risk", "deaths", "standard_error"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(copies, name), atol=1e-12)


@steady
@given(studies())
def test_limits_of_every_kind_hold_the_curve(study: tuple[Outcome, np.ndarray, np.ndarray]) -> None:
    for conf_type in ("log", "log-log", "plain"):
        km = kaplan_meier(study[0], 0.9, conf_type)
        assert (km.lower >= 0).all()
        assert (km.lower <= km.survival).all()
        assert (km.survival <= km.upper).all()
        assert (km.upper <= 1).all()
        for share in (0.2, 0.5):
            q = km.quantile(share)
            assert q.days is None or q.lower is None or q.lower <= q.days
            assert q.upper is None or (q.days is not None and q.days <= q.upper)


@steady
@given(studies())
def test_log_rank_sees_only_the_order_of_times(study: tuple[Outcome, np.ndarray, np.ndarray]) -> None:
    outcome, group, _ = study
    other = _outcome(np.exp(outcome.time_days / 3) * 365.25, outcome.event)
    turned, order = _turned(outcome)
    for weight in WEIGHTS:
        rho = {"rho": 0.7, "gamma": 0.3} if weight == "fleming_harrington" else {}
        try:
            found = log_rank_test(outcome, group, weight, **rho)
        except OutcomeError:
            continue  # the weight of every death between groups is zero
        assert found.observed.sum() == pytest.approx(found.expected.sum())
        assert log_rank_test(other, group, weight, **rho).statistic == pytest.approx(found.statistic)
        assert log_rank_test(turned, group[order], weight, **rho).statistic == found.statistic
        assert 0 <= found.p <= 1


@steady
@given(studies())
def test_two_groups_as_the_classic_formula(study: tuple[Outcome, np.ndarray, np.ndarray]) -> None:
    outcome, group, _ = study
    mine = group == 0
    _, n, d = life_table(outcome.time_days, outcome.event)
    _, n1, d1 = life_table(outcome.time_days, outcome.event, mine)
    variance = (d * n1 / n * (1 - n1 / n) * (n - d) / np.maximum(n - 1, 1)).sum()
    if variance == 0:
        with pytest.raises(OutcomeError, match="Nobody had an event while both"):
            log_rank(outcome, mine)
        return
    assert log_rank(outcome, mine)[0] == pytest.approx((d1 - d * n1 / n).sum() ** 2 / variance)
    assert log_rank_trend(outcome, mine).statistic == pytest.approx(log_rank(outcome, mine)[0])


@steady
@given(studies())
def test_restricted_mean_without_censoring_is_a_mean(study: tuple[Outcome, np.ndarray, np.ndarray]) -> None:
    time = study[0].time_days
    dead = _outcome(time, np.ones(len(time), bool))
    for tau in (0.5, 3.0, 7.5, 20.0):
        cut = np.minimum(time, tau)
        found = restricted_mean(dead, tau)
        assert found.value == pytest.approx(cut.mean())
        if tau < time.max():
            assert found.standard_error == pytest.approx(cut.std() / np.sqrt(len(time)))


@steady
@given(studies(), st.floats(0.1, 400))
def test_restricted_mean_moves_with_the_unit_of_time(
    study: tuple[Outcome, np.ndarray, np.ndarray], unit: float
) -> None:
    outcome, group, _ = study
    tau = min(outcome.time_days[group == 0].max(), outcome.time_days[group != 0].max())
    here = restricted_mean_difference(outcome, group == 0, tau)
    there = restricted_mean_difference(_outcome(outcome.time_days * unit, outcome.event), group == 0, tau * unit)
    assert there.difference.value == pytest.approx(here.difference.value * unit, abs=1e-9 * unit)
    assert there.ratio.value == pytest.approx(here.ratio.value)
    assert there.ratio.standard_error == pytest.approx(here.ratio.standard_error)


@steady
@given(studies(), st.integers(0, 95))
def test_treating_all(study: tuple[Outcome, np.ndarray, np.ndarray], percent: int) -> None:
    outcome, _, risk = study
    threshold = percent / 100
    odds = threshold / (1 - threshold)
    found = decision_curve(outcome, risk, 6.0, [threshold])
    share = 1 - float(kaplan_meier(outcome).at(6.0)[0])
    assert found.treat_all[0] == pytest.approx(share - (1 - share) * odds, abs=1e-12)
    everybody = decision_curve(outcome, np.ones(len(outcome)), 6.0, [threshold])
    assert everybody.net_benefit[0] == pytest.approx(found.treat_all[0], abs=1e-12)
    nobody = decision_curve(outcome, np.zeros(len(outcome)), 6.0, [threshold])
    assert nobody.net_benefit[0] == 0.0
    turned, order = _turned(outcome)
    again = decision_curve(turned, risk[order], 6.0, [threshold])
    np.testing.assert_allclose(again.net_benefit, found.net_benefit, atol=1e-12)


@steady
@given(studies())
def test_without_censoring_net_benefit_is_the_plain_one(study: tuple[Outcome, np.ndarray, np.ndarray]) -> None:
    outcome, _, risk = study
    dead = _outcome(outcome.time_days, np.ones(len(outcome), bool))
    grid = [0.0, 0.2, 0.5, 0.8]
    censored, plain = decision_curve(dead, risk, 6.0, grid), binary_decision_curve(dead.time_days <= 6.0, risk, grid)
    np.testing.assert_allclose(censored.net_benefit, plain.net_benefit, atol=1e-12)
    cause = decision_curve(dead, risk, 6.0, grid, of_interest=dead.event)
    np.testing.assert_allclose(cause.net_benefit, plain.net_benefit, atol=1e-12)


@steady
@given(studies())
def test_pseudo_values_average_to_the_curve(study: tuple[Outcome, np.ndarray, np.ndarray]) -> None:
    """Each is n S - (n - 1) S(-i), by leaving patients out one by one."""
    outcome = study[0]
    found = pseudo_survival(outcome.time_days, outcome.event, 6.0)
    n = len(outcome)
    whole = kaplan_meier(outcome)
    place = np.searchsorted(whole.time_days, 6.0, side="right")
    for i in (0, 1, n - 1):
        rest = kaplan_meier(outcome.take([p for k, p in enumerate(outcome.patients) if k != i]))
        left = np.append(1.0, rest.survival)[np.searchsorted(rest.time_days, 6.0, side="right")]
        expected = n * np.append(1.0, whole.survival)[place] - (n - 1) * left
        assert found[i] == pytest.approx(expected, abs=1e-11)


@steady
@given(studies())
def test_calibration_ignores_the_order_of_patients(study: tuple[Outcome, np.ndarray, np.ndarray]) -> None:
    outcome, _, risk = study
    turned, order = _turned(outcome)
    there = calibration_groups(turned, risk[order], 6.0, 3)
    for one, other in zip(calibration_groups(outcome, risk, 6.0, 3), there, strict=True):
        assert (one.n, one.deaths) == (other.n, other.deaths)
        assert one.observed == other.observed
        assert one.predicted == pytest.approx(other.predicted)
    here = observed_expected(outcome, risk, 6.0)
    assert sum(g.n for g in there) == len(outcome)
    assert observed_expected(turned, risk[order], 6.0).ratio.value == pytest.approx(here.ratio.value)


def test_calibration_line_ignores_the_order_of_patients() -> None:
    rng = np.random.default_rng(2)
    risk = rng.uniform(0.05, 0.95, 80)
    death, censored = rng.exponential(-6 / np.log1p(-risk)), rng.uniform(4, 15, 80)
    outcome = _outcome(np.minimum(death, censored), death <= censored)
    turned, order = _turned(outcome)
    here, there = calibration_line(outcome, risk, 6.0), calibration_line(turned, risk[order], 6.0)
    assert there.slope.value == pytest.approx(here.slope.value, rel=1e-9)
    assert there.intercept.upper == pytest.approx(here.intercept.upper, rel=1e-9)


@steady
@given(causes(), st.integers(0, 2**31))
def test_gray_sees_only_the_order_of_times(study: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    time, cause = study
    group = np.random.default_rng(seed).integers(0, 3, len(time))
    group[:3] = 0, 1, 2
    try:
        found = gray_test(time, cause, group)
    except OutcomeError:
        return  # nobody of two groups was followed at a death of the cause
    assert gray_test(np.exp(time), cause, group).statistic == pytest.approx(found.statistic)
    order = np.random.default_rng(seed + 1).permutation(len(time))
    assert gray_test(time[order], cause[order], group[order]).statistic == pytest.approx(found.statistic)
    assert gray_test(time, cause, 2 - group).statistic == pytest.approx(found.statistic)
