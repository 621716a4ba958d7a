"""Risk groups of a validation: each patient in the group that a model which never saw that patient puts it in."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from perisurv.evaluation import competing_risks, incidence_curves, risk_group_curves
from perisurv.study.nested import Nested

__all__ = ["risk_groups"]


def risk_groups(found: Nested, confidence: float) -> dict[str, list[dict[str, Any]]]:
    """Curves of the first repeat, as plain values: ``curves``, or with competing events ``incidence``.

    Every patient stands in it once. The groups of different splits come from different models and cut-offs, so they are
    shown and not tested: a test would take the groups as given.
    """
    fits = [fit for fit in found.fits if fit.split.repeat == 0]
    patients = [p for fit in fits for p in fit.split.scored]
    outcome = found.outcome.take(patients)
    high = {branch: np.concatenate([fit.high_risk[branch] for fit in fits]) for branch in found.score.c_index}
    if outcome.competing is None:
        curves = [c for branch, own in high.items() for c in risk_group_curves(branch, outcome, own, confidence)]
        return {"curves": [dataclasses.asdict(curve) for curve in curves]}
    incidence = [*incidence_curves("", "all", outcome, confidence)]
    for branch, own in high.items():
        incidence += competing_risks(branch, outcome, own, confidence).curves
    return {"incidence": [dataclasses.asdict(curve) for curve in incidence]}
