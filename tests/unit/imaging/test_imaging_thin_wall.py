"""A chest wall of a few mm: lungs behind it are of the body, foam of a couch behind its plate is not."""

import numpy as np
import pytest

from perisurv.core import Geometry, Volume
from perisurv.imaging import body_mask

PIXEL_MM, STEP_MM = 2.0, 3.0


def thorax(wall_mm, lung_hu, air_hu, vessels, shape=(24, 96, 112)):
    """HU and body: an elliptic trunk of 160 x 190 mm whose lungs end so many mm below the skin."""
    _, y, x = (np.arange(n) - (n - 1) / 2 for n in shape)
    y, x = np.meshgrid(PIXEL_MM * y, PIXEL_MM * x, indexing="ij")
    body = (y / 80) ** 2 + (x / 95) ** 2 < 1
    lungs = ((y / (80 - wall_mm)) ** 2 + (x / (95 - wall_mm)) ** 2 < 1) & (np.abs(x) > 12)
    rng = np.random.default_rng(5)
    hu = np.broadcast_to(np.where(lungs, lung_hu, np.where(body, 40.0, air_hu)), shape).copy()
    if vessels:
        spots = rng.random(shape) < 0.03
        hu[spots & lungs] = 0.0
    return (hu + rng.normal(0, 12, shape)).astype(np.float32), np.broadcast_to(body, shape)


def found(hu):
    return body_mask(Volume(hu, Geometry(hu.shape, (STEP_MM, PIXEL_MM, PIXEL_MM)))).values


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


@pytest.mark.parametrize("wall_mm", [7.0, 10.0, 14.0])
@pytest.mark.parametrize(
    ("lung_hu", "air_hu", "vessels"),
    [(-850.0, -1000.0, False), (-780.0, -1000.0, False), (-850.0, -958.0, True), (-840.0, -905.0, True)],
)
def test_lungs_behind_a_thin_wall_are_of_the_body(wall_mm, lung_hu, air_hu, vessels):
    hu, body = thorax(wall_mm, lung_hu, air_hu, vessels)
    assert dice(found(hu), body) > 0.97


@pytest.mark.parametrize("foam_hu", [-980.0, -900.0, -800.0])
def test_the_foam_of_a_couch_is_not(foam_hu):
    hu, body = thorax(7.0, -850.0, -1000.0, vessels=False)
    hu[:, 89:96, 4:108] = 0.0
    hu[:, 90:95, 5:107] = foam_hu
    assert dice(found(hu), body) > 0.97
