"""Scans whose rings are known: balls and blocks in a uniform image."""

import numpy as np

from perisurv.core import Geometry, Mask, Scan, Volume


def points(grid: Geometry) -> np.ndarray:
    """LPS points (k, j, i, 3) of all voxels, mm."""
    return grid.to_mm(np.stack(np.indices(grid.shape), axis=-1))


def ball_mask(grid: Geometry, radius_mm: float, shift_mm=(0.3, 0.2, 0.4)) -> Mask:
    """Ball near the middle of the grid, off the voxel centres."""
    centre = grid.to_mm((np.array(grid.shape) - 1) / 2) + shift_mm
    return Mask(((points(grid) - centre) ** 2).sum(axis=-1) <= radius_mm**2, grid)


def ball_scan(radius_mm: float, slice_mm: float, pixel_mm: float = 0.9, room_mm: float = 16.0) -> Scan:
    edge = 2 * (radius_mm + room_mm)
    grid = Geometry((int(edge / slice_mm), int(edge / pixel_mm), int(edge / pixel_mm)), (slice_mm, pixel_mm, pixel_mm))
    return Scan("ball", Volume(np.zeros(grid.shape), grid), ball_mask(grid, radius_mm), {"slice_spacing_mm": slice_mm})


def block_scan(hu: np.ndarray | float = 0.0, edge: int = 40, low: int = 15, high: int = 25) -> Scan:
    """A cube of tumour on a grid of 1 mm, which is its own analysis grid."""
    grid = Geometry((edge, edge, edge), (1.0, 1.0, 1.0))
    tumour = np.zeros(grid.shape, dtype=bool)
    tumour[low:high, low:high, low:high] = True
    return Scan("block", Volume(np.broadcast_to(hu, grid.shape), grid), Mask(tumour, grid))


def ball_shell_ml(radius_mm: float, inner_mm: float, outer_mm: float) -> float:
    return 4 / 3 * np.pi * ((radius_mm + outer_mm) ** 3 - (radius_mm + inner_mm) ** 3) / 1000
