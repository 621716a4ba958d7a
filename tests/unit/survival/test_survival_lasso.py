"""LASSO-Cox against glmnet, against its optimality conditions, and its cross-validation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import Outcome, SettingsError
from perisurv.statistics import RiskSets, Ties
from perisurv.survival import LassoOptions, LassoPath, assign_folds, cv_lasso_cox, fit_cox, lasso_cox_path

AS_IN_R = {"standardise": False, "lambda_min_ratio": 0.1, "n_lambdas": 20}


def simulated(n: int, p: int, seed: int, effect: float = 0.5) -> tuple[np.ndarray, Outcome]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    death = np.ceil(rng.exponential(50 * np.exp(-effect * x[:, :3].sum(axis=1))))  # ceil: ties
    censored = rng.integers(20, 300, n)
    ids = tuple(f"p{k:04d}" for k in range(n))
    return x, Outcome(ids, np.minimum(death, censored).astype(float), death <= censored)


@pytest.mark.parametrize("alpha", ["1", "0.5"])
def test_path_agrees_with_glmnet(reference: Path, lung1: tuple[pd.DataFrame, Outcome], alpha: str) -> None:
    x, outcome = lung1
    path = lasso_cox_path(x, outcome, LassoOptions(alpha=float(alpha), **AS_IN_R))
    expected = pd.read_csv(reference / f"glmnet_lung1_alpha{alpha}_path.csv", index_col=0)
    coef = pd.read_csv(reference / f"glmnet_lung1_alpha{alpha}_coef.csv", index_col=0)
    glmnet = pd.DataFrame(0.0, index=x.columns, columns=range(20))
    glmnet.loc[coef.index] = coef.to_numpy()
    np.testing.assert_allclose(path.lambdas, expected["lambda"], rtol=1e-7)
    np.testing.assert_allclose(path.null_deviance, expected["nulldev"].iloc[0], rtol=1e-12)
    np.testing.assert_allclose(path.explained, expected["devratio"], atol=2e-7)
    # 518 features hold copies, among which the LASSO optimum is not unique: the linear predictor is.
    np.testing.assert_allclose(x @ path.coef.T, x.to_numpy() @ glmnet.to_numpy(), atol=5e-4)
    if alpha == "0.5":
        np.testing.assert_allclose(path.coef.T, glmnet, atol=2e-5)
        np.testing.assert_array_equal(path.n_features, expected["df"])


def test_cross_validation_agrees_with_glmnet(reference: Path, lung1: tuple[pd.DataFrame, Outcome]) -> None:
    x, outcome = lung1
    folds = pd.read_csv(reference / "foldid.csv")["fold"].to_numpy()
    expected = pd.read_csv(reference / "cvglmnet_lung1_deviance.csv", index_col=0)
    cv = cv_lasso_cox(x, outcome, folds, LassoOptions(**AS_IN_R))
    assert cv.lambda_min == pytest.approx(expected["lmin"].iloc[0], rel=1e-7)
    assert cv.lambda_1se == pytest.approx(expected["l1se"].iloc[0], rel=1e-7)
    # glmnet fits each fold on the fold's own lambdas and interpolates; here each fold is fitted at the lambdas asked
    # for. Beyond lambda.min, where folds overfit, interpolation shows.
    np.testing.assert_allclose(cv.curve[:8], expected["cvm"][:8], rtol=2e-5)
    np.testing.assert_allclose(cv.standard_error[:8], expected["cvsd"][:8], rtol=1e-3)


def test_concordance_of_the_folds_agrees_with_glmnet(reference: Path, lung1: tuple[pd.DataFrame, Outcome]) -> None:
    x, outcome = lung1
    folds = pd.read_csv(reference / "foldid.csv")["fold"].to_numpy()
    expected = pd.read_csv(reference / "cvglmnet_lung1_C.csv", index_col=0)
    options = LassoOptions(standardise=False, lambdas=tuple(expected["lambda"]), measure="concordance")
    cv = cv_lasso_cox(x, outcome, folds, options)
    # At the first lambda some folds of glmnet are empty and some are not, by the rounding of that lambda.
    np.testing.assert_allclose(cv.curve[1:], expected["cvm"][1:], atol=2e-4)
    np.testing.assert_allclose(cv.standard_error[1:], expected["cvsd"][1:], atol=2e-4)


def test_interpolating_the_folds_gives_glmnet(reference: Path, lung1: tuple[pd.DataFrame, Outcome]) -> None:
    """The same sums as in cv_lasso_cox with glmnet's interpolation: proves the definition of the deviance."""
    x, outcome = lung1
    folds = pd.read_csv(reference / "foldid.csv")["fold"].to_numpy()
    expected = pd.read_csv(reference / "cvglmnet_lung1_deviance.csv", index_col=0)
    lambdas = lasso_cox_path(x, outcome, LassoOptions(**AS_IN_R)).lambdas
    patients = np.asarray(outcome.patients)
    per_death, deaths = [], []
    for fold in range(1, 11):
        rest = folds != fold
        part = outcome.take(patients[rest])
        path = lasso_cox_path(x[rest], part, LassoOptions(**AS_IN_R))
        eta = x.to_numpy() @ np.stack([interpolated(path, value) for value in lambdas], axis=1)
        contribution = deviance(outcome, eta) - deviance(part, eta[rest])
        deaths.append(outcome.event[~rest].sum())
        per_death.append(contribution / deaths[-1])
    mean = np.average(per_death, axis=0, weights=deaths)
    np.testing.assert_allclose(mean[:19], expected["cvm"][:19], rtol=5e-6)


