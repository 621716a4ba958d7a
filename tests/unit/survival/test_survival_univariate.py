"""All features at once equals one model a feature."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import Outcome
from perisurv.survival import adjust_p, fit_cox, univariate_cox


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_equals_one_model_a_feature(lung1: tuple[pd.DataFrame, Outcome], ties: str) -> None:
    x, outcome = lung1
    all_at_once = univariate_cox(x, outcome, ties)
    assert len(all_at_once.p) == 518
    for column in range(0, 518, 37):
        one = fit_cox(x.iloc[:, [column]], outcome, ties)
        np.testing.assert_allclose(all_at_once.coef[column], one.coef[0], rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(all_at_once.se[column], one.standard_error[0], rtol=1e-8)
        np.testing.assert_allclose(all_at_once.p[column], one.p[0], rtol=1e-7)


def test_hazard_ratio_of_two_groups_agrees_with_r(reference: Path) -> None:
    frame = pd.read_csv(reference / "lung1_clin_lp.csv", index_col=0)
    outcome = Outcome(tuple(frame.index), frame["time"].to_numpy(float), frame["event"].to_numpy(bool))
    expected = pd.read_csv(reference / "stats_lung1.csv", index_col=0).set_index("stat")["value"]
    found = univariate_cox(frame[["grp"]], outcome)
    ratio = np.exp([found.coef[0], *(found.coef[0] + np.array([-1, 1]) * 1.959963984540054 * found.se[0])])
    np.testing.assert_allclose(ratio, expected[["HR_grp", "HR_lo", "HR_hi"]], rtol=1e-7)


def test_no_estimate_is_nan_and_others_do_not_notice() -> None:
    rng = np.random.default_rng(0)
    n = 40
    time = np.sort(rng.exponential(100, n)) + 1
    event = np.arange(n) < 25
    outcome = Outcome(tuple(f"p{k:02d}" for k in range(n)), time, event)
    good = rng.normal(size=n)
    separating = -np.arange(n, dtype=float)
    constant = np.full(n, 3.0)
    found = univariate_cox(np.stack([separating, good, constant], axis=1), outcome)
    assert np.isnan(found.p[[0, 2]]).all()
    np.testing.assert_allclose(found.coef[1], fit_cox(good[:, None], outcome).coef[0], rtol=1e-9)


def test_large_effects_need_step_halving() -> None:
    rng = np.random.default_rng(5)
    n = 200
    x = rng.lognormal(sigma=2.0, size=(n, 30))
    time = rng.exponential(1000 * np.exp(-2 * np.log(x[:, 0]))) + 1e-3
    outcome = Outcome(tuple(f"p{k:03d}" for k in range(n)), time, np.ones(n, dtype=bool))
    found = univariate_cox(x, outcome)
    np.testing.assert_allclose(found.coef[0], fit_cox(x[:, :1], outcome).coef[0], rtol=1e-8)
    assert np.isfinite(found.p).all()


def test_benjamini_hochberg_by_hand() -> None:
    # m = 4 known: 0.01 * 4 / 1, 0.02 * 4 / 2, 0.03 * 4 / 3 -> all 0.04; 0.5 * 4 / 4.
    np.testing.assert_allclose(adjust_p(np.array([0.03, np.nan, 0.01, 0.5, 0.02])), [0.04, np.nan, 0.04, 0.5, 0.04])
