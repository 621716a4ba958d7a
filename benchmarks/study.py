"""``make study`` and ``make study-null``: the 303-patient simulated study, with and without imaging signal.

Runs simulate, index, regions, extract, fit, evaluate and report; a second call goes on where the first was cut off.
Stage times are kept in ``runs/<name>/times.json`` so that the total of an interrupted run is still the total.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

from perisurv.core import Evaluation
from perisurv.deep import STUDY_OPTIONS
from perisurv.simulation import SimulationOptions
from perisurv.study.api import simulate
from perisurv.study.run import Run
from perisurv.study.settings import StudySettings, settings_from_dict
from perisurv.study.store import RunFolder, write_text
from table import Row, publish

IMAGING = ("tumour", "ring_3mm", "ring_6mm", "ring_9mm", "tumour+ring", "deep", "combined")
PLANTED = "ring_6mm"


def study_settings(out: Path, workers: int) -> StudySettings:
    """The default study with the preset fast; network sized for two cores without an accelerator."""
    cohort = str(out / "cohort")
    return settings_from_dict(
        {
            "out": str(out),
            "workers": workers,
            "input": {"folder": cohort, "truth": cohort},
            "keep_ids": True,
            "radiomics": {"preset": "fast"},
            "deep": {"folds": 5, "training": dataclasses.asdict(STUDY_OPTIONS)},
        },
        "benchmarks/study.py",
    )


def timed(out: Path, stage: str, work: Callable[[], object]) -> None:
    path = out / "times.json"
    times = json.loads(path.read_text()) if path.exists() else {}
    start = time.perf_counter()
    work()
    times[stage] = times.get(stage, 0.0) + time.perf_counter() - start
    write_text(path, json.dumps(times))


def show(label: str, done: int, total: int) -> None:
    if done == total or done % 25 == 0:
        print(f"{time.strftime('%H:%M:%S')} {label} {done}/{total}", flush=True)


def ladder_rows(evaluation: Evaluation, signal: str) -> list[Row]:
    rows = []
    for r in evaluation.ladder:
        inside = r.lower <= 0.5 <= r.upper
        target = "interval contains 0.5" if signal == "none" and r.branch in IMAGING else ""
        name = f"{r.branch} ({r.lower:.3f}-{r.upper:.3f}, n={r.n}, events={r.events})"
        rows.append(Row(name, r.c_index, "C-index", target, inside if target else None))
    return rows


def order_rows(evaluation: Evaluation) -> list[Row]:
    c = {r.branch: r.c_index for r in evaluation.ladder}
    claims = [
        ("combined minus deep", c["combined"] - c["deep"]),
        ("deep minus tumour+ring", c["deep"] - c["tumour+ring"]),
        ("tumour+ring minus volume", c["tumour+ring"] - c["volume"]),
        ("volume minus 0.5", c["volume"] - 0.5),
    ]
    rows = [Row(name, value, "C-index", "> 0", value > 0) for name, value in claims]
    votes = sum(evaluation.ring_votes.values())
    share = evaluation.ring_votes.get(PLANTED, 0) / votes
    return [*rows, Row(f"planted ring votes (chosen: {evaluation.ring})", share, "share", "ring_6mm chosen",
                       evaluation.ring == PLANTED)]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--signal", choices=("full", "none"), default="full")
    parser.add_argument("--patients", type=int, default=303)
    parser.add_argument("--matrix", type=int, default=256)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    name = "study" if arguments.signal == "full" else "study-null"
    out = Path("runs") / name
    out.mkdir(parents=True, exist_ok=True)
    options = SimulationOptions(patients=arguments.patients, matrix=arguments.matrix, signal=arguments.signal)
    settings = study_settings(out, arguments.workers)
    timed(out, "simulate", lambda: simulate(
        out / "cohort", options, seed=settings.seed, workers=arguments.workers, progress=show))  # fmt: skip
    run = Run(settings, RunFolder(out), show)
    for stage in (run.index, run.regions, run.extract, run.fit, run.evaluate, run.report):
        timed(out, stage.__name__, stage)
    evaluation = run.evaluation()
    print(evaluation)
    times = json.loads((out / "times.json").read_text())
    total = sum(times.values()) / 60
    rows = ladder_rows(evaluation, arguments.signal)
    rows += order_rows(evaluation) if arguments.signal == "full" else []
    rows += [Row(f"time {stage}", seconds, "s") for stage, seconds in times.items()]
    rows.append(Row("time in all", total, "min", "<= 60", total <= 60))
    publish(name, rows, f"make {name}")
    print(f"report: {run.folder.report}")


if __name__ == "__main__":
    main()
