"""Numbers at risk and the Kaplan-Meier estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from perisurv.core import Outcome, OutcomeError, SettingsError

__all__ = [
    "ConfidenceType",
    "KaplanMeier",
    "SurvivalQuantile",
    "kaplan_meier",
    "life_table",
    "normal_quantile",
    "survival_at",
]

Floats = NDArray[np.float64]
ConfidenceType = Literal["log", "log-log", "plain"]

LEVEL = 1e-9  # survival this near to a level lies on it


@dataclass(frozen=True, slots=True)
class SurvivalQuantile:
    """Time by which a share of the patients has died, days; None where the curve does not fall that far."""

    share: float
    days: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, eq=False)
class KaplanMeier:
    """Kaplan-Meier estimate at every distinct time, with Greenwood intervals.

    Parameters
    ----------
    time_days
        Distinct times of death or censoring, ascending, shape (times,).
    survival, lower, upper
        Probability of living on beyond each time and its pointwise limits, shape (times,).
    at_risk
        Patients (or their weights) at risk at each time, shape (times,).
    deaths
        Patients (or their weights) who die at each time, shape (times,).
    standard_error
        Of the survival, by Greenwood's formula; 0 where nobody is left alive (R gives none), shape (times,).
    """

    time_days: Floats
    survival: Floats
    lower: Floats
    upper: Floats
    at_risk: Floats
    deaths: Floats
    standard_error: Floats

    def at(self, days: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Survival and its limits at any times.

        Returns
        -------
        tuple
            Survival, lower and upper limit, each of the shape of ``days``. NaN beyond the last follow-up, where the
            curve is not defined unless everybody has died.
        """
        when = np.asarray(days, dtype=float)
        place = np.searchsorted(self.time_days, when, side="right")
        unknown = (when > self.time_days[-1]) & (self.survival[-1] > 0)
        curves = (self.survival, self.lower, self.upper)
        found = [np.where(unknown, np.nan, np.concatenate([[1.0], curve])[place]) for curve in curves]
        return found[0], found[1], found[2]

    def numbers_at_risk(self, days: ArrayLike) -> Floats:
        """Patients (or weights) still followed at these times, shape of ``days``."""
        place = np.searchsorted(self.time_days, np.asarray(days, dtype=float), side="left")
        return np.append(self.at_risk, 0.0)[place]

    def quantile(self, share: float) -> SurvivalQuantile:
        """Time by which this share has died, with the interval of Brookmeyer and Crowley (1982).

        As R's ``quantile(survfit(...))``: where the curve is level at ``1 - share``, the middle of that level. The
        limits are the times at which the limits of the curve fall that far.

        Raises
        ------
        SettingsError
            If the share does not lie between 0 and 1.
        """
        if not 0 < share < 1:
            raise SettingsError(f"A quantile of survival needs a share between 0 and 1 (0.5: median), got {share:g}.")
        days, lower, upper = (
            _crossing(self.time_days, curve, 1 - share) for curve in (self.survival, self.lower, self.upper)
        )
        return SurvivalQuantile(share, days, lower, upper)

    @property
    def median(self) -> SurvivalQuantile:
        """Median survival with its interval."""
        return self.quantile(0.5)


def kaplan_meier(
    outcome: Outcome,
    confidence: float = 0.95,
    conf_type: ConfidenceType = "log",
    weight: Floats | None = None,
) -> KaplanMeier:
    """Kaplan-Meier estimate of survival with Greenwood's variance.

    As R's ``survfit`` with the same ``conf.type``; where nobody is left alive, both limits are 0 (R gives none).

    Parameters
    ----------
    outcome
        Follow-up.
    confidence
        Coverage of the pointwise limits.
    conf_type
        Scale on which the limits are symmetric: of log S (R's default), of log(-log S), or of S itself.
    weight
        How many patients each one stands for, >= 0, shape (patients,); a weight of 2 is the patient twice, also in
        the variance. None: all 1.

    Raises
    ------
    OutcomeError
        If there is no patient, or weights are negative, not finite or all zero.
    SettingsError
        If the confidence does not lie between 0 and 1.
    """
    z = normal_quantile(confidence)
    time, event, given = outcome.time_days, outcome.event, None
    if weight is not None:
        kept = _checked(weight, len(outcome)) > 0
        time, event, given = time[kept], event[kept], np.asarray(weight, dtype=float)[kept]
    if not time.size:
        raise OutcomeError("A Kaplan-Meier curve needs a patient of positive weight; there is none.")
    times, at_risk, deaths = life_table(time, event, weight=given)
    survival: Floats = np.cumprod(1.0 - deaths / at_risk).astype(float)
    survival[np.flatnonzero(deaths >= at_risk)] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        of_log = np.sqrt(np.cumsum(deaths / (at_risk * (at_risk - deaths))))
        error = np.where(survival > 0, survival * of_log, 0.0)
        lower, upper = _limits(survival, of_log, z, conf_type)
    return KaplanMeier(times, survival, lower, upper, at_risk, deaths, error)


