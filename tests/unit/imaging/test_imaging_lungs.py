"""Right and left lung: chests that are drawn, simulated patients whose anatomy is known, a real one with contours."""

import dataclasses

import numpy as np
import pytest
from chest_shapes import AIR_HU, LUNG_HU, SOFT_HU, Chest
from imaging_shapes import dice

from perisurv.cohort import CohortOptions, read_patient
from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging import find_lungs, lung_mask
from perisurv.simulation import SimulationOptions, make_scan, plan


def found_in(ct, grid=None):
    return tuple(mask.values for mask in find_lungs(ct).on(grid or ct.geometry))


def share(of, found):
    return np.count_nonzero(of & found) / np.count_nonzero(of)


def test_right_and_left_are_those_of_the_patient():
    chest = Chest()
    right, left = found_in(chest.ct())
    assert dice(right, chest.right) > 0.985
    assert dice(left, chest.left) > 0.985
    assert not (right & left).any()
    np.testing.assert_array_equal(lung_mask(chest.ct()).values, right | left)


@pytest.mark.parametrize("membrane_mm", [2.5, 4.5, 0.0])
def test_lungs_that_touch_in_front_are_told_apart(membrane_mm):
    """Also where the pleura between them cannot be seen at all."""
    chest = Chest().tongues(membrane_mm)
    right, left = found_in(chest.ct())
    assert dice(right, chest.right) > 0.975
    assert dice(left, chest.left) > 0.975
    assert share(chest.right, left) < 0.01
    assert share(chest.left, right) < 0.01


def test_a_lung_that_has_collapsed_is_missing_and_the_other_keeps_its_side():
    for gone, kept in ((0, 1), (1, 0)):
        chest = Chest()
        truth = (chest.right, chest.left)
        chest.hu[truth[gone]] = 30.0
        found = found_in(chest.ct())
        assert not found[gone].any()
        assert dice(found[kept], truth[kept]) > 0.985


def test_emphysema_is_lung():
    chest = Chest()
    chest.hu[chest.right | chest.left] = -935.0
    chest.hu[chest.ellipsoid((62, 0, 30), (20, 20, 20))] = -990.0  # a bulla
    right, left = found_in(chest.ct())
    assert dice(right, chest.right) > 0.98
    assert dice(left, chest.left) > 0.98


def test_an_effusion_is_left_out():
    """Fluid behind the lung with a level: not lung, although it lies within the pleura."""
    chest = Chest()
    _, y, _ = chest.at()
    fluid = chest.left & (y > 25)
    chest.hu[fluid] = 10.0
    _, left = found_in(chest.ct())
    assert share(fluid, left) < 0.08
    assert dice(left, chest.left & ~fluid) > 0.96


@pytest.mark.parametrize("centre", [(-104.0, 0.0, 0.0), (-62.0, 57.0, 0.0), (-62.0, -57.0, 10.0), (-62.0, 0.0, 0.0)])
def test_a_nodule_against_the_chest_wall_or_within_is_kept(centre):
    chest = Chest()
    nodule = chest.ellipsoid(centre, (13, 13, 13)) & chest.right
    chest.hu[nodule] = 40.0
    right, _ = found_in(chest.ct())
    assert share(nodule, right) > 0.65
    assert dice(right, chest.right) > 0.98


def test_the_heart_is_not_closed_over():
    """A ball of soft tissue that pushes into the left lung from the middle."""
    chest = Chest()
    heart = chest.ellipsoid((30, -10, -15), (28, 30, 30))
    chest.hu[heart] = 45.0
    _, left = found_in(chest.ct())
    assert share(heart & chest.left, left) < 0.12
    assert dice(left, chest.left & ~heart) > 0.96


def test_gas_of_the_stomach_and_the_trachea_are_not_lung():
    chest = Chest()
    gas = chest.ellipsoid((60, -20, -75), (30, 25, 14)) & ~chest.ellipsoid((62, 0, 0), (52, 67, 68))
    chest.hu[gas] = AIR_HU
    right, left = found_in(chest.ct())
    trachea = chest.tube((0, -30), 6) & (chest.at()[2] > 0)
    assert share(gas, right | left) < 0.03
    assert share(trachea, right | left) == 0.0


def test_a_crop_with_one_lung_is_one_lung():
    chest = Chest()
    box = (slice(10, 40), slice(20, 100), slice(0, 62))
    right, left = found_in(chest.ct().crop(box))
    assert dice(right | left, chest.right[box]) > 0.98
    assert not right.any() or not left.any()


