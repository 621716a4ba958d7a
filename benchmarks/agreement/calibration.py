"""Calibration, reclassification and net benefit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from agreement.rows import Pairs, Sources, agrees, follow_up
from perisurv.core import Outcome
from perisurv.evaluation import (
    DecisionCurve,
    binary_decision_curve,
    bootstrap_counts,
    calibration_curve,
    calibration_groups,
    calibration_line,
    calibration_slope,
    cloglog,
    decision_curve,
    observed_expected,
    reclassification,
)

TEST = "tests/unit/evaluation/test_evaluation_calibration.py"
CURVE_TEST = "tests/unit/evaluation/test_evaluation_decision_curve.py"
RECLASSIFICATION_TEST = "tests/unit/evaluation/test_evaluation_reclassification.py"
HALF = "one half of lung, predicted by a model of the other"
RATES = {
    "test_pos_rate": "positive_rate",
    "tp_rate": "true_positive_rate",
    "fp_rate": "false_positive_rate",
    "net_benefit": "net_benefit",
    "net_intervention_avoided": "interventions_avoided",
}


def lung(sources: Sources) -> tuple[Outcome, np.ndarray, float, dict[str, Any]]:
    """Follow-up, predicted risks at the horizon, horizon, and R's numbers."""
    held = sources.golden("evaluation_r")["calibration"]
    return follow_up(held["time"], np.array(held["event"]) == 1), np.array(held["risk"]), held["horizon"], held


@agrees(
    "Calibration slope with standard error",
    "`calibration_slope`",
    reference="survival 3.5-3 `coxph` on cloglog of the risk",
    data=HALF,
    tested=TEST,
    within=1e-6,
    needs_shared=False,
)
def slope(sources: Sources) -> Pairs:
    outcome, risk, _, held = lung(sources)
    found = calibration_slope(outcome, cloglog(risk))
    yield [found.value, found.standard_error], held["slope"]


@agrees(
    "Observed (Kaplan-Meier) and expected risk",
    "`observed_expected`",
    reference="survival 3.5-3 `survfit`",
    data=HALF,
    tested=TEST,
    within=1e-9,
    needs_shared=False,
)
def in_the_large(sources: Sources) -> Pairs:
    outcome, risk, horizon, held = lung(sources)
    found = observed_expected(outcome, risk, horizon)
    yield (
        [found.observed.value, found.observed.standard_error, found.expected],
        [held["observed"], held["se"], held["expected"]],
    )


@agrees(
    "Calibration line by pseudo-values: intercept and slope with standard errors",
    "`calibration_line`",
    reference="leave-one-out `survfit` and cloglog least squares in R",
    data=HALF,
    tested=TEST,
    within=1e-5,
    needs_shared=False,
)
def line(sources: Sources) -> Pairs:
    outcome, risk, horizon, held = lung(sources)
    found = calibration_line(outcome, risk, horizon)
    yield [found.intercept.value, found.intercept.standard_error], [held["pseudo_intercept"][k] for k in ("coef", "se")]
    both = (found.intercept_at_slope, found.slope)
    yield [e.value for e in both], held["pseudo_slope"]["coef"]
    yield [e.standard_error for e in both], held["pseudo_slope"]["se"]


@agrees(
    "Calibration curve: ICI, E50, E90, Emax, observed risk of every patient; 3, 4 and 5 knots",
    "`calibration_curve`",
    reference="rms 6.5-0 `rcs`, survival 3.5-3 `coxph` (Austin 2020)",
    data=HALF,
    tested=TEST,
    within=1e-6,
    needs_shared=False,
)
def curve(sources: Sources) -> Pairs:
    outcome, risk, horizon, held = lung(sources)
    for knots in (3, 4, 5):
        found, expected = calibration_curve(outcome, risk, horizon, knots=knots), held[f"curve{knots}"]
        yield found.observed, expected["observed"]
        names = ("ici", "e50", "e90", "emax")
        yield [getattr(found, name).value for name in names], [expected[name] for name in names]


