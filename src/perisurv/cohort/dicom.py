"""CT slices: headers, series and pixel values."""

from __future__ import annotations

import io
import logging
import os
import struct
import sys
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from perisurv.cohort.volumes import read_compressed_slice
from perisurv.core import Geometry, ReadError

__all__ = [
    "AIR_HU",
    "CT_CLASSES",
    "DICOM_ERRORS",
    "CtHeader",
    "CtSeries",
    "DicomFile",
    "ct_header",
    "pixel_hu",
    "probe",
    "quiet_pydicom",
]

AIR_HU = -1000.0
CT_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"})
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
# A padding value inside this range would blank out tissue: such a header is wrong and is not followed.
_TISSUE_HU = (-1000.0, 3071.0)
_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "Modality", "PatientID", "SeriesInstanceUID", "FrameOfReferenceUID", "ImageType",
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "GantryDetectorTilt",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "ConvolutionKernel", "Manufacturer", "ManufacturerModelName",
]  # fmt: skip
_PIXEL_FORMAT = ("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")
_TAG_NUMBERS = [Tag(name) for name in _TAGS]
# Bytes: headers of CT slices end within it, those with long private elements or icons are read from the file.
_BLOCK = 1 << 15
_DIRECTORY = "1.2.840.10008.1.3.10"
_UNCOMPRESSED = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian})
_DECODED_BY_PYDICOM = _UNCOMPRESSED | {DeflatedExplicitVRLittleEndian, RLELossless}

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


@dataclass(frozen=True, slots=True)
class CtSeries:
    """The slices of one SeriesInstanceUID, ordered along their normal.

    Parameters
    ----------
    tolerance
        Largest deviation of a slice distance from the usual one, as a share of it.
    """

    uid: str
    slices: tuple[CtHeader, ...]
    tolerance: float

    @classmethod
    def of(cls, slices: Sequence[CtHeader], tolerance: float = 0.01) -> CtSeries:
        """Order the slices by position along the normal, then by name."""
        axis = _normal(slices[0])

        def order(header: CtHeader) -> tuple[float, str]:
            return (float(np.dot(axis, header.position_mm or (0.0, 0.0, 0.0))), header.name)

        return cls(slices[0].series_uid, tuple(sorted(slices, key=order)), tolerance)

    @property
    def folder(self) -> str:
        """Where the series lies, relative to the cohort folder."""
        return str(Path(self.slices[0].name).parent)

    @property
    def offsets_mm(self) -> NDArray[np.float64]:
        """Position of every slice along the normal, ascending, mm."""
        return self._positions() @ _normal(self.slices[0])

    @property
    def drift_mm(self) -> float:
        """Largest sideways distance of a slice from the normal through the first, mm; zero without gantry tilt."""
        way = self._positions() - self._positions()[0]
        axis = _normal(self.slices[0])
        return float(np.linalg.norm(way - np.outer(way @ axis, axis), axis=1).max())

    @property
    def swerve_mm(self) -> float:
        """Largest sideways difference of a step between slices from the usual step, mm; zero on a straight line."""
        steps = np.diff(self._positions(), axis=0)
        axis = _normal(self.slices[0])
        sideways = steps - np.outer(steps @ axis, axis)
        return float(np.linalg.norm(sideways - np.median(sideways, axis=0), axis=1).max())

    def geometry(self) -> Geometry:
        """The grid of the series. Positions, not slice thickness, give the slice distance."""
        first = self.slices[0]
        if not (first.row_direction and first.column_direction and first.position_mm and first.spacing_mm):
            raise ReadError(f"{first.name} has no slice geometry.")
        offsets = self.offsets_mm
        axes = np.column_stack([_normal(first), first.column_direction, first.row_direction])
        x, y, z = ((float(row[0]), float(row[1]), float(row[2])) for row in axes)
        return Geometry(
            (len(self.slices), first.rows, first.columns),
            (float(offsets[-1] - offsets[0]) / (len(offsets) - 1), *first.spacing_mm),
            first.position_mm,
            (x, y, z),
        )

    def _positions(self) -> NDArray[np.float64]:
        return np.array([s.position_mm or (0.0, 0.0, 0.0) for s in self.slices], dtype=float)


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
        raise ReadError(f"{name} cannot be parsed as DICOM ({type(error).__name__}); export it again.") from error
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
            localizer="LOCALIZER" in [str(v).upper() for v in _list(data.get("ImageType"))],
            truncated=file.truncated,
        )
    except DICOM_ERRORS as error:
        raise ReadError(
            f"{file.name} holds a value that DICOM does not allow ({type(error).__name__}); export it again."
        ) from error


def pixel_hu(path: Path, dataset: Dataset) -> NDArray[np.float32]:
    """Pixel values of one slice in HU, shape (rows, columns), by the slice's own slope and intercept.

    Pixel padding (PixelPaddingValue up to PixelPaddingRangeLimit) becomes -1000 HU, unless it lies within
    -1000..3071 HU, where it would blank out tissue: such a header is wrong and is not followed.
    """
    slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    # A file without meta information is uncompressed; pydicom saw whether its VR are explicit.
    implicit = dataset.original_encoding[0]
    dataset.file_meta.setdefault("TransferSyntaxUID", ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian)
    if dataset.file_meta.TransferSyntaxUID in _DECODED_BY_PYDICOM:
        values = dataset.pixel_array.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    else:
        values = read_compressed_slice(path).copy()
    padding = dataset.get("PixelPaddingValue")
    if padding is not None:
        limit = dataset.get("PixelPaddingRangeLimit", padding)
        low, high = sorted(_as_stored(v, dataset) * slope + intercept for v in (padding, limit))
        if high < _TISSUE_HU[0] or low > _TISSUE_HU[1]:
            values[(values >= low - slope / 2) & (values <= high + slope / 2)] = AIR_HU
    return values


def _as_stored(value: Any, dataset: Dataset) -> int:
    """A padding value in the type of the pixels: signed images often state it as unsigned (63536 is -2000)."""
    bits = int(dataset.BitsAllocated)
    stored = int(value) % (1 << bits)
    return stored - (1 << bits) if dataset.PixelRepresentation and stored >= 1 << (bits - 1) else stored


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
    if syntax not in _UNCOMPRESSED:
        return syntax != DeflatedExplicitVRLittleEndian and end == size
    pixels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("NumberOfFrames", 1) or 1)
    samples = int(dataset.get("SamplesPerPixel", 1) or 1)
    expected = pixels * samples * int(dataset.get("BitsAllocated", 16)) // 8
    return size - end < expected + (8 if dataset.original_encoding[0] else 12)


def _normal(header: CtHeader) -> NDArray[np.float64]:
    if header.row_direction is None or header.column_direction is None:
        return np.array([0.0, 0.0, 1.0])
    return np.cross(header.row_direction, header.column_direction)


def _text(dataset: Dataset, tag: str) -> str:
    value = dataset.get(tag)
    # Slices of a series share most of their texts: each is kept once.
    return "" if value is None else sys.intern(str(value).strip())


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


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
