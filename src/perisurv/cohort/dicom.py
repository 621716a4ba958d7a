"""DICOM files: the first look at one, and the header of a CT slice."""

from __future__ import annotations

import io
import logging
import os
import struct
import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from perisurv.core import ReadError

__all__ = [
    "CT_CLASSES",
    "DICOM_ERRORS",
    "ENHANCED_CT_CLASSES",
    "UNCOMPRESSED",
    "CtHeader",
    "DicomFile",
    "OtherHeader",
    "ct_header",
    "image_name",
    "other_header",
    "probe",
    "quiet_pydicom",
    "unreadable",
]

# Enhanced CT and Legacy Converted Enhanced CT: every frame is a slice (DICOM PS3.3 A.38, A.70).
ENHANCED_CT_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"})
CT_CLASSES = ENHANCED_CT_CLASSES | {"1.2.840.10008.5.1.4.1.1.2"}
# What pydicom raises on files that are broken in one way or another.
DICOM_ERRORS = (
    AttributeError,
    BytesLengthException,
    EOFError,
    IndexError,
    InvalidDicomError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "Modality", "PatientID", "SeriesInstanceUID", "FrameOfReferenceUID", "ImageType",
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "GantryDetectorTilt",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "ConvolutionKernel", "Manufacturer", "ManufacturerModelName",
    "AcquisitionNumber", "KVP", "TemporalPositionIdentifier", "TemporalPositionIndex",
    "NominalPercentageOfCardiacPhase", "NominalPercentageOfRespiratoryPhase",
]  # fmt: skip
_PIXEL_FORMAT = ("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")
_TAG_NUMBERS = [Tag(name) for name in _TAGS]
# Bytes: headers of CT slices end within it, those with long private elements or icons are read from the file.
_BLOCK = 1 << 15
_DIRECTORY = "1.2.840.10008.1.3.10"
UNCOMPRESSED = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian})
# Where a header says at which time of a 4D acquisition a slice was taken; the first that does.
_PHASES = (
    "TemporalPositionIndex", "TemporalPositionIdentifier", "NominalPercentageOfRespiratoryPhase",
    "NominalPercentageOfCardiacPhase",
)  # fmt: skip

Vector = tuple[float, float, float]


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom's remarks on odd values to itself: they quote patient data."""
    log = logging.getLogger("pydicom")
    level = log.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            log.setLevel(level)


def unreadable(name: str, error: BaseException, wrong: str) -> ReadError:
    """Why a file cannot be used: it is gone or cannot be opened, or else ``wrong``, of what it holds."""
    if isinstance(error, FileNotFoundError):
        return ReadError(f"{name} is gone since its folder was listed; put it back, or run index again.")
    if isinstance(error, OSError) and error.strerror:
        return ReadError(f"{name} cannot be opened ({error.strerror}); check its rights and the disk.")
    return ReadError(wrong)


@dataclass(frozen=True, slots=True)
class DicomFile:
    """The first look at a DICOM file: what it is, whose it is and whether it is whole."""

    path: Path
    name: str
    sop_class: str
    modality: str
    patient_id: str
    truncated: bool
    dataset: Dataset


@dataclass(frozen=True, slots=True)
class OtherHeader:
    """A file that is neither CT nor contours: what it is and whose, and what contours may have been drawn on."""

    name: str
    modality: str
    patient_id: str
    series_uid: str
    frame_uid: str


