"""Which columns of a run survive another drawing of the contour, from what lies in its folder."""

from __future__ import annotations

import pandas as pd

from perisurv.core import FeatureTable
from perisurv.study import stages
from perisurv.study.settings import StudySettings
from perisurv.study.stages import StudyData
from perisurv.study.store import RunFolder

__all__ = ["stable_columns"]


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
