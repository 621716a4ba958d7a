"""The verb that says who a patient of a study is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perisurv.cli_common import AsJson, Out, Panel, StudyFile, verb
from perisurv.terminal import fail, say

if TYPE_CHECKING:
    from perisurv.study.people import Known

__all__ = ["who", "who_verbs"]

who_verbs = typer.Typer()


@verb(who_verbs, Panel.STUDY)
def who(
    study: StudyFile,
    pseudonyms: Annotated[list[str] | None, typer.Argument(help="Pseudonyms, such as P-0123456789abcdef.")] = None,
    *,
    patient_id: Annotated[
        list[str] | None, typer.Option("--id", help="PatientID as in the files, to find its pseudonym; repeatable.")
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Say who a pseudonym stands for: PatientID, folder, in the study or excluded, and why. Excluded patients too.

    What is printed identifies patients; it is written nowhere.

    Example: perisurv who study.toml P-0123456789abcdef
    """
    from pathlib import Path  # noqa: PLC0415 (start fast)

    from perisurv.core import InputError  # noqa: PLC0415
    from perisurv.study.people import find_people, read_people  # noqa: PLC0415
    from perisurv.study.private import private_folder  # noqa: PLC0415
    from perisurv.study.settings import read_settings  # noqa: PLC0415

    settings = read_settings(study)
    private = private_folder(settings, out or Path(settings.out))
    if not (pseudonyms or patient_id):
        raise InputError(
            f"Name one or more pseudonyms, or --id and a PatientID; all of them stand in {private.people}."
        )
    found, missing = find_people(read_people(private), pseudonyms or (), patient_id or ())
    if found or not missing:
        rows = [_plain(one) for one in found]
        say({"patients": rows}, "\n".join(_text(one) for one in found), as_json)
    if missing:
        fail(" ".join(missing), 2)


def _plain(one: Known) -> dict[str, object]:
    values = {name: getattr(one, name) for name in ("pseudonym", "patient_id", "state", "stage", "kind")}
    return values | {name: list(getattr(one, name)) for name in ("folders", "reasons", "set_aside")}


def _text(one: Known) -> str:
    stage = f" at {one.stage}" if one.stage else ""
    lines = [f"{one.pseudonym}: PatientID {_printable(one.patient_id) or 'not known'}"]
    lines += [f"  folder {_printable(folder)}" for folder in one.folders] or ["  no files in the cohort folder"]
    lines += [f"  {one.state}{stage}"]
    lines += [f"  reason: {reason}" for reason in one.reasons]
    lines += [f"  set aside: {reason}" for reason in one.set_aside]
    return "\n".join(lines)


def _printable(text: str) -> str:
    """A name on one line, control characters escaped."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
