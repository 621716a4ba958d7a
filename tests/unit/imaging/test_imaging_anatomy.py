"""Body and lungs of a thorax whose truth is known, and of the IBSI CT phantom."""

import numpy as np
import pytest

from perisurv.core import Geometry, Volume
from perisurv.imaging import body_mask, lung_mask

GRID = Geometry((24, 180, 240), (5.0, 1.5, 1.5))


def ellipse(centre_mm, radii_mm):
    y, x = np.arange(180)[:, None] * 1.5, np.arange(240)[None, :] * 1.5
    return ((y - centre_mm[0]) / radii_mm[0]) ** 2 + ((x - centre_mm[1]) / radii_mm[1]) ** 2 <= 1


@pytest.fixture(scope="module")
def thorax():
    """CT, body and lungs: an elliptic body with two lungs, vessels, trachea and bowel gas, on a couch, with noise."""
    rng = np.random.default_rng(2)
    plane = np.full((180, 240), -1000.0)
    body = ellipse((120, 180), (95, 150))
    lungs = ellipse((115, 105), (60, 50)) | ellipse((115, 255), (60, 50))
    plane[body] = 40
    plane[lungs] = -850
    for x in (90, 120, 245, 270):
        plane[ellipse((110, x), (4, 4))] = 40
    plane[ellipse((115, 180), (9, 9))] = -1000
    plane[155:160, 20:220] = 300  # couch, 10 mm below the body
    ct = np.repeat(plane[None], 24, axis=0)
    ct[:3][:, lungs] = 40
    ct[0:2][:, ellipse((60, 150), (30, 30))] = -990  # bowel gas
    ct += rng.normal(0, 25, ct.shape)
    full_lungs = np.repeat(lungs[None], 24, axis=0)
    full_lungs[:3] = False
    return Volume(ct.astype(np.float32), GRID), np.repeat(body[None], 24, axis=0), full_lungs


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_both_lungs_with_vessels_without_trachea_and_bowel_gas(thorax):
    ct, _, lungs = thorax
    found = lung_mask(ct).values
    assert dice(found, lungs) > 0.96
    assert found[12, 110 * 2 // 3, 90 * 2 // 3]  # vessel
    assert not found[12, 115 * 2 // 3, 180 * 2 // 3]  # trachea
    assert not found[:3, 40, 100].any()  # bowel gas


def test_on_another_grid(thorax):
    """Body on a crop at 1 mm that reaches beyond the image: same place, nothing outside."""
    ct, body, _ = thorax
    grid = GRID.resampled((1.0, 1.0, 1.0)).crop((slice(50, 60), slice(-30, 270), slice(-30, 200)))
    found = body_mask(ct, grid)
    index = np.rint(GRID.to_index(grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1)))).astype(int)
    within = ((index >= 0) & (index < GRID.shape)).all(axis=-1)
    expected = np.zeros(grid.shape, bool)
    expected[within] = body[tuple(index[within].T)]
    assert dice(found.values, expected) > 0.985
    assert not found.values[~within].any()


def test_ibsi_ct_phantom(ct_phantom):
    """The crop around the tumour: tumour inside the body, aerated lung found, fat and muscle not taken for lung."""
    ct, gtv = ct_phantom
    body, lungs = body_mask(ct).values, lung_mask(ct).values
    assert (body & gtv.values).sum() > 0.99 * gtv.voxel_count
    assert not (lungs & ~body).any()
    assert np.median(ct.values[lungs]) < -700
    soft = (ct.values > -50) & (ct.values < 100)
    assert (lungs & soft).sum() < 0.05 * lungs.sum()
    aerated = (ct.values < -600) & (ct.values > -950) & body
    assert (lungs & aerated).sum() > 0.9 * aerated.sum()
