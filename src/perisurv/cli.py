"""The verbs of a study. Prints and exits through `terminal`."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from perisurv.cli_archives import archive_verbs
from perisurv.core import InputError, PerisurvError
from perisurv.terminal import fail as _fail
from perisurv.terminal import progress as _progress
from perisurv.terminal import say as _say

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Overall survival from a CT and a tumour contour: rings, radiomics, a 3D network, a study that cannot leak.",
)
app.add_typer(archive_verbs)

StudyFile = Annotated[Path, typer.Argument(help="The study file (TOML).")]
Out = Annotated[Path | None, typer.Option(help="Folder of the artefacts; default: the one of the study file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; changes no result.")]


class Signal(StrEnum):
    """Whether the simulated outcome depends on the image."""

    FULL = "full"
    NONE = "none"


def main() -> None:
    """Entry point: 0 done, 1 a check failed, 2 bad input with one clear sentence."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except InputError as error:
        _fail(str(error), 2)
    except PerisurvError as error:
        _fail(str(error), 1)
    except OSError as error:  # a path that is wrong, a disk that is full, a right that is lacking
        where = f" {error.filename}" if error.filename else ""
        _fail(f"The file or folder{where} cannot be used: {error.strerror or error}. Check path, rights and disk.", 2)


@app.command()
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
    with _progress() as progress:
        write_cohort(folder, options, seed=seed, workers=workers or 2, progress=progress)
    _say({"folder": str(folder), "patients": patients}, f"{patients} patients in {folder}", as_json)


@app.command()
def index(study: StudyFile, out: Out = None, as_json: AsJson = False) -> None:
    """Find patients, contours and follow-up; list every exclusion with its reason.

    Example: perisurv index study.toml
    """
    with _run(study, out) as run:
        cohort, files = run.index(), run.private.files
    rows = [{"patient": e.patient, "stage": e.stage, "reason": e.reason} for e in cohort.exclusions]
    centres = {name: len(ids) for name, ids in cohort.centres.items()}
    lines = [repr(cohort), *(f"  {name}: {n} patients" for name, n in centres.items())]
    lines += [f"  {note}" for note in cohort.notes]
    lines += [f"  excluded {row['patient'] or '(file)'}: {row['reason']}" for row in rows]
    lines += [f"  files are called by number; their paths stand in {files}"] if files.exists() else []
    values = {"patients": len(cohort), "centres": centres, "notes": cohort.notes, "exclusions": rows}
    _say(values, "\n".join(lines), as_json)


@app.command()
def regions(study: StudyFile, out: Out = None, as_json: AsJson = False) -> None:
    """Build the tumour and its rings on the analysis grid.

    Example: perisurv regions study.toml
    """
    with _run(study, out) as run:
        run.regions()
        _say_stage(run, "regions", as_json)


