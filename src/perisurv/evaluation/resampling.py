"""Bootstrap over patients: how often each patient stands in each resample, and the interval of what came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perisurv.core import FeatureError, Outcome, OutcomeError, SettingsError

__all__ = ["bca_interval", "bootstrap_blocks", "bootstrap_counts", "by_patient", "percentile_interval"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

BLOCK = 1 << 22  # counts that are held at once


def bootstrap_counts(
    n: int, resamples: int, rng: np.random.Generator, strata: Sequence[object] | None = None
) -> Counts:
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
    return np.concatenate(list(bootstrap_blocks(n, resamples, rng, strata)))


def bootstrap_blocks(
    n: int, resamples: int, rng: np.random.Generator, strata: Sequence[object] | None = None
) -> Iterator[Counts]:
    """The rows of :func:`bootstrap_counts` a few at a time, so that memory does not grow with the resamples."""
    if resamples < 2:
        raise SettingsError(f"A bootstrap needs at least 2 resamples, got {resamples}; 1000 are usual.")
    if strata is not None and len(strata) != n:
        raise SettingsError(f"The bootstrap needs one stratum a patient: {len(strata)} strata, {n} patients.")
    groups = [np.arange(n)] if strata is None else _groups(strata)
    rows = max(BLOCK // max(n, 1), 1)
    return (_draw(groups, n, min(rows, resamples - done), rng) for done in range(0, resamples, rows))


def by_patient(
    outcome: Outcome, *risks: Floats, strata: Sequence[object] | None = None
) -> tuple[Outcome, tuple[Floats, ...], list[object] | None]:
    """Follow-up, risks and strata in the order of the pseudonyms, so that no order of rows changes the resamples.

    Raises
    ------
    FeatureError
        If there is not one risk a patient.
    SettingsError
        If there is not one stratum a patient.
    """
    n = len(outcome)
    for risk in risks:
        if np.shape(risk) != (n,):
            raise FeatureError(f"A score needs one risk a patient: {np.size(risk)} risks, {n} patients.")
    if strata is not None and len(strata) != n:
        raise SettingsError(f"The bootstrap needs one stratum a patient: {len(strata)} strata, {n} patients.")
    rows = sorted(range(n), key=outcome.patients.__getitem__)
    ordered = Outcome(tuple(outcome.patients[row] for row in rows), outcome.time_days[rows], outcome.event[rows])
    labels = None if strata is None else [strata[row] for row in rows]
    return ordered, tuple(np.asarray(risk)[rows] for risk in risks), labels


def _groups(strata: Sequence[object]) -> list[NDArray[np.intp]]:
    names = np.array([str(s) for s in strata])
    return [np.flatnonzero(names == name) for name in np.unique(names)]


def _draw(groups: list[NDArray[np.intp]], n: int, resamples: int, rng: np.random.Generator) -> Counts:
    counts = np.zeros((resamples, n), dtype=np.int64)
    for own in groups:
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
    defined = _defined(draws, confidence)
    lower, upper = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(lower), float(upper)


def bca_interval(
    draws: Floats,
    estimate: float,
    without_each: Floats,
    confidence: float = 0.95,
    strata: Sequence[object] | None = None,
) -> tuple[float, float]:
    """Bootstrap interval corrected for bias and acceleration (BCa).

    Parameters
    ----------
    draws
        The statistic in each resample; those that are not defined (NaN) are left out.
    estimate
        The statistic of the patients themselves.
    without_each
        The statistic without each patient in turn, shape (patients,): the jackknife gives the acceleration.
    confidence
        Coverage.
    strata
        One label a patient, if the resamples were drawn within strata.

    Raises
    ------
    OutcomeError, SettingsError
        As :func:`percentile_interval`.

    References
    ----------
    Efron, J Am Stat Assoc 82 (1987) 171; strata: Davison and Hinkley, Bootstrap Methods (1997), section 5.3.
    """
    defined = _defined(draws, confidence)
    below = (np.count_nonzero(defined < estimate) + 0.5 * np.count_nonzero(defined == estimate)) / defined.size
    edge = 0.5 / defined.size
    bias = float(norm.ppf(min(max(below, edge), 1 - edge)))
    acceleration = _acceleration(without_each, strata)
    shifted = bias + norm.ppf([(1 - confidence) / 2, (1 + confidence) / 2])
    # Past its pole the correction has left the range of the draws.
    room = np.maximum(1 - acceleration * shifted, 1e-12)
    lower, upper = np.quantile(defined, norm.cdf(bias + shifted / room))
    return float(lower), float(upper)


def _acceleration(without_each: Floats, strata: Sequence[object] | None) -> float:
    """Skewness of the influence of single patients."""
    groups = [np.arange(without_each.size)] if strata is None else _groups(strata)
    cubes = squares = 0.0
    for own in groups:
        values = without_each[own][~np.isnan(without_each[own])]
        if values.size > 1:
            influence = (values.size - 1) * (values.mean() - values)
            cubes += float((influence**3).sum()) / values.size**3
            squares += float((influence**2).sum()) / values.size**2
    return cubes / (6 * squares**1.5) if squares > 0 else 0.0


def _defined(draws: Floats, confidence: float) -> Floats:
    if not 0 < confidence < 1:
        raise SettingsError(f"The confidence of an interval lies between 0 and 1 (such as 0.95), got {confidence:g}.")
    defined = draws[~np.isnan(draws)]
    if defined.size == 0:
        raise OutcomeError("No resample of the patients holds a pair that can be compared, so there is no interval.")
    return defined
