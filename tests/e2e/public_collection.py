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
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from perisurv.core import Geometry
from perisurv.simulation import PatientPlan, Plan, SimulatedScan, SimulationOptions, make_scan
from perisurv.simulation import plan as make_plan
from perisurv.simulation.options import DEFAULT_CENTRES
from perisurv.simulation.writers import write_study

__all__ = ["AT_BORDER", "REFUSED", "Truth", "write_collection"]

MR, PET = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.128"
# Patients that cannot be used, by their place in the collection: words of the true reason.
REFUSED = {16: "on no slice", 17: "tumour ROI", 18: "HU", 19: "missing slice"}
AT_BORDER = (5, 9, 13)
AIR_HU = (-865, -875, -890, -905, -920, -935, -950, -958)
Ints, Bools = NDArray[np.int16], NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """One patient of the collection: what the body fills in the CT, arms apart."""

    patient: str
    geometry: Geometry
    body: Bools
    arms: Bools


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
    scan = _cropped(make_scan(plan, number)) if number in AT_BORDER else make_scan(plan, number)
    body = _inside(scan)
    hu, arms = _with_surroundings(scan.hu, body, number, scan.geometry)
    root = folder / patient.id
    files = root / "files"
    files.mkdir(parents=True)
    write_study(files, plan, patient, scan.geometry, hu, scan.contours)
    slices = [pydicom.dcmread(path) for path in sorted(files.rglob("IM*.dcm"))]
    structures = pydicom.dcmread(next(files.rglob("RS*.dcm")))
    shutil.rmtree(files)
    _damage(number, slices, structures)
    _save_visit(root / "01-02-2001-NA-RT SIMULATION-05711", slices, structures, patient)
    return Truth(patient.id, scan.geometry, body, arms)


def _cropped(scan: SimulatedScan) -> SimulatedScan:
    """The slices from the second slice of the tumour on: the image begins inside it."""
    first = min(number for number, _ in scan.contours[0]) + 1
    z = scan.geometry.origin_mm[2] + first * scan.geometry.spacing_mm[0]
    shape = (scan.geometry.shape[0] - first, *scan.geometry.shape[1:])
    geometry = Geometry(shape, scan.geometry.spacing_mm, (*scan.geometry.origin_mm[:2], z))
    kept = tuple([(n - first, points) for n, points in roi if n >= first] for roi in scan.contours)
    return dataclasses.replace(
        scan, geometry=geometry, hu=scan.hu[first:], contours=kept, truth_cover=scan.truth_cover[first:]
    )


def _inside(scan: SimulatedScan) -> Bools:
    """Voxel centres inside the outline of the body, contour by contour."""
    depth, rows, columns = scan.geometry.shape
    body = np.zeros((depth, rows, columns), dtype=bool)
    x0, y0, _ = scan.geometry.origin_mm
    x = x0 + scan.geometry.spacing_mm[2] * np.arange(columns)
    y = y0 + scan.geometry.spacing_mm[1] * np.arange(rows)
    centres = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    for number, points in scan.contours[3]:
        body[number] ^= Polygon(points[:, :2]).contains_points(centres).reshape(rows, columns)
    return body


def _with_surroundings(hu: Ints, body: Bools, number: int, geometry: Geometry) -> tuple[Ints, Bools]:
    """Air that is not -1000 HU, a couch, arms beside every fourth patient, a circle of zeros around every fifth."""
    changed = hu.astype(np.int32)
    x = geometry.origin_mm[0] + geometry.spacing_mm[2] * np.arange(hu.shape[2])
    y = geometry.origin_mm[1] + geometry.spacing_mm[1] * np.arange(hu.shape[1])
    changed[~body & (hu < -500)] += 1000 + AIR_HU[number % len(AIR_HU)]
    below = float(y[body.any(axis=(0, 2))].max()) + 15.0
    couch = (np.abs(y[:, None] - below) < 8.0) & (np.abs(x[None, :]) < 210.0)
    changed[:, couch] = np.where(body[:, couch], changed[:, couch], -350)
    arms = np.zeros_like(body)
    if number % 4 == 1:
        side = float(x[body.any(axis=(0, 1))].max()) + 22.0
        for middle in (-side, side):
            arms |= (np.hypot(x[None, :] - middle, y[:, None]) < 14.0)[None] & ~body
        changed[arms] = 45
    if number % 5 == 2:
        reach = min(np.abs(x).max(), np.abs(y - y.mean()).max())
        beyond = np.hypot(x[None, :], y[:, None] - y.mean()) > reach
        changed[:, beyond] = np.where(body[:, beyond], changed[:, beyond], 0)
    return np.clip(changed, -1024, 3071).astype(np.int16), arms


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
