"""Layouts of public data and converters: which file is whose image, and which mask is called what."""

import numpy as np
import pytest
from mask_files import write_volume

from perisurv.cohort import CohortOptions, read_patient
from perisurv.cohort.layout import LAYOUTS, patients_of
from perisurv.core import InputError

# Files -> patient: image, and its masks by name. A name that starts with CT: holds air, one with MASK: does not.
CASES = {
    "Decathlon": (
        "imagesTr/lung_001 imagesTr/lung_003 labelsTr/lung_001 labelsTr/lung_003 imagesTs/lung_002",
        {"lung_001": ("imagesTr/lung_001", {"label": "labelsTr/lung_001"}),
         "lung_003": ("imagesTr/lung_003", {"label": "labelsTr/lung_003"}),
         "lung_002": ("imagesTs/lung_002", {})},
    ),
    "Decathlon with numbers of four digits": (
        "imagesTr/LIDC_0001 imagesTr/LIDC_0002 labelsTr/LIDC_0001 labelsTr/LIDC_0002",
        {"LIDC_0001": ("imagesTr/LIDC_0001", {"label": "labelsTr/LIDC_0001"}),
         "LIDC_0002": ("imagesTr/LIDC_0002", {"label": "labelsTr/LIDC_0002"})},
    ),
    "nnU-Net": (
        "D1/imagesTr/a_0000 D1/imagesTr/a_0001 D1/imagesTr/b_0000 D1/labelsTr/a D1/labelsTr/b D1/imagesTs/c_0000 "
        "D1/labelsTs/c",
        {"a": ("D1/imagesTr/a_0000", {"label": "D1/labelsTr/a"}),
         "b": ("D1/imagesTr/b_0000", {"label": "D1/labelsTr/b"}),
         "c": ("D1/imagesTs/c_0000", {"label": "D1/labelsTs/c"})},
    ),
    "HECKTOR": (
        "imagesTr/X-01__CT imagesTr/X-01__PT imagesTr/X-02__CT imagesTr/X-02__PT labelsTr/X-01 labelsTr/X-02",
        {"X-01": ("imagesTr/X-01__CT", {"label": "labelsTr/X-01"}),
         "X-02": ("imagesTr/X-02__CT", {"label": "labelsTr/X-02"})},
    ),
    "HECKTOR in one folder": (
        "X-01_ct X-01_pt X-01_gtvt X-02_ct X-02_pt X-02_gtvt",
        {"X-01": ("X-01_ct", {"gtvt": "X-01_gtvt", "pt": "X-01_pt"}),
         "X-02": ("X-02_ct", {"gtvt": "X-02_gtvt", "pt": "X-02_pt"})},
    ),
    "images and labels": (
        "images/p1 images/p2 labels/p1 labels/p2",
        {"p1": ("images/p1", {"label": "labels/p1"}), "p2": ("images/p2", {"label": "labels/p2"})},
    ),
    "images and masks, each with its word": (
        "set/images/p1_ct set/images/p10_ct set/masks/p1_mask set/masks/p10_mask",
        {"p1": ("set/images/p1_ct", {"mask": "set/masks/p1_mask"}),
         "p10": ("set/images/p10_ct", {"mask": "set/masks/p10_mask"})},
    ),
    "several masks of a patient beside images": (
        "img/p1 img/p2 seg/p1_GTV seg/p1_heart seg/p2_GTV",
        {"p1": ("img/p1", {"GTV": "seg/p1_GTV", "heart": "seg/p1_heart"}), "p2": ("img/p2", {"GTV": "seg/p2_GTV"})},
    ),
    "a folder for each region": (
        "ct/p1 ct/p2 gtv/p1 gtv/p2",
        {"p1": ("ct/p1", {"gtv": "gtv/p1"}), "p2": ("ct/p2", {"gtv": "gtv/p2"})},
    ),
    "folders of patients below both": (
        "images/p1/ct images/p2/ct masks/p1/GTV-1 masks/p2/GTV-1",
        {"p1": ("images/p1/ct", {"GTV-1": "masks/p1/GTV-1"}), "p2": ("images/p2/ct", {"GTV-1": "masks/p2/GTV-1"})},
    ),
    "image_1 and label_1": (
        "images/image_1 images/image_2 labels/label_1 labels/label_2",
        {"1": ("images/image_1", {"label": "labels/label_1"}), "2": ("images/image_2", {"label": "labels/label_2"})},
    ),
    "LiTS": (
        "volume-0 volume-1 segmentation-0 segmentation-1",
        {"0": ("volume-0", {"segmentation": "segmentation-0"}), "1": ("volume-1", {"segmentation": "segmentation-1"})},
    ),
    "KiTS": (
        "case_00000/imaging case_00000/segmentation",
        {"case_00000": ("case_00000/imaging", {"segmentation": "case_00000/segmentation"})},
    ),
    "ID and ID_seg in a folder": (
        "P1/P1 P1/P1_seg P2/P2 P2/P2_seg",
        {"P1": ("P1/P1", {"seg": "P1/P1_seg"}), "P2": ("P2/P2", {"seg": "P2/P2_seg"})},
    ),
    "ID and ID_mask in one folder": (
        "lung_001 lung_001_mask lung_003 lung_003_mask lung_003_GTVn",
        {"lung_001": ("lung_001", {"mask": "lung_001_mask"}),
         "lung_003": ("lung_003", {"mask": "lung_003_mask", "GTVn": "lung_003_GTVn"})},
    ),
    "one patient in one folder": ("p7_ct p7_gtv", {"p7": ("p7_ct", {"gtv": "p7_gtv"})}),
    "dcm2niix": (
        "P1/CT:3_Thorax_B30f P1/GTV-1 P1/mask_heart",
        {"P1": ("P1/CT:3_Thorax_B30f", {"GTV-1": "P1/GTV-1", "mask_heart": "P1/mask_heart"})},
    ),
    "dcmrtstruct2nii": (
        "P1/image P1/mask_GTV-1 P1/mask_Heart",
        {"P1": ("P1/image", {"mask_GTV-1": "P1/mask_GTV-1", "mask_Heart": "P1/mask_Heart"})},
    ),
    "Struct_ROI": ("P1/CT P1/Struct_GTV", {"P1": ("P1/CT", {"Struct_GTV": "P1/Struct_GTV"})}),
    "med-imagetools": ("P1/CT/CT P1/RTSTRUCT_CT/GTV", {"P1": ("P1/CT/CT", {"GTV": "P1/RTSTRUCT_CT/GTV"})}),
    "image and masks in folders of the patient": (
        "P1/images/image P1/masks/GTV P1/masks/heart",
        {"P1": ("P1/images/image", {"GTV": "P1/masks/GTV", "heart": "P1/masks/heart"})},
    ),
    "image in a folder of its own": ("P1/ct/ct P1/GTV", {"P1": ("P1/ct/ct", {"GTV": "P1/GTV"})}),
    "TotalSegmentator": (
        "s0001/ct s0001/segmentations/heart s0001/segmentations/aorta s0001/GTV",
        {"s0001": ("s0001/ct", {"heart": "s0001/segmentations/heart", "aorta": "s0001/segmentations/aorta",
                                "GTV": "s0001/GTV"})},
    ),
    "CT_mask is no image": ("P1/CT P1/CT_mask", {"P1": ("P1/CT", {"CT_mask": "P1/CT_mask"})}),
    "CT_lungs is told by its values": (
        "P1/CT:ct P1/ct_lungs P1/mask",
        {"P1": ("P1/CT:ct", {"ct_lungs": "P1/ct_lungs", "mask": "P1/mask"})},
    ),
    "image_GTV is no image": ("P1/image P1/image_GTV", {"P1": ("P1/image", {"image_GTV": "P1/image_GTV"})}),
    "BIDS": (
        "sub-01/anat/sub-01_ct derivatives/drawn/sub-01/anat/sub-01_label-GTV_mask sub-01/pet/sub-01_pet "
        "sub-02/ses-1/ct/sub-02_ses-1_acq-thin_ct derivatives/drawn/sub-02/ses-1/sub-02_ses-1_desc-tumor_mask",
        {"sub-01": ("sub-01/anat/sub-01_ct", {"GTV": "derivatives/drawn/sub-01/anat/sub-01_label-GTV_mask"}),
         "sub-02": ("sub-02/ses-1/ct/sub-02_ses-1_acq-thin_ct",
                    {"tumor": "derivatives/drawn/sub-02/ses-1/sub-02_ses-1_desc-tumor_mask"})},
    ),
    "BIDS of two sessions, one drawn": (
        "sub-01/ses-1/sub-01_ses-1_ct sub-01/ses-2/sub-01_ses-2_ct sub-01/ses-2/sub-01_ses-2_mask",
        {"sub-01": ("sub-01/ses-2/sub-01_ses-2_ct", {"mask": "sub-01/ses-2/sub-01_ses-2_mask"})},
    ),
    "BIDS with masks of other names": (
        "sub-01/ct/sub-01_ct sub-01/masks/GTV sub-02/ct/sub-02_ct sub-02/ct/sub-02_GTV sub-02/ct/sub-02_heart",
        {"sub-01": ("sub-01/ct/sub-01_ct", {"GTV": "sub-01/masks/GTV"}),
         "sub-02": ("sub-02/ct/sub-02_ct", {"GTV": "sub-02/ct/sub-02_GTV", "heart": "sub-02/ct/sub-02_heart"})},
    ),
    "BIDS without mask": ("sub-01/anat/sub-01_ct", {"sub-01": ("sub-01/anat/sub-01_ct", {})}),
    "train and test below images": (
        "images/train/p1 images/train/p2 images/test/p3 labels/train/p1 labels/train/p2 labels/test/p3",
        {"p1": ("images/train/p1", {"mask": "labels/train/p1"}), "p2": ("images/train/p2", {"mask": "labels/train/p2"}),
         "p3": ("images/test/p3", {"mask": "labels/test/p3"})},
    ),
    "words before the names of the folders": (
        "ct_images/p1 ct_images/p2 tumor_masks/p1 tumor_masks/p2 lung_masks/p1 lung_masks/p2",
        {"p1": ("ct_images/p1", {"tumor_mask": "tumor_masks/p1", "lung_mask": "lung_masks/p1"}),
         "p2": ("ct_images/p2", {"tumor_mask": "tumor_masks/p2", "lung_mask": "lung_masks/p2"})},
    ),
    "3D Slicer in one folder": (
        "p1 p1-label p2 p2-label",
        {"p1": ("p1", {"label": "p1-label"}), "p2": ("p2", {"label": "p2-label"})},
    ),
    "mask before the patient": (
        "p1 mask_p1 p2 mask_p2", {"p1": ("p1", {"mask": "mask_p1"}), "p2": ("p2", {"mask": "mask_p2"})},
    ),
    "names of patients that say tumour": (
        "lung_cancer_1_ct lung_cancer_1_gtv lung_cancer_2_ct lung_cancer_2_gtv",
        {"lung_cancer_1": ("lung_cancer_1_ct", {"gtv": "lung_cancer_1_gtv"}),
         "lung_cancer_2": ("lung_cancer_2_ct", {"gtv": "lung_cancer_2_gtv"})},
    ),
}  # fmt: skip


