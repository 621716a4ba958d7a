"""Negative controls: what a method finds where there is nothing to find."""

from __future__ import annotations

import numpy as np

from perisurv.core import Outcome

__all__ = ["permuted"]


def permuted(outcome: Outcome, rng: np.random.Generator) -> Outcome:
    """The same follow-ups dealt to other patients: time and event stay together, every link to the patient is cut."""
    order = rng.permutation(len(outcome))
    return Outcome(outcome.patients, outcome.time_days[order], outcome.event[order])
