"""Image and mask files: NIfTI, NRRD and MetaImage."""

import gzip

import numpy as np
import pytest
import SimpleITK
from cohort_files import row, write_patient, write_table
from mask_files import write_volume as write
from test_cohort_nifti import PLAIN as ROWS
from test_cohort_nifti import write as write_nifti

from perisurv.cohort import CohortOptions, RoiRule, cohort_from_frame, cohort_to_frame, read_cohort, read_patient
from perisurv.core import GeometryError, ReadError, RegionError, SettingsError

HU = (10 * np.arange(4 * 5 * 6, dtype=np.int16) - 600).reshape(4, 5, 6)
LABEL = np.zeros((4, 5, 6), dtype=np.uint8)
LABEL[1:3, 2:4, 1:5] = 2
OTHER = np.zeros((4, 5, 6), dtype=np.uint8)
OTHER[0:2, 0:2, 0:2] = 1


def reason(root, **options):
    write_patient(root, "S1")
    cohort = read_patient(root, CohortOptions(**options))
    assert cohort.ids == ("S1",)
    (exclusion,) = cohort.exclusions
    return exclusion


def pair(folder, image=HU, **masks):
    write(folder / "image.nii.gz", image)
    for name, values in masks.items():
        write(folder / f"{name}.nii.gz", values)


def load(root, patient="P1", **options):
    return read_patient(root, CohortOptions(**options))[patient].load()


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
    assert "several masks that may be the tumour (mask1, mask2)" in reason(tmp_path).reason


@pytest.mark.parametrize(
    ("values", "origin"), [(LABEL, (1.0, 2.0, 4.0)), (LABEL[1:], (1.0, 2.0, 3.0)), (LABEL[:, :, ::2], (1.0, 2.0, 3.0))]
)
def test_mask_on_another_grid(tmp_path, values, origin):
    write(tmp_path / "P1" / "image.nii.gz", HU)
    write(tmp_path / "P1" / "mask.nii.gz", np.ascontiguousarray(values), origin)
    assert reason(tmp_path).reason.startswith("mask on another grid: mask mask of P1: its grid of")


def test_unreadable_volume(tmp_path):
    write(tmp_path / "P1" / "image.nii.gz", HU)
    (tmp_path / "P1" / "mask.nii.gz").write_bytes(b"nothing")
    assert reason(tmp_path).reason.startswith("unusable mask: P1/mask.nii.gz cannot be read as an image")


def test_image_of_four_dimensions(tmp_path):
    write(tmp_path / "P1" / "image.nii.gz", HU)
    SimpleITK.WriteImage(
        SimpleITK.JoinSeries([SimpleITK.GetImageFromArray(LABEL)] * 2), str(tmp_path / "P1" / "mask.nii.gz")
    )
    assert "a 3D image with one number a voxel is needed" in reason(tmp_path).reason


def test_failures_after_the_index(tmp_path):
    write(tmp_path / "P1" / "image.nii.gz", HU)
    write(tmp_path / "P1" / "mask.nii.gz", LABEL)
    patient = read_patient(tmp_path).patients[0]
    write(tmp_path / "P1" / "mask.nii.gz", LABEL, origin=(1.2, 2.0, 3.0))
    with pytest.raises(GeometryError, match=r"Patient P1: P1/mask\.nii\.gz does not share the grid of the CT"):
        patient.load()
    write(tmp_path / "P1" / "mask.nii.gz", np.zeros_like(LABEL))
    with pytest.raises(RegionError, match="Patient P1: the tumour mask is empty"):
        patient.load()
    (tmp_path / "P1" / "image.nii.gz").unlink()
    with pytest.raises(ReadError, match=r"Patient P1: P1/image\.nii\.gz"):
        patient.load()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mask_labels": (1, 0)}, r"mask_labels must be whole numbers above zero, got \[1, 0\]"),
        ({"mask_threshold": 0.0}, "mask_threshold must lie above 0 and up to 1, got 0.0"),
        ({"mask_threshold": 50.0}, "mask_threshold must lie above 0 and up to 1, got 50.0"),
        ({"other_grid": "guess"}, "other_grid must be one of refuse, resample, got 'guess'"),
        ({"several_structure_sets": "nifti"}, "several_structure_sets must be one of refuse, newest, rtstruct, seg"),
    ],
)
def test_keys_of_masks(options, said):
    with pytest.raises(SettingsError, match=said):
        CohortOptions(**options)


