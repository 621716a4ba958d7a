"""Log-rank tests against R's survdiff and by hand, and where they are not defined."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perisurv.core import Outcome, OutcomeError, SettingsError
from perisurv.evaluation import log_rank, log_rank_test, log_rank_trend

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "evaluation_r.json").read_text(encoding="utf-8"))
VETERAN = GOLDEN["veteran"]


def _outcome(time: Any, event: Any) -> Outcome:
    return Outcome(tuple(f"P{n:04}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


@pytest.fixture
def veteran() -> Outcome:
    return _outcome(VETERAN["time"], VETERAN["event"])


@pytest.mark.parametrize("rho", ["rho0", "rho0.5", "rho1"])
def test_four_groups_as_survdiff(veteran: Outcome, rho: str) -> None:
    expected = GOLDEN["log_rank"][rho]
    found = log_rank_test(veteran, VETERAN["cell"], "fleming_harrington", rho=expected["rho"])
    assert found.df == 3
    assert found.groups == ("1", "2", "3", "4")
    assert found.statistic == pytest.approx(expected["chisq"], rel=1e-11)
    assert found.p == pytest.approx(expected["p"], rel=1e-9)
    np.testing.assert_allclose(found.observed, expected["observed"], rtol=1e-11)
    np.testing.assert_allclose(found.expected, expected["expected"], rtol=1e-11)


@pytest.mark.parametrize("rho", ["rho0", "rho0.5", "rho1"])
def test_strata_as_survdiff(veteran: Outcome, rho: str) -> None:
    expected = GOLDEN["log_rank"][rho]
    found = log_rank_test(veteran, VETERAN["cell"], "fleming_harrington", rho=expected["rho"], strata=VETERAN["trt"])
    assert found.statistic == pytest.approx(expected["chisq_strata"], rel=1e-11)
    assert found.p == pytest.approx(expected["p_strata"], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "weight", "rho", "gamma"),
    [
        ("log_rank", "log_rank", 0, 0),
        ("gehan", "gehan", 0, 0),
        ("tarone_ware", "tarone_ware", 0, 0),
        ("peto_peto", "peto_peto", 0, 0),
        ("fh_1_1", "fleming_harrington", 1, 1),
        ("fh_0_1", "fleming_harrington", 0, 1),
    ],
)
def test_every_weight_and_its_trend(veteran: Outcome, name: str, weight: Any, rho: float, gamma: float) -> None:
    """R: the formulae written out with loops over the times."""
    expected = GOLDEN["weighted"][name]
    test = log_rank_test(veteran, VETERAN["cell"], weight, rho=rho, gamma=gamma)
    trend = log_rank_trend(veteran, VETERAN["cell"], None, weight, rho=rho, gamma=gamma)
    assert test.statistic == pytest.approx(expected["chisq"], rel=1e-11)
    assert trend.statistic == pytest.approx(expected["trend"], rel=1e-11)
    assert trend.df == 1


def test_trend_is_the_score_test_of_a_cox_model() -> None:
    """Without ties; R's coxph."""
    expected = GOLDEN["trend_untied"]
    outcome = _outcome(expected["time"], VETERAN["event"])
    assert log_rank_trend(outcome, VETERAN["cell"]).statistic == pytest.approx(expected["chisq"], rel=1e-11)
    shifted = log_rank_trend(outcome, VETERAN["cell"], [10, 30, 50, 70])
    assert shifted.statistic == pytest.approx(expected["chisq"], rel=1e-11)


def test_trend_of_two_groups_is_the_test_of_two_groups(veteran: Outcome) -> None:
    group = np.array(VETERAN["trt"])
    assert log_rank_trend(veteran, group).statistic == pytest.approx(log_rank_test(veteran, group).statistic)
    assert log_rank(veteran, group == 1) == pytest.approx(log_rank(veteran, group == 2))


def test_labels_of_any_kind(veteran: Outcome) -> None:
    by_number = log_rank_test(veteran, VETERAN["cell"])
    by_name = log_rank_test(veteran, ["abcd"[c - 1] for c in VETERAN["cell"]])
    assert by_name.statistic == pytest.approx(by_number.statistic, rel=1e-12)
    assert by_name.groups == ("a", "b", "c", "d")
    np.testing.assert_array_equal(by_name.n, by_number.n)
    ten = log_rank_test(veteran, [9 + c for c in VETERAN["cell"]])
    assert ten.groups == ("10", "11", "12", "13"), "numbers in the order of numbers"


def test_a_group_without_deaths_counts() -> None:
    """Deaths at 1 and 2 among three at risk in A (B holds one of them, censored last)."""
    found = log_rank_test(_outcome([1, 2, 3], [1, 1, 0]), ["a", "a", "b"])
    np.testing.assert_allclose(found.observed, [2, 0])
    np.testing.assert_allclose(found.expected, [2 / 3 + 1 / 2, 1 / 3 + 1 / 2])
    assert found.statistic == pytest.approx((5 / 6) ** 2 / (2 / 9 + 1 / 4))


def test_a_group_that_left_before_every_death_adds_no_degree_of_freedom() -> None:
    found = log_rank_test(_outcome([1, 2, 3, 4], [0, 1, 1, 0]), ["gone", "a", "b", "b"])
    assert found.df == 1
    assert found.statistic == pytest.approx(log_rank_test(_outcome([2, 3, 4], [1, 1, 0]), ["a", "b", "b"]).statistic)


def test_one_death() -> None:
    found = log_rank_test(_outcome([1, 2], [1, 0]), ["a", "b"])
    assert (found.statistic, found.df) == (pytest.approx(1.0), 1)


def test_tests_that_cannot_be(veteran: Outcome) -> None:
    with pytest.raises(OutcomeError, match="Nobody had an event while both"):
        log_rank_test(_outcome([1, 2, 3], [0, 0, 0]), ["a", "b", "b"])
    with pytest.raises(OutcomeError, match="Nobody had an event while groups"):
        log_rank_trend(_outcome([1, 2, 3], [0, 0, 0]), ["a", "b", "b"])
    with pytest.raises(OutcomeError, match="needs two"):
        log_rank_trend(_outcome([1, 2], [1, 1]), ["a", "a"])
    with pytest.raises(OutcomeError, match="1 have none"):
        log_rank_test(_outcome([1, 2], [1, 1]), ["a", None])
    with pytest.raises(OutcomeError, match="stratified log-rank"):
        log_rank_test(_outcome([1, 2], [1, 1]), ["a", "b"], strata=["x"])
    for scores in ([1, 2], [1, 1, 1, 1], [1, 2, 3, np.inf]):
        with pytest.raises(SettingsError, match="score"):
            log_rank_trend(veteran, VETERAN["cell"], scores)
    with pytest.raises(SettingsError, match="one of"):
        log_rank_test(veteran, VETERAN["cell"], "wilcoxon")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="belong to"):
        log_rank_test(veteran, VETERAN["cell"], "gehan", rho=1.0)
    with pytest.raises(SettingsError, match="negative"):
        log_rank_test(veteran, VETERAN["cell"], "fleming_harrington", rho=-1.0)
