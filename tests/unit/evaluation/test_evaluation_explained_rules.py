"""R2, D and the optimism bootstrap: known models, hard cases and refused input."""

import warnings

import numpy as np
import pytest

from perisurv.core import ConvergenceError, FeatureError, Outcome, OutcomeError, SettingsError
from perisurv.evaluation import bootstrap_counts, explained_variation, model_indexes, optimism_bootstrap
from perisurv.statistics import harrell_c


def _outcome(time: list[float], event: list[int]) -> Outcome:
    return Outcome(tuple(f"P{n:05}" for n in range(len(time))), np.array(time, float), np.array(event) == 1)


SMALL = _outcome([1, 2, 3, 4, 5], [1, 1, 0, 1, 0])
RISK = np.array([3.0, 1.0, 2.0, 2.0, 0.0])


def test_explained_variation_of_a_known_model() -> None:
    """Risk of variance 1 and slope 1: 1 / (1 + pi**2 / 6) is explained; D is kappa."""
    rng = np.random.default_rng(0)
    risk = rng.normal(size=20_000)
    found = explained_variation(_outcome((1 + 1000 * rng.exponential(np.exp(-risk))).tolist(), [1] * 20_000), risk)
    assert found.slope == pytest.approx(1, abs=0.03)
    assert found.royston_d == pytest.approx(np.sqrt(8 / np.pi), abs=0.05)
    assert found.r2_d == pytest.approx(1 / (1 + np.pi**2 / 6), abs=0.01)
    assert found.kent_oquigley == pytest.approx(1 / (1 + np.pi**2 / 6), abs=0.01)
    double = explained_variation(SMALL, 2 * RISK), explained_variation(SMALL, RISK)
    assert double[0].slope == pytest.approx(double[1].slope / 2)
    assert double[0].nagelkerke == pytest.approx(double[1].nagelkerke)


def test_hard_cases_of_explained_variation() -> None:
    with pytest.raises(FeatureError, match="All risks are equal"):
        explained_variation(SMALL, np.ones(5))
    with pytest.raises(OutcomeError, match="censored"):
        explained_variation(_outcome([1, 2, 3], [0, 0, 0]), np.arange(3.0))
    with pytest.raises(ConvergenceError, match="without bound"):
        explained_variation(_outcome([1, 2, 3, 4], [1, 1, 1, 1]), np.array([4.0, 3.0, 2.0, 1.0]))
    with pytest.raises(FeatureError, match="finite"):
        model_indexes(SMALL, np.array([1, 2, 3, 4, np.nan]))
    flat = model_indexes(SMALL, np.ones(5))
    assert (flat.dxy, flat.r2, flat.g) == (0, 0, 0)
    assert np.isnan(flat.slope)


def test_optimism_of_noise_is_found() -> None:
    """The refit takes the best of 20 columns of noise: its Dxy is optimism, and the bootstrap finds a part of it."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(120, 20))
    outcome = _outcome((1 + rng.exponential(1000, 120)).tolist(), [1] * 120)

    def refit(rows: np.ndarray) -> np.ndarray:
        c = [harrell_c(outcome.time_days[rows], outcome.event[rows], column[rows]) for column in x.T]
        best = int(np.argmax(np.abs(np.array(c) - 0.5)))
        return np.asarray(x[:, best] * np.sign(c[best] - 0.5))

    found = optimism_bootstrap(outcome, refit, bootstrap_counts(120, 60, np.random.default_rng(0)))
    assert found["dxy"].apparent > 0.1
    assert found["dxy"].optimism > 0.05
    assert found["dxy"].corrected == pytest.approx(found["dxy"].apparent - found["dxy"].optimism)
    assert found["dxy"].resamples == 60
    assert found["dxy"].optimism == pytest.approx(found["dxy"].training - found["dxy"].test)


def test_optimism_of_a_null_model_and_of_broken_refits() -> None:
    outcome = _outcome(list(range(1, 31)), [1, 0, 1] * 10)
    counts = bootstrap_counts(30, 5, np.random.default_rng(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        null = optimism_bootstrap(outcome, lambda rows: np.zeros(30), counts)
    assert (null["dxy"].corrected, null["r2"].corrected) == (0, 0)
    assert null["slope"].resamples == 0
    assert np.isnan(null["slope"].corrected)
    with pytest.raises(FeatureError, match="refit must return one finite"):
        optimism_bootstrap(outcome, lambda rows: np.zeros(len(rows) - 1), counts)
    with pytest.raises(SettingsError, match="one count for each of the 30"):
        optimism_bootstrap(outcome, lambda rows: np.zeros(30), counts[:, :-1])
    calls = iter([*range(100)])

    def separated(rows: np.ndarray) -> np.ndarray:
        if next(calls):
            raise ConvergenceError("no finite maximum")
        return np.zeros(30)

    with pytest.raises(OutcomeError, match="No resample of the patients could be fitted"):
        optimism_bootstrap(outcome, separated, counts)
