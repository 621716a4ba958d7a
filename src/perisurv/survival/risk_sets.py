"""Who is at risk at each death: the sums behind every partial likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from perisurv.core import FeatureError, FeatureTable, Outcome, OutcomeError
from perisurv.survival.options import Ties

__all__ = ["RiskSets", "design"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """Patients in order of time, and one row a death.

    Breslow and Efron differ only in ``fraction``: with d tied deaths, Efron takes 0, 1/d, 2/d, ... of their own
    weight out of the risk set of the first, second, third, ...; Breslow takes nothing out.

    Parameters
    ----------
    order
        Positions of the patients by ascending time, shape (n,).
    time_days
        Times in that order, shape (n,).
    deaths
        Positions, in that order, of the patients who died, shape (m,).
    start
        For each death, the first position still at risk, shape (m,).
    through
        For each patient, the number of deaths up to and at the patient's time, shape (n,).
    fraction
        For each death, the share of the tied deaths' weight taken out, shape (m,).
    tie, tie_start
        For each death, the number of its group of tied deaths, shape (m,); the first death of each group.
    """

    order: NDArray[np.intp]
    time_days: Floats
    deaths: NDArray[np.intp]
    start: NDArray[np.intp]
    through: NDArray[np.intp]
    fraction: Floats
    tie: NDArray[np.intp]
    tie_start: NDArray[np.intp]

    @classmethod
    def of(cls, time_days: Floats, event: NDArray[np.bool_], ties: Ties) -> RiskSets:
        """Sort the patients once.

        Raises
        ------
        OutcomeError
            If nobody died.
        """
        if not event.any():
            raise OutcomeError(
                f"All {len(event)} patients are censored: no death was observed, so no survival model can be fitted. "
                "Check the event column (1 = death)."
            )
        order = np.argsort(time_days, kind="stable")
        time = time_days[order]
        deaths = np.flatnonzero(event[order])
        _, tie_start, tie, size = np.unique(time[deaths], return_index=True, return_inverse=True, return_counts=True)
        rank = np.arange(len(deaths)) - tie_start[tie]
        return cls(
            order=order,
            time_days=time,
            deaths=deaths,
            start=np.searchsorted(time, time[deaths], side="left"),
            through=np.searchsorted(time[deaths], time, side="right"),
            fraction=rank / size[tie] if ties == "efron" else np.zeros(len(deaths)),
            tie=tie,
            tie_start=tie_start,
        )

    def at_risk(self, values: Floats) -> Floats:
        """Sum of values (n, ...) over the patients at risk at each death, shape (m, ...)."""
        sums = np.cumsum(values[::-1], axis=0)[::-1][self.start]
        if self.fraction.any():
            tied = np.add.reduceat(values[self.deaths], self.tie_start, axis=0)[self.tie]
            sums = sums - self._column(self.fraction, values.ndim) * tied
        return np.asarray(sums)

    def up_to(self, values: Floats) -> Floats:
        """Sum of values (m, ...) over the deaths that each patient was at risk at, shape (n, ...)."""
        zero = np.zeros_like(values[:1])
        sums = np.concatenate([zero, np.cumsum(values, axis=0)])[self.through]
        if self.fraction.any():
            own = np.add.reduceat(self._column(self.fraction, values.ndim) * values, self.tie_start, axis=0)
            sums[self.deaths] -= own[self.tie]
        return np.asarray(sums)

    def log_likelihood(self, eta: Floats) -> float:
        """Log partial likelihood of linear predictors (n,) given in the order of time.

        Sums on the log scale: finite however far the linear predictors lie apart.
        """
        log_at_risk = np.logaddexp.accumulate(eta[::-1])[::-1][self.start]
        if self.fraction.any():
            tied = np.logaddexp.reduceat(eta[self.deaths], self.tie_start)[self.tie]
            log_at_risk = log_at_risk + np.log1p(-self.fraction * np.exp(np.minimum(tied - log_at_risk, 0.0)))
        return float(np.sum(eta[self.deaths] - log_at_risk))

    def saturated(self) -> float:
        """Largest value that the Breslow log partial likelihood can approach (zero without ties)."""
        size = np.bincount(self.tie)
        return float(-np.sum(size * np.log(size)))

    @staticmethod
    def _column(values: Floats, ndim: int) -> Floats:
        return values.reshape(-1, *[1] * (ndim - 1))


def design(x: FeatureTable | pd.DataFrame | ArrayLike, outcome: Outcome) -> tuple[Floats, tuple[str, ...]]:
    """Numbers (patients, features) and feature names of a table whose rows are the patients of the outcome.

    Raises
    ------
    FeatureError
        If rows and patients differ, or a value is missing or infinite.
    """
    frame = x.frame if isinstance(x, FeatureTable) else x
    if isinstance(frame, pd.DataFrame):
        if tuple(str(p) for p in frame.index) != outcome.patients:
            raise FeatureError("The rows of the features must be the patients of the outcome, in their order.")
        names = tuple(str(c) for c in frame.columns)
    values = np.asarray(frame, dtype=float)
    if values.ndim != 2 or len(values) != len(outcome):
        raise FeatureError(f"Features of shape {values.shape} do not fit {len(outcome)} patients (rows).")
    if not isinstance(frame, pd.DataFrame):
        names = tuple(f"x{n}" for n in range(values.shape[1]))
    bad = ~np.isfinite(values).all(axis=0)
    if bad.any():
        raise FeatureError(
            f"Feature {names[int(bad.argmax())]!r} is missing or infinite for a patient; impute it first."
        )
    return values, names