@app.command()
def qc(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Draw a sheet for every patient and a page of the cohort: contours, rings, HU, audit, checks, geometry.

    Example: perisurv qc study.toml
    """
    with _run(study, out, workers) as run:
        pages = run.qc()
    undrawn = [{"patient": patient, "reason": reason} for patient, reason in pages.undrawn]
    lines = [f"{pages.sheets} sheets, see {pages.index}"]
    lines += [f"  no sheet for {row['patient']}: {row['reason']}" for row in undrawn]
    _say({"page": str(pages.index), "sheets": pages.sheets, "undrawn": undrawn}, "\n".join(lines), as_json)


@app.command()
def extract(study: StudyFile, out: Out = None, as_json: AsJson = False) -> None:
    """Compute the radiomics of every region.

    Example: perisurv extract study.toml
    """
    with _run(study, out) as run:
        run.extract()
        _say_stage(run, "extract", as_json)


@app.command()
def fit(study: StudyFile, out: Out = None, as_json: AsJson = False) -> None:
    """Train the networks and fit every branch on the training centre.

    Example: perisurv fit study.toml
    """
    with _run(study, out) as run:
        model = run.fit()
    counts = {name: len(signature.coefficients) for name, signature in model.signatures.items()}
    lines = [f"ring chosen: {model.ring.ring} (votes {model.ring.votes})"]
    lines += [f"  {name}: {n} features" for name, n in counts.items()]
    _say({"ring": model.ring.ring, "votes": model.ring.votes, "features": counts}, "\n".join(lines), as_json)


@app.command()
def evaluate(study: StudyFile, out: Out = None, as_json: AsJson = False) -> None:
    """Score the external centres once.

    Example: perisurv evaluate study.toml
    """
    with _run(study, out) as run:
        evaluation = run.evaluate()
        path = run.folder.evaluation
    _say(_read(path), str(evaluation), as_json)


@app.command()
def report(study: StudyFile, out: Out = None, as_json: AsJson = False) -> None:
    """Write the report, one HTML file that opens offline.

    Example: perisurv report study.toml
    """
    with _run(study, out) as run:
        path = run.report()
    _say({"report": str(path)}, f"report: {path}", as_json)


@app.command()
def validate(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Fit and score the tabular branches under the design below [validation], everything again in every split.

    Example: perisurv validate study.toml
    """
    from perisurv.study.validation import validate as write_validation  # noqa: PLC0415 (start fast)
    from perisurv.study.validation import validation_text  # noqa: PLC0415

    with _run(study, out, workers) as run:
        values = write_validation(run)
        path = run.folder.validation
    _say(values, f"{validation_text(values)}\nsee {path}", as_json)


@app.command("run")
def run_all(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Do every stage that is not done yet. Killed at any moment, it goes on where it was.

    Example: perisurv run study.toml
    """
    with _run(study, out, workers) as run:
        evaluation = run.all()
        folder, notes = run.folder, run.cohort().notes
    _say(_read(folder.evaluation), "\n".join([*notes, f"{evaluation}", f"report: {folder.report}"]), as_json)


@app.command()
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
    from perisurv.study.run import Run  # noqa: PLC0415
    from perisurv.study.store import RunFolder  # noqa: PLC0415

    settings = demo_settings(out, workers or 2)
    with _progress() as progress:
        from perisurv.study.api import simulate as write_cohort  # noqa: PLC0415

        options = SimulationOptions(patients=patients, matrix=matrix)
        write_cohort(out / "cohort", options, seed=settings.seed, workers=settings.workers, progress=progress)
        run = Run(settings, RunFolder(out), progress)
        evaluation = run.all()
    _say(_read(run.folder.evaluation), f"{evaluation}\nreport: {run.folder.report}", as_json)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="Model folder of a finished study.")],
    folder: Annotated[Path, typer.Argument(help="Folder with the CT and the contour of new patients.")],
    branch: Annotated[str, typer.Option(help="Rung of the ladder.")] = "combined",
    key_file: Annotated[Path | None, typer.Option(help="pseudonym.key of the study, to know its own patients.")] = None,
    as_json: AsJson = False,
) -> None:
    """Predict risk, survival and group of new patients, or say why not.

    Example: perisurv predict runs/demo/model new_patient/
    """
    from perisurv.study.model import load_model  # noqa: PLC0415

    key = key_file.read_text(encoding="utf-8").strip() if key_file else ""
    result = load_model(model).predict_folder(folder, branch, pseudonym_key=key)
    frame = result.prediction.to_frame()
    rows = json.loads(frame.reset_index().to_json(orient="records"))
    exclusions = [{"patient": e.patient, "stage": e.stage, "reason": e.reason} for e in result.exclusions]
    lines = [_sentence(row) for row in rows]
    lines += [f"not predicted {e['patient'] or '(file)'}: {e['reason']}" for e in exclusions]
    _say({"predictions": rows, "exclusions": exclusions}, "\n".join(lines), as_json)


@app.command()
def check(
    ct_phantom: Annotated[
        Path | None, typer.Option(help="Folder with image.nii.gz and mask.nii.gz of the CT phantom of the IBSI.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare this installation with the reference values of the IBSI and show its environment.

    Example: perisurv check --ct-phantom ibsi1/ct_phantom/nifti
    """
    from perisurv.study.provenance import VERSION, installed  # noqa: PLC0415
    from perisurv.study.selfcheck import by_family, ibsi_check  # noqa: PLC0415

    rows = ibsi_check(ct_phantom)
    bad = [row for row in rows if not row.ok]
    lines = [f"perisurv {VERSION}, Python {sys.version.split()[0]}"]
    lines += [f"  {name} {number}" for name, number in installed().items()]
    for (configuration, family), (matched, total) in by_family(rows).items():
        lines.append(f"  {configuration:<16} {family:<48} {matched:>3} of {total:>3}")
    lines += [
        f"  WRONG {row.configuration} {row.tag}: {row.got:g}, IBSI says {row.expected:g} +- {row.tolerance:g}"
        for row in bad
    ]
    lines.append(f"IBSI: {len(rows) - len(bad)} of {len(rows)} reference values within tolerance")
    if ct_phantom is None:
        lines.append("Configurations A to E need the CT phantom: --ct-phantom FOLDER (README: where to get it)")
    wrong = [f"{row.configuration} {row.tag}" for row in bad]
    summary = {"version": VERSION, "packages": installed(), "checked": len(rows), "wrong": wrong}
    _say(summary, "\n".join(lines), as_json)
    if bad:
        raise typer.Exit(1)


@contextmanager
def _run(study: Path, out: Path | None, workers: int | None = None) -> Iterator[Any]:
    """The run of a study file, with progress on stderr."""
    import dataclasses  # noqa: PLC0415

    from perisurv.study.run import Run  # noqa: PLC0415
    from perisurv.study.settings import read_settings  # noqa: PLC0415
    from perisurv.study.store import RunFolder  # noqa: PLC0415

    settings = read_settings(study)
    if workers is not None:
        settings = dataclasses.replace(settings, workers=workers)
    with _progress() as progress:
        yield Run(settings, RunFolder(out or Path(settings.out)), progress)


def _say_stage(run: Any, stage: str, as_json: bool) -> None:
    gone = run.folder.read_exclusions(stage)
    rows = [{"patient": e.patient, "stage": e.stage, "reason": e.reason} for e in gone]
    lines = [f"{stage} done in {run.folder.root}", *(f"  excluded {e.patient}: {e.reason}" for e in gone)]
    _say({"stage": stage, "folder": str(run.folder.root), "exclusions": rows}, "\n".join(lines), as_json)


def _sentence(row: dict[str, Any]) -> str:
    alive = ", ".join(
        f"{float(key[9:-1]) / 365.25:.3g} y {'beyond follow-up' if value is None else f'{value:.0%}'}"
        for key, value in row.items()
        if key.startswith("survival_")
    )
    line = f"{row['patient']}: risk {row['risk']:+.3f}, {row['group']} risk group, alive at {alive}"
    if row["abstained"]:
        return f"{row['patient']}: no prediction. {row['abstained']} (For study only: {line.split(': ', 1)[1]})"
    return line


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
