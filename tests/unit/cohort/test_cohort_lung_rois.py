"""Lungs that a structure set holds."""

import numpy as np
import pytest
from cohort_files import hospital, square, write_patient
from hard_rtstruct import cube

from perisurv.cohort import CohortOptions, RoiRule, cohort_from_frame, cohort_to_frame, read_patient
from perisurv.core import InputError, SettingsError

RIGHT, LEFT = cube(*range(1, 7), low=2, high=12), cube(*range(1, 7), low=16, high=28)
ROIS = {"GTV-1": cube(low=4, high=8), "Lung-Right": RIGHT, "Lung-Left": LEFT, "Heart": cube(low=12, high=15)}
BOTH = CohortOptions(lung_rois=(RoiRule(glob="lung-*"),))


def patient(tmp_path, rois, options):
    hospital(tmp_path)
    write_patient(tmp_path, "B1", rois=rois)
    return read_patient(tmp_path / "B1", options)


def test_lungs_are_read_into_one_mask_beside_the_tumour(tmp_path):
    cohort = patient(tmp_path, ROIS, BOTH)
    assert any("Lungs: Lung-Right, Lung-Left." in f.text for f in cohort.findings["B1"])
    stored = cohort_from_frame(cohort_to_frame(cohort, tmp_path), (), tmp_path)
    alone = [patient(tmp_path, ROIS, CohortOptions(tumour_roi=(f"^{name}$",))) for name in ("Lung-Right", "Lung-Left")]
    expected = np.logical_or(*(one.patients[0].load().tumour.values for one in alone))
    for source in (cohort, stored):
        scan = source.patients[0].load()
        assert scan.lungs is not None
        np.testing.assert_array_equal(scan.lungs.values, expected)
        assert (scan.tumour.values & scan.lungs.values).sum() == scan.tumour.voxel_count
        assert scan.others is None


def test_a_patient_without_drawn_lungs_has_none(tmp_path):
    for rois, options in ((ROIS, CohortOptions()), ({"GTV-1": ROIS["GTV-1"]}, BOTH)):
        assert patient(tmp_path, rois, options).patients[0].load().lungs is None


def test_lungs_with_a_gap_are_refused_by_name(tmp_path):
    hospital(tmp_path)
    write_patient(tmp_path, "B1", rois=ROIS | {"Lung-Left": [square(k) for k in (0, 1, 2, 5, 6)]})
    cohort = read_patient(tmp_path / "B1", CohortOptions())
    assert cohort.exclusions == ()
    with pytest.raises(InputError, match="slices without contour: ROI Lung-Left of"):
        read_patient(tmp_path / "B1", BOTH)


def test_a_rule_that_is_none_is_refused():
    with pytest.raises(SettingsError, match="lung_rois: "):
        CohortOptions(lung_rois=("(",))
