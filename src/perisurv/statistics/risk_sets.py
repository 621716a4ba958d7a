"""Who is at risk at each death: the sums behind every partial likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from perisurv.core import OutcomeError

__all__ = ["RiskSets", "Ties", "case_weights", "stratum_numbers"]

Floats = NDArray[np.float64]
Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """Patients in order of stratum and time, and one row a death.

    Breslow and Efron differ only in ``fraction``: with d tied deaths, Efron takes 0, 1/d, 2/d, ... of their own
    weight out of the risk set of the first, second, third, ...; Breslow takes nothing out. Patients are at risk for
    the deaths of their own stratum only.

    Parameters
    ----------
    order
        Positions of the patients by stratum and ascending time, shape (n,).
    time_days
        Times in that order, shape (n,).
    weight
        Case weights in that order, shape (n,).
    strata
        Bounds of the strata in that order, shape (strata + 1,).
    deaths
        Positions, in that order, of the patients who died and whose weight is not zero, shape (m,).
    start
        For each death, the first position still at risk, shape (m,).
    through
        For each patient, the number of deaths up to and at the patient's time, those of earlier strata included,
        shape (n,).
    fraction
        For each death, the share of the tied deaths' weight taken out, shape (m,).
    tie, tie_start
        For each death, the number of its group of tied deaths, shape (m,); the first death of each group.
    death_weight
        For each death, the mean case weight of its group of tied deaths, shape (m,).
    """

    order: NDArray[np.intp]
    time_days: Floats
    weight: Floats
    strata: NDArray[np.intp]
    deaths: NDArray[np.intp]
    start: NDArray[np.intp]
    through: NDArray[np.intp]
    fraction: Floats
    tie: NDArray[np.intp]
    tie_start: NDArray[np.intp]
    death_weight: Floats

    @classmethod
    def of(
        cls,
        time_days: Floats,
        event: NDArray[np.bool_],
        ties: Ties,
        strata: Sequence[object] | None = None,
        weight: Floats | None = None,
    ) -> RiskSets:
        """Sort the patients once.

        Parameters
        ----------
        time_days, event
            Follow-up and whether it ended in death, shape (n,).
        ties
            Tied deaths.
        strata
            One label a patient; None: all in one stratum.
        weight
            Case weights >= 0, shape (n,); None: all 1.

        Raises
        ------
        OutcomeError
            If nobody died, or strata or weights do not fit the patients.
        """
        n = len(time_days)
        labels = np.zeros(n, dtype=np.intp) if strata is None else stratum_numbers(strata, n)
        given = np.ones(n) if weight is None else case_weights(weight, n)
        if not (event & (given > 0)).any():
            raise OutcomeError(
                f"All {n} patients are censored: no event was observed, so no survival model can be fitted. "
                "Check the event column (1 = event)."
            )
        order = np.lexsort((time_days, labels))
        time, label, weight_of = time_days[order], labels[order], given[order]
        bounds = np.append(np.flatnonzero(np.diff(label, prepend=-1)), n)
        deaths = np.flatnonzero(event[order] & (weight_of > 0))
        # The rank of (stratum, time) puts every stratum behind the one before it.
        rank = np.cumsum((np.diff(label, prepend=0) != 0) | (np.diff(time, prepend=time[0]) != 0))
        _, tie_start, tie, size = np.unique(rank[deaths], return_index=True, return_inverse=True, return_counts=True)
        place = np.arange(len(deaths)) - tie_start[tie]
        return cls(
            order=order,
            time_days=time,
            weight=weight_of,
            strata=bounds,
            deaths=deaths,
            start=np.searchsorted(rank, rank[deaths], side="left"),
            through=np.searchsorted(rank[deaths], rank, side="right"),
            fraction=place / size[tie] if ties == "efron" else np.zeros(len(deaths)),
            tie=tie,
            tie_start=tie_start,
            death_weight=(np.add.reduceat(weight_of[deaths], tie_start) / size)[tie],
        )

    def at_risk(self, values: Floats) -> Floats:
        """Sum of values (n, ...) over the patients at risk at each death, shape (m, ...)."""
        sums = self._each_stratum(values, lambda part: np.cumsum(part[::-1], axis=0)[::-1])[self.start]
        if self.fraction.any():
            tied = np.add.reduceat(values[self.deaths], self.tie_start, axis=0)[self.tie]
            sums = sums - self._column(self.fraction, values.ndim) * tied
        return np.asarray(sums)

    def up_to(self, values: Floats) -> Floats:
        """Sum of values (m, ...) over the deaths that each patient was at risk at, shape (n, ...)."""
        zero = np.zeros_like(values[:1])
        sums = np.empty((len(self.order), *values.shape[1:]))
        for a, b in pairwise(self.strata):
            first, last = np.searchsorted(self.deaths, (a, b))
            total = np.concatenate([zero, np.cumsum(values[first:last], axis=0)])
            sums[a:b] = total[self.through[a:b] - first]
        if self.fraction.any():
            own = np.add.reduceat(self._column(self.fraction, values.ndim) * values, self.tie_start, axis=0)
            sums[self.deaths] -= own[self.tie]
        return sums

    def relative_weight(self, eta: Floats) -> Floats:
        """Case weight times hazard ratio exp(eta), against the largest of each stratum: never overflows, shape (n,)."""
        largest = np.maximum.reduceat(eta, self.strata[:-1])
        return np.asarray(self.weight * np.exp(eta - np.repeat(largest, np.diff(self.strata))))

    def log_at_risk(self, eta: Floats) -> Floats:
        """Log of the weighted sum of exp(eta) over the patients at risk at each death, shape (m,).

        Sums on the log scale: finite however far the linear predictors (n,), given in the order of the sets, lie apart.
        """
        with np.errstate(divide="ignore"):
            weighted = eta + np.log(self.weight)
        log_sum = self._each_stratum(weighted, lambda part: np.logaddexp.accumulate(part[::-1])[::-1])[self.start]
        if self.fraction.any():
            tied = np.logaddexp.reduceat(weighted[self.deaths], self.tie_start)[self.tie]
            log_sum = log_sum + np.log1p(-self.fraction * np.exp(np.minimum(tied - log_sum, 0.0)))
        return np.asarray(log_sum)

    def log_likelihood(self, eta: Floats) -> float:
        """Log partial likelihood of linear predictors (n,) given in the order of the sets."""
        own = np.sum(self.weight[self.deaths] * eta[self.deaths])
        return float(own - np.sum(self.death_weight * self.log_at_risk(eta)))

    def within_ties(self, values: Floats) -> Floats:
        """Mean of values (m, ...) over each group of tied deaths, for each of its deaths, shape (m, ...)."""
        size = np.diff(np.append(self.tie_start, len(self.deaths)))
        means = np.add.reduceat(values, self.tie_start, axis=0) / self._column(size, values.ndim)
        return np.asarray(means[self.tie])

    def saturated(self) -> float:
        """Largest value that the Breslow log partial likelihood can approach (zero without ties and weights)."""
        total = np.add.reduceat(self.weight[self.deaths], self.tie_start)
        return float(-np.sum(total * np.log(total)))

    def _each_stratum(self, values: Floats, cumulate: Callable[[Floats], Floats]) -> Floats:
        if len(self.strata) == 2:
            return cumulate(values)
        return np.concatenate([cumulate(values[a:b]) for a, b in pairwise(self.strata)])

    @staticmethod
    def _column(values: NDArray[Any], ndim: int) -> NDArray[Any]:
        return values.reshape(-1, *[1] * (ndim - 1))


def stratum_numbers(strata: Sequence[object], n: int) -> NDArray[np.intp]:
    """Number of each patient's stratum, in the order of the labels as text, shape (n,)."""
    names = np.array([str(s) for s in strata])
    if names.shape != (n,):
        raise OutcomeError(f"Strata need one label a patient: {names.size} labels for {n} patients.")
    if any(s is None or (isinstance(s, float) and math.isnan(s)) for s in strata):
        raise OutcomeError("The stratum of a patient is missing; give every patient a label.")
    return np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.intp)


def case_weights(weight: Floats, n: int) -> Floats:
    """Case weights that can be used, shape (n,)."""
    values = np.asarray(weight, dtype=float)
    if values.shape != (n,) or not np.isfinite(values).all() or (values < 0).any():
        raise OutcomeError(f"Case weights must be finite and not negative, one for each of the {n} patients.")
    return values
