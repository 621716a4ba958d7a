"""What one process does for the network: cut the cube of a patient, train the network of a fold. Done work is kept."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from perisurv.core import Outcome
from perisurv.regions import load_regions
from perisurv.study import stages
from perisurv.study.settings import StudySettings
from perisurv.study.store import safe_name

__all__ = ["cut_patch_of", "train_network_of"]


def cut_patch_of(patient: str, *, settings: StudySettings, folder: Path, parts: Path) -> None:
    """Cut the cube of one patient."""
    part = parts / f"{safe_name(patient)}.npy"
    if not part.exists():
        patch = stages.patch(load_regions(folder / safe_name(patient)), settings)
        temporary = part.with_name(f".{part.name}.{os.getpid()}.npy")
        np.save(temporary, patch, allow_pickle=False)
        temporary.replace(part)


def train_network_of(job: tuple[int, Outcome], *, settings: StudySettings, patches: Path, parts: Path) -> None:
    """Train the network of one fold on the patients of the outcome."""
    number, outcome = job
    target = parts / f"network_{number}"
    if not target.exists():
        cubes = {p: np.load(patches / f"{safe_name(p)}.npy", allow_pickle=False) for p in outcome.patients}
        stages.train_network(cubes, outcome, number, settings).save(target)
