"""What must hold for every image, grid and stream of random numbers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging import laplacian_of_gaussian, perturb_contour, resample_mask, resample_volume

SPACING = st.sampled_from([0.7, 0.977, 1.0, 1.5, 2.0, 3.0])
SHAPE = st.tuples(*[st.integers(4, 14)] * 3)
GRIDS = st.builds(Geometry, SHAPE, st.tuples(SPACING, SPACING, SPACING), st.just((3.0, -20.0, 11.0)))
SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=40, deadline=None)


@st.composite
def boxes(draw, shape):
    starts = [draw(st.integers(0, n - 1)) for n in shape]
    return tuple(slice(a, draw(st.integers(a + 1, n))) for a, n in zip(starts, shape, strict=True))


@FEW
@given(st.data(), GRIDS, SPACING, SEEDS)
def test_resampling_onto_a_crop_is_cropping(data, grid, spacing_mm, seed):
    rng = np.random.default_rng(seed)
    volume = Volume(rng.uniform(-1000, 1000, grid.shape).astype(np.float32), grid)
    mask = Mask(rng.random(grid.shape) < 0.5, grid)
    target = grid.resampled((spacing_mm,) * 3)
    box = data.draw(boxes(target.shape))
    for order in (1, 3):
        whole = resample_volume(volume, target, order=order).values[box]
        np.testing.assert_allclose(resample_volume(volume, target.crop(box), order=order).values, whole, atol=5e-3)
    np.testing.assert_array_equal(resample_mask(mask, target.crop(box)).values, resample_mask(mask, target).values[box])


@FEW
@given(GRIDS, SPACING, st.integers(-1000, 3000))
def test_a_constant_stays_constant_and_an_image_its_own(grid, spacing_mm, hu):
    constant = Volume(np.full(grid.shape, hu, np.float32), grid)
    target = grid.resampled((spacing_mm,) * 3)
    np.testing.assert_allclose(resample_volume(constant, target).values, hu, atol=2e-3)
    values = np.random.default_rng(hu + 1000).uniform(-1000, 1000, grid.shape).astype(np.float32)
    np.testing.assert_allclose(resample_volume(Volume(values, grid), grid).values, values, atol=5e-3)


@FEW
@given(GRIDS, SPACING, SEEDS)
def test_a_higher_threshold_gives_a_smaller_mask(grid, spacing_mm, seed):
    mask = Mask(np.random.default_rng(seed).random(grid.shape) < 0.5, grid)
    target = grid.resampled((spacing_mm,) * 3)
    masks = [resample_mask(mask, target, threshold=t).values for t in (0.3, 0.5, 0.7)]
    assert not (masks[1] & ~masks[0]).any()
    assert not (masks[2] & ~masks[1]).any()


@FEW
@given(SHAPE, SEEDS, st.floats(0.6, 3.0), st.floats(-4.0, 4.0))
def test_the_filter_is_linear_and_knows_no_direction(shape, seed, sigma_mm, factor):
    grid = Geometry(shape, (1.0, 1.0, 1.0))
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-500, 500, (2, *shape)).astype(np.float32)

    def response(values):
        return laplacian_of_gaussian(Volume(np.ascontiguousarray(values), grid), sigma_mm).values

    np.testing.assert_allclose(response(a + factor * b), response(a) + factor * response(b), atol=0.02)
    for axis in range(3):
        np.testing.assert_allclose(response(np.flip(a, axis)), np.flip(response(a), axis), atol=1e-3)


@FEW
@given(GRIDS, SEEDS, st.floats(0.0, 5.0), st.floats(1.0, 20.0))
def test_a_redrawn_contour_is_usable_and_repeatable(grid, seed, sd_mm, correlation_mm):
    values = np.zeros(grid.shape, bool)
    values[tuple(slice(1, n - 1) for n in grid.shape)] = (
        np.random.default_rng(seed).random(tuple(n - 2 for n in grid.shape)) < 0.3
    )
    values[tuple(n // 2 for n in grid.shape)] = True
    mask = Mask(values, grid)
    first, again = (perturb_contour(mask, np.random.default_rng(seed), sd_mm, correlation_mm) for _ in range(2))
    assert first.voxel_count > 0
    assert first.values.tobytes() == again.values.tobytes()
    assert not first.values[0].any()
    assert not first.values[:, :, -1].any()
