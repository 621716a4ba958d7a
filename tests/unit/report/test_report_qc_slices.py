"""Grey levels, outlines and letters of the QC sheet say what the voxels say."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.path import Path as Polygon
from report_shapes import stored

from perisurv.core import Geometry, Mask, Region, RegionSet, Volume
from perisurv.report.colours import RINGS
from perisurv.report.orientation import Upright, side
from perisurv.report.qc_views import LUNG, SOFT_TISSUE, Views, montage, planes
from perisurv.report.slices import grey_png, outline, thinned


def _polygons(path: str) -> list[np.ndarray]:
    """Corners of every closed line of a path, in halves of a voxel."""
    found = []
    for part in re.findall(r"M([^z]+)z", path):
        start, *steps = part.split("l")
        moves = [[int(v) for v in re.findall(r"-?\d+", text)] for text in (start, *steps)]
        found.append(np.cumsum(moves, axis=0))
    return found


def _filled(path: str, shape: tuple[int, int]) -> np.ndarray:
    """Voxels whose centre lies inside an odd number of lines."""
    j, i = np.indices(shape)
    centres = np.stack([2 * i.ravel() + 1, 2 * j.ravel() + 1], axis=1)
    inside = np.zeros(shape, dtype=bool)
    for corners in _polygons(path):
        inside ^= Polygon([*corners, corners[0]], closed=True).contains_points(centres).reshape(shape)
    return inside


@pytest.mark.parametrize("seed", range(6))
def test_an_outline_encloses_the_voxels_of_its_region_and_no_other(seed: int) -> None:
    """Specks, holes and voxels at the border of the slice included."""
    rng = np.random.default_rng(seed)
    mask = rng.random((17, 23)) < (0.2, 0.5, 0.8)[seed % 3]
    np.testing.assert_array_equal(_filled(outline(mask), mask.shape), mask)


def test_an_outline_runs_halfway_between_inside_and_outside() -> None:
    rng = np.random.default_rng(1)
    mask = np.pad(rng.random((9, 11)) < 0.5, 1)
    corners = np.concatenate(_polygons(outline(mask)))
    assert len(corners) > 20
    for x, y in corners:
        assert (x % 2) != (y % 2)
        first, second = (
            ((x // 2 - 1, y // 2), (x // 2, y // 2)) if x % 2 == 0 else ((x // 2, y // 2 - 1), (x // 2, y // 2))
        )
        assert mask[first[1], first[0]] != mask[second[1], second[0]]


def test_straight_runs_are_one_step() -> None:
    mask = np.zeros((40, 40), dtype=bool)
    assert outline(mask) == ""
    mask[5:35, 5:35] = True
    (corners,) = _polygons(outline(mask))
    assert len(corners) <= 9
    assert np.ptp(corners, axis=0).tolist() == [60, 60]


@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (1, 7), (31, 17)])
def test_grey_levels_are_the_window(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(2).uniform(-1500, 500, shape)
    shown = np.rint(imread(io.BytesIO(grey_png(image, (-1350.0, 150.0))), format="png") * 255)
    np.testing.assert_array_equal(shown, np.rint(np.clip((image + 1350) / 1500, 0, 1) * 255))


def test_pictures_of_large_slices_are_block_means() -> None:
    image = np.arange(7 * 10, dtype=float).reshape(7, 10)
    same, step = thinned(image, 10)
    assert step == 1
    np.testing.assert_array_equal(same, image)
    small, step = thinned(image, 5)
    assert (step, small.shape) == (2, (3, 5))
    assert small[1, 2] == image[2:4, 4:6].mean()
    assert thinned(np.ones((1, 900)), 100)[0].shape == (1, 900)


def test_a_fine_grid_keeps_pictures_small_and_outlines_exact() -> None:
    """Voxels of 0.25 mm: blocks of two in the picture, which stays below its outline voxel for voxel."""
    shape = (6, 300, 401)
    grid = Geometry(shape, (1.0, 0.25, 0.25))
    tumour = np.zeros(shape, dtype=bool)
    tumour[2:4, 100:181, 120:301] = True
    image = Volume(np.where(tumour, 40, -1000).astype(np.float32), grid)
    drawn = planes(Views.of(RegionSet("X", image, (Region("tumour", Mask(tumour, grid)),))), LUNG)
    width, height, picture = re.findall(r'<image width="([^"]+)" height="([^"]+)" [^>]*base64,([^"]+)"', drawn)[0]
    shown = imread(io.BytesIO(base64.b64decode(picture)), format="png")
    assert (float(width), float(height)) == (100.0, 75.0)
    bright = np.argwhere(shown > 0.5) * 0.5
    low, high = bright.min(axis=0), bright.max(axis=0) + 0.5
    (corners,) = _polygons(re.search(r'id="axial-[^"]+"[^>]* d="([^"]+)"', drawn)[1])  # type: ignore[index]
    millimetres = corners[:, ::-1] * 0.125
    np.testing.assert_allclose(low, millimetres.min(axis=0), atol=0.5)
    np.testing.assert_allclose(high, millimetres.max(axis=0), atol=0.5)
    assert millimetres.max(axis=0).tolist() == [181 * 0.25, 301 * 0.25]


@pytest.mark.parametrize(
    ("direction", "letters"),
    [
        ((1, 0, 0), "L"), ((-1, 0, 0), "R"), ((0, 1, 0), "P"), ((0, -1, 0), "A"), ((0, 0, 1), "S"), ((0, 0, -1), "I"),
        ((0.8, 0.6, 0.0), "LP"), ((-0.5, 0.1, -0.86), "IR"), ((0.99, 0.14, 0.0), "L"),
    ],
)  # fmt: skip
def test_letters_of_a_direction(direction: tuple[float, float, float], letters: str) -> None:
    assert side(direction) == letters


def _letters(svg: str) -> list[list[str]]:
    """Letters at the left, right, upper and lower edge of every panel."""
    found = re.findall(
        r'<text x="[^"]+" y="[^"]+" text-anchor="(?:start|end|middle)" font-size="[^"]+">([A-Z]+)</text>', svg
    )
    return [found[n : n + 4] for n in range(0, len(found), 4)]


def test_every_plane_is_lettered(regions: RegionSet) -> None:
    assert _letters(planes(Views.of(regions), LUNG)) == [list("RLAP"), list("RLSI"), list("APSI")]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)], ids=["kji", "ikj", "jik"])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)], ids=["upright", "feet first", "turned", "mirrored"])
def test_the_patient_is_shown_the_same_way_however_the_array_is_stored(
    regions: RegionSet, order: tuple[int, int, int], flips: tuple[int, ...]
) -> None:
    """Pictures, letters, outlines and the written coordinates."""
    other = Views.of(stored(regions, order, flips))
    assert planes(other, LUNG) == planes(Views.of(regions), LUNG)
    assert montage(other, SOFT_TISSUE) == montage(Views.of(regions), SOFT_TISSUE)


def test_letters_follow_an_oblique_grid(regions: RegionSet) -> None:
    """A head turned by 30 degrees about the long axis: the columns run to the left and to the back."""
    a = np.radians(30.0)
    rows = ((0.0, -np.sin(a), np.cos(a)), (0.0, np.cos(a), np.sin(a)), (1.0, 0.0, 0.0))
    grid = Geometry(regions.image.geometry.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), rows)
    turned = RegionSet(
        "X",
        Volume(regions.image.values, grid),
        tuple(Region(r.name, Mask(r.mask.values, grid)) for r in regions),
    )
    axial = _letters(planes(Views.of(turned), LUNG))[0]
    assert axial == ["RA", "LP", "AL", "PR"]


def test_right_is_left_and_front_is_up(regions: RegionSet) -> None:
    """The bone of the fixture lies behind and to the right of the tumour: lower left of the axial slice."""
    views = Views.of(regions)
    k = views.slices[0]
    bone = views.image[k] > 500
    rows, columns = np.nonzero(bone)
    assert bone.any()
    assert rows.mean() > 0.7 * bone.shape[0]
    assert columns.mean() < 0.5 * bone.shape[1]
    heads_up = views.position_mm(0, k) > views.position_mm(0, k + 5)
    assert heads_up


def test_positions_are_those_of_the_slices(regions: RegionSet) -> None:
    """The ball lies at z 15, y 20, x 24 mm."""
    views = Views.of(regions)
    assert [views.position_mm(axis, index) for axis, index in enumerate(views.slices)] == [15.0, 20.0, 24.0]
    labels = re.findall(r'class="where"[^>]*>([^<]+)<', planes(views, LUNG))
    assert labels == ["Axial, z = 15.0 mm", "Coronal, y = 20.0 mm", "Sagittal, x = 24.0 mm"]


def test_planes_keep_their_size_in_mm() -> None:
    """Voxels of 3 x 2 x 0.5 mm: every picture is as wide and high as the patient, to one scale."""
    shape, spacing = (8, 12, 40), (3.0, 2.0, 0.5)
    grid = Geometry(shape, spacing)
    tumour = np.zeros(shape, dtype=bool)
    tumour[3:5, 4:8, 10:30] = True
    image = Volume(np.zeros(shape, np.float32), grid)
    views = Views.of(RegionSet("X", image, (Region("tumour", Mask(tumour, grid)),)))
    drawn = planes(views, LUNG)
    sizes = [(float(w), float(h)) for w, h in re.findall(r'<image width="([^"]+)" height="([^"]+)"', drawn)]
    assert sizes == [(20.0, 24.0), (20.0, 24.0), (24.0, 24.0)]
    scales = re.findall(r'class="outline" transform="scale\(([^)]+)\)"', drawn)
    assert scales == ["0.25 1", "0.25 1.5", "1 1.5"]


def test_the_tumours_outline_lies_on_top_and_round_the_tumour(regions: RegionSet) -> None:
    views = Views.of(regions)
    drawn = planes(views, LUNG)
    colors = re.findall(r'<use href="#[^"]+" stroke="([^"]+)"', drawn)
    assert colors == [RINGS[2], RINGS[1], RINGS[0]] * 3
    k = views.slices[0]
    path = re.search(rf'id="axial-{k}-0"[^>]* d="([^"]+)"', drawn)
    assert path
    np.testing.assert_array_equal(_filled(path[1], views.filled[0][k].shape), views.filled[0][k])


def test_what_a_ring_lost_is_filled_below_the_outlines_and_named(regions: RegionSet) -> None:
    ring = regions[regions.regions[-1].name].mask
    views = Views.of(replace(regions, taken={"lung": ring, "bone": regions["tumour"].mask}))
    assert [cause for cause, _ in views.causes()] == ["lung", "bone"]
    drawn = planes(views, LUNG)
    fills = re.findall(r'<use class="taken" href="#[^"]+" fill="([^"]+)"', drawn)
    assert fills == [color for _, color in views.causes()] * 3
    assert drawn.index('class="taken"') < drawn.index('class="halo"')
    k = views.slices[0]
    path = re.search(rf'id="axial-{k}-taken-1"[^>]* d="([^"]+)"', drawn)
    assert path
    np.testing.assert_array_equal(_filled(path[1], views.taken[1][k].shape), views.taken[1][k])


def test_a_second_window_refers_to_the_outlines_of_the_first(regions: RegionSet) -> None:
    views = Views.of(regions)
    first, second = planes(views, LUNG), planes(views, SOFT_TISSUE, define=False)
    assert second.count("<path id=") == 0
    assert set(re.findall(r'href="#([^"]+)"', second)) == set(re.findall(r'<path id="([^"]+)"', first))


def test_the_montage_goes_from_head_to_feet_through_the_whole_tumour(regions: RegionSet) -> None:
    drawn = montage(Views.of(regions), LUNG)
    heights = [float(z) for z in re.findall(r'class="where"[^>]*>z = ([^ ]+) mm<', drawn)]
    assert heights == sorted(heights, reverse=True)
    assert (heights[0], heights[-1]) == (22.0, 8.0)
    assert len(heights) == 12


def test_upright_goes_back_to_the_array() -> None:
    grid = Geometry((4, 5, 6), (1.0, 2.0, 3.0), direction=((0.0, 0.0, -1.0), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0)))
    values = np.arange(120).reshape(4, 5, 6)
    view = Upright.of(grid)
    shown = view.turn(values)
    for place in ((0, 0, 0), (1, 2, 3), (3, 4, 5)):
        k, j, i = (int(v) for v in view.index(place, values.shape))
        assert shown[place] == values[k, j, i]