# --- label values -----------------------------------------------------------------------------------------------------


def test_the_only_label_is_the_tumour(tmp_path):
    pair(tmp_path / "P1", mask=LABEL)
    np.testing.assert_array_equal(load(tmp_path).tumour.values, LABEL == 2)


def test_several_labels_are_not_merged(tmp_path):
    both = np.maximum(LABEL, OTHER)
    pair(tmp_path / "P1", mask=both)
    said = reason(tmp_path).reason
    assert said.startswith(
        "unusable mask: P1/mask.nii.gz holds 2 labels (1, 2); set mask_labels to those of the tumour"
    )
    for labels, expected in (((2,), LABEL == 2), ((1,), OTHER == 1), ((1, 2, 7), both > 0)):
        np.testing.assert_array_equal(load(tmp_path, mask_labels=labels).tumour.values, expected)


def test_label_that_is_not_there(tmp_path):
    pair(tmp_path / "P1", mask=LABEL)
    said = reason(tmp_path, mask_labels=(1, 3)).reason
    assert said.startswith("unusable mask: P1/mask.nii.gz holds no voxel of label 1, 3, its labels are 2; set mask_lab")


def test_a_list_of_many_labels_is_cut(tmp_path):
    pair(tmp_path / "P1", mask=np.arange(120, dtype=np.uint8).reshape(LABEL.shape))
    assert "holds 119 labels (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, ...)" in reason(tmp_path).reason


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (-LABEL.astype(np.int16), "holds values below zero (-2)"),
        (LABEL * 0, "empty mask: mask mask of P1 holds no voxel of the CT in P1/image.nii.gz"),
        (LABEL * np.float32(0.3) + OTHER * np.float32(0.2), "no whole numbers (0.2 to 0.6); set mask_threshold"),
        (LABEL * np.float32(-0.3), "no whole numbers (-0.6 to -0.6); set mask_threshold"),
        (LABEL / np.float32(510) + OTHER / np.float32(510), "holds values that are no whole numbers (0.00196"),
    ],
)
def test_masks_that_say_nothing(tmp_path, values, said):
    pair(tmp_path / "P1", mask=values)
    assert said in reason(tmp_path).reason


NOISE = np.random.default_rng(1).uniform(-1e-7, 1e-7, LABEL.shape)


@pytest.mark.parametrize(
    "values",
    [
        np.float32(LABEL > 0) + np.float32(NOISE),
        (LABEL > 0) * 255,
        (LABEL > 0) / 255,
        (LABEL > 0) / 65535,
        (LABEL > 0) * 0.9999,
        (LABEL > 0) * 0.5,
        (LABEL > 0) * 254.9999 + NOISE,
        (LABEL > 0) * 1000.5,
    ],
)
@pytest.mark.parametrize("suffix", ["nii.gz", "mha"])
def test_scaled_masks_of_one_region(tmp_path, values, suffix):
    pair(tmp_path / "P1")
    write(tmp_path / "P1" / f"mask.{suffix}", values.astype(np.float32))
    np.testing.assert_array_equal(load(tmp_path).tumour.values, LABEL > 0)


def test_a_slope_scales_labels(tmp_path):
    """Stored as 0 and 255 with a slope of 1/255, or as 0, 1, 2 with a slope of 0.5 and an offset."""
    for stored, scale in (((LABEL > 0) * 255, (1 / 255, 0.0)), (LABEL, (0.5, 0.0)), (LABEL + 1, (1.0, -1.0))):
        pair(tmp_path / "P1")
        kinds = {"values": stored.astype(np.uint8), "scale": scale, "rows": ROWS}
        write_nifti(tmp_path / "P1" / "mask.nii.gz", **kinds)
        np.testing.assert_array_equal(load(tmp_path).tumour.values, LABEL > 0)


