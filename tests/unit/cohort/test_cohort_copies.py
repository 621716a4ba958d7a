"""The same structure set or DICOM SEG twice: copies and backups are read once, contradictions are refused by name."""

import shutil

import numpy as np
import pydicom
import pytest
from cohort_files import hospital, reason_of, square, uid, write_ct, write_patient, write_rtstruct
from mask_files import write_seg
from pydicom.uid import ImplicitVRLittleEndian

from perisurv.cohort import CohortOptions, read_cohort, read_patient
from perisurv.core import InputError


def again(root, name="rt (1).dcm", edit=None, source="rt.dcm", **options):
    """A copy of the structure set, changed by ``edit``."""
    path = root / "B1" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(root / "B1" / source, path)
    if edit:
        data = pydicom.dcmread(path)
        edit(data)
        data.save_as(path, **options)
    return path


def copies(root):
    cohort = read_patient(root)
    assert cohort.exclusions == ()
    assert cohort["B1"].load().tumour.voxel_count == 300
    return next(f for f in cohort.findings["B1"] if f.id == "copied_contours")


def test_without_copies_there_is_nothing_to_say(tmp_path):
    write_patient(tmp_path, "B1")
    assert copies(tmp_path).text == ""


@pytest.mark.parametrize("name", ["rt (1).dcm", "RT.Copy", "a/b/rt.dcm", "zz"])
def test_a_structure_set_that_was_copied(tmp_path, name):
    write_patient(tmp_path, "B1")
    again(tmp_path, name)
    found = copies(tmp_path)
    assert found.value == 1
    used, other = sorted(["B1/rt.dcm", f"B1/{name}"])
    assert found.text == f"Copies of {used} are passed over: {other}."


def test_a_backup_of_the_whole_folder(tmp_path):
    write_patient(tmp_path, "B1")
    shutil.copytree(tmp_path / "B1", tmp_path / "backup of 2020" / "B1")
    shutil.copytree(tmp_path / "B1", tmp_path / "old")
    assert copies(tmp_path).value == 2


def test_a_backup_that_lost_slices(tmp_path):
    write_patient(tmp_path, "B1")
    shutil.copytree(tmp_path / "B1", tmp_path / "A backup")
    for name in ("000.dcm", "003.dcm"):
        (tmp_path / "A backup" / "ct" / name).unlink()
    assert copies(tmp_path).value == 1


def from_another_archive(data):
    """What archives and programs on the way change."""
    data.SeriesInstanceUID, data.InstanceCreationDate, data.StationName = uid("archive"), "20200101", "PACS 2"


def of_its_own_uid(data):
    from_another_archive(data)
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid("exported again")


@pytest.mark.parametrize("edit", [from_another_archive, of_its_own_uid])
def test_a_copy_that_went_through_an_archive(tmp_path, edit):
    write_patient(tmp_path, "B1")
    again(tmp_path, edit=edit)
    assert copies(tmp_path).value == 1


def test_a_copy_in_another_transfer_syntax(tmp_path):
    def implicit(data):
        data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    write_patient(tmp_path, "B1")
    again(tmp_path, edit=implicit, implicit_vr=True)
    assert copies(tmp_path).value == 1


def moved_point(data):
    contour = data.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = [contour.ContourData[0] + 1, *contour.ContourData[1:]]


def another_name(data):
    data.StructureSetROISequence[0].ROIName = "GTV-2"


def one_contour_less(data):
    del data.ROIContourSequence[0].ContourSequence[0]


@pytest.mark.parametrize("edit", [moved_point, another_name, one_contour_less])
def test_one_uid_with_two_contents_is_refused_by_name(tmp_path, edit):
    hospital(tmp_path, ["B1"])
    write_patient(tmp_path, "B1")
    again(tmp_path, edit=edit)
    assert reason_of(tmp_path).startswith(
        "two RTSTRUCT with one UID: B1/rt (1).dcm and B1/rt.dcm carry one SOPInstanceUID but differ in what they hold"
    )


def test_two_drawings_of_one_ct_are_no_copies(tmp_path):
    write_patient(tmp_path, "B1")
    write_rtstruct(tmp_path / "B1" / "rt2.dcm", "B1", rois={"GTV-1": [square(3), square(4)]})
    with pytest.raises(InputError, match=r"there are 2 contours of one CT \(B1/rt.dcm, B1/rt2.dcm\)"):
        read_patient(tmp_path)


def segmented(root):
    write_ct(root / "B1" / "ct", "B1")
    mask = np.zeros((8, 32, 32), dtype=bool)
    mask[3:6, 10:20, 10:20] = True
    write_seg(root / "B1" / "seg.dcm", sorted((root / "B1" / "ct").iterdir()), {"GTV-1": mask})


@pytest.mark.parametrize("edit", [None, from_another_archive, of_its_own_uid])
def test_a_seg_that_was_copied(tmp_path, edit):
    segmented(tmp_path)
    again(tmp_path, "zz/seg.dcm", edit, source="seg.dcm")
    assert copies(tmp_path).text == "Copies of B1/seg.dcm are passed over: B1/zz/seg.dcm."


def test_a_seg_with_one_uid_and_other_pixels(tmp_path):
    def empty(data):
        data.PixelData = bytes(len(data.PixelData))

    segmented(tmp_path)
    again(tmp_path, "zz/seg.dcm", empty, source="seg.dcm")
    with pytest.raises(InputError, match="two DICOM SEG with one UID: B1/seg.dcm and B1/zz/seg.dcm carry one"):
        read_patient(tmp_path)


def test_copies_and_a_draft(tmp_path):
    def dated(data, _):
        data.StructureSetDate, data.StructureSetTime = "20200101", "1000"

    write_patient(tmp_path, "B1", edit=dated)
    again(tmp_path)
    write_rtstruct(tmp_path / "B1" / "draft.dcm", "B1", rois={"GTV-1": [square(3)]}, edit=lambda d, _: setattr(
        d, "StructureSetDate", "20190101"))  # fmt: skip
    cohort = read_cohort_of(tmp_path)
    assert [e.reason for e in cohort.set_aside] == [
        "older RTSTRUCT: B1/draft.dcm is set aside for B1/rt (1).dcm, which is newer."
    ]


def read_cohort_of(root):
    hospital(root, ["B1"])
    return read_cohort(root, options=CohortOptions(several_structure_sets="newest"))
