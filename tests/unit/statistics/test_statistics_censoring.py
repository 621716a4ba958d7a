"""G by hand, by the Kaplan-Meier estimate of the mirrored event, and its derivative by numbers."""

import numpy as np
import pytest

from perisurv.core import Outcome, OutcomeError
from perisurv.statistics import censoring_survival, kaplan_meier


def test_deaths_come_before_censorings_of_their_day() -> None:
    """Day 2: of four patients one dies, so one of three is censored; day 3: one of one."""
    time, event = np.array([2.0, 2.0, 3.0, 5.0]), np.array([True, False, True, False])
    g = censoring_survival(time, event)
    np.testing.assert_allclose(g.left, [1, 2 / 3, 2 / 3, 0])
    np.testing.assert_allclose(g.left[g.place(time)], [1, 1, 2 / 3, 2 / 3])
    np.testing.assert_allclose(g.left[g.place(time, "scikit-survival")], [2 / 3, 2 / 3, 2 / 3, 0])
    np.testing.assert_allclose(g.left[g.after(np.array([1.0, 2.0, 4.0, 9.0]))], [1, 2 / 3, 2 / 3, 0])


def test_without_ties_g_is_kaplan_meier_of_the_mirrored_event() -> None:
    rng = np.random.default_rng(0)
    time, event = rng.exponential(10, 50) + 0.1, rng.random(50) < 0.5
    km = kaplan_meier(Outcome(tuple(str(n) for n in range(50)), time, ~event))
    np.testing.assert_allclose(censoring_survival(time, event).left[1:], km.survival, atol=1e-15)


def test_rows_of_weights_are_resamples_written_out() -> None:
    rng = np.random.default_rng(1)
    time, event = rng.integers(1, 9, 30).astype(float), rng.random(30) < 0.5
    counts = rng.multinomial(30, np.full(30, 1 / 30), size=5)
    g = censoring_survival(time, event, counts)
    assert g.left.shape == (5, len(g.days) + 1)
    for row, left in zip(counts, g.left, strict=True):
        rows = np.repeat(np.arange(30), row)
        own = censoring_survival(time[rows], event[rows])
        np.testing.assert_allclose(left[g.after(own.days)], own.left[1:], atol=1e-14)


@pytest.mark.parametrize("convention", ["R", "scikit-survival"])
def test_influence_is_the_derivative_by_the_weights(convention: str) -> None:
    rng = np.random.default_rng(2)
    n = 25
    time, event = rng.integers(1, 9, n).astype(float), rng.random(n) < 0.5
    time[0], event[0] = 12, True  # G stays above zero
    weight, factor = rng.uniform(0.5, 2, n), rng.normal(size=n)

    def statistic(w: np.ndarray) -> float:
        g = censoring_survival(time, event, w)
        return float(factor @ np.log(g.left[g.place(time, convention)]))  # type: ignore[arg-type]

    g = censoring_survival(time, event, weight)
    found = g.influence(time, event, factor, g.place(time, convention))  # type: ignore[arg-type]
    step = 1e-6 * np.eye(n)
    numeric = [(statistic(weight + s) - statistic(weight - s)) / 2e-6 for s in step]
    np.testing.assert_allclose(found, numeric, atol=1e-7)


def test_no_patients_and_other_weights_are_refused() -> None:
    with pytest.raises(OutcomeError, match="G needs patients"):
        censoring_survival(np.empty(0), np.empty(0, bool))
    with pytest.raises(OutcomeError, match="2 patients, 3 weights"):
        censoring_survival(np.ones(2), np.ones(2, bool), np.ones(3))
