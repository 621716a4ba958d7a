"""Strata, checks of a Cox model, shrinkage and redundancy at the edge: our error, or the right answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hard_cases import CASES, Case, Checked, check_names, finite, pairs, partial_score
from scipy.stats import chi2

from perisurv.core import ConvergenceError, FeatureError, Outcome, OutcomeError, SettingsError
from perisurv.survival import (
    assign_folds,
    check_linearity,
    check_proportional_hazards,
    cluster_redundant,
    fit_cox,
    icc_1_1,
    intraclass_correlation,
    shrink_bootstrap,
    shrink_heuristic,
    shrink_ridge,
    stable_features,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def first(case: Case) -> np.ndarray:
    """Its first column, which most cases leave alone."""
    return case.x[:, :1]


def weight(case: Case) -> np.ndarray:
    """0, 1, 2, 0, ...: a third of the patients does not count."""
    return np.arange(len(case.time)) % 3.0


def by_stratum(case: Case, x: np.ndarray, coef: np.ndarray, ties: str) -> np.ndarray:
    """Score of a stratified model: the sum over the strata."""
    score = np.zeros(x.shape[1])
    for name in sorted(set(case.centre)):
        rows = np.array(case.centre) == name
        part = Outcome(tuple(np.array(case.outcome.patients)[rows].tolist()), case.time[rows], case.event[rows])
        if part.n_events:
            score += partial_score(x[rows], part, coef, ties)
    return score


def is_stratified(case: Case, model: Any) -> None:
    scale = np.where(first(case).std(axis=0) > 0, first(case).std(axis=0), 1.0)
    z = (first(case) - first(case).mean(axis=0)) / scale
    np.testing.assert_allclose(by_stratum(case, z, model.coef * scale, "efron"), 0.0, atol=1e-5)


def is_weighted(case: Case, model: Any) -> None:
    """Breslow: weight 2 is the patient twice, weight 0 a patient left out."""
    rows = np.repeat(np.arange(len(case.time)), weight(case).astype(int))
    twice = Outcome(tuple(f"r{k}" for k in range(len(rows))), case.time[rows], case.event[rows])
    x = first(case)[rows]
    scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    z = (x - x.mean(axis=0)) / scale
    np.testing.assert_allclose(partial_score(z, twice, model.coef * scale, "breslow"), 0.0, atol=1e-5)


def is_test(case: Case, found: Any) -> None:
    np.testing.assert_allclose(found.p, chi2.sf(found.chi2, found.df), rtol=1e-9)
    assert (found.chi2 >= 0).all()
    # Schoenfeld residuals are the score, one death at a time, so they sum to zero at the maximum.
    scale = np.where(first(case).std(axis=0) > 0, first(case).std(axis=0), 1.0)
    np.testing.assert_allclose(found.schoenfeld.sum(axis=0) / scale, 0.0, atol=1e-5)


def is_linearity(case: Case, found: Any) -> None:
    known = ~np.isnan(found.likelihood_ratio)
    assert (found.likelihood_ratio[known] >= -1e-9).all()
    assert ((found.p_wald[known] >= 0) & (found.p_wald[known] <= 1)).all()
    finite(case, found.martingale)
    assert found.martingale.sum() == pytest.approx(0.0, abs=1e-8)


def is_shrunken(case: Case, found: Any) -> None:
    whole = fit_cox(first(case), case.outcome, ridge=found.ridge)
    finite(case, found.model.coef)
    if found.factor is not None:
        np.testing.assert_allclose(found.model.coef, found.factor * whole.coef, rtol=1e-6, atol=1e-12)
    survival = found.model.survival(np.zeros(1), (float(case.time.max()),))
    assert 0 <= survival[0, 0] <= 1


def repeats(case: Case) -> np.ndarray:
    """Three drawings of every patient."""
    noise = np.random.default_rng(5).normal(size=(3, *case.x.shape))
    return np.stack([case.x + 0.1 * n for n in noise], axis=1)


def is_correlation(case: Case, found: Any) -> None:
    known = ~np.isnan(found.icc)
    assert (found.icc[known] <= 1 + 1e-12).all()
    assert (found.lower[known] <= found.icc[known] + 1e-12).all()
    assert (found.icc[known] <= found.upper[known] + 1e-12).all()
    np.testing.assert_array_equal(np.isnan(found.icc), np.isnan(icc_1_1(repeats(case))))


def is_choice(case: Case, found: np.ndarray) -> None:
    np.testing.assert_array_equal(found, icc_1_1(repeats(case)) >= 0.75)


def are_clusters(case: Case, found: Any) -> None:
    names = [f"f{k}" for k in range(case.x.shape[1])]
    assert set(found.kept) <= set(names)
    assert list(found.kept) == [n for n in names if n in found.kept]
    rho = pd.DataFrame(case.x, columns=names).rank().corr().abs()
    for a, b in (("f0", "f1"),):
        if a in rho and b in rho and rho.loc[a, b] > 0.999:
            assert not {a, b} <= set(found.kept)


CENSORED = (OutcomeError, "All .* patients are censored")
CONSTANT = (FeatureError, "x0 is constant among the patients at risk")
UNBOUNDED = (ConvergenceError, "'x0' grows without bound")
NO_FACTOR = {
    "all censored": CENSORED,
    "separation": UNBOUNDED,
    "only constant columns": CONSTANT,
    "one patient": CONSTANT,
}
NO_FIT = {**NO_FACTOR, "three patients": UNBOUNDED}
NO_CHANGE = (FeatureError, "Whether the hazard ratio of 'x0' changes over time cannot be tested")
NO_TEST = {
    **NO_FACTOR,
    "one death": NO_CHANGE,
    "all die on one day": NO_CHANGE,
    "no feature": (FeatureError, "without features has no hazard ratio"),
}
NO_SPLINE = {
    **NO_FACTOR,
    "one death": UNBOUNDED,
    "three patients": (ConvergenceError, "bend 1 of its spline' grows without bound"),
}
TOO_FEW = (ConvergenceError, "bootstrap samples have no Cox model: too few events")
NO_BOOTSTRAP = {**NO_FACTOR, **dict.fromkeys(("no feature", "three patients", "all die on one day"), TOO_FEW)}
NO_RIDGE = {
    "all censored": CENSORED,
    "one death": CENSORED,
    "one patient": (SettingsError, "1 patients needs 2 to 1 folds"),
}
ALONE = {"one patient": (FeatureError, "two subjects and repeats")}
FUNCTIONS: dict[str, Checked] = {
    "fit_cox, strata": Checked(lambda c: fit_cox(first(c), c.outcome, strata=c.centre), is_stratified, NO_FIT),
    "fit_cox, weights": Checked(
        lambda c: fit_cox(first(c), c.outcome, "breslow", weight=weight(c)),
        is_weighted,
        {**NO_FIT, "one death": CENSORED, "one patient": CENSORED},
    ),
    "check_proportional_hazards": Checked(lambda c: check_proportional_hazards(first(c), c.outcome), is_test, NO_TEST),
    "check_proportional_hazards, strata, rank": Checked(
        lambda c: check_proportional_hazards(first(c), c.outcome, scale="rank", strata=c.centre),
        lambda c, found: finite(c, found.chi2),
        {**NO_TEST, "three patients": UNBOUNDED},
    ),
    "check_linearity": Checked(lambda c: check_linearity(first(c), c.outcome, knots=3), is_linearity, NO_SPLINE),
    "shrink_heuristic": Checked(lambda c: shrink_heuristic(first(c), c.outcome), is_shrunken, NO_FACTOR),
    "shrink_bootstrap": Checked(
        lambda c: shrink_bootstrap(first(c), c.outcome, rng=rng(), samples=20), is_shrunken, NO_BOOTSTRAP
    ),
    "shrink_ridge": Checked(
        lambda c: shrink_ridge(first(c), c.outcome, folds=assign_folds(c.outcome, 3, rng())), is_shrunken, NO_RIDGE
    ),
    "intraclass_correlation": Checked(lambda c: intraclass_correlation(repeats(c)), is_correlation, ALONE),
    "stable_features": Checked(lambda c: stable_features(repeats(c)), is_choice, ALONE),
    "cluster_redundant": Checked(lambda c: cluster_redundant(c.table), are_clusters),
}


@pytest.mark.parametrize(("function", "case"), pairs(FUNCTIONS))
def test_refuses_or_is_right(function: str, case: str) -> None:
    FUNCTIONS[function].run(case)


def test_every_refusal_names_a_case() -> None:
    check_names(FUNCTIONS)
    assert "ordinary" in CASES
