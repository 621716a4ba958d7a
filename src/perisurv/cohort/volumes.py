"""NIfTI, NRRD and MetaImage files by SimpleITK, whose points are LPS in mm as ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry, GeometryError, ReadError

__all__ = ["read_frames", "read_grid", "read_volume"]


def read_grid(path: Path, name: str) -> Geometry:
    """The grid of an image, from its header alone.

    Raises
    ------
    ReadError
        If the file cannot be read.
    GeometryError
        If it is not a 3D image with one value a voxel.
    """
    reader = _itk().ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ReadError(f"{name} cannot be read as an image; export it again.") from error
    return _geometry(reader, reader.GetNumberOfComponents(), name)


def read_volume(path: Path, name: str) -> tuple[NDArray[np.float32], Geometry]:
    """Values as float32 in array order (slice, row, column), and their grid.

    Raises
    ------
    ReadError
        If the file cannot be read.
    GeometryError
        If it is not a 3D image with one value a voxel.
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
