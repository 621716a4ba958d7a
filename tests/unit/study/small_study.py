"""A hospital of a few small patients as NIfTI, and a study file that takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK

from perisurv.study.settings import StudySettings, settings_from_dict

SHAPE = (18, 44, 44)


def write_patient(folder: Path, patient: str, seed: int = 0) -> None:
    """CT and tumour of one patient, 2 mm voxels: a sphere in lung with noise of its own."""
    rng = np.random.default_rng(seed)
    k, j, i = np.indices(SHAPE)
    radius = 3.0 + 0.5 * (seed % 5)
    tumour = (k - 9) ** 2 + (j - 22) ** 2 + (i - 22) ** 2 <= radius**2
    body = (j - 22) ** 2 + (i - 22) ** 2 <= 20**2
    values = np.where(tumour, 30.0, np.where(body, 0.0, -1000.0)) + rng.normal(0, 20, SHAPE) * body
    for name, array in (("image", np.round(values).astype(np.int16)), ("mask_GTV", tumour.astype(np.uint8))):
        path = folder / patient / f"{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = SimpleITK.GetImageFromArray(array)
        image.SetSpacing((2.0, 2.0, 2.0))
        SimpleITK.WriteImage(image, str(path))


def write_hospital(root: Path, patients: Sequence[str], row: Callable[[int], str] | None = None) -> None:
    """Patients and, with ``row``, the clinical table: the rest of a line after the id."""
    for number, patient in enumerate(patients):
        write_patient(root, patient, number)
    if row is not None:
        lines = [f"{patient},{row(number)}" for number, patient in enumerate(patients)]
        (root / "clinical.csv").write_text("\n".join(["PatientID,time_days,event,age,centre", *lines]) + "\n")


def follow_up(number: int, centre: str = "north", deaths: int = 2) -> str:
    """Time, event (every ``deaths``-th patient), age and centre of a patient."""
    return f"{200 + 37 * (number * 7 % 11)},{int(number % deaths == 0)},{50 + number},{centre}"


def small_settings(root: Path, **tables: object) -> StudySettings:
    """Few features, one worker, no network."""
    values: dict[str, object] = {
        "out": str(root / "run"),
        "workers": 1,
        "keep_ids": True,
        "input": {"folder": str(root / "hospital")},
        "stability": {"patients": 3, "repeats": 1},
        "regions": {"widths_mm": [4.0], "barrier": "none"},
        "radiomics": {"families": ["morph", "stat"], "filters": []},
        "deep": {"enabled": False},
        "fit": {
            "minimum_events": 2, "ring_folds": 2, "ring_repeats": 1, "lasso_lambdas": 8, "lasso_folds": 2,
            "lasso_repeats": 1,
        },
        "evaluation": {"resamples": 100},
        "validation": {"folds": 3, "repeats": 1},
    }  # fmt: skip
    for key, table in tables.items():
        held = values.get(key)
        values[key] = {**held, **table} if isinstance(held, dict) and isinstance(table, dict) else table
    return settings_from_dict(values)
