"""Contours that run through the centres of pixels: no false disagreement of the rasters, no side is favoured."""

import numpy as np
import pytest
from cohort_files import FIRST_MM, PIXEL_MM, STEP_MM, write_ct, write_rtstruct

from perisurv.cohort import read_patient
from perisurv.cohort.rtstruct import Contour, draw, rasterise, stack_of
from perisurv.core import Geometry

GRID = Geometry((8, 48, 48), (3.0, 2.0, 2.0), (-47.0, -47.0, 100.0))
SLICES = (2, 3, 4, 5)


def staircase(size):
    """The outline of a disc by unit steps through centres: every vertex is one."""
    inside = np.hypot(*np.mgrid[-size : size + 1, -size : size + 1]) <= size
    rows = [np.flatnonzero(line) for line in inside]
    right = [(n + side, r[-1] + 1) for n, r in enumerate(rows) for side in (0, 1)]
    left = [(n + side, r[0]) for n, r in reversed(list(enumerate(rows))) for side in (1, 0)]
    return np.array(right + left, dtype=float) + 20 - size


SHAPES = {
    "square": np.array([(10, 10), (10, 20), (20, 20), (20, 10)], dtype=float),
    "small square": np.array([(10, 10), (10, 13), (13, 13), (13, 10)], dtype=float),
    "triangle": np.array([(10, 10), (10, 20), (20, 10)], dtype=float),
    "small triangle": np.array([(10, 10), (10, 16), (16, 10)], dtype=float),
    "diamond": np.array([(10, 20), (20, 30), (30, 20), (20, 10)], dtype=float),
    "octagon": np.array([(10, 14), (10, 20), (14, 24), (20, 24), (24, 20), (24, 14), (20, 10), (14, 10)], dtype=float),
    "steep": np.array([(10, 10), (13, 22), (25, 25), (20, 12)], dtype=float),
    "arrow": np.array([(10, 20), (24, 30), (18, 20), (24, 10)], dtype=float),
    "stairs 4": staircase(4),
    "stairs 12": staircase(12),
}
TURNS = {
    "as it is": lambda p: p,
    "mirrored": lambda p: np.array([0, 40]) + p * [1, -1],
    "upside down": lambda p: np.array([40, 0]) + p * [-1, 1],
    "turned by 180 degrees": lambda p: 40 - p,
    "transposed": lambda p: p[:, ::-1],
}


def area(polygon):
    after = np.roll(polygon, -1, axis=0)
    return 0.5 * abs(float((polygon[:, 0] * after[:, 1] - polygon[:, 1] * after[:, 0]).sum()))


def points_mm(polygon, k, decimals=4):
    index = np.column_stack([np.full(len(polygon), k), polygon])
    return np.round(GRID.to_mm(index), decimals)


def drawing(polygon, decimals=4, slices=SLICES):
    contours = [Contour(points_mm(polygon, k, decimals)) for k in slices]
    return draw(stack_of(contours, GRID), GRID, interpolate=False)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("shape", SHAPES)
def test_rasters_agree_and_the_volume_is_that_of_the_contours(shape, turn):
    polygon = TURNS[turn](SHAPES[shape])
    found = drawing(polygon)
    assert found.even_odd == found.covered == found.both
    assert found.slices_filled == len(SLICES)
    # Each pair of slices has what a polygon encloses: its points, and half of those on its outline (Pick).
    assert abs(found.values.sum() - len(SLICES) * area(polygon)) <= len(SLICES)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_side_is_favoured(shape):
    counts = {turn: int(drawing(change(SHAPES[shape])).values.sum()) for turn, change in TURNS.items()}
    assert max(counts.values()) - min(counts.values()) <= len(SLICES), counts


@pytest.mark.parametrize("shape", ["square", "diamond", "octagon", "stairs 12"])
def test_the_middle_stays_where_it_is(shape):
    polygon = SHAPES[shape]
    found = drawing(polygon)
    rows, columns = np.nonzero(found.values.any(axis=0))
    weight = found.values.sum(axis=0)[rows, columns]
    place = np.array([rows + found.box[1].start, columns + found.box[2].start])
    middle = 0.5 * (polygon.min(axis=0) + polygon.max(axis=0))
    np.testing.assert_allclose((place * weight).sum(axis=1) / weight.sum(), middle, atol=0.05)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shift", [0.004, -0.004, 0.009])
def test_coordinates_that_are_rounded(shape, shift):
    """A contour that passes the centres by a hundredth of a pixel is as sound as one that meets them."""
    found = drawing(SHAPES[shape] + shift)
    assert found.even_odd == found.covered == found.both


def test_neighbours_share_no_voxel_and_leave_none_out():
    left = np.array([(10, 10), (10, 20), (20, 25), (25, 18), (20, 10)], dtype=float)
    right = np.array([(10, 20), (10, 30), (20, 30), (20, 25)], dtype=float)
    both = np.array([(10, 10), (10, 20), (10, 30), (20, 30), (20, 25), (25, 18), (20, 10)], dtype=float)
    one, other, whole = (rasterise([points_mm(p, k) for k in SLICES], GRID).values for p in (left, right, both))
    assert not (one & other).any()
    np.testing.assert_array_equal(one | other, whole)


def test_contours_that_cross_still_disagree():
    bow_tie = np.array([(10, 10), (30, 30), (10, 30), (30, 10)], dtype=float)
    found = drawing(np.concatenate([bow_tie, SHAPES["square"] + 15]))
    assert found.crossed_mm2 > 100
    assert 1 - 2 * found.both / (found.even_odd + found.covered) > 0.1


@pytest.mark.parametrize("shape", ["small square", "triangle", "stairs 4", "arrow"])
@pytest.mark.parametrize("turn", ["as it is", "turned by 180 degrees"])
def test_such_a_patient_is_read(tmp_path, shape, turn):
    polygon = (TURNS[turn](SHAPES[shape]) - 20) * 0.6
    polygon = np.round(polygon) + 14
    rois = {
        "GTV-1": [
            np.column_stack([
                FIRST_MM[0] + PIXEL_MM * polygon[:, 1], FIRST_MM[1] + PIXEL_MM * polygon[:, 0],
                np.full(len(polygon), FIRST_MM[2] + STEP_MM * k),
            ])
            for k in (3, 4)
        ]
    }  # fmt: skip
    write_ct(tmp_path / "ct", "B1")
    write_rtstruct(tmp_path / "rt.dcm", "B1", rois=rois)
    found = {f.id: f for f in read_patient(tmp_path).findings["B1"]}
    assert found["raster_disagreement"].value == 0
