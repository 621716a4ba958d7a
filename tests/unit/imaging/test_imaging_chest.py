"""Body and lungs of a drawn chest: ellipse, two lungs with a vessel, windpipe, spine, couch, air."""

import numpy as np
import pytest
from imaging_shapes import dice, points

from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging import body_mask, lung_mask

GRID = Geometry((28, 120, 150), (3.0, 2.0, 2.0), (-149.0, -119.0, -40.5))
WHOLE = (slice(0, 28), slice(0, 120), slice(0, 150))
FOUND_ON_MM = 3.0


@pytest.fixture(scope="module")
def chest():
    """Image and the drawn parts; y grows to the back."""
    x, y, z = np.moveaxis(points(GRID), -1, 0)
    body = (x / 130) ** 2 + (y / 90) ** 2 <= 1
    lung = {
        side: ((x - sign * 62) / 45) ** 2 + (y / 60) ** 2 + (z / 90) ** 2 <= 1
        for side, sign in (("right", -1), ("left", 1))
    }
    vessel = (((x - 62) / 5) ** 2 + (y / 5) ** 2 <= 1) & lung["left"]
    windpipe = x**2 + (y + 30) ** 2 <= 8**2
    spine = x**2 + (y - 65) ** 2 <= 15**2
    couch = (y > 100) & (y < 110) & (np.abs(x) < 120)
    hu = np.full(GRID.shape, -1000.0)
    lungs = lung["right"] | lung["left"]
    for part, value in ((body, 40), (lungs, -850), (vessel, 40), (windpipe, -1000), (spine, 500), (couch, 100)):
        hu[part] = value
    hu += np.random.default_rng(0).normal(0, 15, GRID.shape)
    parts = {"body": body, "lungs": lungs, "vessel": vessel, "windpipe": windpipe, "couch": couch}
    return Volume(hu, GRID), parts


def share(of, found):
    return np.count_nonzero(of & found) / np.count_nonzero(of)


def test_body_holds_lungs_and_leaves_couch_and_air_out(chest):
    ct, parts = chest
    found = body_mask(ct).values
    assert dice(found, parts["body"]) > 0.98
    assert share(parts["lungs"], found) == 1.0
    assert share(parts["windpipe"], found) == 1.0
    assert not (found & parts["couch"]).any()
    x, y, _ = np.moveaxis(points(GRID), -1, 0)
    clearly_outside = (x / 136) ** 2 + (y / 96) ** 2 > 1
    assert not (found & clearly_outside).any()


@pytest.mark.parametrize(
    "box",
    [
        (slice(4, 24), slice(0, 120), slice(45, 150)),  # through the right lung
        (slice(0, 28), slice(50, 120), slice(0, 150)),  # through both lungs, front cut off
        (slice(0, 28), slice(40, 80), slice(30, 120)),  # inside the chest, no air around it
    ],
)
def test_body_of_an_image_that_cuts_through_the_chest(chest, box):
    ct, parts = chest
    found = body_mask(ct.crop(box)).values
    assert share(parts["lungs"][box], found) > 0.99
    assert dice(found, parts["body"][box]) > 0.97
    assert not (found & parts["couch"][box]).any()


def test_lungs_are_both_found_with_vessels_and_without_windpipe(chest):
    ct, parts = chest
    found = lung_mask(ct).values
    assert dice(found, parts["lungs"]) > 0.95
    x = points(GRID)[..., 0]
    for side in (x < 0, x > 0):
        assert share(parts["lungs"] & side, found) > 0.93
    assert share(parts["vessel"], found) > 0.95
    assert share(parts["windpipe"], found) < 0.05
    assert not (found & ~body_mask(ct).values).any()


def test_one_lung_alone_is_found_without_the_air_outside(chest):
    ct, parts = chest
    hu = np.array(ct.values)
    right = points(GRID)[..., 0] < 0
    hu[parts["lungs"] & right] = 30.0  # collapsed
    found = lung_mask(Volume(hu, GRID)).values
    assert share(parts["lungs"] & ~right, found) > 0.93
    assert not (found & right & parts["lungs"]).any()


def test_other_grid_gives_the_same_patient(chest):
    ct, _ = chest
    box = (slice(3, 20), slice(20, 90), slice(30, 120))
    fine = GRID.crop(box).resampled((1.5, 1.5, 1.5))
    for find in (body_mask, lung_mask):
        asked = find(ct, fine)
        assert asked.geometry == fine
        k, j, i = np.moveaxis(np.rint(GRID.to_index(points(fine))).astype(int), -1, 0)
        assert dice(asked.values, find(ct).values[k, j, i]) > 0.98


def test_nothing_but_air_holds_no_body_and_no_lung():
    air = Volume(np.full((6, 30, 30), -1000.0), Geometry((6, 30, 30), (FOUND_ON_MM, 2.0, 2.0)))
    assert body_mask(air).voxel_count == 0
    assert lung_mask(air).voxel_count == 0


def test_water_everywhere_is_all_body_without_lung():
    grid = Geometry((6, 30, 30), (FOUND_ON_MM, 2.0, 2.0))
    water = Volume(np.zeros(grid.shape), grid)
    assert body_mask(water).values.all()
    assert isinstance(lung_mask(water), Mask)
    assert lung_mask(water).voxel_count == 0
