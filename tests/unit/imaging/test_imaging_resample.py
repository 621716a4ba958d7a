"""Resampling against the IBSI diagnostics, scipy and arithmetic."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from perisurv.core import Geometry, Volume
from perisurv.imaging import resample_mask, resample_volume, round_hu

TURNED = ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


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
