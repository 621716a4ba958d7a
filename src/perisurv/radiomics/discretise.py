"""Intensities to grey levels 1, 2, ... (IBSI section 2.7): where the bins lie."""

from __future__ import annotations

import numpy as np

from perisurv.core import FeatureError
from perisurv.radiomics.raster import MAX_LEVELS, Bins

__all__ = ["fixed_bin_number", "fixed_bin_size"]


def fixed_bin_size(width: float, lower: float, lowest: float, highest: float) -> Bins:
    """Level ``floor((value - lower) / width) + 1`` (IBSI code Q3RU).

    Parameters
    ----------
    width
        Width of every bin.
    lower
        Start of the first bin.
    lowest, highest
        Range of the values.

    Raises
    ------
    FeatureError
        If the width is not positive, a value lies below the first bin, or there would be too many levels.
    """
    if not (np.isfinite(width) and width > 0):
        raise FeatureError(f"The bin width must be positive and finite, got {width}.")
    if lowest < lower:
        raise FeatureError(f"Fixed bin size starts at {lower:g}, but there is a value of {lowest:g}.")
    levels = np.floor((float(highest) - lower) / width) + 1
    if levels > MAX_LEVELS:
        raise FeatureError(
            f"Bins of {width:g} from {lower:g} to {highest:g} give {levels:.0f} grey levels; at most {MAX_LEVELS} "
            "can be told apart in a texture: choose wider bins or a fixed number of them."
        )
    return lower, 1.0, width, int(levels)


def fixed_bin_number(number: int, lowest: float, highest: float) -> Bins:
    """Levels 1 to ``number`` of equal width over the range of the values (IBSI code K15C); a constant gives level 1.

    Raises
    ------
    FeatureError
        If the number does not lie within 1..4096.
    """
    if not 1 <= number <= MAX_LEVELS:
        raise FeatureError(f"The number of bins must lie within 1..{MAX_LEVELS}, got {number}.")
    if highest <= lowest:
        return lowest, 0.0, 1.0, 1
    return lowest, float(number), float(highest) - lowest, number
