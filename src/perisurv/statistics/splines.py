"""Restricted cubic splines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import SettingsError

__all__ = ["restricted_cubic_spline", "spline_knots"]

Floats = NDArray[np.float64]

# Harrell, Regression Modeling Strategies, table 2.3
QUANTILES = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}
FEW = 100  # patients; below, the outer knots are the fifth smallest and largest value


def spline_knots(values: Floats, count: int) -> Floats:
    """Knots at Harrell's quantiles, as R's ``rms::rcs``.

    Returns
    -------
    numpy.ndarray
        Shape (count,); empty where fewer values than knots differ, or fewer than three knots do, so that a straight
        line is left.

    Raises
    ------
    SettingsError
        If the number of knots is not 3, 4 or 5.
    """
    if count not in QUANTILES:
        raise SettingsError(f"A restricted cubic spline takes 3, 4 or 5 knots here; got {count!r}.")
    if len(np.unique(values)) < count:  # as many columns as distinct values at most
        return np.zeros(0)
    knots = np.quantile(values, QUANTILES[count])
    if 10 <= len(values) < FEW:
        ordered = np.sort(values)
        knots[0], knots[-1] = ordered[4], ordered[-5]
    knots = np.unique(knots)
    return knots if len(knots) >= 3 else np.zeros(0)


def restricted_cubic_spline(values: Floats, knots: Floats) -> Floats:
    """Basis of a cubic spline that is linear beyond the outer knots, shape (values, knots - 1).

    First column the values themselves, then the truncated powers of Stone and Koo (1985) over the squared distance of
    the outer knots. Without knots the values alone, shape (values, 1).
    """
    if not knots.size:
        return values[:, None]
    last, before = knots[-1], knots[-2]
    cubes = np.maximum(values[:, None] - knots, 0.0) ** 3
    inner = (
        cubes[:, :-2]
        - cubes[:, [-2]] * (last - knots[:-2]) / (last - before)
        + cubes[:, [-1]] * (before - knots[:-2]) / (last - before)
    )
    return np.column_stack([values, inner / (last - knots[0]) ** 2])
