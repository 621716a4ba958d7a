"""The ring is chosen inside the training patients, and the planted one wins."""

import numpy as np
import pandas as pd
import pytest

from perisurv.core import FeatureError, FeatureTable, LeakageError, Outcome
from perisurv.survival import FitOptions, choose_ring
from perisurv.survival.ring_choice import _concordance, _held_out_likelihood

OPTIONS = {"lasso_folds": 5, "lasso_lambdas": 30}


def rings(n: int = 100, seed: int = 0) -> tuple[dict[str, FeatureTable], Outcome]:
    """Only the 6 mm ring carries the hazard."""
    rng = np.random.default_rng(seed)
    hazard = rng.normal(size=n)
    death = rng.exponential(600 * np.exp(-1.2 * hazard))
    censored = rng.uniform(300, 3000, n)
    ids = tuple(f"p{k:03d}" for k in range(n))
    tables = {}
    for ring in ("ring_3mm", "ring_6mm", "ring_9mm"):
        values = rng.normal(size=(n, 6))
        if ring == "ring_6mm":
            values[:, 2] = hazard + 0.3 * values[:, 2]
        tables[ring] = FeatureTable(pd.DataFrame(values, index=list(ids), columns=[f"{ring}__{k}" for k in range(6)]))
    return tables, Outcome(ids, np.minimum(death, censored) + 1, death <= censored)


@pytest.mark.parametrize("score", ["partial_likelihood", "concordance"])
def test_planted_ring_wins(score: str) -> None:
    tables, outcome = rings()
    options = FitOptions(ring_score=score, ring_repeats=1, **OPTIONS)
    choice = choose_ring(tables, outcome, options, np.random.default_rng(1))
    assert choice.ring == "ring_6mm"
    assert sum(choice.votes.values()) == 5
    assert choice.votes["ring_6mm"] >= 4
    assert {len(s) for s in choice.scores.values()} == {5}


def test_order_of_rows_and_rings_does_not_matter() -> None:
    tables, outcome = rings()
    options = FitOptions(ring_repeats=1, ring_folds=3, **OPTIONS)
    choice = choose_ring(tables, outcome, options, np.random.default_rng(1))
    shuffled = {ring: tables[ring].take(tables[ring].patients[::-1]) for ring in list(tables)[::-1]}
    again = choose_ring(shuffled, outcome.take(outcome.patients[::-1]), options, np.random.default_rng(1))
    assert again.scores == choice.scores
    assert again.ring == choice.ring


def test_equal_rings_vote_for_the_first() -> None:
    tables, outcome = rings(60)
    same = {"ring_3mm": tables["ring_6mm"], "ring_6mm": tables["ring_6mm"]}
    options = FitOptions(ring_repeats=1, ring_folds=2, **OPTIONS)
    choice = choose_ring(same, outcome, options, np.random.default_rng(0))
    assert choice.ring == "ring_3mm"
    assert choice.votes == {"ring_3mm": 2, "ring_6mm": 0}


def test_features_fitted_on_other_training_patients_are_refused() -> None:
    tables, outcome = rings(60)
    everyone = frozenset(outcome.patients)
    made = {r: FeatureTable(t.frame, {p: everyone - {p} for p in t.patients}) for r, t in tables.items()}
    with pytest.raises(LeakageError):
        choose_ring(made, outcome, FitOptions(**OPTIONS), np.random.default_rng(0))


def test_tables_must_hold_the_same_patients() -> None:
    tables, outcome = rings(40)
    tables["ring_9mm"] = tables["ring_9mm"].take(outcome.patients[:-1])
    for wrong in (tables, {}):
        with pytest.raises(FeatureError, match="same training patients"):
            choose_ring(wrong, outcome, FitOptions(), np.random.default_rng(0))


def test_scores_by_hand() -> None:
    outcome = Outcome(("a", "b", "c"), np.array([1.0, 2.0, 3.0]), np.array([True, True, False]))
    # Pairs: a-b, a-c, b-c; risks 2, 3, 2: wrong, tied, right.
    assert _concordance(np.array([2.0, 3.0, 2.0]), outcome) == 0.5
    assert _concordance(np.array([3.0, 2.0, 1.0]), outcome) == 1.0
    assert _concordance(np.array([1.0]), outcome.take(["c"])) == 0.5
    # Left out: a. All: log(e^r / (e^r + 2)) + log(1 / 2) against log(1 / 3) + log(1 / 2); fitted part: no change.
    gain = _held_out_likelihood(np.array([1.0, 0.0, 0.0]), outcome, np.array([True, False, False]))
    assert gain == pytest.approx(1 - np.log(np.e + 2) + np.log(3))