def test_labels_with_rounding_stay_labels(tmp_path):
    both = np.maximum(LABEL, OTHER) + NOISE
    pair(tmp_path / "P1", mask=both.astype(np.float32))
    assert "holds 2 labels (1, 2); set mask_labels" in reason(tmp_path).reason
    np.testing.assert_array_equal(load(tmp_path, mask_labels=(2,)).tumour.values, LABEL == 2)


def test_probabilities_need_a_threshold(tmp_path):
    share = (LABEL * 0.3).astype(np.float32)
    share[1, 2, 1] = 0.2
    pair(tmp_path / "P1", mask=share)
    assert load(tmp_path, mask_threshold=0.5).tumour.voxel_count == 15
    assert load(tmp_path, mask_threshold=0.15).tumour.voxel_count == 16
    pair(tmp_path / "P1", mask=share * 101)
    assert (
        "values from 20.2 to 60.6, and mask_threshold needs probabilities"
        in reason(tmp_path, mask_threshold=0.5).reason
    )


def test_a_threshold_leaves_labels_alone(tmp_path):
    pair(tmp_path / "P1", mask=LABEL)
    assert load(tmp_path, mask_threshold=0.9).tumour.voxel_count == 16


def test_slice_left_out(tmp_path):
    gap = LABEL.copy()
    gap[3], gap[2] = gap[1], 0
    pair(tmp_path / "P1", mask=gap)
    assert reason(tmp_path).reason.startswith("slices without mask: mask mask of P1: slice 3 lies empty between two")
    assert load(tmp_path, between_slices="leave").tumour.voxel_count == 16


# --- one file a region ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["P1", "P1/masks", "P1/Segmentations"])
def test_one_file_a_region_is_chosen_by_its_name(tmp_path, folder):
    pair(tmp_path / "P1")
    for name, values in (("GTV-1", LABEL), ("GTVn", OTHER), ("lung_left", HU * 0 + 1)):
        write(tmp_path / folder / f"{name}.nrrd", values)
    cohort = read_patient(tmp_path, CohortOptions(other_lesions=(RoiRule(glob="GTV*"),)))
    scan = cohort["P1"].load()
    np.testing.assert_array_equal(scan.tumour.values, LABEL == 2)
    np.testing.assert_array_equal(scan.others.values, (OTHER == 1) & (LABEL == 0))
    said = {f.id: f.text for f in cohort.findings["P1"]}["no_tumour_roi"]
    assert said == "GTV-1, chosen by name. Other lesions: GTVn."
    again = cohort_from_frame(cohort_to_frame(cohort, tmp_path), (), tmp_path)
    assert again["P1"].source == cohort["P1"].source


def test_several_files_of_the_tumour(tmp_path):
    pair(tmp_path / "P1", GTV_a=LABEL, GTV_b=OTHER)
    rules = (RoiRule(glob="gtv_*"),)
    said = reason(tmp_path, tumour_roi=(*rules, "GTV-1")).reason
    assert said.startswith("no tumour ROI: P1 has several tumour masks (GTV_a, GTV_b) by glob 'gtv_*'; make tumour_roi")
    assert load(tmp_path, tumour_roi=rules, several_rois="union").tumour.voxel_count == 16 + 8
    assert load(tmp_path, tumour_roi=rules, several_rois="largest").tumour.voxel_count == 16


def test_a_name_beats_a_file_that_is_only_called_mask(tmp_path):
    pair(tmp_path / "P1", mask=OTHER, gtv=LABEL)
    assert load(tmp_path).tumour.voxel_count == 16


def test_no_mask_of_the_tumour_lists_the_names(tmp_path):
    pair(tmp_path / "P1", GTVn=OTHER, lung=LABEL)
    said = reason(tmp_path).reason
    assert said.startswith(
        "no tumour ROI: P1 has no mask whose name says primary tumour; its masks are GTVn, lung. Draw the tumour"
    )


def test_folder_of_masks_without_an_image(tmp_path):
    write(tmp_path / "P1" / "masks" / "GTV-1.nii.gz", LABEL)
    exclusion = reason(tmp_path)
    assert exclusion.patient == "P1"
    assert exclusion.reason.startswith("no image: P1 holds a mask but no image")


