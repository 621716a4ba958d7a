"""The how-to of the estimators runs as it stands, and finds what was put into its data."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "survival-estimators.md"


def test_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), names)
    assert names["scores"].mean() > 0.58
    printed = capsys.readouterr().out
    assert "was fitted on 150 of the 150 patients" in printed
    coef = names["model"][-1].coef_
    assert coef.argmax() == 0 < coef.max()
