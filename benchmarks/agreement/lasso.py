"""LASSO- and elastic-net Cox, and its cross-validation."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import numpy as np

from agreement.rows import Optimality, Pairs, Sources, agrees, follow_up
from perisurv.core import Outcome
from perisurv.survival import CvLasso, LassoOptions, LassoPath, cv_lasso_cox, lasso_cox_path, univariate_cox

TEST = "tests/unit/survival/test_survival_lasso.py"
PAGE_TEST = "tests/unit/test_agreement_page.py"
GOLDEN_TEST = "tests/unit/survival/test_survival_lasso_golden.py"
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


def lung(sources: Sources) -> tuple[np.ndarray, Outcome, dict[str, Any]]:
    """Columns of lung, follow-up, and what R says of them."""
    held = sources.golden("lasso")
    return np.array(held["x"], dtype=float), follow_up(held["time"], held["event"]), held


def case(held: dict[str, Any], name: str) -> tuple[LassoOptions, np.ndarray | None]:
    """Options of a case of ``lasso.R``, and its weights."""
    options = LassoOptions(
        alpha={"elastic": 0.4, "all": 0.6}.get(name, 1.0),
        lambdas=tuple(float(v) for v in held["lambda"]),
        standardise=name != "raw",
        penalty_factors=tuple(float(f) for f in held["factors"]) if name in ("factors", "all") else (),
        measure="concordance" if "concordance" in name else "deviance",
    )
    return options, np.array(held["weight"], dtype=float) if "weighted" in name or name == "all" else None


@agrees(
    "LASSO-Cox with case weights and penalty factors, alpha 1, 0.6 and 0.4: coefficients",
    "`lasso_cox_path`",
    reference="glmnet 4.1-6 `weights`, `penalty.factor`, thresh = 1e-15",
    data="lung, 168 x 7",
    tested=GOLDEN_TEST,
    within=1e-4,
    relative_to="largest",
    needs_shared=False,
    note="with `stratifySurv`, glmnet 4.1-6 ends 1e-4 to 1e-3 below the value of the objective that ours reaches on "
    "these data; a stratified path is tested by its optimality conditions",
)
def lung_paths(sources: Sources) -> Pairs:
    x, outcome, held = lung(sources)
    scale = x.std(axis=0)
    for name, expected in held["path"].items():
        options, weight = case(held, name)
        found = lasso_cox_path(x, outcome, options, weight=weight)
        both = zip(found.coef * scale, np.array(expected["coef"], dtype=float) * scale, strict=True)
        yield from ((ours, theirs) for ours, theirs in both if theirs.any())


@agrees(
    "Cross-validated deviance and C, also with case weights: mean",
    "`cv_lasso_cox`",
    reference="glmnet 4.1-6 `cv.glmnet`, same folds and lambdas",
    data="lung, 168 x 7",
    tested=GOLDEN_TEST,
    within=5e-3,
    needs_shared=False,
    note="folds of glmnet stop short of their optimum, so that pairs of patients of a fold change places; its deviance "
    "with case weights is per unit of weight, ours per death",
)
def lung_cross_validation(sources: Sources) -> Pairs:
    x, outcome, held = lung(sources)
    for name, expected in held["cv"].items():
        options, weight = case(held, name)
        found = cv_lasso_cox(x, outcome, np.array(held["fold"]), options, weight=weight)
        unit = np.mean(held["weight"]) if name == "weighted" else 1.0
        yield found.curve / unit, expected["mean"]


@agrees(
    "LASSO-Cox with Efron ties, strata and weights, vanishing penalty: coefficients",
    "`lasso_cox_path`",
    reference='survival 3.5-3 `coxph(ties = "efron")`; glmnet knows no Efron ties',
    data="lung, 168 x 7",
    tested=GOLDEN_TEST,
    within=1e-5,
    relative_to="largest",
    needs_shared=False,
)
def lung_efron(sources: Sources) -> Pairs:
    x, outcome, held = lung(sources)
    options = LassoOptions(lambdas=(1e-2, 1e-4, 1e-10), ties="efron")
    weight = np.array(held["weight"], dtype=float)
    yield lasso_cox_path(x, outcome, options, strata=held["strata"], weight=weight).coef[-1], held["efron"]


@agrees(
    "Univariate Cox with strata and case weights: coefficients and standard errors",
    "`univariate_cox`",
    reference="survival 3.5-3 `coxph` one by one, tolerance 1e-13",
    data="lung, 168 x 7",
    tested=GOLDEN_TEST,
    within=1e-6,
    needs_shared=False,
)
def lung_univariate(sources: Sources) -> Pairs:
    x, outcome, held = lung(sources)
    weight = np.array(held["weight"], dtype=float)
    beside: dict[str, dict[str, Any]] = {
        "efron": {},
        "stratified": {"strata": held["strata"]},
        "weighted": {"weight": weight},
        "breslow": {"strata": held["strata"], "weight": weight},
    }
    for name, expected in held["univariate"].items():
        found = univariate_cox(x, outcome, "breslow" if name == "breslow" else "efron", **beside[name])
        yield found.coef, expected["coef"]
        yield found.se, expected["se"]


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
