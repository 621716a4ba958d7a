"""Kaplan-Meier, log-rank, hazard ratio."""

from __future__ import annotations

import numpy as np

from agreement.rows import Pairs, Sources, agrees
from perisurv.evaluation import log_rank
from perisurv.statistics import kaplan_meier
from perisurv.survival import fit_cox

TEST = "tests/unit/evaluation/test_evaluation_golden.py"
PAGE_TEST = "tests/unit/test_agreement_page.py"


@agrees(
    "Kaplan-Meier: survival, lower and upper limit (log)", "`kaplan_meier`",
    reference="survival 3.5-3 `survfit(conf.type = \"log\")`", data="LUNG1, two groups", tested=TEST, within=1e-12,
)  # fmt: skip
def curves(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    expected = sources.csv("km_lung1.csv")
    for group in (0, 1):
        rows = expected[expected["strata"].str.strip() == f"grp={group}"]
        own = np.array(outcome.patients)[x["grp"] == group]
        km = kaplan_meier(outcome.take(own.tolist()))
        at = np.searchsorted(km.time_days, rows["time"], side="right") - 1
        yield km.survival[at], rows["surv"]
        yield km.lower[at], rows["lower"]
        yield km.upper[at], rows["upper"]


@agrees(
    "Kaplan-Meier with heavy ties: survival and limits at every time", "`kaplan_meier`",
    reference="survival 3.5-3 `survfit`", data="160 simulated patients", tested=PAGE_TEST, within=1e-12,
    needs_shared=False,
)  # fmt: skip
def tied_curves(sources: Sources) -> Pairs:
    km, expected = kaplan_meier(sources.simulated[1]), sources.golden("statistics_r")["km"]
    yield km.time_days, expected["time"]
    yield km.survival, expected["surv"]
    yield km.at_risk, expected["at_risk"]
    known = np.array(expected["surv"]) > 0
    yield km.lower[known], np.array(expected["lower"], dtype=float)[known]
    yield km.upper[known], np.array(expected["upper"], dtype=float)[known]


@agrees(
    "Log-rank: chi-square and p", "`log_rank`", reference="survival 3.5-3 `survdiff`", data="LUNG1, two groups",
    tested=TEST, within=1e-9,
)  # fmt: skip
def two_groups(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    held = sources.csv("stats_lung1.csv", index_col="stat")["value"]
    yield log_rank(outcome, x["grp"].to_numpy() == 1), held[["logrank_chisq", "logrank_p"]]


@agrees(
    "Log-rank with heavy ties: chi-square and p", "`log_rank`", reference="survival 3.5-3 `survdiff`",
    data="160 simulated patients, 300 patients in whole months", tested=PAGE_TEST, within=1e-9,
)  # fmt: skip
def tied_groups(sources: Sources) -> Pairs:
    held = sources.golden("statistics_r")
    yield log_rank(sources.simulated[1], np.array(held["group"]) > 0), [held["logrank"]["chisq"], held["logrank"]["p"]]
    frame, outcome = sources.months
    yield log_rank(outcome, (frame["s"] > frame["s"].median()).to_numpy())[0], sources.months_r["logrank"]


@agrees(
    "Hazard ratio of two groups with limits", "`fit_cox`", reference="survival 3.5-3 `summary(coxph)$conf.int`",
    data="LUNG1, two groups", tested=PAGE_TEST, within=1e-6,
)  # fmt: skip
def hazard_ratio(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    model = fit_cox(x[["grp"]].to_numpy(float), outcome)
    half = 1.959963984540054 * model.standard_error[0]
    held = sources.csv("stats_lung1.csv", index_col="stat")["value"]
    yield np.exp(model.coef[0] + half * np.array([0, -1, 1])), held[["HR_grp", "HR_lo", "HR_hi"]]