def is_ct(path):
    return path.name.startswith("CT:")


@pytest.mark.parametrize("case", CASES)
def test_every_layout(tmp_path, case):
    files, expected = CASES[case]
    for suffix in (".nii.gz", ".nrrd", ".mha"):
        paths = [tmp_path / f"{name}{suffix}" for name in files.split()]
        found = patients_of(paths[::-1], tmp_path, is_ct)
        got = {
            f.patient: (
                *(p.relative_to(tmp_path).as_posix().removesuffix(suffix) for p in f.images),
                {name: p.relative_to(tmp_path).as_posix().removesuffix(suffix) for name, p in f.masks},
            )
            for f in found
        }
        assert got == expected
        assert len(found) == len(expected)


HU = (10 * np.arange(4 * 5 * 6, dtype=np.int16) - 600).reshape(4, 5, 6)
TUMOUR = np.zeros(HU.shape, dtype=np.uint8)
TUMOUR[1:3, 2:4, 1:5] = 1


@pytest.mark.parametrize("case", [c for c in CASES if c != "BIDS without mask"])
def test_every_layout_is_read_with_its_tumour(tmp_path, case):
    files, expected = CASES[case]
    images = {image for image, _ in expected.values()}
    for name in files.split():
        other = any(word in name for word in ("heart", "Heart", "aorta", "lungs", "lung_mask", "GTVn"))
        values = HU if name in images or name.endswith("_ct") else TUMOUR[::-1].copy() if other else TUMOUR
        write_volume(tmp_path / f"{name.replace('CT:', '')}.nii.gz", values)
    (tmp_path / "._junk.nii.gz").write_bytes(b"\0\5\x16\7")
    cohort = read_patient(tmp_path)
    assert cohort.ids == tuple(sorted(patient for patient, (_, masks) in expected.items() if masks))
    for patient in cohort:
        np.testing.assert_array_equal(patient.load().tumour.values, TUMOUR > 0)


