"""Resampling reproduces what its spline must reproduce, and the IBSI CT phantom."""

import numpy as np
import pandas as pd
import pytest
from imaging_shapes import points, read_nifti

from perisurv.core import Geometry, GeometryError, Mask, Volume
from perisurv.imaging import resample_mask, resample_volume, round_hu

NATIVE = Geometry((36, 40, 44), (2.0, 1.0, 0.8), (-7.0, 12.5, 100.0))
FLIPPED = ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0))


def ramp(grid):
    x, y, z = np.moveaxis(points(grid), -1, 0)
    return 2.0 * (x - 110.0) - 3.0 * (y - 30.0) + 1.5 * (z - 25.0) + 40.0


def cubic(grid):
    x, y, z = np.moveaxis((points(grid) - (117.0, 32.0, 28.0)) / 10.0, -1, 0)
    return 5 * x**3 - 4 * y**3 + 3 * z**3 + 2 * x * y * z - 7 * x**2 * y + y**2 - 6 * z + 11


def wave(grid):
    x, y, z = np.moveaxis(points(grid), -1, 0)
    return 100 * np.sin(2 * np.pi * x / 8) * np.cos(2 * np.pi * y / 10) * np.sin(2 * np.pi * z / 20)


def off_grid(margin):
    """Points between the voxel centres, this many voxels away from the border."""
    start = NATIVE.to_mm((margin + 0.37, margin + 0.61, margin + 0.13))
    extent = (np.array(NATIVE.shape) - 2 * margin - 2) * np.array(NATIVE.spacing_mm)
    spacing = (1.7, 1.3, 1.1)
    return Geometry(tuple(int(e / s) for e, s in zip(extent, spacing, strict=True)), spacing, tuple(start))


@pytest.mark.parametrize("direction", [NATIVE.direction, FLIPPED])
def test_linear_interpolation_of_a_ramp_is_exact(direction):
    native = Geometry(NATIVE.shape, NATIVE.spacing_mm, NATIVE.origin_mm, direction)
    target = native.crop((slice(1, 35), slice(1, 39), slice(1, 43))).resampled((1.7, 1.3, 1.1))
    got = resample_volume(Volume(ramp(native), native), target, order=1)
    np.testing.assert_allclose(got.values, ramp(target), atol=1e-3)


def test_cubic_spline_reproduces_cubic_polynomials():
    """12 voxels from the border, where the mirror boundary is forgotten."""
    target = off_grid(12)
    got = resample_volume(Volume(cubic(NATIVE), NATIVE), target)
    np.testing.assert_allclose(got.values, cubic(target), atol=2e-3)


def test_cubic_spline_follows_a_smooth_function_closer_than_lines():
    target = off_grid(8)
    image = Volume(wave(NATIVE), NATIVE)
    error = {order: np.abs(resample_volume(image, target, order=order).values - wave(target)).max() for order in (1, 3)}
    assert error[3] < 1.0
    assert error[1] > 5 * error[3]


@pytest.mark.parametrize("order", [1, 3])
def test_same_grid_gives_the_same_image(order):
    values = np.random.default_rng(1).normal(0, 500, NATIVE.shape).astype(np.float32)
    got = resample_volume(Volume(values, NATIVE), NATIVE, order=order)
    np.testing.assert_allclose(got.values, values, atol=2e-3)


@pytest.mark.parametrize("order", [1, 3])
def test_a_crop_is_resampled_as_the_whole(order):
    values = np.random.default_rng(2).normal(0, 500, NATIVE.shape).astype(np.float32)
    image = Volume(values, NATIVE)
    full = NATIVE.resampled((1.3, 1.3, 1.3))
    for box in (
        (slice(20, 31), slice(10, 13), slice(9, 20)),
        (slice(0, 5), slice(0, 1), slice(0, 7)),
        (slice(50, full.shape[0]), slice(25, full.shape[1]), slice(20, full.shape[2])),
    ):
        part = resample_volume(image, full.crop(box), order=order)
        np.testing.assert_allclose(part.values, resample_volume(image, full, order=order).values[box], atol=2e-3)


def test_outside_begins_half_a_voxel_beyond_the_outer_centres():
    native = Geometry((4, 4, 4), (2.0, 2.0, 2.0))
    target = Geometry((1, 1, 8), (2.0, 2.0, 2.0), (-3.0, 2.0, 2.0))  # x = -3, -1, 1, ..., 11
    image = Volume(np.full(native.shape, 30.0), native)
    got = resample_volume(image, target, outside_hu=-777.0).values[0, 0]
    np.testing.assert_allclose(got, [-777, 30, 30, 30, 30, 30, -777, -777], atol=1e-4)
    mask = resample_mask(Mask(np.ones(native.shape, bool), native), target).values[0, 0]
    np.testing.assert_array_equal(mask, [False, True, True, True, True, True, False, False])