@pytest.mark.parametrize(
    ("masks", "options", "said"),
    [
        (("mask_Heart",), {}, "no mask whose name says primary tumour; its masks are mask_Heart. Draw"),
        (("seg_lungs", "label_oesophagus"), {}, "its masks are label_oesophagus, seg_lungs. Draw"),
        (("lung_upper_lobe_left", "spleen", "rib_left_4"), {}, "no mask whose name says primary tumour"),
        (("GTV_LN", "mask_PTV"), {}, "no mask whose name says primary tumour"),
        (("dose",), {}, "no mask whose name says primary tumour"),
        (("mask", "something"), {}, 'tumour_roi = [{ exact = "mask" }]'),
        (("IGTV", "GTV_LN"), {}, 'Nearest is IGTV. Draw the tumour, or name it under [cohort] in the study file: '
         'tumour_roi = [{ exact = "IGTV" }].'),
        (("mask_1",), {"other_lesions": ("mask_1",)}, "its masks are mask_1 (taken by lung_rois or other_lesions)"),
        (("Lung tumor",), {"lung_rois": ("lung",)}, "its masks are Lung tumor (taken by lung_rois or other_lesions)"),
        (("mask",), {"tumour_roi": (RoiRule(exact="GTV-1"),)}, "no mask that tumour_roi matches; its masks are mask. "),
        (("mask_Heart",), {"tumour_roi": ("^GTV",)}, "no mask that tumour_roi matches; its masks are mask_Heart. "),
    ],
)  # fmt: skip
def test_a_mask_of_something_else_is_never_the_tumour(tmp_path, masks, options, said):
    pair(tmp_path / "P1", **dict.fromkeys(masks, OTHER))
    assert said in reason(tmp_path, **options).reason


@pytest.mark.parametrize(
    ("tumour", "others"),
    [
        ("mask", ()),
        ("seg", ("mask_Heart", "lung_left")),
        ("P1", ("GTVn", "PTV")),
        ("Tumor_mask", ("mask_Heart", "seg_lungs", "mask")),
        ("tumor_seg", ("seg_lungs",)),
        ("mask_GTV-1", ("mask_GTV-2", "mask_Lung-GTV")),
        ("Struct_GTV", ("Struct_Heart", "Struct_PTV")),
        ("label_1", ("TotalSegmentator_aorta", "heart_atrium_left")),
    ],
)
def test_the_tumour_among_other_masks(tmp_path, tumour, others):
    pair(tmp_path / "P1", **dict.fromkeys(others, OTHER), **{tumour: LABEL})
    np.testing.assert_array_equal(load(tmp_path).tumour.values, LABEL == 2)


def test_an_explicit_rule_may_choose_anything(tmp_path):
    pair(tmp_path / "P1", GTV=OTHER, mask_Heart=LABEL)
    scan = load(tmp_path, tumour_roi=(RoiRule(exact="mask_Heart"),), other_lesions=("GTV",))
    np.testing.assert_array_equal(scan.tumour.values, LABEL == 2)


# --- segmentations of 3D Slicer ---------------------------------------------------------------------------------------

SEGMENTS = {
    "Segment0_Name": "Lymph node", "Segment0_LabelValue": "1", "Segment0_Layer": "0",
    "Segment1_Name": "GTV-1", "Segment1_LabelValue": "2", "Segment1_Layer": "0",
}  # fmt: skip


def test_segments_of_slicer_have_names(tmp_path):
    pair(tmp_path / "P1")
    write(tmp_path / "P1" / "Segmentation.seg.nrrd", np.maximum(LABEL, OTHER), header=SEGMENTS)
    scan = load(tmp_path, other_lesions=("node",))
    np.testing.assert_array_equal(scan.tumour.values, LABEL == 2)
    np.testing.assert_array_equal(scan.others.values, (OTHER == 1) & (LABEL == 0))


def test_slicer_stores_only_the_part_that_is_drawn(tmp_path):
    pair(tmp_path / "P1")
    write(tmp_path / "P1" / "s.seg.nrrd", LABEL[1:3, 2:4, 1:5], origin=(1.5, 4.0, 6.0), header=SEGMENTS)
    cohort = read_patient(tmp_path)
    np.testing.assert_array_equal(cohort["P1"].load().tumour.values, LABEL == 2)
    assert cohort.notes == ()


