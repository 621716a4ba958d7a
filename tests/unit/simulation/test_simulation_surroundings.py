"""Surroundings of a simulated patient: each object lies outside the true body, and nothing else changes."""

import numpy as np
import pytest

from perisurv.cohort import read_patient
from perisurv.core import SettingsError
from perisurv.simulation import (
    SimulationOptions,
    SurroundingsOptions,
    border_box,
    cut,
    make_scan,
    plan,
    surround,
    write_surrounded,
)

PLAN = plan(SimulationOptions(patients=3, matrix=96), 5)


@pytest.fixture(scope="module")
def made():
    return make_scan(PLAN, 0)


def around(made, **options):
    return surround(made, SurroundingsOptions(**options), np.random.default_rng(1))


def test_the_true_body_holds_lungs_and_bones_and_lies_on_the_couch(made):
    truth = made.anatomy
    for part in (truth.right, truth.left, truth.bones, truth.airways):
        assert np.count_nonzero(part & ~truth.body) < 0.01 * np.count_nonzero(part)
    assert np.median(made.hu[~truth.body]) < -990
    assert 0.15 < truth.body.mean() < 0.6


def test_the_defaults_change_nothing(made):
    np.testing.assert_array_equal(around(made).hu, made.hu)


@pytest.mark.parametrize(
    ("name", "value", "low_hu", "share"),
    [
        ("shell", True, -500, 0.004),
        ("blanket", True, -900, 0.01),
        ("bolus", True, -300, 0.0005),
        ("table", True, 100, 0.003),
        ("arms", "beside", 0, 0.005),
        ("arms", "touching", 0, 0.005),
        ("arms", "above", 0, 0.005),
    ],
)
def test_an_object_lies_outside_the_body(made, name, value, low_hu, share):
    hu, body = around(made, **{name: value}).hu, made.anatomy.body
    np.testing.assert_array_equal(hu[body], made.hu[body])
    added = (hu != made.hu) & (hu > low_hu)
    assert added.mean() > share


def test_air_takes_its_hu_and_lung_keeps_its_own(made):
    hu = around(made, air_hu=-880.0, air_slope_hu=60.0).hu
    outside = hu[:, :4]
    assert np.median(outside[..., :10]) == pytest.approx(-907, abs=8)
    assert np.median(outside[..., -10:]) == pytest.approx(-853, abs=8)
    lung = made.anatomy.right | made.anatomy.left
    assert abs(np.median(hu[lung]) - np.median(made.hu[lung])) < 3
    assert np.median(hu[made.anatomy.airways]) > -900


@pytest.mark.parametrize("padding_hu", [-3024.0, -2000.0, -1024.0, 0.0])
def test_padding_lies_beyond_the_circle(made, padding_hu):
    hu = around(made, padding_hu=padding_hu).hu
    assert (hu[:, 0, 0] == padding_hu).all()
    assert (hu[:, 48, 0] != padding_hu).any()
    assert np.mean(hu == padding_hu) == pytest.approx(1 - np.pi / 4, abs=0.02)


@pytest.mark.parametrize(("axis", "last"), [(0, False), (0, True), (1, False), (2, True)])
def test_a_cut_puts_the_tumour_on_the_border_with_its_truth(made, axis, last):
    box = border_box(made, axis, last, lost_mm=6.0)
    part = cut(made, box)
    assert part.hu.shape == part.anatomy.body.shape == part.truth_cover.shape == part.geometry.shape
    edge = np.take(part.truth_cover, -1 if last else 0, axis)
    assert edge.max() > 0.5
    inside = made.geometry.to_mm([s.start for s in box])
    np.testing.assert_allclose(part.geometry.origin_mm, inside)
    for number, points in part.contours[0]:
        assert points[0, 2] == pytest.approx(part.geometry.to_mm((number, 0, 0))[2])


def test_files_hold_what_was_made(tmp_path):
    options = SurroundingsOptions(air_hu=-900.0, padding_hu=-3024.0, arms="beside")
    box = border_box(make_scan(PLAN, 0), 0, last=True)
    made = write_surrounded(PLAN, 0, tmp_path / "p", options, box)
    scan = read_patient(tmp_path / "p").patients[0].load()
    np.testing.assert_array_equal(scan.ct.values, made.hu)
    assert scan.tumour.values[-1].any()


def test_values_outside_their_range_are_refused():
    for wrong in ({"air_hu": -400.0}, {"arms": "crossed"}, {"noise_hu": -1.0}):
        with pytest.raises(SettingsError, match="Surroundings"):
            SurroundingsOptions(**wrong)
