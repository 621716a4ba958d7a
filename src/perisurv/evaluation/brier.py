"""Brier score of predicted survival and its integral, beside the prediction that is the same for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perisurv.core import FeatureError, Outcome, SettingsError
from perisurv.evaluation.discrimination import PairedDifference, paired_difference
from perisurv.evaluation.ipcw import IpcwPatients, ascending, spread
from perisurv.statistics import CensoringConvention, kaplan_meier

__all__ = ["BrierCurve", "IntegratedBrier", "brier_score", "integrated_brier", "paired_brier_difference"]

Floats = NDArray[np.float64]
IntegralRule = Literal["left", "trapezoid"]


@dataclass(frozen=True, slots=True, eq=False)
class BrierCurve:
    """Brier score over time; lower is better.

    Parameters
    ----------
    times_days
        Ascending, shape (times,).
    brier, standard_error
        Shape (times,).
    lower, upper
        Normal limits, kept from 0 up.
    null, null_standard_error
        Of the null model, which gives everybody the same survival; shape (times,).
    scaled
        1 - brier / null, Graf's R2; below 0 where the model is worse than the null. NaN where the null makes
        no error.
    influence, null_influence
        Change of the score by the share of each patient's weight, shape (times, n).
    """

    times_days: Floats
    brier: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    null: Floats
    null_standard_error: Floats
    scaled: Floats
    influence: Floats
    null_influence: Floats


@dataclass(frozen=True, slots=True)
class IntegratedBrier:
    """Brier score integrated over time, that of the null model, and 1 - their ratio (NaN if the null has no error)."""

    brier: float
    standard_error: float
    null: float
    scaled: float
    rule: IntegralRule


def brier_score(
    outcome: Outcome,
    survival: Floats,
    times_days: Sequence[float],
    *,
    convention: CensoringConvention = "R",
    censoring: Outcome | None = None,
    null_survival: Sequence[float] | None = None,
    confidence: float = 0.95,
) -> BrierCurve:
    """Brier score at each time: squared distance of the predicted survival from dead (0) or alive (1).

    Patients who died by t weigh 1 / G(T-), those followed beyond it 1 / G(t); those censored before weigh nothing.

    Parameters
    ----------
    outcome
        Follow-up of the scored patients.
    survival
        Predicted probability of being alive, shape (n, times), in the order of the outcome.
    times_days
        Ascending, days.
    convention
        ``"R"``: as riskRegression; ``"scikit-survival"``: a death at T weighs 1 / G(T), as its ``brier_score``.
    censoring
        Patients that G is estimated on; G is then taken as known. None: the scored patients.
    null_survival
        Survival of everybody by the null model, shape (times,), such as that of the training patients. None:
        Kaplan-Meier of the scored patients (as riskRegression).
    confidence
        Of the normal intervals.

    Raises
    ------
    FeatureError
        If survival does not have one probability a patient and time.
    OutcomeError
        If G is zero by some time: nobody is followed that long.
    SettingsError
        If there is no time, times do not ascend, or the convention is unknown.

    References
    ----------
    Graf et al., Stat Med 18 (1999) 2529; Gerds and Schumacher, Biom J 48 (2006) 1029.
    """
    times = ascending(times_days)
    alive = np.asarray(survival, dtype=float)
    _check(alive, (len(outcome), len(times)), "survival")
    same = _alive(outcome, times) if null_survival is None else np.asarray(null_survival, dtype=float)
    _check(same, (len(times),), "null_survival")
    patients = IpcwPatients.of(outcome, tuple(alive.T), convention, censoring, None)
    scores = np.empty((2, len(times)))
    influence = np.empty((2, len(times), len(outcome)))
    for column, time in enumerate(times):
        for row, values in enumerate((alive[patients.order, column], np.full(len(outcome), same[column]))):
            scores[row, column], influence[row, column] = _brier_at(patients, float(time), values)
    error = spread(influence)
    half = float(norm.ppf((1 + confidence) / 2)) * error[0]
    influence = patients.in_outcome_order(influence)
    return BrierCurve(
        times_days=times,
        brier=scores[0],
        standard_error=error[0],
        lower=np.maximum(scores[0] - half, 0.0),
        upper=scores[0] + half,
        null=scores[1],
        null_standard_error=error[1],
        scaled=_scaled(scores[0], scores[1]),
        influence=influence[0],
        null_influence=influence[1],
    )


def _brier_at(patients: IpcwPatients, time: float, alive: Floats) -> tuple[float, Floats]:
    at = patients.at(time)
    loss = at.weight * np.where(at.case, alive, 1.0 - alive) ** 2
    total = patients.weight.sum()
    brier = float(loss.sum() / total)
    influence = (loss - patients.weight * brier) / total + patients.through_g(-loss / total, at.place)
    return brier, influence


def _alive(outcome: Outcome, times: Floats) -> Floats:
    """Kaplan-Meier estimate of survival at each time."""
    km = kaplan_meier(outcome)
    return np.append(1.0, km.survival)[np.searchsorted(km.time_days, times, side="right")]


def _scaled(brier: Floats, null: Floats) -> Floats:
    ratio = np.divide(brier, null, out=np.full_like(brier, np.nan), where=null > 0)
    return np.asarray(1.0 - ratio)


def _check(values: Floats, shape: tuple[int, ...], name: str) -> None:
    if values.shape != shape:
        raise FeatureError(f"The Brier score needs {name} of shape {shape} (patients, times), got {values.shape}.")
    if not ((values >= 0) & (values <= 1)).all():
        raise FeatureError(f"The Brier score needs {name} as probabilities between 0 and 1; a value lies outside.")


def integrated_brier(curve: BrierCurve, rule: IntegralRule = "left") -> IntegratedBrier:
    """Brier score integrated over time.

    Parameters
    ----------
    curve
        Of :func:`brier_score`.
    rule
        ``"left"``: steps from 0 to the last time, each interval at the score of its left end and nothing before the
        first time, divided by the last time (as riskRegression's ``summary = "ibs"``: give the times densely);
        ``"trapezoid"``: from the first time to the last, divided by their distance (as scikit-survival).

    Raises
    ------
    SettingsError
        If the rule is unknown or there is a single time.
    """
    times = curve.times_days
    if len(times) < 2:
        raise SettingsError("An integral over time needs at least two times.")
    gaps = np.diff(times)
    if rule == "left":
        weights = np.append(gaps, 0.0) / times[-1]
    elif rule == "trapezoid":
        weights = (np.append(gaps, 0.0) + np.append(0.0, gaps)) / (2 * (times[-1] - times[0]))
    else:
        raise SettingsError(f"The rule of an integrated Brier score is 'left' or 'trapezoid', got {rule!r}.")
    brier, null = float(weights @ curve.brier), float(weights @ curve.null)
    error = float(spread(np.sort((weights[:, None] * curve.influence).sum(axis=0))))
    return IntegratedBrier(brier, error, null, 1 - brier / null if null > 0 else float("nan"), rule)


def paired_brier_difference(
    outcome: Outcome,
    survival: Floats,
    other: Floats,
    times_days: Sequence[float],
    *,
    convention: CensoringConvention = "R",
    censoring: Outcome | None = None,
    confidence: float = 0.95,
) -> tuple[PairedDifference, ...]:
    """Brier score of ``survival`` minus that of ``other`` at each time; below 0 where the first is better.

    As the contrasts of R's ``riskRegression::Score``; parameters and errors as in :func:`brier_score`.
    """
    first, second = (
        brier_score(outcome, s, times_days, convention=convention, censoring=censoring) for s in (survival, other)
    )
    n = len(outcome)
    change = np.sort(first.influence - second.influence, axis=1) * np.sqrt(n / max(n - 1, 1))
    pairs = zip(first.brier - second.brier, change, strict=True)
    return tuple(paired_difference(float(difference), row, confidence) for difference, row in pairs)