def test_slicer_segments_in_several_layers(tmp_path):
    pair(tmp_path / "P1")
    header = (
        "NRRD0004\ntype: uint8\ndimension: 4\nspace: left-posterior-superior\nsizes: 2 6 5 4\n"
        "space directions: none (0.5,0,0) (0,1,0) (0,0,3)\nkinds: list domain domain domain\nencoding: raw\n"
        "space origin: (1,2,3)\nSegment0_Name:=GTV-1\nSegment0_LabelValue:=1\nSegment0_Layer:=0\n\n"
    )
    (tmp_path / "P1" / "s.seg.nrrd").write_bytes(header.encode() + bytes(240))
    assert reason(tmp_path).reason.startswith(
        "unusable mask: P1/s.seg.nrrd is a segmentation of 3D Slicer whose segments overlap, in several layers; export"
    )


def test_slicer_segment_without_label(tmp_path):
    pair(tmp_path / "P1")
    write(tmp_path / "P1" / "s.seg.nrrd", LABEL, header={"Segment0_Name": "GTV-1"})
    assert reason(tmp_path).reason.startswith("unreadable file: P1/s.seg.nrrd gives segment 0 no label; save it with")


# --- many patients in one folder --------------------------------------------------------------------------------------


def test_patients_by_the_start_of_their_names(tmp_path):
    for patient, values in (("A", LABEL), ("A_b", OTHER)):
        write(tmp_path / f"{patient}_ct.nii.gz", HU)
        write(tmp_path / f"{patient}_gtv.nii.gz", values)
        write(tmp_path / f"{patient}_lung.nii.gz", HU * 0 + 1)
    write(tmp_path / "C-CT.nrrd", HU)
    write(tmp_path / "C-mask.nrrd", LABEL)
    write(tmp_path / "stranger_gtv.nii.gz", LABEL)
    cohort = read_patient(tmp_path)
    assert cohort.ids == ("A", "A_b", "C")
    assert cohort.exclusions == ()
    assert [p.load().tumour.voxel_count for p in cohort] == [16, 8, 16]


def test_one_prefixed_image_is_the_patient_of_its_folder(tmp_path):
    write(tmp_path / "P1" / "scan_ct.nii.gz", HU)
    write(tmp_path / "P1" / "scan_GTV-1.nii.gz", LABEL)
    write(tmp_path / "P1" / "GTVn.nii.gz", OTHER)
    assert load(tmp_path).tumour.voxel_count == 16


def test_names_of_masks_do_not_name_the_patient(tmp_path):
    """In messages: a study without identities hides paths, not names of regions."""
    pair(tmp_path / "P1", GTVn_P1=OTHER, P1_lung=LABEL)
    said = reason(tmp_path).reason
    assert "its masks are GTVn, lung." in said
    pair(tmp_path / "P10")
    write(tmp_path / "P10" / "masks" / "P10.nii.gz", LABEL)
    write(tmp_path / "P1" / "masks" / "P10.nii.gz", LABEL)
    cohort = read_patient(tmp_path)
    assert cohort["P10"].load().tumour.voxel_count == 16
    assert "its masks are GTVn, lung, P10." in cohort.exclusions[0].reason


def test_patient_without_mask_in_a_flat_folder(tmp_path):
    for patient in "AB":
        write(tmp_path / f"{patient}_ct.nii.gz", HU)
    write(tmp_path / "A_gtv.nii.gz", LABEL)
    (exclusion,) = read_patient(tmp_path).exclusions
    assert exclusion.patient == "B"
    assert exclusion.reason.startswith("no mask: B_ct.nii.gz holds an image but no mask")


@pytest.mark.parametrize("name", ["masks", "labels", "P1"])
def test_the_cohort_folder_may_be_called_anything(tmp_path, name):
    pair(tmp_path / name, gtv=LABEL)
    assert load(tmp_path / name, name).tumour.voxel_count == 16


