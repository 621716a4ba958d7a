"""LASSO- and elastic-net Cox, and its cross-validation."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import numpy as np

from agreement.rows import Optimality, Pairs, Sources, agrees
from perisurv.core import Outcome
from perisurv.survival import CvLasso, LassoOptions, LassoPath, cv_lasso_cox, lasso_cox_path

TEST = "tests/unit/survival/test_survival_lasso.py"
PAGE_TEST = "tests/unit/test_agreement_page.py"
LUNG1 = "LUNG1, 421 x 518"
CV = "glmnet 4.1-6 `cv.glmnet(grouped = TRUE)`, same folds"
ALPHAS = (1.0, 0.5)


@cache
def path(sources: Sources, alpha: float) -> LassoPath:
    """Our path on LUNG1."""
    return lasso_cox_path(
        *sources.lung1, LassoOptions(alpha=alpha, standardise=False, lambda_min_ratio=0.1, n_lambdas=20)
    )


@cache
def cross_validated(sources: Sources, measure: Literal["deviance", "concordance"]) -> CvLasso:
    """Our cross-validation on LUNG1, with R's folds."""
    folds = sources.csv("foldid.csv")["fold"].to_numpy()
    options = LassoOptions(standardise=False, lambda_min_ratio=0.1, n_lambdas=20, measure=measure)
    return cv_lasso_cox(*sources.lung1, folds, options)


def lambdas_of(sources: Sources, alpha: float) -> np.ndarray:
    """The lambdas of glmnet."""
    return sources.csv(f"glmnet_lung1_alpha{alpha:g}_path.csv", index_col=0)["lambda"].to_numpy()


def glmnet(sources: Sources, alpha: float) -> np.ndarray:
    """glmnet's coefficients (thresh = 1e-14), shape (path, features)."""
    held = sources.csv(f"glmnet_lung1_alpha{alpha:g}_coef.csv", index_col=0)
    return _whole(sources, list(held.index), held.to_numpy())


def glmnet_at(sources: Sources, kind: Literal["default", "tight"], alpha: float) -> np.ndarray:
    """glmnet's coefficients at its default tolerance, or as near to the optimum as it goes."""
    held = sources.golden("lasso_lung1")[kind][f"alpha{alpha:g}"]
    return _whole(sources, held["names"], np.array(held["coef"], dtype=float))


def lasso(
    statistic: str,
    within: float,
    judged: Literal["absolute", "relative"] = "relative",
    relative_to: Literal["each", "largest"] = "each",
    *,
    reference: str = "glmnet 4.1-6, thresh = 1e-14",
    tested: str = TEST,
    note: str = "",
) -> Callable[[Callable[[Sources], Pairs]], Any]:
    """A row that compares a path with glmnet."""
    return agrees(
        statistic,
        "`lasso_cox_path`",
        reference=reference,
        data=LUNG1,
        tested=tested,
        within=within,
        judged=judged,
        relative_to=relative_to,
        note=note,
    )


@lasso("LASSO-Cox, alpha 1 and 0.5: lambdas", 1e-6)
def lambdas(sources: Sources) -> Pairs:
    for alpha in ALPHAS:
        yield path(sources, alpha).lambdas, lambdas_of(sources, alpha)


@lasso("LASSO-Cox, alpha 1 and 0.5: share of deviance explained", 1e-6, "absolute")
def explained(sources: Sources) -> Pairs:
    for alpha in ALPHAS:
        expected = sources.csv(f"glmnet_lung1_alpha{alpha:g}_path.csv", index_col=0)
        yield path(sources, alpha).explained, expected["devratio"]


@lasso("Elastic-net Cox, alpha 0.5: coefficients", 1e-4, relative_to="largest")
def coefficients_half(sources: Sources) -> Pairs:
    return zip(path(sources, 0.5).coef[1:], glmnet(sources, 0.5)[1:], strict=True)


@lasso("LASSO-Cox, alpha 1: linear predictor", 1e-4, relative_to="largest")
def predictor_one(sources: Sources) -> Pairs:
    x = sources.lung1[0].to_numpy()
    return zip(path(sources, 1.0).coef[1:] @ x.T, glmnet(sources, 1.0)[1:] @ x.T, strict=True)


@lasso(
    "LASSO-Cox, alpha 1: coefficients, copies of a column added up",
    1e-3,
    relative_to="largest",
    tested=PAGE_TEST,
    note="82 of the 518 columns are copies, among which the optimum is not unique. The difference is glmnet's own "
    "distance from the optimum at the smallest lambda, see the next row",
)
def coefficients_one(sources: Sources) -> Pairs:
    together = copies(sources.lung1[0].to_numpy())
    return zip(path(sources, 1.0).coef[1:] @ together, glmnet(sources, 1.0)[1:] @ together, strict=True)


