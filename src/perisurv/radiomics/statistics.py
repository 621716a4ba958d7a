"""First-order statistics of the intensities (IBSI 3.3, family UHIW)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["statistics"]


def statistics(values: NDArray[np.floating] | NDArray[np.integer]) -> tuple[float, ...]:
    """The eighteen statistics in the order of the catalogue.

    Parameters
    ----------
    values
        Intensities of the region, any order, at least one.

    Returns
    -------
    tuple
        Skewness and kurtosis of a constant are 0 (IBSI); the coefficients of variation and of dispersion are NaN where
        they divide by zero, the robust deviation where no value lies between the percentiles (two unequal voxels).
    """
    x = np.sort(values, axis=None).astype(float)
    # The mean of a constant may differ from it by rounding, which skewness and kurtosis would blow up.
    mean = x.mean() if x[0] < x[-1] else x[0]
    p10, p25, median, p75, p90 = _quantiles(x, (0.1, 0.25, 0.5, 0.75, 0.9))
    centred = x - mean
    squared = centred**2
    variance = squared.mean()
    robust = x[(x >= p10) & (x <= p90)]
    return (
        float(mean),
        float(variance),
        float((squared * centred).mean() / variance**1.5) if variance > 0 else 0.0,
        float((squared**2).mean() / variance**2 - 3.0) if variance > 0 else 0.0,
        median,
        float(x[0]),
        p10,
        p90,
        float(x[-1]),
        p75 - p25,
        float(x[-1] - x[0]),
        float(np.abs(centred).mean()),
        float(np.abs(robust - robust.mean()).mean()) if robust.size else float("nan"),
        float(np.abs(x - median).mean()),
        float(np.sqrt(variance) / mean) if mean != 0 else float("nan"),
        (p75 - p25) / (p75 + p25) if p75 + p25 != 0 else float("nan"),
        float((x**2).sum()),
        float(np.sqrt((x**2).mean())),
    )


def _quantiles(x: NDArray[np.float64], shares: tuple[float, ...]) -> list[float]:
    """Quantiles of sorted values, linear between two of them."""
    where = np.array(shares) * (x.size - 1)
    return [float(q) for q in np.interp(where, np.arange(x.size), x)]
