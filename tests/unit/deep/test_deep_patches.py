import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from perisurv.core import Geometry, GeometryError, Mask, Region, RegionSet, SettingsError, Volume
from perisurv.deep import DeepOptions, cut_patch

SMALL = DeepOptions(patch_mm=16, patch_voxels=16, surround_mm=100.0)


def region_set(
    hu: NDArray[np.floating], tumour: NDArray[np.bool_], spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> RegionSet:
    geometry = Geometry(hu.shape, spacing_mm)  # type: ignore[arg-type]
    return RegionSet("P1", Volume(hu.astype(np.float32), geometry), (Region("tumour", Mask(tumour, geometry)),))


def ball(shape: tuple[int, int, int], centre: tuple[float, float, float], radius: float) -> NDArray[np.bool_]:
    k, j, i = np.ogrid[: shape[0], : shape[1], : shape[2]]
    return np.asarray((k - centre[0]) ** 2 + (j - centre[1]) ** 2 + (i - centre[2]) ** 2 <= radius**2)


def test_window_maps_to_minus_one_and_one() -> None:
    hu = np.full((20, 20, 20), -300.0)
    hu[9, 9, 7:12] = (-2000.0, -1000.0, 50.0, 400.0, 3000.0)
    tumour = np.zeros(hu.shape, bool)
    tumour[9:11, 9:11, 9:11] = True  # centre of mass 9.5: the cube starts at voxel 2
    patch = cut_patch(region_set(hu, tumour), SMALL)
    assert patch.shape == (2, 16, 16, 16)
    assert patch.dtype == np.float32
    np.testing.assert_allclose(patch[0, 7, 7, 5:10], [-1.0, -1.0, 0.5, 1.0, 1.0], atol=1e-6)
    assert patch[0, 0, 0, 0] == 0.0  # -300 HU is the middle of -1000..400


@pytest.mark.parametrize("centre", [(15.5, 15.5, 15.5), (14.5, 17.5, 16.5)])
def test_tumour_lies_in_the_middle(centre: tuple[float, float, float]) -> None:
    tumour = ball((32, 32, 32), centre, 5.0)
    patch = cut_patch(region_set(np.zeros((32, 32, 32)), tumour), SMALL)
    middle = [index.mean() for index in np.nonzero(patch[1])]
    np.testing.assert_allclose(middle, 7.5, atol=1e-6)
    assert patch[1].sum() == tumour.sum()


def test_beyond_the_image_is_air() -> None:
    tumour = ball((20, 20, 20), (2.5, 9.5, 9.5), 2.0)
    patch = cut_patch(region_set(np.full((20, 20, 20), 50.0), tumour), SMALL)
    assert (patch[0, :5] == -1.0).all()  # the cube starts 5 slices before the image
    assert (patch[0, 5:] == 0.5).all()
    assert (patch[1, :5] == 0.0).all()


def test_far_surroundings_are_air() -> None:
    tumour = np.zeros((32, 32, 32), bool)
    tumour[15:17, 15:17, 15:17] = True
    options = dataclasses.replace(SMALL, surround_mm=3.0)
    patch = cut_patch(region_set(np.full(tumour.shape, 50.0), tumour), options)
    row = patch[0, 7, 7]  # tumour at 7 and 8, so 3 mm reach voxels 4 and 11
    np.testing.assert_allclose(row, [-1] * 4 + [0.5] * 8 + [-1] * 4)


def test_averaging_keeps_mean_and_tumour_volume() -> None:
    rng = np.random.default_rng(3)
    hu = rng.uniform(-900, 300, (48, 48, 48))
    tumour = ball(hu.shape, (23.5, 23.5, 23.5), 12.0)
    regions = region_set(hu, tumour)
    fine = cut_patch(regions, DeepOptions(patch_mm=48, patch_voxels=48))
    for voxels in (16, 20, 24, 32):
        coarse = cut_patch(regions, DeepOptions(patch_mm=48, patch_voxels=voxels))
        np.testing.assert_allclose(coarse[0].mean(), fine[0].mean(), atol=1e-6)
        np.testing.assert_allclose(coarse[1].sum() * (48 / voxels) ** 3, tumour.sum(), rtol=1e-5)
    blocks = fine.reshape(2, 16, 3, 16, 3, 16, 3).mean(axis=(2, 4, 6))
    np.testing.assert_allclose(cut_patch(regions, DeepOptions(patch_mm=48, patch_voxels=16)), blocks, atol=1e-6)


def test_averaging_of_a_ramp_is_the_ramp() -> None:
    hu = np.broadcast_to(np.arange(24.0) * 10, (24, 24, 24))
    tumour = ball(hu.shape, (11.5, 11.5, 11.5), 11.0)
    patch = cut_patch(region_set(hu, tumour), DeepOptions(patch_mm=24, patch_voxels=16, surround_mm=100))
    centres = (np.arange(16) + 0.5) * 1.5 - 0.5
    np.testing.assert_allclose(patch[0, 8, 8] * 700 - 300, centres * 10, atol=10 / 1.5)
    np.testing.assert_allclose(np.diff(patch[0, 8, 8, ::2]) * 700, 30.0, rtol=1e-4)


def test_other_isotropic_grid_keeps_the_edge_in_mm() -> None:
    tumour = ball((40, 40, 40), (19.5, 19.5, 19.5), 8.0)
    regions = region_set(np.zeros((40, 40, 40)), tumour, (2.0, 2.0, 2.0))
    patch = cut_patch(regions, DeepOptions(patch_mm=64, patch_voxels=32))
    assert patch[1].sum() == tumour.sum()
    with pytest.raises(SettingsError, match="patch_voxels = 64 on a cube of 32 voxels of 2 mm"):
        cut_patch(regions, DeepOptions())


def test_anisotropic_grid_is_refused() -> None:
    tumour = ball((20, 20, 20), (9.5, 9.5, 9.5), 4.0)
    with pytest.raises(GeometryError, match="P1.*isotropic"):
        cut_patch(region_set(np.zeros((20, 20, 20)), tumour, (3.0, 1.0, 1.0)), SMALL)
