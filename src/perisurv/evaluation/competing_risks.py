"""Competing causes: Gray's test, cause-specific and subdistribution hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.stats import chi2

from perisurv.core import FeatureError, Outcome, OutcomeError
from perisurv.evaluation.estimate import Estimate, log_normal_estimate
from perisurv.evaluation.groups import group_labels
from perisurv.statistics import Subdistribution, check_causes, fit_subdistribution

__all__ = ["FineGray", "GrayTest", "cause_specific", "fine_gray", "gray_test"]

Floats = NDArray[np.float64]

SINGULAR = 1e-10  # smallest eigenvalue of the variance that counts, against the largest


@dataclass(frozen=True, slots=True)
class GrayTest:
    """Gray's test of one cause: chi-square, degrees of freedom and upper tail."""

    cause: int
    statistic: float
    df: int
    p: float
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FineGray:
    """Subdistribution hazard ratios of one cause.

    Parameters
    ----------
    cause
        Code of the cause.
    names, ratios
        Features and their ratios; ``standard_error`` is that of the log ratio, robust.
    model
        The fitted arithmetic, with baseline and covariance.
    """

    cause: int
    names: tuple[str, ...]
    ratios: tuple[Estimate, ...]
    model: Subdistribution


def cause_specific(outcome: Outcome, cause: ArrayLike, of_cause: int) -> Outcome:
    """The outcome with events of other causes censored: Cox models of it give cause-specific hazard ratios.

    Kaplan-Meier curves of it are not probabilities (they take the other causes away); use
    :func:`perisurv.statistics.aalen_johansen` for those.

    Parameters
    ----------
    outcome
        Follow-up; its events are deaths of any cause.
    cause
        0 where censored, otherwise the code of the cause of death, in the order of the outcome.
    of_cause
        Code of the cause of interest.

    Raises
    ------
    OutcomeError
        If causes are not whole numbers >= 0, disagree with the events, or nobody died of the cause.
    """
    _, codes = check_causes(outcome.time_days, cause)
    apart = np.flatnonzero((codes > 0) != outcome.event)
    if apart.size:
        named = ", ".join(outcome.patients[n] for n in apart[:5])
        raise OutcomeError(f"Causes disagree with the events (0: censored, 1, 2, ...: an event) for {named}.")
    _check_present(codes, of_cause)
    return Outcome(outcome.patients, outcome.time_days, codes == of_cause)


def fine_gray(
    x: pd.DataFrame | ArrayLike, time_days: ArrayLike, cause: ArrayLike, of_cause: int = 1, confidence: float = 0.95
) -> FineGray:
    """Subdistribution hazard ratios (Fine and Gray 1999): coefficients and robust errors of ``cmprsk::crr``.

    Parameters
    ----------
    x
        Shape (patients, features); the columns of a frame name the features.
    time_days, cause
        Follow-up; 0: censored, 1, 2, ...: cause of death, shape (patients,).
    of_cause
        Code of the cause of interest.
    confidence
        Coverage of the Wald intervals.

    Raises
    ------
    FeatureError
        If a value is missing, there is not one row a patient, or columns are constant or collinear.
    OutcomeError
        If nobody died of the cause, or causes are no whole numbers >= 0.
    ConvergenceError
        If a feature separates the deaths from those at risk.
    """
    time, codes = check_causes(time_days, cause)
    values = np.asarray(x, dtype=float)
    if values.ndim != 2 or len(values) != len(time) or not values.shape[1] or not np.isfinite(values).all():
        raise FeatureError(
            f"A subdistribution model needs one row of finite features for each of {len(time)} patients."
        )
    names = (
        tuple(map(str, x.columns)) if isinstance(x, pd.DataFrame) else tuple(f"x{n}" for n in range(values.shape[1]))
    )
    model = fit_subdistribution(values, time, codes, of_cause, names)
    ratios = tuple(
        log_normal_estimate(float(b), float(se), confidence)
        for b, se in zip(model.coef, model.standard_error, strict=True)
    )
    return FineGray(of_cause, names, ratios, model)


def gray_test(
    time_days: ArrayLike,
    cause: ArrayLike,
    group: Sequence[object] | NDArray[np.generic],
    of_cause: int = 1,
    strata: Sequence[object] | None = None,
) -> GrayTest:
    """Test that k groups share the cumulative incidence of a cause (Gray 1988, rho = 0), as ``cmprsk::cuminc``.

    Parameters
    ----------
    time_days, cause
        Follow-up; 0: censored, 1, 2, ...: cause of death, shape (patients,).
    group
        One label a patient.
    of_cause
        Code of the cause of interest.
    strata
        One label a patient: groups are compared within strata and the differences added up. None: one stratum.

    Raises
    ------
    OutcomeError
        If there are fewer than two groups, or nobody died of the cause while two of them were followed.
    """
    time, codes = check_causes(time_days, cause)
    names, place = group_labels(group, len(time), "Gray's test")
    if len(names) < 2:
        raise OutcomeError("All patients are in one group; Gray's test needs two.")
    _check_present(codes, of_cause)
    stratum = np.zeros(len(time), np.intp) if strata is None else group_labels(strata, len(time), "Gray's test")[1]
    score, variance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for s in np.unique(stratum):
        own = stratum == s
        if (codes[own] == of_cause).any():
            parts = _gray_sums(time[own], codes[own], place[own], of_cause, len(names))
            score, variance = score + parts[0], variance + parts[1]
    values, vectors = linalg.eigh(variance)
    kept = values > SINGULAR * max(float(values[-1]), 0.0)
    if values[-1] <= 0 or not kept.any():
        raise OutcomeError(
            f"Nobody had an event of cause {of_cause} while two groups were followed; Gray's test needs that."
        )
    along = vectors[:, kept].T @ score
    statistic, df = float((along**2 / values[kept]).sum()), int(kept.sum())
    return GrayTest(of_cause, statistic, df, float(chi2.sf(statistic, df)), names)


