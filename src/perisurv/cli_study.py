"""The verbs of a study, from its index to its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from perisurv.cli_common import AsJson, DryRun, Out, Panel, StudyFile, Workers, open_run, read_json_file, verb
from perisurv.core.wording import counted
from perisurv.terminal import detail, is_verbose, progress, say

if TYPE_CHECKING:
    from perisurv.core import Exclusion
    from perisurv.study.finished import Asked

__all__ = [
    "evaluate",
    "extract",
    "fit",
    "index",
    "qc",
    "regions",
    "report",
    "run_all",
    "status",
    "study_verbs",
    "validate",
]

study_verbs = typer.Typer()


@verb(study_verbs, Panel.STUDY, "run", says_more=True)
def run_all(
    study: StudyFile, out: Out = None, workers: Workers = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Do every stage that is not done yet. Killed at any moment, it goes on where it was.

    One centre is validated by folds; without follow-up the study ends with its features.

    Example: perisurv run study.toml
    """
    from perisurv.study import finished  # noqa: PLC0415 (start fast)

    if dry_run:
        _say_status(study, out, as_json, read_patients=True)
        return
    from perisurv.study.findings import findings_text  # noqa: PLC0415

    asked = finished.Asked(study, out, workers)
    found = None if is_verbose() else finished.kept_findings(asked)
    if found is None:
        found, told = _run_study(asked) | {"nothing_to_do": False}, []
    else:
        found, told = found | {"nothing_to_do": True}, [finished.NOTHING_TO_DO]
    say(found, "\n".join([*told, findings_text(found)]), as_json)


def _run_study(asked: Asked) -> dict[str, Any]:
    """Go through the stages; write down that the run is finished if there is nothing to try again."""
    from perisurv.study.finished import forget_finished, given_to, keep_finished  # noqa: PLC0415 (start fast)
    from perisurv.study.ledger import stages_of  # noqa: PLC0415
    from perisurv.study.whole import run_study  # noqa: PLC0415

    given = given_to(asked)
    with open_run("run", asked.study, asked.out, asked.workers) as run:
        forget_finished(run.folder.root)
        found, notes = run_study(run), run.cohort().notes
    for note in notes:
        detail(note)
    if all(map(run.folder.done, stages_of(found.plan))):
        keep_finished(asked, given)
    return found.plain()


@verb(study_verbs, Panel.STUDY)
def status(study: StudyFile, out: Out = None, as_json: AsJson = False) -> None:
    """Show which stages are done, out of date, cut off or missing, and what run would do next. Writes nothing.

    Example: perisurv status study.toml
    """
    _say_status(study, out, as_json)


def _say_status(study: Path, out: Path | None, as_json: bool, *, read_patients: bool = False) -> None:
    from perisurv.study.run import Run  # noqa: PLC0415 (start fast)
    from perisurv.study.settings import read_settings  # noqa: PLC0415
    from perisurv.study.status import study_status  # noqa: PLC0415
    from perisurv.study.store import RunFolder  # noqa: PLC0415

    settings = read_settings(study)
    with progress() as show:
        found = study_status(Run(settings, RunFolder(out or Path(settings.out)), show), read_patients=read_patients)
    say(found.plain(), str(found), as_json)


