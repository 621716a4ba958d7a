"""Which stages a study has after its index, and who is told that one begins."""

from types import SimpleNamespace

import pytest

from perisurv.study.plan import StudyPlan
from perisurv.study.whole import _begin, _stages


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
    assert _stages(StudyPlan(external, design)) == ["regions", "qc", "extract", *after]


def test_a_plain_function_need_not_know_of_stages():
    heard = []
    display = SimpleNamespace(stage=lambda *told: heard.append(told))
    for progress in (None, lambda *_: None, display):
        _begin(SimpleNamespace(progress=progress), "qc", 3, 7)
    assert heard == [("qc", 3, 7)]
