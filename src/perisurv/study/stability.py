"""Which columns of a run survive another drawing of the contour: the redrawn patients, and what their values say."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

from perisurv.core import Cohort, FeatureTable
from perisurv.study import stages
from perisurv.study.engine import Failure, Progress, run_tasks
from perisurv.study.jobs import redrawn_of
from perisurv.study.settings import StudySettings
from perisurv.study.stages import StudyData
from perisurv.study.store import RunFolder, write_frame

__all__ = ["stable_columns", "write_redrawn"]


def stable_columns(folder: RunFolder, data: StudyData, settings: StudySettings) -> tuple[str, ...]:
    """Stable radiomics and always the volume; all of them where fewer than three patients were redrawn.

    No outcome is looked at, so the same columns serve every split of the patients.
    """
    if not folder.perturbed.exists():
        return data.radiomics.names
    frame = pd.read_parquet(folder.perturbed)
    repeats = [FeatureTable(group.drop(columns="repeat")) for _, group in frame.groupby("repeat")]
    patients = sorted(set.intersection(*(set(t.patients) for t in repeats)))
    if len(patients) < 3:
        return data.radiomics.names
    names = stages.stable_names(data.radiomics.take(patients), [t.take(patients) for t in repeats], settings)
    volume = stages.volume_column(settings)
    return (*names, volume) if volume not in names else names


def write_redrawn(
    folder: RunFolder,
    cohort: Cohort,
    table: FeatureTable,
    settings: StudySettings,
    *,
    parts: Path,
    progress: Progress | None = None,
) -> None:
    """Compute the radiomics of redrawn contours of some patients; write ``perturbed.parquet``."""
    chosen = stages.redrawn_patients(cohort, table, settings)
    jobs = [(cohort[p], repeat) for p in chosen for repeat in range(settings.stability.repeats)]
    work = partial(redrawn_of, settings=settings, parts=parts)
    results = run_tasks(work, jobs, workers=settings.workers, label="stability", progress=progress)
    rows = [
        redrawn.frame.assign(repeat=repeat)
        for (_, repeat), redrawn in zip(jobs, results, strict=True)
        if not isinstance(redrawn, Failure)
    ]
    if rows:
        write_frame(folder.perturbed, pd.concat(rows))
    else:
        folder.perturbed.unlink(missing_ok=True)
