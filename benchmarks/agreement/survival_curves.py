"""Survival curves and their comparison: Kaplan-Meier, log-rank, restricted mean, hazard ratio."""

from __future__ import annotations

from typing import Any

import numpy as np

from agreement.rows import Pairs, Sources, agrees, follow_up
from perisurv.core import Outcome
from perisurv.evaluation import (
    group_hazard_ratios,
    hazard_ratio,
    log_rank,
    log_rank_test,
    log_rank_trend,
    restricted_mean,
    restricted_mean_difference,
)
from perisurv.statistics import KaplanMeier, kaplan_meier

TEST = "tests/unit/evaluation/test_evaluation_golden.py"
KM_TEST = "tests/unit/statistics/test_statistics_kaplan_meier.py"
LOG_RANK_TEST = "tests/unit/evaluation/test_evaluation_log_rank.py"
RMST_TEST = "tests/unit/evaluation/test_evaluation_rmst.py"
PAGE_TEST = "tests/unit/test_agreement_page.py"
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


def veteran(sources: Sources) -> tuple[Outcome, dict[str, Any], dict[str, Any]]:
    """Follow-up and columns of veteran, and R's numbers."""
    held = sources.golden("evaluation_r")
    return follow_up(held["veteran"]["time"], np.array(held["veteran"]["event"]) == 1), held["veteran"], held