def interpolated(path: LassoPath, value: float) -> np.ndarray:
    order = np.argsort(path.lambdas)
    return np.array([np.interp(value, path.lambdas[order], column[order]) for column in path.coef.T])


def deviance(outcome: Outcome, eta: np.ndarray) -> np.ndarray:
    sets = RiskSets.of(outcome.time_days, outcome.event, "breslow")
    return np.array([2 * (sets.saturated() - sets.log_likelihood(e[sets.order])) for e in eta.T])


def kkt_violation(x: np.ndarray, outcome: Outcome, path: LassoPath, alpha: float) -> float:
    """Largest violation of the optimality conditions, by a naive gradient over all pairs; in units of lambda."""
    scale = x.std(axis=0)
    z = (x - x.mean(axis=0)) / scale
    worst = 0.0
    for penalty, coef in zip(path.lambdas, path.coef * scale, strict=True):
        weight = np.exp(z @ coef)
        gradient = np.zeros(x.shape[1])
        for i in np.flatnonzero(outcome.event):
            at_risk = outcome.time_days >= outcome.time_days[i]
            gradient += z[i] - weight[at_risk] @ z[at_risk] / weight[at_risk].sum()
        gradient = gradient / len(x) - penalty * (1 - alpha) * coef
        l1 = penalty * alpha
        violation = np.where(coef != 0, np.abs(gradient - l1 * np.sign(coef)), np.abs(gradient) - l1)
        worst = max(worst, violation.max())
    return worst / path.lambdas[0]


@pytest.mark.parametrize(("n", "p", "alpha"), [(60, 150, 1.0), (150, 20, 1.0), (60, 150, 0.3)])
def test_optimality_conditions_hold_along_the_path(n: int, p: int, alpha: float) -> None:
    x, outcome = simulated(n, p, seed=n + p)
    x = x * np.linspace(0.01, 100, p)
    path = lasso_cox_path(x, outcome, LassoOptions(alpha=alpha, n_lambdas=30))
    assert kkt_violation(x, outcome, path, alpha) < 2e-6
    assert path.n_features[0] == 0
    assert path.n_features[1] >= 1
    assert (np.diff(path.explained) > -1e-9).all()


def test_vanishing_penalty_is_cox() -> None:
    x, outcome = simulated(200, 4, seed=1)
    path = lasso_cox_path(x, outcome, LassoOptions(lambdas=(0.1, 0.01, 1e-8)))
    np.testing.assert_allclose(path.coef[-1], fit_cox(x, outcome, "breslow").coef, atol=1e-5)


def test_copies_of_a_feature_share_its_effect() -> None:
    x, outcome = simulated(120, 6, seed=4)
    alone = lasso_cox_path(x, outcome, LassoOptions(n_lambdas=20))
    copied = lasso_cox_path(np.column_stack([x, x[:, 0], -x[:, 1]]), outcome, LassoOptions(n_lambdas=20))
    np.testing.assert_allclose(copied.coef[:, 0] + copied.coef[:, 6], alone.coef[:, 0], atol=1e-5)
    np.testing.assert_allclose(copied.coef[:, 1] - copied.coef[:, 7], alone.coef[:, 1], atol=1e-5)


def test_constant_columns_get_nothing() -> None:
    x, outcome = simulated(80, 5, seed=2)
    path = lasso_cox_path(np.column_stack([x, np.ones(80)]), outcome, LassoOptions(n_lambdas=10))
    assert (path.coef[:, 5] == 0).all()
    only = lasso_cox_path(np.ones((80, 2)), outcome)
    assert (only.coef == 0).all()


def test_screen_is_repeated_without_the_left_out_patients() -> None:
    x, outcome = simulated(60, 8, seed=3)
    folds = assign_folds(outcome, 5, np.random.default_rng(0))
    sizes = []

    def screen(values: np.ndarray, part: Outcome) -> np.ndarray:
        sizes.append(len(part))
        return np.arange(8) < 4

    cv = cv_lasso_cox(x, outcome, folds, LassoOptions(n_lambdas=10), screen)
    assert sizes == [60, *[60 - int((folds == f).sum()) for f in range(5)]]
    assert (cv.path.coef[:, 4:] == 0).all()