def test_folders_of_nnunet(tmp_path):
    for patient in ("lung_001", "lung_002", "lung_003"):
        write(tmp_path / "imagesTr" / f"{patient}_0000.nii.gz", HU)
        write(tmp_path / "imagesTr" / f"{patient}_0001.nii.gz", HU * 0)
    for patient, values in (("lung_001", LABEL), ("lung_002", np.maximum(LABEL, OTHER)), ("lung_009", LABEL)):
        write(tmp_path / "labelsTr" / f"{patient}.nii.gz", values)
    cohort = read_patient(tmp_path, CohortOptions(mask_labels=(2,)))
    assert cohort.ids == ("lung_001", "lung_002")
    assert [p.load().tumour.voxel_count for p in cohort] == [16, 16]
    assert {e.patient: e.reason.split(" but")[0] for e in cohort.exclusions} == {
        "lung_003": "no mask: imagesTr/lung_003_0000.nii.gz holds an image",
        "lung_009": "no image: labelsTr/lung_009.nii.gz holds a mask",
    }


# --- HU ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (HU + 1024, "values from 424 to 1614, none below zero: stored values without their rescale (HU + 1024)"),
        (HU / np.float32(400), "values from -1.5 to 1.475, and no air below -200 HU"),
        (HU.clip(-160, 240), "values from -160 to 240, and no air below -200 HU"),
    ],
)
def test_image_that_cannot_be_hu(tmp_path, image, said):
    pair(tmp_path / "P1", image=image, mask=LABEL)
    exclusion = reason(tmp_path).reason
    assert exclusion.startswith("not HU: P1/image.nii.gz holds ")
    assert said in exclusion


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize(
    ("image", "mask", "said"),
    [
        (np.nan, 1, "not HU: P1/image.{} holds 1 voxels of 120 whose value is not finite"),
        (-np.inf, 1, "not HU: P1/image.{} holds 1 voxels of 120 whose value is not finite"),
        (-600, np.nan, "unusable mask: P1/mask.{} holds 16 voxels of 120 whose value is not finite"),
        (-600, np.inf, "unusable mask: P1/mask.{} holds 16 voxels of 120 whose value is not finite"),
    ],
)
def test_values_that_are_not_finite(tmp_path, suffix, image, mask, said):
    write(tmp_path / "P1" / f"image.{suffix}", np.where(HU == -600, image, HU).astype(np.float32))
    write(tmp_path / "P1" / f"mask.{suffix}", np.where(LABEL == 2, mask, 0).astype(np.float32))
    assert reason(tmp_path).reason.startswith(said.format(suffix))


def test_range_of_the_image_is_told(tmp_path):
    pair(tmp_path / "P1", mask=LABEL)
    check = read_patient(tmp_path).findings["P1"][0]
    assert (check.id, check.passed, check.text) == ("not_hu", True, "Values from -600 to 590 HU.")


# --- another grid -----------------------------------------------------------------------------------------------------


def test_mask_on_another_grid_is_resampled_when_asked(tmp_path):
    pair(tmp_path / "P1")
    pair(tmp_path / "P2", mask=LABEL)
    doubled = np.kron(LABEL, np.ones((1, 2, 2), dtype=np.uint8))
    write(tmp_path / "P1" / "mask.nii.gz", doubled, origin=(0.875, 1.75, 3.0), spacing=(0.25, 0.5, 3.0))
    cohort = read_patient(tmp_path, CohortOptions(other_grid="resample"))
    np.testing.assert_array_equal(cohort["P1"].load().tumour.values, LABEL == 2)
    check = next(f for f in cohort.findings["P1"] if f.id == "mask_grid")
    assert check.text == (
        "Resampled to the CT: its grid of 12 x 10 x 4 voxels of 0.25 x 0.5 x 3 mm from (0.88, 1.75, 3.00) is not that "
        "of the CT in P1/image.nii.gz, 6 x 5 x 4 voxels of 0.5 x 1 x 3 mm from (1.00, 2.00, 3.00); tumour of 0.02 ml "
        "before, 0.02 ml after, +0.0 %."
    )
    assert [f.text for f in cohort.findings["P2"] if f.id == "mask_grid"] == ["On the grid of the CT."]
    (note,) = cohort.notes
    assert note.startswith("Masks on another grid, resampled to that of their CT as other_grid asks: 1 of 2 patients")


