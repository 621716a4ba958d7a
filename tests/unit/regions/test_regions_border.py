"""Tumours and rings that the border of the CT cuts: what is kept, what is counted as missing, what is said."""

from dataclasses import replace

import numpy as np
import pytest
from region_shapes import block_scan, points

from perisurv.core import Geometry, Mask, RegionError, Scan, Volume
from perisurv.regions import RingOptions, load_regions, rings, save_regions
from perisurv.simulation import SimulationOptions, SurroundingsOptions, border_box, cut, make_scan, plan, surround

FREE = RingOptions(barrier="none", margin_mm=4.0, cube_mm=0.0)
RADIUS = 12.0
SIDES = [(axis, end) for axis in range(3) for end in (0, 1)]
NAMES = ("slice", "row", "column")


def ball_at_border(axis, end, *, deep_mm=0.0, spacing=(2.0, 1.0, 1.0), hu=0.0):
    """A ball whose centre lies so far inside one side of the CT."""
    grid = Geometry(tuple(int(64 / step) for step in spacing), spacing)
    face = -0.5 * spacing[axis] if end == 0 else (grid.shape[axis] - 0.5) * spacing[axis]
    centre = np.array([31.3, 31.7, 31.1])
    centre[2 - axis] = face + (deep_mm if end == 0 else -deep_mm)
    ball = ((points(grid) - centre) ** 2).sum(axis=-1) <= RADIUS**2
    return Scan("ball", Volume(np.broadcast_to(hu, grid.shape), grid), Mask(ball, grid)), centre


def beyond_half_a_ball_ml(width_mm):
    """All points beyond the plane through the centre that are at most so far from the section, a disc."""
    step = 0.25
    z = np.arange(0.5 * step, width_mm, step)
    r = np.arange(0.5 * step, RADIUS + width_mm, step)
    off = np.hypot(z[:, None], np.maximum(r[None, :] - RADIUS, 0))
    return float(((off <= width_mm) * 2 * np.pi * r[None, :] * step * step).sum() / 1000)


@pytest.mark.parametrize(("axis", "end"), SIDES)
def test_half_a_ball_keeps_its_half_and_the_audit_has_what_is_missing(axis, end):
    scan, centre = ball_at_border(axis, end)
    regions = rings(scan, FREE)
    half = 2 / 3 * np.pi * RADIUS**3 / 1000
    assert regions["tumour"].mask.volume_ml == pytest.approx(half, rel=0.03)
    assert regions["tumour"].audit["border_area_mm2"] == pytest.approx(np.pi * RADIUS**2, rel=0.06)
    for width in (3, 6, 9):
        ring = regions[f"ring_{width}mm"]
        whole = 4 / 3 * np.pi * ((RADIUS + width) ** 3 - RADIUS**3) / 1000
        assert ring.mask.volume_ml == pytest.approx(whole / 2, rel=0.05)
        lost = beyond_half_a_ball_ml(width)
        assert ring.audit["clipped_by_border_ml"] == pytest.approx(lost, rel=0.12)
        assert ring.audit["clipped_by_border_share"] == pytest.approx(lost / (lost + whole / 2), rel=0.1)
        assert ring.audit["thickness_mm"] == pytest.approx(width, rel=0.08)
        at = ring.mask.geometry.to_mm(np.argwhere(ring.mask.values))
        assert np.linalg.norm(at - centre, axis=1).max() < RADIUS + width + 1.5


@pytest.mark.parametrize(("axis", "end"), SIDES)
def test_a_cut_tumour_is_a_failed_check_or_an_exclusion_that_names_the_key(axis, end):
    scan, _ = ball_at_border(axis, end)
    side = f"{('first', 'last')[end]} {NAMES[axis]}"
    tumour, ring = rings(scan, FREE).findings
    assert (tumour.id, tumour.passed) == ("tumour_in_ct", False)
    assert f"touches the {side} of the CT" in tumour.text
    assert ring.passed is False
    assert "ring_3mm" in ring.text
    assert ring.value == max(r.audit["clipped_by_border_share"] for r in list(rings(scan, FREE))[1:])
    with pytest.raises(RegionError, match=rf'touches the border of the CT \({side}\).*border = "truncate" below'):
        rings(scan, replace(FREE, border="exclude"))


