"""Grids, images of known functions and the phantom files."""

from pathlib import Path

import numpy as np
import SimpleITK

from perisurv.core import Geometry


def points(grid: Geometry) -> np.ndarray:
    """LPS points (k, j, i, 3) of all voxels, mm."""
    return grid.to_mm(np.stack(np.indices(grid.shape), axis=-1))


def read_nifti(path: Path) -> tuple[np.ndarray, Geometry]:
    image = SimpleITK.ReadImage(str(path))
    values = SimpleITK.GetArrayFromImage(image)
    direction = np.array(image.GetDirection()).reshape(3, 3)[:, ::-1]
    spacing = tuple(image.GetSpacing()[::-1])
    return values, Geometry(values.shape, spacing, image.GetOrigin(), tuple(map(tuple, direction)))


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))
