"""Masks brought onto the grid of a CT: exactly on one lattice, by the nearest voxel elsewhere."""

import numpy as np
import pytest

from perisurv.cohort.grids import nearest, place, union
from perisurv.core import Geometry, GeometryError, Mask

CT = Geometry((6, 8, 10), (3.0, 2.0, 1.0), (5.0, -7.0, 11.0))


def corner(shape=CT.shape):
    """Three voxels that no flip or turn maps onto themselves."""
    values = np.zeros(shape, dtype=bool)
    values[1, 2, 3] = values[1, 2, 4] = values[2, 5, 3] = True
    return values


def test_the_same_grid():
    placed = place(Mask(corner(), CT), CT)
    np.testing.assert_array_equal(placed.values, corner())
    assert (placed.outside, placed.own, placed.own_mm3) == (0, None, 18.0)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_axes_listed_backwards(axes):
    direction, origin = (
        np.asarray(CT.direction).copy(),
        CT.to_mm([n - 1 if a in axes else 0 for a, n in enumerate(CT.shape)]),
    )
    direction[:, list(axes)] *= -1
    turned = Geometry(CT.shape, CT.spacing_mm, tuple(origin.tolist()), tuple(map(tuple, direction.tolist())))
    placed = place(Mask(np.flip(corner(), axes), turned), CT, part=False)
    assert placed.own is None
    np.testing.assert_array_equal(placed.values, corner())


def test_axes_in_another_order():
    direction = tuple(map(tuple, np.asarray(CT.direction)[:, [2, 0, 1]].tolist()))
    turned = Geometry((10, 6, 8), (1.0, 3.0, 2.0), CT.origin_mm, direction)
    placed = place(Mask(corner().transpose(2, 0, 1), turned), CT, part=False)
    assert placed.own is None
    np.testing.assert_array_equal(placed.values, corner())


def test_part_of_the_lattice():
    box = (slice(1, 4), slice(2, 6), slice(3, 9))
    part = Mask(corner()[box], CT.crop(box))
    assert place(part, CT).own is None
    np.testing.assert_array_equal(place(part, CT).values, corner())
    assert place(part, CT, part=False).own == part.geometry
    np.testing.assert_array_equal(place(part, CT, part=False).values, corner())


@pytest.mark.parametrize(("shift", "exact"), [(0.005, True), (0.02, False)])
def test_a_hundredth_of_a_voxel_is_one_lattice(shift, exact):
    moved = Geometry(CT.shape, CT.spacing_mm, tuple(CT.to_mm((0, 0, shift)).tolist()), CT.direction)
    assert (place(Mask(corner(), moved), CT).own is None) is exact


def test_spacing_that_adds_up_to_a_voxel_is_another_lattice():
    wide = Geometry(CT.shape, (3.0, 2.0, 1.01), CT.origin_mm)
    assert place(Mask(corner(), wide), CT).own == wide


def test_voxels_beyond_the_grid_are_counted():
    for step, count in (((-2, 0, 0), 2), ((0, 0, 8), 3)):
        away = Geometry(CT.shape, CT.spacing_mm, tuple(CT.to_mm(step).tolist()), CT.direction)
        placed = place(Mask(corner(), away), CT)
        assert placed.outside == count
        assert placed.values.sum() == 3 - count
        half = Geometry(CT.shape, CT.spacing_mm, tuple(CT.to_mm(np.add(step, 0.25)).tolist()), CT.direction)
        assert nearest(Mask(corner(), half), CT)[1] == count


@pytest.mark.parametrize("factor", [2, 3])
def test_finer_grid_of_whole_blocks_keeps_every_voxel(factor):
    """Each voxel of the CT as factor^3 voxels: the centres of the CT lie in (or between) them."""
    step = np.asarray(CT.spacing_mm) / factor
    origin = CT.to_mm(-0.5 * np.ones(3) + 0.5 / factor)
    fine = Geometry(tuple(factor * n for n in CT.shape), tuple(step.tolist()), tuple(origin.tolist()), CT.direction)
    blocks = np.kron(corner(), np.ones((factor,) * 3, dtype=bool))
    values, outside = nearest(Mask(blocks, fine), CT)
    assert outside == 0
    np.testing.assert_array_equal(values, corner())


def test_coarser_grid_keeps_the_volume():
    """A CT of half the edge in every direction, from the same corner: eight voxels for each, none twice."""
    fine = Geometry(tuple(2 * n for n in CT.shape), (1.5, 1.0, 0.5), CT.origin_mm, CT.direction)
    values, _ = nearest(Mask(corner(), CT), fine)
    assert values.sum() == 8 * 3
    assert values[1:3, 3:5, 5:7].all()


def test_ball_on_a_turned_grid():
    angle = np.radians(30)
    axes = np.array([[0, -np.sin(angle), np.cos(angle)], [0, np.cos(angle), np.sin(angle)], [1, 0, 0]])
    own = Geometry(
        (60, 60, 60), (1.0, 1.0, 1.0), tuple((-axes @ np.full(3, 29.5)).tolist()), tuple(map(tuple, axes.tolist()))
    )
    grid = Geometry((30, 70, 70), (2.0, 0.9, 0.9), (-31.0, -31.0, -29.0))
    ball = [np.linalg.norm(g.to_mm(np.moveaxis(np.indices(g.shape), 0, -1)), axis=-1) < 20 for g in (own, grid)]
    values, outside = nearest(Mask(ball[0], own), grid)
    assert outside == 0
    assert 2 * (values & ball[1]).sum() / (values.sum() + ball[1].sum()) > 0.97
    assert values.sum() * grid.voxel_volume_mm3 == pytest.approx(4 / 3 * np.pi * 8000, rel=0.01)


def test_union_refuses_what_the_index_did_not_allow():
    own = place(Mask(corner(), Geometry(CT.shape, (3.0, 2.0, 1.1), CT.origin_mm)), CT)
    with pytest.raises(GeometryError, match="seg.dcm does not share the grid of the CT"):
        union([own], CT, "seg.dcm", resample=False)
    assert union([own], CT, "seg.dcm", resample=True).voxel_count == 3
    away = place(Mask(corner(), Geometry(CT.shape, CT.spacing_mm, (999.0, 0.0, 0.0))), CT)
    with pytest.raises(GeometryError, match="seg.dcm has 3 voxels beyond the CT"):
        union([away], CT, "seg.dcm", resample=True)


def test_an_empty_mask_stays_empty():
    empty = np.zeros(CT.shape, dtype=bool)
    for grid in (CT, Geometry(CT.shape, (3.0, 2.0, 1.1))):
        placed = place(Mask(empty, grid), CT)
        assert (placed.values.sum(), placed.outside, placed.own_mm3) == (0, 0, 0.0)
