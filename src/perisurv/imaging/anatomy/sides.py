"""Which lung is which, also where both touch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.imaging.anatomy.coarse import Bools, shrunk

__all__ = ["sides"]

Singles = NDArray[np.float32]
Step = tuple[float, float, float]
SEPTUM_HU = -600.0  # the pleura between touching lungs is denser on a grid of 3 mm
DEPTHS_MM = (6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0)  # how deep the cores lie, until they are apart
PIECE = 0.05  # of the largest piece of lung
SECOND_LUNG = 0.12  # of both
OVERLAP = 0.5
STEPS_A_MM = 8.0


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
    right, left = _groups(shrunk(inner, DEPTHS_MM[0], spacing_mm))
    if right.any() and left.any():
        return _nearer(right, left, spacing_mm)
    depth = ndimage.distance_transform_edt(inner, sampling=spacing_mm).astype(np.float32)
    for least in DEPTHS_MM[1:]:
        right, left = _groups(depth > least)
        if right.any() and left.any():
            shallow = 255 - np.clip(STEPS_A_MM * depth, 0, 254).astype(np.uint8)
            return ndimage.watershed_ift(shallow, left.astype(np.int16) - right).astype(np.float32)
    single = np.nonzero(air)[2].mean() if air.any() else middle
    return np.full(air.shape, 1.0 if single >= middle else -1.0, dtype=np.float32)


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


def _extent(labels: NDArray[np.integer], piece: int) -> tuple[float, float]:
    """Columns between which nine tenths of a piece lie."""
    share = np.cumsum((labels == piece).sum(axis=(0, 1), dtype=float))
    low, high = np.searchsorted(share, (0.05 * share[-1], 0.95 * share[-1]))
    return float(low), float(high)


def _overlap(a: tuple[float, float], b: tuple[float, float]) -> bool:
    shared = min(a[1], b[1]) - max(a[0], b[0])
    return shared > OVERLAP * min(a[1] - a[0], b[1] - b[0])


def _nearer(right: Bools, left: Bools, spacing_mm: Step) -> Singles:
    """Distance to the right cores minus that to the left, mm; measured on every other voxel."""
    to_right, to_left = (
        ndimage.distance_transform_edt(~core[::2, ::2, ::2], sampling=[2 * step for step in spacing_mm])
        for core in (right, left)
    )
    coarse = (to_right - to_left).astype(np.float32)
    for axis, n in enumerate(right.shape):
        coarse = _between(coarse, axis, n)
    return coarse


def _between(values: Singles, axis: int, n: int) -> Singles:
    """Every other value of n along an axis: the ones between by linear interpolation."""
    along = np.moveaxis(values, axis, 0)
    out = np.empty((n, *along.shape[1:]), dtype=np.float32)
    out[::2] = along
    out[1::2] = along[: n // 2]
    out[1 : n - 1 : 2] = 0.5 * (along[: (n - 1) // 2] + along[1 : 1 + (n - 1) // 2])
    return np.moveaxis(out, 0, axis)
