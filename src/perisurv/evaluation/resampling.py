"""Bootstrap over patients: how often each patient stands in each resample, and the interval of what came out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perisurv.core import OutcomeError, SettingsError

__all__ = ["bootstrap_counts", "percentile_interval"]

Floats = NDArray[np.float64]


def bootstrap_counts(
    n: int, resamples: int, rng: np.random.Generator, strata: Sequence[object] | None = None
) -> NDArray[np.int64]:
    """Counts of every patient in every resample.

    Parameters
    ----------
    n
        Patients.
    resamples
        Resamples, at least 2.
    rng
        The same stream gives the same resamples, so that branches can be compared on them.
    strata
        One label a patient, such as the centre: patients are drawn within their stratum. None: all together.

    Returns
    -------
    numpy.ndarray
        Shape (resamples, patients); each row sums to ``n``.

    Raises
    ------
    SettingsError
        If there are too few resamples, or not one stratum a patient.
    """
    if resamples < 2:
        raise SettingsError(f"A bootstrap needs at least 2 resamples, got {resamples}; 1000 are usual.")
    if strata is None:
        return rng.multinomial(n, np.full(n, 1.0 / n), size=resamples)
    if len(strata) != n:
        raise SettingsError(f"The bootstrap needs one stratum a patient: {len(strata)} strata, {n} patients.")
    names = np.array([str(s) for s in strata])
    counts = np.zeros((resamples, n), dtype=np.int64)
    for name in np.unique(names):
        own = np.flatnonzero(names == name)
        counts[:, own] = rng.multinomial(own.size, np.full(own.size, 1.0 / own.size), size=resamples)
    return counts


def percentile_interval(draws: Floats, confidence: float) -> tuple[float, float]:
    """Percentile interval of the draws that are defined (not NaN).

    Raises
    ------
    OutcomeError
        If no draw is defined.
    SettingsError
        If the confidence does not lie between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise SettingsError(f"The confidence of an interval lies between 0 and 1 (such as 0.95), got {confidence:g}.")
    defined = draws[~np.isnan(draws)]
    if defined.size == 0:
        raise OutcomeError("No resample of the patients holds a pair that can be compared, so there is no interval.")
    lower, upper = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(lower), float(upper)
