"""`perisurv init`: what a new user reads."""

import json
import sys

import pytest
from cohort_files import write_patient

from perisurv import cli

pytestmark = pytest.mark.usefixtures("any_values")

ONE = "PatientID,OS days,Follow-up days,status\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    for patient in ("P0", "P1"):
        write_patient(tmp_path / "patients", patient)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["perisurv", "init", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_questions_are_numbered_and_the_next_command_is_named(here, monkeypatch, capsys):
    (here / "patients" / "clinical.csv").write_text(f"{ONE}P0,200,201,1\nP1,300,301,2\n")
    assert init(monkeypatch, "patients", "--study", "a1.toml") == 0
    said = capsys.readouterr().out
    assert "To decide before the study: 2 questions, marked DECIDE." in said
    assert "  1. clinical.csv has several columns for time (OS days, Follow-up days)" in said
    assert "answer the questions in it, then `perisurv index a1.toml`" in said
    assert (here / "a1.toml").read_text().count("# DECIDE: ") == 2


def test_as_json(here, monkeypatch, capsys):
    assert init(monkeypatch, "patients", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["study"], values["patients"], values["questions"], values["ready"]) == ("study.toml", 2, [], True)


@pytest.mark.parametrize(
    ("folder", "said"),
    [("nowhere", "There is no folder nowhere"), ("patients", "study.toml is there already and is left as it is")],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(here, monkeypatch, capsys, folder, said):
    if folder == "patients":
        (here / "study.toml").write_text("mine")
    before = sorted(path.name for path in here.iterdir())
    assert init(monkeypatch, folder) == 2
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in here.iterdir()) == before
