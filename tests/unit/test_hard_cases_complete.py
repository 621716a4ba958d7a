"""No public function of survival, evaluation or statistics is left out of the tables of hard cases without a reason."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import perisurv.evaluation
import perisurv.statistics
import perisurv.survival

TABLES = "".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_hard_cases_*.py"))
CARRIED = "through what calls it, in these tables"
ELSEWHERE = "takes no follow-up that could be hard; its own tests hold its limits"
REASONS = {
    "accuracy_at": ELSEWHERE,
    "adjust_p": ELSEWHERE,
    "batches": ELSEWHERE,
    "bca_interval": CARRIED,
    "check_causes": CARRIED,
    "derivatives": CARRIED,
    "evaluation_from_json": ELSEWHERE,
    "evaluation_to_json": ELSEWHERE,
    "external_split": ELSEWHERE,
    "fit_domain": CARRIED,
    "fit_late_fusion": ELSEWHERE,
    "fit_subdistribution": CARRIED,
    "incidence_at": CARRIED,
    "known_status": CARRIED,
    "ladder_row": CARRIED,
    "maximise": CARRIED,
    "normal_quantile": ELSEWHERE,
    "percentile_interval": CARRIED,
    "restricted_cubic_spline": CARRIED,
    "score_folds": ELSEWHERE,
    "select_groups": CARRIED,
    "spline_knots": CARRIED,
}
ROOMS = (perisurv.survival, perisurv.evaluation, perisurv.statistics)
FUNCTIONS = sorted({name for room in ROOMS for name in room.__all__ if inspect.isfunction(getattr(room, name))})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_meets_the_hard_cases(name: str) -> None:
    called = re.search(rf"(?<![\w\"]){name}\(", TABLES)
    assert bool(called) != (name in REASONS), "add it to a table of test_hard_cases_*, or give the reason here"


def test_reasons_are_of_functions() -> None:
    assert set(REASONS) <= set(FUNCTIONS)
