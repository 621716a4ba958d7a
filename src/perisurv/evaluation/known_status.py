"""Who is known to have died by a horizon or to live beyond it, weighted for those who were censored before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["known_status"]

Floats = NDArray[np.float64]


def known_status(time: Floats, event: NDArray[np.bool_], horizon_days: float, weight: Floats) -> tuple[Floats, Floats]:
    """Inverse probability of censoring weights of who died by the horizon and of who lives beyond it.

    ``1 / G(T-)`` and ``1 / G(horizon)``, with G the Kaplan-Meier estimate of remaining uncensored, estimated anew under
    each weighting; at equal times deaths come before censorings.

    Parameters
    ----------
    time, event
        Follow-up, shape (patients,).
    horizon_days
        Horizon, days.
    weight
        Such as the counts of a bootstrap, shape (weightings, patients).

    Returns
    -------
    tuple
        Weights of cases and of controls, 0 for all others, each of shape (weightings, patients).
    """
    order = np.argsort(time, kind="stable")
    starts = np.flatnonzero(np.diff(time[order], prepend=-np.inf) != 0)
    counts = weight[:, order]
    leave = np.add.reduceat(counts, starts, axis=1)
    deaths = np.add.reduceat(counts * event[order], starts, axis=1)
    under = leave[:, ::-1].cumsum(axis=1)[:, ::-1] - deaths
    hazard = np.divide(leave - deaths, under, out=np.zeros_like(under), where=under > 0)
    g = np.concatenate([np.ones((len(counts), 1)), np.cumprod(1.0 - hazard, axis=1)], axis=1)
    days = time[order][starts]
    case, control = weight * (event & (time <= horizon_days)), weight * (time > horizon_days)
    before = g[:, np.searchsorted(days, time, side="left")]
    at_horizon = g[:, [np.searchsorted(days, horizon_days, side="right")]]
    cases = np.divide(case, before, out=np.zeros_like(case), where=(case > 0) & (before > 0))
    controls = np.divide(control, at_horizon, out=np.zeros_like(control), where=(control > 0) & (at_horizon > 0))
    return cases, controls
