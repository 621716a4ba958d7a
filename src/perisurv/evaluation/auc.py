"""Time-dependent AUC (cumulative/dynamic) weighted by the inverse probability of being uncensored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import AucPoint, FeatureError, Outcome
from perisurv.evaluation.resampling import percentile_interval

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
    """AUC with its interval at each time: who has died by then against who lives on.

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
    for time in times_days:
        roc = roc_at(outcome, risk, time, censoring)
        draws = _auc(risk, *_weights(outcome, time, counts.astype(float), censoring))
        if roc is None or np.isnan(draws).all():
            died = int((outcome.event & (outcome.time_days <= time)).sum())
            beyond = int((outcome.time_days > time).sum())
            notes.append(
                f"{branch}: no AUC at {time:g} days; it needs deaths before ({died}) and patients followed beyond "
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
    cases, controls = _weights(outcome, time_days, np.ones((1, len(outcome))), censoring)
    auc = float(_auc(risk, cases, controls)[0])
    if np.isnan(auc):
        return None
    order = np.argsort(-risk, kind="stable")
    last = np.append(np.diff(risk[order]) != 0, True)
    false = np.append(0.0, controls[0, order].cumsum()[last])
    true = np.append(0.0, cases[0, order].cumsum()[last])
    return RocCurve(auc, tuple((false / false[-1]).tolist()), tuple((true / true[-1]).tolist()))


def _weights(outcome: Outcome, time_days: float, counts: Floats, censoring: Outcome | None) -> tuple[Floats, Floats]:
    """Weights of cases and controls, shape (resamples, patients)."""
    if censoring is None:
        days, uncensored = _uncensored(outcome, counts)
    else:
        days, uncensored = _uncensored(censoring, np.ones((1, len(censoring))))
    g_before = uncensored[:, np.searchsorted(days, outcome.time_days, side="left")]
    g_time = uncensored[:, [np.searchsorted(days, time_days, side="right")]]
    case = counts * (outcome.event & (outcome.time_days <= time_days))
    control = counts * (outcome.time_days > time_days)
    cases = np.divide(case, g_before, out=np.zeros_like(case), where=(case > 0) & (g_before > 0))
    controls = np.divide(control, g_time, out=np.zeros_like(control), where=(control > 0) & (g_time > 0))
    return cases, controls


def _uncensored(outcome: Outcome, counts: Floats) -> tuple[Floats, Floats]:
    """Distinct times, and the share left uncensored before the first and after each: shape (resamples, times + 1)."""
    order = np.argsort(outcome.time_days, kind="stable")
    days, starts = np.unique(outcome.time_days[order], return_index=True)
    total = np.add.reduceat(counts[:, order], starts, axis=1)
    deaths = np.add.reduceat((counts * outcome.event)[:, order], starts, axis=1)
    # A patient who dies on the day of a censoring was not at risk of that censoring any more.
    at_risk = total[:, ::-1].cumsum(axis=1)[:, ::-1] - deaths
    hazard = np.divide(total - deaths, at_risk, out=np.zeros_like(total), where=at_risk > 0)
    left = np.cumprod(1.0 - hazard, axis=1)
    return days, np.concatenate([np.ones((len(left), 1)), left], axis=1)


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
