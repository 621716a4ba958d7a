"""One branch of the ladder on patients it never saw: discrimination, AUC over time, risk groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perisurv.core import AucPoint, LadderRow, Outcome, OutcomeError, Prediction, RiskGroupCurve
from perisurv.evaluation.auc import td_auc
from perisurv.evaluation.discrimination import c_index_interval, harrell_c
from perisurv.evaluation.risk_groups import log_rank, risk_group_curves

__all__ = ["BranchResult", "evaluate_branch"]


@dataclass(frozen=True, slots=True)
class BranchResult:
    """What one branch amounts to; ``log_rank_p`` is 1 where there is only one risk group (see the notes)."""

    row: LadderRow
    auc: tuple[AucPoint, ...]
    curves: tuple[RiskGroupCurve, ...]
    log_rank_p: float
    notes: tuple[str, ...]


def evaluate_branch(  # noqa: PLR0913 (what an evaluation is made of)
    branch: str,
    prediction: Prediction,
    outcome: Outcome,
    *,
    rng: np.random.Generator,
    n_features: int,
    horizons_days: tuple[float, ...] = (365.25, 730.5, 1095.75),
    resamples: int = 1000,
    confidence: float = 0.95,
) -> BranchResult:
    """Score one branch.

    Parameters
    ----------
    branch
        Name on the ladder.
    prediction
        Risks and groups; the cut-off was fixed on the training patients.
    outcome
        Follow-up of at least these patients.
    rng
        Of the bootstrap; give every branch the same stream and they share their resamples.
    n_features
        Features that the branch uses.
    horizons_days
        Times of the AUC, days; empty: none.
    """
    own = outcome.take(prediction.patients)
    lower, upper = c_index_interval(own, prediction.risk, rng, resamples, confidence)
    c_index = harrell_c(own.time_days, own.event, prediction.risk)
    row = LadderRow(branch, c_index, lower, upper, len(own), own.n_events, n_features)
    points, notes = td_auc(branch, own, prediction.risk, horizons_days, rng, resamples, confidence)
    curves = risk_group_curves(branch, own, prediction.high_risk, confidence)
    try:
        _, p = log_rank(own, prediction.high_risk)
    except OutcomeError:
        p, notes = 1.0, (*notes, f"{branch}: all patients are in one risk group; no log-rank test.")
    return BranchResult(row, points, curves, p, notes)
