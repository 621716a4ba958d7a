"""docs/reference/checks.md, measured.md and settings.md are what `make reference` writes today."""

import importlib.util
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest

from perisurv.study.settings import StudySettings, settings_to_toml


@pytest.fixture(scope="module")
def reference():
    script = Path(__file__).parents[3] / "docs" / "make_reference.py"
    spec = importlib.util.spec_from_file_location("make_reference", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["checks", "measured", "settings"])
def test_pages_are_up_to_date(reference, name):
    path = getattr(reference, f"{name.upper()}_PAGE")
    assert path.read_text(encoding="utf-8") == getattr(reference, f"{name}_page")(), "run make reference"


def test_every_key_of_a_study_file_stands_on_the_page_with_a_meaning(reference):
    """The keys are those of the study file that perisurv writes, not those of the page's own walk."""
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| `(.+?)` \| (.*) \|$", reference.settings_page(), re.MULTILINE)
    written = set(_keys(tomllib.loads(settings_to_toml(StudySettings()))))
    without = {key for key, _, value, _ in rows if value == "none"}  # cannot be written in TOML
    assert {key for key, *_ in rows} - without == written
    assert [key for key, kind, _, meaning in rows if len(meaning) < 3 or not kind] == []
    assert len(rows) > 130


def _keys(table):
    """Names of all values, tables apart; an empty table is a value."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _keys(value)
        else:
            yield key


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (bool, "true or false"),
        (tuple[float, ...], "list: number"),
        (tuple[str, int], "[text, whole number]"),
        (float | None, "number or none"),
        (Literal["a", "b"], '"a" or "b"'),
        (Mapping[str, tuple[str, ...]], "table: list: text"),
    ],
)
def test_types_in_words(reference, kind, words):
    assert reference.type_words(kind) == words
