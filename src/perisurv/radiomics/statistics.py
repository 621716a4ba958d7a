"""First-order statistics of the intensities (IBSI 3.3, family UHIW)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["statistics"]


def statistics(values: NDArray[np.floating]) -> tuple[float, ...]:
    """The eighteen statistics in the order of the catalogue.

    Parameters
    ----------
    values
        Intensities of the region, any order, at least one.

    Returns
    -------
    tuple
        Skewness and kurtosis of a constant are 0 (IBSI); the coefficients of variation and of dispersion are NaN where
        they divide by zero.
    """
    x = np.sort(np.asarray(values, dtype=float), axis=None)
    # The mean of a constant may differ from it by rounding, which skewness and kurtosis would blow up.
    mean = x.mean() if x[0] < x[-1] else x[0]
    median = float(np.median(x))
    centred = x - mean
    variance = (centred**2).mean()
    p10, p25, p75, p90 = np.percentile(x, (10, 25, 75, 90))
    robust = x[(x >= p10) & (x <= p90)]
    return (
        float(mean),
        float(variance),
        float((centred**3).mean() / variance**1.5) if variance > 0 else 0.0,
        float((centred**4).mean() / variance**2 - 3.0) if variance > 0 else 0.0,
        median,
        float(x[0]),
        float(p10),
        float(p90),
        float(x[-1]),
        float(p75 - p25),
        float(x[-1] - x[0]),
        float(np.abs(centred).mean()),
        float(np.abs(robust - robust.mean()).mean()),
        float(np.abs(x - median).mean()),
        float(np.sqrt(variance) / mean) if mean != 0 else float("nan"),
        float((p75 - p25) / (p75 + p25)) if p75 + p25 != 0 else float("nan"),
        float((x**2).sum()),
        float(np.sqrt((x**2).mean())),
    )
