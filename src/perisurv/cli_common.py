"""What the verbs share: how they are registered, options that read the same everywhere, the run of a study file."""

from __future__ import annotations

import functools
import inspect
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from perisurv.terminal import fail, progress, remark, set_verbosity

__all__ = [
    "AsJson",
    "DryRun",
    "Out",
    "Panel",
    "StudyFile",
    "Terminated",
    "Workers",
    "ends_on_signals",
    "open_run",
    "read_json_file",
    "remark_on_cache",
    "verb",
]

StudyFile = Annotated[Path, typer.Argument(help="The study file (TOML).")]
Out = Annotated[Path | None, typer.Option(help="Folder of the artefacts; default: the one of the study file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, with how many patients and why; write nothing.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; changes no result.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say more: versions, how tables were read, what was done before.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and what is wrong.")]


class Panel(StrEnum):
    """Groups of verbs in the help."""

    BEGIN = "Begin"
    STUDY = "A study"
    STAGES = "Stages of a study, one at a time"
    PATIENTS = "New patients"
    DATA = "Bring data in"


def verb(
    app: typer.Typer, panel: Panel, name: str | None = None, *, says_more: bool = False
) -> Callable[[Callable[..., None]], Any]:
    """Register a function as a verb that also takes ``-q`` and ends in one sentence on Ctrl-C.

    Parameters
    ----------
    app, panel, name
        Where it stands, and what it is called; None: as the function.
    says_more
        Whether it has something to say with ``-v``.
    """
    options = {"quiet": Quiet} | ({"verbose": Verbose} if says_more else {})

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def called(*args: Any, verbose: bool = False, quiet: bool = False, **options: Any) -> None:
            set_verbosity(verbose, quiet)
            with ends_on_signals():
                function(*args, **options)

        own = inspect.signature(function, eval_str=True)
        more = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
            for key, kind in options.items()
        ]
        called.__signature__ = own.replace(parameters=[*own.parameters.values(), *more])  # type: ignore[attr-defined]
        called.__annotations__ = {p.name: p.annotation for p in (*own.parameters.values(), *more)}
        called.__doc__ = escape(function.__doc__ or "")  # [validation] is no markup
        app.command(name, rich_help_panel=panel.value)(called)
        return function

    return register


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM)."""


@contextmanager
def ends_on_signals() -> Iterator[None]:
    """End in one sentence when somebody presses Ctrl-C (exit code 130) or the process is asked to end (143)."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        with suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        fail("stopped; the same command goes on where it was.", 143 if isinstance(stopped, Terminated) else 130)


@contextmanager
def open_run(verb: str, study: Path, out: Path | None, workers: int | None = None) -> Iterator[Any]:
    """The run of a study file, with progress on stderr and in the log of the run folder."""
    import dataclasses  # noqa: PLC0415 (start fast)

    from perisurv.study.private import private_folder  # noqa: PLC0415
    from perisurv.study.run import Run  # noqa: PLC0415
    from perisurv.study.runlog import logged  # noqa: PLC0415
    from perisurv.study.settings import read_settings  # noqa: PLC0415
    from perisurv.study.store import RunFolder  # noqa: PLC0415

    settings = read_settings(study)
    if workers is not None:
        settings = dataclasses.replace(settings, workers=workers)
    remark_on_cache()
    folder = RunFolder(out or Path(settings.out))
    with progress() as show, logged(verb, folder, private_folder(settings, folder.root), settings, show) as log:
        yield Run(settings, folder, log)


def remark_on_cache() -> None:
    """Say once where compiled code cannot be kept."""
    from perisurv.compiled import without_cache  # noqa: PLC0415 (start fast)

    if told := without_cache():
        remark(told)


def read_json_file(path: Path) -> Any:
    """What a JSON artefact holds."""
    return json.loads(path.read_text(encoding="utf-8"))
