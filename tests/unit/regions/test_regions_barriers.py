"""Rings at skin, chest wall and pleura."""

import dataclasses

import numpy as np
import pytest

from perisurv.core import Geometry, GeometryError, Mask, RegionError, Scan, SettingsError, Volume
from perisurv.regions import RingOptions, rings

GRID = Geometry((40, 120, 160), (2.0, 1.5, 1.5))


def chest(tumour_centre_mm, radius_mm=9.0, drawn_wider_mm=0.0):
    """A body (y 20 to 160 mm) with one lung (x 60 to 180, y 50 to 130 mm) on a couch, and a ball of a tumour."""
    z, y, x = (np.arange(n) * s for n, s in zip(GRID.shape, GRID.spacing_mm, strict=True))
    hu = np.full(GRID.shape, -1000.0)
    body = (y >= 20) & (y <= 160)
    hu[:, body, 10:-10] = 40
    lung = np.ix_(np.ones(40, bool), (y >= 50) & (y <= 130), (x >= 60) & (x <= 180))
    hu[lung] = -850
    hu[:, (y > 168) & (y < 174)] = 200
    r = np.sqrt(sum((a - c) ** 2 for a, c in zip(np.meshgrid(z, y, x, indexing="ij"), tumour_centre_mm, strict=True)))
    hu[r <= radius_mm] = 30
    hu += np.random.default_rng(1).normal(0, 15, hu.shape)
    return Scan("P1", Volume(hu.astype(np.float32), GRID), Mask(r <= radius_mm + drawn_wider_mm, GRID))


def y_of(regions, name):
    mask = regions[name].mask
    return mask.geometry.to_mm(np.argwhere(mask.values))[:, 1]


def test_body_barrier_stops_at_the_skin():
    scan = chest((40.0, 32.0, 120.0))
    free = rings(scan, RingOptions(barrier="none"))
    kept = rings(scan, RingOptions(barrier="body"))
    assert y_of(free, "ring_9mm").min() < 16
    assert y_of(kept, "ring_9mm").min() > 17.5
    assert kept["ring_9mm"].audit["air_share"] < 0.03
    assert free["ring_9mm"].audit["air_share"] > 0.05
    assert kept["ring_9mm"].audit["clipped_share"] > 0.05
    assert kept["ring_3mm"].audit["clipped_share"] < 0.05


def test_lung_barrier_stops_at_the_chest_wall_and_body_barrier_does_not():
    scan = chest((40.0, 61.0, 120.0))
    in_body = rings(scan, RingOptions(barrier="body"))
    in_lung = rings(scan, RingOptions(barrier="lung"))
    assert y_of(in_body, "ring_9mm").min() < 45
    assert y_of(in_lung, "ring_9mm").min() > 46
    assert in_body["ring_9mm"].audit["clipped_share"] < 0.01
    assert in_lung["ring_9mm"].audit["soft_share"] < 0.5 * in_body["ring_9mm"].audit["soft_share"]
    np.testing.assert_array_equal(in_body["tumour"].mask.values, in_lung["tumour"].mask.values)


@pytest.mark.parametrize("drawn_wider_mm", [-1.5, 0.0, 2.0])
def test_lung_barrier_keeps_the_seam_around_a_tumour_inside_the_lung(drawn_wider_mm):
    """However tightly the contour was drawn, a tumour surrounded by lung has its whole ring."""
    scan = chest((40.0, 90.0, 120.0), drawn_wider_mm=drawn_wider_mm)
    for region in rings(scan, RingOptions(barrier="lung")).regions[1:]:
        assert region.audit["clipped_share"] < 0.01, region.name
        assert region.audit["lung_share"] > 0.4


def test_air_outside_the_image_is_never_part_of_a_ring():
    scan = chest((12.0, 90.0, 120.0))
    for barrier in ("none", "body", "lung"):
        regions = rings(scan, RingOptions(barrier=barrier))
        z = regions["ring_9mm"].mask.geometry.to_mm(np.argwhere(regions["ring_9mm"].mask.values))[:, 2]
        assert z.min() >= -1.0
        assert regions["ring_9mm"].audit["clipped_share"] > 0.02


