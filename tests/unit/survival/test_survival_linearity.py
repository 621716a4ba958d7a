"""Restricted cubic splines against rms in R, and curved effects that must be found."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import Outcome, SettingsError
from perisurv.survival import check_linearity
from perisurv.survival.linearity import restricted_cubic_spline, spline_knots

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "survival_cox.json").read_text())
TERMS = ["age", "sex", "ph.ecog", "wt.loss"]
DATA = pd.DataFrame(GOLDEN["data"])
DATA.index = pd.Index([f"p{k:03d}" for k in range(len(DATA))])
X = DATA[TERMS].astype(float)
OUTCOME = Outcome(tuple(DATA.index), DATA["time"].to_numpy(float), DATA["event"].to_numpy() == 1)


@pytest.mark.parametrize("knots", [3, 4, 5])
def test_agrees_with_rms(knots: int) -> None:
    found = check_linearity(X, OUTCOME, knots=knots)
    for name in ("age", "wt.loss"):
        n, expected = TERMS.index(name), GOLDEN["linearity"][f"{name}{knots}"]
        np.testing.assert_allclose(found.knots[n], expected["knots"], rtol=1e-12)
        assert found.df[n] == expected["df"]
        np.testing.assert_allclose(found.wald[n], expected["wald"], rtol=1e-8)
        np.testing.assert_allclose(found.p_wald[n], expected["p"], rtol=1e-8)
        np.testing.assert_allclose(found.likelihood_ratio[n], expected["lr"], rtol=1e-8)


def test_few_patients_have_the_outer_knots_of_rms() -> None:
    few = DATA.iloc[:70]
    found = check_linearity(X.iloc[:70][["age", "sex"]], OUTCOME.take(list(few.index)))
    expected = GOLDEN["linearity"]["small"]
    np.testing.assert_allclose(found.knots[0], expected["knots"], rtol=1e-12)
    np.testing.assert_allclose(found.wald[0], expected["wald"], rtol=1e-8)


def test_martingale_residuals_are_those_of_the_null_model() -> None:
    np.testing.assert_allclose(check_linearity(X, OUTCOME).martingale, GOLDEN["null_martingale"], atol=1e-12)
    backwards = OUTCOME.take(OUTCOME.patients[::-1])
    np.testing.assert_array_equal(
        check_linearity(X.iloc[::-1], backwards).martingale[::-1], check_linearity(X, OUTCOME).martingale
    )


def test_two_values_cannot_be_bent() -> None:
    found = check_linearity(X, OUTCOME)
    sex = TERMS.index("sex")
    assert found.df[sex] == 0
    assert len(found.knots[sex]) == 0
    assert np.isnan([found.wald[sex], found.p_wald[sex], found.p_likelihood_ratio[sex]]).all()


def test_a_curve_is_found_and_a_line_is_not() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 2))
    time = rng.exponential(np.exp(-(x[:, 0] ** 2) - x[:, 1])) + 1e-3
    outcome = Outcome(tuple(f"p{k:03d}" for k in range(300)), time, np.ones(300, dtype=bool))
    found = check_linearity(x, outcome)
    assert found.p_wald[0] < 1e-8
    assert found.p_likelihood_ratio[0] < 1e-8
    assert found.p_wald[1] > 0.05
    stretched = check_linearity(x * [100, -1] + 3, outcome)
    np.testing.assert_allclose(stretched.likelihood_ratio, found.likelihood_ratio, rtol=1e-6)


def test_the_spline_is_linear_beyond_its_outer_knots_and_smooth_within() -> None:
    knots = np.array([-1.0, 0.0, 0.7, 2.0])
    at = np.linspace(-4, 5, 9001)
    basis = restricted_cubic_spline(at, knots)
    assert basis.shape == (9001, 3)
    second = np.diff(basis, n=2, axis=0)
    outside = (at[1:-1] < -1.002) | (at[1:-1] > 2.002)
    assert np.abs(second[outside]).max() < 1e-10
    assert np.abs(np.diff(second, axis=0)).max() < 1e-7  # the second derivative does not jump
    assert np.abs(second[~outside][:, 1:]).max() > 1e-7


def test_knots_that_coincide_are_one() -> None:
    values = np.repeat([0.0, 1.0, 2.0], [140, 5, 5])
    assert len(spline_knots(values, 4)) == 0
    assert spline_knots(np.repeat([0.0, 1.0, 2.0], 50), 5).tolist() == [0, 1, 2]
    with pytest.raises(SettingsError, match="3, 4 or 5 knots here; got 6"):
        spline_knots(values, 6)


def test_no_feature_has_residuals_only() -> None:
    found = check_linearity(np.empty((len(X), 0)), OUTCOME)
    assert found.names == ()
    np.testing.assert_allclose(found.martingale, GOLDEN["null_martingale"], atol=1e-12)