def test_mask_that_reaches_beyond_the_ct(tmp_path):
    pair(tmp_path / "P1")
    write(tmp_path / "P1" / "mask.nii.gz", LABEL, origin=(2.5, 2.0, 3.0))
    said = reason(tmp_path, other_grid="resample").reason
    assert said.startswith(
        "mask of another CT: mask mask of P1 reaches 8 voxels beyond the CT in P1/image.nii.gz; take"
    )


def test_mask_finer_than_the_ct_that_misses_every_centre(tmp_path):
    pair(tmp_path / "P1")
    small = np.zeros((4, 5, 6), dtype=np.uint8)
    small[1, 1, 1] = 1
    write(tmp_path / "P1" / "mask.nii.gz", small, origin=(1.1, 2.1, 3.1), spacing=(0.05, 0.1, 0.3))
    assert reason(tmp_path, other_grid="resample").reason.startswith(
        "empty mask: mask mask of P1 holds no voxel of the"
    )


# --- axes -------------------------------------------------------------------------------------------------------------


def phantom():
    """HU and a tumour that no flip or turn maps onto themselves, by their place in the patient: LPS in mm."""
    return np.array([(4.0, -10.0, 30.0), (6.0, -10.0, 30.0), (4.0, -8.0, 36.0)])


@pytest.mark.usefixtures("any_values")
@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
@pytest.mark.parametrize(
    "direction",
    [
        (1, 0, 0, 0, 1, 0, 0, 0, 1),
        (-1, 0, 0, 0, 1, 0, 0, 0, 1),  # left-handed
        (1, 0, 0, 0, -1, 0, 0, 0, 1),
        (1, 0, 0, 0, 1, 0, 0, 0, -1),
        (-1, 0, 0, 0, -1, 0, 0, 0, -1),
        (0, 0, 1, 1, 0, 0, 0, -1, 0),
    ],
)
def test_mirrored_and_turned_axes_keep_their_place(tmp_path, suffix, direction):
    """The same three points of the patient are tumour and bone, however the file lists its voxels."""
    turn = np.reshape(direction, (3, 3))
    spacing = np.abs(turn.T @ (2.0, 2.0, 3.0))
    size = np.abs(turn.T @ (10, 8, 6)).astype(int)
    first = np.array([-6.0, -18.0, 24.0])
    last = first + (2.0, 2.0, 3.0) * (np.array([10, 8, 6]) - 1)
    origin = np.where(turn.sum(axis=1) < 0, last, first)
    values, mask = np.full(size[::-1], -800, dtype=np.int16), np.zeros(size[::-1], dtype=np.uint8)
    for point in phantom():
        i, j, k = np.rint((turn.T @ (point - origin)) / spacing).astype(int)
        values[k, j, i], mask[k, j, i] = 500, 1
    axes = {"origin": origin.tolist(), "spacing": spacing.tolist(), "direction": [float(v) for v in direction]}
    write(tmp_path / "P1" / f"image.{suffix}", values, **axes)
    write(tmp_path / "P1" / f"mask.{suffix}", mask, **axes)
    scan = load(tmp_path, between_slices="leave")
    for found in (scan.tumour.values, scan.ct.values == 500):
        got = scan.ct.geometry.to_mm(np.argwhere(found))
        np.testing.assert_allclose(got[np.lexsort(got.T)], phantom()[np.lexsort(phantom().T)], atol=1e-4)


def test_mask_whose_axes_are_mirrored_against_the_image(tmp_path):
    pair(tmp_path / "P1")
    write(tmp_path / "P1" / "mask.nii.gz", LABEL[:, :, ::-1].copy(), origin=(3.5, 2.0, 3.0),
          direction=(-1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))  # fmt: skip
    cohort = read_patient(tmp_path)
    np.testing.assert_array_equal(cohort["P1"].load().tumour.values, LABEL == 2)
    assert cohort.notes == ()


def test_qform_and_sform_that_contradict_each_other(tmp_path):
    pair(tmp_path / "P1", mask=LABEL)
    path = tmp_path / "P1" / "mask.nii.gz"
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[292:296] = np.float32(40.0).tobytes()  # srow_x: offset
    path.write_bytes(gzip.compress(bytes(raw)))
    said = reason(tmp_path).reason
    assert said.startswith(
        "unusable mask: P1/mask.nii.gz: qform and sform contradict each other, by 41.00 mm at the cor"
    )
