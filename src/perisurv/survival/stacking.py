"""Weights of a second Cox model on the risks of first ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import ConvergenceError, Outcome
from perisurv.statistics import RiskSets, Ties, derivatives, maximise

__all__ = ["nonnegative_weights"]

Floats = NDArray[np.float64]

SLACK = 1e-9  # of the gradient, for columns of unit variance


def nonnegative_weights(
    risks: pd.DataFrame, outcome: Outcome, ties: Ties, ridge: float, *, strata: Sequence[object] | None = None
) -> Floats:
    """Weights >= 0 that maximise the penalised Cox partial likelihood of weighted risks.

    Stacked regression (Breiman 1996, Mach Learn 24:49-64): risks of one patient agree, so free weights come out
    large with opposite signs; bounded below they become a mean of those that help. Active set as for least squares
    (Lawson and Hanson 1974): a column enters where the likelihood rises, and leaves where its weight would fall below
    zero.

    Parameters
    ----------
    risks
        Out-of-fold risks, scaled to unit variance, shape (patients, models), rows in the order of the outcome.
    outcome
        Follow-up.
    ties
        Tied deaths.
    ridge
        ``ridge / 2 * sum(weights**2)`` is subtracted.
    strata
        One label a patient: each stratum has its own baseline hazard.

    Returns
    -------
    Shape (models,); all zero where no model helps.

    Raises
    ------
    ConvergenceError
        If a risk separates the deaths and there is no ridge.
    """
    sets = RiskSets.of(outcome.time_days, outcome.event, ties, strata)
    x = risks.to_numpy(dtype=float)[sets.order]
    names = tuple(str(c) for c in risks.columns)
    penalty = np.full(len(names), float(ridge))
    weights = np.zeros(len(names))
    inside = np.zeros(len(names), dtype=bool)
    for _ in range(10 * len(names) + 10):
        gradient, _ = derivatives(x, sets, weights, penalty)
        gain = np.where(inside, -np.inf, gradient)
        if gain.max(initial=-np.inf) <= SLACK * len(x):
            return weights
        inside[int(gain.argmax())] = True
        weights, inside = _bounded(x, sets, penalty, names, weights, inside)
    raise ConvergenceError("The weights of the stacked risks did not settle; use the fusion late_ridge.")


def _bounded(
    x: Floats, sets: RiskSets, penalty: Floats, names: tuple[str, ...], weights: Floats, inside: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    """The optimum of the columns inside, those left out whose weight reaches zero on the way."""
    while inside.any():
        chosen = np.flatnonzero(inside)
        free, _ = maximise(x[:, chosen], sets, penalty[chosen], tuple(names[n] for n in chosen))
        target = np.zeros(len(names))
        target[chosen] = free
        falling = inside & (target <= 0)
        if not falling.any():
            return target, inside
        share = np.min(weights[falling] / (weights[falling] - target[falling]))
        weights = weights + share * (target - weights)
        inside = inside & ~(falling & (weights <= 1e-12))
        weights = np.where(inside, weights, 0.0)
    return weights, inside
