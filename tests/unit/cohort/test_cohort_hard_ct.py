"""Every hard CT series gives the anatomy in its place, or its reason."""

import numpy as np
import pytest
from cohort_files import COLUMNS, FIRST_MM, PIXEL_MM, ROWS, SLICES, STEP_MM, write_patient
from hard_ct import CASES, Case

from perisurv.cohort import CohortOptions, cohort_from_frame, cohort_to_frame, read_patient

# Cubic B-splines are mirrored at the border of a slice: a linear function is not itself there.
BORDER = 8


def written(root, case):
    case.ct(root / "B1")
    case.rt(root / "B1")
    return root


@pytest.mark.parametrize("case", [c for c in CASES if c.reason], ids=lambda case: case.id)
def test_refused_by_name(tmp_path, case: Case):
    write_patient(tmp_path, "S1")
    cohort = read_patient(written(tmp_path, case), CohortOptions(**case.options))
    assert cohort.ids == ("S1",)
    reasons = [e.reason for e in cohort.exclusions]
    assert any(reason.startswith(case.reason) for reason in reasons), reasons


@pytest.mark.parametrize("case", [c for c in CASES if not c.reason], ids=lambda case: case.id)
def test_accepted_with_the_anatomy_in_its_place(tmp_path, case: Case):
    cohort = read_patient(written(tmp_path, case), CohortOptions(**case.options))
    assert cohort.exclusions == ()
    texts = [f.text for f in cohort.findings["B1"]]
    assert any(case.says in text for text in texts), texts
    stored = cohort_from_frame(cohort_to_frame(cohort, tmp_path), (), tmp_path)
    (resampled if case.resampled else exact)(stored.patients[0].load())


def exact(scan):
    """Every voxel is a voxel of the anatomy, and every voxel of the anatomy is there."""
    place = anatomy_index(scan.ct.geometry)
    np.testing.assert_allclose(place, np.rint(place), atol=1e-4)
    k, j, i = np.rint(place).astype(int).reshape(-1, 3).T
    values, tumour = np.full((SLICES, ROWS, COLUMNS), np.nan), np.zeros((SLICES, ROWS, COLUMNS), dtype=bool)
    values[k, j, i] = scan.ct.values.ravel()
    tumour[k, j, i] = scan.tumour.values.ravel()
    np.testing.assert_array_equal(values, np.round(anatomy_hu(np.indices(values.shape).transpose(1, 2, 3, 0)), 3))
    expected = np.zeros_like(tumour)
    expected[3:6, 10:20, 10:20] = True
    np.testing.assert_array_equal(tumour, expected)


def resampled(scan):
    """Voxels hold what the anatomy is at their place, to whole HU, and the tumour has its centre and volume."""
    place = anatomy_index(scan.ct.geometry)
    inside = ((place >= BORDER) & (place <= np.array((SLICES, ROWS, COLUMNS)) - 1 - BORDER))[..., 1:].all(axis=-1)
    assert inside.sum() > 7 * 14 * 14
    differ = scan.ct.values[inside] - anatomy_hu(place[inside])
    assert np.abs(differ).max() <= 0.51
    centre = place[scan.tumour.values].mean(axis=0)
    np.testing.assert_allclose(centre, (4, 14.5, 14.5), atol=0.25)
    assert scan.tumour.volume_ml == pytest.approx(300 * PIXEL_MM**2 * STEP_MM / 1000, rel=0.08)


def anatomy_index(geometry):
    """Index (k, j, i) in the anatomy of every voxel, by its place."""
    points = geometry.to_mm(np.indices(geometry.shape).transpose(1, 2, 3, 0))
    return ((points - FIRST_MM) / (PIXEL_MM, PIXEL_MM, STEP_MM))[..., ::-1]


def anatomy_hu(place):
    return -900 + 150 * place[..., 0] + 2 * place[..., 1] + place[..., 2]
