"""What all verbs share: the result on stdout; progress and refusals on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

__all__ = ["fail", "progress", "say"]

_console = Console(stderr=True)


def say(values: object, text: str, as_json: bool) -> None:
    """Print the result, for people or as JSON."""
    print(json.dumps(values, indent=1) if as_json else text)


def fail(sentence: str, code: int) -> NoReturn:
    """Say what is wrong and exit."""
    _console.print(f"perisurv: {sentence}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar for every label: ``show(label, done, total)``."""
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Progress(*columns, console=_console)
    tasks: dict[str, TaskID] = {}

    def show(label: str, done: int, total: int | None) -> None:
        bars.start()
        if label not in tasks:
            tasks[label] = bars.add_task(label, total=total)
        bars.update(tasks[label], completed=done, total=total)

    try:
        yield show
    finally:
        if tasks:
            bars.stop()