THORAX = Geometry((30, 80, 120), (4.0, 2.5, 2.5), (-148.75, -98.75, -58.0))


def thorax(centre_mm, radius_mm=9.0, gap_mm=8.0, tumour_hu=30.0):
    """Two lungs beside a mediastinum of this width, with windpipe, spine, a vessel and a rib; a ball of a tumour."""
    k, j, i = np.indices(THORAX.shape)
    x, y, z = np.moveaxis(THORAX.to_mm(np.stack([k, j, i], axis=-1)), -1, 0)
    hu = np.where((x / 130) ** 2 + (y / 90) ** 2 <= 1, 40.0, -1000.0)
    lungs = ((np.abs(x) - 55 - 0.5 * gap_mm) / 55) ** 2 + (y / 62) ** 2 + (z / 70) ** 2 <= 1
    lungs &= np.abs(x) > 0.5 * gap_mm
    hu[lungs] = -850
    hu[(x - 50) ** 2 + (y - 10) ** 2 <= 4**2] = 40.0  # a vessel of the left lung
    hu[(x**2 + (y + 15) ** 2 <= 8**2) & (z > -20)] = -1000.0
    hu[x**2 + (y - 60) ** 2 <= 14**2] = 400.0
    hu[(np.abs(np.hypot(x / 121, y / 76) - 1) < 0.06) & (np.abs(z) < 8)] = 500.0  # a rib all around
    ball = (x - centre_mm[0]) ** 2 + (y - centre_mm[1]) ** 2 + (z - centre_mm[2]) ** 2 <= radius_mm**2
    hu[ball] = tumour_hu
    hu += np.random.default_rng(1).normal(0, 10, hu.shape)
    return (
        Scan("P1", Volume(hu, THORAX), Mask(ball, THORAX)),
        Mask(lungs & (x < 0), THORAX),
        Mask(lungs & (x > 0), THORAX),
    )


def points_of(regions, name):
    mask = regions[name].mask
    return mask.geometry.to_mm(np.argwhere(mask.values))


def options(**given):
    return RingOptions(**({"widths_mm": (3.0, 9.0), "barrier": "lung", "margin_mm": 0.0, "cube_mm": 0.0} | given))


def test_no_ring_enters_the_other_lung():
    """A tumour of the right lung against a mediastinum of 8 mm: rings of 15 mm would reach the left lung."""
    scan, _, _ = thorax((-13.0, -35.0, 0.0))
    free = points_of(rings(scan, options(widths_mm=(15.0,), barrier="body")), "ring_15mm")
    kept = points_of(rings(scan, options(widths_mm=(15.0,))), "ring_15mm")
    assert free[:, 0].max() > 4
    assert kept[:, 0].max() < 0
    assert kept[:, 0].min() < -25


def test_a_tumour_of_the_mediastinum_belongs_to_the_lung_that_it_touches_more():
    scan, _, _ = thorax((2.0, -35.0, 0.0), radius_mm=10.0)
    assert points_of(rings(scan, options()), "ring_9mm")[:, 0].min() > -9.5
    scan, _, _ = thorax((-2.0, -35.0, 0.0), radius_mm=10.0)
    assert points_of(rings(scan, options()), "ring_9mm")[:, 0].max() < 9.5


def test_a_tumour_that_touches_no_lung_has_no_ring_in_it():
    scan, _, _ = thorax((0.0, 78.0, 0.0), radius_mm=6.0)
    with pytest.raises(RegionError, match="Patient P1: the tumour touches neither lung that was found in the CT"):
        rings(scan, options())


def test_drawn_lungs_take_the_place_of_those_in_the_ct():
    """Lungs drawn 12 mm smaller in front than they are."""
    scan, right, left = thorax((-60.0, -50.0, 0.0))
    _, j, _ = np.indices(THORAX.shape)
    y = -98.75 + 2.5 * j
    drawn = Mask((right.values | left.values) & (y > -50), THORAX)
    found = points_of(rings(scan, options()), "ring_9mm")
    asked = points_of(rings(dataclasses.replace(scan, lungs=drawn), options()), "ring_9mm")
    assert found[:, 1].min() < -56
    # Beside the tumour there is only the seam of 3 mm.
    beside = np.abs(asked[:, 0] + 60) > 12
    assert asked[beside, 1].min() > -53
    with pytest.raises(GeometryError, match="CT and lungs do not share one grid"):
        dataclasses.replace(scan, lungs=drawn.crop((slice(0, 5), slice(0, 80), slice(0, 120))))


