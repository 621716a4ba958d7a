"""Local intensity, intensity-volume histogram and feature maps against their definitions."""

import itertools

import numpy as np
import pytest

from perisurv.core import FeatureError, Geometry, GeometryError, Mask, Region, RegionSet, Volume
from perisurv.radiomics import ExtractOptions, Raster, extract, feature_map
from perisurv.radiomics.intensity_volume import intensity_volume
from perisurv.radiomics.local_intensity import RADIUS_MM, local_intensity

SPACING = (3.0, 1.5, 2.0)
INF = float("inf")


def scene(seed, shape=(8, 12, 11)):
    rng = np.random.default_rng(seed)
    return rng.integers(-900, 300, shape).astype(np.float32), rng.random(shape) < 0.4


def peaks(values, inside, box=None):
    grid = Geometry(values.shape, SPACING)
    around = box or tuple(slice(0, n) for n in values.shape)
    raster = Raster.of(inside[around], tuple(slice(0, s.stop - s.start) for s in around))
    return local_intensity(Volume(values, grid), raster, around)


def test_peaks_are_means_of_spheres() -> None:
    """By distance to every voxel of the image; spheres at the border are cut."""
    values, inside = scene(0)
    places = np.argwhere(np.ones(values.shape, bool)) * SPACING
    means = {}
    for place in np.argwhere(inside):
        near = np.linalg.norm(places - place * SPACING, axis=1) <= RADIUS_MM
        means[tuple(place)] = values.ravel()[near].astype(float).mean()
    top = values[inside].max()
    expected = max(mean for place, mean in means.items() if values[place] == top), max(means.values())
    assert peaks(values, inside) == pytest.approx(expected, rel=1e-9)


def test_peaks_see_beyond_the_box_of_the_region() -> None:
    values, inside = scene(1)
    inside[:3] = inside[6:] = False
    whole = peaks(values, inside)
    assert peaks(values, inside, (slice(3, 6), slice(0, 12), slice(0, 11))) == pytest.approx(whole, rel=1e-12)


def test_no_voxel_has_no_peak() -> None:
    values, inside = scene(2)
    assert np.isnan(peaks(values, np.zeros_like(inside))).all()


def test_several_brightest_voxels() -> None:
    """The one in the brighter surroundings counts."""
    values = np.zeros((1, 1, 40), np.float32)
    values[0, 0, 5] = values[0, 0, 30] = 100
    values[0, 0, 31] = 90
    near = np.arange(-3, 4)
    local, highest = peaks(values, np.ones(values.shape, bool))
    assert local == pytest.approx(values[0, 0, 30 + near].mean())
    assert highest >= local


def curve(values, intensities):
    return np.array([(np.asarray(values) >= i).mean() for i in intensities])


def test_intensity_volume_of_whole_hu_over_the_range() -> None:
    values = np.sort(np.random.default_rng(0).integers(-80, 41, 500)).astype(np.float32)
    grid = np.arange(-100.0, 51.0)
    share = curve(values, grid)
    got = intensity_volume(values, 0.0, 0, (-100.0, 50.0))
    v10, v90 = share[grid >= -85][0], share[grid >= 35][0]
    i10, i90 = grid[share <= 0.1][0], grid[share <= 0.9][0]
    area = ((share[1:] + share[:-1]) / 2).sum() / 150
    assert got == pytest.approx([v10, v90, i10, i90, v10 - v90, i10 - i90, area])


def test_intensity_volume_of_bins() -> None:
    values = np.sort(np.random.default_rng(1).gamma(3, 20, 400)).astype(np.float32)
    wide = intensity_volume(values, 10.0, 0, (0.0, 400.0))
    centres = np.arange(5.0, 400.0, 10.0)
    share = curve(np.floor(values / 10) * 10 + 5, centres)
    assert wide[2] == centres[share <= 0.1][0]
    assert wide[3] == centres[share <= 0.9][0]
    numbered = intensity_volume(values, 0.0, 1000, (0.0, 400.0))
    assert 1 <= numbered[3] < numbered[2] <= 1000
    assert numbered[0] == pytest.approx((values >= values[0] + 0.1 * np.ptp(values)).mean(), abs=0.01)


@pytest.mark.parametrize("options", [(0.0, 0, (-INF, INF)), (0.0, 16, (-INF, INF)), (5.0, 0, (-INF, INF))])
def test_intensity_volume_of_one_intensity(options) -> None:
    got = intensity_volume(np.full(9, 40.0, np.float32), *options)
    assert np.isfinite(got).all()
    assert list(got[[0, 1, 4, 5, 6]]) == [1, 1, 0, 0, 1]


GRID = Geometry((9, 9, 9), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("feature", ["stat_mean", "stat_rmad", "cm_joint_entr", "cm_contrast", "rlm_sre", "ngl_hde"])
def test_a_map_holds_the_feature_of_every_window(feature) -> None:
    """The same number as from the window taken as a region of its own, with the grey levels of the whole region."""
    rng = np.random.default_rng(0)
    values = rng.integers(-1000, 400, GRID.shape).astype(np.float32)
    inside = rng.random(GRID.shape) < 0.7
    image, mask = Volume(values, GRID), Mask(inside, GRID)
    options = ExtractOptions(filters=(), bin_width_hu=200.0)
    found = feature_map(image, mask, feature, radius_voxels=1, options=options)
    assert np.isnan(found.values[~inside]).all()
    for k, j, i in itertools.product((0, 4, 8), repeat=3):
        if not inside[k, j, i]:
            continue
        window = np.zeros(GRID.shape, bool)
        part = tuple(slice(max(n - 1, 0), n + 2) for n in (k, j, i))
        window[part] = inside[part]
        one = extract(RegionSet("p", image, (Region("tumour", Mask(window, GRID)),)), options)
        assert found.values[k, j, i] == pytest.approx(one.frame.iloc[0][f"tumour__original__{feature}"], rel=1e-5)


def test_a_map_of_one_slice_is_that_slice_of_the_map() -> None:
    rng = np.random.default_rng(1)
    image = Volume(rng.integers(-1000, 400, GRID.shape).astype(np.float32), GRID)
    mask = Mask(rng.random(GRID.shape) < 0.7, GRID)
    only = np.zeros(GRID.shape, bool)
    only[4] = True
    for feature in ("stat_var", "cm_joint_entr"):
        whole = feature_map(image, mask, feature).values
        one = feature_map(image, mask, feature, at=Mask(only, GRID)).values
        np.testing.assert_array_equal(one[4], whole[4])
        assert np.isnan(np.delete(one, 4, axis=0)).all()


def test_maps_that_make_no_sense_are_refused() -> None:
    image, mask = Volume(np.zeros(GRID.shape, np.float32), GRID), Mask(np.ones(GRID.shape, bool), GRID)
    with pytest.raises(FeatureError, match="no map of 'morph_volume'"):
        feature_map(image, mask, "morph_volume")
    with pytest.raises(FeatureError, match="radius of a feature map must lie within 1..10"):
        feature_map(image, mask, "stat_mean", radius_voxels=0)
    with pytest.raises(GeometryError, match="do not share one grid"):
        feature_map(image, Mask(np.ones((3, 3, 3), bool), Geometry((3, 3, 3), (1.0, 1.0, 1.0))), "stat_mean")
