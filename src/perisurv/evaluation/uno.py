"""Uno's C: concordance that does not depend on how the patients were censored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perisurv.core import Outcome, OutcomeError, SettingsError
from perisurv.evaluation.discrimination import PairedDifference, paired_difference
from perisurv.statistics import CensoringConvention, RankedPairs, censoring_survival

__all__ = ["UnoC", "paired_uno_difference", "uno_c"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class UnoC:
    """Uno's concordance index.

    Parameters
    ----------
    c_index
        Share of the pairs in which the higher risk dies earlier, a pair weighing 1 / G**2 of its death.
    standard_error
        From the infinitesimal jackknife, the estimation of G included where G comes from the scored patients.
    standard_error_g_known
        The same with G as known (as R's ``concordance(timewt = "n/G2")``); usually a little larger.
    tau_days
        Deaths up to here count; infinite: all.
    influence
        Change of C by the share of each patient's weight, shape (n,); its sum of squares is ``standard_error**2``.
    """

    c_index: float
    standard_error: float
    standard_error_g_known: float
    tau_days: float
    influence: Floats

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Normal limits, kept within 0 and 1."""
        half = float(norm.ppf((1 + confidence) / 2)) * self.standard_error
        return max(self.c_index - half, 0.0), min(self.c_index + half, 1.0)


def uno_c(
    outcome: Outcome,
    risk: Floats,
    *,
    tau_days: float | None = None,
    convention: CensoringConvention = "R",
    censoring: Outcome | None = None,
    weight: Floats | None = None,
) -> UnoC:
    """Uno's C, by either of the two conventions in use.

    Parameters
    ----------
    outcome
        Follow-up of the scored patients.
    risk
        Higher is worse, in the order of the outcome.
    tau_days
        Deaths after it do not count. None: all count, also those with the largest weights.
    convention
        ``"R"``: G(t-), deaths at t <= tau, as ``survival::concordance(timewt = "n/G2", ymax = tau)``;
        ``"scikit-survival"``: G(t), t < tau, as ``concordance_index_ipcw``. They differ where times are tied.
    censoring
        Patients that G is estimated on; G is then taken as known. None: the scored patients.
    weight
        Case weights, shape (n,); they weigh in G as well. None: all 1.

    Raises
    ------
    FeatureError
        If a risk is missing or not finite.
    OutcomeError
        If no pair can be compared, or G is zero at a death that counts.
    SettingsError
        If the convention is unknown or tau is not positive.

    References
    ----------
    Uno et al., Stat Med 30 (2011) 1105.
    """
    tau = _tau(tau_days, convention)
    pairs = RankedPairs.of(outcome.time_days, outcome.event, risk, weight=weight)
    # Sums over equal times depend on the order of the additions: take that of the pairs.
    time, event = outcome.time_days[pairs.order], pairs.event
    g = (
        censoring_survival(time, event, pairs.weight)
        if censoring is None
        else censoring_survival(censoring.time_days, censoring.event)
    )
    counts = event & (pairs.weight > 0) & ((time <= tau) if convention == "R" else (time < tau))
    place = g.place(time, convention)
    inverse = _inverse(g.left[place], counts, time)
    time_weight = np.empty_like(inverse)
    time_weight[pairs.order] = inverse**2
    agree, total, agree_later, total_later = pairs.sums(time_weight)
    comparable = (pairs.weight * total).sum()
    if not comparable > 0:
        raise OutcomeError("Uno's C: no pair of patients can be compared up to tau; take a later tau.")
    c = float((pairs.weight * agree).sum() / comparable)
    own = (agree - c * total) / comparable
    known = pairs.weight * (own + (agree_later - c * total_later) / comparable)
    full = known
    if censoring is None:
        full = known + pairs.weight * g.influence(time, event, -2 * pairs.weight * own, place)
    influence = np.empty_like(full)
    influence[pairs.order] = full
    return UnoC(c, float(np.sqrt((full**2).sum())), float(np.sqrt((known**2).sum())), tau, influence)


def paired_uno_difference(
    outcome: Outcome,
    risk: Floats,
    other: Floats,
    *,
    tau_days: float | None = None,
    convention: CensoringConvention = "R",
    censoring: Outcome | None = None,
    confidence: float = 0.95,
) -> PairedDifference:
    """Uno's C of ``risk`` minus that of ``other`` on the same patients; parameters as in :func:`uno_c`."""
    first, second = (
        uno_c(outcome, r, tau_days=tau_days, convention=convention, censoring=censoring) for r in (risk, other)
    )
    return paired_difference(first.c_index - second.c_index, np.sort(first.influence - second.influence), confidence)


def _tau(tau_days: float | None, convention: CensoringConvention) -> float:
    if convention not in ("R", "scikit-survival"):
        raise SettingsError(
            f"The convention of inverse probability weights is 'R' or 'scikit-survival', got {convention!r}."
        )
    tau = np.inf if tau_days is None else float(tau_days)
    if not tau > 0:
        raise SettingsError(f"tau is a positive number of days, got {tau:g}.")
    return tau


def _inverse(g: Floats, counts: NDArray[np.bool_], time: Floats) -> Floats:
    """1 / G where a death counts, 0 elsewhere."""
    if (counts & (g <= 0)).any():
        first = time[counts & (g <= 0)].min()
        raise OutcomeError(
            f"Nobody remains uncensored (G = 0) at the event at {first:g} days, so its weight is infinite; "
            "take a tau before it."
        )
    return np.divide(1.0, g, out=np.zeros_like(g), where=counts)
