"""Padding: voxels that a program filled with one value because nothing was measured there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.core import Volume
from perisurv.imaging.anatomy.coarse import Sizes, block_mean, block_sizes, mean_of_blocks
from perisurv.imaging.shapes import Bools, neighbours

__all__ = ["without_padding"]

Singles = NDArray[np.float32]
AIR_HU = -1000.0
# A value that fills so many of the corners of the slices is not noise.
CORNERS = 0.25
# Denser than this no air is; such padding must show that it is none of the tissues.
DENSEST_AIR_HU = -830.0
NEAR_AIR_HU = 100.0
LEAST_SHARE = 0.005
# Of an image with noise few neighbours are equal; in a circle, its area is this share of the square around it.
EQUAL, CIRCLE, ROUND = 0.5, np.pi / 4, 0.03


def without_padding(ct: Volume, step_mm: float) -> tuple[Volume, Bools]:
    """Mean over blocks of about this size, with air in place of padding, and the blocks that are padding.

    Padding is one exact value that is connected with the corners of the slices: beyond the circle that a scanner
    reconstructs, or where an image was turned. Air that a scanner cut off at its lowest value counts as padding, too.
    Soft tissue of a drawn image, as even as padding, does not.

    Parameters
    ----------
    ct
        In HU, axes z, y, x.
    step_mm
        Edge of a block.
    """
    coarse = block_mean(ct, step_mm)
    means = coarse.values  # of whole numbers, so that a block of one value has exactly this value
    corners = means[:, (0, 0, -1, -1), (0, -1, 0, -1)]
    values, counts = np.unique(corners, return_counts=True)
    padding, hu = np.zeros(means.shape, dtype=bool), means
    for value in values[counts >= CORNERS * corners.size]:
        own = _connected(means == value)
        if value > DENSEST_AIR_HU and not _is_padding(means, own):
            continue
        if abs(value - AIR_HU) > NEAR_AIR_HU:
            beside = neighbours(neighbours(own))
            hu = _replaced(ct, hu, beside, block_sizes(ct.geometry, step_mm), float(value))
        padding |= own
    return Volume(hu, coarse.geometry), padding


def _connected(equal: Bools) -> Bools:
    """The parts that hold a corner of a slice, without single voxels: noise has them, too, at the lowest value."""
    labels, n = ndimage.label(neighbours(~neighbours(~equal)))
    keep = np.zeros(n + 1, dtype=bool)
    keep[np.unique(labels[:, (0, 0, -1, -1), (0, -1, 0, -1)])] = True
    keep[0] = False
    return np.asarray(keep[labels])


def _is_padding(means: Singles, own: Bools) -> bool:
    """Whether an even part could not be tissue: all else has noise, or it surrounds a circle."""
    rest = ~own
    if own.mean() < LEAST_SHARE or not rest.any():
        return False
    pair = rest[..., 1:] & rest[..., :-1]
    equal = np.count_nonzero(pair & (means[..., 1:] == means[..., :-1]))
    if equal < EQUAL * np.count_nonzero(pair):
        return True
    seen = np.logical_or.reduce(rest, axis=0)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    square = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    return bool(abs(np.count_nonzero(seen) / square - CIRCLE) < ROUND)


def _replaced(ct: Volume, hu: Singles, near: Bools, sizes: Sizes, value: float) -> Singles:
    """Mean over blocks with air in place of the padding in and beside these blocks."""
    where = near
    for axis, size in enumerate(sizes):
        where = np.repeat(where, size, axis=axis)
    where = where[tuple(slice(n) for n in ct.values.shape)]
    filled = np.where(where & (ct.values == value), np.float32(AIR_HU), ct.values)
    return np.where(near, mean_of_blocks(filled, sizes), hu)
