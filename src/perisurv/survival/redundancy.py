"""Of features that say the same, one: greedy, or by clusters of rank correlation. Uses no outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from perisurv.core import FeatureError, FeatureTable, SettingsError
from perisurv.survival.estimator import Features, FollowUp, TableTransformer
from perisurv.survival.kept import KeptFeatures

__all__ = ["Linkage", "RedundancyClusters", "RedundancyFilter", "Representative", "cluster_redundant", "drop_redundant"]

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
Linkage = Literal["average", "complete"]
Representative = Literal["medoid", "order", "stability"]

BLOCK = 256  # features at a time
# A sum of products of doubled, centred ranks is a whole number of at most n (n^2 - 1) / 3. Up to here float32 holds it,
# and every partial sum, exactly: no order of summation, and so no number of threads, can change a correlation.
EXACT_IN_FLOAT32 = 369


@dataclass(frozen=True, slots=True, eq=False)
class RedundancyClusters:
    """Clusters of like features.

    Parameters
    ----------
    names
        Features.
    cluster
        Cluster of each feature, numbered in the order of the columns, shape (features,).
    kept
        One representative a cluster, in the order of the columns.
    """

    names: tuple[str, ...]
    cluster: Places
    kept: tuple[str, ...]


def drop_redundant(table: FeatureTable | pd.DataFrame, rho: float = 0.9) -> tuple[str, ...]:
    """Names of the features that remain when of every group of like features one is kept. Uses no outcome.

    Features are visited by ascending mean absolute Spearman correlation with all others (copies of a feature counted
    once; means equal to six decimals in the order of the columns). One is kept if its absolute correlation with every
    feature kept before it is at most ``rho``. So every dropped feature has a kept one that stands for it.

    Parameters
    ----------
    table
        Rows are patients; no NaN.
    rho
        Limit of the absolute Spearman correlation.

    Returns
    -------
    Kept names, in the order of the columns.

    Raises
    ------
    FeatureError
        If a value is missing.
    """
    names, ranks = _ranks(table)
    if len(names) < 2:
        return names
    original = _first_of_copies(ranks)
    ranks = ranks[original]
    mean, neighbours = _mean_and_neighbours(ranks, rho)
    # Rounded: whether two means are equal must not hang on the order of a sum.
    kept: list[int] = []
    free = np.ones(len(original), dtype=bool)
    for feature in np.argsort(mean.round(6), kind="stable"):
        if free[feature]:
            kept.append(int(original[feature]))
            free[neighbours.indices[neighbours.indptr[feature] : neighbours.indptr[feature + 1]]] = False
    return tuple(names[n] for n in sorted(kept))


def cluster_redundant(
    table: FeatureTable | pd.DataFrame,
    rho: float = 0.9,
    *,
    method: Linkage = "average",
    representative: Representative = "medoid",
    stability: Mapping[str, float] | None = None,
) -> RedundancyClusters:
    """Cluster features by their absolute Spearman correlation and keep one of each cluster. Uses no outcome.

    Agglomerative clustering at a distance of 1 - absolute correlation, cut at ``1 - rho``.

    Parameters
    ----------
    table
        Rows are patients; no NaN.
    rho
        Two clusters merge if the correlation between them is at least this: on average over all pairs, or of the least
        alike pair.
    method
        ``"average"`` or ``"complete"`` linkage. Equal distances are taken in the order of the columns.
    representative
        ``"medoid"``: the feature with the largest mean correlation with the others of its cluster; ``"stability"``: the
        one with the largest value in ``stability``; ``"order"``: the first column. Equal ones: the first column.
    stability
        Feature -> intraclass correlation or the like; larger is better, NaN comes last.

    Raises
    ------
    FeatureError
        If a value is missing, or a feature has no stability.
    SettingsError
        If method or representative is none of the above, or stability is missing or given in vain.
    """
    _check_choices(method, representative, stability)
    names, ranks = _ranks(table)
    cluster = _clusters(ranks, rho, method)
    kept = []
    for members in _groups(cluster):
        if stability is not None:
            value = _stability([names[n] for n in members], stability)
        elif representative == "medoid" and len(members) > 2:
            value = _correlation(ranks[members]).mean(axis=0).round(9)
        else:
            value = np.zeros(len(members))
        kept.append(int(members[int(np.argmax(value))]))
    return RedundancyClusters(names, cluster, tuple(names[n] for n in sorted(kept)))


class RedundancyFilter(TableTransformer):
    """Keep one of every group of like features; the follow-up is not looked at.

    Parameters
    ----------
    rho
        Limit of the absolute Spearman correlation.
    method
        ``"greedy"``, see :func:`drop_redundant`, or ``"average"`` or ``"complete"``, see :func:`cluster_redundant`.
    representative, stability
        Of a cluster, see :func:`cluster_redundant`; the greedy way has none.

    Attributes
    ----------
    cluster_
        Cluster of each feature that came in, shape (features,); not after the greedy way.
    """

    step_: KeptFeatures
    cluster_: Places

    def __init__(
        self,
        *,
        rho: float = 0.9,
        method: Literal["greedy"] | Linkage = "greedy",
        representative: Representative = "medoid",
        stability: Mapping[str, float] | None = None,
    ) -> None:
        self.rho = rho
        self.method = method
        self.representative = representative
        self.stability = stability

    def fit(self, X: Features, y: FollowUp | None = None) -> Self:
        """Fit on training patients; the follow-up is not looked at.

        Raises
        ------
        SettingsError
            As :func:`cluster_redundant`, or if a representative is given to the greedy way.
        """

        def fit(table: FeatureTable, _: object) -> KeptFeatures:
            seen = frozenset(table.patients) | table.seen
            if self.method == "greedy":
                if self.representative != "medoid" or self.stability is not None:
                    raise SettingsError("The greedy way has no representative: choose method average or complete.")
                return KeptFeatures(drop_redundant(table, self.rho), seen)
            found = cluster_redundant(
                table, self.rho, method=self.method, representative=self.representative, stability=self.stability
            )
            self.cluster_ = found.cluster
            return KeptFeatures(found.kept, seen)

        return self._learn(X, y, fit)


def _groups(label: NDArray[np.integer]) -> list[Places]:
    """Positions of each label, ascending."""
    return np.split(np.argsort(label, kind="stable"), np.cumsum(np.bincount(label))[:-1]) if len(label) else []


def _check_choices(method: str, representative: str, stability: Mapping[str, float] | None) -> None:
    for key, value, allowed in (
        ("method", method, get_args(Linkage)),
        ("representative", representative, get_args(Representative)),
    ):
        if value not in allowed:
            raise SettingsError(f"Redundancy: {key} must be one of {', '.join(allowed)}; got {value!r}.")
    if (representative == "stability") != (stability is not None):
        raise SettingsError('Redundancy: give stability with representative "stability", and with no other.')


def _stability(members: list[str], stability: Mapping[str, float]) -> Floats:
    unknown = [name for name in members if name not in stability]
    if unknown:
        raise FeatureError(f"Redundancy: feature {unknown[0]!r} has no stability.")
    values: Floats = np.array([stability[name] for name in members], dtype=float)
    return np.where(np.isnan(values), -np.inf, values)


def _ranks(table: FeatureTable | pd.DataFrame) -> tuple[tuple[str, ...], NDArray[np.floating]]:
    """Names, and the ranks of each feature, doubled and centred: whole numbers, shape (features, patients)."""
    frame = table.frame if isinstance(table, FeatureTable) else table
    values = np.ascontiguousarray(frame.to_numpy(dtype=float).T)
    if np.isnan(values).any():
        raise FeatureError("Redundancy needs complete features; impute them first.")
    p, n = values.shape
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    place = np.arange(n)
    begins = np.ones((p, n), dtype=bool)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends = np.ones((p, n), dtype=bool)
    ends[:, :-1] = begins[:, 1:]
    first = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, place, n)[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty((p, n), dtype=np.float32 if n <= EXACT_IN_FLOAT32 else np.float64)
    np.put_along_axis(ranks, order, (first + last - (n - 1)).astype(ranks.dtype), axis=1)
    return tuple(str(c) for c in frame.columns), ranks


def _squares(ranks: NDArray[np.floating]) -> Floats:
    """Sum of squares of each feature's ranks, 1 for a constant, shape (features,)."""
    squares = np.einsum("ij,ij->i", ranks, ranks).astype(float)
    return np.asarray(np.where(squares > 0, squares, 1.0), dtype=float)


