"""What is said while a verb works: lines for a log where there is no terminal."""

import re

import pytest

from perisurv import display, terminal


@pytest.fixture(autouse=True)
def usual():
    yield
    terminal.set_verbosity(False, False)


def _lines(capsys) -> list[str]:
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in capsys.readouterr().err.splitlines()]


def test_every_stage_begins_with_a_line_and_its_counts_do_not(capsys):
    with terminal.progress() as show:
        show.stage("extract", 4, 7)
        for n in range(1, 50):
            show("extract", n, 50)
        show("stability", 1, 8)
        show("stability", 8, 8)
        show.stage("fit", 5, 7)
        show.stage("evaluate", 6, 7)
    assert _lines(capsys) == [
        "stage 4 of 7, extract",
        "stage 4 of 7, extract: stability: 1 of 8",
        "stage 5 of 7, fit",
        "stage 6 of 7, evaluate",
    ]


def test_a_long_stage_is_heard_of_again_and_again_even_if_it_counts_nothing(capsys, monkeypatch):
    monkeypatch.setattr(display, "LINE_EVERY_S", 0.01)
    heard = []
    with terminal.progress() as show:
        show.stage("fit", 5, 7)
        while len(heard) < 3:
            heard += _lines(capsys)
        show("networks", 2, 5)
        while not any("networks: 2 of 5" in line for line in heard):
            heard += _lines(capsys)
    assert heard[:3] == ["stage 5 of 7, fit"] * 3


@pytest.mark.parametrize("total", [None, 3])
def test_work_without_stages(capsys, total):
    with terminal.progress() as show:
        show("receive", 1, total)
        show("receive", 2, total)
    assert _lines(capsys) == ["receive: 1" if total is None else "receive: 1 of 3"]


def test_quiet_says_nothing_but_the_result_and_what_is_wrong(capsys):
    terminal.set_verbosity(verbose=True, quiet=True)
    with terminal.progress() as show:
        show.stage("index", 1, 7)
        show("index", 1, 3)
    terminal.remark("something")
    terminal.detail("more")
    terminal.say({}, "the result", as_json=False)
    with pytest.raises(SystemExit):
        terminal.fail("wrong.", 2)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("the result\n", "perisurv: wrong.\n")


@pytest.mark.parametrize(("verbose", "told"), [(False, "a remark\n"), (True, "a remark\nmore\n")])
def test_verbose_says_more(capsys, verbose, told):
    terminal.set_verbosity(verbose=verbose, quiet=False)
    terminal.remark("a remark")
    terminal.detail("more")
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    ("elapsed_s", "done", "left"),
    [(0.1, 1, ""), (10, 0, ""), (10, 10, ""), (10, 1, ", about 2 min left"), (30, 5, ", about 30 s left")],
)
def test_time_left_goes_by_what_is_done(elapsed_s, done, left):
    assert display._left(elapsed_s, done, 10) == left
