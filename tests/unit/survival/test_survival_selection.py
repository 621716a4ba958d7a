"""Stability, redundancy, folds and options."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from perisurv.core import FeatureError, Outcome, SettingsError
from perisurv.survival import FitOptions, assign_folds, drop_redundant, icc_1_1, select_group, stable_features

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def test_icc_agrees_with_shrout_and_fleiss(reference: Path) -> None:
    expected = pd.read_csv(reference / "icc_shrout_fleiss.csv", index_col=0).loc["Single_raters_absolute", "ICC"]
    values = np.stack([SHROUT_FLEISS, -7 * SHROUT_FLEISS + 3], axis=2)
    np.testing.assert_allclose(icc_1_1(values), [expected, expected], rtol=1e-12)


def test_icc_of_perfect_absent_and_undefined_agreement() -> None:
    same = np.repeat(np.arange(5.0)[:, None], 3, axis=1)
    none = np.tile([1.0, 2.0, 3.0], (5, 1))
    constant = np.full((5, 3), 0.1)
    missing = np.where(np.arange(5)[:, None] == 2, np.nan, same)
    icc = icc_1_1(np.stack([same, none, constant, missing], axis=2))
    assert icc[0] == 1.0
    assert icc[1] == pytest.approx(-0.5)  # -1 / (repeats - 1), the minimum
    assert np.isnan(icc[2:]).all()
    np.testing.assert_array_equal(
        stable_features(np.stack([same, none, constant, missing], axis=2)), [True, False, False, False]
    )


def test_icc_needs_two_subjects_and_repeats() -> None:
    with pytest.raises(FeatureError, match="two subjects and repeats"):
        icc_1_1(np.ones((5, 1, 3)))


def test_every_dropped_feature_has_a_kept_one_that_stands_for_it() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(60, 8))
    values = np.concatenate([base, base + 0.3 * rng.normal(size=(60, 8)), np.exp(-base[:, :3])], axis=1)
    frame = pd.DataFrame(values, columns=[f"f{n}" for n in range(values.shape[1])])
    kept = drop_redundant(frame, 0.9)
    rho = np.abs(stats.spearmanr(values).statistic)
    at = [frame.columns.get_loc(name) for name in kept]
    between = rho[np.ix_(at, at)] - np.eye(len(at))
    assert between.max() <= 0.9
    dropped = [n for n in range(values.shape[1]) if n not in at]
    assert dropped
    assert (rho[np.ix_(dropped, at)].max(axis=1) > 0.9).all()


def test_redundancy_keeps_order_and_refuses_gaps() -> None:
    frame = pd.DataFrame({"b": [1.0, 2, 3, 4], "a": [4.0, 3, 2, 1], "c": [1.0, 3, 2, 4]})
    assert drop_redundant(frame, 0.9) == ("b", "c")
    assert drop_redundant(frame, 0.75) in {("b",), ("c",)}
    with pytest.raises(FeatureError, match="impute"):
        drop_redundant(pd.DataFrame({"a": [1.0, np.nan]}))


def test_folds_are_balanced_and_belong_to_patients() -> None:
    rng = np.random.default_rng(3)
    n = 53
    event = rng.random(n) < 0.4
    ids = tuple(f"p{k:02d}" for k in range(n))
    outcome = Outcome(ids, np.arange(1.0, n + 1), event)
    fold = assign_folds(outcome, 5, np.random.default_rng(1))
    size = np.bincount(fold)
    deaths = np.bincount(fold[event], minlength=5)
    assert size.max() - size.min() <= 1
    assert deaths.max() - deaths.min() <= 1
    shuffled = outcome.take([ids[k] for k in rng.permutation(n)])
    again = dict(zip(shuffled.patients, assign_folds(shuffled, 5, np.random.default_rng(1)), strict=True))
    assert again == dict(zip(ids, fold, strict=True))
    other = assign_folds(outcome, 5, np.random.default_rng(2))
    assert (other != fold).any()


def test_folds_need_patients() -> None:
    outcome = Outcome(("a", "b"), np.ones(2), np.ones(2, dtype=bool))
    with pytest.raises(SettingsError, match="2 to 2 folds, got 3"):
        assign_folds(outcome, 3, np.random.default_rng(0))


def test_permuted_outcome_selects_almost_nothing() -> None:
    """200 features of noise: p < 0.05 alone keeps ten; LASSO with an honest screen keeps about none."""
    rng = np.random.default_rng(20)
    n, p, repeats = 80, 200, 8
    ids = tuple(f"p{k:02d}" for k in range(n))
    x = pd.DataFrame(rng.normal(size=(n, p)), index=list(ids), columns=[f"f{k}" for k in range(p)])
    time, event = rng.exponential(500, n) + 1, rng.random(n) < 0.6
    counts, associated = [], []
    for _ in range(repeats):
        order = rng.permutation(n)
        found = select_group("noise", x, Outcome(ids, time[order], event[order]), FitOptions(), rng)
        counts.append(len(found.selected))
        associated.append(found.associated)
    assert np.mean(associated) == pytest.approx(0.05 * p, rel=0.6)
    assert np.median(counts) <= 1
    assert np.mean(counts) < np.mean(associated) / 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ties": "exact"}, "ties must be one of efron, breslow; got 'exact'"),
        ({"fusion": "cca"}, "fusion must be one of pca, pca_branch"),
        ({"univariate_p": 1.5}, "univariate_p must lie within 0..1"),
        ({"lasso_folds": 1}, "lasso_folds must lie within 2..1000"),
        ({"ridge": -1.0}, "ridge must lie within"),
        ({"ridge": float("nan")}, "ridge must lie within"),
        ({"domain_quantile": 0.2}, "domain_quantile must lie within 0.5..1"),
    ],
)
def test_options_name_what_is_allowed(change: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        FitOptions(**change)
