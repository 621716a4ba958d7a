"""Cumulative incidence of competing causes: the Aalen-Johansen estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perisurv.core import OutcomeError, SettingsError
from perisurv.statistics.kaplan_meier import normal_quantile

__all__ = ["CumulativeIncidence", "IncidenceVariance", "aalen_johansen", "check_causes", "incidence_at"]

Floats = NDArray[np.float64]
Causes = NDArray[np.int64]
IncidenceVariance = Literal["jackknife", "aalen"]

BLOCK = 4_000_000  # numbers held at a time by the jackknife


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeIncidence:
    """Aalen-Johansen estimate at every distinct time.

    Parameters
    ----------
    time_days
        Distinct times, ascending, shape (times,).
    causes
        Codes of the causes, ascending.
    incidence, standard_error, lower, upper
        Probability of having died of each cause by each time, shape (times, causes).
    survival
        Probability of living on, shape (times,); with the incidences it sums to 1.
    at_risk
        Patients at risk at each time, shape (times,).
    """

    time_days: Floats
    causes: tuple[int, ...]
    incidence: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    survival: Floats
    at_risk: Floats

    def at(self, days: ArrayLike, cause: int) -> tuple[Floats, Floats, Floats]:
        """Incidence of one cause and its limits at any times, shape of ``days``.

        NaN beyond the last follow-up, unless everybody has died.

        Raises
        ------
        OutcomeError
            If nobody died of the cause.
        """
        if cause not in self.causes:
            raise OutcomeError(f"Nobody had an event of cause {cause}; causes are {', '.join(map(str, self.causes))}.")
        column = self.causes.index(cause)
        when = np.asarray(days, dtype=float)
        place = np.searchsorted(self.time_days, when, side="right")
        unknown = (when > self.time_days[-1]) & (self.survival[-1] > LIVING)
        curves = (self.incidence, self.lower, self.upper)
        found = [np.where(unknown, np.nan, np.concatenate([[0.0], curve[:, column]])[place]) for curve in curves]
        return found[0], found[1], found[2]


LIVING = 1e-12  # survival above this is not rounding


def check_causes(time: ArrayLike, cause: ArrayLike) -> tuple[Floats, Causes]:
    """Times and whole-number causes (0: censored) of at least one patient.

    Raises
    ------
    OutcomeError
        If lengths differ, there is no patient, a time is not positive and finite, or a cause is no whole number >= 0.
    """
    days, codes = np.asarray(time, dtype=float), np.asarray(cause)
    if days.ndim != 1 or codes.shape != days.shape or not days.size:
        raise OutcomeError(f"Competing risks need one cause a patient: {codes.size} causes, {days.size} times.")
    if not (np.isfinite(days) & (days > 0)).all():
        raise OutcomeError("Times of follow-up must be positive and finite, in days.")
    whole = np.asarray(codes, dtype=float)
    if not (np.isfinite(whole) & (whole >= 0) & (whole == np.round(whole))).all():
        raise OutcomeError("A cause is a whole number: 0 censored, 1, 2, ... the causes of events.")
    return days, whole.astype(np.int64)


def aalen_johansen(
    time_days: ArrayLike,
    cause: ArrayLike,
    confidence: float = 0.95,
    variance: IncidenceVariance = "jackknife",
) -> CumulativeIncidence:
    """Cumulative incidence of every cause.

    Parameters
    ----------
    time_days
        Follow-up, shape (patients,).
    cause
        0: censored; 1, 2, ...: cause of death, shape (patients,).
    confidence
        Coverage of the limits, which are normal on the scale of log(-log(1 - incidence)) and so stay in [0, 1].
    variance
        ``"jackknife"``: infinitesimal jackknife, as R's ``survfit`` of several states. ``"aalen"``: Aalen (1978), as
        ``cmprsk::cuminc``.

    Raises
    ------
    OutcomeError
        If nobody died, or times and causes are not as :func:`check_causes` asks.
    SettingsError
        If the confidence does not lie between 0 and 1, or the variance is unknown.
    """
    z = normal_quantile(confidence)
    time, codes = check_causes(time_days, cause)
    names = tuple(int(c) for c in np.unique(codes[codes > 0]))
    if not names:
        raise OutcomeError("All patients are censored: no event was observed, so there is no cumulative incidence.")
    times, place = np.unique(time, return_inverse=True)
    at_risk, deaths = _counts(place, codes, names, len(times))
    before, survival, incidence = _curves(at_risk, deaths)
    if variance == "jackknife":
        spread = _jackknife(place, codes, names, at_risk, deaths)
    elif variance == "aalen":
        spread = _aalen(at_risk, deaths, before, incidence)
    else:
        raise SettingsError(f"The variance of an incidence is 'jackknife' or 'aalen', got {variance!r}.")
    error = np.sqrt(np.maximum(spread, 0.0))
    lower, upper = _limits(incidence, error, z)
    return CumulativeIncidence(times, names, incidence, error, lower, upper, survival, at_risk)


def incidence_at(
    time: Floats, died: NDArray[np.bool_], event: NDArray[np.bool_], days: float, weight: Floats
) -> Floats:
    """Cumulative incidence of one cause at one time under many weightings, such as the counts of a bootstrap.

    Parameters
    ----------
    time
        Follow-up, shape (patients,).
    died
        Died of any cause, shape (patients,).
    event
        Died of the cause of interest, shape (patients,).
    days
        Time of interest; where the follow-up of a weighting ends before, its last value is carried on.
    weight
        Shape (weightings, patients).

    Returns
    -------
    numpy.ndarray
        Shape (weightings,); 0 where a weighting holds nobody.
    """
    order = np.argsort(time, kind="stable")
    counts = np.asarray(weight, dtype=float)[:, order]
    by_then = time[order] <= days
    if not by_then.any():
        return np.zeros(len(counts))
    starts = np.flatnonzero(np.diff(time[order][by_then], prepend=-np.inf) != 0)
    early = counts[:, by_then]
    leave = np.add.reduceat(early, starts, axis=1)
    at_risk = counts.sum(axis=1, keepdims=True) - (np.cumsum(leave, axis=1) - leave)
    hazards = []
    for which in (died, event):
        deaths = np.add.reduceat(early * which[order][by_then], starts, axis=1)
        hazards.append(np.divide(deaths, at_risk, out=np.zeros_like(deaths), where=deaths > 0))
    after = np.cumprod(1.0 - np.minimum(hazards[0], 1.0), axis=1)
    before = np.concatenate([np.ones((len(counts), 1)), after[:, :-1]], axis=1)
    return np.asarray((before * hazards[1]).sum(axis=1))


def _counts(place: NDArray[np.intp], codes: Causes, names: tuple[int, ...], n: int) -> tuple[Floats, Floats]:
    """At risk (times,) and deaths of each cause (times, causes)."""
    at_risk = np.bincount(place, minlength=n)[::-1].cumsum()[::-1].astype(float)
    deaths = np.column_stack([np.bincount(place[codes == c], minlength=n) for c in names]).astype(float)
    return at_risk, deaths


def _curves(at_risk: Floats, deaths: Floats) -> tuple[Floats, Floats, Floats]:
    """Survival before and after each time (times,), and incidences (times, causes)."""
    survival = np.cumprod(1.0 - deaths.sum(axis=1) / at_risk)
    before = np.concatenate([[1.0], survival[:-1]])
    return before, survival, np.cumsum(before[:, None] * deaths / at_risk[:, None], axis=0)


def _jackknife(
    place: NDArray[np.intp], codes: Causes, names: tuple[int, ...], at_risk: Floats, deaths: Floats
) -> Floats:
    """Sum over patients of the squared derivative of each incidence by the patient's weight, shape (times, causes)."""
    total = deaths.sum(axis=1)
    before = _curves(at_risk, deaths)[0]
    step = np.divide(1.0, at_risk - total, out=np.zeros_like(at_risk), where=at_risk > total)
    grid = np.arange(len(at_risk))
    spread = np.zeros(deaths.shape)
    for rows in np.array_split(np.arange(len(place)), max(1, len(place) * len(grid) // BLOCK)):
        under = grid <= place[rows, None]
        own = grid == place[rows, None]
        dead = own & (codes[rows] > 0)[:, None]
        # d log S: each patient at risk lowers the hazard, the patient's own death raises it.
        of_log = np.cumsum((under * (total / at_risk) - dead) * step, axis=1)
        of_before = before * np.concatenate([np.zeros((len(rows), 1)), of_log[:, :-1]], axis=1)
        for column, cause in enumerate(names):
            hit = own & (codes[rows] == cause)[:, None]
            hazard = deaths[:, column] / at_risk
            of_hazard = (hit - under * hazard) / at_risk
            influence = np.cumsum(of_before * hazard + before * of_hazard, axis=1)
            spread[:, column] += (influence**2).sum(axis=0)
    return spread


def _aalen(at_risk: Floats, deaths: Floats, before: Floats, incidence: Floats) -> Floats:
    """Sum of the martingale variance of each incidence, hypergeometric at ties, shape (times, causes)."""
    n, total = at_risk[:, None], deaths.sum(axis=1)[:, None]
    fewer = n**2 * np.maximum(n - 1, 1)
    own = deaths * (n - deaths) / fewer
    others = sum((deaths[:, [k]] * (n - deaths[:, [k]]) / fewer for k in range(deaths.shape[1])), np.zeros_like(n))
    ratio = np.divide(n, n - total, out=np.zeros_like(n), where=n > total)
    both = ratio**2 * others
    mixed = before[:, None] * ratio * own
    # sum over s <= t of (S - (F(t) - F(s)) r)^2 own + ((F(t) - F(s)) r)^2 others, from sums of F^2, F and 1
    a0, a1, a2 = (np.cumsum(both * incidence**k, axis=0) for k in range(3))
    c0, c1 = (np.cumsum(mixed * incidence**k, axis=0) for k in range(2))
    alone = np.cumsum(before[:, None] ** 2 * own, axis=0)
    return np.asarray(alone - 2 * (incidence * c0 - c1) + incidence**2 * a0 - 2 * incidence * a1 + a2)


def _limits(incidence: Floats, error: Floats, z: float) -> tuple[Floats, Floats]:
    inside = (incidence > 0) & (incidence < 1)
    share = np.where(inside, incidence, 0.5)
    log = np.log1p(-share)
    width = z * error / ((1 - share) * -log)
    lower, upper = -np.expm1(log * np.exp(-width)), -np.expm1(log * np.exp(width))
    return np.where(inside, lower, incidence), np.where(inside, upper, incidence)
