"""The verbs that work without patients: a simulated cohort, and the whole method on it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from perisurv.cli_common import AsJson, Panel, Workers, verb
from perisurv.core.wording import counted
from perisurv.terminal import progress, say

__all__ = ["Signal", "demo", "simulate", "simulate_verbs"]

simulate_verbs = typer.Typer()


class Signal(StrEnum):
    """Whether the simulated outcome depends on the image."""

    FULL = "full"
    NONE = "none"


@verb(simulate_verbs, Panel.BEGIN, says_more=True)
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write; new, or of the same simulation.")],
    patients: Annotated[int, typer.Option(min=6, help="Patients of all three centres.")] = 303,
    matrix: Annotated[int, typer.Option(min=64, max=1024, help="Rows and columns of a CT slice.")] = 256,
    signal: Annotated[Signal, typer.Option(help="none: no imaging factor has an effect on survival.")] = Signal.FULL,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 2025,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Write a multicentre cohort in DICOM whose truth is known.

    Example: perisurv simulate cohort/ --patients 60 --matrix 128
    """
    from perisurv.simulation import SimulationOptions  # noqa: PLC0415 (start fast)
    from perisurv.study.api import simulate as write_cohort  # noqa: PLC0415

    options = SimulationOptions(patients=patients, matrix=matrix, signal=signal.value)
    with progress() as show:
        write_cohort(folder, options, seed=seed, workers=workers or 2, progress=show)
    say({"folder": str(folder), "patients": patients}, f"{counted(patients, 'patient')} in {folder}", as_json)


@verb(simulate_verbs, Panel.BEGIN, says_more=True)
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the artefacts.")] = Path("runs/demo"),
    patients: Annotated[int, typer.Option(min=24, help="Patients of the simulated cohort.")] = 72,
    matrix: Annotated[int, typer.Option(min=64, help="Rows and columns of a CT slice.")] = 128,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a small cohort and run the whole method on it.

    Example: perisurv demo
    """
    from perisurv.simulation import SimulationOptions  # noqa: PLC0415
    from perisurv.study.demo import demo_settings  # noqa: PLC0415
    from perisurv.study.private import private_folder  # noqa: PLC0415
    from perisurv.study.run import Run  # noqa: PLC0415
    from perisurv.study.runlog import logged  # noqa: PLC0415
    from perisurv.study.store import RunFolder  # noqa: PLC0415
    from perisurv.study.whole import run_study  # noqa: PLC0415

    settings = demo_settings(out, workers or 2)
    with progress() as show:
        from perisurv.study.api import simulate as write_cohort  # noqa: PLC0415

        options = SimulationOptions(patients=patients, matrix=matrix)
        write_cohort(out / "cohort", options, seed=settings.seed, workers=settings.workers, progress=show)
        folder = RunFolder(out)
        with logged("demo", folder, private_folder(settings, out), settings, show) as log:
            found = run_study(Run(settings, folder, log))
    say(found.plain(), str(found), as_json)
