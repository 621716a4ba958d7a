"""The verb that applies a finished study to new patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perisurv.cli_common import AsJson, Panel, Workers, remark_on_cache, verb
from perisurv.terminal import progress, say

__all__ = ["predict", "predict_verbs"]

predict_verbs = typer.Typer()


@verb(predict_verbs, Panel.PATIENTS, says_more=True)
def predict(  # noqa: PLR0913 (an option is a parameter)
    model: Annotated[Path, typer.Argument(help="Model folder of a finished study.")],
    folder: Annotated[Path, typer.Argument(help="Folder with the CT and the contour of new patients.")],
    *,
    branch: Annotated[str, typer.Option(help="Rung of the ladder.")] = "combined",
    clinical: Annotated[
        list[Path] | None, typer.Option(help="Clinical table of the new patients; default: those in the folder.")
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option(help="Study file that says how to read the folder, below cohort: ROIs, columns, checks."),
    ] = None,
    tumour_roi: Annotated[
        list[str] | None, typer.Option(help="Regular expression for the tumour ROI; several: the first that fits.")
    ] = None,
    key_file: Annotated[Path | None, typer.Option(help="pseudonym.key of the study, to know its own patients.")] = None,
    show_abstained: Annotated[
        bool, typer.Option("--show-abstained", help="Also print the numbers of patients for whom the model abstains.")
    ] = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Predict risk, survival and group of new patients, or say why not. One that cannot be used stops no other.

    Example: perisurv predict runs/demo/model new_patient/ --tumour-roi "^GTV primary$"
    """
    from perisurv.study.model import load_model  # noqa: PLC0415 (start fast)
    from perisurv.study.settings import read_settings  # noqa: PLC0415

    remark_on_cache()
    fitted = load_model(model)
    with progress() as show:
        found = fitted.predict_each(
            folder,
            branch,
            clinical=clinical or None,
            tumour_roi=tuple(tumour_roi or ()),
            options=read_settings(study).cohort if study else None,
            pseudonym_key=key_file.read_text(encoding="utf-8").strip() if key_file else "",
            progress=show,
            workers=workers or 1,
        )
    values = fitted.told(found, branch, show_abstained=show_abstained)
    say(values, _text(values), as_json)


def _text(values: dict[str, Any]) -> str:
    made = values["model"]
    lines = [
        f"{values['use']}",
        f"model: perisurv {made['version']}, settings {made['settings_sha256'][:12]}, branch {made['branch']}, "
        f"{made['training_patients']} training patients; endpoint: {values['endpoint']}",
        f"risk: {values['units']['risk']}",
        f"at a time: {values['units']['survival']}",
        *(_sentence(row, values) for row in values["predictions"]),
        *(f"not predicted {e['patient'] or '(file)'}: {e['reason']}" for e in values["exclusions"]),
    ]
    for patient, names in values["stand_ins"].items():
        lines.append(f"{patient}: not known, the mean of the training patients stands in: {', '.join(names)}")
    for patient, checks in values["checks"].items():
        failed = (c for c in checks if c["passed"] is False)
        lines += [f"{patient}: a check failed: {c['fault'] or c['title']}: {c['text']}" for c in failed]
    return "\n".join(lines)


def _sentence(row: dict[str, Any], values: dict[str, Any]) -> str:
    said = f"{row['patient']}: no prediction. {row['abstained']}" if row["abstained"] else f"{row['patient']}:"
    if row["risk"] is None:
        return f"{said} (--show-abstained prints the numbers, which are for study only.)"
    free = ", ".join(
        f"{_time(float(key[9:-1]))} {'beyond follow-up' if value is None else f'{value:.0%}'}"
        for key, value in row.items()
        if key.startswith("survival_")
    )
    numbers = f"risk {row['risk']:+.3f}, {row['group']} risk group, {values['event_free']} at {free}"
    return f"{said} (For study only: {numbers})" if row["abstained"] else f"{said} {numbers}"


def _time(days: float) -> str:
    """Whole years as years, everything else in days."""
    years = days / 365.25
    return f"{years:.0f} y" if years > 0.9 and abs(years - round(years)) < 0.005 else f"{days:g} days"
