"""Harmonisation at the edge: our error, or what harmonisation is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hard_cases import CASES, Case, Checked, check_names, finite, pairs

from perisurv.core import FeatureError
from perisurv.survival import (
    CombatOptions,
    FitOptions,
    RobustOptions,
    batch_accuracy,
    fit_combat,
    fit_harmonisation,
    fit_robust_scale,
)


def centres(case: Case) -> dict[str, str]:
    return dict(zip(case.outcome.patients, case.centre, strict=True))


def is_harmonised(case: Case, found: Any) -> None:
    """Without empirical Bayes both batches end with the same mean and standard deviation (n - 1)."""
    values = found[1].to_numpy()
    assert values.shape == case.x.shape
    scale = np.where(case.x.std(axis=0) > 0, case.x.std(axis=0), 1.0)
    parts = [values[np.array(case.centre) == name] / scale for name in "AB"]
    np.testing.assert_allclose(parts[0].mean(axis=0), parts[1].mean(axis=0), atol=1e-8)
    np.testing.assert_allclose(parts[0].var(axis=0, ddof=1), parts[1].var(axis=0, ddof=1), atol=1e-8)


def keeps_the_order(case: Case, found: Any) -> None:
    """Within a batch a feature is moved and stretched, nothing else."""
    values = found[1].to_numpy()
    finite(case, values)
    for name in set(case.centre):
        rows = np.array(case.centre) == name
        for column in range(case.x.shape[1]):
            before, after = case.x[rows, column], values[rows, column]
            if np.ptp(before) > 0 and np.ptp(after) > 0:
                assert np.corrcoef(before, after)[0, 1] == pytest.approx(1.0, abs=1e-6)


def within_signature(case: Case, options: FitOptions) -> tuple[Any, Any]:
    scans = {p: {"centre": c} for p, c in centres(case).items()}
    step, table = fit_harmonisation(case.table, {"radiomics": case.table.names}, options, scans)
    return step, table.frame


def is_accuracy(case: Case, found: Any) -> None:
    assert 0 <= found.balanced_accuracy <= 1
    assert found.chance == pytest.approx(0.5)


ONE = (FeatureError, "has one patient")
COPIES = (FeatureError, "No feature varies within batch 'A'")
EMPTY = (FeatureError, "ComBat needs a feature; the table holds none")
NO_COMBAT = {"no feature": EMPTY, "only constant columns": COPIES, "three patients": ONE, "one patient": ONE}
QUARTILES = (FeatureError, "too few for quartiles")
NO_QUARTILES = {"three patients": QUARTILES, "one patient": QUARTILES}
FEW = dict.fromkeys(("three patients", "one patient"), (FeatureError, "needs two batches of"))
NO_ACCURACY = {**FEW, "no feature": (FeatureError, "needs a feature; the table holds none")}
ALONE = {"one patient": ONE, "no feature": EMPTY}
FUNCTIONS: dict[str, Checked] = {
    "fit_combat": Checked(lambda c: fit_combat(c.table, centres(c)), keeps_the_order, NO_COMBAT),
    "fit_combat, no empirical Bayes": Checked(
        lambda c: fit_combat(c.table, centres(c), CombatOptions(prior="none")), is_harmonised, NO_COMBAT
    ),
    "fit_combat, nonparametric": Checked(
        lambda c: fit_combat(c.table, centres(c), CombatOptions(prior="nonparametric")), keeps_the_order, NO_COMBAT
    ),
    "fit_combat, reference": Checked(
        lambda c: fit_combat(c.table, centres(c), CombatOptions(reference="A")),
        lambda c, found: np.testing.assert_allclose(
            found[1].to_numpy()[np.array(c.centre) == "A"], c.x[np.array(c.centre) == "A"]
        ),
        NO_COMBAT,
    ),
    "fit_combat, one batch": Checked(
        lambda c: fit_combat(c.table, None), keeps_the_order, {"one patient": ONE, "no feature": EMPTY}
    ),
    "fit_robust_scale": Checked(lambda c: fit_robust_scale(c.table, centres(c)), keeps_the_order, NO_QUARTILES),
    "fit_robust_scale, mad": Checked(
        lambda c: fit_robust_scale(c.table, centres(c), RobustOptions(spread="mad")), keeps_the_order, NO_QUARTILES
    ),
    "fit_harmonisation": Checked(
        lambda c: within_signature(c, FitOptions(harmonise="combat", harmonise_by="centre")),
        keeps_the_order,
        {"three patients": ONE},
    ),
    "fit_harmonisation, robust": Checked(
        lambda c: within_signature(c, FitOptions(harmonise="robust", harmonise_by="centre")),
        keeps_the_order,
        {"three patients": QUARTILES},
    ),
    "batch_accuracy": Checked(
        lambda c: batch_accuracy(c.table, centres(c), rng=np.random.default_rng(0), repeats=2), is_accuracy, NO_ACCURACY
    ),
}


@pytest.mark.parametrize(("function", "case"), pairs(FUNCTIONS))
def test_refuses_or_is_right(function: str, case: str) -> None:
    FUNCTIONS[function].run(case)


def test_every_refusal_names_a_case() -> None:
    check_names(FUNCTIONS)
    assert "ordinary" in CASES
