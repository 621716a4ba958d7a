"""Body and lungs whatever lies around the patient and whatever HU air has: simulated patients whose skin is known."""

import dataclasses

import numpy as np
import pytest
from imaging_shapes import dice, points

from perisurv.cohort import read_patient
from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging import body_mask, find_body, find_lungs
from perisurv.simulation import SimulationOptions, SurroundingsOptions, cut, make_scan, plan, surround

OPTIONS = SurroundingsOptions
SURROUNDINGS = {
    "as it is": OPTIONS(),
    "air of -850 HU": OPTIONS(air_hu=-850.0),
    "air of -865 HU": OPTIONS(air_hu=-865.0),
    "air of -958 HU": OPTIONS(air_hu=-958.0),
    "air of -1024 HU": OPTIONS(air_hu=-1024.0),
    "air from -1024 to -850 HU": OPTIONS(air_hu=-937.0, air_slope_hu=174.0),
    "noise of 60 HU": OPTIONS(noise_hu=60.0, air_hu=-900.0),
    "noise of 150 HU": OPTIONS(noise_hu=150.0),
    "mask of immobilisation": OPTIONS(shell=True, air_hu=-900.0),
    "blanket": OPTIONS(blanket=True),
    "bolus": OPTIONS(bolus=True),
    "dense table": OPTIONS(table=True),
    "arms beside": OPTIONS(arms="beside", air_hu=-930.0),
    "arms above": OPTIONS(arms="above"),
    "circle in -3024 HU": OPTIONS(padding_hu=-3024.0),
    "circle in -2000 HU, other air": OPTIONS(padding_hu=-2000.0, air_hu=-880.0),
    "circle in 0 HU": OPTIONS(padding_hu=0.0),
    "circle in -1024 HU, other air": OPTIONS(padding_hu=-1024.0, air_hu=-870.0),
    "everything at once": OPTIONS(
        shell=True,
        blanket=True,
        bolus=True,
        table=True,
        arms="beside",
        air_hu=-880.0,
        noise_hu=30.0,
        padding_hu=-2000.0,
    ),
}
ALL = slice(None)
CUTS = {  # rows and columns of an image of 96 x 96
    "at the sides": (ALL, ALL, slice(28, 69)),
    "in front": (ALL, slice(40, 96), ALL),
    "behind": (ALL, slice(0, 59), ALL),
    "to one lung": (slice(15, 45), ALL, slice(0, 40)),
    "within the chest": (ALL, slice(34, 63), slice(28, 67)),
}


CUTS_OF_LUNG1 = (
    (slice(0, 134), slice(0, 256), slice(80, 180)),
    (slice(30, 110), slice(110, 256), slice(0, 256)),
    (slice(40, 100), slice(0, 256), slice(0, 110)),
    (slice(50, 100), slice(95, 160), slice(75, 190)),
)


@pytest.fixture(scope="module")
def made():
    """Slices of 5 mm, so that the volumes are small."""
    return make_scan(plan(SimulationOptions(patients=3, matrix=96), 4), 1)


def beyond_circle(made, diameter_mm=0.0):
    _, rows, columns = made.geometry.shape
    y, x = (made.geometry.spacing_mm[1] * (np.arange(n) - 0.5 * (n - 1)) for n in (rows, columns))
    diameter_mm = diameter_mm or columns * made.geometry.spacing_mm[1]
    return np.broadcast_to(np.hypot(y[:, None], x[None, :]) > 0.5 * diameter_mm, made.geometry.shape)


def around(made, options):
    """The patient with these surroundings, and the voxels where nothing was measured."""
    other = surround(made, options, np.random.default_rng(2))
    padded = options.padding_hu is not None
    return other, beyond_circle(made, options.circle_mm) & padded


def lungs_of(ct):
    right, left = find_lungs(ct).on(ct.geometry)
    return right.values | left.values


