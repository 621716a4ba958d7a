"""The Python blocks of the documentation run, and print what they say."""

import re
import tomllib
from pathlib import Path

import pytest

from perisurv.study.settings import settings_from_dict, settings_to_toml

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["radiomics.md"])
def test_the_blocks_of_a_page_run(page, capsys) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(blocks) > 3
    exec("\n".join(blocks), {"__name__": "page"})
    printed = capsys.readouterr().out
    said = re.findall(r"print\(.*\)\s+# (.+)", text)
    assert said
    assert all(line in printed for line in said), printed


@pytest.mark.parametrize("page", ["radiomics.md"])
def test_the_study_files_of_a_page_are_read(page) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.S)
    assert blocks
    for block in blocks:
        assert settings_from_dict(tomllib.loads(block)).radiomics.image_filters()


@pytest.mark.parametrize("page", ["how-to/eclipse-export.md"])
def test_the_study_files_of_a_how_to_are_read(page) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for block in re.findall(r"```toml\n(.*?)```", text, re.S):
        settings = settings_from_dict(tomllib.loads(block))
        assert settings_from_dict(tomllib.loads(settings_to_toml(settings))) == settings
