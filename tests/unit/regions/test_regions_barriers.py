"""Rings at skin, chest wall and pleura."""

import numpy as np
import pytest

from perisurv.core import Geometry, Mask, Scan, Volume
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
