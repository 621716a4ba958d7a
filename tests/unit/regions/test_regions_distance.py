"""Distances to planes and balls, where the answer is known."""

import numpy as np
import pytest
from region_shapes import ball_mask, points

from analytic_bodies import drawn, random_body
from perisurv.core import Geometry, Mask, RegionError
from perisurv.regions import signed_distance_mm


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("spacing_mm", [1.0, 2.0])
def test_plane_lies_between_the_voxels(axis, spacing_mm):
    grid = Geometry((30, 30, 30), (spacing_mm,) * 3)
    where = np.moveaxis(np.broadcast_to(np.arange(30), grid.shape), -1, axis)
    expected = (where - 14.5) * spacing_mm
    got = signed_distance_mm(Mask(where < 15, grid))
    np.testing.assert_allclose(got, expected, atol=0.02 * spacing_mm)


def test_both_faces_of_a_slab_on_thick_slices():
    grid = Geometry((20, 24, 24), (3.0, 1.0, 1.0))
    k = np.arange(20)
    values = np.broadcast_to(((k >= 6) & (k < 13))[:, None, None], grid.shape)
    expected = np.maximum(5.5 - k, k - 12.5) * 3.0
    got = signed_distance_mm(Mask(values, grid))[:, 12, 12]
    np.testing.assert_allclose(got, expected, atol=0.1)


@pytest.mark.parametrize("radius_mm", [6.0, 10.0, 20.0])
def test_distance_to_a_ball(radius_mm):
    edge = int(2 * radius_mm + 24)
    grid = Geometry((edge, edge, edge), (1.0, 1.0, 1.0))
    mask = ball_mask(grid, radius_mm)
    centre = grid.to_mm((np.array(grid.shape) - 1) / 2) + np.array((0.3, 0.2, 0.4))
    expected = np.linalg.norm(points(grid) - centre, axis=-1) - radius_mm
    error = (signed_distance_mm(mask) - expected)[np.abs(expected) < 9]
    assert abs(error.mean()) < 0.12
    assert np.abs(error).mean() < 0.2
    assert np.abs(error).max() < 1.0


@pytest.mark.parametrize("slice_mm", [2.0, 3.0, 5.0])
def test_a_ball_drawn_on_thick_slices_is_still_a_ball_on_the_analysis_grid(slice_mm):
    rng = np.random.default_rng(int(slice_mm))
    scan = drawn(random_body("sphere", 15.0, rng), slice_mm, 0.9, rng)
    grid = scan.ct.geometry.resampled((1.0, 1.0, 1.0))
    expected = np.linalg.norm(points(grid), axis=-1) - 15.0
    error = (signed_distance_mm(scan.tumour, grid, 9.0) - expected)[(expected > -2) & (expected < 9)]
    assert abs(error.mean()) < 0.06
    assert np.abs(error).mean() < 0.2


def test_sign_follows_the_mask_and_no_voxel_lies_on_the_surface():
    values = np.random.default_rng(0).random((12, 13, 14)) < 0.4  # no smooth surface could follow this
    got = signed_distance_mm(Mask(values, Geometry(values.shape, (2.0, 1.0, 1.5))))
    np.testing.assert_array_equal(got < 0, values)
    assert (got != 0).all()
    assert np.isfinite(got).all()


def test_distances_of_neighbours_differ_by_no_more_than_their_step():
    grid = Geometry((40, 40, 40), (1.0, 1.0, 1.0))
    got = signed_distance_mm(ball_mask(grid, 12.0))
    for axis in range(3):
        assert np.abs(np.diff(got, axis=axis)).max() < 1.8


@pytest.mark.parametrize("filled", [False, True])
def test_a_mask_without_surface_is_refused(filled):
    with pytest.raises(RegionError, match="no surface"):
        signed_distance_mm(Mask(np.full((4, 4, 4), filled), Geometry((4, 4, 4), (1.0, 1.0, 1.0))))
