"""Redrawn contours move by what was asked; noise has the spread that was asked."""

from functools import cache

import numpy as np
import pytest
from imaging_shapes import dice, points

from perisurv.core import Geometry, Mask, RegionError, SettingsError, Volume
from perisurv.imaging import add_noise, perturb_contour


def slab(spacing_mm, edge=40):
    n, half = int(42 / spacing_mm), int(9 / spacing_mm)
    values = np.zeros((n, edge, edge), dtype=bool)
    values[n // 2 - half : n // 2 + half] = True
    return Mask(values, Geometry(values.shape, (spacing_mm, 1.0, 1.0)))


def upper_face_mm(mask):
    """Height of the upper face of a slab at the inner voxels (border voxels never change), mm."""
    middle = mask.values.shape[0] // 2
    return mask.values[middle:, 2:-2, 2:-2].sum(axis=0) * mask.geometry.spacing_mm[0]


@cache
def displacements(spacing_mm, sd_mm, seeds=25):
    mask = slab(spacing_mm)
    moved = [upper_face_mm(perturb_contour(mask, np.random.default_rng(s), sd_mm)) for s in range(seeds)]
    return np.array(moved) - upper_face_mm(mask)


@pytest.mark.parametrize("spacing_mm", [1.0, 3.0])
@pytest.mark.parametrize("sd_mm", [1.0, 2.0])
def test_surface_moves_by_about_the_standard_deviation(spacing_mm, sd_mm):
    moved = displacements(spacing_mm, sd_mm)
    # Rounding to whole voxels adds a twelfth of their square to the variance.
    root_mean_square = np.sqrt((moved**2).mean())
    assert 0.8 * sd_mm < root_mean_square < 1.15 * np.hypot(sd_mm, spacing_mm / np.sqrt(12))
    assert abs(moved.mean()) < 0.35 * sd_mm


def test_displacements_agree_nearby_and_not_far_away():
    moved = displacements(1.0, 2.0)

    def correlation(step):
        return np.corrcoef(moved[:, :, :-step].ravel(), moved[:, :, step:].ravel())[0, 1]

    assert correlation(1) > 0.9
    assert correlation(10) == pytest.approx(np.exp(-0.5), abs=0.15)
    assert abs(correlation(34)) < 0.3


def test_small_tumour_grows_no_more_than_asked():
    """A tumour smaller than the correlation length moves nearly as a whole, by the same standard deviation."""
    grid = Geometry((31, 31, 31), (1.0, 1.0, 1.0))
    ball = Mask(((points(grid) - 15) ** 2).sum(axis=-1) <= 36, grid)
    volumes = [perturb_contour(ball, np.random.default_rng(s)).voxel_count for s in range(40)]
    radii = np.cbrt(np.array(volumes) * 3 / (4 * np.pi))
    assert 0.5 < radii.std() < 1.4
    assert radii.mean() == pytest.approx(6.0, abs=0.4)


def test_same_stream_same_contour_other_stream_other_contour():
    mask = slab(1.0)
    first = perturb_contour(mask, np.random.default_rng(7))
    np.testing.assert_array_equal(first.values, perturb_contour(mask, np.random.default_rng(7)).values)
    assert (first.values != perturb_contour(mask, np.random.default_rng(8)).values).any()
    assert first.geometry == mask.geometry


def test_one_stream_moves_one_tumour_alike_on_two_grids():
    def ball(step):
        n = int(60 / step)
        grid = Geometry((n, n, n), (step,) * 3, (step / 2,) * 3)
        return Mask(((points(grid) - 30.0) ** 2).sum(axis=-1) <= 15**2, grid)

    fine, coarse = (perturb_contour(ball(step), np.random.default_rng(5), 3.0) for step in (1.0, 2.0))
    again = np.repeat(np.repeat(np.repeat(coarse.values, 2, 0), 2, 1), 2, 2)
    assert dice(fine.values, again) > 0.92
    assert dice(fine.values, again) > dice(fine.values, ball(1.0).values)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 0.8, 0.8)])
def test_result_is_never_empty_and_never_newly_touches_the_border(spacing):
    values = np.zeros((7, 9, 9), dtype=bool)
    values[3, 4, 4:6] = True
    mask = Mask(values, Geometry(values.shape, spacing))
    inner = (slice(1, -1),) * 3
    for seed in range(40):
        moved = perturb_contour(mask, np.random.default_rng(seed), sd_mm=6.0).values
        assert moved.any()
        assert moved.sum() == moved[inner].sum()


def test_no_displacement_leaves_the_mask_alone():
    mask = slab(1.0)
    np.testing.assert_array_equal(perturb_contour(mask, np.random.default_rng(0), sd_mm=0.0).values, mask.values)


def test_impossible_perturbations_are_refused():
    mask, rng = slab(3.0), np.random.default_rng(0)
    for sd_mm, correlation_mm in ((-1.0, 10.0), (np.nan, 10.0), (1.0, 0.0), (1.0, np.inf)):
        with pytest.raises(SettingsError, match="sd_mm >= 0 and correlation_mm > 0"):
            perturb_contour(mask, rng, sd_mm, correlation_mm)
    with pytest.raises(RegionError, match="empty"):
        perturb_contour(Mask(np.zeros_like(mask.values), mask.geometry), rng)


def test_noise_has_the_asked_spread_and_no_bias():
    grid = Geometry((30, 40, 40), (1.0, 1.0, 1.0))
    image = Volume(np.full(grid.shape, -500.0), grid)
    noise = add_noise(image, np.random.default_rng(3), 12.0).values + 500.0
    assert noise.std() == pytest.approx(12.0, rel=0.02)
    assert abs(noise.mean()) < 0.3
    assert abs(np.corrcoef(noise[..., 1:].ravel(), noise[..., :-1].ravel())[0, 1]) < 0.02
    again = add_noise(image, np.random.default_rng(3), 12.0).values + 500.0
    np.testing.assert_array_equal(noise, again)
    np.testing.assert_array_equal(add_noise(image, np.random.default_rng(3), 0.0).values, image.values)
    for sd_hu in (-1.0, np.inf, np.nan):
        with pytest.raises(SettingsError, match="noise"):
            add_noise(image, np.random.default_rng(3), sd_hu)
