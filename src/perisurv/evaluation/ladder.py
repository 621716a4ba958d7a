"""One rung of the ladder on patients it never saw: discrimination, AUC over time, risk groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import AucPoint, LadderRow, Outcome, OutcomeError, Prediction, RiskGroupCurve
from perisurv.evaluation.auc import td_auc
from perisurv.evaluation.discrimination import c_index_interval
from perisurv.evaluation.log_rank import log_rank
from perisurv.evaluation.resampling import bootstrap_counts
from perisurv.evaluation.risk_groups import risk_group_curves
from perisurv.statistics import harrell_c

__all__ = ["BranchResult", "evaluate_branch", "ladder_row"]

HORIZONS_DAYS = (365.25, 730.5, 1095.75)


@dataclass(frozen=True, slots=True)
class BranchResult:
    """What one branch amounts to; ``log_rank_p`` is 1 where there is nothing to compare (see the notes)."""

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
    horizons_days: tuple[float, ...] = HORIZONS_DAYS,
    resamples: int = 1000,
    confidence: float = 0.95,
    strata: Sequence[object] | None = None,
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
    resamples, confidence
        Of all intervals.
    strata
        One label a patient of the prediction, such as the centre, to resample within; None: all together.
    """
    # In the order of the pseudonyms, so that no order of rows changes the resamples.
    rows = sorted(range(len(prediction.patients)), key=prediction.patients.__getitem__)
    own = outcome.take([prediction.patients[n] for n in rows])
    risk, high = prediction.risk[rows], prediction.high_risk[rows]
    if strata is not None and len(strata) == len(rows):  # any other number is refused with the resamples
        strata = [strata[n] for n in rows]
    row = ladder_row(branch, own, risk, rng, n_features, resamples=resamples, confidence=confidence, strata=strata)
    counts = bootstrap_counts(len(own), resamples, rng, strata)
    points, notes = td_auc(branch, own, risk, horizons_days, counts, confidence)
    curves = risk_group_curves(branch, own, high, confidence)
    try:
        _, p = log_rank(own, high)
    except OutcomeError as error:
        p, notes = 1.0, (*notes, f"{branch}: {error}")
    return BranchResult(row, points, curves, p, notes)


def ladder_row(  # noqa: PLR0913 (c_index_interval with a name)
    branch: str,
    outcome: Outcome,
    risk: NDArray[np.float64],
    rng: np.random.Generator,
    n_features: int,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    strata: Sequence[object] | None = None,
) -> LadderRow:
    """C-index of one branch with its bootstrap interval; parameters as in :func:`evaluate_branch`."""
    lower, upper = c_index_interval(outcome, risk, rng, resamples, confidence, strata)
    c_index = harrell_c(outcome.time_days, outcome.event, risk)
    return LadderRow(branch, c_index, lower, upper, len(outcome), outcome.n_events, n_features)
