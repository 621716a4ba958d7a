"""Concordance and AUC over time."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from agreement.rows import Pairs, Sources, agrees
from perisurv.evaluation import paired_c_difference, roc_at
from perisurv.statistics import harrell_c

TEST = "tests/unit/evaluation/test_evaluation_golden.py"
PAGE_TEST = "tests/unit/test_agreement_page.py"
MONTHS = "300 patients in whole months, risks of one decimal"


@agrees(
    "Harrell's C", "`harrell_c`", reference="survival 3.5-3 `concordance`", data=f"LUNG1; {MONTHS}", tested=TEST,
    within=1e-12,
)  # fmt: skip
def harrell(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    held = sources.csv("stats_lung1.csv", index_col="stat")["value"]
    yield harrell_c(outcome.time_days, outcome.event, x["lp"].to_numpy()), held["harrellC"]
    frame, outcome = sources.months
    for risk, name in (("s", "harrell"), ("s2", "harrell2")):
        yield harrell_c(outcome.time_days, outcome.event, frame[risk].to_numpy()), sources.months_r[name]


@agrees(
    "Harrell's C with heavy ties", "`harrell_c`", reference="survival 3.5-3 `concordance`",
    data="160 simulated patients", tested=PAGE_TEST, within=1e-12, needs_shared=False,
)  # fmt: skip
def tied(sources: Sources) -> Pairs:
    held, outcome = sources.golden("statistics_r"), sources.simulated[1]
    yield harrell_c(outcome.time_days, outcome.event, np.array(held["risk"], float)), held["concordance"]["c"]


@agrees(
    "Paired difference of two C: difference and p", "`paired_c_difference`",
    reference="survival 3.5-3 `concordance(influence = 1)`, difference of the dfbetas", data=MONTHS, tested=TEST,
    within=1e-8,
)  # fmt: skip
def paired(sources: Sources) -> Pairs:
    frame, outcome = sources.months
    held = sources.months_r
    found = paired_c_difference(outcome, frame["s"].to_numpy(), frame["s2"].to_numpy(), np.random.default_rng(1))
    difference = held["harrell"] - held["harrell2"]
    yield [found.difference, found.p], [difference, 2 * norm.sf(difference / held["diff_se"])]


@agrees(
    "AUC(t), cumulative/dynamic, IPCW", "`roc_at`", reference="riskRegression 2022.11 `Score(cens.model = \"km\")`",
    data=f"LUNG1; {MONTHS}", tested=TEST, within=1e-11,
)  # fmt: skip
def auc(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    expected = sources.csv("td_auc_lung1.csv").query("model == 'cox'")
    yield [roc_at(outcome, x["lp"].to_numpy(), t).auc for t in expected["times"]], expected["AUC"]
    frame, outcome = sources.months
    for row in sources.months_r["auc"]:
        yield roc_at(outcome, frame["s"].to_numpy(), row["times"]).auc, row["AUC"]
