"""AUC over many times with analytic intervals, its integral, and the difference of two risks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perisurv.core import FeatureError, Outcome, OutcomeError, SettingsError
from perisurv.evaluation.discrimination import PairedDifference, paired_difference
from perisurv.evaluation.ipcw import IpcwPatients, ascending, spread
from perisurv.statistics import CensoringConvention, kaplan_meier

__all__ = ["AucCurve", "IntegratedAuc", "auc_curve", "integrated_auc", "paired_auc_difference"]

Floats = NDArray[np.float64]
AucWeighting = Literal["events", "pairs", "uniform"]


@dataclass(frozen=True, slots=True, eq=False)
class AucCurve:
    """Time-dependent AUC (cumulative/dynamic).

    Parameters
    ----------
    times_days
        Ascending, shape (times,).
    auc, standard_error
        Shape (times,); the error as R's ``riskRegression::Score``, the estimation of G included.
    lower, upper
        Normal limits, kept within 0 and 1.
    influence
        Change of the AUC by the share of each patient's weight, shape (times, n).
    """

    times_days: Floats
    auc: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    influence: Floats


@dataclass(frozen=True, slots=True)
class IntegratedAuc:
    """Mean AUC over the times of a curve; the weights of the times are taken as known in the standard error."""

    auc: float
    standard_error: float
    lower: float
    upper: float
    weighting: AucWeighting


def auc_curve(
    outcome: Outcome,
    risk: Floats,
    times_days: Sequence[float],
    *,
    convention: CensoringConvention = "R",
    censoring: Outcome | None = None,
    weight: Floats | None = None,
    confidence: float = 0.95,
) -> AucCurve:
    """AUC at each time: who has died by then against who lives on.

    Parameters
    ----------
    outcome
        Follow-up of the scored patients.
    risk
        Higher is worse, in the order of the outcome. Equal risks count one half.
    times_days
        Ascending, days.
    convention
        ``"R"``: a death at T weighs 1 / G(T-), as riskRegression and timeROC; ``"scikit-survival"``: 1 / G(T), as
        ``cumulative_dynamic_auc``. They differ where deaths and censorings are tied.
    censoring
        Patients that G is estimated on; G is then taken as known. None: the scored patients.
    weight
        Case weights, shape (n,); None: all 1.
    confidence
        Of the normal intervals.

    Raises
    ------
    FeatureError
        If a risk is missing or not finite.
    OutcomeError
        If at some time nobody has died, nobody is followed beyond it, or G is zero.
    SettingsError
        If there is no time, times do not ascend, or the convention is unknown.

    References
    ----------
    Uno et al., J Am Stat Assoc 102 (2007) 527; Blanche, Dartigues and Jacqmin-Gadda, Stat Med 32 (2013) 5381.
    """
    if np.shape(risk) != (len(outcome),) or not np.isfinite(risk).all():
        raise FeatureError(f"AUC needs one finite risk for each of the {len(outcome)} patients.")
    times = ascending(times_days)
    patients = IpcwPatients.of(outcome, (risk,), convention, censoring, weight)
    ranked = np.argsort(risk[patients.order], kind="stable")
    starts = np.unique(risk[patients.order][ranked], return_index=True)[1]
    values, influence = np.empty(len(times)), np.empty((len(times), len(outcome)))
    for row, time in enumerate(times):
        values[row], influence[row] = _auc_at(patients, float(time), ranked, starts)
    error = spread(influence)
    half = float(norm.ppf((1 + confidence) / 2)) * error
    lower, upper = np.maximum(values - half, 0.0), np.minimum(values + half, 1.0)
    return AucCurve(times, values, error, lower, upper, patients.in_outcome_order(influence))


def _auc_at(
    patients: IpcwPatients, time: float, ranked: NDArray[np.intp], starts: NDArray[np.intp]
) -> tuple[float, Floats]:
    at = patients.at(time)
    cases, controls = np.where(at.case, at.weight, 0.0), np.where(at.control, at.weight, 0.0)
    n_cases, n_controls = cases.sum(), controls.sum()
    if n_cases <= 0 or n_controls <= 0:
        raise OutcomeError(
            f"No AUC at {time:g} days; it needs events by then ({int(at.case.sum())}) and patients followed beyond "
            f"({int(at.control.sum())}). Take another time."
        )
    lower = _halfway(controls, ranked, starts) / n_controls  # for each patient, share of the controls with lower risk
    higher = 1.0 - _halfway(cases, ranked, starts) / n_cases  # share of the cases with higher risk
    auc = float((cases * lower).sum() / n_cases)
    own = cases * (lower - auc) / n_cases
    # G(t) is common to all controls and cancels; G of a case stands in its own weight only.
    influence = own + controls * (higher - auc) / n_controls + patients.through_g(-own, at.place)
    return auc, influence


def _halfway(weight: Floats, ranked: NDArray[np.intp], starts: NDArray[np.intp]) -> Floats:
    """Sum of the weights of lower risk and half of those of equal risk, for each patient."""
    tied = np.add.reduceat(weight[ranked], starts)
    half = tied.cumsum() - 0.5 * tied
    result = np.empty_like(weight)
    result[ranked] = np.repeat(half, np.diff(np.append(starts, len(weight))))
    return result


def integrated_auc(
    curve: AucCurve, outcome: Outcome, weighting: AucWeighting = "events", confidence: float = 0.95
) -> IntegratedAuc:
    """Mean of the AUC over the times of a curve.

    Parameters
    ----------
    curve
        Of :func:`auc_curve`.
    outcome
        Follow-up whose Kaplan-Meier estimate S weighs the times.
    weighting
        ``"events"``: each time weighs the deaths since the one before it, S(t') - S(t) (Lambert and Chevret 2016; as
        scikit-survival); ``"pairs"``: S(t')**2 - S(t)**2, the pairs of such a death and a survivor (2 f S of Heagerty
        and Zheng 2005); ``"uniform"``: trapezoids over the time from the first to the last.
    confidence
        Of the normal interval.

    Raises
    ------
    OutcomeError
        If nobody died up to the last time.
    SettingsError
        If the weighting is unknown, or uniform with a single time.
    """
    weights = _time_weights(curve.times_days, outcome, weighting)
    auc = float(weights @ curve.auc)
    error = float(spread(np.sort((weights[:, None] * curve.influence).sum(axis=0))))
    half = float(norm.ppf((1 + confidence) / 2)) * error
    return IntegratedAuc(auc, error, max(auc - half, 0.0), min(auc + half, 1.0), weighting)


def _time_weights(times: Floats, outcome: Outcome, weighting: AucWeighting) -> Floats:
    if weighting == "uniform":
        if len(times) < 2:
            raise SettingsError("An integral over time needs at least two times.")
        gaps = np.diff(times)
        return np.asarray((np.append(gaps, 0.0) + np.append(0.0, gaps)) / (2 * (times[-1] - times[0])))
    if weighting not in ("events", "pairs"):
        raise SettingsError(f"The weighting of an integrated AUC is 'events', 'pairs' or 'uniform', got {weighting!r}.")
    km = kaplan_meier(outcome)
    survival = np.append(1.0, km.survival)[np.searchsorted(km.time_days, times, side="right")]
    steps = -np.diff(np.append(1.0, survival if weighting == "events" else survival**2))
    if not steps.any():
        raise OutcomeError(f"Nobody had an event by {times[-1]:g} days, so no time has a weight.")
    return np.asarray(steps / steps.sum())


def paired_auc_difference(
    outcome: Outcome,
    risk: Floats,
    other: Floats,
    times_days: Sequence[float],
    *,
    convention: CensoringConvention = "R",
    censoring: Outcome | None = None,
    confidence: float = 0.95,
) -> tuple[PairedDifference, ...]:
    """AUC of ``risk`` minus AUC of ``other`` at each time, as the contrasts of R's ``riskRegression::Score``.

    Parameters and errors as in :func:`auc_curve`.
    """
    first, second = (
        auc_curve(outcome, r, times_days, convention=convention, censoring=censoring) for r in (risk, other)
    )
    n = len(outcome)
    change = np.sort(first.influence - second.influence, axis=1) * np.sqrt(n / (n - 1))
    pairs = zip(first.auc - second.auc, change, strict=True)
    return tuple(paired_difference(float(difference), row, confidence) for difference, row in pairs)
