"""Signs in the values of a CT that they were cut to a display window, or rescaled differently from slice to slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cut_by_window", "rescaled_apart"]

Values = NDArray[np.float32]
# Fewer different values are a drawing, not a CT.
_LEVELS = 30
# Padding is one value, so far below all others, and no denser than air.
_PADDING_GAP_HU, _PADDING_HU, _PADDINGS = 100.0, -900.0, 3
# Ends of a window: of so many voxels, away from the tissue. Air itself ends at one value, from -800 HU down.
_LOW_SHARE, _HIGH_SHARE, _AIR_HU, _APART_HU = 0.01, 0.001, -800.0, 30.0
# A value with so many more voxels than those just below it is an end. Above 300 HU it cuts nothing but bone and metal,
# below 100 HU it is the tissue of a drawing.
_SPIKE, _BESIDE_HU, _ENDS_HU = 10.0, 50.0, (100.0, 300.0)
_SAMPLE = 200_000
# Between two slices: tissue that turns to bone; in one slice: thinner than any air, at many values.
_TISSUE_HU, _BONE_HU, _THIN_HU, _MOST, _THIN_SHARE, _A_SLICE = -500.0, 500.0, -1250.0, 0.9, 0.3, 20_000


def cut_by_window(values: Values) -> str:
    """Which end of a display window cut the values, as the rest of a sentence; nothing if none did.

    Padding, whatever its value, is passed over. A window that ends above 300 HU leaves soft tissue as it is.
    """
    sample = values.ravel()[:: max(values.size // _SAMPLE, 1)]
    levels, counts = np.unique(sample, return_counts=True)
    first = 0
    while first < min(_PADDINGS, len(levels) - 1) and levels[first] <= _PADDING_HU:
        if levels[first + 1] - levels[first] < _PADDING_GAP_HU:
            break
        first += 1
    levels, counts = levels[first:], counts[first:]
    if len(levels) < _LEVELS:
        return ""
    low, high, total = float(levels[0]), float(levels[-1]), int(counts.sum())
    dense = sample[(sample > max(low, _TISSUE_HU)) & (sample < high)]
    middle = float(np.median(dense)) if dense.size else low
    if _AIR_HU < low < middle - _APART_HU and counts[0] > _LOW_SHARE * total:
        return f"all air at {low:g} HU: the lower end of a display window, which cut off what lies below"
    beside = counts[:-1][levels[:-1] >= high - _BESIDE_HU]
    spike = counts[-1] > max(_HIGH_SHARE * total, _SPIKE * float(beside.mean()) if beside.size else np.inf)
    if middle + _APART_HU < high and _ENDS_HU[0] <= high <= _ENDS_HU[1] and spike:
        return f"all that is denser at {high:g} HU: the upper end of a display window, which cut off what lies above"
    return ""


def rescaled_apart(volume: Values) -> int | None:
    """Number of the first slice, from 0, whose rescale cannot be that of the slice before; None if all agree.

    From there on tissue is as dense as bone or, in most of a slice, thinner than any air, at many values.

    Parameters
    ----------
    volume
        HU, (slices, rows, columns).
    """
    step = max(volume[0].size // _A_SLICE, 1)
    slices = volume.reshape(len(volume), -1)[:, ::step]
    thin = [_thinner_than_air(own) for own in slices]
    for k in range(1, len(slices)):
        below, above = slices[k - 1], slices[k]
        if _turned_to_bone(below, above) or _turned_to_bone(above, below) or thin[k] != thin[k - 1]:
            return k
    return None


def _turned_to_bone(tissue: Values, other: Values) -> bool:
    """Whether what is tissue in one slice is denser than bone in the other."""
    dense = (tissue > _TISSUE_HU) & (tissue < _BONE_HU)
    enough = np.count_nonzero(dense) > 0.01 * dense.size
    return bool(enough and np.count_nonzero(other[dense] > _BONE_HU) > _MOST * np.count_nonzero(dense))


def _thinner_than_air(values: Values) -> bool:
    """Whether much of a slice lies below any air, at many values as padding does not."""
    thin = values[values < _THIN_HU]
    return thin.size > _THIN_SHARE * values.size and len(np.unique(thin)) > _LEVELS
