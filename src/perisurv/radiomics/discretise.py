"""Intensities to grey levels 1, 2, ... (IBSI section 2.7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import FeatureError

__all__ = ["fixed_bin_number", "fixed_bin_size"]

Levels = NDArray[np.int32]


def fixed_bin_size(values: NDArray[np.floating], width: float, lower: float) -> Levels:
    """Level ``floor((value - lower) / width) + 1`` (IBSI code Q3RU); ``lower`` is the start of the first bin.

    Raises
    ------
    FeatureError
        If the width is not positive or a value lies below ``lower``.
    """
    if width <= 0:
        raise FeatureError(f"The bin width must be positive, got {width}.")
    if values.size and values.min() < lower:
        raise FeatureError(f"Fixed bin size starts at {lower:g}, but there is a value of {values.min():g}.")
    return (np.floor((values.astype(float) - lower) / width) + 1).astype(np.int32)


def fixed_bin_number(values: NDArray[np.floating], bins: int) -> Levels:
    """Levels 1 to ``bins`` of equal width over the range of the values (IBSI code K15C); a constant gives level 1."""
    if bins < 1:
        raise FeatureError(f"The number of bins must be at least 1, got {bins}.")
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if high <= low:
        return np.ones(values.shape, dtype=np.int32)
    scaled = np.floor(bins * (values.astype(float) - low) / (high - low)) + 1
    return np.asarray(np.minimum(scaled, bins), dtype=np.int32)
