"""Cox models, their baseline hazard, and one model a feature."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agreement.rows import Pairs, Sources, agrees, follow_up
from perisurv.core import Outcome
from perisurv.statistics import harrell_c
from perisurv.survival import CoxModel, adjust_p, fit_cox, univariate_cox

CLASSIC = "lung, veteran, gbsg, LUNG1 clinical"
TEST = "tests/unit/survival/test_survival_cox.py"
UNIVARIATE_TEST = "tests/unit/survival/test_survival_univariate.py"
PAGE_TEST = "tests/unit/test_agreement_page.py"
TIES = ("efron", "breslow")


def classic(sources: Sources, name: str) -> tuple[pd.DataFrame, Outcome]:
    """A classic data set with the columns of the reference."""
    if name == "lung":
        d = sources.csv("lung_complete.csv")
        return d[["age", "sex", "ph.ecog", "wt.loss"]], follow_up(d["time"], d["status"] == 2)
    if name == "veteran":
        d = sources.csv("veteran.csv").copy()
        for cell in ("smallcell", "adeno", "large"):
            d[f"celltype{cell}"] = (d["celltype"] == cell).astype(float)
        names = ["trt", "celltypesmallcell", "celltypeadeno", "celltypelarge", "karno", "diagtime", "age", "prior"]
        return d[names], follow_up(d["time"], d["status"] == 1)
    if name == "gbsg":
        d = sources.csv("gbsg.csv")
        names = ["age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon"]
        return d[names], follow_up(d["rfstime"], d["status"] == 1)
    x, outcome = sources.lung1_clinical
    return x.iloc[:, :9], outcome


def models(sources: Sources) -> list[tuple[np.ndarray, Outcome, CoxModel, pd.DataFrame]]:
    """Columns, follow-up, our model and R's rows: 4 data sets x 2 ways with ties."""
    expected = sources.csv("coxph.csv")
    found = []
    for name in ("lung", "veteran", "gbsg", "lung1clin"):
        x, outcome = classic(sources, name)
        for ties in TIES:
            rows = expected[expected["model"].str.strip() == f"{name}_{ties}"]
            found.append((x.to_numpy(float), outcome, fit_cox(x.to_numpy(float), outcome, ties), rows))
    return found


def cox(statistic: str, within: float = 1e-6, note: str = ""):
    """A row that compares with coxph."""
    return agrees(
        f"Cox model: {statistic}", "`fit_cox`", reference="survival 3.5-3 `coxph(ties = \"efron\" \\| \"breslow\")`",
        data=CLASSIC, tested=TEST, within=within, note=note,
    )  # fmt: skip


@cox("coefficients", note="R stops at a relative change of 1e-9 of the likelihood")
def coefficients(sources: Sources) -> Pairs:
    return [(model.coef, rows["coef"]) for _, _, model, rows in models(sources)]


@cox("standard errors")
def standard_errors(sources: Sources) -> Pairs:
    return [(model.standard_error, rows["se"]) for _, _, model, rows in models(sources)]


@cox("z")
def z(sources: Sources) -> Pairs:
    return [(model.z, rows["z"]) for _, _, model, rows in models(sources)]


@cox("log partial likelihood, fitted and null", 1e-12)
def log_likelihood(sources: Sources) -> Pairs:
    for _, _, model, rows in models(sources):
        yield [model.log_likelihood, model.log_likelihood_null], rows[["loglik", "loglik0"]].iloc[0]


@cox("Harrell's C of its risk", 1e-12)
def concordance(sources: Sources) -> Pairs:
    for x, outcome, model, rows in models(sources):
        yield harrell_c(outcome.time_days, outcome.event, model.linear_predictor(x)), rows["C"].iloc[0]


