"""Splits and selection frequencies at the edge: our error, or parts that share no patient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hard_cases import CASES, Case, Checked, check_names, finite, pairs

from perisurv.core import InputError, OutcomeError
from perisurv.evaluation import (
    external_centres,
    leave_one_centre_out,
    model_indexes,
    repeated_folds,
    temporal_split,
)


def centres(case: Case) -> dict[str, list[str]]:
    return {
        name: [p for p, c in zip(case.outcome.patients, case.centre, strict=True) if c == name]
        for name in sorted(set(case.centre))
    }


def years(case: Case) -> dict[str, float]:
    return {p: 2000.0 + n for n, p in enumerate(case.outcome.patients)}


def parts(case: Case, found: Any) -> None:
    """Nobody trains and is scored, everybody is somewhere, and each part has deaths."""
    for split in found if isinstance(found, tuple) else (found,):
        assert not set(split.training) & set(split.scored)
        assert set(split.training) | set(split.scored) <= set(case.outcome.patients)
        assert case.outcome.take(split.training).n_events
        assert case.outcome.take(split.scored).n_events


def each_is_scored_once_a_repeat(case: Case, found: Any) -> None:
    parts(case, found)
    scored = [p for split in found for p in split.scored]
    assert sorted(scored) == sorted(case.outcome.patients * 2)


def indexes(case: Case, found: Any) -> None:
    assert -1 <= found.dxy <= 1
    assert found.r2 <= 1
    finite(case, found.g)


NO_DEATH = (OutcomeError, "0 of the .* patients had an event and at least 1 must")
ONE_CENTRE = (InputError, "at least two centres; there is one centre only")
NO_CENTRES = {
    **dict.fromkeys(("all censored", "one death", "a centre without deaths"), NO_DEATH),
    "one patient": ONE_CENTRE,
}
NOBODY = (OutcomeError, "Nobody of centre .* had an event, so it cannot be scored")
NO_ROUND = {
    **dict.fromkeys(("all censored", "one death", "a centre without deaths"), NOBODY),
    "one patient": ONE_CENTRE,
}
FEW = (OutcomeError, "3 folds need at least 3 events")
NO_FOLDS = dict.fromkeys(("all censored", "one death", "three patients", "one patient"), FEW)
NO_TIME = {
    **dict.fromkeys(("all censored", "one death", "three patients"), NO_DEATH),
    "one patient": (OutcomeError, "the training part is empty"),
}
NO_PAIR = (OutcomeError, "No pair of patients can be compared")
NO_INDEX = {
    "all censored": (OutcomeError, "All 24 patients are censored"),
    "one patient": NO_PAIR,
    "all die on one day": NO_PAIR,
}
FUNCTIONS: dict[str, Checked] = {
    "external_centres": Checked(lambda c: external_centres(centres(c), c.outcome), parts, NO_CENTRES),
    "leave_one_centre_out": Checked(lambda c: leave_one_centre_out(centres(c), c.outcome), parts, NO_ROUND),
    "repeated_folds": Checked(
        lambda c: repeated_folds(c.outcome, 3, 2, np.random.default_rng(0)), each_is_scored_once_a_repeat, NO_FOLDS
    ),
    "temporal_split": Checked(lambda c: temporal_split(years(c), c.outcome), parts, NO_TIME),
    "model_indexes": Checked(lambda c: model_indexes(c.outcome, c.risk), indexes, NO_INDEX),
}


@pytest.mark.parametrize(("function", "case"), pairs(FUNCTIONS))
def test_refuses_or_is_right(function: str, case: str) -> None:
    FUNCTIONS[function].run(case)


def test_every_refusal_names_a_case() -> None:
    check_names(FUNCTIONS)
    assert "ordinary" in CASES
