"""Resampling against the IBSI diagnostics, scipy and arithmetic."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from perisurv.core import Geometry, GeometryError, Mask, Volume
from perisurv.imaging import resample_mask, resample_volume, round_hu

TURNED = ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


@pytest.mark.parametrize(("configuration", "order"), [("C", 1), ("E", 3)])
def test_ibsi_ct_phantom(ct_phantom, reference_values, configuration, order):
    """Dimensions, intensities and voxels after interpolation to 2 mm, as agreed by the initiative."""
    ct, gtv = ct_phantom
    grid = ct.geometry.resampled((2.0, 2.0, 2.0))
    image, mask = round_hu(resample_volume(ct, grid, order=order)), resample_mask(gtv, grid)
    inside, box = image.values[mask.values], mask.bounding_box()
    got = {
        "mean_int_interp_img": image.values.mean(dtype=float),
        "min_int_interp_img": image.values.min(),
        "max_int_interp_img": image.values.max(),
        "int_mask_vox_count_interp_roi": mask.voxel_count,
        "int_mask_mean_int_interp_roi": inside.mean(dtype=float),
        "int_mask_min_int_interp_roi": inside.min(),
        "int_mask_max_int_interp_roi": inside.max(),
    }
    for axis, name in enumerate("zyx"):
        got[f"img_dim_{name}_interp_img"] = grid.shape[axis]
        got[f"int_mask_bb_dim_{name}_interp_roi"] = box[axis].stop - box[axis].start
    reference = reference_values(configuration)
    for tag, value in got.items():
        expected, tolerance = reference[tag]
        half_digit = 0.05 if tag == "int_mask_mean_int_interp_roi" else 0.5
        assert abs(value - expected) <= tolerance + half_digit, tag


def test_a_crop_is_the_crop_of_the_whole_image(ct_phantom):
    ct, gtv = ct_phantom
    grid = ct.geometry.resampled((1.0, 1.0, 1.0))
    box = (slice(60, 120), slice(30, 110), slice(55, 140))
    whole = resample_volume(ct, grid)
    part = resample_volume(ct, grid.crop(box))
    np.testing.assert_allclose(part.values, whole.values[box], atol=2e-3)
    assert np.mean(round_hu(part).values != round_hu(whole).values[box]) < 1e-5
    np.testing.assert_array_equal(resample_mask(gtv, grid.crop(box)).values, resample_mask(gtv, grid).values[box])


@pytest.mark.parametrize("order", [1, 3])
def test_agrees_with_spline_interpolation_of_scipy(order):
    rng = np.random.default_rng(4)
    source = Geometry((12, 15, 11), (3.0, 0.9, 1.1), (5.0, -7.0, 20.0))
    volume = Volume(rng.normal(0, 300, source.shape).astype(np.float32), source)
    target = source.resampled((1.0, 1.0, 1.0))
    index = source.to_index(target.to_mm(np.moveaxis(np.indices(target.shape), 0, -1)))
    expected = map_coordinates(
        volume.values.astype(float), np.moveaxis(index, -1, 0), order=order, mode="mirror", prefilter=True
    )
    np.testing.assert_allclose(resample_volume(volume, target, order=order).values, expected, atol=1e-2)


def test_outside_the_image_is_air_and_no_tumour():
    source = Geometry((4, 4, 4), (1.0, 1.0, 1.0))
    around = Geometry((8, 8, 8), (1.0, 1.0, 1.0), (-2.0, -2.0, -2.0))
    image = resample_volume(Volume(np.full((4, 4, 4), 40, np.float32), source), around, outside_hu=-1024.0)
    mask = resample_mask(Mask(np.ones((4, 4, 4), bool), source), around)
    inner = (slice(2, 6),) * 3
    np.testing.assert_allclose(image.values[inner], 40, atol=1e-3)
    outer = np.ones((8, 8, 8), bool)
    outer[inner] = False
    assert (image.values[outer] == -1024).all()
    np.testing.assert_array_equal(mask.values, ~outer)


def test_a_single_slice_can_be_resampled():
    source = Geometry((1, 6, 6), (5.0, 1.0, 1.0))
    volume = Volume(np.arange(36, dtype=np.float32).reshape(1, 6, 6), source)
    np.testing.assert_allclose(resample_volume(volume, source).values, volume.values, atol=1e-4)
    finer = resample_volume(volume, source.resampled((1.0, 1.0, 1.0)))
    np.testing.assert_allclose(finer.values, np.repeat(volume.values, 5, axis=0), atol=1e-4)


def test_half_a_voxel_is_tumour():
    source = Geometry((1, 1, 4), (1.0, 1.0, 1.0))
    mask = Mask(np.array([[[False, True, True, False]]]), source)
    shifted = Geometry((1, 1, 3), (1.0, 1.0, 1.0), (0.5, 0.0, 0.0))
    np.testing.assert_array_equal(resample_mask(mask, shifted).values, [[[True, True, True]]])
    np.testing.assert_array_equal(resample_mask(mask, shifted, threshold=0.6).values, [[[False, True, False]]])


def test_turned_grids_and_odd_orders_are_refused():
    volume = Volume(np.zeros((3, 3, 3), np.float32), Geometry((3, 3, 3), (1.0, 1.0, 1.0)))
    with pytest.raises(GeometryError, match="parallel axes"):
        resample_volume(volume, Geometry((3, 3, 3), (1.0, 1.0, 1.0), direction=TURNED))
    with pytest.raises(GeometryError, match="1 \\(linear\\) or 3"):
        resample_volume(volume, volume.geometry, order=2)
