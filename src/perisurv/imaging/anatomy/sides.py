"""Which lung is which, also where both touch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.imaging.shapes import Bools, shrunk

__all__ = ["sides"]

Singles = NDArray[np.float32]
Step = tuple[float, float, float]
SEPTUM_HU = -600.0  # the pleura between touching lungs is denser on a grid of 3 mm
DEPTHS_MM = (6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0)  # how deep the cores lie, until they are apart
PIECE = 0.05  # of the largest piece of lung
SECOND_LUNG = 0.12  # of both
CORE = 0.05  # of the first cores: smaller ones are hollows of one lung
MEDIASTINUM_MM = 15.0  # at least, between the middle nine tenths of both


def sides(air: Bools, hu: Singles, middle: float, spacing_mm: Step) -> Singles:
    """Negative nearer to the right lung, positive nearer to the left; axes z, y, x.

    Cores of the aerated lung, ever deeper ones, until they fall into two groups beside each other. Pieces above or
    before one another are one lung. Where the lungs touch they grow back from the cores along the depth, so that they
    meet in the septum between them.

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
    inner = air & (hu < SEPTUM_HU)
    cores = [shrunk(inner, DEPTHS_MM[0], spacing_mm)]
    right, left = _groups(cores[0], spacing_mm[2])
    if not right.any():
        depth = ndimage.distance_transform_edt(inner, sampling=spacing_mm).astype(np.float32)
        cores = [depth > least for least in DEPTHS_MM]
    for n, core in enumerate(cores):
        right, left = _groups(core, spacing_mm[2])
        if right.any() and np.count_nonzero(core) > CORE * np.count_nonzero(cores[0]):
            return _grown_back(left.astype(np.float32) - right, [*reversed(cores[:n]), inner, air])
    single = np.nonzero(air)[2].mean() if air.any() else middle
    return np.full(air.shape, 1.0 if single >= middle else -1.0, dtype=np.float32)


def _groups(cores: Bools, step_mm: float) -> tuple[Bools, Bools]:
    """The pieces of the right and of the left lung; none of the right if the pieces are not beside each other."""
    labels, n = ndimage.label(cores)
    nothing = np.zeros_like(cores)
    if n < 2:
        return nothing, cores
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    sizes[0] = 0
    pieces = np.flatnonzero(sizes > PIECE * sizes.max())
    extents = {int(piece): _extent(labels, int(piece)) for piece in pieces}
    first = int(sizes.argmax())
    beside = [piece for piece in extents if step_mm * _gap(extents[piece], extents[first]) > MEDIASTINUM_MM]
    if sum(sizes[piece] for piece in beside) < SECOND_LUNG * sizes[pieces].sum():
        return nothing, cores
    second = np.isin(labels, beside)
    others = np.isin(labels, [piece for piece in extents if piece not in beside])
    if np.nonzero(second)[2].mean() > np.nonzero(others)[2].mean():
        return others, second
    return second, others


def _extent(labels: NDArray[np.integer], piece: int) -> tuple[float, float]:
    """Columns between which nine tenths of a piece lie."""
    share = np.cumsum((labels == piece).sum(axis=(0, 1), dtype=float))
    low, high = np.searchsorted(share, (0.05 * share[-1], 0.95 * share[-1]))
    return float(low), float(high)


def _gap(a: tuple[float, float], b: tuple[float, float]) -> float:
    return max(a[0], b[0]) - min(a[1], b[1])


def _grown_back(side: Singles, wider: list[Bools]) -> Singles:
    """Ever wider parts of the lungs to the side of the cores that they are connected with, else to the nearest."""
    for part in wider:
        labels, n = ndimage.label(part)
        of_right, of_left = (np.bincount(labels[side == sign], minlength=n + 1) > 0 for sign in (-1, 1))
        own = of_left.astype(np.float32) - of_right
        own[0] = 0
        if (of_left & of_right)[1:].any():
            shared = (of_left & of_right)[labels] & part
            side = np.where(shared & (side == 0), _nearest(side), side)
        side = np.where(side == 0, own[labels], side)
    return _nearest(side)


def _nearest(side: Singles) -> Singles:
    """The side of the nearest voxel that has one."""
    at = ndimage.distance_transform_edt(side == 0, return_distances=False, return_indices=True)
    return np.asarray(side[tuple(at)])
