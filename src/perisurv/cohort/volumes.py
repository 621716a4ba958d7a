"""NIfTI, NRRD and MetaImage files by SimpleITK, whose points are LPS in mm as ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.nifti import NIFTI_SUFFIXES, check_axes
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
    reader = _reader(path, name)
    if reader.GetNumberOfComponents() > 1 and reader.HasMetaDataKey("Segment0_Name"):
        raise GeometryError(
            f"{name} is a segmentation of 3D Slicer whose segments overlap, in several layers; export each segment as "
            "a labelmap of its own."
        )
    geometry = _geometry(reader, reader.GetNumberOfComponents(), name)
    if path.name.casefold().endswith(NIFTI_SUFFIXES):
        check_axes(path, name, geometry)
    return geometry


def segment_labels(path: Path, name: str) -> tuple[tuple[str, int], ...]:
    """Name and label of every segment that 3D Slicer wrote into the header of an NRRD file; empty in other files.

    Raises
    ------
    ReadError
        If the file cannot be read, or a segment has no label.
    """
    if not path.name.casefold().endswith((".nrrd", ".nhdr")):
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
    """Values as float32 in array order (slice, row, column), and their grid.

    Raises
    ------
    ReadError
        If the file cannot be read.
    GeometryError
        If it is not a 3D image with one value a voxel, or its header contradicts itself.
    """
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
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ReadError(f"{name} cannot be read as an image; export it again.") from error
    return reader


def _values(path: Path) -> NDArray[np.float32]:
    itk = _itk()
    values: NDArray[np.float32] = itk.GetArrayFromImage(itk.ReadImage(str(path), itk.sitkFloat32))
    return values


def _geometry(image: Any, components: int, name: str) -> Geometry:
    size = image.GetSize()
    if len(size) != 3 or components != 1:
        raise GeometryError(f"{name} has size {size} and {components} values a voxel; a 3D image with one is needed.")
    (xi, xj, xk), (yi, yj, yk), (zi, zj, zk) = np.reshape(image.GetDirection(), (3, 3)).tolist()
    i_mm, j_mm, k_mm = (float(v) for v in image.GetSpacing())
    x, y, z = (float(v) for v in image.GetOrigin())
    direction = ((xk, xj, xi), (yk, yj, yi), (zk, zj, zi))
    return Geometry((size[2], size[1], size[0]), (k_mm, j_mm, i_mm), (x, y, z), direction)