def test_segmentations_of_slicer_called_as_their_image(tmp_path):
    header = {"Segment0_Name": "GTV", "Segment0_LabelValue": "1", "Segment0_Layer": "0"}
    for patient in ("p1", "p2"):
        write_volume(tmp_path / f"{patient}.nrrd", HU)
        write_volume(tmp_path / f"{patient}.seg.nrrd", TUMOUR, header=header)
    assert read_patient(tmp_path).ids == ("p1", "p2")


def test_two_images_of_one_patient_are_named(tmp_path):
    for name in ("ct_1", "ct_2"):
        write_volume(tmp_path / "P1" / f"{name}.nii.gz", HU)
    write_volume(tmp_path / "P1" / "GTV.nii.gz", TUMOUR)
    with pytest.raises(
        InputError, match=r"P1 holds several images \(P1/ct_1\.nii\.gz, P1/ct_2\.nii\.gz\); keep the CT"
    ):
        read_patient(tmp_path)


def test_two_masks_that_may_be_the_tumour_come_with_the_line_that_chooses_one(tmp_path):
    write_volume(tmp_path / "P1" / "ct.nii.gz", HU)
    for name in ("mask_1", "mask_2"):
        write_volume(tmp_path / "P1" / f"{name}.nii.gz", TUMOUR)
    with pytest.raises(InputError, match=r'tumour_roi = \[\{ exact = "mask_1" \}\]'):
        read_patient(tmp_path)
    assert read_patient(tmp_path, CohortOptions(tumour_roi=("^mask_1$",))).ids == ("P1",)


