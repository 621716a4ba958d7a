"""First-order statistics of the intensities (IBSI 3.3, family UHIW)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["quantiles", "statistics"]

Floats = NDArray[np.float64]


def statistics(values: NDArray[np.floating] | NDArray[np.integer]) -> Floats:
    """The eighteen statistics in the order of the catalogue.

    Parameters
    ----------
    values
        Intensities of the region, ascending, at least one.

    Returns
    -------
    ndarray
        Skewness and kurtosis of a constant are 0 (IBSI); the coefficients of variation and of dispersion are NaN where
        they divide by zero, the robust deviation where no value lies between the percentiles (two unequal voxels).
    """
    from perisurv.radiomics.kernels.formulae import moments  # noqa: PLC0415 (numba, only here)

    x = np.ascontiguousarray(values, dtype=np.float32)
    p10, p25, median, p75, p90 = quantiles(x, (0.1, 0.25, 0.5, 0.75, 0.9))
    mean, variance, third, fourth, mad, rmad, medad, square = moments(x, median, p10, p90)
    first, last = float(x[0]), float(x[-1])
    return np.array(
        [
            mean,
            variance,
            third / variance**1.5 if variance > 0 else 0.0,
            fourth / variance**2 - 3.0 if variance > 0 else 0.0,
            median,
            first,
            p10,
            p90,
            last,
            p75 - p25,
            last - first,
            mad,
            rmad,
            medad,
            np.sqrt(variance) / mean if mean != 0 else np.nan,
            (p75 - p25) / (p75 + p25) if p75 + p25 != 0 else np.nan,
            square * x.size,
            np.sqrt(square),
        ]
    )


def quantiles(x: NDArray[np.float32], shares: tuple[float, ...]) -> Floats:
    """Quantiles of ascending values, linear between two of them."""
    where = np.array(shares) * (x.size - 1)
    below = np.floor(where).astype(int)
    above = np.minimum(below + 1, x.size - 1)
    low, high = x[below].astype(float), x[above].astype(float)
    return np.asarray(low + (high - low) * (where - below))