@lasso(
    "LASSO-Cox, alpha 1, without the copies: coefficients",
    1e-4,
    relative_to="largest",
    reference="glmnet 4.1-6, thresh = 1e-22, epsnr = 1e-14",
    tested=PAGE_TEST,
)
def coefficients_tight(sources: Sources) -> Pairs:
    x, outcome = sources.lung1
    names = sources.golden("lasso_lung1")["tight"]["columns"]
    options = LassoOptions(standardise=False, lambdas=tuple(lambdas_of(sources, 1.0)))
    found = lasso_cox_path(x[names], outcome, options).coef
    expected = glmnet_at(sources, "tight", 1.0)[:, [x.columns.get_loc(n) for n in names]]
    return zip(found[1:], expected[1:], strict=True)


@lasso(
    "Elastic-net Cox, alpha 0.5: coefficients against a tighter glmnet",
    1e-4,
    relative_to="largest",
    reference="glmnet 4.1-6, thresh = 1e-22, epsnr = 1e-14",
    tested=PAGE_TEST,
)
def coefficients_half_tight(sources: Sources) -> Pairs:
    return zip(path(sources, 0.5).coef[1:], glmnet_at(sources, "tight", 0.5)[1:], strict=True)


def cross_validation(
    statistic: str, within: float, *, reference: str = CV, tested: str = TEST, note: str = ""
) -> Callable[[Callable[[Sources], Pairs]], Any]:
    """A row that compares a cross-validation with cv.glmnet."""
    return agrees(statistic, "`cv_lasso_cox`", reference=reference, data=LUNG1, tested=tested, within=within, note=note)


@cross_validation("Cross-validated deviance: lambda.min and lambda.1se", 1e-6)
def chosen(sources: Sources) -> Pairs:
    cv, expected = cross_validated(sources, "deviance"), sources.csv("cvglmnet_lung1_deviance.csv", index_col=0)
    yield [cv.lambda_min, cv.lambda_1se], expected[["lmin", "l1se"]].iloc[0]


@cross_validation(
    "Cross-validated deviance: mean up to lambda.min and three beyond",
    1e-4,
    note="cv.glmnet interpolates between the lambdas of each fold, here each fold is fitted at the lambda itself; with "
    "its interpolation 5e-6 (same test file)",
)
def mean_deviance(sources: Sources) -> Pairs:
    expected = sources.csv("cvglmnet_lung1_deviance.csv", index_col=0)
    yield cross_validated(sources, "deviance").curve[:8], expected["cvm"][:8]


@cross_validation(
    "Cross-validated deviance: standard error up to lambda.min and three beyond", 1e-2, note="as the row above"
)
def deviance_error(sources: Sources) -> Pairs:
    expected = sources.csv("cvglmnet_lung1_deviance.csv", index_col=0)
    yield cross_validated(sources, "deviance").standard_error[:8], expected["cvsd"][:8]


@cross_validation(
    "Cross-validated C: mean and standard error",
    1e-2,
    reference='glmnet 4.1-6 `cv.glmnet(type.measure = "C")`, same folds',
    tested=PAGE_TEST,
    note="1e-4 in the mean is one pair of patients of one fold whose risks change places",
)
def concordance(sources: Sources) -> Pairs:
    cv, expected = cross_validated(sources, "concordance"), sources.csv("cvglmnet_lung1_C.csv", index_col=0)
    yield cv.curve, expected["cvm"]
    yield cv.standard_error, expected["cvsd"]


def optimality(sources: Sources) -> list[Optimality]:
    """Optimality residuals of the paths, by a gradient that no solver shares."""
    x, outcome = sources.lung1
    found = []
    for alpha in ALPHAS:
        ours, theirs = path(sources, alpha), lambdas_of(sources, alpha)
        found.append(
            Optimality(
                f"{LUNG1}, alpha {alpha:g}",
                residual(x.to_numpy(), outcome, ours.lambdas, ours.coef, alpha),
                residual(x.to_numpy(), outcome, theirs, glmnet_at(sources, "default", alpha), alpha),
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
        eta = x @ row
        share = at_risk * np.exp(eta - eta.max())
        expected = (share / share.sum(axis=1, keepdims=True)).sum(axis=0) @ x
        gradient = (observed - expected) / len(x) - penalty * (1 - alpha) * row
        off = np.where(row != 0, np.abs(gradient - penalty * alpha * np.sign(row)), np.abs(gradient) - penalty * alpha)
        worst = max(worst, float(off.max(initial=0.0)))
    return worst / float(lambdas[0])


def copies(x: np.ndarray) -> np.ndarray:
    """Matrix that adds up the coefficients of columns that are one another's copies, with their sign."""
    scaled = (x - x.mean(axis=0)) / np.linalg.norm(x - x.mean(axis=0), axis=0)
    alike = scaled.T @ scaled
    first = (np.abs(alike) > 1 - 1e-8).argmax(axis=0)
    together = np.zeros(alike.shape)
    together[np.arange(len(first)), first] = np.sign(alike[np.arange(len(first)), first])
    return together


def _whole(sources: Sources, names: list[str], coef: np.ndarray) -> np.ndarray:
    """Coefficients of all columns from those of some, shape (path, features); theirs is (some, path)."""
    columns = list(sources.lung1[0].columns)
    whole = np.zeros((coef.shape[1], len(columns)))
    whole[:, [columns.index(n) for n in names]] = coef.T
    return whole
