"""Which lung is which, also where both touch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.imaging.anatomy.coarse import Bools

__all__ = ["sides"]

Singles = NDArray[np.float32]
Step = tuple[float, float, float]
SEPTUM_HU = -600.0  # the pleura between touching lungs is denser on a grid of 3 mm
DEPTHS_MM = (6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0)  # how deep the cores lie, until they are apart
PIECE = 0.05  # of the largest piece of lung
SECOND_LUNG = 0.12  # of both
OVERLAP = 0.5
STEPS_A_MM = 8.0


def sides(air: Bools, hu: Singles, middle: float, spacing_mm: Step) -> NDArray[np.int8]:
    """+1 for every voxel that is nearer to the left lung, -1 for the right; axes z, y, x.

    Cores of the aerated lung, ever deeper ones, until they fall into two groups beside each other. Pieces above or
    before one another are one lung. From the cores the lungs grow back along the depth, so that they meet in the
    septum between them.

    Parameters
    ----------
    air
        Aerated parts of both lungs.
    hu
        HU of the same voxels.
    middle
        Column of the middle of the body; tells which lung a single one is.
    spacing_mm
        Of the grid.
    """
    depth = ndimage.distance_transform_edt(air & (hu < SEPTUM_HU), sampling=spacing_mm).astype(np.float32)
    for least in DEPTHS_MM:
        right, left = _groups(depth > least)
        if right.any() and left.any():
            markers = left.astype(np.int16) - right
            return _grown_back(markers, depth, deepest=least == DEPTHS_MM[0])
    columns = np.flatnonzero(air.any(axis=(0, 1)))
    single = np.nonzero(air)[2].mean() if columns.size else middle
    return np.full(air.shape, 1 if single >= middle else -1, dtype=np.int8)


def _groups(cores: Bools) -> tuple[Bools, Bools]:
    """The pieces of the right and of the left lung; one of them empty if the pieces are not beside each other."""
    labels, n = ndimage.label(cores)
    nothing = np.zeros_like(cores)
    if n < 2:
        return nothing, cores
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    sizes[0] = 0
    pieces = np.flatnonzero(sizes > PIECE * sizes.max())
    extents = {int(piece): _extent(labels, int(piece)) for piece in pieces}
    first = int(sizes.argmax())
    beside = [piece for piece in extents if not _overlap(extents[piece], extents[first])]
    if sum(sizes[piece] for piece in beside) < SECOND_LUNG * sizes[pieces].sum():
        return nothing, cores
    second = np.isin(labels, beside)
    others = np.isin(labels, [piece for piece in extents if piece not in beside])
    if np.nonzero(second)[2].mean() > np.nonzero(others)[2].mean():
        return others, second
    return second, others


def _extent(labels: NDArray[np.int32], piece: int) -> tuple[float, float]:
    """Columns between which nine tenths of a piece lie."""
    share = np.cumsum((labels == piece).sum(axis=(0, 1), dtype=float))
    low, high = np.searchsorted(share, (0.05 * share[-1], 0.95 * share[-1]))
    return float(low), float(high)


def _overlap(a: tuple[float, float], b: tuple[float, float]) -> bool:
    shared = min(a[1], b[1]) - max(a[0], b[0])
    return shared > OVERLAP * min(a[1] - a[0], b[1] - b[0])


def _grown_back(markers: NDArray[np.int16], depth: Singles, *, deepest: bool) -> NDArray[np.int8]:
    """Every voxel to its lung: to the nearest core, or along the depth where the lungs touch."""
    if deepest:
        nearest = ndimage.distance_transform_edt(markers == 0, return_distances=False, return_indices=True)
        return markers[tuple(nearest)].astype(np.int8)
    shallow = 255 - np.clip(STEPS_A_MM * depth, 0, 254).astype(np.uint8)
    return np.asarray(ndimage.watershed_ift(shallow, markers)).astype(np.int8)