@dataclass(frozen=True, slots=True)
class CtHeader:
    """What the header of one CT slice says; ``None`` where it says nothing.

    Parameters
    ----------
    name
        Path relative to the cohort folder, for messages.
    row_direction, column_direction
        LPS unit vectors along a row (growing column index) and along a column (growing row index).
    position_mm
        LPS position of the centre of the first voxel.
    spacing_mm
        Distance of rows, distance of columns.
    pixel_format
        BitsAllocated, BitsStored, HighBit, PixelRepresentation.
    frame
        Number of the frame in its file, from 1; 0 if the file is one slice.
    image_type, stack, phase, acquisition, kernel, tube_kv
        What tells volumes of one series apart, as written: Image Type or Frame Type, Stack ID, temporal position or
        phase, acquisition number, convolution kernel, KVP.
    multiframe_uid
        ConcatenationUID of a multi-frame image, its SOPInstanceUID if it stands alone; empty for a file of one slice.
    multiframe_files
        How many files the concatenation has; 0 where that is not said.
    thickness_mm
        Slice Thickness.
    """

    path: Path
    name: str
    patient_id: str
    sop_uid: str
    series_uid: str
    frame_uid: str
    rows: int
    columns: int
    frames: int
    greyscale: bool
    pixel_format: tuple[int, ...]
    row_direction: Vector | None
    column_direction: Vector | None
    position_mm: Vector | None
    spacing_mm: tuple[float, float] | None
    tilt_degrees: float
    slope: float | None
    intercept: float | None
    rescale_type: str
    kernel: str
    scanner: str
    localizer: bool
    truncated: bool
    frame: int = 0
    image_type: str = ""
    stack: str = ""
    phase: str = ""
    acquisition: str = ""
    tube_kv: str = ""
    multiframe_uid: str = ""
    multiframe_files: int = 0
    thickness_mm: float | None = None

    @property
    def image(self) -> str:
        """Which image it is: the SOPInstanceUID, with the number of the frame in a multi-frame file."""
        return image_name(self.sop_uid, self.frame)

    @property
    def label(self) -> str:
        """The file, and the frame in it, for messages."""
        return f"frame {self.frame} of {self.name}" if self.frame else self.name

    @property
    def names(self) -> tuple[str, str]:
        """How contours may name it: the file, or its frame; a file of one slice has one frame."""
        return self.sop_uid, image_name(self.sop_uid, max(self.frame, 1))


def image_name(sop_uid: str, frame: int = 0) -> str:
    """One image by name: the SOPInstanceUID, and the frame if one is meant."""
    return f"{sop_uid}#{frame}" if frame else sop_uid


def probe(path: Path, name: str) -> DicomFile | None:
    """Read the header of a DICOM file; None for a DICOMDIR.

    Raises
    ------
    ReadError
        If the header cannot be parsed.
    """
    try:
        dataset, end, size = _parse(path)
        if str(dataset.file_meta.get("MediaStorageSOPClassUID", "")) == _DIRECTORY:
            return None
        sop_class, modality = _text(dataset, "SOPClassUID"), _text(dataset, "Modality")
        patient_id = _text(dataset, "PatientID")
        truncated = _is_truncated(dataset, end, size)
    except DICOM_ERRORS as error:
        wrong = f"{name} cannot be parsed as DICOM ({type(error).__name__}); export it again."
        raise unreadable(name, error, wrong) from error
    if not sop_class and not modality:
        raise ReadError(f"{name} starts like DICOM but names neither its class nor its modality; export it again.")
    return DicomFile(path, name, sop_class, modality, patient_id, truncated, dataset)


