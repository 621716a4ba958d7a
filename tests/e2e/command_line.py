"""The command line as its console script calls it: in a process of its own, or in this one, which starts faster."""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from perisurv.cli import main

__all__ = ["process", "verb"]


def process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A process of its own, as a user starts it."""
    command = [sys.executable, "-m", "perisurv", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def verb(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same entry point in this process: no seconds of imports. What it changes of the process is set back."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    heard = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    logged = logging.StreamHandler(err)
    logged.setLevel(logging.WARNING)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["perisurv", *arguments])
        logging.getLogger().addHandler(logged)
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        finally:
            logging.getLogger().removeHandler(logged)
            for number, handler in heard.items():
                signal.signal(number, handler)
    return subprocess.CompletedProcess(["perisurv", *arguments], code, out.getvalue(), err.getvalue())