@agrees(
    "Calibration in quarters: predicted, observed with log-log limits",
    "`calibration_groups`",
    reference='survival 3.5-3 `survfit(conf.type = "log-log")`',
    data=HALF,
    tested=TEST,
    within=1e-9,
    needs_shared=False,
)
def quarters(sources: Sources) -> Pairs:
    outcome, risk, horizon, held = lung(sources)
    found, expected = calibration_groups(outcome, risk, horizon, 4), held["groups"]
    for name, key in (("predicted", "mean"), ("observed", "observed"), ("lower", "lower"), ("upper", "upper")):
        yield [getattr(group, name) for group in found], expected[key]


@agrees(
    "NRI (category-free, three categories) and IDI",
    "`reclassification`",
    reference="formulae of Pencina 2011 in R",
    data=HALF,
    tested=RECLASSIFICATION_TEST,
    within=1e-9,
    needs_shared=False,
)
def reclassified(sources: Sources) -> Pairs:
    outcome, risk, horizon, _ = lung(sources)
    held = sources.golden("evaluation_r")["reclassification"]
    counts = bootstrap_counts(len(outcome), 2, np.random.default_rng(0))
    for name, categories in (("free", ()), ("categories", (0.4, 0.5))):
        found = reclassification(outcome, risk, np.array(held["new"]), horizon, counts, categories)
        yield [found.events.value, found.nonevents.value], held[name]
        yield found.idi.value, held["idi"]


@agrees(
    "Net benefit, binary: all rates, with harm of a marker",
    "`binary_decision_curve`",
    reference="dcurves of R",
    data="data of dcurves, 750 patients",
    tested=CURVE_TEST,
    within=1e-9,
    judged="absolute",
)
def binary(sources: Sources) -> Pairs:
    data = _read(sources, "df_binary")
    marker = _read(sources, "dca_tut_bin_int_marker_risks")["marker_risk"]
    for file, model, risk, harm in (
        ("r_case1_results", "famhistory", data["famhistory"], 0.0),
        ("r_dca_famhistory", "famhistory", data["famhistory"], 0.0),
        ("r_case3_results", "marker", marker, 0.0333),
    ):
        expected = _read(sources, file)
        yield from _same(
            binary_decision_curve(data["cancer"].to_numpy(), risk, _grid(expected), harm=harm), expected, model
        )


@agrees(
    "Net benefit, censored: all rates",
    "`decision_curve`",
    reference="dcurves and stdca of R",
    data="data of dcurves, 750 patients",
    tested=CURVE_TEST,
    within=1e-9,
    judged="absolute",
    note="where everybody above a threshold died before the horizon, R has no value and ours is that all died",
)
def censored(sources: Sources) -> Pairs:
    data = _read(sources, "df_surv")
    outcome = follow_up(data["ttcancer"], data["cancer"])
    model_risk = _read(sources, "dca_tut_coxph_pr_failure18_vals")["pr_failure18"]
    for file, model, risk, horizon in (
        ("r_simple_surv_dca_result_df", "famhistory", data["famhistory"], 1.5),
        ("r_case2_results", "cancerpredmarker", data["cancerpredmarker"], 1.0),
        ("dca_tut_r_stdca_coxph_df", "pr_failure18", model_risk, 1.5),
    ):
        expected = _read(sources, file)
        yield from _same(decision_curve(outcome, risk, horizon, _grid(expected)), expected, model)


def _read(sources: Sources, name: str) -> pd.DataFrame:
    return pd.read_csv(sources.shared(f"reference_dcurves/{name}.csv"))


def _grid(table: pd.DataFrame) -> np.ndarray:
    return table[table["variable"] == "all"]["threshold"].to_numpy()


def _same(found: DecisionCurve, table: pd.DataFrame, model: str) -> Pairs:
    rows = table[table["variable"] == model]
    for name, ours in RATES.items():
        if name in rows:
            expected = rows[name].to_numpy(float)
            known = np.isfinite(expected)  # R divides by zero at threshold 0
            yield getattr(found, ours)[known], expected[known]
    yield found.treat_all, table[table["variable"] == "all"]["net_benefit"]
    yield np.full(len(rows), found.event_rate), rows["pos_rate"]
