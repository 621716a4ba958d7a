import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from perisurv.core import Geometry, Mask, Region, RegionSet, Volume
from perisurv.radiomics import ExtractOptions, Raster, extract
from perisurv.radiomics.catalogue import FAMILIES
from perisurv.radiomics.texture import DIRECTIONS, TextureMatrices

# Local intensity looks beyond the region and at the border of the image.
EVERY = tuple(family for family in FAMILIES if family != "loc")
OPTIONS = ExtractOptions(families=EVERY, filters=())
boxes = st.tuples(*[st.integers(1, 7)] * 3)
fillings = st.floats(0.15, 1)
seeds = st.integers(0, 2**31)
symmetries = st.sampled_from(
    list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
)


def region(shape, filling, seed):
    """A random, possibly torn and hollow region with the first and the last voxel of its box; levels few to many."""
    rng = np.random.default_rng(seed)
    inside = rng.random(shape) < filling
    inside.flat[0] = inside.flat[-1] = True
    return rng.integers(-1000, 401, shape).astype(np.float32) // rng.choice([1, 40, 400]), inside


def features(values, inside, options=OPTIONS):
    grid = Geometry(values.shape, (1.0, 1.0, 1.0))
    table = extract(RegionSet("p", Volume(values, grid), (Region("tumour", Mask(inside, grid)),)), options)
    return table.frame.iloc[0]


def assert_same(left, right, rtol=1e-7):
    # Cancelling sums (shade, skewness, correlation) keep an absolute error.
    np.testing.assert_allclose(left, right, rtol=rtol, atol=1e-6, equal_nan=True)


@given(boxes, fillings, seeds, st.tuples(*[st.tuples(st.integers(0, 5), st.integers(0, 5))] * 3))
@settings(deadline=None, max_examples=60)
def test_moving_by_whole_voxels_changes_nothing(shape, filling, seed, margins) -> None:
    values, inside = region(shape, filling, seed)
    moved = np.pad(values, margins, constant_values=777), np.pad(inside, margins)
    assert_same(features(*moved), features(values, inside))


@given(boxes, fillings, seeds, symmetries)
@settings(deadline=None, max_examples=80)
def test_quarter_turns_and_mirrors_change_nothing(shape, filling, seed, symmetry) -> None:
    order, signs = symmetry
    cut = tuple(slice(None, None, s) for s in signs)
    values, inside = region(shape, filling, seed)
    turned = values.transpose(order)[cut].copy(), inside.transpose(order)[cut].copy()
    assert_same(features(*turned), features(values, inside))


@given(boxes, fillings, seeds, st.integers(-50, 50))
@settings(deadline=None, max_examples=40)
def test_textures_with_fixed_bin_number_ignore_a_shift_of_all_intensities(shape, filling, seed, constant) -> None:
    values, inside = region(shape, filling, seed)
    options = ExtractOptions(
        families=("ih", "cm", "rlm", "szm", "dzm", "ngt", "ngl"), ct_bins=8, filters=(), resegment_hu=(-np.inf, np.inf)
    )
    before, after = (features(v, inside, options) for v in (values, values + constant))
    assert_same(before, after, rtol=0)


@given(boxes, fillings, seeds, seeds)
@settings(deadline=None, max_examples=40)
def test_what_lies_outside_the_region_does_not_matter(shape, filling, seed, other) -> None:
    values, inside = region(shape, filling, seed)
    noise = np.random.default_rng(other).integers(-1000, 3000, shape).astype(np.float32)
    np.testing.assert_array_equal(features(np.where(inside, values, noise), inside), features(values, inside))


