"""The how-to pages of features only and of new patients: their commands and blocks run one after another."""

import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from small_study import follow_up, write_hospital, write_patient
from typer.testing import CliRunner

from perisurv.cli import app
from perisurv.study.settings import read_settings, settings_from_dict

PAGES = Path(__file__).parents[3] / "docs" / "how-to"
# Few features, small models and no network.
FEW = """
[radiomics]
families = ["morph", "stat"]
filters = []
"""
SMALL = """
out = "runs/a1"
workers = 1
keep_ids = true
[input]
folder = "hospital"
[regions]
widths_mm = [4.0]
barrier = "none"
[stability]
patients = 3
repeats = 1
[deep]
enabled = false
[fit]
minimum_events = 2
ring_folds = 2
ring_repeats = 1
lasso_lambdas = 8
lasso_folds = 2
lasso_repeats = 1
"""


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


def run_commands(page: str, begun: Callable[[], object] = lambda: None) -> dict[str, str]:
    """Every ``perisurv`` line of the page, and what it printed; ``begun`` is called after ``perisurv init``."""
    said = {}
    for line in "".join(blocks(page, "sh")).splitlines():
        program, verb, *words = shlex.split(line, comments=True)
        assert program == "perisurv"
        done = CliRunner().invoke(app, [verb, *words])
        assert done.exit_code == 0, f"{line}\n{done.output}"
        said[line] = done.output
        if verb == "init":
            begun()
    return said


def run_python(page: str) -> None:
    exec("\n".join(blocks(page, "python")), {"__name__": "page"})


def test_features_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    page = "features-only.md"
    monkeypatch.chdir(tmp_path)
    write_hospital(tmp_path / "patients", ("P01", "P02"))

    def shorten() -> None:
        study = tmp_path / "features.toml"
        text = study.read_text(encoding="utf-8").replace("\n[radiomics]\n", FEW).replace("# workers = 2", "workers = 1")
        study.write_text(text.replace("# patients = 20", "patients = 0"), encoding="utf-8")

    begun, said = run_commands(page, shorten).values()
    assert "Plan: Features only" in begun
    assert "Features only" in said
    assert read_settings(tmp_path / "features.toml").stability.patients == 0
    run_python(page)
    assert capsys.readouterr().out.startswith("(1, ")
    table = pd.read_csv("features.csv")
    assert set(table["PatientID"]) == {"P01", "P02"}
    assert {name.split("__")[0] for name in table.columns[1:]} == {"tumour", "ring_3mm", "ring_6mm", "ring_9mm"}
    for name in re.findall(r"`(runs/[\w./]+)`", (PAGES / page).read_text(encoding="utf-8")):
        assert (tmp_path / name).exists(), name


def test_the_study_file_of_a_page_is_read() -> None:
    (text,) = blocks("features-only.md", "toml")
    settings = settings_from_dict(tomllib.loads(text))
    assert settings.input.follow_up == "none"
    assert settings.regions.barrier == settings_from_dict({}).regions.barrier  # "the default"


def test_predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    page = "predict.md"
    monkeypatch.chdir(tmp_path)
    write_hospital(tmp_path / "hospital", [f"T{n:02d}" for n in range(10)], follow_up)
    for number, patient in enumerate(("N1", "N2")):
        write_patient(tmp_path / "new_patients", patient, 20 + number)
    (tmp_path / "new_clinic.csv").write_text("PatientID,age\nN1,63\n")
    write_patient(tmp_path / "other_names", "N3", 31)
    (tmp_path / "other_names" / "N3" / "mask_GTV.nii.gz").rename(tmp_path / "other_names" / "N3" / "mask_Blob.nii.gz")
    (tmp_path / "study.toml").write_text(SMALL + FEW)
    for stage in ("index", "regions", "extract"):
        assert CliRunner().invoke(app, [stage, "study.toml"]).exit_code == 0
    said = run_commands(page)
    shown = said["perisurv predict runs/a1/model new_patients"]
    assert "N1:" in shown
    assert "Research use only" in shown
    assert "N2: not known, the mean" in next(text for line, text in said.items() if "--clinical" in line)
    assert "N3:" in next(text for line, text in said.items() if "--tumour-roi" in line)
    capsys.readouterr()
    run_python(page)
    assert "risk" in capsys.readouterr().out
