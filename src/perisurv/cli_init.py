"""The verb that begins a study: a first look at a folder, and a commented study file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perisurv.cli_common import AsJson, Panel, verb
from perisurv.terminal import progress, say

__all__ = ["begin", "begin_verbs"]

begin_verbs = typer.Typer()


@verb(begin_verbs, Panel.BEGIN, "init")
def begin(
    folder: Annotated[Path, typer.Argument(help="Folder of the patients.")],
    study: Annotated[Path, typer.Option(help="The study file to write; one that is there is left as it is.")] = Path(
        "study.toml"
    ),
    as_json: AsJson = False,
) -> None:
    """Look at a folder of patients and write a commented study file for it.

    What cannot be known (the name of the tumour, a column, a unit) stands in it as a question, with the lines that
    would answer it.

    Example: perisurv init patients/
    """
    from perisurv.study.draft import already_there, findings, write_draft  # noqa: PLC0415 (start fast)
    from perisurv.study.first_look import look_at  # noqa: PLC0415

    if study.exists():
        raise already_there(study)
    with progress() as show:
        look = look_at(folder, show)
    write_draft(look, study)
    lines = [*findings(look), *(f"  {n}. {q.text}" for n, q in enumerate(look.questions, start=1))]
    lines += [f"Could be set: {line.text} below [{line.table}] {line.why}." for line in look.offers]
    lines += [f"{study} written. Next: {_next(study, asks=bool(look.questions), ready=look.ready)}"]
    values = {
        "study": str(study),
        "patients": len(look.cohort.patients),
        "excluded": len({e.patient for e in look.cohort.exclusions if e.patient}),
        "set": [{"table": line.table, "line": line.text, "why": line.why} for line in look.taken],
        "questions": [{"text": q.text, "lines": [x.text for x in q.lines]} for q in look.questions],
        "offers": [{"table": line.table, "line": line.text, "why": line.why} for line in look.offers],
        "plan": look.plan,
        "ready": look.ready,
    }
    say(values, "\n".join(lines), as_json)


def _next(study: Path, *, asks: bool, ready: bool) -> str:
    answer = "answer the questions in it, then " if asks else ""
    shown = f"{answer}`perisurv index {study}` shows who is in and who is not"
    return f"{shown}, `perisurv run {study}` does the study." if ready else f"{shown}, with the reasons."
