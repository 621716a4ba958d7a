"""Kaplan-Meier with weights, limits and quantiles, and what is built from it, against R and by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perisurv.core import Outcome, OutcomeError, SettingsError
from perisurv.statistics import (
    incidence_at,
    kaplan_meier,
    pseudo_survival,
    restricted_cubic_spline,
    spline_knots,
    survival_at,
)

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "evaluation_r.json").read_text(encoding="utf-8"))
VETERAN = GOLDEN["veteran"]


def _outcome(time: Any, event: Any) -> Outcome:
    return Outcome(tuple(f"P{n:04}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


def _numbers(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=float)


@pytest.mark.parametrize("conf_type", ["log", "log-log", "plain"])
@pytest.mark.parametrize("weighted", [False, True])
def test_limits_weights_and_quantiles_as_survfit(conf_type: Any, weighted: bool) -> None:
    expected = GOLDEN["km_weighted" if weighted else "km"][conf_type]
    weight = np.array(VETERAN["weight"], float) if weighted else None
    km = kaplan_meier(_outcome(VETERAN["time"], VETERAN["event"]), 0.95 if weighted else 0.9, conf_type, weight)
    np.testing.assert_array_equal(km.time_days, expected["time"])
    np.testing.assert_array_equal(km.at_risk, expected["at_risk"])
    np.testing.assert_allclose(km.survival, expected["survival"], atol=1e-12)
    for name, values in (("se", km.standard_error), ("lower", km.lower), ("upper", km.upper)):
        known = ~np.isnan(_numbers(expected[name]))  # R gives none where nobody is left alive
        np.testing.assert_allclose(values[known], _numbers(expected[name])[known], atol=1e-12)
        np.testing.assert_array_equal(values[~known], 0.0)
    found = [km.quantile(share) for share in (0.1, 0.25, 0.5, 0.75, 0.9)]
    for name in ("quantile", "lower", "upper"):
        values = [q.days if name == "quantile" else getattr(q, name) for q in found]
        assert values == expected["quantile"][name]


def test_median_on_a_level_piece_is_its_middle() -> None:
    level = GOLDEN["km_level"]
    median = kaplan_meier(_outcome(level["time"], level["event"])).median
    assert (median.days, median.lower, median.upper) == (5.5, 3.0, None)
    assert median.days == level["quantile"]["quantile"]


def test_medians_of_lung1(test_data: Path) -> None:
    import pandas as pd

    folder = test_data / "reference_statistics"
    table = pd.read_csv(folder / "lung1_clin_lp.csv", index_col=0)
    expected = pd.read_csv(folder / "km_lung1_medians.csv")
    for grp in (0, 1):
        own = table[table["grp"] == grp]
        median = kaplan_meier(_outcome(own["time"], own["event"])).median
        row = expected.iloc[grp]
        assert (median.days, median.lower, median.upper) == (row["median"], row["0.95LCL"], row["0.95UCL"])


def test_curve_at_any_time() -> None:
    km = kaplan_meier(_outcome([1, 2, 4], [1, 0, 1]))
    np.testing.assert_allclose(km.at([0, 0.5, 1, 3, 4, 9])[0], [1, 1, 2 / 3, 2 / 3, 0, 0])
    np.testing.assert_array_equal(km.numbers_at_risk([0, 1, 1.5, 4, 5]), [3, 3, 2, 1, 0])
    censored_last = kaplan_meier(_outcome([1, 2, 4], [1, 0, 0]))
    assert np.isnan(censored_last.at(4.5)).all(), "not known beyond the follow-up"
    assert censored_last.at(4.0)[0] == pytest.approx(2 / 3)


def test_nobody_dies() -> None:
    km = kaplan_meier(_outcome([1, 2, 3], [0, 0, 0]), conf_type="log-log")
    for values in (km.survival, km.lower, km.upper):
        np.testing.assert_array_equal(values, 1.0)
    assert km.median.days is None


def test_one_patient_dies() -> None:
    km = kaplan_meier(_outcome([5], [1]))
    assert (km.survival[0], km.lower[0], km.upper[0]) == (0.0, 0.0, 0.0)
    assert km.median.days == 5.0


def test_weights_that_cannot_be() -> None:
    outcome = _outcome([1, 2], [1, 0])
    for weight in ([1.0], [-1.0, 1.0], [np.nan, 1.0]):
        with pytest.raises(OutcomeError, match="Case weights"):
            kaplan_meier(outcome, weight=np.array(weight))
    with pytest.raises(OutcomeError, match="positive weight"):
        kaplan_meier(outcome, weight=np.zeros(2))
    with pytest.raises(SettingsError, match="confidence"):
        kaplan_meier(outcome, 1.0)
    with pytest.raises(SettingsError, match="conf_type"):
        kaplan_meier(outcome, conf_type="arcsin")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="share"):
        kaplan_meier(outcome).quantile(1.0)


def test_many_weightings_at_once() -> None:
    rng = np.random.default_rng(3)
    outcome = _outcome(VETERAN["time"], VETERAN["event"])
    counts = rng.multinomial(len(outcome), np.full(len(outcome), 1 / len(outcome)), size=20)
    counts[0] = 0
    for days in (0.5, 30.0, 117.0, 1e6):
        found = survival_at(outcome.time_days, outcome.event, days, counts)
        assert found[0] == 1.0
        for n in range(1, 20):
            km = kaplan_meier(outcome, weight=counts[n].astype(float))
            place = np.searchsorted(km.time_days, days, side="right")
            assert found[n] == pytest.approx(np.append(1.0, km.survival)[place], abs=1e-12)
        died = outcome.event
        np.testing.assert_allclose(incidence_at(outcome.time_days, died, died, days, counts), 1 - found, atol=1e-12)


def test_pseudo_values_by_leaving_one_out() -> None:
    """R: n S - (n - 1) S without the patient, one survfit each."""
    data = GOLDEN["calibration"]
    found = pseudo_survival(np.array(data["time"], float), np.array(data["event"]) == 1, data["horizon"])
    np.testing.assert_allclose(1 - found, data["pseudo"], atol=1e-11)


def test_pseudo_values_without_censoring_are_the_outcomes() -> None:
    time = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    for days in (0.5, 1.0, 3.5, 5.0, 9.0):
        np.testing.assert_allclose(pseudo_survival(time, np.ones(5, dtype=bool), days), time > days, atol=1e-12)


def test_pseudo_value_of_a_single_patient_and_of_survivors() -> None:
    np.testing.assert_array_equal(pseudo_survival(np.array([2.0]), np.array([True]), 3.0), [0.0])
    np.testing.assert_array_equal(pseudo_survival(np.array([2.0, 4.0]), np.zeros(2, dtype=bool), 3.0), [1.0, 1.0])


def test_spline_is_straight_beyond_its_knots() -> None:
    values = np.linspace(-4, 4, 801)
    knots = spline_knots(np.linspace(-2, 2, 201), 4)
    basis = restricted_cubic_spline(values, knots)
    assert basis.shape == (801, 3)
    bend = np.abs(np.diff(basis, 2, axis=0)).max(axis=1)
    outside = (values[1:-1] < knots[0] - 0.02) | (values[1:-1] > knots[-1] + 0.02)
    np.testing.assert_allclose(bend[outside], 0, atol=1e-12)
    assert bend[~outside].max() > 1e-5
    with pytest.raises(SettingsError, match="knots"):
        spline_knots(values, 2)
    assert spline_knots(np.repeat([0.0, 1.0], 60), 3).size == 0
    assert restricted_cubic_spline(values, np.zeros(0)).shape == (801, 1)
