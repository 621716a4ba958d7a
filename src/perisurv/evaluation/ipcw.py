"""Inverse probability of censoring weights of a status at a horizon: dead by then, alive beyond, unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Outcome, OutcomeError, SettingsError
from perisurv.statistics import Censoring, CensoringConvention, censoring_survival

__all__ = ["HorizonWeights", "IpcwPatients", "ascending", "spread"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class HorizonWeights:
    """Who is known at one horizon, in the order of :class:`IpcwPatients`.

    Parameters
    ----------
    case, control
        Dead by the horizon; followed beyond it. Shape (n,).
    weight
        Case weight / G for these, 0 for patients whose status is unknown, shape (n,).
    place
        Index into G of each weight, shape (n,).
    """

    case: Bools
    control: Bools
    weight: Floats
    place: Ints


@dataclass(frozen=True, slots=True, eq=False)
class IpcwPatients:
    """Scored patients in an order of their own, with G.

    Parameters
    ----------
    order
        Positions in the outcome by time, event, key and weight: whatever the order in which the patients come, sums
        are equal to the bit. Shape (n,).
    time_days, event, weight
        In that order.
    g
        Of remaining uncensored.
    own_g
        Whether G was estimated on these patients; otherwise it is taken as known.
    convention
        At which time G weighs a death.
    """

    order: Ints
    time_days: Floats
    event: Bools
    weight: Floats
    g: Censoring
    own_g: bool
    convention: CensoringConvention

    @classmethod
    def of(
        cls,
        outcome: Outcome,
        key: tuple[Floats, ...],
        convention: CensoringConvention,
        censoring: Outcome | None,
        weight: Floats | None,
    ) -> IpcwPatients:
        """Sort the patients and estimate G.

        Parameters
        ----------
        outcome
            Follow-up of the scored patients.
        key
            What else tells patients apart, such as the risk, each (n,).
        convention
            ``"R"``: a death at T weighs 1 / G(T-) (riskRegression, timeROC); ``"scikit-survival"``: 1 / G(T).
        censoring
            Patients that G is estimated on; None: the scored ones.
        weight
            Case weights; None: all 1.

        Raises
        ------
        OutcomeError
            If the weights do not fit the patients.
        SettingsError
            If the convention is unknown.
        """
        if convention not in ("R", "scikit-survival"):
            raise SettingsError(
                f"The convention of inverse probability weights is 'R' or 'scikit-survival', got {convention!r}."
            )
        n = len(outcome)
        weights = np.ones(n) if weight is None else np.asarray(weight, dtype=float)
        if weights.shape != (n,) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
            raise OutcomeError(f"Case weights must be finite and not negative, one for each of the {n} patients.")
        order = np.lexsort((weights, *key, outcome.event, outcome.time_days))
        time, event, weights = outcome.time_days[order], outcome.event[order], weights[order]
        g = (
            censoring_survival(time, event, weights)
            if censoring is None
            else censoring_survival(censoring.time_days, censoring.event)
        )
        return cls(order, time, event, weights, g, censoring is None, convention)

    def at(self, horizon_days: float) -> HorizonWeights:
        """Weights at a horizon.

        Raises
        ------
        OutcomeError
            If G is zero where it is needed: nobody is followed that long.
        """
        case = self.event & (self.time_days <= horizon_days) & (self.weight > 0)
        control = (self.time_days > horizon_days) & (self.weight > 0)
        place = np.where(case, self.g.place(self.time_days, self.convention), self.g.after(horizon_days))
        left = self.g.left[place]
        if (left[case | control] <= 0).any() or self.g.left[self.g.after(horizon_days)] <= 0:
            raise OutcomeError(
                f"Nobody remains uncensored (G = 0) by {horizon_days:g} days: the last follow-up that G was estimated "
                f"on ends at {self.g.days[-1]:g} days. Take an earlier horizon."
            )
        weight = np.divide(self.weight, left, out=np.zeros_like(left), where=case | control)
        return HorizonWeights(case, control, weight, np.asarray(place, dtype=np.intp))

    def through_g(self, by_log_g: Floats, place: Ints) -> Floats:
        """Influence of each patient through the estimate of G (zero where G is known).

        By the convention ``"R"`` in the form of riskRegression, so that errors are its errors with ties as well.
        """
        if not self.own_g:
            return np.zeros(len(self.order))
        form: Literal["derivative", "martingale"] = "martingale" if self.convention == "R" else "derivative"
        return self.weight * self.g.influence(self.time_days, self.event, by_log_g, place, form)

    def in_outcome_order(self, values: Floats) -> Floats:
        """Values (..., n) in the order of the outcome."""
        back = np.empty_like(values)
        back[..., self.order] = values
        return back


def ascending(times_days: Sequence[float]) -> Floats:
    """Times as an array.

    Raises
    ------
    SettingsError
        If there is none, or they are not positive, finite and ascending.
    """
    times = np.asarray(times_days, dtype=float)
    if times.ndim != 1 or not times.size or not np.isfinite(times).all():
        raise SettingsError("Scores over time need at least one finite time in days.")
    if times[0] <= 0 or (np.diff(times) <= 0).any():
        raise SettingsError("The times of a score must be positive and ascend.")
    return times


def spread(influence: Floats) -> Floats:
    """Standard error from the influences (..., n), with n / (n - 1) as riskRegression."""
    n = influence.shape[-1]
    return np.asarray(np.sqrt((influence**2).sum(axis=-1) * n / max(n - 1, 1)))
