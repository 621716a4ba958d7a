"""What must hold for every contour, wherever the patient lies and however the points are listed."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from perisurv.cohort.rtstruct import Contour, between_planes, draw, outside_ct, stack_of, union
from perisurv.cohort.rtstruct.contours import without_copies
from perisurv.core import Geometry, GeometryError

GRID = Geometry((6, 28, 34), (3.0, 1.5, 1.0), (10.0, -20.0, 5.0))
STARS = st.tuples(st.lists(st.floats(2.0, 9.0), min_size=5, max_size=12), st.floats(11.0, 14.0), st.floats(11.0, 14.0))
QUICK = settings(max_examples=60, deadline=None)


def star(spec, k=2):
    """A polygon that does not cross itself, on slice k."""
    radii, j, i = spec
    angle = np.linspace(0, 2 * np.pi, len(radii), endpoint=False) + 0.1
    index = np.column_stack(
        [np.full(len(radii), k), j + np.array(radii) * np.cos(angle), i + np.array(radii) * np.sin(angle)]
    )
    return np.round(GRID.to_mm(index), 4)


def body(spec):
    return [star(spec, k) for k in (1, 2, 3)]


def mask(contours, grid=GRID, interpolate=False):
    stack = stack_of([Contour(c) for c in contours], grid)
    return union([draw(stack, grid, interpolate=interpolate)], grid).values


@QUICK
@given(
    STARS,
    st.lists(st.floats(-180, 180), min_size=3, max_size=3),
    st.lists(st.floats(-500, 500), min_size=3, max_size=3),
)
def test_a_moved_patient_has_the_same_voxels(spec, angles, shift):
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    axes = turn @ np.asarray(GRID.direction)
    origin = turn @ GRID.origin_mm + shift
    moved = Geometry(GRID.shape, GRID.spacing_mm, tuple(origin.tolist()), tuple(map(tuple, axes.tolist())))
    contours = [c @ turn.T + shift for c in body(spec)]
    np.testing.assert_array_equal(mask(contours, moved), mask(body(spec)))


@QUICK
@given(STARS, st.integers(0, 11), st.booleans())
def test_first_point_and_direction_do_not_matter(spec, first, back):
    listed = [np.roll(c[::-1] if back else c, first, axis=0) for c in body(spec)]
    np.testing.assert_array_equal(mask(listed), mask(body(spec)))


@QUICK
@given(STARS, st.integers(1, 3))
def test_points_on_the_edges_do_not_matter(spec, more):
    """But for centres on an edge: the new points are stored as decimal text too."""
    share = np.arange(more + 1)[:, None, None] / (more + 1)
    contours = body(spec)
    denser = [(c + share * (np.roll(c, -1, axis=0) - c)).transpose(1, 0, 2).reshape(-1, 3) for c in contours]
    assert (mask(denser) != mask(contours)).sum() <= 1


@QUICK
@given(STARS, st.integers(0, 20), st.integers(2, 20))
def test_halves_make_the_whole(spec, first, length):
    whole = star(spec)
    count = len(whole)
    cut = 2 + length % (count - 3)
    turned = np.roll(whole, first, axis=0)
    halves = [turned[: cut + 1], np.concatenate([turned[cut:], turned[:1]])]
    np.testing.assert_array_equal(mask(halves), mask([whole]))


@QUICK
@given(STARS, STARS)
def test_a_union_holds_both(a, b):
    drawings = [draw(stack_of([Contour(c) for c in body(s)], GRID), GRID, interpolate=False) for s in (a, b)]
    both = union(drawings, GRID).values
    np.testing.assert_array_equal(both, mask(body(a)) | mask(body(b)))


@QUICK
@given(STARS, st.integers(0, 11), st.booleans())
def test_a_copy_is_found_however_its_points_are_listed(spec, first, back):
    contour = star(spec)
    copy = np.roll(contour[::-1] if back else contour, first, axis=0)
    denser = np.stack([copy, 0.5 * (copy + np.roll(copy, -1, axis=0))], axis=1).reshape(-1, 3)
    other = star(spec, 3)
    kept = without_copies([Contour(c) for c in (contour, copy, other, denser)])
    assert [len(c.points_mm) for c in kept] == [len(contour)] * 2


@QUICK
@given(STARS)
def test_both_rasters_agree_and_have_the_area_of_the_contours(spec):
    stack = stack_of([Contour(c) for c in body(spec)], GRID)
    drawing = draw(stack, GRID, interpolate=False)
    assume(drawing.even_odd > 200)
    assert drawing.crossed_mm2 == 0
    assert 2 * drawing.both / (drawing.even_odd + drawing.covered) > 0.93
    assert abs(drawing.values.sum() * GRID.voxel_volume_mm3 / drawing.contour_mm3 - 1) < 0.15


@QUICK
@given(STARS)
def test_a_shape_between_two_equal_contours_is_that_shape(spec):
    """But for centres less than the finer grid from the outline."""
    found = mask([star(spec, 1), star(spec, 3)], interpolate=True)
    assert (found[2] != found[1]).sum() <= 2
    np.testing.assert_array_equal(found[1], found[3])


POINT = st.tuples(st.floats(-30, 60), st.floats(-40, 40), st.floats(-10, 30))
FLAT = st.tuples(st.sampled_from([2.0, 5.0, 8.0, 11.0, 12.0]), st.floats(11, 40), st.floats(-19, 18))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.lists(POINT, min_size=3, max_size=5),
            st.tuples(st.sampled_from([5.0, 8.0, 11.0, 12.5, 17.0]), st.lists(FLAT, min_size=3, max_size=6)).map(
                lambda item: [(x, y, item[0]) for _, x, y in item[1]]
            ),
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["refuse", "interpolate", "leave"]),
)
def test_any_contours_are_drawn_or_refused_by_name(lists, policy):
    contours = [Contour(np.array(points)) for points in lists]
    try:
        problem = outside_ct(contours, GRID)
        stack = stack_of(contours, GRID)
    except GeometryError:
        return
    if problem or between_planes(stack, GRID, policy):
        return
    drawing = draw(stack, GRID, interpolate=policy == "interpolate")
    assert union([drawing], GRID).voxel_count == drawing.values.sum()
    assert np.isfinite([drawing.contour_mm3, drawing.crossed_mm2]).all()
