"""What one process does: the work for one patient or one network. Finished work is kept as a part."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from perisurv.core import FeatureTable, Outcome, Patient
from perisurv.regions import load_regions, save_regions
from perisurv.study import stages
from perisurv.study.settings import StudySettings
from perisurv.study.store import grid_row, read_json, read_table, safe_name, write_table, write_text

__all__ = ["features_of", "network_of", "patch_of", "redrawn_of", "regions_of"]


def regions_of(patient: Patient, *, settings: StudySettings, folder: Path, parts: Path) -> Any:
    """Build the regions of one patient; their figures, findings, acquisition and the grid of the CT as plain values."""
    marker = parts / f"{safe_name(patient.id)}.json"
    if not (marker.exists() and (folder / safe_name(patient.id)).is_dir()):
        scan = patient.load()
        regions = stages.build_regions(scan, settings)
        save_regions(folder / safe_name(patient.id), regions)
        figures = stages.audit_figures(regions)
        audit = [{"patient": patient.id, "region": name, **held} for name, held in figures.items()]
        acquisition = {"patient": patient.id, **regions.acquisition}
        found = [asdict(finding) for finding in regions.findings]
        grid = grid_row(patient.id, scan.ct.geometry)
        write_text(marker, json.dumps({"regions": audit, "acquisition": acquisition, "grid": grid, "findings": found}))
    return read_json(marker)


def features_of(patient: Patient, *, settings: StudySettings, folder: Path, parts: Path) -> FeatureTable:
    """Compute the radiomics of one patient."""
    part = parts / f"{safe_name(patient.id)}.parquet"
    if not part.exists():
        write_table(part, stages.extract_features(load_regions(folder / safe_name(patient.id)), settings))
    return read_table(part)


def redrawn_of(job: tuple[Patient, int], *, settings: StudySettings, parts: Path) -> FeatureTable:
    """Compute the radiomics of one patient with another drawing of the contour."""
    patient, repeat = job
    part = parts / f"{safe_name(patient.id)}.redrawn{repeat}.parquet"
    if not part.exists():
        write_table(part, stages.extract_redrawn(patient, repeat, settings))
    return read_table(part)


def patch_of(patient: str, *, settings: StudySettings, folder: Path, parts: Path) -> None:
    """Cut the cube of one patient."""
    part = parts / f"{safe_name(patient)}.npy"
    if not part.exists():
        patch = stages.patch(load_regions(folder / safe_name(patient)), settings)
        temporary = part.with_name(f".{part.name}.{os.getpid()}.npy")
        np.save(temporary, patch, allow_pickle=False)
        temporary.replace(part)


def network_of(job: tuple[int, Outcome], *, settings: StudySettings, patches: Path, parts: Path) -> None:
    """Train the network of one fold on the patients of the outcome."""
    number, outcome = job
    target = parts / f"network_{number}"
    if not target.exists():
        cubes = {p: np.load(patches / f"{safe_name(p)}.npy", allow_pickle=False) for p in outcome.patients}
        stages.train_network(cubes, outcome, number, settings).save(target)
