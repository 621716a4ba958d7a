"""The how-to of masks: its blocks run and print what the page says, its study files are read."""

import re
import tomllib
from pathlib import Path

from perisurv.study.settings import settings_from_dict, settings_to_toml

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "nifti-folder.md").read_text(encoding="utf-8")


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_blocks_run_and_print_what_the_page_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec("\n".join(blocks("python")), {"__name__": "page"})
    printed = capsys.readouterr().out.splitlines()
    said = [line for block in blocks("text") for line in block.splitlines()]
    said += re.findall(r"^print\(.*\)  # (.+)", "\n".join(blocks("python")), re.MULTILINE)
    assert len(said) == 7
    assert set(said) <= set(printed), printed


def test_the_study_files_are_read():
    names, labels, grid, seg = (settings_from_dict(tomllib.loads(text)) for text in blocks("toml"))
    assert names.cohort.several_rois == "union"
    assert labels.cohort.mask_labels == (1, 2)
    assert grid.cohort.other_grid == "resample"
    assert seg.cohort.several_structure_sets == "rtstruct"
    for settings in (names, labels, grid, seg):
        assert settings_from_dict(tomllib.loads(settings_to_toml(settings))) == settings


def test_every_key_of_masks_stands_on_the_page():
    keys = ("mask_labels", "mask_threshold", "other_grid", "several_structure_sets", "several_rois", "other_lesions")
    assert all(f"`{key}" in PAGE or f"{key} = " in PAGE for key in keys)
