"""Time-dependent AUC (cumulative/dynamic) weighted by the inverse probability of being uncensored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import AucPoint, Outcome

__all__ = ["td_auc"]

Floats = NDArray[np.float64]


def td_auc(
    branch: str,
    outcome: Outcome,
    risk: Floats,
    times_days: tuple[float, ...],
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> tuple[tuple[AucPoint, ...], tuple[str, ...]]:
    """AUC at each time: who died by then against who lives on.

    Cases weigh 1 / G(T-) and controls 1 / G(t), with G the Kaplan-Meier estimate of remaining uncensored (Uno 2007,
    Blanche 2013; as R's riskRegression). The interval is a percentile bootstrap over patients, G included.

    Returns
    -------
    tuple
        One point a time with its ROC curve; and a note for every time without a case or a control, which has none.
    """
    points, notes = [], []
    counts = rng.multinomial(len(outcome), np.full(len(outcome), 1 / len(outcome)), size=resamples).astype(float)
    agree = 0.5 * (1 + np.sign(risk[:, None] - risk[None, :]))
    for time in times_days:
        cases, controls = _weights(outcome, time, np.ones(len(outcome)))
        if not (cases.any() and controls.any()):
            notes.append(f"{branch}: no AUC at {time:g} days, nobody died before or nobody was followed beyond.")
            continue
        draws = np.array([_auc(agree, *_weights(outcome, time, count)) for count in counts])
        draws = draws[np.isfinite(draws)]
        lower, upper = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
        false, true = _roc(risk, cases, controls)
        auc = _auc(agree, cases, controls)
        points.append(AucPoint(branch, float(time), auc, float(lower), float(upper), false, true))
    return tuple(points), tuple(notes)


def _weights(outcome: Outcome, time: float, count: Floats) -> tuple[Floats, Floats]:
    """Weights of cases and controls when each patient stands there ``count`` times."""
    order = np.argsort(outcome.time_days, kind="stable")
    times, starts = np.unique(outcome.time_days[order], return_index=True)
    total = np.add.reduceat(count[order], starts)
    censored = np.add.reduceat((count * ~outcome.event)[order], starts)
    deaths = total - censored
    # A patient who dies on the day of a censoring was not at risk of that censoring any more.
    at_risk = total[::-1].cumsum()[::-1] - deaths
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.cumprod(np.where(at_risk > 0, 1 - censored / at_risk, 1.0))
    before = np.concatenate([[1.0], left])
    g_before = before[np.searchsorted(times, outcome.time_days)]
    g_time = before[np.searchsorted(times, time, side="right")]
    case = (outcome.time_days <= time) & outcome.event
    control = outcome.time_days > time
    with np.errstate(divide="ignore"):
        cases = np.where(case & (count > 0), count / np.maximum(g_before, 1e-12), 0.0)
        controls = np.where(control, count / max(float(g_time), 1e-12), 0.0)
    return cases, controls


def _auc(agree: Floats, cases: Floats, controls: Floats) -> float:
    total = cases.sum() * controls.sum()
    return float(cases @ agree @ controls / total) if total > 0 else float("nan")


def _roc(risk: Floats, cases: Floats, controls: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """False and true positive rates from the highest threshold to the lowest, ties as one step."""
    order = np.argsort(-risk, kind="stable")
    last = np.append(np.diff(risk[order]) != 0, True)
    true = np.concatenate([[0.0], (cases[order].cumsum() / cases.sum())[last]])
    false = np.concatenate([[0.0], (controls[order].cumsum() / controls.sum())[last]])
    return tuple(false.tolist()), tuple(true.tolist())
