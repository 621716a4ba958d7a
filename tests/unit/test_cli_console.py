"""A console that cannot print a character gets a sign in its place, never a traceback."""

import io
import json
import sys

import pytest

from perisurv import terminal

NAMES = ("肿瘤分期", "Überlebenszeit", "Węzły chłonne", "файл", "GTV → 3 mm", "a\udce9b")


on_every_console = pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "cp932", "cp1251", "utf-8"])


def _console(encoding, monkeypatch):
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    terminal.settle_streams()
    return streams


def _printed(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode(stream.encoding)


@on_every_console
def test_the_result_is_printed(encoding, monkeypatch):
    console = _console(encoding, monkeypatch)
    terminal.say({}, f"columns: {', '.join(NAMES)}", as_json=False)
    text = _printed(console[0])
    assert text.startswith("columns: ")
    assert text.count(", ") == len(NAMES) - 1


@on_every_console
def test_json_holds_every_character_on_every_console(encoding, monkeypatch):
    console = _console(encoding, monkeypatch)
    terminal.say({"names": NAMES, "value": float("nan"), "deep": [{"at": (1.5, float("inf"))}]}, "", as_json=True)
    told = json.loads(_printed(console[0]), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert told == {"names": list(NAMES), "value": None, "deep": [{"at": [1.5, None]}]}


@on_every_console
def test_refusals_remarks_and_progress_are_printed(encoding, monkeypatch):
    console = _console(encoding, monkeypatch)
    with terminal.progress() as show:
        show.stage("index", 1, 7)
        show("肿瘤", 1, 2)
    for name in NAMES:
        terminal.remark(f"column {name}")
    with pytest.raises(SystemExit, match="2"):
        terminal.fail(f"There is no folder {NAMES[0]}.", 2)
    lines = _printed(console[1]).splitlines()
    assert "stage 1 of 7, index" in lines[0]
    assert lines[-1].startswith("perisurv: There is no folder ")
    assert len(lines) == len(NAMES) + 3


def test_a_console_that_is_none(monkeypatch):
    """As under pythonw on Windows."""
    monkeypatch.setattr(sys, "stdout", None)
    terminal.settle_streams()
