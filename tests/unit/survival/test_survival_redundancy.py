"""Clusters of rank correlation against scipy on the whole matrix, representatives, exactness, filters."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from perisurv.core import FeatureError, FeatureTable, Outcome, OutcomeError, SettingsError
from perisurv.survival import (
    RedundancyFilter,
    UnivariateCoxFilter,
    adjust_p,
    cluster_redundant,
    drop_redundant,
    univariate_cox,
)
from perisurv.survival import redundancy as module


def features(seed: int, n: int = 60, p: int = 80, noise: float = 0.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, p // 5))
    values = np.repeat(base, 5, axis=1) + noise * rng.normal(size=(n, p))
    values[:, ::7] = np.round(values[:, ::7])  # ties
    return pd.DataFrame(values, columns=[f"f{k}" for k in range(p)])


def partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == k).tolist()) for k in np.unique(labels)}


@pytest.mark.parametrize("method", ["average", "complete"])
@pytest.mark.parametrize("rho", [0.3, 0.6, 0.8, 0.95])
@pytest.mark.parametrize("n", [60, 400])
def test_component_by_component_is_the_clustering_of_all(method: str, rho: float, n: int) -> None:
    frame = features(1, n)
    distance = 1 - np.abs(stats.spearmanr(frame).statistic)
    np.fill_diagonal(distance, 0)
    whole = fcluster(linkage(squareform(distance, checks=False), method), 1 - rho, "distance")
    found = cluster_redundant(frame, rho, method=method)
    assert partition(found.cluster) == partition(whole)
    assert len(found.kept) == found.cluster.max() + 1
    assert sorted(found.cluster[[frame.columns.get_loc(k) for k in found.kept]]) == list(range(len(found.kept)))
    first = [np.flatnonzero(found.cluster == k)[0] for k in range(len(found.kept))]
    assert first == sorted(first)


def test_representatives_are_as_stated() -> None:
    frame = features(2)
    rho = np.abs(stats.spearmanr(frame).statistic)
    stability = {name: float((37 * k) % 80) for k, name in enumerate(frame.columns)}
    stability["f3"] = np.nan
    medoid = cluster_redundant(frame, 0.6)
    order = cluster_redundant(frame, 0.6, representative="order")
    stable = cluster_redundant(frame, 0.6, representative="stability", stability=stability)
    assert partition(medoid.cluster) == partition(order.cluster) == partition(stable.cluster)
    sizes = []
    for group in partition(medoid.cluster):
        members = sorted(group)
        sizes.append(len(members))
        names = [frame.columns[k] for k in members]
        assert [n for n in names if n in order.kept] == names[:1]
        mean = rho[np.ix_(members, members)].mean(axis=0).round(9)
        assert [n for n in names if n in medoid.kept] == [names[int(mean.argmax())]]
        best = max(names, key=lambda n: -1.0 if np.isnan(stability[n]) else stability[n])
        assert [n for n in names if n in stable.kept] == [best]
    assert max(sizes) >= 4


@pytest.mark.parametrize("n", [7, 369, 370])
def test_ranks_and_correlations_are_exact(n: int) -> None:
    rng = np.random.default_rng(n)
    values = np.round(rng.normal(size=(n, 12)), 1)
    _, ranks = module._ranks(pd.DataFrame(values))
    np.testing.assert_array_equal(ranks, (2 * stats.rankdata(values, axis=0) - (n + 1)).T)
    assert ranks.dtype == (np.float32 if n <= 369 else np.float64)
    whole = ranks.astype(np.int64)
    np.testing.assert_array_equal(ranks @ ranks.T, whole @ whole.T)


def test_single_precision_holds_the_largest_sum_of_products() -> None:
    n = module.EXACT_IN_FLOAT32
    assert n * (n**2 - 1) // 3 <= 2**24 < (n + 1) * ((n + 1) ** 2 - 1) // 3


def test_a_pair_exactly_at_the_limit() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 3, 2, 4]})  # rho = 0.8
    assert drop_redundant(frame, 0.8) == ("a", "b")
    assert drop_redundant(frame, 0.8 - 1e-9) == ("a",)
    assert cluster_redundant(frame, 0.8).kept == ("a",)
    assert cluster_redundant(frame, 0.8 + 1e-9).kept == ("a", "b")


def test_greedy_is_its_definition() -> None:
    frame = features(3)
    frame["copy"] = -3 * frame["f4"]
    rho = np.abs(stats.spearmanr(frame.iloc[:, :80]).statistic)
    kept: list[int] = []
    for k in np.argsort(rho.mean(axis=0).round(6), kind="stable"):
        if all(rho[k, other] <= 0.6 for other in kept):
            kept.append(int(k))
    assert drop_redundant(frame, 0.6) == tuple(frame.columns[k] for k in sorted(kept))


def test_order_of_patients_and_signs_change_nothing() -> None:
    frame = features(4)
    rows = np.random.default_rng(0).permutation(len(frame))
    for method in ("average", "complete"):
        one = cluster_redundant(frame, 0.7, method=method)
        other = cluster_redundant(-2 * frame.iloc[rows] ** 3, 0.7, method=method)
        assert one.kept == other.kept
        np.testing.assert_array_equal(one.cluster, other.cluster)


def test_constant_copied_and_too_few_features() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 3], "flat": [1.0, 1, 1], "copy": [3.0, 2, 1], "flat2": [5.0, 5, 5]})
    assert drop_redundant(frame, 0.9) == ("a", "flat")
    assert cluster_redundant(frame, 0.9).kept == ("a", "flat", "flat2")
    assert cluster_redundant(frame[[]], 0.9).kept == ()
    assert cluster_redundant(frame[["a"]], 0.9).kept == drop_redundant(frame[["a"]], 0.9) == ("a",)


def test_what_does_not_fit_is_refused() -> None:
    frame = features(5)
    with pytest.raises(FeatureError, match="impute"):
        cluster_redundant(frame.where(frame > -1))
    with pytest.raises(SettingsError, match="method must be one of average, complete"):
        cluster_redundant(frame, method="ward")
    with pytest.raises(SettingsError, match="representative must be one of"):
        cluster_redundant(frame, representative="best")
    with pytest.raises(SettingsError, match="give stability"):
        cluster_redundant(frame, representative="stability")
    with pytest.raises(FeatureError, match="'f0' has no stability"):
        cluster_redundant(frame, representative="stability", stability={"f1": 1.0})


def test_filter_is_the_function() -> None:
    frame = features(6).set_axis([f"p{k:02d}" for k in range(60)])
    table, new = FeatureTable(frame.iloc[:50]), FeatureTable(frame.iloc[50:])
    greedy = RedundancyFilter(rho=0.7).fit(table)
    assert greedy.transform(new).names == drop_redundant(table, 0.7)
    stability = dict.fromkeys(frame.columns, 0.5)
    clusters = RedundancyFilter(rho=0.7, method="complete", representative="stability", stability=stability).fit(table)
    expected = cluster_redundant(table, 0.7, method="complete", representative="stability", stability=stability)
    assert clusters.transform(new).names == expected.kept
    np.testing.assert_array_equal(clusters.cluster_, expected.cluster)


def test_the_greedy_way_has_no_representative() -> None:
    for given in ({"representative": "order"}, {"stability": {"f0": 1.0}}):
        with pytest.raises(SettingsError, match="greedy way has no representative"):
            RedundancyFilter(**given).fit(features(6).to_numpy())


def associated() -> tuple[FeatureTable, Outcome]:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(100, 20))
    ids = tuple(f"p{k:03d}" for k in range(100))
    outcome = Outcome(ids, rng.exponential(np.exp(-x[:, 3])) + 1e-3, rng.random(100) < 0.8)
    return FeatureTable(pd.DataFrame(x, index=list(ids), columns=[f"f{k:02d}" for k in range(20)])), outcome


def test_univariate_filter() -> None:
    table, outcome = associated()
    p = univariate_cox(table, outcome).p
    names = np.array(table.names)
    plain = UnivariateCoxFilter(p=0.2).fit(table, outcome)
    assert plain.get_feature_names_out().tolist() == names[p < 0.2].tolist()
    corrected = UnivariateCoxFilter(p=0.2, correction="benjamini_hochberg").fit(table, outcome)
    assert corrected.get_feature_names_out().tolist() == names[adjust_p(p) < 0.2].tolist()
    np.testing.assert_array_equal(corrected.p_, adjust_p(p))
    assert "f03" in corrected.get_feature_names_out()
    assert len(corrected.get_feature_names_out()) < len(plain.get_feature_names_out())


def test_univariate_filter_may_keep_nothing_or_some_at_least() -> None:
    table, outcome = associated()
    p = univariate_cox(table, outcome).p
    assert UnivariateCoxFilter(p=0.0).fit(table, outcome).get_feature_names_out().tolist() == []
    least = UnivariateCoxFilter(p=0.0, at_least=3).fit(table, outcome).get_feature_names_out()
    assert set(least) == set(np.array(table.names)[np.argsort(p)[:3]])
    frame = table.frame.assign(flat=1.0)
    everything = UnivariateCoxFilter(p=0.0, at_least=50).fit(FeatureTable(frame), outcome).get_feature_names_out()
    assert everything.tolist() == list(table.names)  # a constant has no p
    with pytest.raises(SettingsError, match="correction must be none"):
        UnivariateCoxFilter(correction="bonferroni").fit(table, outcome)
    with pytest.raises(OutcomeError, match="no event was observed"):
        UnivariateCoxFilter().fit(table, Outcome(outcome.patients, outcome.time_days, np.zeros(100, dtype=bool)))