def true_lungs(made):
    """With the tumour, which lies in them or beside them."""
    return made.anatomy.right | made.anatomy.left | (made.truth_cover >= 0.5)


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_body_and_lungs_do_not_depend_on_the_surroundings(made, name):
    other, nowhere = around(made, SURROUNDINGS[name])
    ct = Volume(other.hu, made.geometry)
    body = find_body(ct)
    assert dice(body.on(made.geometry).values, made.anatomy.body & ~nowhere) > 0.97
    assert dice(lungs_of(ct) | (made.truth_cover >= 0.5), true_lungs(made)) > 0.96
    assert body.cut_slices == 0
    assert body.share < 0.5


@pytest.mark.parametrize("where", CUTS)
@pytest.mark.parametrize(
    "name", ["as it is", "air of -865 HU", "air from -1024 to -850 HU", "noise of 60 HU", "everything at once"]
)
def test_lung_that_the_image_cuts_is_of_the_patient_and_air_is_not(made, name, where):
    """Air as dense as lung: what tells them apart is that lung has vessels."""
    other, nowhere = around(made, SURROUNDINGS[name])
    part = cut(other, CUTS[where])
    found = body_mask(Volume(part.hu, part.geometry)).values
    assert dice(found, part.anatomy.body & ~nowhere[CUTS[where]]) > 0.97


@pytest.mark.parametrize("padding_hu", [-3024.0, -2000.0, -1024.0, -1000.0, 0.0])
@pytest.mark.parametrize("circle_mm", [220.0, 300.0])
def test_a_small_circle_of_reconstruction_cuts_the_lungs(made, padding_hu, circle_mm):
    """The body touches the circle, lung as well; beyond it lies neither."""
    other, nowhere = around(made, OPTIONS(padding_hu=padding_hu, circle_mm=circle_mm, air_hu=-930.0))
    found = body_mask(Volume(other.hu, made.geometry)).values
    assert dice(found, made.anatomy.body & ~nowhere) > 0.97
    assert not (found & ~neighbouring(~nowhere)).any()


def neighbouring(mask):
    wide = mask.copy()
    for axis in (1, 2):
        wide |= np.roll(mask, 1, axis) | np.roll(mask, -1, axis)
    return wide


def test_arms_that_touch_the_trunk_may_be_of_the_body_and_nothing_else(made):
    other, _ = around(made, OPTIONS(arms="touching"))
    found, truth = body_mask(Volume(other.hu, made.geometry)).values, made.anatomy.body
    arms = (other.hu != made.hu) & ~truth
    assert dice(found & ~arms, truth) > 0.97


def test_a_body_that_fills_the_image_is_seen_to_touch_its_borders(made):
    part = cut(made, CUTS["within the chest"])
    body = find_body(Volume(part.hu, part.geometry))
    assert body.share > 0.95
    assert body.cut_slices > 0.9 * body.mask.values.shape[0]


GRID = Geometry((30, 110, 160), (5.0, 2.5, 2.5), (-198.75, -136.25, 0.0))


def legs(*, air_hu=-900.0, gap_mm=8.0, seed=0):
    """Two thighs with bone on a couch of foam, in noise; right and left leg."""
    x, y, z = np.moveaxis(points(GRID), -1, 0)
    radius = 62.0 + 0.1 * z
    hu = np.full(GRID.shape, air_hu)
    hu[(y > 78) & (y < 104) & (np.abs(x) < 190)] = -740.0
    hu[(np.abs(y - 79) < 2) & (np.abs(x) < 190)] = -180.0
    sides = []
    for side in (-1, 1):
        axis = side * (69.5 + 0.5 * gap_mm)
        leg = np.hypot(x - axis, y - 8) < radius
        hu[leg] = -95.0
        hu[np.hypot(x - axis, y - 8) < radius - 12] = 50.0
        hu[np.hypot(x - axis, y - 8) < 14] = 500.0
        sides.append(leg)
    return hu + np.random.default_rng(seed).normal(0, 20, GRID.shape), sides


@pytest.mark.parametrize("air_hu", [-850.0, -900.0, -1000.0])
@pytest.mark.parametrize("gap_mm", [-4.0, 2.0, 30.0])
def test_both_legs_are_the_patient(air_hu, gap_mm):
    """Whether they touch or lie apart."""
    hu, (right, left) = legs(air_hu=air_hu, gap_mm=gap_mm)
    assert dice(body_mask(Volume(hu, GRID)).values, right | left) > 0.97