def _correlation(ranks: NDArray[np.floating]) -> Floats:
    """Absolute Spearman correlations, shape (features, features)."""
    squares = _squares(ranks)
    return np.asarray(np.abs(ranks @ ranks.T) / np.sqrt(np.outer(squares, squares)), dtype=float)


def _first_of_copies(ranks: NDArray[np.floating]) -> Places:
    """Positions of the features that do not rank the patients as an earlier one does, forwards or backwards."""
    known: dict[bytes, int] = {}
    whole = ranks.astype(np.int32)
    first = np.take_along_axis(whole, (whole != 0).argmax(axis=1)[:, None], axis=1)
    for n, row in enumerate(whole * np.where(first < 0, -1, 1)):
        known.setdefault(row.tobytes(), n)
    return np.array(list(known.values()), dtype=np.intp)


def _mean_and_neighbours(ranks: NDArray[np.floating], rho: float) -> tuple[Floats, csr_array]:
    """Mean correlation of each feature with all, itself included; who is more alike than ``rho``."""
    p = len(ranks)
    total = np.zeros(p)
    pairs = []
    for start, block in _blocks(ranks):
        end = start + len(block)
        total[start:end] += block.sum(axis=1, dtype=float)
        total[end:] += block[:, end - start :].sum(axis=0, dtype=float)
        pairs.append(_alike(ranks, block, start, rho, strictly=True))
    return total / p, _graph(pairs, p)


