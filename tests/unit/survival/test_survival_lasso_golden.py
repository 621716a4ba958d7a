"""LASSO-Cox with weights, strata and penalty factors, its cross-validation, and univariate Cox: as glmnet and coxph.

The numbers come from ``tests/golden/lasso.R`` on R's ``lung``; R solves at the lambdas of the test, in the folds too.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perisurv.core import Outcome
from perisurv.survival import LassoOptions, cv_lasso_cox, lasso_cox_path, univariate_cox

R: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "lasso.json").read_text(encoding="utf-8"))
X = np.asarray(R["x"], dtype=float)
OUTCOME = Outcome(tuple(f"p{k:03d}" for k in range(len(X))), np.asarray(R["time"], float), np.asarray(R["event"], bool))
LAMBDAS = tuple(float(v) for v in R["lambda"])
WEIGHT, STRATA, FOLD = np.asarray(R["weight"], float), R["strata"], np.asarray(R["fold"])
FACTORS = tuple(float(f) for f in R["factors"])
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "elastic": {"alpha": 0.4},
    "raw": {"standardise": False},
    "weighted": {"weight": WEIGHT},
    "factors": {"penalty_factors": FACTORS},
    "all": {"weight": WEIGHT, "penalty_factors": FACTORS, "alpha": 0.6},
}


def parts(case: dict[str, Any], **more: Any) -> tuple[LassoOptions, dict[str, Any]]:
    """Options, and what the functions take beside them."""
    beside = {k: v for k, v in case.items() if k in {"strata", "weight"}}
    return LassoOptions(**{k: v for k, v in case.items() if k not in beside}, **more), beside


@pytest.mark.parametrize("name", CASES)
def test_path_agrees_with_glmnet(name: str) -> None:
    options, beside = parts(CASES[name], lambdas=LAMBDAS)
    path = lasso_cox_path(X, OUTCOME, options, **beside)
    expected = R["path"][name]
    scale = X.std(axis=0)
    np.testing.assert_allclose(path.coef * scale, np.asarray(expected["coef"]) * scale, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(path.explained, expected["explained"], atol=1e-6)
    np.testing.assert_allclose(path.null_deviance, expected["null_deviance"], rtol=1e-9)


@pytest.mark.parametrize("name", ["plain", "elastic", "factors"])
def test_path_starts_where_glmnet_starts(name: str) -> None:
    options, _ = parts(CASES[name], n_lambdas=5)
    assert lasso_cox_path(X, OUTCOME, options).lambdas[0] == pytest.approx(R["largest"][name], rel=1e-6)


CROSS: dict[str, dict[str, Any]] = {
    "deviance": {},
    "weighted": {"weight": WEIGHT},
    "concordance": {"measure": "concordance"},
    "weighted_concordance": {"measure": "concordance", "weight": WEIGHT},
}


@pytest.mark.parametrize("name", CROSS)
def test_cross_validation_agrees_with_glmnet(name: str) -> None:
    options, beside = parts(CROSS[name], lambdas=LAMBDAS)
    cv = cv_lasso_cox(X, OUTCOME, FOLD, options, **beside)
    expected = R["cv"][name]
    # glmnet's folds miss their optimum by up to 3e-4 of the gradient, which turns single pairs of a fold round; and it
    # divides the deviance by the deaths' case weights without scaling these to a mean of 1.
    per = WEIGHT.mean() if name == "weighted" else 1.0
    np.testing.assert_allclose(cv.curve, per * np.asarray(expected["mean"]), rtol=2e-3 if "conc" in name else 2e-4)
    np.testing.assert_allclose(cv.standard_error, per * np.asarray(expected["se"]), rtol=2e-2)
    if name != "weighted":  # there the curve is flat: two lambdas differ by 1e-5
        assert cv.lambda_min == pytest.approx(expected["at_min"], rel=1e-9)
    assert cv.lambda_1se == pytest.approx(expected["at_1se"], rel=1e-9)


def test_vanishing_penalty_is_coxph_with_efron_ties() -> None:
    options = LassoOptions(lambdas=(1e-2, 1e-4, 1e-10), ties="efron")
    path = lasso_cox_path(X, OUTCOME, options, strata=STRATA, weight=WEIGHT)
    np.testing.assert_allclose(path.coef[-1], R["efron"], rtol=1e-5, atol=1e-8)


def gradient(coef: np.ndarray, ties: str) -> np.ndarray:
    """Of the log partial likelihood by standardised columns, a plain sum over deaths; strata and weights."""
    share = WEIGHT / WEIGHT.sum()
    z = (X - share @ X) / np.sqrt(share @ (X - share @ X) ** 2)
    hazard, total = share * np.exp(X @ coef), np.zeros(X.shape[1])
    stratum = np.asarray(STRATA)
    for time, label in {(t, s) for t, s, e in zip(OUTCOME.time_days, stratum, OUTCOME.event, strict=True) if e}:
        at_risk = (OUTCOME.time_days >= time) & (stratum == label)
        dead = at_risk & (OUTCOME.time_days == time) & OUTCOME.event
        for k in range(dead.sum()):
            own = hazard * (at_risk - (k / dead.sum() if ties == "efron" else 0.0) * dead)
            total += share[dead].mean() * (z[dead].T @ share[dead] / share[dead].sum() - own @ z / own.sum())
    # Efron and Breslow weigh the deaths of a tie alike.
    return total


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_strata_and_weights_are_optimal(ties: Any) -> None:
    options = LassoOptions(lambdas=LAMBDAS, ties=ties, alpha=0.7)
    path = lasso_cox_path(X, OUTCOME, options, strata=STRATA, weight=WEIGHT)
    share = WEIGHT / WEIGHT.sum()
    sd = np.sqrt(share @ (X - share @ X) ** 2)
    assert path.n_features[-1] >= 5
    for penalty, coef in zip(path.lambdas, path.coef, strict=True):
        left = gradient(coef, ties) - 0.3 * penalty * coef * sd
        off = np.where(coef != 0, left - 0.7 * penalty * np.sign(coef), np.maximum(np.abs(left) - 0.7 * penalty, 0))
        assert np.abs(off).max() < 1e-8


@pytest.mark.parametrize(
    ("name", "ties", "beside"),
    [
        ("efron", "efron", {}),
        ("stratified", "efron", {"strata": STRATA}),
        ("weighted", "efron", {"weight": WEIGHT}),
        ("breslow", "breslow", {"strata": STRATA, "weight": WEIGHT}),
    ],
)
def test_univariate_agrees_with_coxph(name: str, ties: Any, beside: dict[str, Any]) -> None:
    found = univariate_cox(X, OUTCOME, ties, **beside)
    np.testing.assert_allclose(found.coef, R["univariate"][name]["coef"], rtol=1e-9)
    np.testing.assert_allclose(found.se, R["univariate"][name]["se"], rtol=1e-7)
