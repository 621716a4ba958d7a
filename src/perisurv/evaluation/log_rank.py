"""Weighted and stratified log-rank tests of any number of groups, and of a trend across them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.stats import chi2

from perisurv.core import Outcome, OutcomeError, SettingsError
from perisurv.evaluation.groups import group_labels
from perisurv.statistics import life_table

__all__ = ["LogRank", "LogRankWeight", "log_rank", "log_rank_test", "log_rank_trend"]

Floats = NDArray[np.float64]
LogRankWeight = Literal["log_rank", "gehan", "tarone_ware", "peto_peto", "fleming_harrington"]

SINGULAR = 1e-10  # smallest eigenvalue of the variance that counts, against the largest


@dataclass(frozen=True, slots=True, eq=False)
class LogRank:
    """Result of a log-rank test.

    Parameters
    ----------
    statistic, df, p
        Chi-square, its degrees of freedom and the upper tail.
    groups
        Names of the groups, ascending.
    n
        Patients of each group, shape (groups,).
    observed, expected
        (Weighted) deaths of each group, and those expected if all groups died alike, shape (groups,).
    """

    statistic: float
    df: int
    p: float
    groups: tuple[str, ...]
    n: NDArray[np.int64]
    observed: Floats
    expected: Floats


def log_rank_test(
    outcome: Outcome,
    group: Sequence[object] | NDArray[np.generic],
    weight: LogRankWeight = "log_rank",
    *,
    rho: float = 0.0,
    gamma: float = 0.0,
    strata: Sequence[object] | None = None,
) -> LogRank:
    r"""Test that k groups share one survival curve.

    The difference of observed and expected deaths at each time is weighted by (n at risk, S the pooled Kaplan-Meier
    estimate just before):

    - ``"log_rank"``: 1;
    - ``"gehan"``: n (Gehan-Breslow, generalised Wilcoxon);
    - ``"tarone_ware"``: the square root of n;
    - ``"peto_peto"``: the product of ``1 - d / (n + 1)`` up to and at the time (Peto and Peto 1972);
    - ``"fleming_harrington"``: ``S**rho * (1 - S)**gamma``; with gamma 0 this is R's ``survdiff(rho=)``.

    Variance by the hypergeometric law, as R's ``survdiff``.

    Parameters
    ----------
    outcome
        Follow-up.
    group
        One label a patient, in the order of the outcome.
    weight, rho, gamma
        As above; rho and gamma, >= 0, belong to ``"fleming_harrington"``.
    strata
        One label a patient: groups are compared within strata and the differences added up. None: one stratum.

    Raises
    ------
    OutcomeError
        If there are fewer than two groups, or nobody died while two of them were followed.
    SettingsError
        If the weight is unknown, or rho or gamma are given to another one or negative.
    """
    names, place = group_labels(group, len(outcome), "The log-rank test")
    if len(names) < 2:
        raise OutcomeError("All patients are in one risk group; a log-rank test needs two.")
    observed, expected, variance = _sums(outcome, place, len(names), _Weight(weight, rho, gamma), strata)
    statistic, df = _quadratic(observed - expected, variance)
    counts = np.bincount(place, minlength=len(names)).astype(np.int64)
    return LogRank(statistic, df, float(chi2.sf(statistic, df)), names, counts, observed, expected)


def log_rank_trend(
    outcome: Outcome,
    group: Sequence[object] | NDArray[np.generic],
    scores: ArrayLike | None = None,
    weight: LogRankWeight = "log_rank",
    *,
    rho: float = 0.0,
    gamma: float = 0.0,
    strata: Sequence[object] | None = None,
) -> LogRank:
    """Test for a trend of the hazard across ordered groups (Tarone 1975); one degree of freedom.

    Parameters
    ----------
    outcome, group, weight, rho, gamma, strata
        As in :func:`log_rank_test`.
    scores
        One number a group, in ascending order of the labels; None: 1, 2, 3, ...

    Raises
    ------
    OutcomeError, SettingsError
        As in :func:`log_rank_test`; and if there is not one finite score a group, or all scores are equal.
    """
    names, place = group_labels(group, len(outcome), "The trend test")
    if len(names) < 2:
        raise OutcomeError("All patients are in one risk group; a trend test needs two.")
    score = np.arange(1.0, len(names) + 1) if scores is None else np.asarray(scores, dtype=float)
    if score.shape != (len(names),) or not np.isfinite(score).all() or np.ptp(score) == 0:
        raise SettingsError(
            f"The trend test needs one finite score for each of the {len(names)} groups, not all equal."
        )
    observed, expected, variance = _sums(outcome, place, len(names), _Weight(weight, rho, gamma), strata)
    score = score - score.mean()
    spread = float(score @ variance @ score)
    if spread <= SINGULAR * float(score @ score) * max(float(np.trace(variance)), 0.0) or spread <= 0:
        raise OutcomeError("Nobody had an event while groups of different score were followed; a trend test needs one.")
    statistic = float(score @ (observed - expected)) ** 2 / spread
    counts = np.bincount(place, minlength=len(names)).astype(np.int64)
    return LogRank(statistic, 1, float(chi2.sf(statistic, 1)), names, counts, observed, expected)


def log_rank(outcome: Outcome, group: NDArray[np.bool_]) -> tuple[float, float]:
    """Chi-square (one degree of freedom) and p of the log-rank test of two groups (as R's ``survdiff``).

    Parameters
    ----------
    outcome
        Follow-up.
    group
        True for the patients of one group, in the order of the outcome.

    Raises
    ------
    OutcomeError
        If a group is empty, or nobody died while both groups were followed.
    """
    found = log_rank_test(outcome, group)
    return found.statistic, found.p


@dataclass(frozen=True, slots=True)
class _Weight:
    """Weight of each time of death."""

    name: LogRankWeight
    rho: float
    gamma: float

    def __post_init__(self) -> None:
        if self.name not in get_args(LogRankWeight):
            known = ", ".join(get_args(LogRankWeight))
            raise SettingsError(f"A weight of the log-rank test is one of {known}; got {self.name!r}.")
        if self.name != "fleming_harrington" and (self.rho or self.gamma):
            raise SettingsError("rho and gamma belong to the weight 'fleming_harrington'; leave them out.")
        if not (0 <= self.rho < np.inf and 0 <= self.gamma < np.inf):
            raise SettingsError(f"rho and gamma must not be negative, got {self.rho:g} and {self.gamma:g}.")

    def at(self, at_risk: Floats, deaths: Floats) -> Floats:
        """Weights at each time, shape (times,)."""
        if self.name == "gehan":
            return at_risk
        if self.name == "tarone_ware":
            return np.sqrt(at_risk)
        if self.name == "peto_peto":
            return np.asarray(np.cumprod(1.0 - deaths / (at_risk + 1.0)), dtype=float)
        before = np.concatenate([[1.0], np.cumprod(1.0 - deaths / at_risk)[:-1]])
        return np.asarray(before**self.rho * (1.0 - before) ** self.gamma, dtype=float)


def _sums(
    outcome: Outcome, place: NDArray[np.intp], k: int, weight: _Weight, strata: Sequence[object] | None
) -> tuple[Floats, Floats, Floats]:
    """Observed and expected deaths (groups,) and the variance of their difference (groups, groups)."""
    stratum = np.zeros(len(outcome), dtype=np.intp)
    if strata is not None:
        stratum = group_labels(strata, len(outcome), "The stratified log-rank test")[1]
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for s in np.unique(stratum):
        own = stratum == s
        parts = _one_stratum(outcome.time_days[own], outcome.event[own], place[own], k, weight)
        observed, expected, variance = observed + parts[0], expected + parts[1], variance + parts[2]
    return observed, expected, variance


def _one_stratum(
    time: Floats, event: NDArray[np.bool_], place: NDArray[np.intp], k: int, weight: _Weight
) -> tuple[Floats, Floats, Floats]:
    _, at_risk, deaths = life_table(time, event)
    died = deaths > 0
    w = weight.at(at_risk, deaths)[died]
    n, d = at_risk[died], deaths[died]
    tables = [life_table(time, event, place == g) for g in range(k)]
    share = np.array([table[1][died] for table in tables]) / n
    observed = np.array([(w * table[2][died]).sum() for table in tables])
    expected = (w * d * share).sum(axis=1)
    spread = w**2 * d * (n - d) / np.maximum(n - 1, 1)
    variance = np.diag((spread * share).sum(axis=1)) - (spread * share) @ share.T
    return observed, expected, variance


def _quadratic(difference: Floats, variance: Floats) -> tuple[float, int]:
    """Chi-square of the difference, and its rank: a group that shares no time of death with others adds nothing."""
    values, vectors = linalg.eigh(variance)
    kept = values > SINGULAR * max(float(values[-1]), 0.0)
    if values[-1] <= 0 or not kept.any():
        raise OutcomeError("Nobody had an event while both risk groups were followed; a log-rank test needs one.")
    along = vectors[:, kept].T @ difference
    return float((along**2 / values[kept]).sum()), int(kept.sum())