def _check_present(codes: NDArray[np.int64], of_cause: int) -> None:
    if not (codes == of_cause).any() or of_cause < 1:
        found = ", ".join(str(c) for c in np.unique(codes[codes > 0])) or "none"
        raise OutcomeError(f"Nobody had an event of cause {of_cause}; causes in the data: {found}.")


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """Of each group at each time of death: at risk, deaths of the cause and of others, shape (groups, times)."""

    at_risk: Floats
    deaths: Floats
    others: Floats
    before: Floats  # survival just before and after each time
    after: Floats
    scaled: Floats  # at risk over survival before: the size of the group without censoring
    alive: Floats  # 1 - incidence of the cause before each time


def _tables(time: Floats, codes: NDArray[np.int64], place: NDArray[np.intp], of_cause: int, k: int) -> _Tables:
    times = np.unique(time[codes > 0])
    when = np.searchsorted(times, time)
    last = np.searchsorted(times, time, side="right")  # a censoring between two times is at risk of the earlier
    leave = np.array([np.bincount(last[place == g], minlength=len(times) + 1) for g in range(k)])
    at_risk = leave[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:].astype(float)
    mine, other = (
        np.array([np.bincount(when[(place == g) & chosen], minlength=len(times)) for g in range(k)]).astype(float)
        for chosen in (codes == of_cause, (codes > 0) & (codes != of_cause))
    )
    hazard = np.divide(mine + other, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    after = np.cumprod(1.0 - hazard, axis=1)
    before = np.concatenate([np.ones((k, 1)), after[:, :-1]], axis=1)
    rate = np.divide(mine, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    incidence = np.cumsum(before * rate, axis=1)
    alive = 1.0 - np.concatenate([np.zeros((k, 1)), incidence[:, :-1]], axis=1)
    scaled = np.divide(at_risk, before, out=np.zeros_like(at_risk), where=at_risk > 0)
    return _Tables(at_risk, mine, other, before, after, scaled, alive)


def _gray_sums(
    time: Floats, codes: NDArray[np.int64], place: NDArray[np.intp], of_cause: int, k: int
) -> tuple[Floats, Floats]:
    """Score of each group (groups,) and its variance under one common incidence (groups, groups)."""
    t = _tables(time, codes, place, of_cause, k)
    at_risk, total = t.scaled * t.alive, t.deaths.sum(axis=0)
    pooled = at_risk.sum(axis=0)
    share = np.divide(at_risk, pooled, out=np.zeros_like(at_risk), where=pooled > 0)
    score = (t.deaths - share * total).sum(axis=1)
    size = t.scaled.sum(axis=0)
    step = np.divide(total, size, out=np.zeros_like(size), where=size > 0)  # of the common incidence
    common = np.cumsum(step)
    hazard = step / np.maximum(1.0 - np.concatenate([[0.0], common[:-1]]), 1e-300)
    part = np.divide(t.scaled, size, out=np.zeros_like(t.scaled), where=size > 0)
    variance = np.zeros((k, k))
    for r in range(k):
        # Influence of a death in group r on the score of every group: directly, and through what is left at risk.
        direct = (np.eye(k)[:, [r]] - part) * t.scaled[r]
        so_far = np.cumsum(direct * hazard, axis=1)
        coming = so_far[:, -1:] - so_far
        left = np.divide(1.0 - common, t.after[r], out=np.zeros_like(common), where=t.after[r] > 0)
        by_other = -left * coming
        by_cause = direct + coming + by_other
        inverse = np.divide(1.0, t.scaled[r], out=np.zeros_like(size), where=t.scaled[r] > 0)
        tied = 1.0 - _ratio(total - 1, size * t.before[r] - 1)
        own = 1.0 - _ratio(t.others[r] - 1, t.at_risk[r] - 1)
        variance += (by_cause * (inverse * step * tied)) @ by_cause.T
        variance += (by_other * (inverse**2 * t.others[r] * own)) @ by_other.T
    return score, variance


def _ratio(above: Floats, below: Floats) -> Floats:
    """Quotient of counts less one; 0 where there is no tie."""
    return np.divide(above, below, out=np.zeros_like(below), where=(above > 0) & (below > 0))
