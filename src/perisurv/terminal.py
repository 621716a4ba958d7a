"""What all verbs share: the result on stdout; progress, remarks and refusals on stderr."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

__all__ = ["Display", "detail", "fail", "progress", "remark", "say", "set_verbosity", "settle_streams"]

LINE_EVERY_S = 30.0
_console = Console(stderr=True)


class _Talk:
    """How much is said: -1 quiet, 0, 1 verbose."""

    level = 0


def settle_streams() -> None:
    """Let the console replace a character that it cannot print, on stdout and stderr."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def set_verbosity(verbose: bool, quiet: bool) -> None:
    """Say more, or nothing but the result and what is wrong; of both, quiet goes first."""
    _Talk.level = -1 if quiet else int(verbose)


def say(values: object, text: str, as_json: bool) -> None:
    """Print the result, for people or as JSON (ASCII; a number that is not finite is null)."""
    print(json.dumps(_finite(values), indent=1, allow_nan=False) if as_json else text)


def remark(text: str) -> None:
    """Say on stderr what a reader of the result should know, unless the verb is to be quiet."""
    if _Talk.level >= 0:
        _print(text)


def detail(text: str) -> None:
    """Say on stderr what only a verbose verb says."""
    if _Talk.level > 0:
        _print(text)


def fail(sentence: str, code: int) -> NoReturn:
    """Say what is wrong and exit."""
    _console.print(f"perisurv: {sentence}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


class Display:
    """What is being done: ``display(label, done, total)`` and ``display.stage(name, number, of)``."""

    def __call__(self, label: str, done: int, total: int | None) -> None:
        """Show how many items of a label are done."""

    def stage(self, name: str, number: int, of: int) -> None:
        """Show that a stage begins."""

    def stop(self) -> None:
        """Show nothing more."""


class _Lines(Display):
    """Lines for a log: one at once when something begins, then one every half minute."""

    def __init__(self) -> None:
        self._stage, self._label, self._since = "", "", time.monotonic()
        self._done: tuple[int, int | None] = (0, None)
        self._end = threading.Event()
        self._clock = threading.Thread(target=self._tell, daemon=True)

    def __call__(self, label: str, done: int, total: int | None) -> None:
        begins = label != self._label
        if begins:
            self._since, self._label = time.monotonic(), label
        self._done = (done, total)
        if begins and label != self._stage.partition(", ")[2]:
            self._line()

    def stage(self, name: str, number: int, of: int) -> None:
        self._stage, self._label = f"stage {number} of {of}, {name}", name
        self._done, self._since = (0, None), time.monotonic()
        self._line()

    def stop(self) -> None:
        self._end.set()

    def _line(self) -> None:
        if not (self._clock.is_alive() or self._end.is_set()):
            self._clock.start()
        _print(f"{time.strftime('%H:%M:%S')} {self._text()}")

    def _text(self) -> str:
        own = self._label == self._stage.partition(", ")[2]
        name = self._stage if own else ": ".join(filter(None, (self._stage, self._label)))
        done, total = self._done
        if total is None:
            return f"{name}: {done}" if done else name
        return f"{name}: {done} of {total}{_left(time.monotonic() - self._since, done, total)}"

    def _tell(self) -> None:
        while not self._end.wait(LINE_EVERY_S):
            self._line()


class _Bars(Display):
    """Bars for somebody who watches."""

    def __init__(self) -> None:
        counts, times = MofNCompleteColumn(), (TimeElapsedColumn(), TimeRemainingColumn())
        self._bars = Progress(TextColumn("{task.description:>24}"), BarColumn(), counts, *times, console=_console)
        self._tasks: dict[str, TaskID] = {}
        self._stage = ""

    def __call__(self, label: str, done: int, total: int | None) -> None:
        self._bars.start()
        if label not in self._tasks:
            self._tasks[label] = self._bars.add_task(label, total=total)
        self._bars.update(self._tasks[label], completed=done, total=total)

    def stage(self, name: str, number: int, of: int) -> None:
        self._bars.start()
        self._close()
        self._stage = name
        self._tasks[name] = self._bars.add_task(f"stage {number} of {of}, {name}", total=None)

    def stop(self) -> None:
        if self._tasks:
            self._close()
            self._bars.stop()

    def _close(self) -> None:
        """A stage that counted nothing is one step."""
        for task in self._bars.tasks:
            if task.total is None and task.id == self._tasks.get(self._stage):
                self._bars.update(task.id, completed=1, total=1)


@contextmanager
def progress() -> Iterator[Display]:
    """Bars on a terminal, lines where there is none, nothing where the verb is to be quiet."""
    display = Display() if _Talk.level < 0 else _Bars() if _console.is_terminal else _Lines()
    try:
        yield display
    finally:
        display.stop()


def _left(elapsed_s: float, done: int, total: int) -> str:
    if not 0 < done < total or elapsed_s < 1:
        return ""
    seconds = elapsed_s / done * (total - done)
    return f", about {f'{seconds / 60:.0f} min' if seconds >= 90 else f'{seconds:.0f} s'} left"


def _print(text: str) -> None:
    _console.print(text, markup=False, highlight=False, soft_wrap=True)


def _finite(values: Any) -> Any:
    if isinstance(values, float):
        return values if math.isfinite(values) else None
    if isinstance(values, dict):
        return {key: _finite(value) for key, value in values.items()}
    return [_finite(value) for value in values] if isinstance(values, (list, tuple)) else values
