"""Rings of analytic bodies: the table of ``make bench-geometry`` for a few of them."""

import pytest

import geometry


@pytest.mark.parametrize("slice_mm", [1.0, 2.5, 3.0, 5.0])
@pytest.mark.parametrize("radius_mm", [10.0, 20.0])
def test_volume_thickness_and_audit_of_rings(radius_mm, slice_mm):
    """Turned spheres, ellipsoids and capsules: volume within 3 %, mean thickness within 0.2 mm."""
    cell = geometry.measure(radius_mm, slice_mm, repeats=2, seed=7)
    for width in geometry.WIDTHS_MM:
        assert max(map(abs, cell.volume[width])) <= (0.03 if slice_mm <= 3 else 0.05)
        assert max(map(abs, cell.thickness_mm[width])) <= 0.2
        for audited, true in zip(cell.audited_mm[width], cell.thickness_mm[width], strict=True):
            assert audited == pytest.approx(true, abs=0.15)
