"""Masks as NIfTI, NRRD or MetaImage: which values are the tumour, and where their voxels lie on the CT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.grids import Placed, place
from perisurv.cohort.volumes import read_volume, segment_labels
from perisurv.core import Geometry, Mask, ReadError

__all__ = ["MaskFile", "read_mask_file"]

# Values that a message lists.
_LISTED = 12
# How far a value may lie from the whole number that was meant, as scaling and resampling leave it.
_ROUNDING = 1e-3

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MaskFile:
    """A file and the values in it that are one region; without any its only value above zero."""

    name: str
    labels: tuple[int, ...] = ()


def read_mask_file(path: Path, name: str, labels: Sequence[int], threshold: float | None, grid: Geometry) -> Placed:
    """A mask on the grid of its CT.

    Parameters
    ----------
    path, name
        The file, and what messages call it.
    labels
        Values that are the region; empty: the only one above zero.
    threshold
        Least value of a mask of probabilities; None: such a mask is refused.
    grid
        Grid of the CT. A segmentation of 3D Slicer may cover a part of it, any other mask covers all of it or counts
        as drawn on another grid.

    Raises
    ------
    ReadError
        If the file cannot be read, or its values do not say what the region is.
    GeometryError
        If it is not a 3D image with one value a voxel.
    """
    values, own = read_volume(path, name)
    part = bool(segment_labels(path, name))
    return place(Mask(_region(values, name, labels, threshold), own), grid, part=part)


def _region(values: Values, name: str, labels: Sequence[int], threshold: float | None) -> NDArray[np.bool_]:
    broken = int(values.size - np.count_nonzero(np.isfinite(values)))
    if broken:
        raise ReadError(
            f"{name} holds {broken} voxels of {values.size} whose value is not finite (NaN or infinite); write 0 "
            "outside, 1 inside."
        )
    occupied = values[values != 0]
    top = float(np.abs(occupied).max()) if occupied.size else 0.0
    labels_of = np.rint(values)
    if (np.abs(values - labels_of) > _ROUNDING).any() or (top and not labels_of.any()):
        return _no_labels(values, occupied, name, threshold)
    held = [int(v) for v in np.unique(labels_of[labels_of != 0])]
    if held and held[0] < 0:
        raise ReadError(f"{name} holds values below zero ({_listed(held)}); a mask holds zero outside, labels inside.")
    if not labels:
        if len(held) > 1:
            raise ReadError(
                f"{name} holds {len(held)} labels ({_listed(held)}); set mask_labels to those of the tumour."
            )
        return np.asarray(labels_of > 0)
    if held and not set(held) & set(labels):
        wanted = _listed(labels)
        raise ReadError(f"{name} holds no voxel of label {wanted}, its labels are {_listed(held)}; set mask_labels.")
    return np.isin(labels_of, np.asarray(labels, dtype=np.float32))


def _no_labels(values: Values, occupied: Values, name: str, threshold: float | None) -> NDArray[np.bool_]:
    """Values that are no whole numbers: two of them, as 0 and 1/255, are a scaled mask; else probabilities."""
    low, high = float(occupied.min()), float(occupied.max())
    two_valued = ((np.abs(occupied) <= _ROUNDING * high) | (np.abs(occupied - high) <= _ROUNDING * high)).all()
    if threshold is None and high > 0 and two_valued:
        return np.asarray(values > high / 2)
    if threshold is None:
        raise ReadError(
            f"{name} holds values that are no whole numbers ({low:g} to {high:g}); set mask_threshold if they are "
            "probabilities, else write labels."
        )
    if low < 0 or high > 1:
        raise ReadError(
            f"{name} holds values from {low:g} to {high:g}, and mask_threshold needs probabilities in 0..1."
        )
    return np.asarray(values >= threshold)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:_LISTED])) + (", ..." if len(numbers) > _LISTED else "")
