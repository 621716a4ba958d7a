"""A public collection as it is downloaded, made from the simulator.

De-identified: no institution, and structure sets that name slices by UIDs that no file has. MR and PET of the same
visit lie beside the CT, each with a structure set of its own. Air lies at -865 to -958 HU, couch and arms are in the
image, some tumours reach its first or last slice.
"""

from __future__ import annotations

import copy
import dataclasses
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from perisurv.core import Geometry
from perisurv.simulation import DEFAULT_CENTRES, PatientPlan, Plan, SimulationOptions, make_scan
from perisurv.simulation import plan as make_plan
from perisurv.simulation.surroundings import SurroundingsOptions, border_box, cut, surround
from perisurv.simulation.writers import write_study

__all__ = ["AT_BORDER", "REFUSED", "Truth", "write_collection"]

MR, PET = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.128"
# Patients that cannot be used, by their place in the collection: words of the true reason.
REFUSED = {
    16: "contours off the slices of the CT",
    17: "no tumour ROI",
    18: "not HU",
    19: "missing slice",
}
AT_BORDER = (5, 9, 13)
AIR_HU = (-865.0, -875.0, -890.0, -905.0, -920.0, -935.0, -950.0, -958.0)
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """One patient of the collection: grid of the CT, and the voxels that are body."""

    patient: str
    geometry: Geometry
    body: Bools


def write_collection(folder: Path, patients: int = 20, matrix: int = 96) -> list[Truth]:
    """Write the files of every patient and a clinical table; returns the truth in the order of the table."""
    centre = dataclasses.replace(
        DEFAULT_CENTRES[0], name="collection", prefix="PUB-", slice_spacing_mm=5.0, baseline_median_days=400.0
    )
    plan = make_plan(SimulationOptions(patients=patients, matrix=matrix, centres=(centre,)), 7)
    truths = [_write_patient(folder, plan, number) for number in range(patients)]
    lines = ["Patient ID,Age,Sex,AJCC Stage,Overall Survival (Months),Vital Status"]
    for p in plan.patients:
        status = "Dead" if p.event else "Alive"
        lines.append(f"{p.id},{p.age_years:.0f},{p.sex},{p.stage},{p.time_days / 30.4375:.1f},{status}")
    (folder / "clinical.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return truths


def _write_patient(folder: Path, plan: Plan, number: int) -> Truth:
    patient = plan.patients[number]
    made = surround(make_scan(plan, number), _surroundings(number), plan.rng(number, 5))
    if number in AT_BORDER:
        made = cut(made, border_box(made, axis=0, last=number % 2 == 0, lost_mm=4.0))
    files = folder / patient.id / "files"
    files.mkdir(parents=True)
    write_study(files, plan, patient, made.geometry, made.hu, made.contours)
    slices = [pydicom.dcmread(path) for path in sorted(files.rglob("IM*.dcm"))]
    structures = pydicom.dcmread(next(files.rglob("RS*.dcm")))
    shutil.rmtree(files)
    _damage(number, slices, structures)
    _save_visit(folder / patient.id / "01-02-2001-NA-RT SIMULATION-05711", slices, structures, patient)
    return Truth(patient.id, made.geometry, made.anatomy.body)


def _surroundings(number: int) -> SurroundingsOptions:
    """Air that is not -1000 HU and a couch for all; arms, a mask or a circle of other values for some."""
    return SurroundingsOptions(
        air_hu=AIR_HU[number % len(AIR_HU)],
        table=True,
        arms=("none", "beside", "above", "none")[number % 4],
        shell=number % 7 == 3,
        blanket=number % 7 == 5,
        padding_hu=(None, None, -1024.0, 0.0, -2000.0)[number % 5],
    )


def _damage(number: int, slices: list[Dataset], structures: Dataset) -> None:
    """What is wrong with the patients that cannot be used."""
    if number == 16:
        for roi in structures.ROIContourSequence:
            for contour in roi.ContourSequence:
                points = np.asarray(contour.ContourData, dtype=float).reshape(-1, 3) + np.array([0.0, 0.0, 2.5])
                contour.ContourData = [f"{value:.2f}" for value in points.ravel()]
    elif number == 17:
        for roi in structures.StructureSetROISequence:
            roi.ROIName = roi.ROIName.replace("GTV-1", "GTV_LN 4R")
    elif number == 18:
        for one in slices:
            one.RescaleIntercept = 0
    elif number == 19:
        del slices[len(slices) // 2]


def _save_visit(folder: Path, slices: list[Dataset], structures: Dataset, patient: PatientPlan) -> None:
    """CT, MR and PET of one visit, each with a structure set; no structure set names a slice that exists."""
    for one in [*slices, structures]:
        del one.InstitutionName
        one.PatientName = one.PatientID
    _save(folder / "2.000000-CT-41855", slices)
    _forget_slices(structures)
    _save(folder / "1.000000-RTS-22018", [structures])
    for number, (modality, sop_class) in enumerate((("MR", MR), ("PT", PET)), start=3):
        name = partial(_uid, patient.id, modality)
        frame, series = name("frame"), name("series")
        others = [copy.deepcopy(one) for one in slices[:8]]
        for k, one in enumerate(others):
            one.Modality, one.SOPClassUID, one.SOPInstanceUID = modality, sop_class, name(str(k))
            one.FrameOfReferenceUID, one.SeriesInstanceUID, one.RescaleIntercept = frame, series, 0
        drawn = copy.deepcopy(structures)
        drawn.SOPInstanceUID, drawn.SeriesInstanceUID = name("contours"), name("contour series")
        drawn.FrameOfReferenceUID = frame
        top = drawn.ReferencedFrameOfReferenceSequence[0]
        top.FrameOfReferenceUID = frame
        top.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0].SeriesInstanceUID = series
        for roi in drawn.StructureSetROISequence:
            roi.ReferencedFrameOfReferenceUID = frame
        _save(folder / f"{number}.000000-{modality}-1", others)
        _save(folder / f"{number}.500000-RTS {modality}-1", [drawn])


def _forget_slices(structures: Dataset) -> None:
    """Every slice gets another UID, as de-identification does where it forgets the nested ones."""
    series = structures.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    contours = (contour for roi in structures.ROIContourSequence for contour in roi.ContourSequence)
    for item in (series, *contours):
        for image in item.ContourImageSequence:
            image.ReferencedSOPInstanceUID = _uid(image.ReferencedSOPInstanceUID, "as before")


def _save(folder: Path, datasets: list[Dataset]) -> None:
    folder.mkdir(parents=True)
    for number, one in enumerate(datasets, start=1):
        one.file_meta.MediaStorageSOPClassUID, one.file_meta.MediaStorageSOPInstanceUID = (
            one.SOPClassUID,
            one.SOPInstanceUID,
        )
        one.save_as(folder / f"1-{number:03d}.dcm", enforce_file_format=True)


def _uid(*words: str) -> str:
    return str(generate_uid(entropy_srcs=list(words)))
