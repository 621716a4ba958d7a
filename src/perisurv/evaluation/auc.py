"""Time-dependent AUC (cumulative/dynamic) weighted by the inverse probability of being uncensored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import AucPoint, FeatureError, Outcome
from perisurv.evaluation.resampling import percentile_interval
from perisurv.statistics import Censoring, censoring_survival, known_status

__all__ = ["RocCurve", "roc_at", "td_auc"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RocCurve:
    """ROC curve at one time, from the highest threshold to the lowest; equal risks are one step."""

    auc: float
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]


def td_auc(
    branch: str,
    outcome: Outcome,
    risk: Floats,
    times_days: tuple[float, ...],
    counts: NDArray[np.int64],
    confidence: float = 0.95,
    censoring: Outcome | None = None,
) -> tuple[tuple[AucPoint, ...], tuple[str, ...]]:
    """AUC with its bootstrap interval at each time: who has died by then against who lives on.

    The analytic interval, at as many times as wanted, is that of :func:`perisurv.evaluation.auc_curve`.

    Parameters
    ----------
    branch
        Name on the ladder.
    outcome, risk, censoring
        As in :func:`roc_at`.
    times_days
        Horizons, days.
    counts
        Resamples of :func:`perisurv.evaluation.bootstrap_counts`, shape (resamples, patients). G is estimated again
        in each resample, unless other patients give it.
    confidence
        Coverage of the percentile interval.

    Returns
    -------
    tuple
        One point a time; and a note for every time at which the AUC is undefined, which has no point.
    """
    points, notes = [], []
    resampled = counts.astype(float)
    g = _uncensored(outcome, resampled, censoring)
    for time in times_days:
        roc = roc_at(outcome, risk, time, censoring)
        draws = _auc(risk, *known_status(outcome.time_days, outcome.event, time, resampled, g))
        if roc is None or np.isnan(draws).all():
            died = int((outcome.event & (outcome.time_days <= time)).sum())
            beyond = int((outcome.time_days > time).sum())
            notes.append(
                f"{branch}: no AUC at {time:g} days; it needs events before ({died}) and patients followed beyond "
                f"({beyond})."
            )
            continue
        lower, upper = percentile_interval(draws, confidence)
        rates = roc.false_positive_rate, roc.true_positive_rate
        points.append(AucPoint(branch, float(time), roc.auc, lower, upper, *rates))
    return tuple(points), tuple(notes)


def roc_at(outcome: Outcome, risk: Floats, time_days: float, censoring: Outcome | None = None) -> RocCurve | None:
    """ROC curve of who has died by a time against who lives on.

    Cases weigh 1 / G(T-) and controls 1 / G(t), with G the Kaplan-Meier estimate of remaining uncensored (Uno 2007,
    Blanche 2013; the values are those of R's riskRegression). At equal times deaths come before censorings.

    Parameters
    ----------
    outcome
        Follow-up of the patients that are scored.
    risk
        Higher is worse, in the order of the outcome.
    time_days
        Horizon, days.
    censoring
        Patients that G is estimated on. Default: the scored patients, since centres differ in their follow-up.

    Returns
    -------
    RocCurve or None
        None where nobody died by then, nobody was followed beyond, or nobody of ``censoring`` was.

    Raises
    ------
    FeatureError
        If a risk is missing or not finite.
    """
    if np.shape(risk) != (len(outcome),) or not np.isfinite(risk).all():
        raise FeatureError(f"AUC needs one finite risk for each of the {len(outcome)} patients.")
    ones = np.ones((1, len(outcome)))
    cases, controls = known_status(
        outcome.time_days, outcome.event, time_days, ones, _uncensored(outcome, ones, censoring)
    )
    auc = float(_auc(risk, cases, controls)[0])
    if np.isnan(auc):
        return None
    order = np.argsort(-risk, kind="stable")
    last = np.append(np.diff(risk[order]) != 0, True)
    false = np.append(0.0, controls[0, order].cumsum()[last])
    true = np.append(0.0, cases[0, order].cumsum()[last])
    return RocCurve(auc, tuple((false / false[-1]).tolist()), tuple((true / true[-1]).tolist()))


def _uncensored(outcome: Outcome, counts: Floats, censoring: Outcome | None) -> Censoring:
    """G of each resample, or of other patients."""
    if censoring is None:
        return censoring_survival(outcome.time_days, outcome.event, counts)
    return censoring_survival(censoring.time_days, censoring.event, np.ones((1, len(censoring))))


def _auc(risk: Floats, cases: Floats, controls: Floats) -> Floats:
    """Weighted share of (case, control) pairs in which the case has the higher risk; NaN where there is no pair.

    Cumulated over the sorted risks, not multiplied as matrices: the sums are the same on any number of threads.
    """
    order = np.argsort(risk, kind="stable")
    starts = np.unique(risk[order], return_index=True)[1]
    case = np.add.reduceat(cases[:, order], starts, axis=1)
    control = np.add.reduceat(controls[:, order], starts, axis=1)
    below = control.cumsum(axis=1) - control
    pairs = cases.sum(axis=1) * controls.sum(axis=1)
    hits = (case * (below + 0.5 * control)).sum(axis=1)
    values: Floats = np.divide(hits, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return values
