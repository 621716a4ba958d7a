"""LASSO- and elastic-net Cox, and its cross-validation."""

from __future__ import annotations

from functools import cache

import numpy as np

from agreement.rows import Optimality, Pairs, Sources, agrees
from perisurv.core import Outcome
from perisurv.survival import CvLasso, LassoOptions, LassoPath, cv_lasso_cox, lasso_cox_path

TEST = "tests/unit/survival/test_survival_lasso.py"
LUNG1 = "LUNG1, 421 x 518"
AS_IN_R = {"standardise": False, "lambda_min_ratio": 0.1, "n_lambdas": 20}


@cache
def path(sources: Sources, alpha: float) -> LassoPath:
    """Our path on LUNG1."""
    return lasso_cox_path(*sources.lung1, LassoOptions(alpha=alpha, **AS_IN_R))


@cache
def cross_validated(sources: Sources) -> CvLasso:
    """Our cross-validation on LUNG1, with R's folds."""
    folds = sources.csv("foldid.csv")["fold"].to_numpy()
    return cv_lasso_cox(*sources.lung1, folds, LassoOptions(**AS_IN_R))


def glmnet(sources: Sources, alpha: float) -> np.ndarray:
    """glmnet's coefficients (thresh = 1e-14), shape (path, features)."""
    held = sources.csv(f"glmnet_lung1_alpha{alpha:g}_coef.csv", index_col=0)
    names = list(sources.lung1[0].columns)
    coef = np.zeros((held.shape[1], len(names)))
    coef[:, [names.index(n) for n in held.index]] = held.to_numpy().T
    return coef


def lasso(statistic: str, within: float, judged: str = "relative", relative_to: str = "each", note: str = ""):
    """A row that compares a path with glmnet."""
    return agrees(
        statistic, "`lasso_cox_path`", reference="glmnet 4.1-6, thresh = 1e-14", data=LUNG1, tested=TEST, within=within,
        judged=judged, relative_to=relative_to, note=note,
    )  # fmt: skip


@lasso("LASSO-Cox, alpha 1 and 0.5: lambdas", 1e-6)
def lambdas(sources: Sources) -> Pairs:
    for alpha in (1.0, 0.5):
        yield path(sources, alpha).lambdas, sources.csv(f"glmnet_lung1_alpha{alpha:g}_path.csv", index_col=0)["lambda"]


@lasso("LASSO-Cox, alpha 1 and 0.5: share of deviance explained", 1e-6, "absolute")
def explained(sources: Sources) -> Pairs:
    for alpha in (1.0, 0.5):
        expected = sources.csv(f"glmnet_lung1_alpha{alpha:g}_path.csv", index_col=0)
        yield path(sources, alpha).explained, expected["devratio"]


@lasso("Elastic-net Cox, alpha 0.5: coefficients", 1e-4, relative_to="largest")
def coefficients_half(sources: Sources) -> Pairs:
    return zip(path(sources, 0.5).coef[1:], glmnet(sources, 0.5)[1:], strict=True)


@lasso(
    "LASSO-Cox, alpha 1: linear predictor", 1e-3, relative_to="largest",
    note="the table holds copies of features, among which the coefficients of alpha 1 are not unique",
)  # fmt: skip
def predictor_one(sources: Sources) -> Pairs:
    x = sources.lung1[0].to_numpy()
    return zip(path(sources, 1.0).coef[1:] @ x.T, glmnet(sources, 1.0)[1:] @ x.T, strict=True)


@lasso("LASSO-Cox, alpha 1: coefficients, copies of a feature added up", 1e-4, relative_to="largest")
def coefficients_one(sources: Sources) -> Pairs:
    together = copies(sources.lung1[0].to_numpy())
    return zip(path(sources, 1.0).coef[1:] @ together, glmnet(sources, 1.0)[1:] @ together, strict=True)


