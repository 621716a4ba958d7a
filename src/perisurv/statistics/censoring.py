"""Remaining uncensored: the Kaplan-Meier estimate of G behind every inverse probability of censoring weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perisurv.core import OutcomeError

__all__ = ["Censoring", "CensoringConvention", "censoring_survival"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

CensoringConvention = Literal["R", "scikit-survival"]
GInfluence = Literal["derivative", "martingale"]


@dataclass(frozen=True, slots=True, eq=False)
class Censoring:
    """Kaplan-Meier estimate of the probability of remaining uncensored, G.

    On one day, deaths come before censorings: who dies on the day of a censoring was not at risk of it any more (as in
    R's riskRegression, timeROC and survival, and in scikit-survival).

    Parameters
    ----------
    days
        Distinct times, shape (times,).
    left
        G before the first and after each of them, shape (..., times + 1).
    censored, remaining
        Weight censored, and weight at risk of it and not censored, at each of them, shape (..., times).
    present
        Weight followed up to each of them, its deaths included, shape (..., times).
    """

    days: Floats
    left: Floats
    censored: Floats
    remaining: Floats
    present: Floats

    def place(self, time_days: Floats, convention: CensoringConvention = "R") -> Ints:
        """Index into ``left`` of the G that the weight of a death uses.

        ``"R"`` takes G just before the time of the death, G(t-); ``"scikit-survival"`` G at that time, G(t).
        """
        return np.searchsorted(self.days, time_days, side="left" if convention == "R" else "right")

    def after(self, time_days: Floats | float) -> Ints:
        """Index into ``left`` of G at these times, the censorings of their day included."""
        return np.asarray(np.searchsorted(self.days, time_days, side="right"), dtype=np.intp)

    def influence(
        self, time_days: Floats, event: Bools, by_log_g: Floats, place: Ints, form: GInfluence = "derivative"
    ) -> Floats:
        """Change of a statistic by the share of each patient's weight, as far as it goes through G.

        Parameters
        ----------
        time_days, event
            The patients that G was estimated on, shape (n,).
        by_log_g
            Derivatives of the statistic by log G, shape (k,), and
        place
            the indices into ``left`` at which it uses G, shape (k,).
        form
            ``"derivative"``: of this estimate, to the last digit; ``"martingale"``: as riskRegression, which takes all
            who are present on a day as at risk of its censorings, its deaths too, and the hazard of Nelson and Aalen.
            They differ by ties and in small samples.

        Returns
        -------
        numpy.ndarray
            Shape (n,); to be multiplied by the patient's case weight.
        """
        # log G at an index is the sum of log(1 - hazard) of all days before it.
        later = np.bincount(place, weights=by_log_g, minlength=len(self.left))[::-1].cumsum()[::-1][1:]
        exact = form == "derivative"
        at_risk = self.censored + self.remaining if exact else self.present
        pull = _ratio(later, self.remaining if exact else self.present)
        compensator = np.append(0.0, np.cumsum(_ratio(self.censored, at_risk) * pull))
        own = np.searchsorted(self.days, time_days)
        # At risk of censoring on every day before the own one; on that one if censored, or present is enough.
        until = own + (~event if exact else 1)
        change: Floats = compensator[until] - np.where(event, 0.0, pull[own])
        return change


def censoring_survival(time_days: Floats, event: Bools, weight: Floats | None = None) -> Censoring:
    """Kaplan-Meier estimate of remaining uncensored.

    Parameters
    ----------
    time_days, event
        Follow-up in days and whether it ended in death, shape (n,).
    weight
        Case weights >= 0, shape (n,), or of several resamples at once, (resamples, n); None: all 1.

    Raises
    ------
    OutcomeError
        If there is no patient, or the weights do not fit the patients.
    """
    n = len(time_days)
    weights = np.ones(n) if weight is None else np.asarray(weight, dtype=float)
    if n == 0 or weights.shape[-1] != n:
        raise OutcomeError(f"G needs patients and one weight for each: {n} patients, {weights.shape[-1]} weights.")
    order = np.lexsort((event, time_days))
    days, starts = np.unique(time_days[order], return_index=True)
    total = np.add.reduceat(weights[..., order], starts, axis=-1)
    deaths = np.add.reduceat((weights * event)[..., order], starts, axis=-1)
    at_risk = total[..., ::-1].cumsum(axis=-1)[..., ::-1] - deaths
    censored = total - deaths
    kept = np.cumprod(1.0 - _ratio(censored, at_risk), axis=-1)
    left: Floats = np.concatenate([np.ones((*kept.shape[:-1], 1)), kept], axis=-1).astype(float)
    return Censoring(days, left, censored, at_risk - censored, at_risk + deaths)


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return ratio