def test_the_wall_of_the_chest_is_not_crossed_and_the_seam_is_kept():
    """Half of the tumour lies in the chest wall: its rings stay on the side of the lung."""
    scan, right, _ = thorax((-112.0, 0.0, 0.0), radius_mm=10.0)
    kept = points_of(rings(scan, options()), "ring_9mm")
    assert kept[:, 0].min() > -119
    assert kept[:, 0].max() > -97
    index = np.rint(THORAX.to_index(kept)).astype(int)
    assert right.values[tuple(index.T)].mean() > 0.8


EXCLUDED = [
    ("bone", (-108.0, 0.0, 0.0), lambda x, y, z: (np.abs(np.hypot(x / 121, y / 76) - 1) < 0.04) & (np.abs(z) < 5)),
    ("airway", (-18.0, -15.0, 20.0), lambda x, y, z: x**2 + (y + 15) ** 2 <= 7**2),
    ("vessel", (50.0, 25.0, 0.0), lambda x, y, z: (x - 50) ** 2 + (y - 10) ** 2 <= 2.5**2),
]


@pytest.mark.parametrize(("tissue", "centre", "where"), EXCLUDED)
def test_an_excluded_tissue_is_taken_out_and_its_share_is_told(tissue, centre, where):
    scan, _, _ = thorax(centre, radius_mm=8.0, gap_mm=24.0)
    whole = rings(scan, options(barrier="body"))["ring_9mm"]
    less = rings(scan, options(barrier="body", exclude=(tissue,)))["ring_9mm"]
    assert not (less.mask.values & ~whole.mask.values).any()
    taken = whole.mask.values & ~less.mask.values
    share = less.audit[f"clipped_by_{tissue}_share"]
    assert share == pytest.approx(
        taken.sum() * less.mask.geometry.voxel_volume_mm3 / 1000 / less.audit["unclipped_volume_ml"]
    )
    assert f"clipped_by_{tissue}_share" not in whole.audit
    tissue_there = where(*np.moveaxis(whole.mask.geometry.to_mm(np.argwhere(whole.mask.values)), -1, 0))
    assert tissue_there.sum() > 50
    assert taken[whole.mask.values][tissue_there].mean() > 0.8
    assert 0.01 < share < 0.5


def test_what_the_largest_ring_lost_is_kept_by_cause():
    """Each voxel of the clipped ring under one cause; the shares of the audit are theirs."""
    scan, _, _ = thorax((-108.0, 0.0, 0.0), radius_mm=8.0)
    regions = rings(scan, options(exclude=("bone",)))
    ring = regions["ring_9mm"]
    unclipped = ring.audit["unclipped_volume_ml"]
    assert list(regions.taken) == ["lung", "bone"]
    for cause, lost in regions.taken.items():
        assert lost.volume_ml / unclipped == pytest.approx(ring.audit[f"clipped_by_{cause}_share"])
        assert not (lost.values & ring.mask.values).any()
    assert not (regions.taken["lung"].values & regions.taken["bone"].values).any()


def test_a_tumour_of_calcium_is_not_bone():
    """A ring around a dense tumour keeps its voxels."""
    scan, _, _ = thorax((-60.0, 0.0, 0.0), radius_mm=7.0, tumour_hu=600.0)
    audit = rings(scan, options(exclude=("bone",)))["ring_9mm"].audit
    assert audit["clipped_by_bone_share"] == 0.0


@pytest.mark.parametrize("exclude", [("fat",), ("bone", "bone")])
def test_unknown_or_doubled_exclusions_are_refused(exclude):
    with pytest.raises(SettingsError, match="exclude holds each of bone, airway, vessel once at most"):
        RingOptions(exclude=exclude)
