"""The help of every verb: all words arrive, options that every verb has, groups."""

import inspect
import re

import pytest
import typer
from typer.testing import CliRunner

from perisurv.cli import app
from perisurv.cli_common import Panel

VERBS = sorted(command for command in typer.main.get_command(app).commands)
STAGES = ("index", "regions", "qc", "extract", "fit", "evaluate", "report", "validate")
LONG = (*STAGES, "run", "demo", "simulate", "predict")


def _help(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments], env={"COLUMNS": "400", "TERMINAL_WIDTH": "400"})
    assert done.exit_code == 0, done.output
    return done.stdout


def _words(text: str) -> str:
    return re.sub(r"[\s│]+", " ", text)


@pytest.mark.parametrize("name", VERBS)
def test_no_word_of_a_help_text_is_lost_to_markup(name):
    command = typer.main.get_command(app).commands[name]
    shown = _words(_help(name, "--help"))
    written = inspect.getdoc(inspect.unwrap(command.callback))
    for paragraph in written.split("\n\n"):
        assert _words(paragraph) in shown
    for parameter in command.params:
        assert _words(parameter.help or "") in shown


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_short_help_and_can_be_quiet(name):
    shown = _help(name, "-h")
    for option in ("--quiet", "-q", "--json"):
        assert option in shown


@pytest.mark.parametrize("name", VERBS)
def test_verbose_is_offered_where_there_is_more_to_say(name):
    assert ("--verbose" in _help(name, "-h")) == (name in LONG)


@pytest.mark.parametrize("name", LONG)
def test_every_long_verb_has_workers(name):
    assert "--workers" in _help(name, "-h")


def test_verbs_stand_in_groups():
    shown = _help("--help")
    for panel in Panel:
        assert f"─ {panel.value} ─" in shown
    assert "[validation]" in shown
    assert "--install-completion" in shown


def test_the_version_is_one_line():
    assert re.fullmatch(r"perisurv \d\S*, Python \d\S*\n", _help("--version"))
