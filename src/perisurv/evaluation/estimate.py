"""An estimate with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perisurv.evaluation.resampling import percentile_interval
from perisurv.statistics import normal_quantile

__all__ = ["Estimate", "bootstrap_estimate", "log_normal_estimate", "normal_estimate"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval.

    Parameters
    ----------
    value
        The estimate.
    standard_error
        Of the value; of its logarithm for a ratio.
    lower, upper
        Limits of the interval.
    p
        Two-sided, against no effect (0, or 1 for a ratio); None where the standard error is 0 or no test is defined.
    """

    value: float
    standard_error: float
    lower: float
    upper: float
    p: float | None = None


def normal_estimate(value: float, error: float, confidence: float, null: float = 0.0) -> Estimate:
    """Estimate with a normal interval, tested against ``null``."""
    half = normal_quantile(confidence) * error
    p = float(2 * norm.sf(abs(value - null) / error)) if error > 0 else None
    return Estimate(float(value), float(error), float(value - half), float(value + half), p)


def log_normal_estimate(log_value: float, error: float, confidence: float) -> Estimate:
    """Ratio whose logarithm has a normal interval, tested against 1."""
    found = normal_estimate(log_value, error, confidence)
    return Estimate(math.exp(log_value), found.standard_error, math.exp(found.lower), math.exp(found.upper), found.p)


def bootstrap_estimate(value: float, draws: Floats, confidence: float) -> Estimate:
    """Estimate with the percentile interval of its bootstrap draws (not NaN); the standard error is theirs."""
    lower, upper = percentile_interval(draws, confidence)
    return Estimate(float(value), float(np.nanstd(draws, ddof=1)), lower, upper)
