"""Every function that evaluates, on follow-up and risks at the edge: our error, or the right answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hard_cases import (
    CASES,
    Case,
    Checked,
    auc_at,
    check_names,
    concordance,
    finite,
    log_rank_statistic,
    pairs,
    survival_at,
)
from scipy.stats import chi2

from perisurv.core import OutcomeError, Prediction, SettingsError
from perisurv.evaluation import (
    bootstrap_counts,
    c_index_interval,
    evaluate_branch,
    log_rank,
    paired_c_difference,
    permuted,
    risk_group_curves,
    roc_at,
    stratified_folds,
    td_auc,
)
from perisurv.statistics import harrell_c, kaplan_meier, life_table

NO_PAIR = (OutcomeError, "No pair of patients can be compared|holds a pair that can be compared")
NO_PAIRS = {"all censored": NO_PAIR, "one patient": NO_PAIR, "all die on one day": NO_PAIR}
RESAMPLES = 60


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def is_concordance(case: Case, found: float) -> None:
    assert found == pytest.approx(concordance(case.time, case.event, case.risk), abs=1e-12)


def holds_concordance(case: Case, found: tuple[float, float]) -> None:
    lower, upper = found
    assert 0 <= lower <= upper <= 1
    assert lower - 0.1 <= concordance(case.time, case.event, case.risk) <= upper + 0.1


def is_difference(case: Case, found: Any) -> None:
    first, second = (concordance(case.time, case.event, r) for r in (case.risk, case.other))
    assert found.difference == pytest.approx(first - second, abs=1e-12)
    assert -1 <= found.lower <= found.upper <= 1
    assert 0 <= found.p <= 1


def horizon(case: Case) -> float:
    return float(np.median(case.time))


def is_auc(case: Case, found: Any) -> None:
    expected = auc_at(case.time, case.event, case.risk, horizon(case))
    assert (found is None) == (expected is None)
    if found is not None:
        assert found.auc == pytest.approx(expected, abs=1e-12)
        rates = np.array([found.false_positive_rate, found.true_positive_rate])
        assert (np.diff(rates, axis=1) >= 0).all()
        np.testing.assert_allclose(rates[:, [0, -1]], [[0, 1], [0, 1]], atol=1e-12)


def is_auc_with_limits(case: Case, found: Any) -> None:
    points, notes = found
    expected = auc_at(case.time, case.event, case.risk, horizon(case))
    assert len(points) + len(notes) == 1
    if points:
        assert points[0].auc == pytest.approx(expected, abs=1e-12)
        assert 0 <= points[0].lower <= points[0].upper <= 1
    else:
        assert expected is None
        assert "no AUC" in notes[0]


def is_curve(case: Case, found: Any) -> None:
    np.testing.assert_allclose(
        found.survival, [survival_at(case.time, case.event, t) for t in found.time_days], atol=1e-12
    )
    assert ((found.lower <= found.survival + 1e-12) & (found.survival <= found.upper + 1e-12)).all()
    assert found.at_risk[0] == len(case.time)


def is_life_table(case: Case, found: Any) -> None:
    times, at_risk, deaths = found
    np.testing.assert_array_equal(at_risk, [(case.time >= t).sum() for t in times])
    np.testing.assert_array_equal(deaths, [(case.event & (case.time == t)).sum() for t in times])


def is_log_rank(case: Case, found: tuple[float, float]) -> None:
    expected = log_rank_statistic(case.time, case.event, case.high)
    assert found[0] == pytest.approx(expected, rel=1e-9)
    assert found[1] == pytest.approx(chi2.sf(expected, 1), rel=1e-9)


def are_groups(case: Case, found: Any) -> None:
    assert [c.group for c in found] == [g for g, inside in (("low", ~case.high), ("high", case.high)) if inside.any()]
    for curve in found:
        own = case.high if curve.group == "high" else ~case.high
        expected = [survival_at(case.time[own], case.event[own], t) for t in curve.time_days]
        np.testing.assert_allclose(curve.survival, expected, atol=1e-12)


def is_dealt_anew(case: Case, found: Any) -> None:
    assert found.patients == case.outcome.patients
    assert sorted(zip(found.time_days, found.event, strict=True)) == sorted(zip(case.time, case.event, strict=True))


def are_folds(case: Case, found: list[tuple[str, ...]]) -> None:
    assert sorted(p for fold in found for p in fold) == sorted(case.outcome.patients)
    assert all(case.outcome.take(fold).n_events for fold in found)


def are_counts(case: Case, found: np.ndarray) -> None:
    centre = np.array(case.centre)
    for name in set(case.centre):
        assert (found[:, centre == name].sum(axis=1) == (centre == name).sum()).all()


def is_rung(case: Case, found: Any) -> None:
    assert found.row.c_index == pytest.approx(concordance(case.time, case.event, case.risk), abs=1e-12)
    assert found.row.events == case.event.sum()
    assert 0 <= found.log_rank_p <= 1
    finite(case, found)


def rung(case: Case) -> Any:
    n = len(case.time)
    prediction = Prediction(case.outcome.patients, case.risk, (), np.zeros((n, 0)), case.high)
    return evaluate_branch(
        "b", prediction, case.outcome, rng=rng(), n_features=1, horizons_days=(horizon(case),), resamples=RESAMPLES
    )


FUNCTIONS: dict[str, Checked] = {
    "harrell_c": Checked(lambda c: harrell_c(c.time, c.event, c.risk), is_concordance, NO_PAIRS),
    "c_index_interval": Checked(
        lambda c: c_index_interval(c.outcome, c.risk, rng(), RESAMPLES), holds_concordance, NO_PAIRS
    ),
    "c_index_interval, by centre": Checked(
        lambda c: c_index_interval(c.outcome, c.risk, rng(), RESAMPLES, strata=c.centre), holds_concordance, NO_PAIRS
    ),
    "paired_c_difference": Checked(
        lambda c: paired_c_difference(c.outcome, c.risk, c.other, rng(), resamples=RESAMPLES), is_difference, NO_PAIRS
    ),
    "roc_at": Checked(lambda c: roc_at(c.outcome, c.risk, horizon(c)), is_auc),
    "td_auc": Checked(
        lambda c: td_auc("b", c.outcome, c.risk, (horizon(c),), bootstrap_counts(len(c.time), RESAMPLES, rng())),
        is_auc_with_limits,
    ),
    "kaplan_meier": Checked(lambda c: kaplan_meier(c.outcome), is_curve),
    "life_table": Checked(lambda c: life_table(c.time, c.event), is_life_table),
    "log_rank": Checked(
        lambda c: log_rank(c.outcome, c.high),
        is_log_rank,
        {
            "all censored": (OutcomeError, "Nobody had an event while both"),
            "all die on one day": (OutcomeError, "Nobody had an event while both"),
            "one patient": (OutcomeError, "one risk group; a log-rank test needs two"),
            "equal risks": (OutcomeError, "one risk group; a log-rank test needs two"),
        },
    ),
    "risk_group_curves": Checked(lambda c: risk_group_curves("b", c.outcome, c.high), are_groups),
    "permuted": Checked(lambda c: permuted(c.outcome, rng()), is_dealt_anew),
    "stratified_folds": Checked(
        lambda c: stratified_folds(c.outcome, 3, rng()),
        are_folds,
        {
            "all censored": (OutcomeError, "3 folds need at least 3 events, there are 0"),
            "one death": (OutcomeError, "3 folds need at least 3 events, there are 1"),
            "three patients": (OutcomeError, "3 folds need at least 3 events, there are 2"),
            "one patient": (OutcomeError, "3 folds need at least 3 events, there are 1"),
        },
    ),
    "bootstrap_counts": Checked(lambda c: bootstrap_counts(len(c.time), RESAMPLES, rng(), c.centre), are_counts),
    "evaluate_branch": Checked(rung, is_rung, NO_PAIRS),
}


@pytest.mark.parametrize(("function", "case"), pairs(FUNCTIONS))
def test_refuses_or_is_right(function: str, case: str) -> None:
    FUNCTIONS[function].run(case)


def test_every_refusal_names_a_case() -> None:
    check_names(FUNCTIONS)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["harrell_c", "c_index_interval", "paired_c_difference", "roc_at", "td_auc"])
def test_a_risk_that_is_no_number_is_refused(name: str, bad: float) -> None:
    case = CASES["ordinary"]
    risk = case.risk.copy()
    risk[3] = bad
    with pytest.raises(ValueError, match="finite"):
        FUNCTIONS[name].call(Case(case.x, case.outcome, risk, case.other, case.centre))


@pytest.mark.parametrize("name", ["harrell_c", "c_index_interval", "paired_c_difference", "roc_at", "td_auc"])
def test_one_risk_a_patient(name: str) -> None:
    case = CASES["ordinary"]
    with pytest.raises(ValueError, match="one (finite )?risk|each of the"):
        FUNCTIONS[name].call(Case(case.x, case.outcome, case.risk[:-1], case.other, case.centre))


def test_too_few_resamples() -> None:
    with pytest.raises(SettingsError, match="at least 2 resamples"):
        bootstrap_counts(5, 1, rng())
