"""Masks of a few kilobytes: DICOM SEG by highdicom, research files by SimpleITK."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import SimpleITK
from cohort_files import uid
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
KINDS = {"BINARY": bool, "FRACTIONAL": np.float64, "LABELMAP": np.uint8}


def write_volume(
    path: Path, values: np.ndarray, origin=(1.0, 2.0, 3.0), spacing=(0.5, 1.0, 3.0), direction=AXIAL,
    header: Mapping[str, str] | None = None,
) -> Path:  # fmt: skip
    """Values in array order; origin, spacing and direction as SimpleITK has them (x, y, z)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = SimpleITK.GetImageFromArray(values)
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    image.SetDirection(direction)
    for key, value in (header or {}).items():
        image.SetMetaData(key, value)
    SimpleITK.WriteImage(image, str(path))
    return path


def write_seg(
    path: Path, ct: Sequence[Path], segments: Mapping[str, np.ndarray], *, kind: str = "BINARY",
    edit: Callable[[Dataset], None] | None = None, **options: object,
) -> Path:  # fmt: skip
    """A DICOM SEG of masks (slices ascending, rows, columns) on these CT slices; each segment is a neoplasm."""
    sources = [pydicom.dcmread(p) for p in ct]
    for source in sources:
        source.PatientSex, source.SliceThickness, source.AccessionNumber = "", 3, ""
        source.StudyDate, source.StudyTime, source.StudyID, source.ReferringPhysicianName = "", "", "", ""
        source.PositionReferenceIndicator = ""
    words = [
        highdicom.seg.SegmentDescription(
            n, name, codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm, "MANUAL"
        )
        for n, name in enumerate(segments, start=1)
    ]
    if kind == "LABELMAP":
        pixels = sum(n * mask.astype(np.uint8) for n, mask in enumerate(segments.values(), start=1))
    else:
        pixels = np.stack([mask.astype(KINDS[kind]) for mask in segments.values()], axis=-1)
    names = uid(path.name, "series"), 1, uid(path.name), 1, "ACME", "Draw", "1", "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = highdicom.seg.Segmentation(sources, pixels, kind, words, *names, **options)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path)
    if edit:
        stored = pydicom.dcmread(path)
        edit(stored)
        stored.save_as(path)
    return path
