"""What the verbs of a study share: options that read the same everywhere, and the run of a study file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from perisurv.terminal import progress

__all__ = ["AsJson", "Out", "StudyFile", "Workers", "open_run", "read_json_file"]

StudyFile = Annotated[Path, typer.Argument(help="The study file (TOML).")]
Out = Annotated[Path | None, typer.Option(help="Folder of the artefacts; default: the one of the study file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; changes no result.")]


@contextmanager
def open_run(study: Path, out: Path | None, workers: int | None = None) -> Iterator[Any]:
    """The run of a study file, with progress on stderr."""
    import dataclasses  # noqa: PLC0415

    from perisurv.study.run import Run  # noqa: PLC0415
    from perisurv.study.settings import read_settings  # noqa: PLC0415
    from perisurv.study.store import RunFolder  # noqa: PLC0415

    settings = read_settings(study)
    if workers is not None:
        settings = dataclasses.replace(settings, workers=workers)
    with progress() as show:
        yield Run(settings, RunFolder(out or Path(settings.out)), show)


def read_json_file(path: Path) -> Any:
    """What a JSON artefact holds."""
    return json.loads(path.read_text(encoding="utf-8"))
