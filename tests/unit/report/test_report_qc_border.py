"""The QC sheet shows where the CT ends within a ring, and only there."""

import numpy as np
import pytest

from perisurv.core import Finding, Geometry, Mask, Region, RegionSet, Volume
from perisurv.report import Sheet, render_sheet
from perisurv.report.qc_views import LUNG, Views, montage, planes

GRID = Geometry((24, 30, 36), (1.0, 1.0, 1.0))


def cut_at(axis, end, *, passed=False):
    """A ball whose ring leaves one side of the image."""
    centre = [12.0, 15.0, 18.0]
    centre[axis] = 3.0 if end == 0 else GRID.shape[axis] - 4.0
    off = np.linalg.norm(np.moveaxis(np.indices(GRID.shape), 0, -1) - centre, axis=-1)
    tumour, ring = (Mask(part, GRID) for part in (off <= 3, (off > 3) & (off <= 6)))
    finding = Finding("rings_in_ct", "rings inside the CT", "the rings of the study", passed, "37 % lie beyond.")
    image = Volume(np.full(GRID.shape, 40.0), GRID)
    return RegionSet("P", image, (Region("tumour", tumour), Region("ring_3mm", ring)), findings=(finding,))


@pytest.mark.parametrize(("axis", "end"), [(axis, end) for axis in range(3) for end in (0, 1)])
def test_the_end_is_drawn_in_the_two_planes_that_reach_it(axis, end):
    views = Views.of(cut_at(axis, end))
    assert len(views.cut) == 1
    assert planes(views, LUNG).count('class="ct-end"') == 2


def test_a_ring_that_only_reaches_the_edge_of_the_picture_is_not_cut():
    views = Views.of(cut_at(0, 0, passed=True))
    assert not views.cut
    assert "ct-end" not in planes(views, LUNG) + montage(views, LUNG)


def test_head_is_up_so_a_ct_that_ends_at_the_feet_ends_below():
    drawn = planes(Views.of(cut_at(0, 0)), LUNG)
    assert 'class="ct-end" d="M0 24.00H' in drawn
    assert 'class="ct-end" d="M0 0H' in planes(Views.of(cut_at(0, 1)), LUNG)


def test_slices_of_the_montage_show_the_sides_that_they_reach():
    assert montage(Views.of(cut_at(2, 0)), LUNG).count('class="ct-end"') == 7
    assert "ct-end" not in montage(Views.of(cut_at(0, 0)), LUNG)


def test_the_sheet_explains_the_line():
    assert "the CT ends here" in render_sheet(Sheet("P", cut_at(1, 1)))
    assert "the CT ends here" not in render_sheet(Sheet("P", cut_at(1, 1, passed=True)))
