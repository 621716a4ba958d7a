"""The verbs that bring data in: fetch, receive, pull."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perisurv.cli_common import AsJson, Panel, verb
from perisurv.core.errors import InputError
from perisurv.terminal import progress, say

if TYPE_CHECKING:
    from perisurv.archives import FetchPlan, IdcIndex, Login, Wanted

__all__ = ["archive_verbs", "fetch", "pull", "receive"]

NAMED = 4  # classes of objects, in a line
archive_verbs = typer.Typer()


@verb(archive_verbs, Panel.DATA)
def fetch(  # noqa: PLR0913 (an option is a parameter)
    collection: Annotated[str, typer.Argument(help="Collection, such as nsclc-radiomics.")] = "",
    folder: Annotated[Path | None, typer.Argument(help="Folder of the collection.")] = None,
    *,
    patients: Annotated[int | None, typer.Option(min=1, help="Only so many patients.")] = None,
    patient: Annotated[list[str] | None, typer.Option(help="Only this PatientID; may be repeated.")] = None,
    contours: Annotated[list[str] | None, typer.Option(help="RTSTRUCT or SEG; default: both.")] = None,
    derived: Annotated[bool, typer.Option(help="Also segmentations that others derived.")] = False,
    show_list: Annotated[bool, typer.Option("--list", help="List the collections that qualify.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would be fetched, and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    endpoint: Annotated[str, typer.Option(help="Another S3 service that holds the archive.")] = "",
    as_json: AsJson = False,
) -> None:
    """Fetch a collection of the Imaging Data Commons: CT, contours, clinical table. Goes on where it was.

    Example: perisurv fetch nsclc-radiomics LUNG1/ --patients 5
    """
    from perisurv import archives  # noqa: PLC0415 (start fast)

    wanted = archives.Wanted(tuple(patient or ()), patients, tuple(contours or ("RTSTRUCT", "SEG")), derived)
    index = archives.load_index()
    if show_list:
        _say_collections(index, wanted, as_json)
        return
    if not collection or folder is None:
        raise InputError("Give a collection and a folder, such as perisurv fetch nsclc-radiomics LUNG1/; or --list.")
    plan = archives.plan_fetch(index, collection, folder, wanted)
    if dry_run:
        say(_plan_values(plan), _plan_text(plan), as_json)
        return
    if not yes:
        _ask(_plan_text(plan))
    with progress() as show:
        done = archives.fetch(plan, index, endpoint=endpoint or archives.ENDPOINT, progress=show)
    lines = [f"{done.patients} patients, {done.series} series in {folder} ({done.fetched} came now)", *done.notes]
    values = {"fetched": done.fetched, "clinical": [str(p) for p in done.clinical], "notes": done.notes}
    text = "\n".join([*lines, f"next: perisurv index {done.study}"])
    say({**_plan_values(plan), **values, "study": str(done.study)}, text, as_json)


@verb(archive_verbs, Panel.DATA)
def receive(
    folder: Annotated[Path, typer.Argument(help="Folder for what comes.")],
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 11112,
    aet: Annotated[str, typer.Option(help="Own application entity title.")] = "PERISURV",
    bind: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0: every network.")] = "127.0.0.1",
    allow: Annotated[list[str] | None, typer.Option(help="Only this calling AET; may be repeated.")] = None,
    until_idle: Annotated[float | None, typer.Option(help="Stop after so many seconds without objects.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take in CT, RTSTRUCT and SEG that a DICOM node sends (C-STORE), until Ctrl-C.

    Example: perisurv receive incoming/ --allow ECLIPSE --until-idle 600
    """
    from perisurv import archives  # noqa: PLC0415 (start fast)

    options = archives.ReceiveOptions(port, aet, bind, tuple(allow or ()), until_idle)
    with progress() as show:
        got = archives.receive(folder, options, show)
    counts = f"{got.patients} patients, {got.series} series, {got.objects} objects in {folder}"
    text = f"{counts}; {got.repeated} came again, {got.refused} refused, {got.rejected} callers rejected"
    if got.not_taken:  # some senders offer all that they know, whatever they send
        named = ", ".join(got.not_taken) if len(got.not_taken) <= NAMED else "--json names them"
        text += f"\nobjects of {len(got.not_taken)} other classes were offered and are not taken ({named})"
    say(asdict(got), text, as_json)


