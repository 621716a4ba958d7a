"""Audit figures by hand."""

import numpy as np
import pytest

from perisurv.regions.audit import audit_ring, ball_shell_mm3


def test_thickness_is_the_share_left_integrated_over_the_distance():
    """Whole at 0..1 mm, half at 1..2, nothing at 2..3: 1.5 mm, although two thirds of the voxels lie beyond 1 mm."""
    free = np.repeat([0.5, 1.5, 2.5], [10, 20, 30])
    kept = np.repeat([0.5, 1.5], [10, 10])
    figures = audit_ring(free, kept, np.full(20, 40.0), inner_mm=0.0, outer_mm=3.0, step_mm=1.0)
    assert figures["thickness_mm"] == pytest.approx(1.5)
    assert figures["clipped_share"] == pytest.approx(2 / 3)


def test_tissues_by_their_hu():
    hu = np.array([-1000, -951, -950, -501, -500, 0, 149, 150, 900, 3000], dtype=float)
    figures = audit_ring(np.ones(10), np.ones(10), hu, inner_mm=0.0, outer_mm=3.0, step_mm=1.0)
    got = [figures[f"{tissue}_share"] for tissue in ("air", "lung", "soft", "bone")]
    assert got == pytest.approx([0.2, 0.2, 0.3, 0.3])


def test_nothing_left():
    figures = audit_ring(np.ones(5), np.empty(0), np.empty(0), inner_mm=0.0, outer_mm=3.0, step_mm=1.0)
    assert figures == {"thickness_mm": 0.0, "clipped_share": 1.0}


def test_shell_of_a_ball():
    assert ball_shell_mm3(4 / 3 * np.pi * 10**3, 3.0, 6.0) == pytest.approx(4 / 3 * np.pi * (16**3 - 13**3))
