"""Texture matrices against hand-worked cases and against slow counting by the definition."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from perisurv.radiomics import AGGREGATIONS, Raster, texture_features
from perisurv.radiomics.kernels import texture as kernels
from perisurv.radiomics.texture import DIRECTIONS, _joins

AROUND = [d for d in itertools.product((-1, 0, 1), repeat=3) if d != (0, 0, 0)]


def grey(levels):
    """Grey levels of a box, 0 outside the region."""
    levels = np.asarray(levels)
    raster = Raster.of(levels > 0, tuple(slice(0, n) for n in levels.shape))
    return raster.place(raster.gather(levels.astype(np.float32)), (0.5, 1.0, 1.0, int(levels.max())))


def features(levels, aggregation="3d_merged", **options):
    return texture_features(grey(levels), aggregation, **options)


def runs(levels):
    """What every kernel takes: levels and runs, and the steps of the raster."""
    g = grey(levels)
    r = g.raster
    return g, (g.levels, r.starts, r.ends), np.array([k * r.plane + j * r.row + i for k, j, i in DIRECTIONS])


def dictionary(levels):
    return {tuple(int(n) for n in p): int(levels[tuple(p)]) for p in np.argwhere(levels)}


def step(p, d, n=1):
    return tuple(a + n * b for a, b in zip(p, d, strict=True))


@pytest.fixture(params=[0, 1, 2], ids=["noise", "ring", "few levels"])
def levels(request):
    """A box with voxels left out: at random, as a hollow shell, with large zones."""
    rng = np.random.default_rng(request.param)
    out = rng.integers(1, 6 if request.param < 2 else 3, (6, 8, 7))
    if request.param == 1:
        r = np.sqrt(((np.indices(out.shape).T - (2.5, 3.5, 3)) ** 2).sum(-1)).T
        return np.where((r > 1.5) & (r < 3.6), out, 0)
    return np.where(rng.random(out.shape) < 0.8, out, 0)


def test_directions_are_one_of_each_opposite_pair() -> None:
    assert len(DIRECTIONS) == 13
    assert set(DIRECTIONS) | {step((0, 0, 0), d, -1) for d in DIRECTIONS} == set(AROUND)


def test_cooccurrence_counts_every_pair_once(levels) -> None:
    n, voxels = int(levels.max()), dictionary(levels)
    expected = np.zeros((13, n, n), int)
    for p, a in voxels.items():
        for m, d in enumerate(DIRECTIONS):
            if b := voxels.get(step(p, d)):
                expected[m, a - 1, b - 1] += 1
    _, region, offsets = runs(levels)
    got = kernels.cooccurrence(*region, offsets, n)
    np.testing.assert_array_equal(got[:, 1:, 1:], expected)


def test_cooccurrence_features_by_definition(levels) -> None:
    """The sums of the IBSI manual, written out over all pairs of levels."""
    n = int(levels.max())
    _, region, offsets = runs(levels)
    counts = kernels.cooccurrence(*region, offsets, n).sum(0)[1:, 1:].astype(int)
    p = (counts + counts.T) / (2 * counts.sum())
    pairs = [(i, j, p[i - 1, j - 1]) for i in range(1, n + 1) for j in range(1, n + 1)]
    single = p.sum(0)
    apart = {k: sum(q for i, j, q in pairs if abs(i - j) == k) for k in range(n)}
    together = {k: sum(q for i, j, q in pairs if i + j == k) for k in range(2, 2 * n + 1)}
    mean = sum(i * q for i, _, q in pairs)
    variance = sum((i - mean) ** 2 * q for i, _, q in pairs)
    mean_apart, mean_together = (sum(k * q for k, q in d.items()) for d in (apart, together))

    def bits(shares):
        return -sum(q * np.log2(q) for q in shares if q > 0)

    joint, one = bits(q for _, _, q in pairs), bits(single)
    expected = {
        "cm_joint_max": max(q for _, _, q in pairs),
        "cm_joint_avg": mean,
        "cm_joint_var": variance,
        "cm_joint_entr": joint,
        "cm_diff_avg": mean_apart,
        "cm_diff_var": sum((k - mean_apart) ** 2 * q for k, q in apart.items()),
        "cm_diff_entr": bits(apart.values()),
        "cm_sum_avg": mean_together,
        "cm_sum_var": sum((k - mean_together) ** 2 * q for k, q in together.items()),
        "cm_sum_entr": bits(together.values()),
        "cm_energy": sum(q**2 for _, _, q in pairs),
        "cm_contrast": sum((i - j) ** 2 * q for i, j, q in pairs),
        "cm_dissimilarity": sum(abs(i - j) * q for i, j, q in pairs),
        "cm_inv_diff": sum(q / (1 + abs(i - j)) for i, j, q in pairs),
        "cm_inv_diff_norm": sum(q / (1 + abs(i - j) / n) for i, j, q in pairs),
        "cm_inv_diff_mom": sum(q / (1 + (i - j) ** 2) for i, j, q in pairs),
        "cm_inv_diff_mom_norm": sum(q / (1 + (i - j) ** 2 / n**2) for i, j, q in pairs),
        "cm_inv_var": 2 * sum(q / (i - j) ** 2 for i, j, q in pairs if i > j),
        "cm_corr": sum((i - mean) * (j - mean) * q for i, j, q in pairs) / variance,
        "cm_auto_corr": sum(i * j * q for i, j, q in pairs),
        "cm_clust_tend": sum((i + j - 2 * mean) ** 2 * q for i, j, q in pairs),
        "cm_clust_shade": sum((i + j - 2 * mean) ** 3 * q for i, j, q in pairs),
        "cm_clust_prom": sum((i + j - 2 * mean) ** 4 * q for i, j, q in pairs),
        # Of a symmetric matrix both cross entropies are twice the entropy of one level.
        "cm_info_corr1": (joint - 2 * one) / one,
        "cm_info_corr2": np.sqrt(1 - np.exp(-2 * (2 * one - joint))),
    }
    assert features(levels, families=("cm",)) == pytest.approx(expected, rel=1e-9, abs=1e-10)


def test_run_lengths_follow_every_line(levels) -> None:
    n, voxels = int(levels.max()), dictionary(levels)
    g, region, offsets = runs(levels)
    got = kernels.run_lengths(*region, offsets, g.raster.plane, n, max(levels.shape))[:, 1:, 1:]
    expected = np.zeros_like(got)
    for m, d in enumerate(DIRECTIONS):
        starts = [p for p in voxels if step(p, d, -1) not in voxels]
        for p in starts:
            on_line = (voxels.get(step(p, d, n)) for n in itertools.count())
            line = itertools.takewhile(bool, on_line)
            for level, run in itertools.groupby(line):
                expected[m, level - 1, len(list(run)) - 1] += 1
    np.testing.assert_array_equal(got, expected)
    # Every voxel lies in exactly one run of a direction.
    assert (got.sum(1) @ np.arange(1, got.shape[2] + 1) == len(voxels)).all()


def test_zones_are_the_connected_components(levels) -> None:
    g, region, offsets = runs(levels)
    distance = g.raster.edge_distance()
    level, size, nearest = kernels.zones(*region, offsets, g.raster.plane, distance, _joins())
    from_outside = ndimage.distance_transform_cdt(np.pad(levels > 0, 1), "taxicab")[1:-1, 1:-1, 1:-1]
    expected = []
    for a in np.unique(levels[levels > 0]):
        label, count = ndimage.label(levels == a, np.ones((3, 3, 3)))
        zones = [label == c for c in range(1, count + 1)]
        expected += [(int(a), int(zone.sum()), int(from_outside[zone].min())) for zone in zones]
    assert sorted(zip(level.tolist(), size.tolist(), nearest.tolist(), strict=True)) == sorted(expected)
    assert size.sum() == np.count_nonzero(levels)


def test_neighbourhoods_by_definition(levels) -> None:
    n, voxels = int(levels.max()), dictionary(levels)
    neighbours, difference, dependence = np.zeros((n, 27), int), np.zeros(n), np.zeros((n, 27), int)
    for p, a in voxels.items():
        near = [voxels[step(p, d)] for d in AROUND if step(p, d) in voxels]
        dependence[a - 1, near.count(a)] += 1
        neighbours[a - 1, len(near)] += 1
        difference[a - 1] += abs(a - sum(near) / len(near)) if near else 0
    g, region, _ = runs(levels)
    rows = np.array([k * g.raster.plane + j * g.raster.row for k, j in itertools.product((-1, 0, 1), repeat=2)])
    got = kernels.neighbourhood(*region, rows, n)
    np.testing.assert_array_equal(got[0][1:, 1:], dependence)
    np.testing.assert_array_equal(got[1][1:, 1:], neighbours)
    np.testing.assert_allclose((got[2][1:, 2:] / np.arange(1, 27)).sum(1), difference, rtol=1e-12)
    assert got[0][1:].sum() == len(voxels)


def test_joins_keep_one_of_each_group_of_touching_neighbours() -> None:
    """Any set of earlier neighbours: as many groups as connected components, and each is represented."""
    counts, table = _joins()
    rng = np.random.default_rng(0)
    for mask in [0, 1, 8191, *rng.integers(0, 8192, 300)]:
        box = np.zeros((3, 3, 3), int)
        for d, place in enumerate(DIRECTIONS):
            box[step((1, 1, 1), place, -1)] = mask >> d & 1
        label, n = ndimage.label(box, np.ones((3, 3, 3)))
        assert counts[mask] == n
        assert {int(label[step((1, 1, 1), DIRECTIONS[d], -1)]) for d in table[mask, :n]} == set(range(1, n + 1))


@pytest.mark.parametrize("n_levels", [3, 300])
def test_many_levels_and_long_rows(n_levels) -> None:
    """More levels than a byte holds and rows longer than a block: a constant shift of levels moves no zone or run."""
    rng = np.random.default_rng(5)
    levels = np.where(rng.random((3, 4, 100)) < 0.9, rng.integers(1, 4, (3, 4, 100)), 0)
    shifted = np.where(levels > 0, levels + n_levels - 3, 0)
    few, many = features(levels), features(shifted)
    for name in ("cm_contrast", "cm_joint_entr", "rlm_lre", "rlm_rl_entr", "szm_lze", "dzm_lde", "ngl_hde"):
        assert many[name] == pytest.approx(few[name], rel=1e-12)
    for name in ("cm_joint_avg", "cm_sum_avg"):
        assert many[name] == pytest.approx(few[name] + (n_levels - 3) * (1 + (name == "cm_sum_avg")), rel=1e-12)


def by_slice(levels):
    return [plane[None] for plane in levels if plane.any()]


def test_two_dimensional_features_are_those_of_the_slices(levels) -> None:
    """Averaged over slices: the mean over every slice taken alone, where only four directions hold pairs."""
    for aggregation, alone in (("2d_averaged", "3d_averaged"), ("2d_slice_merged", "3d_merged")):
        got = features(levels, aggregation, families=("cm", "szm", "dzm", "ngt", "ngl"))
        one = [features(p, alone, families=("cm", "szm", "dzm", "ngt", "ngl")) for p in by_slice(levels)]
        for name in got:
            # From a slice alone everything is at distance 1 across it, and its highest level may be lower.
            if name.startswith("dzm") or name in {"cm_inv_diff_norm", "cm_inv_diff_mom_norm"}:
                continue
            assert got[name] == pytest.approx(np.nanmean([f[name] for f in one]), rel=1e-9, nan_ok=True), name


def test_merging_slices_equals_slices_far_apart(levels) -> None:
    """2.5D: slices do not touch, as if there were an empty slice between them."""
    apart = np.zeros((2 * levels.shape[0], *levels.shape[1:]), int)
    apart[::2] = levels
    got = features(levels, "2.5d_merged", families=("cm", "szm", "ngt", "ngl"))
    assert got == pytest.approx(
        features(apart, "3d_merged", families=("cm", "szm", "ngt", "ngl")), rel=1e-9, nan_ok=True
    )


def test_two_voxels_by_hand() -> None:
    """Levels 1 and 2 side by side: one pair, 26 runs of length 1, two zones of one voxel."""
    f = features(np.array([[[1, 2]]]))
    expected = {
        "cm_joint_max": 0.5,
        "cm_joint_avg": 1.5,
        "cm_joint_var": 0.25,
        "cm_joint_entr": 1.0,
        "cm_contrast": 1.0,
        "cm_corr": -1.0,
        "cm_auto_corr": 2.0,
        "cm_inv_var": 1.0,
        "cm_inv_diff": 0.5,
        "cm_inv_diff_norm": 1 / 1.5,
        "cm_info_corr1": -1.0,
        "rlm_sre": 1.0,
        "rlm_r_perc": 1.0,
        "rlm_glnu": 13.0,
        "rlm_rlnu": 26.0,
        "szm_zs_entr": 1.0,
        "szm_z_perc": 1.0,
        "ngt_coarseness": 1.0,
        "ngt_contrast": 0.25 * 2 / 2 * 2 / 2,
        "ngt_busyness": 1.0 / (2 * 0.5),
        "ngt_complexity": 2 * 1 * (0.5 + 0.5) / 1 / 2,
        "ngt_strength": 2 * 1 * 1 / 2,
        "ngl_lde": 1.0,
        "ngl_dc_energy": 0.5,
    }
    assert {name: f[name] for name in expected} == pytest.approx(expected)


def test_constant_region() -> None:
    f = features(np.full((3, 3, 3), 4))
    flat = ("cm_joint_entr", "cm_contrast", "cm_joint_var", "cm_info_corr2", "szm_zs_entr", "szm_zs_var", "rlm_gl_var")
    assert all(f[name] == 0 for name in flat)
    assert (f["szm_z_perc"], f["szm_lze"], f["dzm_lde"]) == (1 / 27, 27**2, 1)
    assert (f["ngt_coarseness"], f["ngt_contrast"], f["ngt_busyness"], f["ngt_strength"]) == (1e6, 0, 0, 0)
    assert {name for name, value in f.items() if np.isnan(value)} == {"cm_corr", "cm_info_corr1"}


@pytest.mark.parametrize("aggregation", list(AGGREGATIONS))
def test_voxels_without_neighbours(aggregation) -> None:
    """One voxel, or several that do not touch, have runs and zones but no pairs; never a warning."""
    apart = np.zeros((5, 5, 5), int)
    apart[::4, ::4, ::4] = np.arange(1, 9).reshape(2, 2, 2)
    for box in (np.array([[[3]]]), apart):
        f = features(box, aggregation)
        undefined = {name.split("_")[0] for name, value in f.items() if np.isnan(value)}
        assert undefined == {"cm", "ngt"}
        assert f["rlm_r_perc"] == f["szm_z_perc"] == f["ngl_lde"] == 1


def test_averaged_skips_directions_without_pairs() -> None:
    line = features(np.array([[[1, 2, 1, 1, 3]]]), "3d_averaged")
    merged = features(np.array([[[1, 2, 1, 1, 3]]]), "3d_merged")
    cm = {name: value for name, value in merged.items() if name.startswith("cm_")}
    assert {name: line[name] for name in cm} == pytest.approx(cm)


def test_busyness_that_divides_by_zero_has_no_value() -> None:
    """Level 1 twice as frequent as level 2: level times frequency is the same."""
    f = features(np.array([[[1, 2, 1]]]))
    assert np.isnan(f["ngt_busyness"])
    assert np.isfinite(f["ngt_strength"])


def test_families_can_be_left_out() -> None:
    levels = np.random.default_rng(0).integers(0, 4, (4, 4, 4))
    every = features(levels)
    some = features(levels, families=("ngl", "cm"))
    assert list(some) == [name for name in every if name.startswith(("cm_", "ngl_"))]
    assert all(some[name] == every[name] for name in some)
