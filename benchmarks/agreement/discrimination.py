"""Discrimination: concordance and AUC over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from agreement.rows import Pairs, Sources, agrees, follow_up
from perisurv.core import Outcome
from perisurv.evaluation import (
    auc_curve,
    integrated_auc,
    paired_auc_difference,
    paired_c_difference,
    paired_uno_difference,
    roc_at,
    uno_c,
)
from perisurv.statistics import concordance, harrell_c

TEST = "tests/unit/evaluation/test_evaluation_golden.py"
GOLDEN_TEST = "tests/unit/evaluation/test_evaluation_discrimination_golden.py"
PAGE_TEST = "tests/unit/test_agreement_page.py"
MONTHS = "300 patients in whole months, risks of one decimal"
TIED = "simulated, ties in time and risk"
SCORE = 'riskRegression 2022.11 `Score(cens.model = "km")`'
SKSURV = "scikit-survival 0.28"


def tied(sources: Sources) -> tuple[Outcome, dict[str, np.ndarray], dict[str, Any]]:
    """Follow-up and columns of the tied data, and R's numbers."""
    held = sources.golden("discrimination")["tied"]
    columns = {name: np.array(values) for name, values in _columns(held["data"]).items()}
    return follow_up(columns["t"], columns["e"] == 1), columns, held


def veteran(sources: Sources) -> tuple[Outcome, np.ndarray, np.ndarray, dict[str, Any]]:
    """Follow-up of veteran, the risks of two models, and R's numbers."""
    held = sources.golden("discrimination")["veteran"]
    outcome = follow_up(held["time"], np.array(held["status"]) == 1)
    return outcome, np.array(held["lp_a"]), np.array(held["lp_b"]), held


def column(rows: list[dict[str, Any]], model: str, name: str) -> np.ndarray:
    """A column of the rows of one model."""
    return np.array([row[name] for row in rows if row["model"] == model], dtype=float)


