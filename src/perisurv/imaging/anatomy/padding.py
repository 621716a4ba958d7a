"""Padding: voxels that a program filled with one value because nothing was measured there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.core import Volume
from perisurv.imaging.anatomy.axial import Axial
from perisurv.imaging.anatomy.coarse import Sizes, block_mean, block_sizes, mean_of_blocks
from perisurv.imaging.shapes import Bools, neighbours

__all__ = ["padding_mask", "without_padding"]

Singles = NDArray[np.float32]
AIR_HU = -1000.0
# A value that fills so many of the corners of the slices is not noise.
CORNERS = 0.25
# Denser than this no air is; such padding must show that it is none of the tissues.
DENSEST_AIR_HU = -830.0
NEAR_AIR_HU = 100.0
LEAST_SHARE = 0.005
PADDING_MM = 3.0
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


def padding_mask(ct: Volume) -> Bools:
    """Voxels of padding whose value is none of air: beyond the circle of reconstruction in -3024, -2000 or 0 HU.

    Parameters
    ----------
    ct
        In HU, any orientation; found on blocks of about 3 mm, to the voxel.
    """
    axial = Axial.of(ct.geometry)
    turned = axial.volume(ct)
    found = np.zeros(turned.values.shape, dtype=bool)
    corners = turned.values[:, (0, 0, -1, -1), (0, -1, 0, -1)]
    values, counts = np.unique(corners, return_counts=True)
    odd = [v for v in values[counts >= CORNERS * corners.size] if abs(v - AIR_HU) > NEAR_AIR_HU]
    if odd:
        sizes = block_sizes(turned.geometry, PADDING_MM)
        means = mean_of_blocks(turned.values, sizes)
        for value in odd:
            own = _connected(means == value)
            if own.any() and (value <= DENSEST_AIR_HU or _is_padding(means, own)):
                found |= _to_the_voxel(turned.values == value, own, sizes)
    return axial.back(found)


def _to_the_voxel(equal: Bools, own: Bools, sizes: Sizes) -> Bools:
    """Voxels of the value that are connected with whole blocks of it."""
    labels, n = ndimage.label(equal)
    keep = np.zeros(n + 1, dtype=bool)
    keep[np.unique(labels[_in_blocks(equal, own, sizes)])] = True
    keep[0] = False
    return np.asarray(keep[labels])


def _in_blocks(voxels: Bools, blocks: Bools, sizes: Sizes) -> Bools:
    for axis, size in enumerate(sizes):
        blocks = np.repeat(blocks, size, axis=axis)
    return np.asarray(voxels & blocks[tuple(slice(n) for n in voxels.shape)])


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
    filled = np.where(_in_blocks(ct.values == value, near, sizes), np.float32(AIR_HU), ct.values)
    return np.where(near, mean_of_blocks(filled, sizes), hu)
