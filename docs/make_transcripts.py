"""Write docs/transcripts: a new user's first hour with the folder of one hospital, and the same run in a cluster's log.

``make transcripts``; a test runs it and compares.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perisurv.simulation import DEFAULT_CENTRES, PatientPlan, Plan, SimulationOptions, simulate_patient
from perisurv.simulation import plan as make_plan

PAGES = Path(__file__).parent / "transcripts"
PATIENTS = 24
BAD = 11  # the patient that lost a slice on its way


def write_hospital(folder: Path) -> None:
    """Export of one planning system: tumours are called IGTV, one patient lost a slice, a table as a clerk keeps it."""
    names = ("IGTV", "Lung_L", "Lung_R", "External", "SpinalCord")
    centre = dataclasses.replace(DEFAULT_CENTRES[0], name="export", prefix="H", roi_names=names, slice_spacing_mm=5.0)
    plan = make_plan(SimulationOptions(patients=PATIENTS, matrix=64, centres=(centre,)), 11)
    for number in range(PATIENTS):
        simulate_patient(plan, number, folder)
    slices = sorted((folder / centre.name / plan.patients[BAD].id).rglob("IM*"))
    slices[len(slices) // 2].unlink()
    _write_table(folder / "lung patients 2019.csv", plan)


def _write_table(path: Path, plan: Plan) -> None:
    """Two columns that may be the time, one of lobes, and a line of remarks below."""
    head = ["Patient ID", "Age", "Sex", "Stage", "Site", "OS (months)", "Follow-up (months)", "Status"]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *(_row(patient) for patient in plan.patients)])


def _row(patient: PatientPlan) -> list[object]:
    lobe = ("RUL", "RLL", "LUL", "LLL")[patient.number % 4]
    months = round(patient.time_days / 30.4375, 1)
    status = "dead" if patient.event else "alive"
    return [patient.id, round(patient.age_years), patient.sex, patient.stage, lobe, months, months, status]


# --- what is typed ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence for the reader, then a command, or lines of the study file that are changed."""

    told: str
    command: tuple[str, ...] = ()
    changes: tuple[tuple[str, str], ...] = ()


HOUR = (
    Step(
        "The folder holds what the planning system exported, and the table that a clerk keeps. First a look at it:",
        ("init", "patients"),
    ),
    Step(
        "Two questions. This department calls the tumour IGTV, and both columns hold the same months; the answers stand "
        "in the study file and need only lose their #. A short look is enough for a first hour, so the fast preset:",
        changes=(
            ('# tumour_roi = [{ exact = "IGTV" }]', 'tumour_roi = [{ exact = "IGTV" }]'),
            ('# time = "OS (months)"', 'time = "OS (months)"'),
            ("# bin_width_hu = 25.0", 'preset = "fast"'),
            ("# repeats = 10", "repeats = 2"),
        ),
    ),
    Step("Who is in, and who is not:", ("index", "study.toml")),
    Step("One patient is left out. Whose scan is to be exported again?", ("who", "study.toml", "{excluded}")),
    Step("What would the study do?", ("run", "study.toml", "--dry-run")),
    Step("The study:", ("run", "study.toml")),
    Step("The same command again finds nothing to do:", ("run", "study.toml")),
    Step("And where does everything stand?", ("status", "study.toml")),
)

HOUR_HEAD = """# A new user's first hour

Made by `make transcripts`: every command below was typed into a shell and its answer is what it printed; on a terminal the stages also show
bars, which are left out here, as is the path of the working folder. The patients are simulated: a folder of one hospital with 24 of them, in which the tumour has a name of the
house, two columns may be the time, and one patient lost a slice on its way.
"""
HOUR_FOOT = """
`runs/study/report.html` opens in a browser without a network, `runs/study/qc/index.html` shows every patient. Read the warnings above before
the number: 24 patients say little, and the report says so, too.
"""
LOG = """# The same study on a cluster

Made by `make transcripts`: `perisurv run study.toml > job.log 2>&1`, of the [first hour](first-hour.md). Without a terminal a line comes when a
stage begins and then at most every half minute. The job may be killed at any moment; the same command goes on where it was. `run.log` in the
run folder keeps when what was run, by which versions, and how it ended.

```
{log}
```

`runs/study/run.log`:

```
{run_log}
```
"""
# A line of progress, which depends on the speed of the machine.
_PROGRESS = re.compile(r"^\d\d:\d\d:\d\d (?:stage|index|init)\b.*\n", re.MULTILINE)


def transcripts(home: Path) -> dict[str, str]:
    """Both pages by their names, from a hospital that is simulated in an empty folder."""
    write_hospital(home / "patients")
    private = home / "runs" / "study.private"
    private.mkdir(parents=True, mode=0o700)
    (private / "pseudonym.key").write_text(
        "0" * 32, encoding="utf-8"
    )  # so that pseudonyms and folds are always the same
    study, log, page = home / "study.toml", "", [HOUR_HEAD]
    for step in HOUR:
        page.append(f"\n{step.told}\n")
        if step.changes:
            page.append(_changed(study, step.changes))
            continue
        words = [word.format(excluded=_excluded(home)) for word in step.command]
        printed = _run(words, home)
        log = log or (printed if step.command == ("run", "study.toml") else "")
        page.append(f"```console\n$ perisurv {' '.join(words)}\n{_PROGRESS.sub('', printed)}```\n")
    run_log = (home / "runs" / "study" / "run.log").read_text(encoding="utf-8").rstrip()
    run_log = re.sub(r"Linux-\S+(?=;)", "Linux", run_log)
    cluster = LOG.format(log=log.rstrip(), run_log=run_log)
    return {"first-hour.md": "\n".join(page) + HOUR_FOOT, "cluster-log.md": cluster}


def comparable(page: str) -> str:
    """A page without what differs from machine to machine: times, decimals, versions, progress."""
    return re.sub(r"[0-9a-f]{64}|-?\d+(?:[:.-]\d+)+(?:\+cpu)?|\d+ s\b", "#", _PROGRESS.sub("", page))


def _run(words: Sequence[str], home: Path) -> str:
    """What a command prints without a terminal; it must end well."""
    environment = os.environ | {"COLUMNS": "120", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "perisurv", *words]
    done = subprocess.run(
        command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"perisurv {' '.join(words)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout.replace(f"{home.resolve()}{os.sep}", "")


def _changed(study: Path, changes: Sequence[tuple[str, str]]) -> str:
    text, lines = study.read_text(encoding="utf-8"), []
    for old, new in changes:
        if text.count(f"\n{old}\n") != 1:
            raise SystemExit(f"{study.name} does not hold {old!r} once:\n{text}")
        text = text.replace(f"\n{old}\n", f"\n{new}\n")
        lines += [f"-{old}", f"+{new}"]
    study.write_text(text, encoding="utf-8")
    return "```diff\n" + "\n".join(lines) + "\n```\n"


def _excluded(home: Path) -> str:
    """Pseudonym of the patient that the index excluded; empty before."""
    path = home / "runs" / "study" / "exclusions" / "index.json"
    return json.loads(path.read_text(encoding="utf-8"))[0]["patient"] if path.exists() else ""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, help="Folder to work in; by default one that is removed.")
    home = parser.parse_args().home
    PAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as kept:
        for name, text in transcripts(home or Path(kept)).items():
            (PAGES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