def test_a_tumour_that_only_touches_the_last_slice_is_whole():
    scan, _ = ball_at_border(0, 1, deep_mm=RADIUS - 0.5)
    inside, _ = ball_at_border(0, 1, deep_mm=RADIUS + 12.0)
    touching, whole = rings(scan, FREE), rings(inside, FREE)
    assert touching.findings[0].passed is False
    assert touching["tumour"].mask.volume_ml == pytest.approx(whole["tumour"].mask.volume_ml, rel=0.03)
    assert touching["ring_6mm"].mask.volume_ml < 0.9 * whole["ring_6mm"].mask.volume_ml
    unclipped = touching["ring_6mm"].audit["unclipped_volume_ml"]
    assert unclipped == pytest.approx(whole["ring_6mm"].mask.volume_ml, rel=0.06)


def test_a_ring_may_leave_the_ct_although_the_tumour_does_not():
    scan, _ = ball_at_border(2, 0, deep_mm=RADIUS + 4.0)
    tumour, ring = rings(scan, FREE).findings
    assert tumour.passed
    assert ring.passed is False
    assert "ring_3mm" not in ring.text
    assert "ring_6mm" in ring.text
    with pytest.raises(RegionError, match=r'of ring_6mm lies beyond the border of the CT.*border = "truncate"'):
        rings(scan, replace(FREE, border="exclude"))
    assert all(r.audit["clipped_by_border_share"] == 0 for r in list(rings(scan, replace(FREE, widths_mm=(3.0,))))[1:])


def test_tumours_in_a_corner_and_through_the_whole_ct():
    grid = Geometry((12, 40, 40), (3.0, 1.0, 1.0))
    x, y, _ = np.moveaxis(points(grid), -1, 0)
    rod = np.hypot(x - 20, y - 20) <= 8
    through = rings(Scan("rod", Volume(np.zeros(grid.shape), grid), Mask(rod, grid)), replace(FREE, widths_mm=(3.0,)))
    assert "first slice and last slice" in through.findings[0].text
    assert through["tumour"].mask.volume_ml == pytest.approx(np.pi * 64 * 36 / 1000, rel=0.04)
    assert through["ring_3mm"].mask.volume_ml == pytest.approx(np.pi * (121 - 64) * 36 / 1000, rel=0.06)
    corner = np.zeros(grid.shape, dtype=bool)
    corner[:4, :9, :9] = True
    found = rings(
        Scan("corner", Volume(np.zeros(grid.shape), grid), Mask(corner, grid)), replace(FREE, widths_mm=(3.0,))
    )
    assert found["tumour"].mask.volume_ml == pytest.approx(12 * 81 / 1000, rel=0.1)
    assert "first slice and first row and first column" in found.findings[0].text


@pytest.mark.parametrize(("axis", "end"), SIDES)
def test_resampling_invents_no_hu_at_the_border(axis, end):
    """Of an even image every voxel keeps its value, of noise all lie within what a spline may overshoot."""
    scan, _ = ball_at_border(axis, end, spacing=(3.0, 1.3, 1.3), hu=57.0)
    assert (rings(scan, FREE).image.values == 57).all()
    noise = np.random.default_rng(0).normal(40, 20, scan.ct.values.shape)
    image = rings(Scan("noise", Volume(noise, scan.ct.geometry), scan.tumour), FREE).image.values
    assert image.min() > noise.min() - 20
    assert image.max() < noise.max() + 20


def test_a_whole_tumour_passes_and_says_nothing():
    tumour, ring = rings(block_scan(), FREE).findings
    assert (tumour.passed, tumour.text, ring.passed, ring.text) == (True, "", True, "")


def test_findings_are_stored_with_the_regions(tmp_path):
    regions = rings(ball_at_border(0, 0)[0], FREE)
    save_regions(tmp_path / "p", regions)
    assert load_regions(tmp_path / "p").findings == regions.findings