def test_screening_outside_the_folds_would_find_noise() -> None:
    """On pure noise an honest screen explains nothing held-out; a screen that saw everybody seems to."""
    x, outcome = simulated(80, 400, seed=11, effect=0.0)
    folds = assign_folds(outcome, 10, np.random.default_rng(0))

    def best(values: np.ndarray, part: Outcome) -> np.ndarray:
        from perisurv.survival import univariate_cox

        return univariate_cox(values, part).p < 0.05

    honest = cv_lasso_cox(x, outcome, folds, None, best)
    leaky = cv_lasso_cox(x[:, best(x, outcome)], outcome, folds)
    gain = honest.curve[0] - honest.curve.min()
    leaky_gain = leaky.curve[0] - leaky.curve.min()
    assert leaky_gain > 0.2
    assert gain < leaky_gain / 4


def test_options_and_folds_are_checked() -> None:
    x, outcome = simulated(20, 3, seed=6)
    with pytest.raises(SettingsError, match="decreasing"):
        LassoOptions(lambdas=(0.1, 0.2))
    with pytest.raises(SettingsError, match="alpha"):
        LassoOptions(alpha=0.0)
    with pytest.raises(SettingsError, match="at least two folds"):
        cv_lasso_cox(x, outcome, np.zeros(20, dtype=np.intp))
    alone = Outcome(outcome.patients, outcome.time_days, np.arange(20) == 0)
    with pytest.raises(SettingsError, match="Without fold 1 no patient has an event"):
        cv_lasso_cox(x, alone, (np.arange(20) == 0).astype(np.intp))


@pytest.mark.parametrize("seed", range(4))
def test_a_path_that_ends_after_the_rise_chooses_as_the_whole_path(seed: int) -> None:
    """From no signal to a strong one; the curve is that of the whole path as far as it goes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(120, 60))
    time = rng.exponential(np.exp(-x[:, :3] @ np.full(3, 0.3 * seed))) * 500 + 1
    outcome = Outcome(tuple(f"p{k:03d}" for k in range(120)), time, rng.random(120) < 0.7)
    folds = assign_folds(outcome, 5, np.random.default_rng(0))
    whole, ended = (cv_lasso_cox(x, outcome, folds, LassoOptions(patience=patience)) for patience in (0, 10))
    length = len(ended.curve)
    assert length < len(whole.curve)
    assert (ended.at_min, ended.at_1se) == (whole.at_min, whole.at_1se)
    np.testing.assert_allclose(ended.curve, whole.curve[:length], rtol=1e-12)
    np.testing.assert_array_equal(ended.path.coef, whole.path.coef[:length])
    assert (ended.curve[-10:] > ended.curve[ended.at_min] + ended.standard_error[ended.at_min]).all()


def test_a_left_out_outlier_does_not_stop_a_fold() -> None:
    """All of a feature's variance lies in one patient: without that patient its unit is a hundred times smaller."""
    rng = np.random.default_rng(0)
    time = rng.permutation(np.arange(1.0, 25.0))
    x = np.column_stack([-time / 100, rng.normal(size=(24, 3))])
    x[5, 0] = 60.0
    outcome = Outcome(tuple(f"p{k:02d}" for k in range(24)), time, np.ones(24, dtype=bool))
    folds = np.arange(24) % 6
    found = cv_lasso_cox(x, outcome, folds, LassoOptions(patience=0))
    rest = np.flatnonzero(folds != 5)
    alone = lasso_cox_path(x[rest], outcome.take([outcome.patients[k] for k in rest]))
    assert alone.lambdas[0] > 2 * found.path.lambdas[0]
    assert np.isfinite(found.curve).all()
    assert len(found.curve) > 20


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_log_likelihood_of_linear_predictors_far_apart(ties: Ties) -> None:
    """The compiled sums and those of the risk sets agree, also where no exponential can be summed."""
    from perisurv.survival.kernels.lasso import log_likelihoods
    from perisurv.survival.lasso_problem import compiled_sets

    rng = np.random.default_rng(3)
    time, event = np.ceil(rng.exponential(5, 40)), rng.random(40) < 0.7
    weight = rng.integers(0, 3, 40).astype(float)
    sets = RiskSets.of(time, event, ties, ["AB"[k % 2] for k in range(40)], weight)
    eta = rng.normal(size=(2, 40)) * np.array([[1.0], [800.0]])
    found = log_likelihoods(eta, sets.weight, compiled_sets(sets, 1.0))
    np.testing.assert_allclose(found, [sets.log_likelihood(row) for row in eta], rtol=1e-12)