def test_air_between_legs_that_touch_in_front_and_behind_is_not_filled():
    """It is open to the air below, where they part."""
    hu, (right, left) = legs(gap_mm=2.0)
    x, y, z = np.moveaxis(points(GRID), -1, 0)
    bridge = (np.abs(x) < 25) & ((np.abs(y + 35) < 12) | (np.abs(y - 50) < 12)) & (z > 40)
    hu[bridge] = 50.0
    between = (np.abs(x) < 6) & (np.abs(y - 8) < 8) & (z > 50) & ~right & ~left
    hu[between] = -900.0
    truth = right | left | bridge
    assert dice(body_mask(Volume(hu, GRID)).values, truth) > 0.95


def test_an_arm_that_holds_the_tumour_belongs_to_the_body(made):
    """Else the arm beside the trunk does not."""
    other, _ = around(made, OPTIONS(arms="beside"))
    ct = Volume(other.hu, made.geometry)
    arm = (other.hu > -50) & (made.hu < -500)
    arm[..., : arm.shape[2] // 2] = False
    k, j, i = np.argwhere(arm).mean(axis=0).round().astype(int)
    tumour = np.zeros_like(arm)
    tumour[k - 3 : k + 4, j - 3 : j + 4, i - 2 : i + 3] = True
    without, held = find_body(ct).on(ct.geometry), find_body(ct, Mask(tumour, ct.geometry)).on(ct.geometry)
    assert not (without.values & tumour).any()
    assert np.count_nonzero(held.values & arm) > 0.85 * np.count_nonzero(arm)


def test_a_drawn_circle_without_noise_in_zeros_is_no_body():
    """Padding as even as tissue is known by the circle."""
    grid = Geometry((12, 100, 100), (3.0, 3.0, 3.0))
    y, x = (np.arange(100) - 49.5)[:, None], (np.arange(100) - 49.5)[None, :]
    plane = np.where(np.hypot(x, y) < 49, -1000.0, 0.0)
    body = (x / 40) ** 2 + (y / 28) ** 2 < 1
    plane[body] = 40.0
    ct = Volume(np.repeat(plane[None], 12, axis=0), grid)
    assert dice(body_mask(ct).values, np.broadcast_to(body, grid.shape)) > 0.97


def test_lung1_001_in_a_smaller_image(test_data):
    """Real lung and real air: each part of the image holds the body of the whole image there."""
    ct = read_patient(test_data / "lung1_001" / "dicom").patients[0].load().ct
    half = Volume(
        ct.values[:, ::2, ::2],
        dataclasses.replace(
            ct.geometry,
            shape=(ct.geometry.shape[0], 256, 256),
            spacing_mm=(3.0, *(2 * step for step in ct.geometry.spacing_mm[1:])),
        ),
    )
    whole = body_mask(half).values
    for box in CUTS_OF_LUNG1:
        assert dice(body_mask(half.crop(box)).values, whole[box]) > 0.97


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_more_simulated_patients(number, name):
    made = make_scan(plan(SimulationOptions(patients=3, matrix=192), 6), number)
    other, nowhere = around(made, SURROUNDINGS[name])
    for box in (
        None,
        *((ALL, *(slice(*(v and 2 * v for v in (s.start, s.stop))) for s in c[1:])) for c in CUTS.values()),
    ):
        part = other if box is None else cut(other, box)
        truth = part.anatomy.body & ~(nowhere if box is None else nowhere[box])
        assert dice(body_mask(Volume(part.hu, part.geometry)).values, truth) > 0.97


def test_the_body_does_not_depend_on_how_the_array_lies(made):
    """A real export may run in any direction."""
    ct = Volume(made.hu, made.geometry)
    x, y, z = (tuple(row) for row in np.asarray(made.geometry.direction) * [-1, 1, -1])
    first = made.geometry.to_mm((made.geometry.shape[0] - 1, 0, made.geometry.shape[2] - 1))
    grid = dataclasses.replace(made.geometry, origin_mm=tuple(first), direction=(x, y, z))
    turned = body_mask(Volume(made.hu[::-1, :, ::-1], grid)).values
    np.testing.assert_array_equal(turned[::-1, :, ::-1], body_mask(ct).values)
