"""The smooth surface between the slices of a mask."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from region_shapes import points

from analytic_bodies import KINDS, drawn, random_body
from perisurv.core import Geometry, Mask, RegionError
from perisurv.regions.surface import smooth_surface

SPACINGS = st.sampled_from([(1.0, 1.0, 1.0), (5.0, 0.7, 0.7), (0.6, 2.0, 1.0)])


def at_samples(mask):
    """The level function at the voxel centres of the mask, in the order of its voxels."""
    level = smooth_surface(mask)
    index = np.rint(level.geometry.to_index(mask.geometry.to_mm(np.argwhere(np.ones(mask.values.shape))))).astype(int)
    held = ((index >= 0) & (index < level.values.shape)).all(axis=1)
    return level.values[tuple(index[held].T)], mask.values.ravel()[held]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**31), st.floats(0.05, 0.95), st.sampled_from([(1.0, 1.0, 1.0), (5.0, 0.7, 0.7), (0.6, 2.0, 1.0)])
)
def test_every_voxel_centre_stays_on_its_side(seed, density, spacing):
    """Whatever the mask, noise included: nothing that was drawn is smoothed away."""
    values = np.random.default_rng(seed).random((6, 7, 8)) < density
    if values.any() and not values.all():
        level, inside = at_samples(Mask(values, Geometry(values.shape, spacing)))
        np.testing.assert_array_equal(level < 0, inside)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slice_mm", [1.0, 3.0, 5.0])
def test_surface_of_a_body_is_where_the_body_ends(kind, slice_mm):
    """All but a few per cent of the surface within a fraction of a slice, although the mask ends in whole ones."""
    rng = np.random.default_rng([KINDS.index(kind), int(slice_mm)])
    body = random_body(kind, 15.0, rng)
    level = smooth_surface(drawn(body, slice_mm, 0.9, rng).tumour)
    at, normals, area = body.surface()
    off_mm = 0.5 + 0.1 * slice_mm
    for side in (-1, 1):
        index = np.rint(level.geometry.to_index(at + side * off_mm * normals)).astype(int)
        right = side * level.values[tuple(index.T)] > 0
        assert np.average(right, weights=area) > 0.96


def test_enclosed_volume_is_that_of_the_mask():
    rng = np.random.default_rng(3)
    scan = drawn(random_body("ellipsoid", 12.0, rng), 3.0, 0.8, rng)
    level = smooth_surface(scan.tumour)
    enclosed = np.clip(0.5 - level.values / 1.6, 0, 1).sum() * level.geometry.voxel_volume_mm3 / 1000
    assert enclosed == pytest.approx(scan.tumour.volume_ml, rel=0.01)


def test_thick_steps_are_divided_and_fine_ones_kept():
    grid = Geometry((8, 20, 20), (4.0, 1.0, 1.0), (5.0, 6.0, 7.0))
    mask = Mask((np.abs(points(grid) - (14.5, 15.5, 21.0)) < 5).all(axis=-1), grid)
    level = smooth_surface(mask)
    np.testing.assert_allclose(level.geometry.spacing_mm, (1.0, 1.0, 1.0))
    steps = grid.to_index(level.geometry.origin_mm)
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)


def test_a_mask_at_the_border_goes_on_beyond_it():
    grid = Geometry((10, 10, 10), (2.0, 1.0, 1.0))
    level = smooth_surface(Mask(np.broadcast_to(np.arange(10)[:, None, None] < 4, grid.shape), grid))
    k = level.geometry.to_mm(np.stack([np.arange(level.values.shape[0]), *np.full((2, level.values.shape[0]), 5)], 1))
    above = k[:, 2] - 7.0
    np.testing.assert_array_equal(np.sign(level.values[np.abs(above) > 0.1, 5, 5]), np.sign(above[np.abs(above) > 0.1]))


@pytest.mark.parametrize("filled", [False, True])
def test_a_mask_without_surface_is_refused(filled):
    with pytest.raises(RegionError, match="no surface"):
        smooth_surface(Mask(np.full((4, 4, 4), filled), Geometry((4, 4, 4), (1.0, 1.0, 1.0))))
