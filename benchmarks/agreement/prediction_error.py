"""Prediction error and explained variation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from agreement.discrimination import GOLDEN_TEST, MONTHS, SCORE, SKSURV, TIED, _given, column, tied, veteran
from agreement.rows import Pairs, Sources, agrees, follow_up
from perisurv.core import Outcome
from perisurv.evaluation import (
    brier_score,
    explained_variation,
    integrated_brier,
    optimism_bootstrap,
    paired_brier_difference,
)
from perisurv.statistics import RiskSets, maximise

INDEXES = {"dxy": "Dxy", "r2": "R2", "slope": "Slope", "d": "D", "u": "U", "q": "Q", "g": "g"}


@agrees(
    "Brier score and null model",
    "`brier_score`",
    reference=SCORE,
    data=f"LUNG1; {MONTHS}",
    tested=GOLDEN_TEST,
    within=1e-11,
)
def brier(sources: Sources) -> Pairs:
    expected = sources.csv("brier_lung1.csv")
    found = brier_score(sources.lung1_clinical[1], _survival(sources), [365, 730, 1095])
    yield found.brier, expected[expected["model"] == "cox"]["Brier"]
    yield found.null, expected[expected["model"] == "Null model"]["Brier"]
    survival = sources.csv("comparisons/m_P_300.csv", header=None).to_numpy()
    found, rows = brier_score(sources.months[1], survival, [12, 24, 36]), sources.months_r["brier"]
    yield found.brier, column(rows, "m", "Brier")
    yield found.null, column(rows, "Null model", "Brier")


@agrees(
    "Brier score: standard errors",
    "`brier_score`",
    reference=SCORE,
    data="LUNG1",
    tested=GOLDEN_TEST,
    within=1e-5,
)
def brier_error(sources: Sources) -> Pairs:
    expected = sources.csv("brier_lung1.csv")
    found = brier_score(sources.lung1_clinical[1], _survival(sources), [365, 730, 1095])
    yield found.standard_error, expected[expected["model"] == "cox"]["se"]
    yield found.null_standard_error, expected[expected["model"] == "Null model"]["se"]


@agrees(
    "Integrated Brier score and null model",
    "`integrated_brier`",
    reference='riskRegression 2022.11 `Score(summary = "ibs")`',
    data="LUNG1; veteran",
    tested=GOLDEN_TEST,
    within=1e-11,
)
def integrated(sources: Sources) -> Pairs:
    expected = sources.csv("brier_lung1.csv")
    model, null = (expected[expected["model"] == name]["IBS"].to_numpy() for name in ("cox", "Null model"))
    for last in (2, 3):
        curve = brier_score(sources.lung1_clinical[1], _survival(sources)[:, :last], [365, 730, 1095][:last])
        found = integrated_brier(curve)
        yield [found.brier, found.null], [model[last - 1], null[last - 1]]
    outcome, _, _, held = veteran(sources)
    for name in "ab":
        found = integrated_brier(brier_score(outcome, np.array(held[f"survival_{name}"]), held["times"]))
        yield found.brier, column(held["brier"], name, "IBS")[-1]


@agrees(
    "Difference of two Brier scores",
    "`paired_brier_difference`",
    reference="riskRegression 2022.11 `Score(contrasts)`",
    data="veteran, two Cox models",
    tested=GOLDEN_TEST,
    within=1e-9,
    needs_shared=False,
)
def difference(sources: Sources) -> Pairs:
    outcome, _, _, held = veteran(sources)
    survival = {m: np.array(held[f"survival_{m}"]) for m in "ab"}
    found = paired_brier_difference(outcome, survival["b"], survival["a"], held["times"])
    rows = [row for row in held["brier_contrasts"] if (row["model"], row["reference"]) == ("b", "a")]
    yield [row.difference for row in found], [row["delta.Brier"] for row in rows]


@agrees(
    "Brier score and its integral, the convention G(t)",
    '`brier_score(convention="scikit-survival")`',
    reference=f"{SKSURV} `brier_score`, `integrated_brier_score`",
    data=f"{TIED}; veteran",
    tested=GOLDEN_TEST,
    within=1e-10,
    needs_shared=False,
)
def brier_other(sources: Sources) -> Pairs:
    made, columns, _ = tied(sources)
    expected = sources.golden("discrimination_scikit_survival")
    x = columns["x"].astype(float)
    survival = 1 / (1 + np.exp(np.stack([x - 1, x - 0.5, x], axis=1)))
    found = brier_score(made, survival, [5, 8, 11], convention="scikit-survival", censoring=_given(columns))
    yield found.brier, expected["tied"]["brier"]
    outcome, _, _, held = veteran(sources)
    found = brier_score(outcome, np.array(held["survival_a"]), held["times"], convention="scikit-survival")
    yield found.brier, expected["veteran"]["brier"]
    yield integrated_brier(found, "trapezoid").brier, expected["veteran"]["integrated_brier"]


@agrees(
    "Royston's D and R2_D, Kent and O'Quigley's R2, Nagelkerke's R2",
    "`explained_variation`",
    reference="survival 3.5-3 `royston`",
    data="veteran, two models; lung",
    tested=GOLDEN_TEST,
    within=1e-6,
    needs_shared=False,
)
def royston(sources: Sources) -> Pairs:
    outcome, a, b, held = veteran(sources)
    lung, made = _lung(sources)
    for follow, risk, expected in (
        (outcome, a, held["royston_a"]),
        (outcome, b, held["royston_b"]),
        (lung, np.array(made["lp"]), made["royston"]),
    ):
        found = explained_variation(follow, risk)
        yield [found.royston_d, found.r2_d], [expected["D"], expected["R.D"]]
        yield [found.kent_oquigley, found.nagelkerke], [expected["R.KO"], expected["R.N"]]


@agrees(
    "Optimism: Dxy, R2, slope, D, U, Q and g; apparent, training, test, optimism, corrected",
    "`optimism_bootstrap`",
    reference="rms 6.5-0 `validate(cph, B = 200)`, same resamples",
    data="lung",
    tested=GOLDEN_TEST,
    within=1e-4,
    judged="absolute",
    needs_shared=False,
    note="rms ends Newton's method early",
)
def optimism(sources: Sources) -> Pairs:
    lung, held = _lung(sources)
    x = np.array([held[name] for name in ("age", "sex", "ph_ecog")], dtype=float).T

    def refit(rows: np.ndarray) -> np.ndarray:
        z = (x - x[rows].mean(axis=0)) / x[rows].std(axis=0)
        sets = RiskSets.of(lung.time_days[rows], lung.event[rows], "efron")
        return z @ maximise(z[rows][sets.order], sets, np.zeros(3), ("age", "sex", "ecog"))[0]

    counts = np.array([[int(c) for c in row] for row in held["counts"]])
    found = optimism_bootstrap(lung, refit, counts)
    for index, name in INDEXES.items():
        row, expected = found[index], held["validate"][name]
        yield (
            [row.apparent, row.training, row.test, row.optimism, row.corrected],
            [expected[k] for k in ("index.orig", "training", "test", "optimism", "index.corrected")],
        )


def _survival(sources: Sources) -> np.ndarray:
    return 1 - sources.csv("risk_lung1.csv", index_col=0).to_numpy()


def _lung(sources: Sources) -> tuple[Outcome, pd.Series]:
    held = sources.golden("discrimination")["lung"]
    return follow_up(held["time"], np.array(held["status"]) == 2), held
