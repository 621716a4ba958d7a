"""The how-to of clinical tables: its blocks run and print what the page says, its study files are read."""

import re
import tomllib
from pathlib import Path

from perisurv.study.settings import settings_from_dict

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "clinical-table.md").read_text(encoding="utf-8")


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_blocks_run_and_print_what_the_page_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec("\n".join(blocks("python")), {"__name__": "page"})
    printed = capsys.readouterr().out
    said = [line.rstrip(".") for block in blocks("text") for line in block.splitlines()]
    said += re.findall(r"^(?:print\(.*\)  )?# (.+)", "\n".join(blocks("python")), re.MULTILINE)
    assert len(said) == 13
    assert all(line in printed for line in said), printed


def test_the_study_files_are_read():
    lung1, pair, columns = (settings_from_dict(tomllib.loads(text)) for text in blocks("toml"))
    assert len(blocks("toml")[0].splitlines()) == 10
    assert lung1.cohort.columns.named()["time"] == ("Survival.time",)
    assert pair.cohort.columns.named()["time"] == ("Monate bis Tod", "Monate bis letzter Kontakt")
    assert columns.cohort.levels == {"egfr": ("wild type", "mutant")}


def test_every_key_stands_on_the_page():
    from dataclasses import fields

    from perisurv.cohort import ClinicalOptions, ColumnOptions

    for options in (ClinicalOptions, ColumnOptions):
        for field in fields(options):
            assert f"`{field.name}`" in PAGE
