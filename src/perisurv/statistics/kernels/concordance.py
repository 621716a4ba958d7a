"""Sums over pairs of patients in n log n: a Fenwick tree over the ranks of the risks, walked along time.

Patients come by stratum, ascending time and, at one time, deaths before censorings. ``first`` is the position where the
time of each patient begins, ``rank`` the dense rank of the risk in its stratum (from 1), ``bounds`` the strata.
A pair is a death and a patient of the same stratum followed longer, or censored at the same time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.compiled import kernel

__all__ = ["earlier_sums", "later_sums", "resampled_sums"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def _add(tree: Floats, at: Floats, rank: int, value: float, top: int) -> None:
    at[rank] += value
    while rank <= top:
        tree[rank] += value
        rank += rank & -rank


def _below(tree: Floats, rank: int) -> float:
    """Sum over the ranks below this one."""
    total = 0.0
    rank -= 1
    while rank > 0:
        total += tree[rank]
        rank -= rank & -rank
    return total


_add = kernel(inline="always")(_add)
_below = kernel(inline="always")(_below)


def _earlier_sums(rank: Ints, event: Bools, first: Ints, bounds: Ints, weight: Floats) -> tuple[Floats, Floats]:
    """For each death: weight of its partners with lower risk, half of those with equal risk included; of all."""
    n = rank.shape[0]
    agree = np.zeros(n)
    total = np.zeros(n)
    tree = np.zeros(n + 2)
    at = np.zeros(n + 2)
    for s in range(bounds.shape[0] - 1):
        begin, end = bounds[s], bounds[s + 1]
        top = end - begin
        tree[: top + 2] = 0.0
        at[: top + 2] = 0.0
        held = 0.0
        while end > begin:
            start = first[end - 1]
            middle = end
            while middle > start and not event[middle - 1]:
                middle -= 1
                _add(tree, at, rank[middle], weight[middle], top)
                held += weight[middle]
            for p in range(start, middle):
                agree[p] = _below(tree, rank[p]) + 0.5 * at[rank[p]]
                total[p] = held
            for p in range(start, middle):
                _add(tree, at, rank[p], weight[p], top)
                held += weight[p]
            end = start
    return agree, total


def _later_sums(rank: Ints, event: Bools, first: Ints, bounds: Ints, weight: Floats) -> tuple[Floats, Floats]:
    """For each patient: weight of the deaths before it with higher risk, and half of those with equal risk; of all."""
    n = rank.shape[0]
    agree = np.zeros(n)
    total = np.zeros(n)
    tree = np.zeros(n + 2)
    at = np.zeros(n + 2)
    for s in range(bounds.shape[0] - 1):
        begin, end = bounds[s], bounds[s + 1]
        top = end - begin
        tree[: top + 2] = 0.0
        at[: top + 2] = 0.0
        held = 0.0
        while begin < end:
            middle = begin
            while middle < end and first[middle] == begin and event[middle]:
                agree[middle] = held - _below(tree, rank[middle]) - 0.5 * at[rank[middle]]
                total[middle] = held
                middle += 1
            for p in range(begin, middle):
                _add(tree, at, rank[p], weight[p], top)
                held += weight[p]
            stop = middle
            while stop < end and first[stop] == begin:
                agree[stop] = held - _below(tree, rank[stop]) - 0.5 * at[rank[stop]]
                total[stop] = held
                stop += 1
            begin = stop
    return agree, total


def _resampled_sums(
    rank: Ints, event: Bools, first: Ints, bounds: Ints, order: Ints, counts: Ints
) -> tuple[Floats, Floats]:
    """Concordant and comparable pairs of every resample; ``counts`` (resamples, n) are in the order of the caller."""
    resamples, n = counts.shape
    agree = np.zeros(resamples)
    total = np.zeros(resamples)
    tree = np.zeros(n + 2)
    at = np.zeros(n + 2)
    for b in range(resamples):
        for s in range(bounds.shape[0] - 1):
            begin, end = bounds[s], bounds[s + 1]
            top = end - begin
            tree[: top + 2] = 0.0
            at[: top + 2] = 0.0
            held = 0.0
            while end > begin:
                start = first[end - 1]
                middle = end
                while middle > start and not event[middle - 1]:
                    middle -= 1
                    count = float(counts[b, order[middle]])
                    if count > 0.0:
                        _add(tree, at, rank[middle], count, top)
                        held += count
                for p in range(start, middle):
                    count = float(counts[b, order[p]])
                    if count > 0.0:
                        agree[b] += count * (_below(tree, rank[p]) + 0.5 * at[rank[p]])
                        total[b] += count * held
                for p in range(start, middle):
                    count = float(counts[b, order[p]])
                    if count > 0.0:
                        _add(tree, at, rank[p], count, top)
                        held += count
                end = start
    return agree, total


earlier_sums = kernel()(_earlier_sums)
later_sums = kernel()(_later_sums)
resampled_sums = kernel()(_resampled_sums)
