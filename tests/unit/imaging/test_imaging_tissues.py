"""Bones, airways and vessels: simulated patients whose anatomy is known, and what must not be taken for them."""

import numpy as np
import pytest
from chest_shapes import Chest
from scipy.ndimage import binary_dilation

from perisurv.core import Mask, Volume
from perisurv.imaging import airway_mask, body_mask, bone_mask, find_lungs, vessel_mask
from perisurv.simulation import SimulationOptions, make_scan, plan


@pytest.fixture(scope="module")
def patient():
    """A patient of the third scanner, slices of 2 mm: CT, truth, and what is found."""
    made = make_scan(plan(SimulationOptions(patients=3, matrix=160), 5), 2)
    ct = Volume(made.hu, made.geometry)
    lungs = find_lungs(ct)
    right, left = lungs.on(ct.geometry)
    tumour = Mask(made.truth_cover >= 0.5, ct.geometry)
    found = {
        "bones": bone_mask(ct).values,
        "airways": airway_mask(ct, lungs).values,
        "vessels": vessel_mask(ct, Mask(right.values | left.values, ct.geometry), tumour).values,
    }
    return ct, made.anatomy, found, tumour.values


def recall(found, truth):
    return np.count_nonzero(found & truth) / np.count_nonzero(truth)


def precision(found, truth, voxels=0):
    """Share of what was found that is, or lies beside, the truth."""
    near = binary_dilation(truth, iterations=voxels) if voxels else truth
    return np.count_nonzero(found & near) / np.count_nonzero(found)


def test_bones_with_their_marrow(patient):
    _, truth, found, _ = patient
    assert recall(found["bones"], truth.bones) > 0.85
    assert precision(found["bones"], truth.bones) > 0.93


def test_airways_with_their_wall(patient):
    """The wall is found as well: 2 mm, about one voxel."""
    _, truth, found, _ = patient
    assert recall(found["airways"], truth.airways) > 0.75
    assert precision(found["airways"], truth.airways, 2) > 0.9


def test_vessels_without_the_tumour(patient):
    _, truth, found, tumour = patient
    assert recall(found["vessels"], truth.vessels) > 0.75
    assert precision(found["vessels"], truth.vessels, 1) > 0.8
    assert not (found["vessels"] & tumour).any()


def test_the_tissues_lie_in_the_body_and_apart(patient):
    ct, _, found, _ = patient
    body = body_mask(ct).values
    assert precision(found["bones"], body) > 0.995
    assert not (found["bones"] & found["vessels"]).any()


def chest_with(hu, *balls):
    chest = Chest()
    for centre, radius in balls:
        chest.hu[chest.ellipsoid(centre, (radius,) * 3)] = hu
    return chest


def test_contrast_medium_and_calcifications_are_not_bone():
    """A heart of even 300 HU, and a node of 700 HU and 0.5 ml; the spine of the same patient is bone."""
    chest = chest_with(300.0, ((5, 0, 0), 22.0))
    node = chest.ellipsoid((0, 35, 40), (5, 5, 5))
    chest.hu[node] = 700.0
    bone = bone_mask(chest.ct()).values
    heart = chest.ellipsoid((5, 0, 0), (22,) * 3)
    spine = chest.tube((0, 65), 13)
    assert recall(bone, heart) < 0.02
    assert not (bone & node).any()
    assert recall(bone, spine) > 0.95


def test_a_ct_without_trachea_has_no_airways():
    chest = Chest()
    chest.hu[chest.tube((0, -30), 9)] = 40.0
    assert airway_mask(chest.ct(), find_lungs(chest.ct())).voxel_count == 0


def test_a_leak_into_the_lung_is_stopped():
    """The wall of the trachea is open to emphysema: the trachea remains, the lung is not an airway."""
    chest = Chest()
    x, y, z = chest.at()
    chest.hu[chest.right | chest.left] = -925.0
    hole = (np.abs(y + 30) < 3) & (np.abs(z - 20) < 4) & (np.abs(x) < 40)
    chest.hu[hole] = -925.0
    found = airway_mask(chest.ct(), find_lungs(chest.ct())).values
    assert recall(found, chest.tube((0, -30), 8) & (z > 0) & (z < 60)) > 0.95
    assert recall(found, chest.right) < 0.02