def _blocks(ranks: NDArray[np.floating]) -> Iterator[tuple[int, NDArray[np.floating]]]:
    """First row, and absolute correlations of some rows with all features from there on.

    Exact products, then one rounding a factor: single precision, but always the same bits.
    """
    inverse = (1.0 / np.sqrt(_squares(ranks))).astype(ranks.dtype)
    for start in range(0, len(ranks), BLOCK):
        rows = ranks[start : start + BLOCK]
        block = rows @ ranks[start:].T
        np.abs(block, out=block)
        block *= inverse[start : start + BLOCK, None]
        block *= inverse[start:]
        yield start, block


def _alike(
    ranks: NDArray[np.floating], block: NDArray[np.floating], start: int, rho: float, *, strictly: bool
) -> tuple[Places, Places]:
    """Pairs of a block whose correlation exceeds (or reaches) ``rho``."""
    row, column = np.divmod(np.flatnonzero(block >= np.float32(rho - 1e-5)), block.shape[1])
    row, column = row[column > row] + start, column[column > row] + start
    close = np.abs(block[row - start, column - start] - rho) < 2e-5  # too close to call in single precision
    kept = ~close
    left, right = ranks[row[close]].astype(float), ranks[column[close]].astype(float)
    value = np.abs(np.einsum("ij,ij->i", left, right)) / np.sqrt(_squares(left) * _squares(right))
    kept[close] = value > rho if strictly else value >= rho
    return row[kept], column[kept]


def _graph(pairs: list[tuple[Places, Places]], p: int) -> csr_array:
    """Pairs as a symmetric matrix."""
    row, column = (np.concatenate([np.zeros(0, dtype=np.intp), *half]) for half in zip(*pairs, strict=True))
    both = np.concatenate([row, column]), np.concatenate([column, row])
    return csr_array((np.ones(2 * len(row), dtype=bool), both), shape=(p, p))


def _clusters(ranks: NDArray[np.floating], rho: float, method: Linkage) -> Places:
    """Cluster of each feature, numbered by first column.

    Two clusters merge below the cut only if some pair of their members lies below it. So no cluster reaches beyond a
    connected component of the pairs that are alike, and each component can be clustered alone.
    """
    p = len(ranks)
    pairs = [_alike(ranks, block, start, rho, strictly=False) for start, block in _blocks(ranks)]
    if not pairs:
        return np.zeros(0, dtype=np.intp)
    _, component = connected_components(_graph(pairs, p), directed=False)
    label = np.zeros(p, dtype=np.intp)
    used = 0
    for members in _groups(component):
        own = _cut(_correlation(ranks[members]), rho, method) if len(members) > 2 else np.zeros(len(members), dtype=int)
        label[members] = used + own
        used += int(own.max(initial=-1)) + 1
    _, first, number = np.unique(label, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[number], dtype=np.intp)


def _cut(correlation: Floats, rho: float, method: Linkage) -> NDArray[np.integer]:
    distance = np.maximum(1.0 - correlation, 0.0)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method)
    return np.asarray(fcluster(tree, 1.0 - rho + 1e-12, "distance") - 1)
