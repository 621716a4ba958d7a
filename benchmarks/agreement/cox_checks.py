"""Cox models with strata and weights, and what checks them."""

from __future__ import annotations

from typing import Any

import numpy as np

from agreement.cox import classic
from agreement.rows import Pairs, Sources, agrees, follow_up
from perisurv.survival import check_linearity, check_proportional_hazards, fit_cox

TERMS = ("age", "sex", "ph.ecog", "wt.loss")
LUNG = "lung, times in whole months; plain, strata, weights, both; Efron and Breslow"
COX_TEST = "tests/unit/survival/test_survival_cox_strata.py"
ZPH_TEST = "tests/unit/survival/test_survival_proportional_hazards.py"
LINEAR_TEST = "tests/unit/survival/test_survival_linearity.py"


def cases(sources: Sources) -> list[tuple[np.ndarray, Any, dict[str, Any], dict[str, Any]]]:
    """Columns, follow-up, what to fit with, what R gave: two ways with ties x strata x weights."""
    held = sources.golden("survival_cox")
    data = held["data"]
    x = np.array([data[t] for t in TERMS], dtype=float).T
    outcome = follow_up(data["month"], data["event"])
    found = []
    for name, expected in held["models"].items():
        ties, strata, weights = name.split("_")
        options = {
            "ties": ties,
            "strata": [str(c) for c in data["centre"]] if strata == "strata" else None,
            "weight": np.array(data["w"], dtype=float) if weights == "weights" else None,
        }
        found.append((x, outcome, options, expected))
    return found


@agrees(
    "Cox model with strata and case weights: coefficients, standard errors, likelihood",
    "`fit_cox`",
    reference="survival 3.5-3 `coxph(strata, weights)`, tolerance 1e-14",
    data=LUNG,
    tested=COX_TEST,
    within=1e-6,
    needs_shared=False,
)
def stratified(sources: Sources) -> Pairs:
    for x, outcome, options, expected in cases(sources):
        model = fit_cox(x, outcome, **options)
        yield model.coef, expected["coef"]
        yield model.standard_error, expected["se"]
        yield [model.log_likelihood_null, model.log_likelihood], expected["loglik"]


@agrees(
    "Cox model: robust standard errors",
    "`fit_cox(weight=)`",
    reference="survival 3.5-3 `coxph(robust = TRUE)`",
    data=LUNG,
    tested=COX_TEST,
    within=1e-6,
    needs_shared=False,
)
def robust(sources: Sources) -> Pairs:
    for x, outcome, options, expected in cases(sources):
        yield fit_cox(x, outcome, **options).robust_standard_error, expected["robust"]


@agrees(
    "Proportional hazards test: chi-square and p, each and GLOBAL; km, identity, rank and log of time",
    "`check_proportional_hazards`",
    reference="survival 3.5-3 `cox.zph`",
    data=LUNG,
    tested=ZPH_TEST,
    within=1e-6,
    needs_shared=False,
)
def proportional(sources: Sources) -> Pairs:
    for x, outcome, options, expected in cases(sources):
        for scale, table in expected["zph"].items():
            found = check_proportional_hazards(x, outcome, scale=scale, **options)
            yield [*found.chi2, found.chi2_global], table["chisq"]
            yield [*found.p, found.p_global], table["p"]


@agrees(
    "Proportional hazards test: chi-square and p, each and GLOBAL",
    "`check_proportional_hazards`",
    reference="survival 3.5-3 `cox.zph`",
    data="LUNG1 clinical; 300 patients in whole months",
    tested=ZPH_TEST,
    within=1e-6,
)
def proportional_shared(sources: Sources) -> Pairs:
    x, outcome = classic(sources, "lung1clin")
    found, table = check_proportional_hazards(x, outcome), sources.csv("coxzph_lung1.csv", index_col=0)
    yield [*found.chi2, found.chi2_global], table["chisq"]
    yield [*found.p, found.p_global], table["p"]
    frame, outcome = sources.months
    found = check_proportional_hazards(frame[["s", "s2"]].to_numpy(float), outcome)
    yield [*found.chi2, found.chi2_global], sources.months_r["zph"]


@agrees(
    "Schoenfeld and scaled Schoenfeld residuals",
    "`check_proportional_hazards`",
    reference='survival 3.5-3 `residuals(type = "schoenfeld" \\| "scaledsch")`',
    data="lung, times in whole months",
    tested=ZPH_TEST,
    within=1e-6,
    judged="absolute",
    needs_shared=False,
)
def residuals(sources: Sources) -> Pairs:
    for x, outcome, options, expected in cases(sources):
        if options["strata"] is None and options["weight"] is None:
            found = check_proportional_hazards(x, outcome, **options)
            yield _by_time(found.schoenfeld, found.time_days), _by_time(expected["schoenfeld"], found.time_days)
            yield _by_time(found.scaled_schoenfeld, found.time_days), _by_time(expected["scaled"], found.time_days)


@agrees(
    "Linearity: Wald and likelihood ratio test of a restricted cubic spline, 3 to 5 knots",
    "`check_linearity`",
    reference="rms 6.5-0 `anova(cph(rcs()))`; survival 3.5-3 `coxph`",
    data="lung",
    tested=LINEAR_TEST,
    within=1e-5,
    needs_shared=False,
)
def linearity(sources: Sources) -> Pairs:
    held = sources.golden("survival_cox")
    data = held["data"]
    x, outcome = np.array([data[t] for t in TERMS], dtype=float).T, follow_up(data["time"], data["event"])
    for knots in (3, 4, 5):
        found = check_linearity(x, outcome, knots=knots)
        for term in ("age", "wt.loss"):
            place, expected = TERMS.index(term), held["linearity"][f"{term}{knots}"]
            yield found.knots[place], expected["knots"]
            yield [found.wald[place], found.p_wald[place]], [expected["wald"], expected["p"]]
            yield found.likelihood_ratio[place], expected["lr"]


def _by_time(values: Any, time: np.ndarray) -> np.ndarray:
    """Sums over the deaths of a day: their order within it is nobody's."""
    rows = np.asarray(values, dtype=float)
    return np.stack([rows[time == t].sum(axis=0) for t in np.unique(time)])
