"""Calibration, net benefit, tests of groups and competing risks at the edge: our error, or the right answer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hard_cases import CASES, Case, Checked, check_names, finite, log_rank_statistic, pairs, partial_score, survival_at
from scipy.stats import chi2

from perisurv.core import ConvergenceError, FeatureError, Outcome, OutcomeError
from perisurv.evaluation import (
    binary_decision_curve,
    bootstrap_counts,
    calibration_curve,
    calibration_groups,
    calibration_line,
    calibration_slope,
    cause_specific,
    cloglog,
    competing_risks,
    decision_curve,
    fine_gray,
    gray_test,
    group_hazard_ratios,
    hazard_ratio,
    incidence_curves,
    log_rank_test,
    log_rank_trend,
    observed_expected,
    reclassification,
    restricted_mean,
    restricted_mean_difference,
)
from perisurv.statistics import aalen_johansen, pseudo_survival


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def horizon(case: Case) -> float:
    return float(np.median(case.time))


def predicted(case: Case) -> np.ndarray:
    """Probabilities of death within (0, 1), spread over it by the ranks of the risk."""
    n = len(case.risk)
    return (np.argsort(np.argsort(case.risk, kind="stable")) + 0.5) / n if np.ptp(case.risk) else np.full(n, 0.4)


def causes(case: Case) -> np.ndarray:
    """Every other death is of a second cause."""
    return np.where(case.event, 1 + np.arange(len(case.time)) % 2, 0)


def observed_at(case: Case) -> float:
    return 1 - survival_at(case.time, case.event, horizon(case))


def is_slope(case: Case, found: Any) -> None:
    x = np.log(-np.log1p(-predicted(case)))
    z = (x - x.mean()) / x.std()
    score = partial_score(z[:, None], case.outcome, np.array([found.value * x.std()]), "efron")
    np.testing.assert_allclose(score, 0.0, atol=1e-5)
    assert found.lower < found.value < found.upper


def is_observed_expected(case: Case, found: Any) -> None:
    assert found.observed.value == pytest.approx(observed_at(case), abs=1e-12)
    assert found.expected == pytest.approx(predicted(case).mean(), abs=1e-12)


def is_curve(case: Case, found: Any) -> None:
    assert ((found.observed >= -1e-9) & (found.observed <= 1 + 1e-9)).all()
    gap = np.abs(found.observed - found.predicted)
    values = [found.ici.value, found.e50.value, found.e90.value, found.emax.value]
    np.testing.assert_allclose(values, [gap.mean(), np.median(gap), np.quantile(gap, 0.9), gap.max()], atol=1e-12)


def are_groups(case: Case, found: Any) -> None:
    assert sum(group.n for group in found) == len(case.time)
    assert sum(group.deaths for group in found) <= case.event.sum()


def is_benefit(case: Case, found: Any) -> None:
    assert found.event_rate == pytest.approx(observed_at(case), abs=1e-12)
    for row, threshold in enumerate(found.thresholds):
        above = predicted(case) > threshold
        if not above.any():
            assert found.net_benefit[row] == 0
            continue
        rate = 1 - survival_at(case.time[above], case.event[above], horizon(case))
        odds = threshold / (1 - threshold)
        expected = above.mean() * (rate - (1 - rate) * odds)
        if not np.isnan(found.net_benefit[row]):
            assert found.net_benefit[row] == pytest.approx(expected, abs=1e-12)


def is_binary_benefit(case: Case, found: Any) -> None:
    above = predicted(case) > 0.2
    expected = (above & case.event).mean() - (above & ~case.event).mean() * 0.25
    assert found.net_benefit[0] == pytest.approx(expected, abs=1e-12)


def is_reclassification(case: Case, found: Any) -> None:
    assert found.nri.value == pytest.approx(found.events.value + found.nonevents.value, abs=1e-12)


def is_log_rank(case: Case, found: Any) -> None:
    expected = log_rank_statistic(case.time, case.event, case.high)
    assert found.statistic == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert found.p == pytest.approx(chi2.sf(expected, 1), rel=1e-9)
    assert found.observed.sum() == pytest.approx(found.expected.sum())


def is_restricted_mean(case: Case, found: Any) -> None:
    edges = np.concatenate([[0.0], np.unique(case.time)])
    area = sum(survival_at(case.time, case.event, a) * (b - a) for a, b in pairwise(edges))
    assert found.value == pytest.approx(area, rel=1e-12)


def is_difference(case: Case, found: Any) -> None:
    assert found.difference.value == pytest.approx(found.group.value - found.other.value)
    assert found.ratio.value == pytest.approx(found.group.value / found.other.value)


def is_ratio(case: Case, found: Any) -> None:
    x = case.risk / case.risk.std(ddof=1)
    z = x - x.mean()
    np.testing.assert_allclose(partial_score(z[:, None], case.outcome, np.log([found.value]), "efron"), 0, atol=1e-5)


def are_ratios(case: Case, found: Any) -> None:
    assert len(found) == 1
    x = case.high[:, None].astype(float)
    np.testing.assert_allclose(partial_score(x, case.outcome, np.log([found[0].ratio.value]), "efron"), 0, atol=1e-5)


def is_incidence(case: Case, found: Any) -> None:
    np.testing.assert_allclose(found.incidence.sum(axis=1) + found.survival, 1.0, atol=1e-12)
    expected = [survival_at(case.time, case.event, t) for t in found.time_days]
    np.testing.assert_allclose(found.survival, expected, atol=1e-12)
    assert (np.diff(found.incidence, axis=0) >= -1e-15).all()
    assert (found.standard_error >= 0).all()


def is_chi_square(case: Case, found: Any) -> None:
    assert found.statistic >= 0
    assert found.p == pytest.approx(chi2.sf(found.statistic, found.df), rel=1e-9)


def is_subdistribution(case: Case, found: Any) -> None:
    finite(case, found.model.coef)
    assert all(r.lower < r.value < r.upper for r in found.ratios)


def with_competing(case: Case) -> Outcome:
    cause = causes(case)
    return Outcome(case.outcome.patients, case.time, cause == 1, cause == 2)


def are_incidences(case: Case, found: Any) -> None:
    """Both causes together are what Kaplan-Meier of any event says."""
    event, competing = found
    expected = [1 - survival_at(case.time, case.event, t) for t in event.time_days]
    np.testing.assert_allclose(np.add(event.incidence, competing.incidence), expected, atol=1e-12)
    for curve in found:
        assert (np.asarray(curve.lower) <= np.asarray(curve.incidence) + 1e-12).all()
        assert (np.asarray(curve.incidence) <= np.asarray(curve.upper) + 1e-12).all()


def are_risk_groups(case: Case, found: Any) -> None:
    """Whatever cannot be tested or fitted is left out with a note; curves are there for every group."""
    groups = {c.group for c in found.curves}
    assert groups == {name for name, some in (("low", ~case.high), ("high", case.high)) if some.any()}
    for cause in ("event", "competing"):
        assert (cause in found.gray_p) or any("no test of Gray" in note for note in found.notes)
        assert 0 <= found.gray_p.get(cause, 0.5) <= 1
        assert all(np.isfinite(found.subdistribution.get(cause, (1.0,))))


def is_one_cause(case: Case, found: Outcome) -> None:
    np.testing.assert_array_equal(found.event, causes(case) == 1)
    np.testing.assert_array_equal(found.time_days, case.time)


def is_pseudo(case: Case, found: np.ndarray) -> None:
    """n S - (n - 1) S without the patient."""
    n, t = len(case.time), horizon(case)
    whole = survival_at(case.time, case.event, t)
    for i in range(n):
        rest = np.arange(n) != i
        expected = n * whole - (n - 1) * survival_at(case.time[rest], case.event[rest], t)
        assert found[i] == pytest.approx(expected, abs=1e-9)


CENSORED = (OutcomeError, "All 24 patients are censored")
DIFFER = (FeatureError, "needs predictions that differ; all patients have the same")
EQUAL = {"one patient": DIFFER, "equal risks": DIFFER}
NOBODY = (OutcomeError, "Nobody had an event by 144 days")
SURVIVORS = (OutcomeError, "needs patients with an event by")
NO_CALIBRATION = {"all censored": NOBODY, **EQUAL}
NOT_REACHED = (ConvergenceError, "did not converge|term 1 of the predicted risk' grows without bound")
NO_CURVE = {
    "one death": NOT_REACHED,
    "separation": NOT_REACHED,
    "three patients": (ConvergenceError, "spline term 2 of the predicted risk' grows without bound"),
}
NO_PSEUDO_CURVE = {
    **NO_CALIBRATION,
    "one death": (ConvergenceError, "calibration regression did not converge"),
    "all die on one day": (OutcomeError, "events before the horizon and patients followed beyond it"),
}
ONE = (OutcomeError, "All patients are in one (risk )?group")
TOGETHER = (OutcomeError, "Nobody had an event while both risk groups were followed")
ONE_GROUP = {"one patient": ONE, "equal risks": ONE}
NO_TEST = {**ONE_GROUP, "all censored": TOGETHER, "all die on one day": TOGETHER}
SCORES = (OutcomeError, "Nobody had an event while groups of different score were followed")
NO_TREND = {**ONE_GROUP, "all censored": SCORES, "all die on one day": SCORES}
SAME = (FeatureError, "a value that differs between patients; all are equal")
UNBOUNDED = (ConvergenceError, "'group True' grows without bound")
NO_RATIO = {"all censored": CENSORED, "one patient": SAME, "equal risks": SAME}
NO_RATIOS = {
    "all censored": CENSORED,
    **ONE_GROUP,
    **dict.fromkeys(("one death", "separation", "three patients"), UNBOUNDED),
}
ALL_CENSORED = {"all censored": (OutcomeError, "All patients are censored")}
NO_CAUSE = (OutcomeError, "Nobody had an event of cause 1")
NO_GRAY = {**ONE_GROUP, "all censored": NO_CAUSE, "one death": NO_CAUSE, "three patients": NO_CAUSE}
CONSTANT = (FeatureError, "x0 is constant; drop it")
NO_FINE_GRAY = {
    "all censored": NO_CAUSE,
    "one death": NO_CAUSE,
    "only constant columns": CONSTANT,
    "one patient": CONSTANT,
    "no feature": (FeatureError, "one row of finite features for each of 24 patients"),
    "three patients": (ConvergenceError, "'x0' grows without bound"),
}
FUNCTIONS: dict[str, Checked] = {
    "calibration_slope": Checked(
        lambda c: calibration_slope(c.outcome, cloglog(predicted(c))), is_slope, {"all censored": CENSORED, **EQUAL}
    ),
    "observed_expected": Checked(
        lambda c: observed_expected(c.outcome, predicted(c), horizon(c)), is_observed_expected, {"all censored": NOBODY}
    ),
    "calibration_line": Checked(
        lambda c: calibration_line(c.outcome, predicted(c), horizon(c)),
        finite,
        {
            **EQUAL,
            **dict.fromkeys(("all censored", "all die on one day"), SURVIVORS),
            "separation": (ConvergenceError, "calibration slope grows without bound"),
        },
    ),
    "calibration_curve": Checked(
        lambda c: calibration_curve(c.outcome, predicted(c), horizon(c)), is_curve, {**NO_CALIBRATION, **NO_CURVE}
    ),
    "calibration_curve, pseudo": Checked(
        lambda c: calibration_curve(c.outcome, predicted(c), horizon(c), "pseudo"),
        is_curve,
        NO_PSEUDO_CURVE,
    ),
    "calibration_groups": Checked(lambda c: calibration_groups(c.outcome, predicted(c), horizon(c), 3), are_groups),
    "decision_curve": Checked(
        lambda c: decision_curve(c.outcome, predicted(c), horizon(c), [0.1, 0.5, 0.9]), is_benefit
    ),
    "binary_decision_curve": Checked(lambda c: binary_decision_curve(c.event, predicted(c), [0.2]), is_binary_benefit),
    "reclassification": Checked(
        lambda c: reclassification(
            c.outcome, predicted(c), 1 - predicted(c), horizon(c), bootstrap_counts(len(c.time), 20, rng())
        ),
        is_reclassification,
        dict.fromkeys(("all censored", "one patient", "all die on one day"), SURVIVORS),
    ),
    "log_rank_test": Checked(lambda c: log_rank_test(c.outcome, c.high), is_log_rank, NO_TEST),
    "log_rank_test, strata": Checked(
        lambda c: log_rank_test(c.outcome, c.high, strata=c.centre),
        is_chi_square,
        {**NO_TEST, "three patients": TOGETHER, "extreme hazards": TOGETHER},
    ),
    "log_rank_test, peto": Checked(lambda c: log_rank_test(c.outcome, c.high, "peto_peto"), is_chi_square, NO_TEST),
    "log_rank_trend": Checked(lambda c: log_rank_trend(c.outcome, c.high), is_log_rank, NO_TREND),
    "restricted_mean": Checked(lambda c: restricted_mean(c.outcome), is_restricted_mean),
    "restricted_mean_difference": Checked(
        lambda c: restricted_mean_difference(c.outcome, c.high), is_difference, ONE_GROUP
    ),
    "hazard_ratio": Checked(lambda c: hazard_ratio(c.outcome, c.risk, "sd"), is_ratio, NO_RATIO),
    "group_hazard_ratios": Checked(lambda c: group_hazard_ratios(c.outcome, c.high), are_ratios, NO_RATIOS),
    "aalen_johansen": Checked(lambda c: aalen_johansen(c.time, causes(c)), is_incidence, ALL_CENSORED),
    "aalen_johansen, one cause": Checked(
        lambda c: aalen_johansen(c.time, c.event.astype(int)), is_incidence, ALL_CENSORED
    ),
    "gray_test": Checked(lambda c: gray_test(c.time, causes(c), c.high), is_chi_square, NO_GRAY),
    "fine_gray": Checked(lambda c: fine_gray(c.x[:, :1], c.time, causes(c)), is_subdistribution, NO_FINE_GRAY),
    "incidence_curves": Checked(lambda c: incidence_curves("b", "all", with_competing(c)), are_incidences),
    "competing_risks": Checked(lambda c: competing_risks("b", with_competing(c), c.high), are_risk_groups),
    "cause_specific": Checked(
        lambda c: cause_specific(c.outcome, causes(c), 1),
        is_one_cause,
        {"all censored": NO_CAUSE, "one death": NO_CAUSE},
    ),
    "pseudo_survival": Checked(lambda c: pseudo_survival(c.time, c.event, horizon(c)), is_pseudo),
}


@pytest.mark.parametrize(("function", "case"), pairs(FUNCTIONS))
def test_refuses_or_is_right(function: str, case: str) -> None:
    FUNCTIONS[function].run(case)


def test_every_refusal_names_a_case() -> None:
    check_names(FUNCTIONS)
    assert "ordinary" in CASES
