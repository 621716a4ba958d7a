"""Ctrl-C and SIGTERM end in one sentence, whatever the worker processes were doing, and leave no process behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import sys, time
from pathlib import Path
import signal
from functools import partial
from perisurv.cli import _terminated
from perisurv.cli_common import ends_on_signals
from perisurv.study.engine import run_tasks

def work(item, folder):
    (folder / f"working-{item}").touch()
    time.sleep(60)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminated)
    with ends_on_signals():
        run_tasks(partial(work, folder=Path(sys.argv[1])), range(9), workers=int(sys.argv[2]))
"""


def _children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait(until) -> None:
    deadline = time.monotonic() + 120
    while not until() and time.monotonic() < deadline:
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize(
    ("number", "everybody", "workers", "early", "code"),
    [
        pytest.param(signal.SIGINT, True, 2, False, 130, id="ctrl-c-at-work"),
        pytest.param(signal.SIGINT, True, 2, True, 130, id="ctrl-c-while-workers-start"),
        pytest.param(signal.SIGTERM, False, 2, False, 143, id="terminated"),
        pytest.param(signal.SIGINT, True, 1, False, 130, id="ctrl-c-without-workers"),
    ],
)
def test_a_stop_is_one_sentence_and_leaves_no_process(tmp_path, number, everybody, workers, early, code):
    script = tmp_path / "study_script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, str(script), str(tmp_path), str(workers)]
    parent = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    if early:
        _wait(lambda: len(_children(parent.pid)) >= 2)
    else:
        _wait(lambda: len(list(tmp_path.glob("working-*"))) >= workers)
    children = _children(parent.pid)
    (os.killpg if everybody else os.kill)(parent.pid, number)
    out, err = parent.communicate(timeout=120)
    assert (parent.returncode, out, err) == (code, "", "perisurv: stopped; the same command goes on where it was.\n")
    _wait(lambda: not any(map(_alive, children)))
    assert not [pid for pid in children if _alive(pid)]
