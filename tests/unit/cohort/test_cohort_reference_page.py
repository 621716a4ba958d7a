"""docs/reference/checks.md and measured.md are what `make reference` writes today."""

import importlib.util
from pathlib import Path

import pytest


@pytest.mark.parametrize(("path", "page"), [("CHECKS_PAGE", "checks_page"), ("MEASURED_PAGE", "measured_page")])
def test_pages_are_up_to_date(path, page):
    script = Path(__file__).parents[3] / "docs" / "make_reference.py"
    spec = importlib.util.spec_from_file_location("make_reference", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert getattr(module, path).read_text(encoding="utf-8") == getattr(module, page)(), "run make reference"
