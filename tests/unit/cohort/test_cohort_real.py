"""Public patients: the volumes and diagnostics that others published."""

import csv
import tomllib

import numpy as np
import pytest
import SimpleITK
from cohort_files import uid
from enhanced_ct import write_enhanced
from mask_files import write_seg
from pydicom import dcmread

from perisurv.cohort import ClinicalOptions, SegSource, clinical_features, read_clinical, read_cohort, read_patient
from perisurv.cohort.checks import CLINICAL_CHECKS, findings
from perisurv.cohort.clinical import clinical_frame, read_table
from perisurv.cohort.options import CohortOptions
from perisurv.study.settings import settings_from_dict

LUNG1_TABLE = "lung1_tables/NSCLC Radiomics Lung1.clinical-version3-Oct 2019.csv"


@pytest.fixture(scope="module")
def phantom(test_data):
    """IBSI CT phantom as DICOM + RTSTRUCT and as NIfTI."""
    root = test_data / "ibsi1" / "ct_phantom"
    return read_patient(root / "dicom").patients[0].load(), read_patient(root / "nifti").patients[0].load()


@pytest.fixture(scope="module")
def diagnostics(test_data):
    path = test_data / "ibsi1" / "reference_values" / "ibsi_1_reference_values_config_A.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {line[-1]: float(line[4]) for line in csv.reader(file) if line[1].startswith("Diagnostics-initial")}


def test_lung1_001(test_data):
    cohort = read_cohort(test_data / "lung1_001", clinical=test_data / LUNG1_TABLE)
    assert cohort.ids == ("LUNG1-001",)
    assert (cohort.outcome.time_days[0], cohort.outcome.event[0]) == (2165.0, True)
    assert cohort.clinical.loc["LUNG1-001"].dropna().to_dict() == {
        "age_years": 78.7515, "sex": "male", "stage": 3.5, "stage_group": "IIIB", "t": "T2", "n": "N3", "m": "M0",
        "histology": "large_cell",
    }  # fmt: skip
    assert len(cohort.exclusions) == 421
    scan = cohort["LUNG1-001"].load()
    assert scan.ct.geometry.shape == (134, 512, 512)
    assert scan.ct.geometry.spacing_mm == (3.0, 0.9765625, 0.9765625)
    assert scan.tumour.voxel_count == 54639
    assert scan.tumour.volume_ml == pytest.approx(156.3, abs=0.05)
    assert scan.acquisition["kernel"] == "B19f"


LUNG1 = """
[input]
folder = "LUNG1"
clinical = ["NSCLC Radiomics Lung1.clinical-version3-Oct 2019.csv"]
[cohort.columns]
id = "PatientID"
time = "Survival.time"
event = "deadstatus.event"
[cohort.clinical]
time_unit = "days"
tnm_edition = 6
"""


def test_lung1_table_with_ten_lines_of_toml(test_data):
    """All 422 patients with the times and events of the file, read here by the csv module alone."""
    assert len(LUNG1.split("\n")) - 2 == 10
    settings = settings_from_dict(tomllib.loads(LUNG1))
    table = read_clinical([test_data / "lung1_tables" / name for name in settings.input.clinical], settings.cohort)
    with (test_data / LUNG1_TABLE).open(encoding="utf-8", newline="") as file:
        published = list(csv.DictReader(file))
    frame = table.to_frame()
    assert list(frame.index) == [line["PatientID"] for line in published]
    assert len(frame) == 422
    assert frame["event"].sum() == 373
    assert frame["time_days"].tolist() == [float(line["Survival.time"]) for line in published]
    assert frame["event"].tolist() == [line["deadstatus.event"] == "1" for line in published]
    assert [r.split(": ", 1)[1] for r in table.remarks] == [
        "2 of 422 cells of column 'clinical.T.Stage' are not understood as t and count as missing.",
        "3 of 422 cells of column 'Clinical.N.Stage' are not understood as n and count as missing.",
        "4 of 422 cells of column 'Clinical.M.Stage' are not understood as m and count as missing.",
    ]


@pytest.mark.parametrize(("edition", "contradictions"), [(6, 19), (7, 64), (8, 110)])
def test_lung1_was_staged_by_the_6th_edition(test_data, edition, contradictions):
    options = CohortOptions(clinical=ClinicalOptions(tnm_edition=edition))
    found = [findings(CLINICAL_CHECKS, row)[0].passed for row in read_clinical(test_data / LUNG1_TABLE, options).rows]
    assert found.count(False) == contradictions
    assert found.count(None) == 10


def test_lung1_table(test_data):
    rows = read_table(test_data / LUNG1_TABLE, "lung1", CohortOptions()).rows
    assert len(rows) == 422
    assert sum(row.event is True for row in rows) == 373
    assert all(row.time_days is not None and row.time_days > 0 for row in rows)
    frame = clinical_frame(rows, [row.patient_id for row in rows])
    assert frame["age_years"].isna().sum() == 22
    assert frame["stage"].isna().sum() == 1
    assert frame["histology"].isna().sum() == 42
    assert frame["histology"].value_counts().to_dict() == {
        "squamous": 152, "large_cell": 114, "nos": 63, "adenocarcinoma": 51,
    }  # fmt: skip
    assert frame["sex"].value_counts().to_dict() == {"male": 290, "female": 132}
    assert len(clinical_features(frame)) == 422


