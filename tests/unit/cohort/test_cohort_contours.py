"""Analytic bodies cut into contours: volumes and voxels that must come out, wherever and however they are cut."""

import numpy as np
import pytest

from perisurv.cohort.rtstruct import Contour, draw, stack_of, union
from perisurv.cohort.rtstruct.contours import area_vector_mm2
from perisurv.core import Geometry, GeometryError


def grid_of(spacing_mm=(3.0, 1.0, 1.0), extent_mm=80.0):
    shape = tuple(int(extent_mm / s) for s in spacing_mm)
    first = [-0.5 * s * (n - 1) for s, n in zip(spacing_mm, shape, strict=True)]
    return Geometry(shape, spacing_mm, tuple(first[::-1]))


def cuts(radius_mm, centre_mm, normal, step_mm, points=120, start=0.0):
    """Circles where planes ``step_mm`` apart through multiples of it (plus start) cut a sphere."""
    normal = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
    u = np.linalg.svd(normal[None])[2][1]
    v = np.cross(normal, u)
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    height = float(np.dot(centre_mm, normal))
    first, last = np.ceil((height - radius_mm - start) / step_mm), np.floor((height + radius_mm - start) / step_mm)
    found = []
    for n in np.arange(first, last + 1):
        away = n * step_mm + start - height
        small = np.sqrt(max(radius_mm**2 - away**2, 0.0))
        if small > 0:
            middle = np.asarray(centre_mm) + away * normal
            found.append(Contour(middle + small * (np.outer(np.cos(angle), u) + np.outer(np.sin(angle), v))))
    return found


def volume_ml(contours, grid, interpolate=False):
    drawing = draw(stack_of(contours, grid), grid, interpolate=interpolate)
    mask = union([drawing], grid)
    assert mask.voxel_count == drawing.values.sum()
    return mask.volume_ml, drawing


def ball_ml(radius_mm):
    return 4 / 3 * np.pi * radius_mm**3 / 1000


SLICES = [1.0, 2.5, 3.0, 5.0]


@pytest.mark.parametrize("step_mm", SLICES)
@pytest.mark.parametrize("seed", range(5))
def test_sphere_on_the_slices(seed, step_mm):
    rng = np.random.default_rng(seed)
    pixel = rng.uniform(0.7, 1.2)
    grid = grid_of((step_mm, pixel, pixel))
    radius, centre = rng.uniform(12, 30), rng.uniform(-3, 3, 3)
    got, drawing = volume_ml(cuts(radius, centre, (0, 0, 1), step_mm, start=grid.origin_mm[2]), grid)
    assert got == pytest.approx(ball_ml(radius), rel=0.02)
    assert drawing.contour_mm3 / 1000 == pytest.approx(got, rel=0.01)
    assert 1 - 2 * drawing.both / (drawing.even_odd + drawing.covered) < 0.005
    assert drawing.slices_expected == drawing.slices_filled or drawing.slices_expected == drawing.slices_filled + 1


@pytest.mark.parametrize("seed", range(5))
def test_hollow_sphere_and_two_lesions(seed):
    rng = np.random.default_rng(seed)
    grid, centre = grid_of((2.5, 0.9, 0.9)), rng.uniform(-2, 2, 3)
    start = grid.origin_mm[2]
    hollow = cuts(20, centre, (0, 0, 1), 2.5, start=start) + cuts(11, centre, (0, 0, 1), 2.5, start=start)
    assert volume_ml(hollow, grid)[0] == pytest.approx(ball_ml(20) - ball_ml(11), rel=0.02)
    apart = np.array([18, 0, 0])
    two = cuts(12, centre - apart, (0, 0, 1), 2.5, start=start) + cuts(14, centre + apart, (0, 0, 1), 2.5, start=start)
    assert volume_ml(two, grid)[0] == pytest.approx(ball_ml(12) + ball_ml(14), rel=0.02)


