"""CT series and RTSTRUCT as a hospital sends them: valid DICOM under untidy names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds

from perisurv.core import Geometry
from perisurv.simulation.contours import Contours
from perisurv.simulation.plan import PatientPlan, Plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Identity", "write_study"]

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
STUDY_COMPONENT = "1.2.840.10008.3.1.2.3.1"
INTERCEPT = -1024
COLOURS = ([255, 0, 0], [0, 128, 255], [0, 255, 128], [255, 255, 0], [255, 0, 255])
INTERPRETED = ("GTV", "ORGAN", "ORGAN", "EXTERNAL", "ORGAN")


@dataclass(frozen=True, slots=True)
class Identity:
    """Identifiers, date and position on the couch of one study."""

    patient: PatientPlan
    entropy: tuple[str, ...]
    date: dt.date
    offset_mm: tuple[float, float, float]
    file_numbers: tuple[int, ...]
    slices: tuple[str, ...]

    def uid(self, what: str) -> str:
        """A UID that depends on seed, patient and purpose only."""
        return str(generate_uid(entropy_srcs=[*self.entropy, what]))


def write_study(
    folder: Path,
    plan: Plan,
    patient: PatientPlan,
    geometry: Geometry,
    hu: NDArray[np.int16],
    contours: Sequence[Contours],
) -> None:
    """Write one file a slice and one RTSTRUCT into an empty folder.

    Parameters
    ----------
    folder
        Exists and is empty.
    plan, patient
        Seed and identity.
    geometry, hu
        The CT.
    contours
        GTV, left lung, right lung, body, spinal cord.
    """
    rng = plan.rng(patient.number, 4)
    entropy = ("perisurv", str(plan.seed), str(plan.options.matrix), patient.id)
    identity = Identity(
        patient=patient,
        entropy=entropy,
        date=dt.date(2009, 1, 5) + dt.timedelta(days=int(rng.integers(0, 3300))),
        offset_mm=(
            round(float(rng.normal(0, 8)), 1),
            round(float(rng.normal(-140, 15)), 1),
            float(rng.integers(-900, -200)),
        ),
        file_numbers=tuple(int(n) for n in rng.permutation(len(hu))),
        slices=tuple(str(generate_uid(entropy_srcs=[*entropy, "slice", str(n)])) for n in range(len(hu))),
    )
    _write_series(folder, identity, geometry, hu)
    _write_structures(folder, identity, contours)


def _paths(folder: Path, identity: Identity) -> tuple[list[Path], Path]:
    """File of every slice and of the RTSTRUCT, each centre in its own way."""
    numbers = range(len(identity.file_numbers))
    dialect = identity.patient.centre.dialect
    if dialect == "lung1":
        slices = [folder / "CT" / f"IM{n + 1:06d}.dcm" for n in numbers]
        return slices, folder / "RTSTRUCT" / "RS000001.dcm"
    if dialect == "german":
        root = folder / f"{identity.date:%Y%m%d}_Planungs-CT"
        return [root / f"CT.{identity.slices[n]}" for n in numbers], root / f"RS.{identity.uid('structures')}.dcm"
    root = folder / "DICOM" / "ST00000"
    shuffled = [identity.file_numbers[n] for n in numbers]
    return [root / "SE00000" / f"I{n // 64}" / f"IM{n:05d}" for n in shuffled], root / "SE00001" / "IM00000"


def _common(identity: Identity, modality: str, sop_class: str) -> Dataset:
    """Patient, study, frame of reference and equipment."""
    patient = identity.patient
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = f"{identity.date:%Y%m%d}"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = "101500"
    dataset.AccessionNumber = ""
    dataset.Modality = modality
    dataset.Manufacturer = patient.centre.manufacturer
    dataset.InstitutionName = patient.centre.name
    dataset.ReferringPhysicianName = ""
    dataset.PatientName = f"{patient.id}^simulated"
    dataset.PatientID = patient.id
    dataset.PatientBirthDate = ""
    dataset.PatientSex = "M" if patient.sex == "male" else "F"
    dataset.PatientAge = f"{int(patient.age_years):03d}Y"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "simulated, no person behind it"
    dataset.StudyInstanceUID = identity.uid("study")
    dataset.StudyID = "1"
    dataset.FrameOfReferenceUID = identity.uid("frame")
    dataset.PositionReferenceIndicator = ""
    return dataset


def _ct_template(identity: Identity, geometry: Geometry) -> Dataset:
    centre = identity.patient.centre
    dataset = _common(identity, "CT", CT_IMAGE)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SeriesInstanceUID = identity.uid("series")
    dataset.SeriesNumber = 2
    dataset.SeriesDescription = "Planning CT thorax"
    dataset.BodyPartExamined = "CHEST"
    dataset.AcquisitionNumber = 1
    dataset.PatientPosition = "HFS"
    dataset.KVP = "120"
    dataset.XRayTubeCurrent = 200
    dataset.ConvolutionKernel = centre.kernel
    dataset.SliceThickness = format_number_as_ds(centre.slice_spacing_mm)
    dataset.PixelSpacing = [format_number_as_ds(geometry.spacing_mm[1]), format_number_as_ds(geometry.spacing_mm[2])]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = geometry.shape[1:]
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = INTERCEPT, 1, "HU"
    dataset.WindowCenter, dataset.WindowWidth = "40", "400"
    return dataset


def _write_series(folder: Path, identity: Identity, geometry: Geometry, hu: NDArray[np.int16]) -> None:
    paths, _ = _paths(folder, identity)
    for parent in sorted({path.parent for path in paths}):
        parent.mkdir(parents=True, exist_ok=True)
    dataset = _ct_template(identity, geometry)
    stored = (hu - np.int16(INTERCEPT)).astype("<i2")
    corner = np.asarray(geometry.origin_mm) + identity.offset_mm
    for number, path in enumerate(paths):
        z = corner[2] + number * geometry.spacing_mm[0]
        dataset.SOPInstanceUID = identity.slices[number]
        dataset.InstanceNumber = number + 1
        dataset.ImagePositionPatient = [format_number_as_ds(float(v)) for v in (corner[0], corner[1], z)]
        dataset.SliceLocation = format_number_as_ds(float(z))
        dataset.PixelData = stored[number].tobytes()
        _save(dataset, path, ExplicitVRLittleEndian)


def _write_structures(folder: Path, identity: Identity, contours: Sequence[Contours]) -> None:
    _, path = _paths(folder, identity)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = _common(identity, "RTSTRUCT", RT_STRUCTURE_SET)
    dataset.SOPInstanceUID = identity.uid("structures")
    dataset.SeriesInstanceUID = identity.uid("structure series")
    dataset.SeriesNumber = 3
    dataset.SeriesDescription = "Contours"
    dataset.OperatorsName = ""
    dataset.StructureSetLabel = "APPROVED"
    dataset.StructureSetDate, dataset.StructureSetTime = dataset.StudyDate, "150000"
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.ReferencedFrameOfReferenceSequence = DicomSequence([_referenced_frame(identity)])
    rois, outlines, observations = [], [], []
    order = np.argsort(identity.file_numbers[: len(contours)])
    for number, which in enumerate(order, start=1):
        name = identity.patient.centre.roi_names[which]
        rois.append(_item(ROINumber=number, ReferencedFrameOfReferenceUID=identity.uid("frame"), ROIName=name))
        rois[-1].ROIGenerationAlgorithm = "MANUAL" if which == 0 else "SEMIAUTOMATIC"
        items = DicomSequence([_contour(identity, *contour) for contour in contours[which]])
        outlines.append(_item(ROIDisplayColor=COLOURS[which], ContourSequence=items, ReferencedROINumber=number))
        observations.append(_item(ObservationNumber=number, ReferencedROINumber=number, ROIInterpreter=""))
        observations[-1].RTROIInterpretedType = INTERPRETED[which]
    dataset.StructureSetROISequence = DicomSequence(rois)
    dataset.ROIContourSequence = DicomSequence(outlines)
    dataset.RTROIObservationsSequence = DicomSequence(observations)
    _save(dataset, path, ImplicitVRLittleEndian)


def _referenced_frame(identity: Identity) -> Dataset:
    """Frame of reference -> study -> series -> every slice."""
    images = [_image(identity, number) for number in range(len(identity.file_numbers))]
    series = _item(SeriesInstanceUID=identity.uid("series"), ContourImageSequence=DicomSequence(images))
    study = _item(ReferencedSOPClassUID=STUDY_COMPONENT, ReferencedSOPInstanceUID=identity.uid("study"))
    study.RTReferencedSeriesSequence = DicomSequence([series])
    return _item(FrameOfReferenceUID=identity.uid("frame"), RTReferencedStudySequence=DicomSequence([study]))


def _image(identity: Identity, number: int) -> Dataset:
    return _item(ReferencedSOPClassUID=CT_IMAGE, ReferencedSOPInstanceUID=identity.slices[number])


def _contour(identity: Identity, number: int, points_mm: NDArray[np.float64]) -> Dataset:
    item = _item(ContourImageSequence=DicomSequence([_image(identity, number)]), ContourGeometricType="CLOSED_PLANAR")
    item.NumberOfContourPoints = len(points_mm)
    text = "\\".join(f"{value:.2f}" for value in (points_mm + np.asarray(identity.offset_mm)).ravel().tolist())
    raw = (text + " " * (len(text) % 2)).encode("ascii")
    # Ready bytes: pydicom would parse and format every coordinate again.
    tag = Tag("ContourData")
    item[tag] = RawDataElement(tag, "DS", len(raw), raw, 0, True, True)
    item.set_original_encoding(True, True, "iso8859")
    return item


def _item(**values: object) -> Dataset:
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def _save(dataset: Dataset, path: Path, syntax: pydicom.uid.UID) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationVersionName = "PERISURV"
    dataset.file_meta = meta
    dataset.preamble = b"\0" * 128
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
