"""The verb that applies a finished study to new patients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from perisurv.cli_common import AsJson, Panel, remark_on_cache, verb
from perisurv.terminal import say

__all__ = ["predict", "predict_verbs"]

predict_verbs = typer.Typer()


@verb(predict_verbs, Panel.PATIENTS)
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

    remark_on_cache()
    key = key_file.read_text(encoding="utf-8").strip() if key_file else ""
    result = load_model(model).predict_folder(folder, branch, pseudonym_key=key)
    frame = result.prediction.to_frame()
    rows = json.loads(frame.reset_index().to_json(orient="records"))
    exclusions = [{"patient": e.patient, "stage": e.stage, "reason": e.reason} for e in result.exclusions]
    lines = [_sentence(row) for row in rows]
    lines += [f"not predicted {e['patient'] or '(file)'}: {e['reason']}" for e in exclusions]
    say({"predictions": rows, "exclusions": exclusions}, "\n".join(lines), as_json)


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
