"""What must hold for every contour and every pseudonym."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon

from perisurv.cohort import pseudonym
from perisurv.cohort.rtstruct import rasterise
from perisurv.core import Geometry

GRID = Geometry((2, 24, 32), (3.0, 1.5, 1.0), (10.0, -20.0, 5.0))
COORDINATE = st.floats(1.0, 22.0).map(lambda v: round(v, 3) + 0.0005)
VERTICES = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=3, max_size=9, unique=True)


def contour(vertices, k=0):
    index = np.array([(k, j, i) for j, i in vertices])
    return GRID.to_mm(index)


@given(VERTICES)
def test_even_odd_rule_as_an_independent_implementation(vertices):
    """Vertices never lie on voxel centres here, so that both rules for boundaries agree."""
    grid = np.stack(np.indices((24, 32)), axis=-1).reshape(-1, 2)
    crossings = np.zeros(len(grid), dtype=int)
    # A polygon that crosses itself is the XOR of the triangles of its fan.
    for b, c in pairwise(vertices[1:]):
        crossings += Polygon([vertices[0], b, c, vertices[0]], closed=True).contains_points(grid)
    mask = rasterise([contour(vertices)], GRID).values[0].ravel()
    edges = _distance_to_edges(grid, vertices)
    clear = edges > 1e-3
    np.testing.assert_array_equal(mask[clear], crossings[clear] % 2 == 1)


@given(VERTICES, VERTICES)
def test_contours_of_a_slice_combine_by_xor(a, b):
    both = rasterise([contour(a), contour(b)], GRID).values
    np.testing.assert_array_equal(both, rasterise([contour(a)], GRID).values ^ rasterise([contour(b)], GRID).values)


@given(VERTICES)
def test_a_contour_drawn_twice_vanishes(vertices):
    assert rasterise([contour(vertices)] * 2, GRID).voxel_count == 0


@given(VERTICES, st.integers(0, 1))
def test_whole_voxel_shift_shifts_the_mask(vertices, k):
    moved = [(j + 1, i + 2) for j, i in vertices]
    before, after = rasterise([contour(vertices)], GRID).values[0], rasterise([contour(moved, k)], GRID).values[k]
    np.testing.assert_array_equal(after[1:, 2:], before[:-1, :-2])
    assert after.sum() == before.sum()


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1, max_size=16))
def test_pseudonym_forgets_blanks_and_case_and_nothing_else(patient, key):
    assert pseudonym(f" {patient} ", key) == pseudonym(patient, key)
    assert pseudonym(patient + "1", key) != pseudonym(patient, key)


def _distance_to_edges(points, vertices):
    start = np.array(vertices, dtype=float)
    closed = np.concatenate([start, start[:1]])
    fan = [(closed[n], closed[n + 1]) for n in range(len(start))] + [(start[0], v) for v in start[1:]]
    best = np.full(len(points), np.inf)
    for a, b in fan:
        along = b - a
        t = np.clip(((points - a) @ along) / max(along @ along, 1e-12), 0, 1)
        best = np.minimum(best, np.linalg.norm(points - (a + t[:, None] * along), axis=1))
    return best