@agrees(
    "Cox model with heavy ties: coefficients, standard errors, likelihood", "`fit_cox`",
    reference="survival 3.5-3 `coxph`, tolerance 1e-13", data="160 simulated patients, whole months", tested=PAGE_TEST,
    within=1e-9, needs_shared=False,
)  # fmt: skip
def tied(sources: Sources) -> Pairs:
    x, outcome = sources.simulated
    for ties in TIES:
        model, expected = fit_cox(x[:, [0, 2, 3, 6]], outcome, ties), sources.golden("statistics_r")["cox"][ties]
        yield model.coef, expected["coef"]
        yield model.standard_error, expected["se"]
        yield [model.log_likelihood_null, model.log_likelihood], expected["loglik"]


@agrees(
    "Baseline cumulative hazard", "`fit_cox(...).baseline_hazard`",
    reference="survival 3.5-3 `basehaz(centered = FALSE)`", data="LUNG1 clinical (Efron)", tested=TEST, within=1e-6,
)  # fmt: skip
def baseline(sources: Sources) -> Pairs:
    x, outcome = classic(sources, "lung1clin")
    expected = sources.csv("basehaz_lung1.csv")
    yield _hazard_at_zero(fit_cox(x, outcome), expected["time"]), expected["hazard"]


@agrees(
    "Baseline cumulative hazard with heavy ties", "`fit_cox(...).baseline_hazard`",
    reference="survival 3.5-3 `basehaz(centered = FALSE)`", data="160 simulated patients, Efron and Breslow",
    tested=PAGE_TEST, within=1e-9, needs_shared=False,
)  # fmt: skip
def tied_baseline(sources: Sources) -> Pairs:
    x, outcome = sources.simulated
    for ties in TIES:
        expected = sources.golden("statistics_r")["basehaz"][ties]
        yield _hazard_at_zero(fit_cox(x[:, [0, 2, 3, 6]], outcome, ties), expected["time"]), expected["hazard"]


@agrees(
    "Predicted risk at 1, 2 and 3 years", "`CoxModel.survival`", reference="pec 2022.05 `predictSurvProb(coxph)`",
    data="LUNG1 clinical", tested=TEST, within=1e-6,
)  # fmt: skip
def predicted(sources: Sources) -> Pairs:
    x, outcome = classic(sources, "lung1clin")
    model = fit_cox(x, outcome)
    survival = model.survival(model.linear_predictor(x.to_numpy()), (365, 730, 1095))
    yield 1 - survival, sources.csv("risk_lung1.csv", index_col=0).to_numpy()


@agrees(
    "Univariate Cox: coefficient, standard error and p a feature", "`univariate_cox`",
    reference="survival 3.5-3 `coxph` one by one, tolerance 1e-13",
    data="160 simulated patients x 24: ties, heavy tails, rare category, units from 1e-3 to 1e4", tested=PAGE_TEST,
    within=1e-6, needs_shared=False,
)  # fmt: skip
def univariate(sources: Sources) -> Pairs:
    x, outcome = sources.simulated
    for ties in TIES:
        found, expected = univariate_cox(x, outcome, ties), sources.golden("statistics_r")["univariate"][ties]
        yield found.coef, expected["coef"]
        yield found.se, expected["se"]
        yield found.p, expected["p"]


@agrees(
    "Benjamini-Hochberg", "`adjust_p`", reference="stats 4.2.2 `p.adjust(method = \"BH\")`",
    data="the p of the row above", tested=UNIVARIATE_TEST, within=1e-9, needs_shared=False,
)  # fmt: skip
def benjamini_hochberg(sources: Sources) -> Pairs:
    held = sources.golden("statistics_r")
    yield adjust_p(np.array(held["univariate"]["efron"]["p"])), held["bh"]


def _hazard_at_zero(model: CoxModel, time: object) -> np.ndarray:
    at_zero = model.baseline_hazard * np.exp(-model.mean @ model.coef)
    position = np.searchsorted(model.baseline_time_days, np.asarray(time, dtype=float), side="right")
    return np.concatenate([[0.0], at_zero])[position]
