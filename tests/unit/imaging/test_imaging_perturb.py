"""Redrawn contours move as far as asked, smoothly, and stay usable."""

import numpy as np
import pytest

from perisurv.core import Geometry, Mask, RegionError, SettingsError, Volume
from perisurv.imaging import add_noise, perturb_contour


def ball(spacing_mm=(3.0, 1.0, 1.0), radius_mm=15.0, half_mm=30.0):
    shape = tuple(int(2 * half_mm / s) + 1 for s in spacing_mm)
    grid = Geometry(shape, spacing_mm, tuple(-0.5 * (n - 1) * s for n, s in zip(shape, spacing_mm, strict=True))[::-1])
    points = grid.to_mm(np.moveaxis(np.indices(shape), 0, -1))
    return Mask(np.linalg.norm(points, axis=-1) <= radius_mm, grid)


def test_mean_and_spread_of_the_displacement():
    """Along six axes of a ball on 0.5 mm voxels, whose unmoved surface is flat there and 24 voxels away."""
    mask = ball((0.5, 0.5, 0.5), radius_mm=12.2, half_mm=18.0)
    middle = np.array(mask.values.shape) // 2
    radii = []
    for seed in range(25):
        moved = perturb_contour(mask, np.random.default_rng(seed), sd_mm=1.0, correlation_mm=5.0).values
        for axis in range(3):
            line = moved[tuple(slice(None) if a == axis else middle[a] for a in range(3))]
            radii += [line[: middle[axis]].sum() * 0.5, line[middle[axis] + 1 :].sum() * 0.5]
    assert np.mean(radii) == pytest.approx(12.0, abs=0.3)
    assert np.std(radii) == pytest.approx(1.0, abs=0.2)


def test_overlap_falls_with_the_displacement():
    mask = ball()
    dice = []
    for sd_mm in (0.5, 1.0, 2.0, 4.0):
        moved = perturb_contour(mask, np.random.default_rng(3), sd_mm=sd_mm)
        dice.append(2 * (moved.values & mask.values).sum() / (moved.voxel_count + mask.voxel_count))
    assert dice == sorted(dice, reverse=True)
    assert dice[0] > 0.95 > 0.9 > dice[-1]


def test_one_stream_moves_a_tumour_alike_on_every_grid():
    fine = perturb_contour(ball((1.0, 1.0, 1.0)), np.random.default_rng(5), sd_mm=2.0)
    coarse = perturb_contour(ball((2.0, 2.0, 2.0)), np.random.default_rng(5), sd_mm=2.0)
    other = perturb_contour(ball((2.0, 2.0, 2.0)), np.random.default_rng(6), sd_mm=2.0)

    def dice(a, b):
        return 2 * (a & b).sum() / (a.sum() + b.sum())

    assert dice(fine.values[::2, ::2, ::2], coarse.values) > 0.95
    assert dice(fine.values[::2, ::2, ::2], other.values) < 0.93


def test_no_displacement_is_no_change():
    mask = ball()
    np.testing.assert_array_equal(perturb_contour(mask, np.random.default_rng(0), sd_mm=0.0).values, mask.values)


def test_a_tumour_near_the_border_does_not_come_to_touch_it():
    mask = ball(half_mm=18.0)
    assert not mask.values[0].any()
    for seed in range(5):
        moved = perturb_contour(mask, np.random.default_rng(seed), sd_mm=4.0).values
        assert not any(face.any() for a in range(3) for face in (moved.take(0, a), moved.take(-1, a)))


def test_a_single_voxel_survives():
    values = np.zeros((5, 9, 9), bool)
    values[2, 4, 4] = True
    mask = Mask(values, Geometry((5, 9, 9), (3.0, 1.0, 1.0)))
    for seed in range(10):
        assert perturb_contour(mask, np.random.default_rng(seed), sd_mm=3.0).voxel_count >= 1


def test_what_cannot_be_redrawn_is_refused():
    mask = ball()
    with pytest.raises(SettingsError, match="sd_mm"):
        perturb_contour(mask, np.random.default_rng(0), sd_mm=-1.0)
    with pytest.raises(SettingsError, match="correlation_mm"):
        perturb_contour(mask, np.random.default_rng(0), correlation_mm=0.0)
    with pytest.raises(RegionError, match="empty"):
        perturb_contour(Mask(np.zeros((3, 3, 3), bool), Geometry((3, 3, 3), (1.0, 1.0, 1.0))), np.random.default_rng(0))


def test_noise_has_the_spread_that_was_asked_for():
    volume = Volume(np.full((40, 40, 40), 50, np.float32), Geometry((40, 40, 40), (1.0, 1.0, 1.0)))
    noisy = add_noise(volume, np.random.default_rng(1), 10.0).values
    assert noisy.mean() == pytest.approx(50, abs=0.2)
    assert noisy.std() == pytest.approx(10, rel=0.02)
    with pytest.raises(SettingsError, match="noise"):
        add_noise(volume, np.random.default_rng(1), -1.0)
