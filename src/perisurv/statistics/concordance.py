"""Harrell's concordance of a risk with follow-up, in n log n: value, standard error, and its value in resamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perisurv.core import FeatureError, OutcomeError
from perisurv.statistics.risk_sets import case_weights, stratum_numbers

__all__ = ["Concordance", "RankedPairs", "concordance", "harrell_c"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Concordance:
    """Concordance of a risk with follow-up.

    Parameters
    ----------
    c_index
        Share of the pairs in which the higher risk dies earlier; equal risks count one half.
    standard_error
        From the infinitesimal jackknife (as R's ``concordance``).
    pairs
        Weight of the pairs that can be compared.
    influence
        Change of C by the share of each patient's weight, shape (n,): ``standard_error**2`` is its sum of squares.
    """

    c_index: float
    standard_error: float
    pairs: float
    influence: Floats

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Normal limits, kept within 0 and 1."""
        half = float(norm.ppf((1 + confidence) / 2)) * self.standard_error
        return max(self.c_index - half, 0.0), min(self.c_index + half, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class RankedPairs:
    """Patients in the order in which pairs are counted; one sort serves every weight and every resample.

    A pair is a death and a patient of the same stratum followed longer; at equal times a death before a censoring
    counts, two deaths do not (as ``survival::concordance`` in R).

    Parameters
    ----------
    order
        Positions of the patients by stratum, time, deaths first, risk and weight, shape (n,): equal whatever the order
        in which the patients come, so that sums are equal to the bit.
    event, rank, first
        In that order: death; rank of the risk within the stratum, from 1; first position of the same time.
    bounds
        Of the strata in that order, shape (strata + 1,).
    weight
        Case weights in that order.
    """

    order: Ints
    event: Bools
    rank: Ints
    first: Ints
    bounds: Ints
    weight: Floats

    @classmethod
    def of(
        cls,
        time_days: Floats,
        event: Bools,
        risk: Floats,
        *,
        weight: Floats | None = None,
        strata: Sequence[object] | None = None,
    ) -> RankedPairs:
        """Sort the patients once; parameters and errors as in :func:`concordance`."""
        n = np.size(time_days)
        if not (np.shape(time_days) == np.shape(event) == np.shape(risk)):
            raise FeatureError(
                f"C needs one risk a patient: {np.size(risk)} risks, {n} times, {np.size(event)} events."
            )
        if not np.isfinite(risk).all():
            raise FeatureError("C needs a finite risk for every patient; one is missing or infinite.")
        label = np.zeros(n, dtype=np.int64) if strata is None else stratum_numbers(strata, n)
        weights = np.ones(n) if weight is None else case_weights(weight, n)
        order = np.lexsort((weights, risk, ~np.asarray(event, dtype=bool), time_days, label)).astype(np.int64)
        label, time = label[order], np.asarray(time_days)[order]
        bounds = np.append(np.flatnonzero(np.diff(label, prepend=-1)), n)
        begins = (np.diff(label, prepend=-1) != 0) | (np.diff(time, prepend=np.nan) != 0)
        first = np.maximum.accumulate(np.where(begins, np.arange(n), 0))
        rank = _ranks(np.asarray(risk)[order], label, bounds)
        return cls(order, np.asarray(event)[order], rank, first, bounds.astype(np.int64), weights[order])

    def sums(self, time_weight: Floats | None = None) -> tuple[Floats, Floats, Floats, Floats]:
        """Pairs of each patient, in the order of the pairs, shape (n,) each.

        Parameters
        ----------
        time_weight
            What a pair weighs by its death, on top of the case weights, in the order of the caller; None: 1.

        Returns
        -------
        Concordant and comparable weight of the pairs in which the patient is the one who died; and of the pairs in
        which it is the other one. Its own case weight is left out.
        """
        from perisurv.statistics.kernels.concordance import earlier_sums, later_sums  # noqa: PLC0415 (numba loads when first used)

        extra = np.ones(len(self.order)) if time_weight is None else np.asarray(time_weight, float)[self.order]
        extra = np.where(self.event, extra, 0.0)
        agree, total = earlier_sums(self.rank, self.event, self.first, self.bounds, self.weight)
        later = later_sums(self.rank, self.event, self.first, self.bounds, self.weight * extra)
        return extra * agree, extra * total, *later

    def c_index(self, time_weight: Floats | None = None) -> float:
        """Concordance alone, by half of the work.

        Raises
        ------
        OutcomeError
            If no pair of patients can be compared.
        """
        from perisurv.statistics.kernels.concordance import earlier_sums  # noqa: PLC0415 (numba loads when first used)

        agree, total = earlier_sums(self.rank, self.event, self.first, self.bounds, self.weight)
        weight = self.weight if time_weight is None else self.weight * np.asarray(time_weight, float)[self.order]
        return float((weight * agree).sum() / _some_pairs((weight * total).sum()))

    def without_each(self) -> Floats:
        """C without each patient in turn (the jackknife), in the order of the caller; NaN where no pair is left."""
        agree, total, agree_later, total_later = self.sums()
        hits = (self.weight * agree).sum() - self.weight * (agree + agree_later)
        pairs = (self.weight * total).sum() - self.weight * (total + total_later)
        left = np.empty(len(self.order))
        left[self.order] = np.divide(hits, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
        return left

    def resampled(self, counts: Ints) -> Floats:
        """C of every resample; NaN where no pair can be compared. Parameters as for :meth:`resampled_sums`."""
        agree, total = self.resampled_sums(counts)
        values: Floats = np.divide(agree, total, out=np.full(len(total), np.nan), where=total > 0)
        return values

    def resampled_sums(self, counts: Ints) -> tuple[Floats, Floats]:
        """Concordant and comparable pairs of every resample of the patients, shape (resamples,) each.

        Counts and halves are exact in binary, so these are the same bytes whatever the order of the additions.

        Parameters
        ----------
        counts
            How often each patient stands in each resample, in the order of the caller, shape (resamples, n).
            Case weights play no part.
        """
        from perisurv.statistics.kernels.concordance import resampled_sums  # noqa: PLC0415 (numba loads when first used)

        counts = np.ascontiguousarray(counts, dtype=np.int64)
        agree, total = resampled_sums(self.rank, self.event, self.first, self.bounds, self.order, counts)
        return np.asarray(agree), np.asarray(total)


def harrell_c(
    time_days: Floats,
    event: Bools,
    risk: Floats,
    *,
    weight: Floats | None = None,
    strata: Sequence[object] | None = None,
) -> float:
    """Harrell's concordance index; above 0.5 the higher risk dies earlier.

    Parameters and errors as in :func:`concordance`, which gives the standard error as well.
    """
    return RankedPairs.of(time_days, event, risk, weight=weight, strata=strata).c_index()


def concordance(
    time_days: Floats,
    event: Bools,
    risk: Floats,
    *,
    weight: Floats | None = None,
    strata: Sequence[object] | None = None,
    time_weight: Floats | None = None,
) -> Concordance:
    """Harrell's concordance index with its standard error.

    A pair counts if the shorter time is a death; at equal times a death before a censoring counts, two deaths do
    not. Equal risks count one half. Values and errors are those of R's ``survival::concordance(reverse = TRUE)``.

    Parameters
    ----------
    time_days, event
        Follow-up in days and whether it ended in death, shape (n,).
    risk
        Higher is worse, shape (n,).
    weight
        Case weights >= 0, shape (n,): a pair weighs the product of both. None: all 1.
    strata
        One label a patient; patients are compared within their stratum only. None: all with all.
    time_weight
        What each pair weighs by its death, shape (n,), such as 1 / G(t-)**2; taken as known. None: 1.

    Raises
    ------
    FeatureError
        If a risk is missing or not finite.
    OutcomeError
        If no pair of patients can be compared, or weights or strata do not fit the patients.

    References
    ----------
    Harrell et al., JAMA 247 (1982) 2543; Therneau and Atkinson, "Concordance", vignette of R's survival.
    """
    pairs = RankedPairs.of(time_days, event, risk, weight=weight, strata=strata)
    agree, total, agree_later, total_later = pairs.sums(time_weight)
    comparable = _some_pairs((pairs.weight * total).sum())
    c_index = (pairs.weight * agree).sum() / comparable
    change = pairs.weight * (agree + agree_later - c_index * (total + total_later)) / comparable
    influence = np.empty_like(change)
    influence[pairs.order] = change
    return Concordance(float(c_index), float(np.sqrt((change**2).sum())), float(comparable), influence)


def _some_pairs(total: float) -> float:
    if total > 0:
        return float(total)
    raise OutcomeError("No pair of patients can be compared: nobody had an event before another one's follow-up ended.")


def _ranks(risk: Floats, label: Ints, bounds: Ints) -> Ints:
    """Dense ranks within the strata, from 1."""
    order = np.lexsort((risk, label))
    step = np.diff(risk[order], prepend=np.nan) != 0
    step[bounds[:-1]] = True
    dense = np.cumsum(step)
    rank = np.empty(len(risk), dtype=np.int64)
    rank[order] = dense - np.repeat(dense[bounds[:-1]] - 1, np.diff(bounds))
    return rank
