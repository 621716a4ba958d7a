"""A small hospital: deterministic CT series, structure sets and clinical tables of a few kilobytes a patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from perisurv.cohort import read_cohort
from perisurv.core import Cohort

SLICES, ROWS, COLUMNS = 8, 32, 32
PIXEL_MM, STEP_MM = 2.0, 3.0
FIRST_MM = (-30.0, -40.0, 50.0)
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
RT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
HEADER = "PatientID,age,Overall.Stage,Histology,gender,Survival.time,deadstatus.event"

Edit = Callable[[Dataset, int], None]


def uid(*words: object) -> str:
    return str(generate_uid(entropy_srcs=[str(w) for w in words]))


def hounsfield(k: int) -> np.ndarray:
    """Every voxel of the volume has its own value, all inside -1000..1000."""
    j, i = np.meshgrid(np.arange(ROWS), np.arange(COLUMNS), indexing="ij")
    return -900 + 150 * k + 2 * j + i


def square(k: int, low: float = 10.0, high: float = 20.0) -> np.ndarray:
    """Corners of a square around the voxel centres low..high-1 of slice k: (high - low)^2 voxels."""
    corners = np.array([(low, low), (high, low), (high, high), (low, high)]) - 0.5
    x, y = FIRST_MM[0] + PIXEL_MM * corners[:, 0], FIRST_MM[1] + PIXEL_MM * corners[:, 1]
    return np.column_stack([x, y, np.full(4, FIRST_MM[2] + STEP_MM * k)])


TUMOUR = {"GTV-1": [square(k) for k in (3, 4, 5)]}


def write_ct(
    folder: Path, patient: str, *, series: str = "planning", slices: Sequence[int] = range(SLICES),
    edit: Edit | None = None, name: str = "{k:03d}.dcm",
) -> list[Path]:  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in slices:
        data = _header(patient, CT_CLASS, uid(patient, series, k), "CT")
        data.SeriesInstanceUID = uid(patient, series)
        data.FrameOfReferenceUID = uid(patient, "frame")
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.Manufacturer, data.ManufacturerModelName, data.ConvolutionKernel = "ACME", "Scan 1", "B30f"
        data.GantryDetectorTilt = 0
        data.ImagePositionPatient = [FIRST_MM[0], FIRST_MM[1], FIRST_MM[2] + STEP_MM * k]
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.PixelSpacing = [PIXEL_MM, PIXEL_MM]
        data.Rows, data.Columns, data.SamplesPerPixel = ROWS, COLUMNS, 1
        data.PhotometricInterpretation = "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
        data.RescaleSlope, data.RescaleIntercept, data.RescaleType = 1, -1024, "HU"
        data.PixelData = (hounsfield(k) + 1024).astype("<i2").tobytes()
        if edit:
            edit(data, k)
        paths.append(folder / name.format(k=k))
        data.save_as(paths[-1], enforce_file_format=True)
    return paths


def write_rtstruct(
    path: Path, patient: str, *, series: str = "planning", of: str = "", rois: dict[str, list[np.ndarray]] = TUMOUR,
    edit: Edit | None = None,
) -> Path:  # fmt: skip
    """``of``: the patient whose CT it refers to, the patient itself if empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn_on = of or patient
    images = [
        _item(ReferencedSOPClassUID=CT_CLASS, ReferencedSOPInstanceUID=uid(drawn_on, series, k)) for k in range(SLICES)
    ]
    referenced = _item(SeriesInstanceUID=uid(drawn_on, series), ContourImageSequence=Items(images))
    study = _item(RTReferencedSeriesSequence=Items([referenced]))
    frame = _item(FrameOfReferenceUID=uid(drawn_on, "frame"), RTReferencedStudySequence=Items([study]))
    data = _header(patient, RT_CLASS, uid(patient, "contours", path.name), "RTSTRUCT")
    data.SeriesInstanceUID = uid(patient, "contours", path.name)
    data.StructureSetLabel = "PLAN"
    data.ReferencedFrameOfReferenceSequence = Items([frame])
    data.StructureSetROISequence = Items([_item(ROINumber=n, ROIName=name) for n, name in enumerate(rois, start=1)])
    data.ROIContourSequence = Items(
        [_item(ReferencedROINumber=n, ContourSequence=Items([_contour(c) for c in contours]))
         for n, contours in enumerate(rois.values(), start=1)]
    )  # fmt: skip
    if edit:
        edit(data, 0)
    data.save_as(path, enforce_file_format=True)
    return path


def write_patient(root: Path, patient: str, **options: object) -> None:
    """CT and RTSTRUCT in ``root/patient``; options as for the structure set."""
    write_ct(root / patient / "ct", patient)
    write_rtstruct(root / patient / "rt.dcm", patient, **options)  # type: ignore[arg-type]


def write_table(root: Path, lines: Sequence[str], header: str = HEADER, name: str = "clinical.csv") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    path = root / name
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def row(patient: str, time: object = 700, event: object = 1) -> str:
    return f"{patient},66.5,IIIa,adenocarcinoma,male,{time},{event}"


def hospital(root: Path, others: Sequence[str] = (), **rows: str) -> None:
    """Two sound patients S1 and S2, and clinical rows for them and the others."""
    for patient in ("S1", "S2"):
        write_patient(root, patient)
    write_table(root, [row("S1"), row("S2", 300, 0), *(rows.get(p, row(p)) for p in others)])


def excluded(cohort: Cohort, patient: str) -> str:
    """The one reason why this patient was left out, or a file of nobody; the two sound patients must be there."""
    assert cohort.ids == ("S1", "S2")
    reasons = [e.reason for e in (cohort.exclusions if patient else cohort.set_aside) if e.patient == patient]
    assert len(reasons) == 1, reasons
    assert all(e.patient in (patient, "") for e in cohort.exclusions)
    return reasons[0]


def reason_of(root: Path, patient: str = "B1") -> str:
    return excluded(read_cohort(root), patient)


def _header(patient: str, sop_class: str, sop_uid: str, modality: str) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = sop_class
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = sop_uid
    data.Modality = modality
    data.PatientID, data.PatientName, data.PatientBirthDate = patient, f"Doe^{patient}", "19500102"
    data.StudyInstanceUID = uid(patient, "study")
    return data


def _contour(points: np.ndarray) -> Dataset:
    return _item(
        ContourGeometricType="CLOSED_PLANAR",
        NumberOfContourPoints=len(points),
        ContourData=[f"{v:.4f}" for v in points.ravel()],
    )


def _item(**elements: object) -> Dataset:
    item = Dataset()
    for name, value in elements.items():
        setattr(item, name, value)
    return item