def test_target_far_away_is_all_outside():
    image = Volume(np.ones(NATIVE.shape), NATIVE)
    for origin in ((900.0, 0.0, 0.0), (-900.0, 900.0, -900.0)):
        far = Geometry((3, 4, 5), (1.0, 1.0, 1.0), origin)
        assert (resample_volume(image, far).values == -1000.0).all()
        assert resample_mask(Mask(image.values > 0, NATIVE), far).voxel_count == 0


def test_mask_keeps_a_voxel_that_is_half_occupied():
    native = Geometry((1, 1, 4), (1.0, 1.0, 1.0))
    mask = Mask(np.array([[[False, True, True, False]]]), native)
    for shift, expected in ((0.5, [True, True, True]), (0.49, [False, True, True]), (0.51, [True, True, False])):
        target = Geometry((1, 1, 3), (1.0, 1.0, 1.0), (shift, 0.0, 0.0))
        assert resample_mask(mask, target).values[0, 0].tolist() == expected
    loose = Geometry((1, 1, 3), (1.0, 1.0, 1.0), (0.3, 0.0, 0.0))
    assert resample_mask(mask, loose, threshold=0.25).values[0, 0].tolist() == [True, True, True]


def test_a_single_slice_stays_itself():
    native = Geometry((1, 8, 8), (5.0, 1.0, 1.0))
    values = np.random.default_rng(3).normal(size=native.shape)
    got = resample_volume(Volume(values, native), Geometry((5, 8, 8), (1.0, 1.0, 1.0), (0.0, 0.0, -2.0)))
    np.testing.assert_allclose(got.values, np.repeat(values, 5, axis=0), atol=1e-4)


def test_rounding_is_to_whole_hu():
    grid = Geometry((1, 1, 3), (1.0, 1.0, 1.0))
    got = round_hu(Volume(np.array([[[-0.6, 12.4, 99.7]]]), grid))
    assert got.values.ravel().tolist() == [-1.0, 12.0, 100.0]


def test_what_cannot_be_resampled_is_refused():
    image = Volume(np.zeros(NATIVE.shape), NATIVE)
    turned = Geometry(NATIVE.shape, NATIVE.spacing_mm, NATIVE.origin_mm, FLIPPED)
    with pytest.raises(GeometryError, match="parallel axes"):
        resample_volume(image, turned)
    with pytest.raises(GeometryError, match="parallel axes"):
        resample_mask(Mask(image.values > 0, NATIVE), turned)
    with pytest.raises(GeometryError, match=r"1 \(linear\) or 3"):
        resample_volume(image, NATIVE, order=2)


@pytest.mark.parametrize(("configuration", "order"), [("C", 1), ("E", 3)])
def test_ibsi_ct_phantom_at_2_mm(test_data, configuration, order):
    """IBSI-1 configurations C (trilinear) and E (tricubic): diagnostics of the interpolated image and ROI."""
    folder = test_data / "ibsi1"
    reference = pd.read_csv(folder / f"reference_values/ibsi_1_reference_values_config_{configuration}.csv")
    expected = reference.set_index("tag")["reference value"]
    tolerance = reference.set_index("tag")["tolerance"]
    values, native = read_nifti(folder / "ct_phantom/nifti/image.nii.gz")
    labels, _ = read_nifti(folder / "ct_phantom/nifti/mask.nii.gz")
    grid = native.resampled((2.0, 2.0, 2.0))
    image = round_hu(resample_volume(Volume(values, native), grid, order=order))
    mask = resample_mask(Mask(labels > 0, native), grid)
    hu = image.values[mask.values]
    assert grid.shape == (90, 99, 100) == tuple(expected[f"img_dim_{axis}_interp_img"] for axis in "zyx")
    assert mask.voxel_count == 45985 == expected["int_mask_vox_count_interp_roi"]
    extent = [s.stop - s.start for s in mask.bounding_box()]
    assert extent == [expected[f"int_mask_bb_dim_{axis}_interp_roi"] for axis in "zyx"]
    for name, got in (("mean", hu.mean()), ("min", hu.min()), ("max", hu.max())):
        tag = f"int_mask_{name}_int_interp_roi"
        assert got == pytest.approx(expected[tag], abs=tolerance[tag]), tag
