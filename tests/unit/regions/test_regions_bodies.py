"""Rings of an oblique spheroid, of a spicule and of a real tumour; the image under them."""

import numpy as np
import pytest
from region_shapes import ball_scan, block_scan, points

from perisurv.core import Geometry, Mask, Scan, Volume
from perisurv.imaging import resample_volume, round_hu
from perisurv.regions import RingOptions, rings

FREE = RingOptions(barrier="none", margin_mm=2.0, cube_mm=0.0)
WIDTHS = (3.0, 6.0, 9.0)


@pytest.mark.parametrize("slice_mm", [1.0, 3.0])
def test_rings_of_an_oblique_spheroid(slice_mm):
    """Semi-axes 10, 10, 18 mm, oblique to the slices, by Steiner's formula with its surface and mean width."""
    a, c = 10.0, 18.0
    axis = np.array([0.5, 1.0, 2.0]) / np.linalg.norm([0.5, 1.0, 2.0])
    grid = Geometry((int(66 / slice_mm), 73, 73), (slice_mm, 0.9, 0.9))
    offset = points(grid) - grid.to_mm((np.array(grid.shape) - 1) / 2)
    along = offset @ axis
    inside = ((offset**2).sum(axis=-1) - along**2) / a**2 + along**2 / c**2 <= 1
    t = (np.arange(10_000) + 0.5) / 10_000
    mean_width = 2 * np.sqrt(a**2 + (c**2 - a**2) * t**2).mean()
    eccentricity = np.sqrt(1 - (a / c) ** 2)
    surface = 2 * np.pi * a**2 * (1 + c / (a * eccentricity) * np.arcsin(eccentricity))
    regions = rings(Scan("spheroid", Volume(np.zeros(grid.shape), grid), Mask(inside, grid)), FREE)
    for width in WIDTHS:
        expected = surface * width + 2 * np.pi * mean_width * width**2 + 4 / 3 * np.pi * width**3
        assert regions[f"ring_{width:g}mm"].mask.volume_ml == pytest.approx(expected / 1000, rel=0.03)


def test_a_thin_spicule_has_its_ring():
    """A line of voxels that smoothing alone would wipe out is surrounded by the ring all along."""
    scan = block_scan()
    values = np.array(scan.tumour.values)
    values[20, 20, 25:35] = True
    regions = rings(Scan("block", scan.ct, Mask(values, scan.ct.geometry)), FREE)
    ring, tumour = regions["ring_3mm"].mask.values, regions["tumour"].mask.values
    found = np.argwhere(tumour)
    k, j, tip = (int(v) for v in found[found[:, 2].argmax()])
    for i in range(tip - 5, tip + 1):
        for step in (1, 2):
            assert ring[[k - step, k + step, k, k], [j, j, j - step, j + step], i].all()
    assert ring[k, j, tip + 1 : tip + 3].all()


def test_image_is_the_crop_of_the_whole_resampled_ct_and_holds_the_cube_around_the_centre_of_mass():
    plain = ball_scan(7.0, 3.0, room_mm=38.0)
    tumour = np.array(plain.tumour.values)
    tumour[:, :, tumour.shape[2] // 2 :] |= np.roll(tumour, 9, axis=2)[:, :, tumour.shape[2] // 2 :]
    ct = Volume(np.random.default_rng(0).normal(0, 100, tumour.shape), plain.ct.geometry)
    scan = Scan("P1", ct, Mask(tumour, ct.geometry))
    regions = rings(scan, RingOptions(barrier="none", cube_mm=50.0))
    full = ct.geometry.resampled((1.0, 1.0, 1.0))
    start = np.rint(full.to_index(regions.image.geometry.to_mm((0, 0, 0)))).astype(int)
    box = tuple(slice(a, a + n) for a, n in zip(start, regions.image.geometry.shape, strict=True))
    whole = round_hu(resample_volume(ct, full)).values[box]
    assert np.mean(regions.image.values != whole) < 1e-4
    assert np.abs(regions.image.values - whole).max() <= 1
    centre = np.argwhere(regions["tumour"].mask.values).mean(axis=0)
    assert (centre >= 25).all()
    assert (np.array(regions.image.geometry.shape) - 1 - centre >= 25).all()


@pytest.fixture(scope="module")
def phantom(test_data):
    """GTV-1 of the IBSI CT phantom."""
    import SimpleITK

    folder = test_data / "ibsi1" / "ct_phantom" / "nifti"
    image, label = (SimpleITK.ReadImage(str(folder / f"{name}.nii.gz")) for name in ("image", "mask"))
    values = SimpleITK.GetArrayFromImage(image)
    direction = np.reshape(image.GetDirection(), (3, 3))[:, ::-1]
    grid = Geometry(values.shape, image.GetSpacing()[::-1], image.GetOrigin(), tuple(map(tuple, direction)))
    return Scan("IBSI", Volume(values, grid), Mask(SimpleITK.GetArrayFromImage(label) > 0, grid))


def test_real_tumour(phantom):
    """A tumour against pleura and consolidation: nested rings, no smaller than a ball's, clipped by the lung only."""
    made = {barrier: rings(phantom, RingOptions(barrier=barrier)) for barrier in ("none", "body", "lung")}
    for regions in made.values():
        tumour = regions["tumour"].mask
        assert tumour.volume_ml == pytest.approx(phantom.tumour.volume_ml, rel=0.02)
        before = np.zeros_like(tumour.values)
        for width in WIDTHS:
            region = regions[f"ring_{width:g}mm"]
            assert not (region.mask.values & tumour.values).any()
            assert not (before & ~region.mask.values).any()
            assert region.audit["unclipped_volume_ml"] > region.audit["ball_shell_ml"]
            before = region.mask.values
    for width in WIDTHS:
        none, body, lung = (made[barrier][f"ring_{width:g}mm"] for barrier in ("none", "body", "lung"))
        assert not (lung.mask.values & ~none.mask.values).any()
        assert none.audit["clipped_share"] == 0.0
        assert body.audit["clipped_share"] < 0.01
        assert 0.1 < lung.audit["clipped_share"] < 0.9
        assert lung.audit["thickness_mm"] < 0.9 * width
        assert lung.audit["lung_share"] > none.audit["lung_share"]
