"""docs/reference/checks.md is what `make reference` writes today."""

import importlib.util
from pathlib import Path


def test_page_of_checks_is_up_to_date():
    script = Path(__file__).parents[3] / "docs" / "make_reference.py"
    spec = importlib.util.spec_from_file_location("make_reference", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.CHECKS_PAGE.read_text(encoding="utf-8") == module.checks_page()
