"""What verbs say with -v, shell completion, and the page about both."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from small_study import small_settings, write_hospital
from typer.testing import CliRunner

from perisurv.cli import app
from perisurv.simulation import patient as simulated
from perisurv.study.finished import NOTHING_TO_DO
from perisurv.study.settings import settings_to_toml
from perisurv.study.status import State


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study without follow-up."""
    root = tmp_path_factory.mktemp("verbose")
    write_hospital(root / "hospital", ("P1", "P2"))
    (root / "hospital" / "list.csv").write_text("PatientID,age\nP1,61\nP2,62\n")
    path = root / "study.toml"
    path.write_text(settings_to_toml(small_settings(root)))
    assert CliRunner().invoke(app, ["run", str(path)]).exit_code == 0
    return path


def _err(*arguments: str) -> list[str]:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize("verb", ["run", "index", "regions", "qc", "extract"])
def test_versions_settings_and_what_was_done_before(study, verb):
    plain, more = _err(verb, str(study)), _err(verb, str(study), "-v")
    assert not [line for line in plain if "Python" in line or "done before" in line]
    assert more[0].startswith("perisurv ")
    assert re.match(r"settings [0-9a-f]{64}, seed 2025, 1 worker$", more[1])
    assert f"{'extract' if verb == 'run' else verb}: was done before" in more


def test_how_tables_were_read_is_told_by_a_verbose_run(study):
    assert "list.csv: column 'age' read as age" in _err("run", str(study), "-v")
    assert _err("run", str(study), "-v", "-q") == []


def test_a_simulation_tells_whom_it_keeps(tmp_path, monkeypatch):
    def writes(plan, number, folder):
        patient = plan.patients[number]
        (folder / patient.centre.name / patient.id).mkdir(parents=True)

    monkeypatch.setattr(simulated, "simulate_patient", writes)
    words = ("simulate", str(tmp_path / "cohort"), "--patients", "6", "--workers", "1")
    assert "6 patients to simulate, 0 were there before" in _err(*words, "-v")
    assert "6 patients to simulate, 6 were there before" in _err(*words, "-v")
    assert not [line for line in _err(*words) if "were there before" in line]


def test_the_page_about_watching_says_what_is_so(study, monkeypatch, capsys):
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "watch-stop-go-on.md").read_text(encoding="utf-8")
    monkeypatch.chdir(study.parent)
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "watch-stop-go-on.md", "exec"), {"__name__": "page"})
    printed = capsys.readouterr()
    assert "stage 2 of 4, regions" in printed.err
    assert "2 patients found, 2 used, 0 excluded." in printed.out
    assert NOTHING_TO_DO in page
    assert all(f"| {state} |" in page for state in get_args(State))
    for command in re.findall(r"^perisurv (\w+) study\.toml(?: (--[\w-]+))?$", page, re.MULTILINE):
        assert CliRunner().invoke(app, [command[0], "study.toml", *filter(None, command[1:])]).exit_code == 0


@pytest.mark.parametrize(
    ("typed", "offered"), [("perisurv st", "status"), ("perisurv run --dr", "--dry-run"), ("perisurv ext", "extract")]
)
def test_the_shell_completes_verbs_and_options(typed, offered):
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_PERISURV_COMPLETE": "complete_bash"}
    code = "import sys; sys.argv = ['perisurv']; from perisurv.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == [offered], done.stderr
