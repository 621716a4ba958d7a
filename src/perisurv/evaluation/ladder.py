"""One rung of the ladder on patients it never saw: discrimination, AUC over time, calibration, risk groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import (
    AucPoint,
    CalibrationPoint,
    LadderRow,
    NetBenefitCurve,
    Outcome,
    OutcomeError,
    Prediction,
    RiskGroupCurve,
)
from perisurv.evaluation.accuracy import accuracy_at
from perisurv.evaluation.auc import td_auc
from perisurv.evaluation.discrimination import c_index_interval
from perisurv.evaluation.incidence import CompetingRisks, competing_risks
from perisurv.evaluation.log_rank import log_rank
from perisurv.evaluation.resampling import bootstrap_counts
from perisurv.evaluation.risk_groups import risk_group_curves
from perisurv.evaluation.uno import uno_c
from perisurv.statistics import harrell_c

__all__ = ["BranchResult", "evaluate_branch", "ladder_row"]

HORIZONS_DAYS = (365.25, 730.5, 1095.75)


@dataclass(frozen=True, slots=True)
class BranchResult:
    """What one branch amounts to.

    With competing events ``competing`` takes the place of the ``curves``, which would not be shares of patients.
    Where there is nothing to compare ``log_rank_p`` is 1 and ``uno_c`` None, and the notes say why.
    """

    row: LadderRow
    auc: tuple[AucPoint, ...]
    curves: tuple[RiskGroupCurve, ...]
    calibration: tuple[CalibrationPoint, ...]
    net_benefit: tuple[NetBenefitCurve, ...]
    log_rank_p: float
    uno_c: float | None
    notes: tuple[str, ...]
    competing: CompetingRisks | None = None


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
        Times of the AUC, days; empty: none. The last is the tau of Uno's C. Calibration and net benefit go by the
        horizons of the prediction.
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
    rivals = competing_risks(branch, own, high, confidence) if own.competing is not None else None
    curves = () if rivals else risk_group_curves(branch, own, high, confidence)
    accuracy = [
        accuracy_at(branch, own, prediction.survival[rows, n], time, confidence)
        for n, time in enumerate(prediction.horizons_days)
    ]
    p, uno, missing = _compared(branch, own, risk, high, max(horizons_days, default=None))
    return BranchResult(
        row=row,
        auc=points,
        curves=curves,
        calibration=tuple(a.calibration for a in accuracy if a.calibration),
        net_benefit=tuple(a.net_benefit for a in accuracy if a.net_benefit),
        log_rank_p=p,
        uno_c=uno,
        notes=(*notes, *missing, *(note for a in accuracy for note in a.notes), *(rivals.notes if rivals else ())),
        competing=rivals,
    )


def _compared(
    branch: str, outcome: Outcome, risk: NDArray[np.float64], high: NDArray[np.bool_], tau_days: float | None
) -> tuple[float, float | None, list[str]]:
    """P of the log-rank test, Uno's C, and why one of them is missing."""
    p, uno, notes = 1.0, None, []
    try:
        p = log_rank(outcome, high)[1]
    except OutcomeError as error:
        notes.append(f"{branch}: {error}")
    try:
        uno = uno_c(outcome, risk, tau_days=tau_days).c_index
    except OutcomeError as error:
        notes.append(f"{branch}: no C of Uno. {error}")
    return p, uno, notes


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
