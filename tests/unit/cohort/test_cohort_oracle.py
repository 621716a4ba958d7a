"""Contours to voxels against an oracle by exact polygon area, on both public patients and on random shapes."""

import numpy as np
import pytest
from polygon_area import covered_share, mask_by_area
from pydicom import dcmread

from perisurv.cohort import read_patient
from perisurv.cohort.rtstruct.coverage import cover


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def contours_of(path):
    """The only GTV-1 of a structure set, read by pydicom alone."""
    data = dcmread(path)
    number = next(r.ROINumber for r in data.StructureSetROISequence if r.ROIName == "GTV-1")
    roi = next(r for r in data.ROIContourSequence if r.ReferencedROINumber == number)
    return [np.array(c.ContourData, dtype=float).reshape(-1, 3) for c in roi.ContourSequence]


@pytest.mark.parametrize(
    ("folder", "structures"),
    [("lung1_001", "dicom/mask_rtstruct/1-1.dcm"), ("ibsi1/ct_phantom/dicom", "mask/DCM_RS_00060.dcm")],
)
def test_public_patients(test_data, folder, structures):
    scan = read_patient(test_data / folder).patients[0].load()
    grid = scan.ct.geometry
    truth = mask_by_area(contours_of(test_data / folder / structures), grid.origin_mm, grid.spacing_mm, grid.shape)
    assert truth.sum() > 50_000
    assert dice(scan.tumour.values, truth) >= 0.995


@pytest.mark.parametrize("seed", range(8))
def test_covered_area_of_random_polygons(seed):
    """Stars that do not cross themselves, one in another: every voxel has its exact share."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 40))
    outer = np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(5, 11, (40, 1)) + rng.uniform(13, 15, 2)
    inner = outer.mean(axis=0) + 0.3 * (outer - outer.mean(axis=0))
    for polygons in ([outer], [outer[::-1]], [outer, inner], [outer[::-1], inner]):
        found = cover(polygons, 30, 30)
        exact = covered_share([p[:, ::-1] for p in polygons], 30, 30)
        np.testing.assert_allclose(found.share, exact, atol=1e-6)
        assert found.area == pytest.approx(exact.sum(), abs=1e-6)
        assert found.crossed == 0
