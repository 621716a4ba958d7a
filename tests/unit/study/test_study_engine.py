"""One patient that fails, or whose process dies, never stops the others."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from perisurv.core import InputError
from perisurv.study.engine import Failure, run_tasks, split_failures


def _work(item: int) -> int:
    if item == 3:
        raise InputError("patient 3 has no contour")
    if item == 5:
        raise ZeroDivisionError("a bug")
    return item * item


def _die_on_seven(item: int) -> int:
    if item == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def _die_once(item: int, marker: Path) -> int:
    if item == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.mark.parametrize("workers", [1, 2])
def test_failures_are_rows_in_their_place(workers: int) -> None:
    seen: list[tuple[str, int, int]] = []
    results = run_tasks(_work, range(7), workers=workers, label="x", progress=lambda *a: seen.append(a))
    assert [r for r in results if isinstance(r, int)] == [0, 1, 4, 16, 36]
    assert results[3] == Failure("patient 3 has no contour")
    assert results[5] == Failure("unexpected ZeroDivisionError: a bug")
    assert seen[-1] == ("x", 7, 7)
    good, bad = split_failures(range(7), results)
    assert good == [0, 1, 2, 4, 6]
    assert [item for item, _ in bad] == [3, 5]


def test_a_process_that_dies_costs_one_row() -> None:
    results = run_tasks(_die_on_seven, range(20), workers=2)
    assert isinstance(results[7], Failure)
    assert "died" in results[7].reason
    assert [r for r in results if not isinstance(r, Failure)] == [i for i in range(20) if i != 7]


def test_a_process_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    work = partial(_die_once, marker=tmp_path / "died")
    assert run_tasks(work, range(8), workers=2) == list(range(8))


def _sleep(item: int, folder: Path) -> None:
    (folder / f"{os.getpid()}").touch()
    time.sleep(60)


@pytest.mark.slow
def test_no_orphans_when_the_parent_is_killed(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from functools import partial; from pathlib import Path\n"
        "from test_study_engine import _sleep\n"
        "from perisurv.study.engine import run_tasks\n"
        f"if __name__ == '__main__': run_tasks(partial(_sleep, folder=Path({str(tmp_path)!r})), range(4), workers=2)\n"
    )
    script = tmp_path / "main_script.py"
    script.write_text(code)
    parent = subprocess.Popen([sys.executable, str(script)])
    pids: list[int] = []
    while len(pids) < 2:
        time.sleep(0.2)
        assert parent.poll() is None
        pids = [int(p.name) for p in tmp_path.iterdir() if p.name.isdigit()]
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 120
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