def test_phantom_dicom_equals_nifti(phantom):
    dicom, nifti = phantom
    assert dicom.ct.geometry.is_close(nifti.ct.geometry, 1e-4)
    np.testing.assert_array_equal(dicom.ct.values, nifti.ct.values)
    np.testing.assert_array_equal(dicom.tumour.values, nifti.tumour.values)


@pytest.mark.parametrize("form", [0, 1], ids=["dicom", "nifti"])
def test_phantom_diagnostics(phantom, diagnostics, form):
    scan = phantom[form]
    ct, mask = scan.ct.values, scan.tumour.values
    box = scan.tumour.bounding_box()
    got = {"int_mask_vox_count_init_roi": int(mask.sum())}
    for axis, name in enumerate("zyx"):
        got[f"img_dim_{name}_init_img"] = ct.shape[axis]
        got[f"vox_dim_{name}_init_img"] = scan.ct.geometry.spacing_mm[axis]
        got[f"int_mask_dim_{name}_init_roi"] = mask.shape[axis]
        got[f"int_mask_bb_dim_{name}_init_roi"] = box[axis].stop - box[axis].start
    for name, values in (("{}_int_init_img", ct), ("int_mask_{}_int_init_roi", ct[mask])):
        got[name.format("mean")] = values.mean(dtype=float)
        got[name.format("min")] = values.min()
        got[name.format("max")] = values.max()
    for tag, value in got.items():
        assert float(f"{value:.3g}") == diagnostics[tag] or value == diagnostics[tag], tag


def test_phantom_mask_is_what_simpleitk_reads(phantom, test_data):
    """The NIfTI mask of the IBSI: every voxel in its place, by the reader of SimpleITK alone."""
    path = test_data / "ibsi1" / "ct_phantom" / "nifti" / "mask.nii.gz"
    image = SimpleITK.ReadImage(str(path))
    _, nifti = phantom
    np.testing.assert_array_equal(nifti.tumour.values, SimpleITK.GetArrayFromImage(image) == 1)
    k, j, i = (int(v[0]) for v in np.nonzero(nifti.tumour.values))
    np.testing.assert_allclose(
        nifti.tumour.geometry.to_mm((k, j, i)), image.TransformIndexToPhysicalPoint((i, j, k)), atol=1e-4
    )


@pytest.mark.parametrize("kind", ["BINARY", pytest.param("FRACTIONAL", marks=pytest.mark.slow)])
def test_lung1_001_as_dicom_seg(test_data, tmp_path, kind):
    """The mask of its RTSTRUCT, written as DICOM SEG by highdicom, comes back voxel for voxel on the same CT."""
    patient = read_patient(test_data / "lung1_001").patients[0]
    drawn = patient.load()
    ct = [patient.source.root / name for name in patient.source.ct.slices]
    folder = tmp_path / "LUNG1-001"
    folder.mkdir()
    (folder / "ct").symlink_to(ct[0].parent)
    write_seg(folder / "seg.dcm", ct, {"GTV-1": drawn.tumour.values}, kind=kind)
    cohort = read_patient(folder, CohortOptions(several_structure_sets="seg"))
    assert isinstance(cohort["LUNG1-001"].source, SegSource)
    scan = cohort["LUNG1-001"].load()
    assert scan.tumour.voxel_count == 54639
    np.testing.assert_array_equal(scan.tumour.values, drawn.tumour.values)
    np.testing.assert_array_equal(scan.ct.values, drawn.ct.values)


def test_lung1_001_as_enhanced_ct(test_data, tmp_path):
    """The same patient with all slices in one file: the same HU, grid and tumour."""
    files = [dcmread(path) for path in sorted((test_data / "lung1_001").rglob("*.dcm"))]
    slices = [data for data in files if data.Modality == "CT"]
    write_enhanced(tmp_path / "ct.dcm", slices[::-1])
    (contours,) = (data for data in files if data.Modality == "RTSTRUCT")
    study = contours.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
    items = [study.RTReferencedSeriesSequence[0]]
    items += [c for roi in contours.ROIContourSequence for c in roi.get("ContourSequence", [])]
    frame = {data.SOPInstanceUID: n for n, data in enumerate(slices[::-1], start=1)}
    for image in (image for item in items for image in item.get("ContourImageSequence", [])):
        image.ReferencedFrameNumber = frame[image.ReferencedSOPInstanceUID]
        image.ReferencedSOPInstanceUID = uid("B1", "enhanced")
    contours.save_as(tmp_path / "rt.dcm")
    classic, enhanced = (read_patient(f).patients[0].load() for f in (test_data / "lung1_001", tmp_path))
    assert enhanced.ct.geometry == classic.ct.geometry
    np.testing.assert_array_equal(enhanced.ct.values, classic.ct.values)
    np.testing.assert_array_equal(enhanced.tumour.values, classic.tumour.values)
    assert enhanced.tumour.voxel_count == 54639
