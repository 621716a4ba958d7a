"""Surface and hull without a mesh, against triangles, Qhull and all pairs."""

import itertools

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from perisurv.radiomics import Raster
from perisurv.radiomics.hull import convex_surface, plane_diameters
from perisurv.radiomics.mesh import _CORNERS, _EDGES, _apexes, _loops, surface

SPACING = (1.5, 0.8, 1.1)


def random_mask(seed, shape=(5, 6, 7), share=0.5):
    return np.random.default_rng(seed).random(shape) < share


def runs(mask):
    return Raster.of(mask, tuple(slice(0, n) for n in mask.shape)).runs


def vertices(mask, spacing=SPACING):
    """Midpoints between every inside voxel and its outside neighbours."""
    padded = np.pad(mask, 1)
    found = []
    for k, j, i in np.argwhere(padded):
        for axis, sign in itertools.product(range(3), (-1, 1)):
            step = np.zeros(3, int)
            step[axis] = sign
            if not padded[k + step[0], j + step[1], i + step[2]]:
                found.append(np.array([k, j, i]) - 1 + step / 2)
    return np.array(found) * spacing


def test_every_configuration_is_cut_off_by_closed_loops() -> None:
    """Each edge between an inside and an outside corner is met once."""
    for configuration in range(256):
        inside = [bool(configuration >> corner & 1) for corner in range(8)]
        crossed = sorted(n for n, (a, b) in enumerate(_EDGES) if inside[a] != inside[b])
        loops = _loops(configuration)
        assert sorted(edge for loop in loops for edge in loop) == crossed
        for loop in loops:
            assert all(0 <= apex < len(loop) for classic in (True, False) for apex in _apexes(loop, classic))
            # Neighbours in a loop lie on one face: they share a coordinate that is 0 or 1.
            middles = [_CORNERS[list(_EDGES[edge])].mean(axis=0) for edge in loop]
            for a, b in zip(middles, [*middles[1:], middles[0]], strict=True):
                assert any(a[axis] == b[axis] and a[axis] in (0, 1) for axis in range(3))


@pytest.mark.parametrize("seed", range(8))
def test_the_surface_is_closed(seed) -> None:
    """A closed surface encloses the same volume wherever the origin lies, and its complement's too."""
    mask = random_mask(seed)
    area, volume = surface(np.pad(mask, 1), SPACING)
    moved = surface(np.pad(mask, ((4, 1), (1, 7), (2, 3))), SPACING)
    assert moved == pytest.approx((area, volume), rel=1e-12)
    assert 0 < volume < mask.sum() * np.prod(SPACING)


@pytest.mark.parametrize("seed", range(4))
def test_mirrors_and_quarter_turns_change_nothing(seed) -> None:
    mask = random_mask(seed)
    expected = surface(np.pad(mask, 1), SPACING)
    for order in itertools.permutations(range(3)):
        turned = np.pad(np.ascontiguousarray(mask.transpose(order)[::-1, :, ::-1]), 1)
        assert surface(turned, tuple(SPACING[axis] for axis in order)) == pytest.approx(expected, rel=1e-12)


def test_one_voxel_and_two_that_touch_at_an_edge() -> None:
    one = np.zeros((3, 3, 3), bool)
    one[1, 1, 1] = True
    assert surface(one, (1.0, 1.0, 1.0)) == pytest.approx((np.sqrt(3), 1 / 6))
    for step in ((0, 1, 1), (0, 1, -1), (1, 1, 0), (1, 0, -1)):
        two = np.zeros((5, 5, 5), bool)
        two[2, 2, 2] = two[tuple(2 + s for s in step)] = True
        assert surface(two, (1.0, 1.0, 1.0)) == pytest.approx((2 * np.sqrt(3), 2 / 6))


@pytest.mark.parametrize(("seed", "share"), [(0, 0.5), (1, 0.05), (2, 0.95), (3, 0.3)])
def test_hull_and_diameter_of_all_vertices(seed, share) -> None:
    mask = random_mask(seed, (7, 9, 8), share)
    points = vertices(mask)
    expected = ConvexHull(points)
    found = convex_surface(runs(mask), SPACING)
    assert found.volume_mm3 == pytest.approx(expected.volume, rel=1e-9)
    assert found.area_mm2 == pytest.approx(expected.area, rel=1e-9)
    assert found.diameter_mm == pytest.approx(pdist(points).max(), rel=1e-12)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 6), (1, 5, 1), (4, 1, 1), (1, 4, 5), (4, 4, 1)])
def test_hull_of_flat_regions(shape) -> None:
    mask = np.ones(shape, bool)
    expected = ConvexHull(vertices(mask))
    assert convex_surface(runs(mask), SPACING).volume_mm3 == pytest.approx(expected.volume, rel=1e-9)


@pytest.mark.parametrize(("seed", "share"), [(0, 0.5), (1, 0.1), (2, 0.9)])
def test_diameters_within_planes(seed, share) -> None:
    mask = random_mask(seed, share=share)
    points = vertices(mask)
    for axis, found in enumerate(plane_diameters(np.pad(mask, 1), SPACING)):
        planes = np.unique(points[:, axis].round(9))
        within = [points[np.isclose(points[:, axis], plane)] for plane in planes]
        assert found == pytest.approx(max(pdist(p).max() for p in within if len(p) > 1), rel=1e-12)
