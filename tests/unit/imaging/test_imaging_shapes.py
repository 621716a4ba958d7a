"""Shapes on a grid in mm, the grid of a few mm, and arrays turned upright."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_fill_holes, distance_transform_edt

from perisurv.core import Geometry, Volume
from perisurv.imaging.anatomy.axial import Axial
from perisurv.imaging.anatomy.coarse import block_mean
from perisurv.imaging.shapes import box_of, closed, filled, grown, largest, neighbours, shrunk

SHAPES = st.tuples(*[st.integers(3, 12)] * 3)
SPACINGS = st.tuples(*[st.sampled_from([1.0, 1.7, 3.0])] * 3)
SEEDS = st.integers(0, 2**32 - 1)


def random_mask(seed, shape, share=0.15):
    mask = np.random.default_rng(seed).random(shape) < share
    mask[tuple(n // 2 for n in shape)] = True
    mask[0, 0, 0] = False
    return mask


@settings(max_examples=60, deadline=None)
@given(SEEDS, SHAPES, SPACINGS, st.floats(0.5, 9.0))
def test_grown_and_shrunk_are_those_of_the_euclidean_distance(seed, shape, spacing, by_mm):
    mask = random_mask(seed, shape)
    np.testing.assert_array_equal(
        grown(mask, by_mm, spacing), distance_transform_edt(~mask, sampling=spacing) <= by_mm * (1 + 5e-6)
    )
    np.testing.assert_array_equal(
        shrunk(mask, by_mm, spacing), distance_transform_edt(mask, sampling=spacing) > by_mm * (1 + 5e-6)
    )


@settings(max_examples=40, deadline=None)
@given(SEEDS, SHAPES, SPACINGS, st.floats(0.5, 6.0))
def test_closing_keeps_the_mask_and_holes_are_filled(seed, shape, spacing, by_mm):
    mask = random_mask(seed, shape)
    once = closed(mask, by_mm, spacing)
    assert (mask <= once).all()
    np.testing.assert_array_equal(filled(mask), binary_fill_holes(mask))


def test_a_gap_narrower_than_the_ball_is_closed_and_a_wider_one_is_not():
    mask = np.ones((21, 21, 41), dtype=bool)
    for width, gone in ((5, True), (11, False)):
        slit = mask.copy()
        slit[:, :, 20 - width // 2 : 21 + width // 2] = False
        assert closed(slit, 4.0, (1.0, 1.0, 1.0)).all() == gone


@settings(max_examples=40, deadline=None)
@given(SEEDS, SHAPES, SPACINGS)
def test_block_means_keep_the_sum_and_the_place(seed, shape, spacing):
    values = np.random.default_rng(seed).normal(0, 100, shape).astype(np.float32)
    grid = Geometry(shape, spacing, (5.0, -3.0, 8.0))
    coarse = block_mean(Volume(values, grid), 3.0)
    sizes = [max(round(3.0 / s), 1) for s in spacing]
    assert coarse.geometry.shape == tuple(-(-n // size) for n, size in zip(shape, sizes, strict=True))
    first = values[tuple(slice(size) for size in sizes)]
    assert coarse.values[0, 0, 0] == pytest.approx(first.mean(), abs=1e-3)
    middle = grid.to_mm([0.5 * (n - 1) for n in sizes])
    np.testing.assert_allclose(coarse.geometry.to_mm((0, 0, 0)), middle, atol=1e-9)
    last = values[tuple(slice(size * ((n - 1) // size), n) for n, size in zip(shape, sizes, strict=True))]
    assert coarse.values[-1, -1, -1] == pytest.approx(last.mean(), abs=1e-3)


def test_neighbours_boxes_and_components():
    mask = np.zeros((5, 6, 7), dtype=bool)
    mask[2, 3, 3] = True
    assert neighbours(mask).sum() == 7
    assert box_of(mask, 1) == (slice(1, 4), slice(2, 5), slice(2, 5))
    mask[0, 0, :3] = True
    assert largest(mask).sum() == 3
    nothing = np.zeros_like(mask)
    assert not largest(nothing).any()
    assert not grown(nothing, 3.0, (1.0, 1.0, 1.0)).any()


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.permutations(range(3)), st.tuples(*[st.booleans()] * 3))
def test_turned_points_stay_where_they_are(seed, order, flips):
    """The axial array holds every value at the same point of the patient, and the turn is undone."""
    columns = np.eye(3)[:, order] * [-1 if flip else 1 for flip in flips]
    grid = Geometry((4, 5, 6), (3.0, 2.0, 1.0), (1.0, 2.0, 3.0), tuple(map(tuple, columns)))
    values = np.random.default_rng(seed).normal(size=grid.shape).astype(np.float32)
    axial = Axial.of(grid)
    turned = axial.volume(Volume(values, grid))
    np.testing.assert_allclose(turned.geometry.direction, np.eye(3)[:, ::-1], atol=1e-12)
    np.testing.assert_array_equal(axial.back(turned.values), values)
    for index in ((0, 0, 0), (3, 1, 5), (2, 4, 0)):
        there = np.rint(turned.geometry.to_index(grid.to_mm(index))).astype(int)
        assert turned.values[tuple(there)] == values[index]
