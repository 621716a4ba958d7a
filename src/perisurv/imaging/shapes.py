"""Shapes on a grid in mm: grown, shrunk, closed, filled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Bools", "Box", "box_of", "closed", "filled", "grown", "largest", "neighbours", "shrunk"]

Bools = NDArray[np.bool_]
Box = tuple[slice, slice, slice]
Step = tuple[float, float, float]


def box_of(mask: Bools, margin: int = 0) -> Box:
    """Smallest box around a mask that is not empty, with a margin of voxels, clipped."""
    found = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        found.append(slice(max(int(hit[0]) - margin, 0), min(int(hit[-1]) + 1 + margin, mask.shape[axis])))
    return found[0], found[1], found[2]


def grown(mask: Bools, by_mm: float, spacing_mm: Step) -> Bools:
    """All voxels at most so far from the mask; for distances of a few voxels, where no distance map is needed."""
    limit = np.float32(by_mm * by_mm * (1 + 1e-5))
    squared = np.where(mask, np.float32(0), 2 * limit)
    for axis, step in enumerate(spacing_mm):
        nearest, farther = squared.copy(), np.empty_like(squared)
        for n in range(1, min(int(by_mm / step * (1 + 1e-5)), squared.shape[axis] - 1) + 1):
            np.add(squared, np.float32((n * step) ** 2), out=farther)
            low, high = ((slice(None),) * axis + (part,) for part in (slice(None, -n), slice(n, None)))
            np.minimum(nearest[high], farther[low], out=nearest[high])
            np.minimum(nearest[low], farther[high], out=nearest[low])
        squared = nearest
    return np.asarray(squared <= limit)


def shrunk(mask: Bools, by_mm: float, spacing_mm: Step) -> Bools:
    """Voxels farther than this from all that is not in the mask; the border of the image is not an outside."""
    return ~grown(~mask, by_mm, spacing_mm)


def closed(mask: Bools, by_mm: float, spacing_mm: Step) -> Bools:
    """The mask and all that a ball of this radius cannot reach from outside; beyond the border the mask goes on."""
    pad = [(int(by_mm / step) + 1,) * 2 for step in spacing_mm]
    inner = tuple(slice(a, -a) for a, _ in pad)
    wide = grown(np.pad(mask, pad, mode="edge"), by_mm, spacing_mm)
    return np.asarray(shrunk(wide, by_mm, spacing_mm)[inner])


def neighbours(mask: Bools) -> Bools:
    """The mask and the voxels that share a face with it."""
    wide = mask.copy()
    for axis in range(3):
        source, target = np.moveaxis(mask, axis, 0), np.moveaxis(wide, axis, 0)
        target[1:] |= source[:-1]
        target[:-1] |= source[1:]
    return wide


def filled(mask: Bools) -> Bools:
    """The mask with the holes that it encloses on all sides."""
    labels, n = ndimage.label(~mask)
    outside = np.zeros(n + 1, dtype=bool)
    for axis in range(3):
        ends = np.take(labels, (0, -1), axis)
        outside[np.unique(ends)] = True
    outside[0] = False
    return np.asarray(~outside[labels])


def largest(mask: Bools) -> Bools:
    """The largest component."""
    labels, n = ndimage.label(mask)
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])) if n else mask