@agrees(
    "Kaplan-Meier: survival, lower and upper limit (log)",
    "`kaplan_meier`",
    reference='survival 3.5-3 `survfit(conf.type = "log")`',
    data="LUNG1, two groups",
    tested=TEST,
    within=1e-12,
)
def curves(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    expected = sources.csv("km_lung1.csv")
    for group in (0, 1):
        rows = expected[expected["strata"].str.strip() == f"grp={group}"]
        km = kaplan_meier(_part(outcome, x["grp"].to_numpy() == group))
        at = np.searchsorted(km.time_days, rows["time"], side="right") - 1
        for name, values in (("surv", km.survival), ("lower", km.lower), ("upper", km.upper)):
            yield values[at], rows[name]


@agrees(
    "Median survival with limits",
    "`KaplanMeier.quantile`",
    reference="survival 3.5-3 `survfit`",
    data="LUNG1, two groups",
    tested=KM_TEST,
    within=1e-12,
)
def medians(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    expected = sources.csv("km_lung1_medians.csv")
    for group in (0, 1):
        found = kaplan_meier(_part(outcome, x["grp"].to_numpy() == group)).quantile(0.5)
        yield [found.days, found.lower, found.upper], expected[["median", "0.95LCL", "0.95UCL"]].iloc[group]


@agrees(
    "Kaplan-Meier: standard error, limits (log, log-log, plain) and quantiles with limits",
    "`kaplan_meier`",
    reference="survival 3.5-3 `survfit(conf.type)`, `quantile`",
    data="veteran, without and with case weights",
    tested=KM_TEST,
    within=1e-10,
    needs_shared=False,
)
def all_limits(sources: Sources) -> Pairs:
    outcome, columns, held = veteran(sources)
    weight = np.array(columns["weight"], dtype=float)
    for kind in ("log", "log-log", "plain"):
        yield from _same_curve(kaplan_meier(outcome, 0.9, conf_type=kind), held["km"][kind])
        yield from _same_curve(kaplan_meier(outcome, conf_type=kind, weight=weight), held["km_weighted"][kind])


@agrees(
    "Kaplan-Meier with heavy ties: survival and limits at every time",
    "`kaplan_meier`",
    reference="survival 3.5-3 `survfit`",
    data="160 simulated patients",
    tested=PAGE_TEST,
    within=1e-12,
    needs_shared=False,
)
def tied_curves(sources: Sources) -> Pairs:
    km, expected = kaplan_meier(sources.simulated[1]), sources.golden("statistics_r")["km"]
    yield km.time_days, expected["time"]
    yield km.survival, expected["surv"]
    yield km.at_risk, expected["at_risk"]
    known = np.array(expected["surv"]) > 0
    yield km.lower[known], np.array(expected["lower"], dtype=float)[known]
    yield km.upper[known], np.array(expected["upper"], dtype=float)[known]


@agrees(
    "Log-rank of two groups: chi-square and p",
    "`log_rank`",
    reference="survival 3.5-3 `survdiff`",
    data="LUNG1; 160 simulated patients; 300 patients in whole months",
    tested=TEST,
    within=1e-9,
)
def two_groups(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    lung1 = sources.csv("stats_lung1.csv", index_col="stat")["value"]
    yield log_rank(outcome, x["grp"].to_numpy() == 1), lung1[["logrank_chisq", "logrank_p"]]
    held = sources.golden("statistics_r")
    yield log_rank(sources.simulated[1], np.array(held["group"]) > 0), [held["logrank"]["chisq"], held["logrank"]["p"]]
    frame, outcome = sources.months
    yield log_rank(outcome, (frame["s"] > frame["s"].median()).to_numpy())[0], sources.months_r["logrank"]


@agrees(
    "Log-rank of four groups, also stratified: chi-square, p, observed, expected; rho 0, 0.5, 1",
    "`log_rank_test`",
    reference="survival 3.5-3 `survdiff(rho, strata)`",
    data="veteran",
    tested=LOG_RANK_TEST,
    within=1e-9,
    needs_shared=False,
)
def four_groups(sources: Sources) -> Pairs:
    outcome, columns, held = veteran(sources)
    for expected in held["log_rank"].values():
        found = log_rank_test(outcome, columns["cell"], "fleming_harrington", rho=expected["rho"])
        yield [found.statistic, found.p], [expected["chisq"], expected["p"]]
        yield found.observed, expected["observed"]
        yield found.expected, expected["expected"]
        within = log_rank_test(
            outcome, columns["cell"], "fleming_harrington", rho=expected["rho"], strata=columns["trt"]
        )
        yield [within.statistic, within.p], [expected["chisq_strata"], expected["p_strata"]]


@agrees(
    "Weighted log-rank and its trend: Gehan, Tarone-Ware, Peto-Peto, Fleming-Harrington",
    "`log_rank_test`, `log_rank_trend`",
    reference="the formulae in R, by loops",
    data="veteran, four groups",
    tested=LOG_RANK_TEST,
    within=1e-9,
    needs_shared=False,
)
def weighted(sources: Sources) -> Pairs:
    outcome, columns, held = veteran(sources)
    for name, expected in held["weighted"].items():
        weight: Any = "fleming_harrington" if name.startswith("fh") else name
        rho, gamma = (float(v) for v in name.split("_")[1:]) if name.startswith("fh") else (0.0, 0.0)
        yield log_rank_test(outcome, columns["cell"], weight, rho=rho, gamma=gamma).statistic, expected["chisq"]
        trend = log_rank_trend(outcome, columns["cell"], None, weight, rho=rho, gamma=gamma)
        yield trend.statistic, expected["trend"]


@agrees(
    "Trend of survival over four groups, no ties",
    "`log_rank_trend`",
    reference="survival 3.5-3 `coxph`, score test",
    data="veteran, ties broken",
    tested=LOG_RANK_TEST,
    within=1e-9,
    needs_shared=False,
)
def trend(sources: Sources) -> Pairs:
    _, columns, held = veteran(sources)
    untied = follow_up(held["trend_untied"]["time"], np.array(columns["event"]) == 1)
    yield log_rank_trend(untied, columns["cell"]).statistic, held["trend_untied"]["chisq"]


@agrees(
    "Restricted mean: each group with standard error; difference and ratio with limits and p",
    "`restricted_mean_difference`",
    reference="survival 3.5-3 `print(survfit, rmean)`; formulae of survRM2 in R",
    data="veteran, 200 days",
    tested=RMST_TEST,
    within=1e-9,
    needs_shared=False,
)
def restricted(sources: Sources) -> Pairs:
    outcome, columns, held = veteran(sources)
    expected = held["rmst"]
    found = restricted_mean_difference(outcome, np.array(columns["trt"]) == 2, expected["tau"])
    yield [found.other.value, found.group.value], expected["rmst"]
    yield [found.other.standard_error, found.group.standard_error], expected["se"]
    for name in ("difference", "ratio"):
        estimate = getattr(found, name)
        yield [estimate.value, estimate.lower, estimate.upper], expected[name]
        yield estimate.p, expected[f"p_{name}"]


@agrees(
    "Restricted mean with standard error",
    "`restricted_mean`",
    reference="survival 3.5-3 `summary(survfit)$table`",
    data="LUNG1, group of high risk",
    tested=RMST_TEST,
    within=1e-10,
)
def restricted_lung1(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    found = restricted_mean(_part(outcome, x["grp"].to_numpy() == 1))
    yield [found.value, found.standard_error], sources.csv("km_lung1_medians.csv")[["rmean", "se(rmean)"]].iloc[1]


@agrees(
    "Hazard ratio of two groups with limits",
    "`hazard_ratio`",
    reference="survival 3.5-3 `summary(coxph)$conf.int`",
    data="LUNG1, two groups",
    tested=PAGE_TEST,
    within=1e-6,
)
def ratio_lung1(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    held = sources.csv("stats_lung1.csv", index_col="stat")["value"]
    found = hazard_ratio(outcome, x["grp"].to_numpy(float))
    yield [found.value, found.lower, found.upper], held[["HR_grp", "HR_lo", "HR_hi"]]


@agrees(
    "Hazard ratios of four groups, within strata and per standard deviation, with limits and p",
    "`group_hazard_ratios`, `hazard_ratio`",
    reference="survival 3.5-3 `coxph`, tolerance 1e-11",
    data="veteran",
    tested=RMST_TEST,
    within=1e-6,
    needs_shared=False,
)
def ratios(sources: Sources) -> Pairs:
    outcome, columns, held = veteran(sources)
    expected = held["hazard_ratio"]
    found = {
        "groups": [g.ratio for g in group_hazard_ratios(outcome, columns["cell"], 1)],
        "strata": [g.ratio for g in group_hazard_ratios(outcome, columns["cell"], 1, strata=columns["trt"])],
        "breslow": [g.ratio for g in group_hazard_ratios(outcome, columns["cell"], 1, ties="breslow")],
        "per_sd": [hazard_ratio(outcome, np.array(columns["karno"], float), "sd")],
    }
    for name, rows in found.items():
        values = {key: np.atleast_1d(expected[name][key]) for key in ("coef", "lower", "upper", "p")}
        yield [np.log(r.value) for r in rows], values["coef"]
        yield [r.lower for r in rows], values["lower"]
        yield [r.upper for r in rows], values["upper"]
        yield [r.p for r in rows], values["p"]


def _part(outcome: Outcome, inside: np.ndarray) -> Outcome:
    return outcome.take(np.array(outcome.patients)[inside].tolist())


def _same_curve(km: KaplanMeier, expected: dict[str, Any]) -> Pairs:
    alive = np.array(expected["survival"]) > 0
    for name, values in (
        ("survival", km.survival),
        ("se", km.standard_error),
        ("lower", km.lower),
        ("upper", km.upper),
    ):
        # A variance over a curve that has reached zero is none.
        yield values[alive], np.array([np.nan if v in (None, "NA") else v for v in expected[name]], dtype=float)[alive]
    quantiles = expected["quantile"]
    for row, share in enumerate(SHARES):
        found = km.quantile(share)
        ours = [np.nan if v is None else v for v in (found.days, found.lower, found.upper)]
        theirs = [quantiles[key][row] for key in ("quantile", "lower", "upper")]
        yield ours, [np.nan if v in (None, "NA") else v for v in theirs]
