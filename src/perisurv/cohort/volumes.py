"""NIfTI, NRRD and MetaImage files; the last two by SimpleITK, whose points are LPS in mm as ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.dicom import unreadable
from perisurv.cohort.nifti import NIFTI_SUFFIXES, read_nifti, read_nifti_grid
from perisurv.cohort.payload import META_SUFFIXES, NRRD_SUFFIXES, check_payload
from perisurv.cohort.perpendicular import perpendicular
from perisurv.cohort.quiet import quiet_codecs
from perisurv.core import Geometry, GeometryError, ReadError

__all__ = ["read_frames", "read_grid", "read_volume", "segment_labels"]


def read_grid(path: Path, name: str) -> Geometry:
    """The grid of an image, from its header alone.

    Raises
    ------
    ReadError
        If the file cannot be read.
    GeometryError
        If it is not a 3D image with one value a voxel, or its header contradicts itself.
    """
    if path.name.casefold().endswith(NIFTI_SUFFIXES):
        return read_nifti_grid(path, name)
    reader = _reader(path, name)
    if reader.GetNumberOfComponents() > 1 and reader.HasMetaDataKey("Segment0_Name"):
        raise GeometryError(
            f"{name} is a segmentation of 3D Slicer whose segments overlap, in several layers; export each segment as "
            "a labelmap of its own."
        )
    return _geometry(reader, reader.GetNumberOfComponents(), name)


def segment_labels(path: Path, name: str) -> tuple[tuple[str, int], ...]:
    """Name and label of every segment that 3D Slicer wrote into the header of an NRRD file; empty in other files.

    Raises
    ------
    ReadError
        If the file cannot be read, or a segment has no label.
    """
    if not path.name.casefold().endswith(NRRD_SUFFIXES):
        return ()
    reader = _reader(path, name)
    found: list[tuple[str, int]] = []
    while reader.HasMetaDataKey(f"Segment{len(found)}_Name"):
        segment = f"Segment{len(found)}"
        label = reader.GetMetaData(f"{segment}_LabelValue") if reader.HasMetaDataKey(f"{segment}_LabelValue") else ""
        if not label.isdecimal():
            raise ReadError(f"{name} gives segment {len(found)} no label; save it with 3D Slicer 4.11 or later.")
        found.append((reader.GetMetaData(f"{segment}_Name"), int(label)))
    return tuple(found)


def read_volume(path: Path, name: str) -> tuple[NDArray[np.float32], Geometry]:
    """Values as float32 in array order (slice, row, column), and their grid; NaN and infinity are kept.

    Raises
    ------
    ReadError
        If the file cannot be read, is cut off or damaged.
    GeometryError
        If it is not a 3D image with one value a voxel, or its header contradicts itself.
    """
    suffix = path.name.casefold()
    if suffix.endswith(NIFTI_SUFFIXES):
        return read_nifti(path, name)
    if suffix.endswith((*NRRD_SUFFIXES, *META_SUFFIXES)):
        check_payload(path, name)
    geometry = read_grid(path, name)
    try:
        return _values(path), geometry
    except RuntimeError as error:
        raise ReadError(f"{name} cannot be decoded; it may be cut off. Export it again.") from error


def read_frames(path: Path) -> NDArray[np.float32]:
    """The frames of a DICOM file in JPEG, JPEG-LS or JPEG 2000, decoded by GDCM: (frames, rows, columns).

    Raises
    ------
    RuntimeError
        If GDCM cannot decode it.
    """
    return _values(path)


def _itk() -> Any:
    """SimpleITK, loaded on first use only."""
    import SimpleITK  # noqa: PLC0415

    return SimpleITK


def _reader(path: Path, name: str) -> Any:
    """A reader that has read the header."""
    reader = _itk().ImageFileReader()
    reader.SetFileName(str(path))
    wrong = f"{name} cannot be read as an image; export it again."
    try:
        path.open("rb").close()  # SimpleITK does not say why it cannot open a file
        with quiet_codecs():
            reader.ReadImageInformation()
    except OSError as error:
        raise unreadable(name, error, wrong) from error
    except RuntimeError as error:
        raise ReadError(wrong) from error
    return reader


def _values(path: Path) -> NDArray[np.float32]:
    itk = _itk()
    with quiet_codecs():
        image = itk.ReadImage(str(path), itk.sitkFloat32)
    values: NDArray[np.float32] = itk.GetArrayFromImage(image)
    return values


def _geometry(image: Any, components: int, name: str) -> Geometry:
    size = image.GetSize()
    if len(size) != 3 or components != 1:
        raise GeometryError(
            f"{name} has size {size} and {components} values a voxel; a 3D image with one number a voxel is needed."
        )
    axes, spacing_mm = np.reshape(image.GetDirection(), (3, 3)), np.asarray(image.GetSpacing())
    if not np.allclose(np.linalg.norm(axes, axis=0), 1.0, atol=1e-3):
        raise GeometryError(
            f"{name} states axes that are no unit vectors, {axes.tolist()}; convert it again from DICOM."
        )
    steps_mm, origin_mm = (axes * spacing_mm)[:, ::-1], np.asarray(image.GetOrigin(), dtype=float)
    return perpendicular(size[::-1], steps_mm, origin_mm, name)