@pytest.mark.parametrize("slices_mm", [1.0, 5.0])
def test_slices_of_any_thickness(slices_mm):
    n = int(150 / slices_mm)
    chest = Chest(Geometry((n, 96, 120), (slices_mm, 2.5, 2.5), (-148.75, -118.75, -0.5 * slices_mm * (n - 1))))
    right, left = found_in(chest.ct())
    assert min(dice(right, chest.right), dice(left, chest.left)) > 0.98


ORDERS = [((0, 1, 2), (True, False, True)), ((2, 0, 1), (False, True, False)), ((1, 2, 0), (False, False, True))]


@pytest.mark.parametrize(("order", "flips"), ORDERS)
def test_the_lungs_do_not_depend_on_how_the_array_lies(order, flips):
    """The same patient with axes swapped and reversed: the same voxels."""
    chest = Chest().tongues(2.5)
    ct, plain = chest.ct(), chest.grid
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    columns = np.asarray(plain.direction)[:, order] * [-1 if flip else 1 for flip in flips]
    shape = [plain.shape[axis] for axis in order]
    first = [0, 0, 0]
    for axis, flip in zip(order, flips, strict=True):
        first[axis] = plain.shape[axis] - 1 if flip else 0
    grid = Geometry(
        tuple(shape),
        tuple(plain.spacing_mm[axis] for axis in order),
        tuple(plain.to_mm(first)),
        tuple(map(tuple, columns)),
    )
    turned = found_in(Volume(ct.values.transpose(order)[steps], grid))
    for a, b in zip(found_in(ct), turned, strict=True):
        np.testing.assert_array_equal(a.transpose(order)[steps], b)


def test_the_lungs_move_and_turn_with_the_patient():
    chest = Chest()
    ct = chest.ct()
    cos, sin = np.cos(0.1), np.sin(0.1)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    direction = tuple(map(tuple, turn @ np.asarray(ct.geometry.direction)))
    grid = dataclasses.replace(ct.geometry, origin_mm=(512.5, -80.0, 1000.0), direction=direction)
    for a, b in zip(found_in(ct), found_in(Volume(ct.values, grid)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_border_lies_where_lung_and_soft_tissue_share_a_voxel():
    """A wall at any place between voxel centres is found to a fraction of a voxel of the grid of 3 mm."""
    grid = Geometry((20, 60, 60), (3.0, 1.0, 1.0))
    for wall_mm in (20.0, 20.4, 21.3, 22.0):
        hu = np.full(grid.shape, SOFT_HU)
        x = np.arange(60.0)
        inside = np.clip(wall_mm - x + 0.5, 0, 1)
        hu[:, 8:52] = SOFT_HU + (LUNG_HU - SOFT_HU) * inside
        fine = grid.resampled((3.0, 1.0, 0.25))
        found = lung_mask(Volume(hu, grid), fine).values[10, 30]
        assert fine.to_mm((0, 0, np.flatnonzero(found)[-1]))[0] == pytest.approx(wall_mm, abs=0.45)


def test_drawn_lungs_are_split_in_the_septum():
    chest = Chest().tongues(0.0)
    lungs = find_lungs(chest.ct())
    right, left = lungs.split(Mask(chest.right | chest.left, chest.grid))
    np.testing.assert_array_equal(right.values | left.values, chest.right | chest.left)
    assert dice(right.values, chest.right) > 0.995


def simulated(matrix, seed, number):
    made = make_scan(plan(SimulationOptions(patients=3, matrix=matrix), seed), number)
    found = found_in(Volume(made.hu, made.geometry))
    truth = made.anatomy
    # What was drawn as tumour belongs to the lung that holds it.
    both = np.logical_or(*found) | (made.truth_cover >= 0.5) & (truth.right | truth.left)
    assert max(share(truth.right, found[1]), share(truth.left, found[0])) < 1e-4
    return dice(both, truth.right | truth.left)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_simulated_patients_of_every_scanner(number):
    assert simulated(128, 3, number) > 0.98


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(("matrix", "seed"), [(256, 5), (256, 11), (256, 12), (512, 7)])
def test_more_simulated_patients(matrix, seed, number):
    assert simulated(matrix, seed, number) > 0.98


def test_lung1_001_against_its_contours(test_data):
    """The lungs of the structure set were drawn without tumour and hilum."""
    options = CohortOptions(lung_rois=(r"^Lung-(Left|Right)$",))
    scan = read_patient(test_data / "lung1_001" / "dicom", options).patients[0].load()
    lungs = find_lungs(scan.ct)
    drawn = lungs.split(scan.lungs)
    for a, b in zip(lungs.on(scan.ct.geometry), drawn, strict=True):
        assert dice(a.values, b.values) > 0.955
