"""Laplacian of Gaussian: analytic response, the cut kernel, the mirror boundary."""

import numpy as np
import pytest
from imaging_shapes import points

from perisurv.core import Geometry, GeometryError, Volume
from perisurv.imaging import laplacian_of_gaussian

GRID = Geometry((33, 35, 37), (1.0, 1.0, 1.0))


def blob(grid, sd_mm):
    centre = grid.to_mm((np.array(grid.shape) - 1) / 2)
    square = ((points(grid) - centre) ** 2).sum(axis=-1)
    return square, 1000.0 * np.exp(-square / (2 * sd_mm**2))


@pytest.mark.parametrize("spacing_mm", [1.0, 2.0])
def test_response_to_a_gaussian_blob_is_analytic(spacing_mm):
    """Variances add; derivatives are taken per voxel."""
    grid = Geometry(GRID.shape, (spacing_mm,) * 3)
    sd, sigma = 2.0 * spacing_mm, 1.5 * spacing_mm
    square, values = blob(grid, sd)
    variance = sd**2 + sigma**2
    smooth = 1000.0 * (sd**2 / variance) ** 1.5 * np.exp(-square / (2 * variance))
    expected = smooth * (square / variance**2 - 3 / variance) * spacing_mm**2
    got = laplacian_of_gaussian(Volume(values, grid), sigma, truncate=6.0)
    np.testing.assert_allclose(got.values, expected, atol=1e-3 * np.abs(expected).max())
    assert got.values.min() == got.values[16, 17, 18] < 0


def test_response_to_a_flat_image_is_that_of_the_cut_kernel():
    flat = Volume(np.full(GRID.shape, 100.0), GRID)
    assert np.abs(laplacian_of_gaussian(flat, 3.0, truncate=7.0).values).max() < 1e-3
    # The part of the second derivative beyond 4 sigma integrates to 2 * 4 * phi(4) / sigma^2 an axis.
    tail = 3 * 100.0 * 2 * 4 * np.exp(-8) / np.sqrt(2 * np.pi) / 9
    assert np.abs(laplacian_of_gaussian(flat, 3.0).values).max() < 1.5 * tail


def test_mirror_boundary_is_the_image_continued_by_its_mirror_image():
    values = np.random.default_rng(4).normal(0, 100, GRID.shape).astype(np.float32)
    wide = np.pad(values, 12, mode="symmetric")
    wider = Geometry(wide.shape, GRID.spacing_mm)
    inner = (slice(12, -12),) * 3
    got = laplacian_of_gaussian(Volume(values, GRID), 2.5)
    np.testing.assert_allclose(got.values, laplacian_of_gaussian(Volume(wide, wider), 2.5).values[inner], atol=1e-3)


@pytest.mark.parametrize(("sigma_mm", "truncate"), [(0.0, 4.0), (-1.0, 4.0), (np.nan, 4.0), (np.inf, 4.0), (1.0, 0.0)])
def test_scale_and_cut_off_must_be_positive(sigma_mm, truncate):
    with pytest.raises(GeometryError, match="positive"):
        laplacian_of_gaussian(Volume(np.zeros(GRID.shape), GRID), sigma_mm, truncate)