@given(boxes.filter(lambda shape: max(shape) > 1), fillings, seeds)
@settings(deadline=None, max_examples=60)
def test_bounds_that_hold_for_every_region(shape, filling, seed) -> None:
    values, inside = region(shape, filling, seed)
    f = {name.split("__")[-1]: value for name, value in features(values, inside).items()}
    n = inside.sum()
    # Meshes of touching corners share vertices: sphericity stays below that of the ball.
    assert 0 < f["morph_sphericity"] < 1
    assert f["morph_vol_approx"] == n
    assert f["morph_vol_dens_conv_hull"] <= 1 + 1e-9
    assert f["stat_min"] <= f["stat_p10"] <= f["stat_median"] <= f["stat_p90"] <= f["stat_max"]
    for percentage in ("rlm_r_perc", "szm_z_perc"):
        assert 0 < f[percentage] <= 1
    assert f["ngl_dc_perc"] == 1
    np.testing.assert_allclose(f["szm_z_perc"] * n, round(f["szm_z_perc"] * n))
    for share in (
        "cm_joint_max",
        "cm_energy",
        "cm_inv_diff",
        "rlm_sre",
        "szm_sze",
        "ngl_lde",
        "rlm_lgre",
        "ih_uniformity",
    ):
        assert np.isnan(f[share]) or 0 < f[share] <= 1 + 1e-12
    assert np.isnan(f["cm_corr"]) or abs(f["cm_corr"]) <= 1 + 1e-9


@given(boxes, fillings, seeds, st.integers(-300, 300))
@settings(deadline=None, max_examples=40)
def test_a_constant_moves_exactly_what_it_must(shape, filling, seed, constant) -> None:
    """Positions of the intensities move with it, their spread and the shape do not."""
    values, inside = region(shape, filling, seed)
    options = ExtractOptions(
        families=("morph", "stat"), filters=(), resegment_hu=(-np.inf, np.inf), autocorrelation=False
    )
    before, after = (features(v, inside, options) for v in (values, values + np.float32(constant)))
    moving = ("mean", "median", "min", "max", "p10", "p90")
    rest = ("cov", "qcod", "energy", "rms", "morph_com", "morph_integ_int")
    for name in before.index:
        if name.endswith(rest):
            continue
        moves = name.split("__")[-1].removeprefix("stat_") in moving
        expected = before[name] + constant * moves
        np.testing.assert_allclose(after[name], expected, rtol=1e-6, atol=1e-5, equal_nan=True, err_msg=name)


@given(boxes, fillings, seeds)
@settings(deadline=None, max_examples=60)
def test_matrices_are_the_counts_of_their_definitions(shape, filling, seed) -> None:
    """Pairs, runs, zones and dependences, counted one by one."""
    rng = np.random.default_rng(seed)
    levels = np.where(region(shape, filling, seed)[1], rng.integers(1, 5, shape), 0)
    raster = Raster.of(levels > 0, tuple(slice(0, n) for n in shape))
    grey = raster.place(raster.gather(levels.astype(np.float32)), (0.5, 1.0, 1.0, 4))
    matrices = TextureMatrices(grey, "3d_averaged")
    around = np.pad(levels, 1)

    def moved(step):
        return around[tuple(slice(1 + s, 1 + s + n) for s, n in zip(step, shape, strict=True))]

    dependence = np.zeros((5, 28), int)
    equal = sum((moved(s) == levels).astype(int) for s in itertools.product((-1, 0, 1), repeat=3))
    np.add.at(dependence, (levels[levels > 0], equal[levels > 0]), 1)
    ((got, _, _, _),) = matrices.neighbourhood()
    np.testing.assert_array_equal(got[1:], dependence[1:])
    for step, (pairs, _), (runs, _) in zip(DIRECTIONS, matrices.cooccurrence(), matrices.run_lengths(), strict=True):
        expected = np.zeros((5, 5), int)
        np.add.at(expected, (levels, moved(step)), 1)
        np.testing.assert_array_equal(pairs[1:, 1:], expected[1:, 1:])
        # A run starts where the voxel before differs.
        starts = (levels > 0) & (moved(tuple(-s for s in step)) != levels)
        assert runs[1:, 1:].sum() == starts.sum()
        np.testing.assert_array_equal(
            runs[1:, 1:] @ np.arange(1, runs.shape[1]), np.bincount(levels.ravel(), minlength=5)[1:]
        )
    zones = []
    for level in range(1, 5):
        label, n = ndimage.label(levels == level, np.ones((3, 3, 3)))
        zones += [(level, int(size)) for size in np.bincount(label.ravel())[1 : n + 1]]
    ((level, size, _, _),) = matrices.zones()
    assert sorted(zip(level.tolist(), size.tolist(), strict=True)) == sorted(zones)