def life_table(
    time: Floats,
    event: NDArray[np.bool_],
    within: NDArray[np.bool_] | None = None,
    weight: Floats | None = None,
) -> tuple[Floats, Floats, Floats]:
    """Distinct times of all patients; how many (of those within a group) are at risk and die there, shape (times,)."""
    times = np.unique(time)
    inside = np.ones(time.size, dtype=bool) if within is None else within
    place = np.searchsorted(times, time)
    count = np.ones(time.size) if weight is None else weight
    leave = np.bincount(place[inside], count[inside], minlength=times.size)
    deaths = np.bincount(place[inside & event], count[inside & event], minlength=times.size)
    at_risk = leave[::-1].cumsum()[::-1]
    return times, at_risk.astype(float), deaths.astype(float)


def survival_at(time: Floats, event: NDArray[np.bool_], days: float, weight: Floats) -> Floats:
    """Kaplan-Meier survival at one time under many weightings, such as the counts of a bootstrap.

    Parameters
    ----------
    time, event
        Follow-up, shape (patients,).
    days
        Time of interest; where the follow-up of a weighting ends before, its last value is carried on.
    weight
        Shape (weightings, patients).

    Returns
    -------
    numpy.ndarray
        Shape (weightings,); 1 where a weighting holds nobody.
    """
    order = np.argsort(time, kind="stable")
    deaths_by = (event & (time <= days))[order]
    if not deaths_by.any():
        return np.ones(len(weight))
    last = int(np.flatnonzero(deaths_by)[-1]) + 1
    days_of = time[order[:last]]
    starts = np.flatnonzero(np.diff(days_of, prepend=-np.inf) != 0)
    counts = np.asarray(weight, dtype=float)
    early = counts[:, order[:last]]
    deaths = np.add.reduceat(early * deaths_by[:last], starts, axis=1)
    leave = np.add.reduceat(early, starts, axis=1)
    at_risk = counts.sum(axis=1, keepdims=True) - (np.cumsum(leave, axis=1) - leave)
    # Weights are sums of whole numbers in a bootstrap; elsewhere rounding must not take a hazard beyond 1.
    alive = 1.0 - np.minimum(np.divide(deaths, at_risk, out=np.zeros_like(deaths), where=deaths > 0), 1.0)
    survival: Floats = np.prod(alive, axis=1)
    return survival


def normal_quantile(confidence: float) -> float:
    """Half width, in standard errors, of a normal interval of this coverage.

    Raises
    ------
    SettingsError
        If the confidence does not lie between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise SettingsError(f"The confidence of an interval lies between 0 and 1 (such as 0.95), got {confidence:g}.")
    return float(norm.ppf((1 + confidence) / 2))


def _checked(weight: Floats, n: int) -> Floats:
    values = np.asarray(weight, dtype=float)
    if values.shape != (n,) or not np.isfinite(values).all() or (values < 0).any():
        raise OutcomeError(f"Case weights must be finite and not negative, one for each of the {n} patients.")
    return values


def _limits(survival: Floats, of_log: Floats, z: float, conf_type: ConfidenceType) -> tuple[Floats, Floats]:
    """Limits from the standard error of log S; the curve itself where it is 0 or 1."""
    if conf_type == "log":
        lower, upper = survival * np.exp(-z * of_log), survival * np.exp(z * of_log)
    elif conf_type == "plain":
        lower, upper = survival * (1 - z * of_log), survival * (1 + z * of_log)
    elif conf_type == "log-log":
        log = np.log(survival)
        lower, upper = survival ** np.exp(-z * of_log / log), survival ** np.exp(z * of_log / log)
    else:
        raise SettingsError(f"conf_type is 'log', 'log-log' or 'plain', got {conf_type!r}.")
    certain = (survival <= 0) | (survival >= 1)
    low = np.where(certain, survival, np.clip(lower, 0.0, 1.0))
    return low, np.where(certain, survival, np.clip(upper, 0.0, 1.0))


def _crossing(times: Floats, curve: Floats, level: float) -> float | None:
    """First time at which a falling curve lies at the level or below; the middle of a piece that lies on it."""
    below = np.flatnonzero(curve <= level + LEVEL)
    if not below.size:
        return None
    first = below[0]
    if curve[first] < level - LEVEL:
        return float(times[first])
    after = np.flatnonzero(curve < level - LEVEL)
    return float((times[first] + times[after[0] if after.size else -1]) / 2)
