"""Restricted means and hazard ratios against R (survival) and by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perisurv.core import ConvergenceError, FeatureError, Outcome, OutcomeError, SettingsError
from perisurv.evaluation import group_hazard_ratios, hazard_ratio, restricted_mean, restricted_mean_difference

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "evaluation_r.json").read_text(encoding="utf-8"))
VETERAN = GOLDEN["veteran"]


def _outcome(time: Any, event: Any) -> Outcome:
    return Outcome(tuple(f"P{n:04}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


@pytest.fixture
def veteran() -> Outcome:
    return _outcome(VETERAN["time"], VETERAN["event"])


def test_restricted_means_as_survfit_and_survrm2(veteran: Outcome) -> None:
    expected = GOLDEN["rmst"]
    found = restricted_mean_difference(veteran, np.array(VETERAN["trt"]) == 2, expected["tau"])
    for mean, value, error in zip((found.other, found.group), expected["rmst"], expected["se"], strict=True):
        assert mean.value == pytest.approx(value, rel=1e-12)
        assert mean.standard_error == pytest.approx(error, rel=1e-12)
    for estimate, name in ((found.difference, "difference"), (found.ratio, "ratio")):
        assert [estimate.value, estimate.lower, estimate.upper] == pytest.approx(expected[name], rel=1e-11)
        assert estimate.p == pytest.approx(expected[f"p_{name}"], rel=1e-10)


def test_restricted_mean_of_lung1(test_data: Path) -> None:
    """R restricts both groups to the longest follow-up of all; it is known for the second only."""
    import pandas as pd

    folder = test_data / "reference_statistics"
    table = pd.read_csv(folder / "lung1_clin_lp.csv", index_col=0).query("grp == 1")
    row = pd.read_csv(folder / "km_lung1_medians.csv").iloc[1]
    found = restricted_mean(_outcome(table["time"], table["event"]))
    assert found.value == pytest.approx(row["rmean"], rel=1e-12)
    assert found.standard_error == pytest.approx(row["se(rmean)"], rel=1e-12)


def test_restricted_mean_by_hand() -> None:
    """Alive to 2, two thirds to 4 (a death at tau costs nothing)."""
    found = restricted_mean(_outcome([2, 4, 6], [1, 1, 0]), 4.0)
    assert found.value == pytest.approx(2 + 2 * 2 / 3)
    assert found.standard_error == pytest.approx(np.sqrt((4 / 3) ** 2 * 1 / (3 * 2)))
    assert found.p is None


def test_tau_is_the_shorter_follow_up() -> None:
    outcome = _outcome([1, 5, 2, 9], [1, 0, 1, 0])
    found = restricted_mean_difference(outcome, np.array([True, True, False, False]))
    assert found.tau_days == 5.0
    assert found.difference.value == pytest.approx((1 + 4 * 0.5) - (2 + 3 * 0.5))


def test_tau_beyond_the_follow_up() -> None:
    outcome = _outcome([1, 5, 2, 9], [1, 0, 1, 1])
    with pytest.raises(OutcomeError, match="follow-up of the group, which ends at 5 days"):
        restricted_mean_difference(outcome, np.array([True, True, False, False]), 6.0)
    with pytest.raises(OutcomeError, match="Use tau <= 5"):
        restricted_mean(_outcome([1, 5], [1, 0]), 5.5)
    assert restricted_mean(_outcome([1, 5], [1, 1]), 99.0).value == 3.0, "known where everybody has died"
    for tau in (0.0, -1.0, np.nan):
        with pytest.raises(OutcomeError, match="positive tau"):
            restricted_mean(outcome, tau)


def test_nobody_dies() -> None:
    found = restricted_mean_difference(_outcome([4, 5, 6], [0, 0, 0]), np.array([True, False, False]))
    assert (found.group.value, found.difference.value, found.difference.p) == (4.0, 0.0, None)
    assert found.ratio.value == 1.0


def test_groups_that_cannot_be(veteran: Outcome) -> None:
    with pytest.raises(OutcomeError, match="one True or False"):
        restricted_mean_difference(veteran, np.array(VETERAN["trt"]))
    with pytest.raises(OutcomeError, match="needs two"):
        restricted_mean_difference(veteran, np.ones(len(veteran), dtype=bool))


# --- hazard ratios -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [("groups", {}), ("strata", {"strata": VETERAN["trt"]}), ("breslow", {"ties": "breslow"})],
)
def test_hazard_ratios_of_groups_as_coxph(veteran: Outcome, name: str, options: dict[str, Any]) -> None:
    expected = GOLDEN["hazard_ratio"][name]
    found = group_hazard_ratios(veteran, VETERAN["cell"], **options)
    assert [(f.group, f.reference) for f in found] == [("2", "1"), ("3", "1"), ("4", "1")]
    ratios = [f.ratio for f in found]
    np.testing.assert_allclose(np.log([r.value for r in ratios]), expected["coef"], atol=1e-11)
    for key in ("lower", "upper", "p"):
        np.testing.assert_allclose([getattr(r, key) for r in ratios], expected[key], rtol=1e-9)
    np.testing.assert_allclose([r.standard_error for r in ratios], expected["se"], rtol=1e-10)


def test_hazard_ratio_per_standard_deviation(veteran: Outcome) -> None:
    expected = GOLDEN["hazard_ratio"]["per_sd"]
    karno = np.array(VETERAN["karno"], float)
    found = hazard_ratio(veteran, karno, "sd")
    assert np.log(found.value) == pytest.approx(expected["coef"], rel=1e-9)
    assert found.p == pytest.approx(expected["p"], rel=1e-7)
    per_unit = hazard_ratio(veteran, karno)
    assert np.log(found.value) == pytest.approx(np.log(per_unit.value) * karno.std(ddof=1), rel=1e-10)


def test_another_reference_turns_the_ratio(veteran: Outcome) -> None:
    forward = group_hazard_ratios(veteran, VETERAN["trt"])[0].ratio
    back = group_hazard_ratios(veteran, VETERAN["trt"], reference=2)[0].ratio
    assert forward.value * back.value == pytest.approx(1.0)
    assert forward.lower * back.upper == pytest.approx(1.0)


def test_ratios_that_cannot_be(veteran: Outcome) -> None:
    with pytest.raises(FeatureError, match="all are equal"):
        hazard_ratio(veteran, np.ones(len(veteran)))
    with pytest.raises(FeatureError, match="one finite value"):
        hazard_ratio(veteran, np.full(len(veteran), np.nan))
    with pytest.raises(SettingsError, match="per 'unit' or per 'sd'"):
        hazard_ratio(veteran, VETERAN["karno"], "iqr")  # type: ignore[arg-type]
    with pytest.raises(OutcomeError, match="needs two"):
        group_hazard_ratios(veteran, ["a"] * len(veteran))
    with pytest.raises(OutcomeError, match="'9' is none of 1, 2"):
        group_hazard_ratios(veteran, VETERAN["trt"], reference=9)
    with pytest.raises(OutcomeError, match="censored"):
        hazard_ratio(_outcome([1, 2, 3], [0, 0, 0]), [1, 2, 3])
    with pytest.raises(ConvergenceError, match="group b"):
        group_hazard_ratios(_outcome([1, 2, 3, 4], [1, 1, 0, 0]), ["a", "a", "b", "b"])
