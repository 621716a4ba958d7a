"""Intensity-volume histogram: how much of a region is at least this bright (IBSI 3.5, family P88C)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["intensity_volume"]

Floats = NDArray[np.float64]


def intensity_volume(
    ascending: NDArray[np.float32], bin_width: float, bins: int, value_range: tuple[float, float]
) -> Floats:
    """The seven features in the order of the catalogue.

    Parameters
    ----------
    ascending
        Intensities of the region, at least one.
    bin_width
        Fixed bin size; 0: steps of one unit, as the whole HU of a CT have.
    bins
        Fixed number of bins over the range of the values; its features are grey levels. 0: fixed bin size.
    value_range
        Re-segmentation range, which a fixed bin size spans; infinite ends: the range of the values.

    Returns
    -------
    ndarray
        Volume fractions at 10 % and 90 % of the range, intensities that 10 % and 90 % of the volume reach, both
        differences, area under the curve. A region of one intensity has an area of 1.
    """
    intensity, fraction = _curve(ascending, bin_width, bins, value_range)
    reach = intensity[-1] - intensity[0]
    relative = (intensity - intensity[0]) / reach if reach > 0 else np.zeros(1)
    v10, v90 = (fraction[np.searchsorted(relative, share - 1e-9)] if reach > 0 else 1.0 for share in (0.1, 0.9))
    i10, i90 = (_reached(intensity, fraction, share) for share in (0.1, 0.9))
    area = float(np.trapezoid(fraction, relative)) if reach > 0 else 1.0
    return np.array([v10, v90, i10, i90, v10 - v90, i10 - i90, area])


def _curve(
    ascending: NDArray[np.float32], bin_width: float, bins: int, value_range: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Intensities, and the share of the volume that is at least as bright as each."""
    x = ascending.astype(np.float64)
    low, high = (end if np.isfinite(end) else value for end, value in zip(value_range, (x[0], x[-1]), strict=True))
    if bins:
        spread = x[-1] - x[0]
        x = np.minimum(np.floor(bins * (x - x[0]) / spread) + 1, bins) if spread > 0 else np.ones_like(x)
        intensity = np.arange(1.0, x[-1] + 1)
    elif bin_width:
        n = int(np.ceil((high - low) / bin_width - 1e-9))
        intensity = low + (np.arange(max(n, 1)) + 0.5) * bin_width
        x = intensity[np.clip(np.floor((x - low) / bin_width).astype(int), 0, intensity.size - 1)]
    else:
        intensity = np.arange(low, high + 0.5)
    return intensity, 1.0 - np.searchsorted(x, intensity, side="left") / x.size


def _reached(intensity: Floats, fraction: Floats, share: float) -> float:
    """Lowest intensity that at most this share of the volume reaches; the highest one if more do everywhere."""
    below = np.flatnonzero(fraction <= share)
    return float(intensity[below[0]] if below.size else intensity[-1])
