"""Harrell's concordance of a risk with follow-up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import FeatureError, OutcomeError

__all__ = ["harrell_c", "pair_matrices"]

Floats = NDArray[np.float64]


def harrell_c(time_days: Floats, event: NDArray[np.bool_], risk: Floats) -> float:
    """Harrell's concordance index; above 0.5 the higher risk dies earlier.

    A pair counts if the shorter time is a death; at equal times a death before a censoring counts, two deaths do
    not (as ``survival::concordance`` in R). Equal risks count one half.

    Parameters
    ----------
    time_days, event
        Follow-up in days and whether it ended in death, shape (patients,).
    risk
        Higher is worse, shape (patients,).

    Raises
    ------
    FeatureError
        If a risk is missing or not finite.
    OutcomeError
        If no pair of patients can be compared.
    """
    concordant, comparable = pair_matrices(time_days, event, risk)
    return float(concordant.sum() / comparable.sum())


def pair_matrices(time: Floats, event: NDArray[np.bool_], risk: Floats) -> tuple[Floats, Floats]:
    """Matrices [i, j]: how far the risks agree (1, 0.5 or 0), and 1 where i died before j's follow-up ended."""
    if not (np.shape(time) == np.shape(event) == np.shape(risk)):
        raise FeatureError(
            f"C needs one risk a patient: {np.size(risk)} risks, {np.size(time)} times, {np.size(event)} events."
        )
    if not np.isfinite(risk).all():
        raise FeatureError("C needs a finite risk for every patient; one is missing or infinite.")
    earlier = (time[:, None] < time[None, :]) | ((time[:, None] == time[None, :]) & ~event[None, :])
    comparable = (event[:, None] & earlier).astype(float)
    if not comparable.any():
        raise OutcomeError("No pair of patients can be compared: nobody died before another one's follow-up ended.")
    agree = 0.5 * (1.0 + np.sign(risk[:, None] - risk[None, :]))
    return comparable * agree, comparable
