"""Audit figures by hand."""

import numpy as np
import pytest

from perisurv.core import Geometry, Mask
from perisurv.regions.audit import RingShape, audit_ring, ball_shell_mm3, thickness_mm
from perisurv.regions.distance import Surface

GRID = Geometry((12, 10, 10), (1.0, 1.0, 1.0))
# A tumour that fills the slices below 4; its surface is the plane at index 3.5.
TUMOUR = Mask(np.broadcast_to((np.arange(12) < 4)[:, None, None], GRID.shape), GRID)
PLANE = np.stack([np.full(100, 3.5), *(a.ravel() for a in np.indices((10, 10)))])
SURFACE = Surface(PLANE, np.stack([np.ones(100), np.zeros(100), np.zeros(100)]))


def layers(first, last):
    """Slices first to last above the tumour, counted from 1."""
    k = np.arange(12) - 3
    return np.array(np.broadcast_to(((k >= first) & (k <= last))[:, None, None], GRID.shape))


def test_thickness_by_rays_clipping_by_cause_and_volumes():
    """Ring of 3 layers; a wall takes the left half of the third, bone the right half of the rest."""
    free = layers(1, 3)
    wall, bone = np.zeros_like(free), np.zeros_like(free)
    wall[6, :, :5] = True
    bone[6], bone[4:, :, 5:] = True, True
    shape = RingShape(
        free, free & ~wall & ~bone, {"wall": wall, "bone": bone, "air": np.zeros_like(free)}, SURFACE, (0, 3)
    )
    audit = audit_ring(shape, np.full(100, 40.0), TUMOUR)
    assert audit["thickness_mm"] == pytest.approx(1.0)
    assert (audit["thickness_p05_mm"], audit["thickness_p95_mm"]) == (0.0, 2.0)
    assert audit["unclipped_volume_ml"] == pytest.approx(0.3)
    assert audit["volume_ml"] == pytest.approx(0.1)
    assert audit["clipped_share"] == pytest.approx(2 / 3)
    assert audit["clipped_by_wall_share"] == pytest.approx(50 / 300)
    assert audit["clipped_by_bone_share"] == pytest.approx(150 / 300)
    assert audit["clipped_by_air_share"] == 0.0


def test_thickness_along_oblique_normals_is_longer_by_the_cosine():
    tilted = Surface(PLANE[:, 44:46], np.array([[np.cos(0.3)] * 2, [np.sin(0.3)] * 2, [0.0] * 2]))
    got = thickness_mm(layers(1, 3), tilted, (0.0, 4.0), GRID.spacing_mm)
    np.testing.assert_allclose(got, 3 / np.cos(0.3), atol=0.25)


def test_tissues_by_their_hu():
    hu = np.array([-1000, -951, -950, -501, -500, 0, 149, 150, 900, 3000], dtype=float)
    figures = audit_ring(RingShape(layers(1, 1), layers(1, 1), {}, SURFACE, (0, 1)), hu, TUMOUR)
    got = [figures[f"{tissue}_share"] for tissue in ("air", "lung", "soft", "bone")]
    assert got == pytest.approx([0.2, 0.2, 0.3, 0.3])


def test_nothing_left():
    nothing = np.zeros(GRID.shape, dtype=bool)
    shape = RingShape(layers(1, 3), nothing, {"body": layers(1, 3)}, SURFACE, (0.0, 3.0))
    figures = audit_ring(shape, np.empty(0), TUMOUR)
    assert figures["thickness_mm"] == figures["thickness_p95_mm"] == figures["volume_ml"] == 0.0
    assert figures["clipped_share"] == figures["clipped_by_body_share"] == 1.0
    assert "lung_share" not in figures


def test_shell_of_a_ball():
    assert ball_shell_mm3(4 / 3 * np.pi * 10**3, 3.0, 6.0) == pytest.approx(4 / 3 * np.pi * (16**3 - 13**3))
