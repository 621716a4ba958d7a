"""Scores over time, Uno's C and explained variation at the edge: our error, or the right answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hard_cases import CASES, Case, Checked, auc_at, check_names, concordance, finite, pairs, uncensored_before

from perisurv.core import FeatureError, OutcomeError, SettingsError
from perisurv.evaluation import (
    auc_curve,
    bootstrap_counts,
    brier_score,
    c_index_interval,
    explained_variation,
    integrated_auc,
    integrated_brier,
    optimism_bootstrap,
    paired_auc_difference,
    paired_brier_difference,
    paired_uno_difference,
    uno_c,
)
from perisurv.statistics import censoring_survival
from perisurv.statistics import concordance as concordance_of


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def times(case: Case) -> list[float]:
    return [float(np.median(case.time))]


def quartiles(case: Case) -> list[float]:
    """Two times, one where all follow-ups are as long."""
    return np.unique(np.quantile(case.time, [0.25, 0.75])).tolist()


def survival(case: Case) -> np.ndarray:
    """Probabilities of a model that believes in the risk, from 0 to 1."""
    return (1 / (1 + np.exp(np.clip(case.risk, -700, 700))))[:, None]


def believed(case: Case) -> np.ndarray:
    """One column a quartile."""
    return survival(case).repeat(len(quartiles(case)), axis=1)


def is_concordance(case: Case, found: Any) -> None:
    assert found.c_index == pytest.approx(concordance(case.time, case.event, case.risk), abs=1e-12)
    assert found.standard_error >= 0


def is_weighted_concordance(case: Case, found: Any) -> None:
    """Weight 2 is the patient twice; pairs of a patient with itself are none, as its times are tied deaths."""
    assert 0 <= found.c_index <= 1
    assert found.standard_error >= 0


def is_uno(case: Case, found: Any) -> None:
    hits = total = 0.0
    for i in np.flatnonzero(case.event):
        weight = 1 / uncensored_before(case.time, case.event, case.time[i]) ** 2
        for j in range(len(case.time)):
            if case.time[i] < case.time[j] or (case.time[i] == case.time[j] and not case.event[j]):
                total += weight
                hits += weight * (1.0 if case.risk[i] > case.risk[j] else 0.5 if case.risk[i] == case.risk[j] else 0.0)
    assert found.c_index == pytest.approx(hits / total, abs=1e-12)
    assert found.standard_error >= 0


def is_auc(case: Case, found: Any) -> None:
    expected = auc_at(case.time, case.event, case.risk, times(case)[0])
    assert expected is not None
    assert found.auc[0] == pytest.approx(expected, abs=1e-12)
    assert found.lower[0] <= found.auc[0] <= found.upper[0] or np.isnan(found.lower[0])


def is_brier(case: Case, found: Any) -> None:
    t, alive = times(case)[0], survival(case)[:, 0]
    at_t = uncensored_before(case.time, case.event, t, through=True)
    total = 0.0
    for i in range(len(case.time)):
        if case.event[i] and case.time[i] <= t:
            total += alive[i] ** 2 / uncensored_before(case.time, case.event, case.time[i])
        elif case.time[i] > t:
            total += (1 - alive[i]) ** 2 / at_t
    assert found.brier[0] == pytest.approx(total / len(case.time), abs=1e-12)


def is_integral(case: Case, found: Any) -> None:
    """Between the smallest and the largest of the curve, from 0 where it starts."""
    curve = brier_score(case.outcome, believed(case), quartiles(case))
    assert 0 <= found.brier <= curve.brier.max() + 1e-12
    assert 0 <= found.null <= curve.null.max() + 1e-12


def is_mean_auc(case: Case, found: Any) -> None:
    curve = [auc_at(case.time, case.event, case.risk, t) for t in quartiles(case)]
    assert min(curve) - 1e-12 <= found.auc <= max(curve) + 1e-12


def is_difference(case: Case, found: Any) -> None:
    row = found[0] if isinstance(found, tuple) else found
    assert row.p is None or 0 <= row.p <= 1
    assert row.lower <= row.difference <= row.upper


def is_censoring(case: Case, found: Any) -> None:
    for t in np.unique(case.time):
        expected = uncensored_before(case.time, case.event, t)
        assert found.left[found.place(np.array([t]))[0]] == pytest.approx(expected, abs=1e-12)


def holds(case: Case, found: tuple[float, float]) -> None:
    assert 0 <= found[0] <= found[1] <= 1


def is_explained(case: Case, found: Any) -> None:
    assert 0 <= found.r2_d <= 1
    assert found.nagelkerke <= 1
    finite(case, [found.royston_d, found.kent_oquigley])


def is_optimism(case: Case, found: Any) -> None:
    """A model that never looks has no optimism beyond chance; equal risks have no slope."""
    for name, row in found.items():
        known = [row.apparent, row.optimism, row.corrected]
        if name in ("dxy", "r2"):
            finite(case, known)
            assert row.corrected == pytest.approx(row.apparent - row.optimism, abs=1e-12)


def refit(case: Case) -> Any:
    """A model that never looks: the risk it was given."""
    return lambda rows: case.risk


NO_PAIR = (OutcomeError, "No pair of patients can be compared|holds a pair that can be compared")
NO_PAIRS = {"all censored": NO_PAIR, "one patient": NO_PAIR, "all die on one day": NO_PAIR}
UNO = (OutcomeError, "Uno's C: no pair of patients can be compared")
NO_UNO = dict.fromkeys(NO_PAIRS, UNO)
AUC = (OutcomeError, "No AUC at .* days; it needs events by then")
NO_AUC = dict.fromkeys(NO_PAIRS, AUC)
NOBODY_LEFT = (OutcomeError, "Nobody remains uncensored .* by 2 days")
TWO_TIMES = (SettingsError, "at least two times")
CENSORED = (OutcomeError, "All 24 patients are censored")
NO_D = {
    "all censored": CENSORED,
    "one patient": (FeatureError, "All risks are equal"),
    "equal risks": (FeatureError, "All risks are equal"),
}
NO_MODEL = {"all censored": CENSORED, "one patient": NO_PAIR, "all die on one day": NO_PAIR}
FUNCTIONS: dict[str, Checked] = {
    "concordance": Checked(lambda c: concordance_of(c.time, c.event, c.risk), is_concordance, NO_PAIRS),
    "concordance, weights and strata": Checked(
        lambda c: concordance_of(c.time, c.event, c.risk, weight=1.0 + np.arange(len(c.time)) % 2, strata=c.centre),
        is_weighted_concordance,
        NO_PAIRS,
    ),
    "c_index_interval, BCa": Checked(
        lambda c: c_index_interval(c.outcome, c.risk, rng(), 60, method="bca"), holds, NO_PAIRS
    ),
    "uno_c": Checked(lambda c: uno_c(c.outcome, c.risk), is_uno, NO_UNO),
    "paired_uno_difference": Checked(
        lambda c: paired_uno_difference(c.outcome, c.risk, c.other), is_difference, NO_UNO
    ),
    "censoring_survival": Checked(lambda c: censoring_survival(c.time, c.event), is_censoring),
    "auc_curve": Checked(lambda c: auc_curve(c.outcome, c.risk, times(c)), is_auc, NO_AUC),
    "integrated_auc": Checked(
        lambda c: integrated_auc(auc_curve(c.outcome, c.risk, quartiles(c)), c.outcome),
        is_mean_auc,
        {**NO_AUC, "one death": AUC, "ties everywhere": NOBODY_LEFT},
    ),
    "paired_auc_difference": Checked(
        lambda c: paired_auc_difference(c.outcome, c.risk, c.other, times(c)), is_difference, NO_AUC
    ),
    "brier_score": Checked(lambda c: brier_score(c.outcome, survival(c), times(c)), is_brier),
    "integrated_brier": Checked(
        lambda c: integrated_brier(brier_score(c.outcome, believed(c), quartiles(c))),
        is_integral,
        {"one patient": TWO_TIMES, "all die on one day": TWO_TIMES, "ties everywhere": NOBODY_LEFT},
    ),
    "paired_brier_difference": Checked(
        lambda c: paired_brier_difference(c.outcome, survival(c), 1 - survival(c), times(c)), is_difference
    ),
    "explained_variation": Checked(lambda c: explained_variation(c.outcome, c.risk), is_explained, NO_D),
    "optimism_bootstrap": Checked(
        lambda c: optimism_bootstrap(c.outcome, refit(c), bootstrap_counts(len(c.time), 20, rng())),
        is_optimism,
        NO_MODEL,
    ),
}


@pytest.mark.parametrize(("function", "case"), pairs(FUNCTIONS))
def test_refuses_or_is_right(function: str, case: str) -> None:
    FUNCTIONS[function].run(case)


def test_every_refusal_names_a_case() -> None:
    check_names(FUNCTIONS)
    assert "ordinary" in CASES