@verb(study_verbs, Panel.STAGES, says_more=True)
def index(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Find patients, contours and follow-up; list every exclusion with its reason.

    Example: perisurv index study.toml
    """
    with open_run("index", study, out, workers) as run:
        cohort, files = run.index(), run.private.files
    rows, aside = (
        [{"patient": e.patient, "stage": e.stage, "reason": e.reason} for e in part]
        for part in (cohort.exclusions, cohort.set_aside)
    )
    centres = {name: len(ids) for name, ids in cohort.centres.items()}
    lines = [repr(cohort), *(f"  {name}: {counted(n, 'patient')}" for name, n in centres.items())]
    lines += [f"  {note}" for note in cohort.notes]
    lines += [f"  excluded {e.patient}: {e.reason}" for e in sorted(cohort.exclusions, key=_by_kind(cohort.exclusions))]
    lines += _kinds_set_aside(cohort.set_aside)
    lines += [f"  files are called by number; their paths stand in {files}"] if files.exists() else []
    values = {"patients": len(cohort), "centres": centres, "notes": cohort.notes, "exclusions": rows}
    values["set_aside"] = aside
    say(values, "\n".join(lines), as_json)


@verb(study_verbs, Panel.STAGES, says_more=True)
def regions(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Build the tumour and its rings on the analysis grid.

    Example: perisurv regions study.toml
    """
    with open_run("regions", study, out, workers) as run:
        run.regions()
        _say_stage(run, "regions", as_json)


@verb(study_verbs, Panel.STAGES, says_more=True)
def qc(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Draw a sheet for every patient and a page of the cohort: contours, rings, HU, audit, checks, geometry.

    Example: perisurv qc study.toml
    """
    with open_run("qc", study, out, workers) as run:
        pages = run.qc()
    undrawn = [{"patient": patient, "reason": reason} for patient, reason in pages.undrawn]
    lines = [f"{pages.sheets} sheets, see {pages.index}"]
    lines += [f"  no sheet for {row['patient']}: {row['reason']}" for row in undrawn]
    say({"page": str(pages.index), "sheets": pages.sheets, "undrawn": undrawn}, "\n".join(lines), as_json)


@verb(study_verbs, Panel.STAGES, says_more=True)
def extract(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Compute the radiomics of every region.

    Example: perisurv extract study.toml
    """
    with open_run("extract", study, out, workers) as run:
        run.extract()
        _say_stage(run, "extract", as_json)


@verb(study_verbs, Panel.STAGES, says_more=True)
def fit(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Train the networks and fit every branch on the training centre.

    Example: perisurv fit study.toml
    """
    with open_run("fit", study, out, workers) as run:
        model = run.fit()
    counts = {name: len(signature.coefficients) for name, signature in model.signatures.items()}
    lines = [f"ring chosen: {model.ring.ring} (votes {model.ring.votes})"]
    lines += [f"  {name}: {counted(n, 'feature')}" for name, n in counts.items()]
    say({"ring": model.ring.ring, "votes": model.ring.votes, "features": counts}, "\n".join(lines), as_json)


@verb(study_verbs, Panel.STAGES, says_more=True)
def evaluate(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Score the external centres once.

    Example: perisurv evaluate study.toml
    """
    with open_run("evaluate", study, out, workers) as run:
        evaluation = run.evaluate()
        path = run.folder.evaluation
    say(read_json_file(path), str(evaluation), as_json)


@verb(study_verbs, Panel.STAGES, says_more=True)
def report(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Write the report, one HTML file that opens offline.

    Example: perisurv report study.toml
    """
    with open_run("report", study, out, workers) as run:
        path = run.report()
    say({"report": str(path)}, f"report: {path}", as_json)


@verb(study_verbs, Panel.STAGES, says_more=True)
def validate(study: StudyFile, out: Out = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Fit and score the tabular branches under the design below [validation], everything again in every split.

    Example: perisurv validate study.toml
    """
    from perisurv.study.findings import validation_text  # noqa: PLC0415 (start fast)
    from perisurv.study.validation import validate as write_validation  # noqa: PLC0415

    with open_run("validate", study, out, workers) as run:
        values = write_validation(run)
        path = run.folder.validation
    say(values, f"{validation_text(values)}\nsee {path}", as_json)


def _by_kind(entries: Sequence[Exclusion]) -> Callable[[Exclusion], tuple[int, str]]:
    """Order of exclusions: those of the most frequent kind first."""
    counts = Counter(e.kind for e in entries)
    return lambda e: (-counts[e.kind], e.kind)


def _kinds_set_aside(entries: Sequence[Exclusion]) -> list[str]:
    """A line for every kind of file that was set aside, with the first of it."""
    first: dict[str, str] = {}
    for entry in entries:
        first.setdefault(entry.kind, entry.reason)
    counts = Counter(e.kind for e in entries)
    return [f"  set aside {counted(n, 'file')}, the first: {first[kind]}" for kind, n in counts.most_common()]


def _say_stage(run: Any, stage: str, as_json: bool) -> None:
    gone = run.folder.read_exclusions(stage)
    rows = [{"patient": e.patient, "stage": e.stage, "reason": e.reason} for e in gone]
    lines = [f"{stage} done in {run.folder.root}", *(f"  excluded {e.patient}: {e.reason}" for e in gone)]
    say({"stage": stage, "folder": str(run.folder.root), "exclusions": rows}, "\n".join(lines), as_json)
