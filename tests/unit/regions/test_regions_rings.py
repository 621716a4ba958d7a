"""Rings of balls and blocks: volumes, kinds, barriers, audit, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from region_shapes import ball_scan, ball_shell_ml, block_scan, points

from perisurv.core import Geometry, Mask, RegionError, Scan, SettingsError, Volume
from perisurv.imaging import resample_mask
from perisurv.regions import RingOptions, rings

FREE = RingOptions(barrier="none", margin_mm=0.0, cube_mm=0.0)
WIDTHS = (3, 6, 9)


def masks(scan, **changes):
    regions = rings(scan, replace(FREE, **changes))
    return regions["tumour"].mask.values, [regions[f"ring_{w}mm"].mask.values for w in WIDTHS]


@pytest.mark.parametrize("slice_mm", [1.0, 3.0])
@pytest.mark.parametrize("radius_mm", [10.0, 20.0])
@pytest.mark.parametrize("kind", ["annulus", "shell", "expansion"])
def test_volume_of_a_ring_around_a_ball(radius_mm, slice_mm, kind):
    regions = rings(ball_scan(radius_mm, slice_mm), replace(FREE, kind=kind))
    inner = {"annulus": (0, 0, 0), "shell": (0, 3, 6), "expansion": (-radius_mm,) * 3}[kind]
    for width, start in zip(WIDTHS, inner, strict=True):
        region = regions[f"ring_{width}mm"]
        expected = ball_shell_ml(radius_mm, start, width)
        assert region.mask.volume_ml == pytest.approx(expected, rel=0.03)
        assert region.audit["volume_ml"] == pytest.approx(region.mask.volume_ml)
        assert region.audit["ball_shell_ml"] == pytest.approx(expected, rel=0.03)
        thickness = width - max(start, 0)
        assert region.audit["thickness_mm"] == pytest.approx(thickness, rel=0.03)


def test_tumour_keeps_its_volume_and_the_grid_is_the_asked_one():
    scan = ball_scan(12.0, 3.0)
    regions = rings(scan)
    assert [r.name for r in regions] == ["tumour", "ring_3mm", "ring_6mm", "ring_9mm"]
    assert regions.image.geometry.spacing_mm == (1.0, 1.0, 1.0)
    assert regions["tumour"].mask.volume_ml == pytest.approx(scan.tumour.volume_ml, rel=0.02)
    assert dict(regions.acquisition) == {"slice_spacing_mm": 3.0}
    coarse = rings(scan, replace(FREE, spacing_mm=2.0, widths_mm=(4.5,)))
    assert coarse["ring_4.5mm"].mask.geometry.spacing_mm == (2.0, 2.0, 2.0)
    assert coarse["ring_4.5mm"].mask.volume_ml == pytest.approx(ball_shell_ml(12.0, 0, 4.5), rel=0.08)


def test_kinds_are_built_from_one_another():
    scan = ball_scan(9.0, 2.0)
    tumour, annuli = masks(scan)
    _, shells = masks(scan, kind="shell")
    _, expansions = masks(scan, kind="expansion")
    so_far = np.zeros_like(tumour)
    for annulus, shell, expansion in zip(annuli, shells, expansions, strict=True):
        assert not (annulus & tumour).any()
        assert not (shell & so_far).any()
        so_far |= shell
        np.testing.assert_array_equal(so_far, annulus)
        np.testing.assert_array_equal(expansion, annulus | tumour)


def test_ring_of_a_block_counts_by_hand():
    """Ring of 3 mm on a block of 10 mm: three layers on six faces, rounded along edges and corners."""
    tumour, (ring, *_) = masks(block_scan())
    assert tumour.sum() == 1000
    steiner = 6 * 100 * 3 + 12 * 10 * np.pi * 9 / 4 + 4 / 3 * np.pi * 27
    assert ring.sum() == pytest.approx(steiner, rel=0.08)  # a smooth surface rounds the corners
    i, j = np.flatnonzero(tumour.any(axis=(0, 1))), np.flatnonzero(tumour.any(axis=(0, 2)))
    along = ring[np.flatnonzero(tumour.any(axis=(1, 2))).mean().astype(int), j.mean().astype(int)]
    assert np.flatnonzero(along).tolist() == [i[0] - 3, i[0] - 2, i[0] - 1, i[-1] + 1, i[-1] + 2, i[-1] + 3]


def test_audit_by_hand():
    """Left of the tumour lung, right of it soft tissue, a layer of bone below, air at the very left."""
    hu = np.zeros((40, 40, 40))
    hu[:, :, :15] = -800.0
    hu[:, :, :13] = -1000.0
    hu[25:] = 700.0
    region = rings(block_scan(hu), replace(FREE, widths_mm=(3.0,)))["ring_3mm"]
    image = rings(block_scan(hu), replace(FREE, widths_mm=(3.0,))).image.values
    inside = image[region.mask.values]
    audit = region.audit
    assert audit["volume_ml"] == audit["unclipped_volume_ml"] == region.mask.voxel_count / 1000
    assert audit["clipped_share"] == 0.0
    assert audit["thickness_mm"] == pytest.approx(3.0, abs=0.1)
    assert audit["air_share"] == pytest.approx(np.mean(inside < -950))
    assert audit["lung_share"] == pytest.approx(np.mean((inside >= -950) & (inside < -500)))
    assert audit["soft_share"] == pytest.approx(np.mean((inside >= -500) & (inside < 150)))
    assert audit["bone_share"] == pytest.approx(np.mean(inside >= 150))
    shares = [audit[f"{tissue}_share"] for tissue in ("air", "lung", "soft", "bone")]
    assert sum(shares) == pytest.approx(1.0)
    assert min(shares) > 0.04


def test_image_border_clips_the_ring_and_the_audit_says_so():
    """One voxel of image remains on one side: of a ring of 3 mm, two layers are lost there."""
    scan = block_scan(edge=26, low=1, high=11)
    audit = rings(scan, replace(FREE, widths_mm=(3.0,)))["ring_3mm"].audit
    whole = rings(block_scan(), replace(FREE, widths_mm=(3.0,)))["ring_3mm"].audit
    assert audit["unclipped_volume_ml"] == whole["volume_ml"]
    assert audit["volume_ml"] < 0.75 * whole["volume_ml"]
    assert audit["clipped_share"] == pytest.approx(1 - audit["volume_ml"] / whole["volume_ml"])
    assert audit["clipped_by_border_share"] == pytest.approx(audit["clipped_share"])
    assert audit["thickness_mm"] < whole["thickness_mm"]
    assert whole["thickness_p05_mm"] > audit["thickness_p05_mm"] == pytest.approx(1.0, abs=0.3)
    with pytest.raises(RegionError, match=r"Patient block: \d+\.\d % of ring_3mm lies beyond the border of the CT"):
        rings(scan, replace(FREE, widths_mm=(3.0,), border="exclude"))


def test_lesions_that_meet_share_the_ground_between_them_by_nearest_surface():
    """Two balls, surfaces 6 mm apart: the ring of one ends half way, and the audit names the lesion."""
    grid = Geometry((60, 60, 90), (1.0, 1.0, 1.0))
    x, y, z = np.moveaxis(points(grid), -1, 0)
    one, other = ((x - c) ** 2 + (y - 30.2) ** 2 + (z - 29.7) ** 2 <= 100 for c in (30.3, 56.3))
    empty = Volume(np.zeros(grid.shape), grid)
    left = rings(Scan("p", empty, Mask(one, grid), {}, Mask(other, grid)), FREE)["ring_9mm"]
    right = rings(Scan("p", empty, Mask(other, grid), {}, Mask(one, grid)), FREE)["ring_9mm"]
    place = [ring.mask.geometry.to_mm(np.argwhere(ring.mask.values)) for ring in (left, right)]
    assert place[0][:, 0].max() == pytest.approx(43.3, abs=1.0)
    assert place[1][:, 0].min() == pytest.approx(43.3, abs=1.0)
    assert not {tuple(p) for p in np.rint(place[0])} & {tuple(p) for p in np.rint(place[1])}
    alone = rings(Scan("p", empty, Mask(one, grid)), FREE)["ring_9mm"].audit
    # Nearer to the second ball than to the first and within 9 mm: by symmetry a lens beyond the middle plane.
    gone = left.audit["clipped_by_lesion_share"]
    beyond = (np.sqrt((x - 30.3) ** 2 + (y - 30.2) ** 2 + (z - 29.7) ** 2) <= 19) & (x > 43.3)
    assert gone * alone["volume_ml"] == pytest.approx(beyond.sum() / 1000, rel=0.03)
    assert left.audit["unclipped_volume_ml"] == alone["volume_ml"]


def test_tumour_by_its_surface_or_by_linear_interpolation():
    scan = ball_scan(12.0, 3.0)
    surface, linear = (rings(scan, replace(FREE, mask=mask)) for mask in ("surface", "linear"))
    grid = linear.image.geometry
    np.testing.assert_array_equal(linear["tumour"].mask.values, resample_mask(scan.tumour, grid).values)
    assert surface["tumour"].mask.volume_ml == pytest.approx(ball_shell_ml(12.0, -12.0, 0.0), rel=0.02)
    for regions in (surface, linear):
        assert not (regions["ring_6mm"].mask.values & regions["tumour"].mask.values).any()
        whole = regions["ring_6mm"].mask.values | regions["tumour"].mask.values
        np.testing.assert_array_equal(whole, (surface["ring_6mm"].mask.values | surface["tumour"].mask.values) | whole)


@pytest.fixture(scope="module")
def wall():
    """Body in air, a lung in it, a tumour that reaches from the lung to 2 mm below the skin."""
    grid = Geometry((40, 80, 80), (2.0, 2.0, 2.0))
    x, y, z = np.moveaxis(points(grid), -1, 0)
    hu = np.full(grid.shape, -1000.0)
    body = (x - 80) ** 2 + (y - 80) ** 2 < 70**2
    lung = (x - 80) ** 2 + (y - 80) ** 2 < 50**2
    tumour = (x - 134) ** 2 + (y - 80) ** 2 + (z - 40) ** 2 <= 14**2
    hu[body], hu[lung], hu[tumour] = 30.0, -850.0, 40.0
    return Scan("wall", Volume(hu, grid), Mask(tumour, grid))


def test_barriers_take_air_and_chest_wall(wall):
    found = {}
    for barrier in ("none", "body", "lung"):
        regions = rings(wall, replace(FREE, barrier=barrier))
        grid = regions.image.geometry
        found[barrier] = regions["ring_9mm"]
        from_axis = np.linalg.norm(points(grid)[..., :2] - 80, axis=-1)
        share = {name: v.sum() for name, v in (("air", from_axis > 74), ("wall", (from_axis > 56) & (from_axis < 68)))}
        assert min(share.values()) > 0
        ring = found[barrier].mask.values
        assert (ring & (from_axis > 74)).any() == (barrier == "none")
        if barrier == "lung":
            assert (ring & (from_axis > 58)).sum() < 0.05 * ring.sum()
            assert found["lung"].audit["lung_share"] > 0.5
    none, body, lung = (found[b].mask.values for b in ("none", "body", "lung"))
    assert (body <= none).all()
    assert (lung <= body).all()
    assert 0 < lung.sum() < body.sum() < none.sum()
    assert found["none"].audit["clipped_share"] == 0.0
    for barrier in ("body", "lung"):
        audit = found[barrier].audit
        assert audit["unclipped_volume_ml"] == found["none"].audit["volume_ml"]
        assert audit["clipped_share"] == pytest.approx(1 - audit["volume_ml"] / audit["unclipped_volume_ml"])
        assert 0 < audit["thickness_mm"] < 9.0


def test_barrier_never_takes_from_the_tumour(wall):
    for kind in ("annulus", "expansion"):
        free, held = (rings(wall, replace(FREE, kind=kind, barrier=b)) for b in ("none", "lung"))
        np.testing.assert_array_equal(free["tumour"].mask.values, held["tumour"].mask.values)
    assert (held["ring_3mm"].mask.values >= held["tumour"].mask.values).all()


def test_image_holds_margin_and_cube_where_the_ct_does():
    scan = ball_scan(6.0, 2.0, room_mm=60.0)
    tight = rings(scan, FREE)
    extent = np.array([s.stop - s.start for s in tight["ring_9mm"].mask.bounding_box()])
    assert (np.array(tight.image.values.shape) >= extent).all()
    assert (np.array(tight.image.values.shape) <= extent + 6).all()
    wide = rings(scan, replace(FREE, margin_mm=20.0))
    for lo_hi, n in zip(wide["ring_9mm"].mask.bounding_box(), wide.image.values.shape, strict=True):
        assert lo_hi.start >= 19
        assert n - lo_hi.stop >= 19
    assert min(rings(scan, replace(FREE, cube_mm=64.0)).image.values.shape) >= 64
    for regions in (wide, tight):
        assert regions["ring_6mm"].mask.voxel_count == tight["ring_6mm"].mask.voxel_count


def test_image_is_whole_hu():
    hu = np.random.default_rng(0).normal(0, 100, (40, 40, 40))
    regions = rings(block_scan(hu), replace(FREE, spacing_mm=0.8))
    np.testing.assert_array_equal(regions.image.values, np.rint(regions.image.values))
    assert np.ptp(regions.image.values) > 100


def test_too_small_a_tumour_is_refused():
    scan = block_scan(low=15, high=18)
    with pytest.raises(RegionError, match=r"27 voxels of 1 mm.*minimum_voxels = 64"):
        rings(scan, FREE)
    assert rings(scan, replace(FREE, minimum_voxels=27))["tumour"].mask.voxel_count == 27
    thin = Mask((np.indices((40, 40, 40)) == 16).all(axis=0), scan.ct.geometry)
    with pytest.raises(RegionError, match=r"ring_1mm has \d+ voxels of 1 mm, fewer than minimum_voxels = 999"):
        rings(block_scan(), replace(FREE, widths_mm=(1.0,), minimum_voxels=999))
    with pytest.raises(RegionError, match="0 voxels of 5 mm"):
        rings(Scan("block", scan.ct, thin), replace(FREE, spacing_mm=5.0))


def test_a_barrier_that_leaves_no_ring_is_an_error():
    with pytest.raises(RegionError, match="0 % of the tumour lies in the body"):
        rings(block_scan(-1000.0), replace(FREE, barrier="body"))
    hu = np.full((40, 40, 40), 40.0)
    hu[13:27, 13:27, 13:27] = 700.0
    with pytest.raises(RegionError, match="ring_1mm is empty"):
        rings(block_scan(hu), replace(FREE, exclude=("bone",), widths_mm=(1.0,)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths_mm": ()}, "widths_mm"),
        ({"widths_mm": (6.0, 3.0)}, "ascending"),
        ({"widths_mm": (3.0, 3.0)}, "distinct"),
        ({"widths_mm": (0.0, 3.0)}, "positive"),
        ({"widths_mm": (float("nan"),)}, "positive"),
        ({"kind": "ring"}, "annulus, shell, expansion; got 'ring'"),
        ({"mask": "nearest"}, "surface, linear; got 'nearest'"),
        ({"border": "mirror"}, "exclude, truncate; got 'mirror'"),
        ({"barrier": "skin"}, "none, body, lung; got 'skin'"),
        ({"spacing_mm": 0.0}, "0.25..5"),
        ({"margin_mm": -1.0}, "margin_mm"),
        ({"cube_mm": float("inf")}, "cube_mm"),
        ({"minimum_voxels": 0}, "minimum_voxels"),
    ],
)
def test_bad_options_name_the_key_and_what_is_allowed(change, message):
    with pytest.raises(SettingsError, match=message):
        RingOptions(**change)
