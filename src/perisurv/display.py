"""Progress on stderr: bars for somebody who watches, lines for a log, a notebook or a script."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

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

__all__ = ["CONSOLE", "Display", "shown", "tell_line"]

LINE_EVERY_S = 30.0
CONSOLE = Console(stderr=True, force_jupyter=False)


class Display:
    """What is being done: ``display(label, done, total)`` and ``display.stage(name, number, of)``. Silent here."""

    def __call__(self, label: str, done: int, total: int | None) -> None:
        """Show how many items of a label are done."""

    def stage(self, name: str, number: int, of: int) -> None:
        """Show that a stage begins; ``of`` is 0 where nobody knows yet how many there are."""

    def detail(self, text: str) -> None:
        """Say what only somebody who asked for more wants to hear."""

    def stop(self) -> None:
        """Show nothing more."""


class _Lines(Display):
    """Lines for a log: one at once when something begins, then one every half minute."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose
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
        self._stage, self._label = _stage_text(name, number, of), name
        self._done, self._since = (0, None), time.monotonic()
        self._line()

    def detail(self, text: str) -> None:
        if self._verbose:
            tell_line(f"{time.strftime('%H:%M:%S')} {text}")

    def stop(self) -> None:
        self._end.set()

    def _line(self) -> None:
        if not (self._clock.is_alive() or self._end.is_set()):
            self._clock.start()
        tell_line(f"{time.strftime('%H:%M:%S')} {self._text()}")

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

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose
        counts, times = MofNCompleteColumn(), (TimeElapsedColumn(), TimeRemainingColumn())
        self._bars = Progress(TextColumn("{task.description:>24}"), BarColumn(), counts, *times, console=CONSOLE)
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
        self._tasks[name] = self._bars.add_task(_stage_text(name, number, of), total=None)

    def detail(self, text: str) -> None:
        if self._verbose:
            tell_line(text)

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
def shown(*, verbose: bool = False, quiet: bool = False) -> Iterator[Display]:
    """Bars on a terminal, lines where there is none, nothing where it is to be quiet."""
    display = Display() if quiet else _Bars(verbose) if CONSOLE.is_terminal else _Lines(verbose)
    try:
        yield display
    finally:
        display.stop()


def tell_line(text: str) -> None:
    """Print a line as it is, above the bars."""
    CONSOLE.print(text, markup=False, highlight=False, soft_wrap=True)


def _stage_text(name: str, number: int, of: int) -> str:
    return f"stage {number} of {of}, {name}" if of else f"stage {number}, {name}"


def _left(elapsed_s: float, done: int, total: int) -> str:
    if not 0 < done < total or elapsed_s < 1:
        return ""
    seconds = elapsed_s / done * (total - done)
    return f", about {f'{seconds / 60:.0f} min' if seconds >= 90 else f'{seconds:.0f} s'} left"