@verb(archive_verbs, Panel.DATA)
def pull(  # noqa: PLR0913 (an option is a parameter)
    url: Annotated[str, typer.Argument(help="Root of the DICOMweb service.")],
    folder: Annotated[Path, typer.Argument(help="Folder for what comes.")],
    *,
    study: Annotated[list[str] | None, typer.Option(help="StudyInstanceUID; may be repeated.")] = None,
    patient: Annotated[list[str] | None, typer.Option(help="PatientID; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every study of the archive.")] = False,
    modality: Annotated[list[str] | None, typer.Option(help="Modality; may be repeated.")] = None,
    user: Annotated[str, typer.Option(help="User; the password: PERISURV_PASSWORD, or it is asked for.")] = "",
    header_env: Annotated[str, typer.Option(help="Environment variable that holds 'Name: value'.")] = "",
    timeout: Annotated[float, typer.Option(min=1, help="Seconds without an answer.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Retrieve studies from a DICOMweb archive. Objects that are there are passed over.

    Example: perisurv pull https://archive.example/dicom-web incoming/ --patient P0001 --user me
    """
    from perisurv import archives  # noqa: PLC0415 (start fast)

    modalities = tuple(modality or ("CT", "RTSTRUCT", "SEG"))
    options = archives.PullOptions(tuple(study or ()), tuple(patient or ()), everything, modalities, timeout)
    login = _login(user, header_env)
    with progress() as show:
        got = archives.pull(url, folder, options, login=login, progress=show)
    counts = f"{got.studies} studies, {got.series} series in {folder}"
    say(asdict(got), f"{counts}: {got.fetched} objects came now, {got.present} were there", as_json)


def _login(user: str, header_env: str) -> Login:
    """Secrets come from the environment or the keyboard, never from the command line, which others can read."""
    from perisurv.archives import Login  # noqa: PLC0415 (start fast)

    if header_env and header_env not in os.environ:
        raise InputError(f"The environment variable {header_env} is not set; it should hold 'Name: value'.")
    password = os.environ.get("PERISURV_PASSWORD", "")
    if user and not password:
        password = typer.prompt(f"Password of {user}", hide_input=True, err=True)
    return Login(user, password, os.environ.get(header_env, ""))


def _ask(text: str) -> None:
    if not sys.stdin.isatty():
        raise InputError("Nobody is there to agree to the terms: look at them with --dry-run, then add --yes.")
    typer.confirm(f"{text}\nFetch?", default=True, abort=True, err=True)


def _say_collections(index: IdcIndex, wanted: Wanted, as_json: bool) -> None:
    from perisurv.archives import collections  # noqa: PLC0415 (start fast)

    found = collections(index, wanted)
    lines = [f"{c.name:<40} {c.patients:>6} patients {c.gigabytes:>9.1f} GB  {', '.join(c.licences)}" for c in found]
    say([asdict(collection) for collection in found], "\n".join(lines), as_json)


def _plan_values(plan: FetchPlan) -> dict[str, object]:
    licences = [asdict(licence) for licence in plan.licences]
    counts = {"patients": len(plan.patients), "series": len(plan.series), "bytes_to_come": plan.missing_bytes}
    named = {"collection": plan.collection, "idc_version": plan.idc_version, "folder": str(plan.folder)}
    return {**named, **counts, "licences": licences, "notes": plan.notes}


def _plan_text(plan: FetchPlan) -> str:
    size = sum(series.size_bytes for series in plan.series) / 1e9
    lines = [
        f"{plan.collection} (Imaging Data Commons {plan.idc_version}) into {plan.folder}",
        f"  {len(plan.patients)} patients, {len(plan.series)} series, {size:.2f} GB",
        f"  to come: {len(plan.missing)} series, {plan.missing_bytes / 1e9:.2f} GB",
    ]
    for licence in plan.licences:
        lines += [f"  licence: {licence.name} {licence.url}", f"  cite: {licence.citation or licence.doi}"]
    return "\n".join([*lines, *(f"  note: {note}" for note in plan.notes)])
