"""Image and mask files: NIfTI, NRRD and MetaImage."""

import numpy as np
import pytest
import SimpleITK
from cohort_files import row, write_patient, write_table

from perisurv.cohort import cohort_from_frame, cohort_to_frame, read_cohort, read_patient
from perisurv.core import GeometryError, ReadError, RegionError

HU = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6) - 60
LABEL = np.zeros((4, 5, 6), dtype=np.uint8)
LABEL[1:3, 2:4, 1:5] = 2


def write(path, values, origin=(1.0, 2.0, 3.0), spacing=(0.5, 1.0, 3.0)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = SimpleITK.GetImageFromArray(values)
    image.SetOrigin(origin)
    image.SetSpacing(spacing)
    SimpleITK.WriteImage(image, str(path))


def reason(root):
    write_patient(root, "S1")
    cohort = read_patient(root)
    assert cohort.ids == ("S1",)
    (exclusion,) = cohort.exclusions
    return exclusion


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("image.nii.gz", "mask.nii.gz"),
        ("CT.nrrd", "GTV-1.nrrd"),
        ("ct_thorax.mha", "seg.mha"),
        ("img.nii", "label.nrrd"),
    ],
)
def test_pair_is_read_in_place(tmp_path, image, mask):
    write(tmp_path / "P1" / image, HU)
    write(tmp_path / "P1" / mask, LABEL)
    cohort = read_patient(tmp_path)
    assert cohort.ids == ("P1",)
    scan = cohort["P1"].load()
    np.testing.assert_array_equal(scan.ct.values, HU)
    np.testing.assert_array_equal(scan.tumour.values, LABEL > 0)
    assert scan.ct.geometry.spacing_mm == (3.0, 1.0, 0.5)
    np.testing.assert_allclose(scan.ct.geometry.to_mm((1, 2, 4)), (1 + 4 * 0.5, 2 + 2, 3 + 3), atol=1e-5)
    again = cohort_from_frame(cohort_to_frame(cohort, tmp_path), (), tmp_path)
    assert again["P1"].source == cohort["P1"].source


def test_turned_image_keeps_its_place(tmp_path):
    image = SimpleITK.GetImageFromArray(HU)
    image.SetDirection((-1, 0, 0, 0, 0, 1, 0, 1, 0))
    image.SetOrigin((9.0, 8.0, 7.0))
    (tmp_path / "P1").mkdir()
    SimpleITK.WriteImage(image, str(tmp_path / "P1" / "image.nrrd"))
    image = SimpleITK.GetImageFromArray(LABEL)
    image.SetDirection((-1, 0, 0, 0, 0, 1, 0, 1, 0))
    image.SetOrigin((9.0, 8.0, 7.0))
    SimpleITK.WriteImage(image, str(tmp_path / "P1" / "mask.nrrd"))
    geometry = read_patient(tmp_path)["P1"].load().ct.geometry
    expected = image.TransformIndexToPhysicalPoint((4, 3, 2))
    np.testing.assert_allclose(geometry.to_mm((2, 3, 4)), expected)


def test_pairs_and_dicom_in_one_cohort(tmp_path):
    write_patient(tmp_path, "D1")
    write(tmp_path / "N1" / "image.nii.gz", HU)
    write(tmp_path / "N1" / "mask.nii.gz", LABEL)
    write_table(tmp_path, [row("D1"), row("n1")])
    assert read_cohort(tmp_path).ids == ("D1", "N1")


def test_other_volumes_are_left_aside(tmp_path):
    write(tmp_path / "P1" / "dose.nii.gz", HU)
    write_patient(tmp_path, "S1")
    assert read_patient(tmp_path).exclusions == ()


def test_image_without_mask(tmp_path):
    write(tmp_path / "P1" / "image.nii.gz", HU)
    exclusion = reason(tmp_path)
    assert exclusion.patient == "P1"
    assert exclusion.reason.startswith("no mask: P1 holds an image")


def test_mask_without_image(tmp_path):
    write(tmp_path / "P1" / "mask.nii.gz", LABEL)
    assert reason(tmp_path).reason.startswith("no image: P1 holds a mask")


def test_several_masks(tmp_path):
    write(tmp_path / "P1" / "image.nii.gz", HU)
    write(tmp_path / "P1" / "mask1.nii.gz", LABEL)
    write(tmp_path / "P1" / "mask2.nii.gz", LABEL)
    assert "several candidates (mask1.nii.gz, mask2.nii.gz)" in reason(tmp_path).reason


@pytest.mark.parametrize(
    ("values", "origin"), [(LABEL, (1.0, 2.0, 4.0)), (LABEL[1:], (1.0, 2.0, 3.0)), (LABEL[:, :, ::2], (1.0, 2.0, 3.0))]
)
def test_mask_on_another_grid(tmp_path, values, origin):
    write(tmp_path / "P1" / "image.nii.gz", HU)
    write(tmp_path / "P1" / "mask.nii.gz", np.ascontiguousarray(values), origin)
    assert reason(tmp_path).reason.startswith("mask of another CT: image and mask in P1")


def test_unreadable_volume(tmp_path):
    write(tmp_path / "P1" / "image.nii.gz", HU)
    (tmp_path / "P1" / "mask.nii.gz").write_bytes(b"nothing")
    assert reason(tmp_path).reason.startswith("unreadable file: P1/mask.nii.gz cannot be read as an image")


def test_image_of_four_dimensions(tmp_path):
    write(tmp_path / "P1" / "image.nii.gz", HU)
    SimpleITK.WriteImage(
        SimpleITK.JoinSeries([SimpleITK.GetImageFromArray(LABEL)] * 2), str(tmp_path / "P1" / "mask.nii.gz")
    )
    assert "a 3D image with one is needed" in reason(tmp_path).reason


def test_failures_after_the_index(tmp_path):
    write(tmp_path / "P1" / "image.nii.gz", HU)
    write(tmp_path / "P1" / "mask.nii.gz", LABEL)
    patient = read_patient(tmp_path).patients[0]
    write(tmp_path / "P1" / "mask.nii.gz", LABEL, origin=(0.0, 0.0, 0.0))
    with pytest.raises(
        GeometryError, match=r"Patient P1: P1/image\.nii\.gz and P1/mask\.nii\.gz do not share one grid"
    ):
        patient.load()
    write(tmp_path / "P1" / "mask.nii.gz", np.zeros_like(LABEL))
    with pytest.raises(RegionError, match="Patient P1: the tumour mask is empty"):
        patient.load()
    (tmp_path / "P1" / "image.nii.gz").unlink()
    with pytest.raises(ReadError, match=r"Patient P1: P1/image\.nii\.gz"):
        patient.load()