@agrees(
    "Harrell's C",
    "`harrell_c`",
    reference="survival 3.5-3 `concordance`",
    data=f"LUNG1; {MONTHS}",
    tested=TEST,
    within=1e-12,
)
def harrell(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    held = sources.csv("stats_lung1.csv", index_col="stat")["value"]
    yield harrell_c(outcome.time_days, outcome.event, x["lp"].to_numpy()), held["harrellC"]
    frame, outcome = sources.months
    for risk, name in (("s", "harrell"), ("s2", "harrell2")):
        yield harrell_c(outcome.time_days, outcome.event, frame[risk].to_numpy()), sources.months_r[name]


@agrees(
    "Harrell's C and its standard error, with strata and weights",
    "`concordance`",
    reference="survival 3.5-3 `concordance(strata, weights)`",
    data=f"{TIED}; 160 simulated patients",
    tested=GOLDEN_TEST,
    within=1e-10,
    needs_shared=False,
)
def harrell_error(sources: Sources) -> Pairs:
    outcome, columns, held = tied(sources)
    for name in ("plain", "weighted", "strata", "weighted_strata"):
        found = concordance(
            outcome.time_days,
            outcome.event,
            columns["x"].astype(float),
            weight=columns["w"].astype(float) if "weighted" in name else None,
            strata=columns["g"].tolist() if "strata" in name else None,
        )
        yield [found.c_index, found.standard_error], [held[name]["c"], held[name]["se"]]
    made, outcome = sources.golden("statistics_r"), sources.simulated[1]
    found = concordance(outcome.time_days, outcome.event, np.array(made["risk"], float))
    yield [found.c_index, found.standard_error], [made["concordance"]["c"], made["concordance"]["se"]]


@agrees(
    "Harrell's C: standard error",
    "`concordance`",
    reference="survival 3.5-3 `concordance`",
    data=f"LUNG1; {MONTHS}",
    tested=GOLDEN_TEST,
    within=1e-10,
)
def harrell_error_shared(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    found = concordance(outcome.time_days, outcome.event, x["lp"].to_numpy())
    yield found.standard_error, sources.csv("stats_lung1.csv", index_col="stat")["value"]["harrellC_se"]
    frame, outcome = sources.months
    found = concordance(outcome.time_days, outcome.event, frame["s"].to_numpy())
    yield found.standard_error, sources.months_r["harrell_se"]


@agrees(
    "Paired difference of two C: difference, standard error and p",
    "`paired_c_difference`",
    reference="survival 3.5-3 `concordance(influence = 1)`, difference of the dfbetas",
    data=MONTHS,
    tested=TEST,
    within=1e-8,
)
def paired(sources: Sources) -> Pairs:
    frame, outcome = sources.months
    held = sources.months_r
    rng = np.random.default_rng(1)
    found = paired_c_difference(outcome, frame["s"].to_numpy(), frame["s2"].to_numpy(), rng, resamples=10)
    difference, error = held["harrell"] - held["harrell2"], held["diff_se"]
    yield (
        [found.difference, found.standard_error, found.p],
        [difference, error, 2 * norm.sf(abs(difference) / error)],
    )


@agrees(
    "Uno's C, tau none and 1095 days (36 months)",
    "`uno_c`",
    reference='survival 3.5-3 `concordance(timewt = "n/G2")`',
    data=f"LUNG1; {MONTHS}",
    tested=GOLDEN_TEST,
    within=1e-11,
)
def uno(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    held = sources.csv("stats_lung1.csv", index_col="stat")["value"]
    for tau, name in ((None, "unoC_n/G2"), (1095, "unoC_n/G2_tau1095")):
        yield uno_c(outcome, x["lp"].to_numpy(), tau_days=tau).c_index, held[name]
    frame, outcome = sources.months
    for tau, name in ((None, "uno"), (36, "uno_tau36")):
        yield uno_c(outcome, frame["s"].to_numpy(), tau_days=tau).c_index, sources.months_r[name]


@agrees(
    "Uno's C with weights and tau, standard error with G known",
    "`uno_c`",
    reference='survival 3.5-3 `concordance(timewt = "n/G2")`',
    data=TIED,
    tested=GOLDEN_TEST,
    within=1e-10,
    needs_shared=False,
)
def uno_tied(sources: Sources) -> Pairs:
    outcome, columns, held = tied(sources)
    for name, tau in (("uno", None), ("uno_weighted", None), ("uno_tau_5", 5), ("uno_tau_11", 11)):
        weight = columns["w"].astype(float) if "weighted" in name else None
        found = uno_c(outcome, columns["x"].astype(float), tau_days=tau, weight=weight)
        yield [found.c_index, found.standard_error_g_known], [held[name]["c"], held[name]["se"]]


@agrees(
    "Uno's C, the convention G(t), t < tau",
    '`uno_c(convention="scikit-survival")`',
    reference=f"{SKSURV} `concordance_index_ipcw`",
    data=TIED,
    tested=GOLDEN_TEST,
    within=1e-11,
    needs_shared=False,
)
def uno_other(sources: Sources) -> Pairs:
    outcome, columns, _ = tied(sources)
    for tau, expected in sources.golden("discrimination_scikit_survival")["tied"]["uno"].items():
        found = uno_c(
            outcome,
            columns["x"].astype(float),
            tau_days=float(tau),
            convention="scikit-survival",
            censoring=_given(columns),
        )
        yield found.c_index, expected


@agrees(
    "Difference of two of Uno's C",
    "`paired_uno_difference`",
    reference='survival 3.5-3 `concordance(timewt = "n/G2")`',
    data=TIED,
    tested=GOLDEN_TEST,
    within=1e-10,
    needs_shared=False,
    note="the value; R's standard error takes G as known, ours does not",
)
def uno_difference(sources: Sources) -> Pairs:
    outcome, columns, held = tied(sources)
    found = paired_uno_difference(outcome, columns["x"].astype(float), columns["y"].astype(float))
    yield found.difference, held["uno_paired"]["difference"]


@agrees(
    "AUC(t), cumulative/dynamic, IPCW",
    "`auc_curve`, `roc_at`",
    reference=SCORE,
    data=f"LUNG1; {MONTHS}",
    tested=TEST,
    within=1e-11,
)
def auc(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    expected = sources.csv("td_auc_lung1.csv").query("model == 'cox'")
    yield [roc_at(outcome, x["lp"].to_numpy(), t).auc for t in expected["times"]], expected["AUC"]
    yield auc_curve(outcome, x["lp"].to_numpy(), expected["times"].to_numpy(float)).auc, expected["AUC"]
    frame, outcome = sources.months
    times = [row["times"] for row in sources.months_r["auc"]]
    yield auc_curve(outcome, frame["s"].to_numpy(), times).auc, [row["AUC"] for row in sources.months_r["auc"]]


@agrees(
    "AUC(t): standard error and limits",
    "`auc_curve`",
    reference=SCORE,
    data="LUNG1",
    tested=GOLDEN_TEST,
    within=1e-9,
)
def auc_error(sources: Sources) -> Pairs:
    x, outcome = sources.lung1_clinical
    expected = sources.csv("td_auc_lung1.csv").query("model == 'cox'")
    found = auc_curve(outcome, x["lp"].to_numpy(), expected["times"].to_numpy(float))
    for name, values in (("se", found.standard_error), ("lower", found.lower), ("upper", found.upper)):
        yield values, expected[name]


@agrees(
    "AUC(t): standard error where deaths and censorings share a day",
    "`auc_curve`",
    reference=SCORE,
    data=f"veteran; {MONTHS}",
    tested=GOLDEN_TEST,
    within=1e-3,
    note="where a death and a censoring share a day, R's error is not quite the derivative of its estimate; ours is",
)
def auc_error_tied(sources: Sources) -> Pairs:
    outcome, *risks, held = veteran(sources)
    for model, risk in zip("ab", risks, strict=True):
        yield auc_curve(outcome, risk, held["times"]).standard_error, column(held["auc"], model, "se")
    frame, outcome = sources.months
    rows = sources.months_r["auc"]
    found = auc_curve(outcome, frame["s"].to_numpy(), [row["times"] for row in rows])
    yield found.standard_error, [row["se"] for row in rows]


@agrees(
    "Difference of two AUC(t)",
    "`paired_auc_difference`",
    reference="riskRegression 2022.11 `Score(contrasts)`",
    data="veteran, two Cox models",
    tested=GOLDEN_TEST,
    within=1e-9,
    needs_shared=False,
)
def auc_difference(sources: Sources) -> Pairs:
    outcome, a, b, held = veteran(sources)
    found = paired_auc_difference(outcome, b, a, held["times"])
    yield [row.difference for row in found], [row["delta.AUC"] for row in held["auc_contrasts"]]


@agrees(
    "Difference of two AUC(t): standard error",
    "`paired_auc_difference`",
    reference="riskRegression 2022.11 `Score(contrasts)`",
    data="veteran, two Cox models",
    tested=GOLDEN_TEST,
    within=1e-3,
    needs_shared=False,
    note="as above",
)
def auc_difference_error(sources: Sources) -> Pairs:
    outcome, a, b, held = veteran(sources)
    found = paired_auc_difference(outcome, b, a, held["times"])
    yield [row.standard_error for row in found], [row["se"] for row in held["auc_contrasts"]]


@agrees(
    "AUC(t) and its mean over time, the convention G(t)",
    '`auc_curve(convention="scikit-survival")`, `integrated_auc`',
    reference=f"{SKSURV} `cumulative_dynamic_auc`",
    data=f"{TIED}; veteran",
    tested=GOLDEN_TEST,
    within=1e-10,
    needs_shared=False,
)
def auc_other(sources: Sources) -> Pairs:
    made, columns, _ = tied(sources)
    expected = sources.golden("discrimination_scikit_survival")
    x, given = columns["x"].astype(float), _given(columns)
    curve = auc_curve(made, x, [5, 8, 11], convention="scikit-survival", censoring=given)
    yield curve.auc, expected["tied"]["auc"]
    yield integrated_auc(curve, made).auc, expected["tied"]["auc_mean"]
    outcome, a, _, held = veteran(sources)
    curve = auc_curve(outcome, a, held["times"], convention="scikit-survival")
    yield curve.auc, expected["veteran"]["auc"]
    yield integrated_auc(curve, outcome).auc, expected["veteran"]["auc_mean"]


def _given(columns: dict[str, np.ndarray]) -> Outcome:
    """The tied data and one late death: G of scikit-survival may not reach zero."""
    return follow_up([*columns["t"], 40], np.array([*columns["e"], 1]) == 1)


def _columns(data: Any) -> dict[str, list[Any]]:
    return data if isinstance(data, dict) else {name: [row[name] for row in data] for name in data[0]}
