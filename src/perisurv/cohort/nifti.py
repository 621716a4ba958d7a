"""What a NIfTI header says about its axes: twice, as quaternion (qform) and as matrix (sform), and not always alike.

nifti1.h and nifti2.h of the NIfTI Data Format Working Group; points are RAS there, LPS here.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry, GeometryError, ReadError

__all__ = ["NIFTI_SUFFIXES", "check_axes"]

NIFTI_SUFFIXES = (".nii", ".nii.gz")
# How far two statements about one voxel may lie apart, as a share of the smallest voxel edge.
_AGREE = 0.1
_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_NIFTI_1 = np.dtype(
    {
        "names": ["size", "pixdim", "units", "qform", "sform", "quaternion", "offset", "rows"],
        "formats": ["i4", ("f4", 8), "u1", "i2", "i2", ("f4", 3), ("f4", 3), ("f4", (3, 4))],
        "offsets": [0, 76, 123, 252, 254, 256, 268, 280],
        "itemsize": 348,
    }
)
_NIFTI_2 = np.dtype(
    {
        "names": ["size", "pixdim", "units", "qform", "sform", "quaternion", "offset", "rows"],
        "formats": ["i4", ("f8", 8), "i4", "i4", "i4", ("f8", 3), ("f8", 3), ("f8", (3, 4))],
        "offsets": [0, 104, 500, 344, 348, 352, 376, 400],
        "itemsize": 540,
    }
)
_MM = {1: 1000.0, 3: 0.001}  # metres and micrometres; all else counts as mm

Matrix = NDArray[np.float64]


def check_axes(path: Path, name: str, geometry: Geometry) -> None:
    """Hold the grid as read against qform and sform.

    Raises
    ------
    ReadError
        If the header cannot be read.
    GeometryError
        If the header states no axes, or states others than those of the grid: qform and sform contradict each other,
        or axes are not perpendicular.
    """
    header = _header(path, name)
    said = _stated(header)
    if not said:
        raise GeometryError(
            f"{name} says nowhere how its axes lie in the patient (qform and sform are both unknown); convert it again "
            "from DICOM."
        )
    last = np.asarray(geometry.shape) - 1
    corners = np.stack(np.meshgrid(*zip((0, 0, 0), last, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
    points = geometry.to_mm(corners)
    for form, affine in said.items():
        other = corners[:, ::-1] @ affine[:3, :3].T + affine[:3, 3]
        off_mm = float(np.abs(other - points).max())
        if not off_mm <= _AGREE * min(geometry.spacing_mm):
            why = (
                "qform and sform contradict each other"
                if len(said) > 1
                else f"{form} has axes that are not perpendicular"
            )
            raise GeometryError(
                f"{name}: {why}, by {off_mm:.2f} mm at the corners; which is right is not guessed. Convert it again "
                "from DICOM."
            )


def _header(path: Path, name: str) -> np.void:
    opened = gzip.open if path.name.casefold().endswith(".gz") else open
    try:
        with opened(path, "rb") as file:
            raw = file.read(_NIFTI_2.itemsize)
    except (OSError, EOFError, zlib.error) as error:
        raise ReadError(f"{name} cannot be read as an image; export it again.") from error
    for kind in (_NIFTI_1, _NIFTI_2):
        for layout in (kind, kind.newbyteorder()):
            header: np.void = np.frombuffer(raw.ljust(kind.itemsize, b"\0"), layout, 1)[0]
            if header["size"] == kind.itemsize:
                return header
    raise ReadError(f"{name} does not start like NIfTI; export it again.")


def _stated(header: np.void) -> dict[str, Matrix]:
    """What each form says that has a code: matrix from (i, j, k) to LPS in mm."""
    scale = np.diag([_MM.get(int(header["units"]) & 7, 1.0)] * 3 + [1.0])
    said = {}
    if header["qform"] > 0:
        said["qform"] = _RAS @ scale @ _quaternion(header)
    if header["sform"] > 0:
        said["sform"] = _RAS @ scale @ np.vstack([header["rows"].astype(float), (0, 0, 0, 1)])
    return said


def _quaternion(header: np.void) -> Matrix:
    b, c, d = (float(v) for v in header["quaternion"])
    a = np.sqrt(max(1.0 - b * b - c * c - d * d, 0.0))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    pixdim = header["pixdim"].astype(float)
    affine = np.eye(4)
    affine[:3, :3] = turn * pixdim[1:4] * (1.0, 1.0, -1.0 if pixdim[0] < 0 else 1.0)
    affine[:3, 3] = header["offset"]
    return affine
