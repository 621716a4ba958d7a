"""Net benefit of treating by a predicted risk, with censoring, competing causes, or a plain yes or no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perisurv.core import Outcome, OutcomeError, SettingsError
from perisurv.evaluation.horizon import check_horizon, check_probabilities
from perisurv.evaluation.resampling import percentile_interval
from perisurv.statistics import incidence_at, survival_at

__all__ = ["DecisionCurve", "binary_decision_curve", "decision_curve"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rates = tuple[Floats, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class DecisionCurve:
    """Net benefit over thresholds.

    Parameters
    ----------
    thresholds
        Risk above which a patient is treated, shape (thresholds,).
    event_rate
        Share with the event (by the horizon).
    positive_rate
        Share whose risk lies above each threshold, shape (thresholds,).
    true_positive_rate, false_positive_rate
        Shares of all patients: above the threshold with and without the event, shape (thresholds,).
    net_benefit, lower, upper
        ``true_positive_rate - odds(threshold) * false_positive_rate - harm`` and its bootstrap interval (None without
        resamples), shape (thresholds,).
    treat_all
        Net benefit of treating everybody, shape (thresholds,); that of treating nobody is 0.
    standardised
        Net benefit over event rate, at most 1, shape (thresholds,).
    interventions_avoided
        Net reduction of interventions a patient against treating all, shape (thresholds,).

    Notes
    -----
    NaN where undefined: everything at a threshold above which nobody has follow-up to the horizon (while some of
    them live on), ``standardised`` without events, ``interventions_avoided`` at threshold 0.
    """

    thresholds: Floats
    event_rate: float
    positive_rate: Floats
    true_positive_rate: Floats
    false_positive_rate: Floats
    net_benefit: Floats
    lower: Floats | None
    upper: Floats | None
    treat_all: Floats
    standardised: Floats
    interventions_avoided: Floats


def decision_curve(  # noqa: PLR0913 (who, what, when, and how sure)
    outcome: Outcome,
    risk: ArrayLike,
    horizon_days: float,
    thresholds: ArrayLike,
    *,
    of_interest: Bools | None = None,
    harm: float = 0.0,
    counts: NDArray[np.int64] | None = None,
    confidence: float = 0.95,
) -> DecisionCurve:
    """Net benefit by a horizon with censored follow-up (Vickers et al. 2008), as R's dcurves.

    The event rate above a threshold is one minus Kaplan-Meier, or with competing causes the cumulative incidence,
    among the patients above it.

    Parameters
    ----------
    outcome
        Follow-up; events are deaths of any cause.
    risk
        Predicted probability of the event by the horizon, shape (patients,).
    horizon_days
        Horizon, days.
    thresholds
        In [0, 1). A patient is treated whose risk is greater than the threshold.
    of_interest
        True where the patient died of the cause that the treatment prevents; None: every death.
    harm
        Of obtaining the prediction, in units of net benefit.
    counts
        Resamples of :func:`perisurv.evaluation.bootstrap_counts` for the interval, which leaves out those in which the
        net benefit is undefined; None: no interval.
    confidence
        Coverage of the percentile interval.

    Raises
    ------
    FeatureError
        If a risk is no probability.
    OutcomeError
        If nobody is followed to the horizon, or ``of_interest`` names a patient who did not die.
    SettingsError
        If a threshold lies outside [0, 1).
    """
    probability = check_probabilities(risk, len(outcome), "Net benefit")
    time, died = outcome.time_days, outcome.event
    check_horizon(outcome, horizon_days)
    mine = died if of_interest is None else np.asarray(of_interest)
    if mine.shape != died.shape or mine.dtype != np.bool_ or (mine & ~died).any():
        raise OutcomeError("of_interest needs one True or False a patient, True only where the patient had an event.")

    def rates(weight: Floats, inside: Bools) -> Rates:
        """Weights (weightings, inside) of those with and without the event, shape (weightings,)."""
        own, dead = time[inside], died[inside]
        survival = survival_at(own, dead, horizon_days, weight)
        share, gone = 1.0 - survival, survival <= 0.0
        if of_interest is not None:
            share = incidence_at(own, dead, mine[inside], horizon_days, weight)
        total = weight.sum(axis=1)
        followed = weight[:, own >= horizon_days].any(axis=1)
        share = np.where(followed | gone | (total == 0), share, np.nan)
        return total * share, total * (1.0 - share)

    return _curve(probability, thresholds, harm, rates, counts, confidence)


def binary_decision_curve(
    event: Bools,
    risk: ArrayLike,
    thresholds: ArrayLike,
    *,
    prevalence: float | None = None,
    harm: float = 0.0,
    counts: NDArray[np.int64] | None = None,
    confidence: float = 0.95,
) -> DecisionCurve:
    """Net benefit for an event that is known for every patient (Vickers and Elkin 2006), as R's dcurves.

    Parameters
    ----------
    event
        Whether the patient had it, shape (patients,).
    risk, thresholds, harm, counts, confidence
        As in :func:`decision_curve`.
    prevalence
        Share with the event in the population, where patients were sampled by it (case-control); None: theirs.

    Raises
    ------
    FeatureError
        If a risk is no probability.
    OutcomeError
        If events are not boolean, or a prevalence is given and one of the two kinds of patients is absent.
    SettingsError
        If a threshold lies outside [0, 1) or the prevalence outside (0, 1).
    """
    had = np.asarray(event)
    if had.dtype != np.bool_ or had.ndim != 1 or not had.size:
        raise OutcomeError("Events must be boolean, one a patient.")
    probability = check_probabilities(risk, had.size, "Net benefit")
    if prevalence is not None and not 0 < prevalence < 1:
        raise SettingsError(f"A prevalence lies between 0 and 1, got {prevalence:g}.")
    if prevalence is not None and (had.all() or not had.any()):
        raise OutcomeError("A given prevalence needs patients with and without the event.")
    weight_of = np.ones(had.size)
    if prevalence is not None:
        weight_of = np.where(had, prevalence / had.mean(), (1 - prevalence) / (1 - had.mean()))

    def rates(weight: Floats, inside: Bools) -> Rates:
        return weight @ (weight_of * had)[inside], weight @ (weight_of * ~had)[inside]

    return _curve(probability, thresholds, harm, rates, counts, confidence)


def _curve(
    risk: Floats,
    thresholds: ArrayLike,
    harm: float,
    rates: Callable[[Floats, Bools], Rates],
    counts: NDArray[np.int64] | None,
    confidence: float,
) -> DecisionCurve:
    grid = np.atleast_1d(np.asarray(thresholds, dtype=float))
    if grid.ndim != 1 or not grid.size or not ((grid >= 0) & (grid < 1)).all():
        raise SettingsError("Thresholds are risks in [0, 1): at least 0 and below 1.")
    odds = grid / (1.0 - grid)
    treated = risk > grid[:, None]
    both = [rates(np.ones((1, int(row.sum()))), row) for row in treated]
    true, false = np.array([[float(r[0]) for r in pair] for pair in both]).T / risk.size
    everyone = np.ones(risk.size, dtype=bool)
    with_event, without = (float(r[0]) / risk.size for r in rates(np.ones((1, risk.size)), everyone))
    net = true - odds * false - harm
    everybody = with_event - odds * without
    lower = upper = None
    if counts is not None:
        draws = _draws(treated, odds, harm, rates, counts)
        limits = [percentile_interval(d, confidence) if not np.isnan(d).all() else (np.nan, np.nan) for d in draws]
        lower, upper = np.array(limits).T
    avoided = np.divide(net - everybody, odds, out=np.full(grid.size, np.nan), where=odds > 0)
    return DecisionCurve(
        thresholds=grid,
        event_rate=with_event,
        positive_rate=treated.mean(axis=1),
        true_positive_rate=true,
        false_positive_rate=false,
        net_benefit=net,
        lower=lower,
        upper=upper,
        treat_all=everybody,
        standardised=net / with_event if with_event > 0 else np.full(grid.size, np.nan),
        interventions_avoided=avoided,
    )


def _draws(
    treated: Bools, odds: Floats, harm: float, rates: Callable[[Floats, Bools], Rates], counts: NDArray[np.int64]
) -> Floats:
    """Net benefit in each resample, shape (thresholds, resamples)."""
    if counts.ndim != 2 or counts.shape[1] != treated.shape[1]:
        raise SettingsError(f"Resamples need one count for each of the {treated.shape[1]} patients.")
    n, weights = counts.sum(axis=1), counts.astype(float)
    found = np.empty((len(odds), len(counts)))
    for row, (above, weight) in enumerate(zip(treated, odds, strict=True)):
        if row == 0 or not np.array_equal(above, treated[row - 1]):
            true, false = rates(weights[:, above], above)
        found[row] = (true - weight * false) / n - harm
    return found