def simulated(options, box=None):
    made = surround(make_scan(plan(SimulationOptions(patients=3, matrix=96), 4), 1), options, np.random.default_rng(0))
    part = made if box is None else cut(made, box(made))
    return Scan("s", Volume(part.hu, part.geometry), Mask(part.truth_cover >= 0.5, part.geometry))


@pytest.mark.parametrize("barrier", ["none", "body", "lung"])
@pytest.mark.parametrize(("axis", "last"), [(0, True), (0, False), (2, True)])
def test_a_simulated_patient_whose_ct_ends_in_the_tumour(barrier, axis, last):
    scan = simulated(SurroundingsOptions(air_hu=-880.0), lambda made: border_box(made, axis, last, lost_mm=8.0))
    regions = rings(scan, RingOptions(barrier=barrier, margin_mm=4.0, cube_mm=0.0, widths_mm=(3.0, 6.0)))
    assert regions["ring_6mm"].audit["clipped_by_border_share"] > 0.02
    assert regions.findings[0].passed is False
    assert regions["tumour"].mask.volume_ml == pytest.approx(scan.tumour.volume_ml, rel=0.08)


def test_a_body_that_fills_the_image_is_a_failed_check():
    """A field of view within the chest: kept, and said."""

    def inside(made):
        at = np.argwhere(made.truth_cover >= 0.5).mean(axis=0).astype(int)
        return slice(at[0] - 10, at[0] + 10), slice(at[1] - 9, at[1] + 9), slice(at[2] - 9, at[2] + 9)

    scan = simulated(SurroundingsOptions(), inside)
    options = RingOptions(margin_mm=4.0, cube_mm=0.0, widths_mm=(3.0,))
    *_, body = rings(scan, options).findings
    assert (body.id, body.passed) == ("body_in_air", False)
    assert 'barrier = "none" below [regions]' in body.text
    assert len(rings(scan, replace(options, barrier="none")).findings) == 2
    *_, body = rings(simulated(SurroundingsOptions(air_hu=-865.0)), options).findings
    assert body.passed
    assert body.value < 0.5


def test_a_tumour_outside_of_the_body_is_an_exclusion_for_this_barrier_only():
    hu = np.full((40, 40, 40), -1000.0)
    hu[:, 5:38, 22:38] = 40.0
    scan = block_scan(hu, low=6, high=16)
    with pytest.raises(RegionError, match=r'0 % of the tumour lies in the body .*barrier = "none" below \[regions\]'):
        rings(scan, replace(FREE, barrier="body"))
    assert rings(scan, FREE)["ring_3mm"].mask.voxel_count


@pytest.mark.parametrize("padding_hu", [-3024.0, -2000.0, 0.0])
@pytest.mark.parametrize("barrier", ["none", "body"])
def test_padding_lies_beyond_the_ct(padding_hu, barrier):
    """A tumour 4 mm from the circle of reconstruction: no HU of the padding, nor of a spline beside it, in a ring."""
    grid = Geometry((30, 100, 100), (2.0, 1.5, 1.5))
    x, y, z = np.moveaxis(points(grid), -1, 0)
    from_axis = np.hypot(x - 74.25, y - 74.25)
    hu = np.random.default_rng(1).normal(40, 10, grid.shape).round()
    hu[from_axis > 74] = padding_hu
    tumour = (x - 130) ** 2 + (y - 74) ** 2 + (z - 30) ** 2 <= 14**2
    regions = rings(Scan("c", Volume(hu, grid), Mask(tumour, grid)), replace(FREE, barrier=barrier))
    ring = regions["ring_9mm"]
    values = regions.image.values[ring.mask.values]
    assert np.percentile(values, 1) > -150
    assert values.mean() == pytest.approx(40, abs=8)
    assert ring.audit["clipped_by_border_share"] > 0.03
    assert regions["ring_3mm"].audit["clipped_by_border_share"] < ring.audit["clipped_by_border_share"]