def ct_header(file: DicomFile) -> CtHeader:
    """The header of a CT slice.

    Raises
    ------
    ReadError
        If a value is not what the standard says it must be.
    """
    data = file.dataset
    try:
        # Values are decoded when they are asked for: a damaged one raises here.
        if not _text(data, "SeriesInstanceUID"):
            raise ReadError(f"{file.name} is a CT slice without SeriesInstanceUID; export the CT again.")
        orientation = _numbers(data, "ImageOrientationPatient", 6)
        spacing = _numbers(data, "PixelSpacing", 2)
        return CtHeader(
            path=file.path,
            name=file.name,
            patient_id=file.patient_id,
            sop_uid=_text(data, "SOPInstanceUID"),
            series_uid=_text(data, "SeriesInstanceUID"),
            frame_uid=_text(data, "FrameOfReferenceUID"),
            rows=int(data.get("Rows", 0) or 0),
            columns=int(data.get("Columns", 0) or 0),
            frames=int(data.get("NumberOfFrames", 1) or 1),
            greyscale=_text(data, "PhotometricInterpretation") == "MONOCHROME2",
            pixel_format=tuple(int(data.get(tag, 0) or 0) for tag in _PIXEL_FORMAT),
            row_direction=_vector(orientation[:3]) if orientation else None,
            column_direction=_vector(orientation[3:]) if orientation else None,
            position_mm=_vector(_numbers(data, "ImagePositionPatient", 3)),
            spacing_mm=(spacing[0], spacing[1]) if spacing else None,
            tilt_degrees=_number(data, "GantryDetectorTilt") or 0.0,
            slope=_number(data, "RescaleSlope"),
            intercept=_number(data, "RescaleIntercept"),
            rescale_type=_text(data, "RescaleType").upper(),
            kernel=_text(data, "ConvolutionKernel"),
            scanner=" ".join(filter(None, (_text(data, "Manufacturer"), _text(data, "ManufacturerModelName")))),
            localizer="LOCALIZER" in _text(data, "ImageType").upper(),
            truncated=file.truncated,
            image_type=_text(data, "ImageType"),
            stack=_text(data, "StackID"),
            phase=next(filter(None, (_text(data, tag) for tag in _PHASES)), ""),
            acquisition=_text(data, "AcquisitionNumber") or _text(data, "FrameAcquisitionNumber"),
            tube_kv=_text(data, "KVP"),
            thickness_mm=_number(data, "SliceThickness"),
        )
    except DICOM_ERRORS as error:
        raise ReadError(
            f"{file.name} holds a value that DICOM does not allow ({type(error).__name__}); export it again."
        ) from error


def other_header(file: DicomFile) -> OtherHeader:
    """The header of a file that is neither CT nor contours; a value that cannot be read is empty."""
    try:
        series, frame = _text(file.dataset, "SeriesInstanceUID"), _text(file.dataset, "FrameOfReferenceUID")
    except DICOM_ERRORS:
        series = frame = ""
    return OtherHeader(file.name, file.modality or "unknown", file.patient_id, series, frame)


def _parse(path: Path) -> tuple[Dataset, int, int]:
    """The header, where it ends, and the size of the file. Most headers end inside the first block of it."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        block = file.read(_BLOCK)
        try:
            dataset, end = _header(io.BytesIO(block))
            if end < len(block) or len(block) == size:
                return dataset, end, size
        except DICOM_ERRORS:
            if len(block) == size:
                raise
    with path.open("rb") as file:
        return *_header(file), size


def _header(file: BinaryIO) -> tuple[Dataset, int]:
    return dcmread(file, stop_before_pixels=True, force=True, specific_tags=list(_TAG_NUMBERS)), file.tell()


def _is_truncated(dataset: Dataset, end: int, size: int) -> bool:
    """Whether the file ends before its data does. pydicom seeks over values, also beyond the end of the file."""
    if end > size:
        return True
    if "Rows" not in dataset:
        return False
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian))
    if syntax not in UNCOMPRESSED:
        return syntax != DeflatedExplicitVRLittleEndian and end == size
    pixels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("NumberOfFrames", 1) or 1)
    samples = int(dataset.get("SamplesPerPixel", 1) or 1)
    expected = pixels * samples * int(dataset.get("BitsAllocated", 16)) // 8
    return size - end < expected + (8 if dataset.original_encoding[0] else 12)


def _text(dataset: Dataset, tag: str) -> str:
    """A value as text, several joined by backslashes."""
    # Slices of a series share most of their texts: each is kept once.
    return sys.intern("\\".join(str(v).strip() for v in _list(dataset.get(tag))))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]


def _number(dataset: Dataset, tag: str) -> float | None:
    value = dataset.get(tag)
    return None if value is None or value == "" else float(value)


def _numbers(dataset: Dataset, tag: str, count: int) -> tuple[float, ...] | None:
    values = tuple(float(v) for v in _list(dataset.get(tag)))
    if values and (len(values) != count or not np.isfinite(values).all()):
        raise ValueError(tag)
    return values or None


def _vector(values: tuple[float, ...] | None) -> Vector | None:
    return None if values is None else (values[0], values[1], values[2])
