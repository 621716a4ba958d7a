"""Which stages a study has, and who is told that one begins."""

from types import SimpleNamespace

import pytest

from perisurv.study.engine import tell
from perisurv.study.ledger import stages_of
from perisurv.study.plan import StudyPlan


@pytest.mark.parametrize(
    ("external", "design", "after"),
    [
        (True, "none", ["fit", "evaluate", "report"]),
        (True, "temporal", ["fit", "evaluate", "validate", "report"]),
        (False, "nested", ["validate", "report"]),
        (False, "none", []),
    ],
)
def test_the_stages_follow_from_the_plan(external, design, after):
    assert stages_of(StudyPlan(external, design)) == ["index", "regions", "qc", "extract", *after]


def test_a_plain_function_need_not_know_of_stages():
    heard = []
    display = SimpleNamespace(stage=lambda *told: heard.append(told))
    for progress in (None, lambda *_: None, display):
        tell(progress, "stage", "qc", 3, 7)
    assert heard == [("qc", 3, 7)]
