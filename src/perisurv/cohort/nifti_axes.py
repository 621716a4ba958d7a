"""What a NIfTI header says about its axes: twice, as quaternion (qform) and as matrix (sform), and not always alike.

nifti1.h and nifti2.h of the NIfTI Data Format Working Group; points are RAS there, LPS here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.perpendicular import corners_of, perpendicular
from perisurv.core import Geometry, GeometryError

__all__ = ["grid_of_header"]

# How far qform and sform may place one voxel apart, as a share of the smallest voxel edge.
_AGREE = 0.1
_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MM = {1: 1000.0, 3: 0.001}  # metres and micrometres; all else counts as mm

Matrix = NDArray[np.float64]


def grid_of_header(header: np.void, shape: Sequence[int], name: str) -> Geometry:
    """The grid that a header states: by its sform, which is the more exact of the two, else by its qform.

    Parameters
    ----------
    header
        Fields pixdim, units, qform, sform, quaternion, offset and rows.
    shape
        Voxels along the array axes k, j, i.
    name
        What messages call the file.

    Raises
    ------
    GeometryError
        If the header states no axes, axes that are not perpendicular, or two forms that contradict each other.
    """
    said = _stated(header)
    if not said:
        raise GeometryError(
            f"{name} says nowhere how its axes lie in the patient (qform and sform are both unknown); convert it again "
            "from DICOM."
        )
    affine = said["sform" if "sform" in said else "qform"]
    grid = perpendicular(shape, affine[:3, 2::-1], affine[:3, 3], name)
    if len(said) == 2:
        _refuse_contradiction(said["qform"], _rounding_of_turn(header), grid, name)
    return grid


def _refuse_contradiction(qform: Matrix, rounding: float, grid: Geometry, name: str) -> None:
    corners = corners_of(grid.shape)
    other = corners[:, ::-1] @ qform[:3, :3].T + qform[:3, 3]
    off_mm = float(np.abs(other - grid.to_mm(corners)).max())
    extent_mm = float(np.linalg.norm((np.asarray(grid.shape) - 1) * grid.spacing_mm))
    if not off_mm <= _AGREE * min(grid.spacing_mm) + rounding * extent_mm:
        raise GeometryError(
            f"{name}: qform and sform contradict each other, by {off_mm:.2f} mm at the corners; which is right is not "
            "guessed. Convert it again from DICOM."
        )


def _stated(header: np.void) -> dict[str, Matrix]:
    """What each form says that has a code: matrix from (i, j, k) to LPS in mm."""
    scale = np.diag([_MM.get(int(header["units"]) & 7, 1.0)] * 3 + [1.0])
    said = {}
    if header["qform"] > 0:
        said["qform"] = _RAS @ scale @ _quaternion(header)
    if header["sform"] > 0:
        said["sform"] = _RAS @ scale @ np.vstack([header["rows"].astype(float), (0, 0, 0, 1)])
    return said


def _rest(header: np.void) -> float:
    """What b, c and d, which are stored, leave for the square of a."""
    return 1.0 - float(np.square(header["quaternion"].astype(float)).sum())


def _rounding_of_turn(header: np.void) -> float:
    """How far the rounding of b, c and d may turn the axes, radians: near half a turn the small a follows from it."""
    doubt = 3.0 * float(np.finfo(header["quaternion"].dtype).eps)
    return float(2.0 * (np.sqrt(max(_rest(header), 0.0) + doubt) - np.sqrt(max(_rest(header), 0.0))))


def _quaternion(header: np.void) -> Matrix:
    b, c, d = (float(v) for v in header["quaternion"])
    rest = _rest(header)
    if rest < 1e-7:  # half a turn: as the NIfTI library does, since the rounding of b, c and d would turn the image
        b, c, d = (v / np.sqrt(b * b + c * c + d * d) for v in (b, c, d))
        rest = 0.0
    a = np.sqrt(rest)
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