@pytest.mark.parametrize("normal", [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 3), (0.1, 0, 1)], ids=str)
@pytest.mark.parametrize("step_mm", [1.0, 2.5, 3.0])
def test_sphere_on_planes_of_any_orientation(normal, step_mm):
    rng = np.random.default_rng(7)
    grid = grid_of((step_mm, 1.0, 1.0))
    for _ in range(2):
        radius, centre = rng.uniform(12, 25), rng.uniform(-3, 3, 3)
        contours = cuts(radius, centre, normal, 1.0, start=rng.uniform(0, 1))
        stack = stack_of(contours, grid)
        got, drawing = volume_ml(contours, grid)
        assert not stack.on_slices
        assert not stack.axial
        assert got == pytest.approx(ball_ml(radius), rel=0.015)
        assert drawing.contour_mm3 / 1000 == pytest.approx(got, rel=0.02)
        assert abs(drawing.slices_expected - drawing.slices_filled) <= 1


def test_planes_of_any_orientation_give_the_voxels_of_the_slices():
    grid, centre = grid_of((2.0, 1.0, 1.0)), (0.3, -0.7, 0.4)
    points = grid.to_mm(np.stack(np.indices(grid.shape), axis=-1))
    truth = ((points - centre) ** 2).sum(axis=-1) < 20**2
    for normal in ((0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 1)):
        contours = cuts(20, centre, normal, 1.0, start=0.25)
        mask = union([draw(stack_of(contours, grid), grid, interpolate=True)], grid).values
        assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.99


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("every", [2, 3])
def test_sphere_on_every_second_slice(seed, every):
    rng = np.random.default_rng(seed)
    grid = grid_of((1.5, 1.0, 1.0))
    radius, centre = rng.uniform(14, 25), rng.uniform(-3, 3, 3)
    contours = cuts(radius, centre, (0, 0, 1), 1.5 * every, start=grid.origin_mm[2])
    got, drawing = volume_ml(contours, grid, interpolate=True)
    assert drawing.interpolated == (every - 1) * (len(contours) - 1) + (2 if every == 3 else 0)
    assert got == pytest.approx(ball_ml(radius), rel=0.06 if every == 2 else 0.03)
    assert drawing.contour_mm3 / 1000 == pytest.approx(got, rel=0.02)


@pytest.mark.parametrize("planes_mm", [1.0, 2.0, 3.0])
def test_planes_between_the_slices(planes_mm):
    """Contours of a CT of other slices: 1 to 3 mm planes, half a millimetre off slices 2 mm apart."""
    grid = grid_of((2.0, 1.0, 1.0))
    contours = cuts(20, (0.2, 0.3, -0.4), (0, 0, 1), planes_mm, start=grid.origin_mm[2] + 0.77)
    got, drawing = volume_ml(contours, grid, interpolate=True)
    assert not stack_of(contours, grid).on_slices
    assert got == pytest.approx(ball_ml(20), rel=0.02)
    assert abs(drawing.slices_expected - drawing.slices_filled) <= 1


def test_a_single_sagittal_plane_is_as_thick_as_a_voxel():
    grid = grid_of((3.0, 1.0, 1.0))
    contour = cuts(20, (0.5, 0, 0), (1, 0, 0), 100.0, start=0.5)
    drawing = draw(stack_of(contour, grid), grid, interpolate=False)
    column = np.nonzero(union([drawing], grid).values)[2]
    assert set(column) == {40}
    assert drawing.values.sum() * 3.0 == pytest.approx(np.pi * 400, rel=0.02)


def test_a_wavy_contour_is_refused():
    grid = grid_of()
    contour = cuts(20, (0, 0, 0), (1, 0, 0), 100.0)[0]
    wavy = contour.points_mm + np.outer(2 * np.sin(6 * np.linspace(0, 2 * np.pi, 120, endpoint=False)), (1, 0, 0))
    with pytest.raises(GeometryError, match="not planar: its points lie up to 2"):
        stack_of([Contour(wavy)], grid)


def test_area_vector_of_a_square():
    square = np.array([(0, 0, 5), (2, 0, 5), (2, 3, 5), (0, 3, 5)], dtype=float)
    np.testing.assert_allclose(area_vector_mm2(square), (0, 0, 6))
    np.testing.assert_allclose(area_vector_mm2(square[::-1]), (0, 0, -6))