def test_two_sessions_with_contours_are_not_guessed(tmp_path):
    for ses in "12":
        write_volume(tmp_path / "sub-1" / f"sub-1_ses-{ses}_ct.nii.gz", HU)
        write_volume(tmp_path / "sub-1" / f"sub-1_ses-{ses}_mask.nii.gz", TUMOUR)
    with pytest.raises(InputError, match=r"sub-1_ses-1_ct\.nii\.gz, sub-1/sub-1_ses-2_ct\.nii\.gz\); keep the CT"):
        read_patient(tmp_path)


def test_volumes_of_no_layout_are_told_the_layouts(tmp_path):
    for name in ("a", "b"):
        write_volume(tmp_path / f"{name}.nii.gz", TUMOUR)
    with pytest.raises(InputError) as raised:
        read_patient(tmp_path)
    for layout in LAYOUTS:
        assert layout in str(raised.value)


def test_an_image_that_cannot_be_read_is_still_the_image(tmp_path):
    write_volume(tmp_path / "P1" / "CT.nii.gz", HU)
    write_volume(tmp_path / "P1" / "CT_lungs.nii.gz", TUMOUR)
    write_volume(tmp_path / "P1" / "mask.nii.gz", TUMOUR)
    path = tmp_path / "P1" / "CT.nii.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"P1/CT\.nii\.gz is cut off"):
        read_patient(tmp_path)