@agrees(
    "cv.glmnet: lambda.min and lambda.1se (deviance)", "`cv_lasso_cox`",
    reference="glmnet 4.1-6 `cv.glmnet(grouped = TRUE)`, same folds", data=LUNG1, tested=TEST, within=1e-6,
)  # fmt: skip
def chosen(sources: Sources) -> Pairs:
    cv, expected = cross_validated(sources), sources.csv("cvglmnet_lung1_deviance.csv", index_col=0)
    yield [cv.lambda_min, cv.lambda_1se], expected[["lmin", "l1se"]].iloc[0]


@agrees(
    "cv.glmnet: mean deviance up to lambda.min", "`cv_lasso_cox`",
    reference="glmnet 4.1-6 `cv.glmnet(grouped = TRUE)`, same folds", data=LUNG1, tested=TEST, within=1e-4,
    note="glmnet interpolates between the lambdas of each fold, here each fold is fitted at the lambda itself; "
    "with its interpolation 5e-6 (same test file)",
)  # fmt: skip
def mean_deviance(sources: Sources) -> Pairs:
    yield cross_validated(sources).deviance[:8], sources.csv("cvglmnet_lung1_deviance.csv", index_col=0)["cvm"][:8]


@agrees(
    "cv.glmnet: standard error of the deviance up to lambda.min", "`cv_lasso_cox`",
    reference="glmnet 4.1-6 `cv.glmnet(grouped = TRUE)`, same folds", data=LUNG1, tested=TEST, within=1e-2,
    note="as above",
)  # fmt: skip
def deviance_error(sources: Sources) -> Pairs:
    held = sources.csv("cvglmnet_lung1_deviance.csv", index_col=0)
    yield cross_validated(sources).standard_error[:8], held["cvsd"][:8]


def optimality(sources: Sources) -> list[Optimality]:
    """KKT residuals of both paths, each at its own lambdas, by a gradient that no solver shares."""
    x, outcome = sources.lung1
    found = []
    for alpha in (1.0, 0.5):
        ours = path(sources, alpha)
        theirs = sources.csv(f"glmnet_lung1_alpha{alpha:g}_path.csv", index_col=0)["lambda"].to_numpy()
        found.append(
            Optimality(
                f"{LUNG1}, alpha {alpha:g}",
                residual(x.to_numpy(), outcome, ours.lambdas, ours.coef, alpha),
                residual(x.to_numpy(), outcome, theirs, glmnet(sources, alpha), alpha),
            )
        )
    return found


def residual(x: np.ndarray, outcome: Outcome, lambdas: np.ndarray, coef: np.ndarray, alpha: float) -> float:
    """Largest violation of the optimality conditions along a path, in units of the largest lambda (Breslow ties)."""
    at_risk = outcome.time_days[None, :] >= outcome.time_days[outcome.event][:, None]
    observed = x[outcome.event].sum(axis=0)
    worst = 0.0
    for penalty, row in zip(lambdas, coef, strict=True):
        weight = np.exp(x @ row)
        share = at_risk * weight
        expected = (share / share.sum(axis=1, keepdims=True)).sum(axis=0) @ x
        gradient = (observed - expected) / len(x) - penalty * (1 - alpha) * row
        off = np.where(row != 0, np.abs(gradient - penalty * alpha * np.sign(row)), np.abs(gradient) - penalty * alpha)
        worst = max(worst, float(off.max(initial=0.0)))
    return worst / float(lambdas[0])


def copies(x: np.ndarray) -> np.ndarray:
    """Matrix that adds up the coefficients of columns that are one another's copies, with their sign."""
    scaled = (x - x.mean(axis=0)) / np.linalg.norm(x - x.mean(axis=0), axis=0)
    alike = scaled.T @ scaled
    same = np.abs(alike) > 1 - 1e-8
    first = same.argmax(axis=0)
    together = np.zeros(alike.shape)
    together[np.arange(len(first)), first] = np.sign(alike[np.arange(len(first)), first])
    return together
