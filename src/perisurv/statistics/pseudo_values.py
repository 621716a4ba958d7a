"""Pseudo-values: what each patient adds to a Kaplan-Meier estimate, censored or not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.statistics.kaplan_meier import life_table

__all__ = ["pseudo_survival"]

Floats = NDArray[np.float64]


def pseudo_survival(time: Floats, event: NDArray[np.bool_], days: float) -> Floats:
    """Jackknife pseudo-values of survival at one time (Andersen et al. 2003), shape (patients,).

    ``n * S(days) - (n - 1) * S(days without the patient)``: without censoring before ``days`` exactly 1 for who lives
    on and 0 for who died. Beyond the follow-up the last value of the curve is carried on.
    """
    times, at_risk, deaths = life_table(time, event)
    used = int(np.searchsorted(times, days, side="right"))
    at_risk, deaths = at_risk[:used], deaths[:used]
    n = len(time)
    place = np.searchsorted(times, time)
    # Leaving a patient out changes the sets at risk up to the own time only.
    others = np.maximum(at_risk - 1, 1)
    before = np.concatenate([[1.0], np.cumprod(1.0 - np.minimum(deaths / others, 1.0))])
    after = np.concatenate([np.cumprod((1.0 - deaths / at_risk)[::-1])[::-1], [1.0]])
    left = np.full(n, before[used])
    inside = place < used
    own = place[inside]
    hazard = (deaths[own] - event[inside]) / others[own]
    left[inside] = before[own] * (1.0 - hazard) * after[own + 1]
    values: Floats = n * after[0] - (n - 1) * left
    return values
