"""Predicted probabilities and their horizon, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perisurv.core import FeatureError, Outcome, OutcomeError

__all__ = ["check_horizon", "check_probabilities"]


def check_probabilities(risk: ArrayLike, n: int, what: str) -> NDArray[np.float64]:
    """Probabilities of the event, shape (n,).

    Raises
    ------
    FeatureError
        If there is not one number in [0, 1] a patient.
    """
    values = np.asarray(risk, dtype=float)
    if values.shape != (n,) or not ((values >= 0) & (values <= 1)).all():
        raise FeatureError(f"{what} needs one predicted probability in [0, 1] for each of the {n} patients.")
    return values


def check_horizon(outcome: Outcome, horizon_days: float) -> None:
    """Refuse a horizon that the follow-up does not reach.

    Raises
    ------
    OutcomeError
        If the horizon is not positive, or nobody is followed to it while not all have died.
    """
    if not (np.isfinite(horizon_days) and horizon_days > 0):
        raise OutcomeError(f"The horizon must be positive, in days, got {horizon_days:g}.")
    last = float(outcome.time_days.max())
    if horizon_days > last and not outcome.event[outcome.time_days == last].all():
        raise OutcomeError(
            f"Nobody is followed to the horizon of {horizon_days:g} days; follow-up ends at {last:g}. "
            "Choose an earlier horizon."
        )
