"""What can be drawn of an excluded patient: the CT that its slices suggest, the contour where it can be filled."""

import hard_ct
import hard_rtstruct
import numpy as np
import pytest
from cohort_files import HEADER, SLICES, hospital, row, square, write_ct, write_patient, write_rtstruct, write_table
from mask_files import write_seg, write_volume

from perisurv.cohort import CohortOptions, PictureSource, cohort_from_frame, cohort_to_frame, picture_of, read_cohort
from perisurv.core import Cohort, EmptyCohortError, InputError, ReadError

REFUSED_CTS = [case for case in hard_ct.CASES if case.reason]
REFUSED_CONTOURS = [case for case in hard_rtstruct.CASES if case.reason]


def left_out(root, options=None):
    """Who is excluded, stored and read again."""
    try:
        cohort = read_cohort(root, options=options or CohortOptions(), follow_up="none")
    except EmptyCohortError as error:
        cohort = error.cohort
    gone = Cohort(cohort.left_out, cohort.clinical.iloc[:0].reindex([p.id for p in cohort.left_out]))
    again = cohort_from_frame(cohort_to_frame(gone, root), (), root)
    assert [p.source for p in again] == [p.source for p in gone]
    assert not {p.id for p in again} & set(cohort.ids)
    return {p.id: p.source for p in again}


def view_of(source):
    return source.view() if isinstance(source, PictureSource) else picture_of(source).view()


def drawn(source):
    """The view, or why there is none."""
    try:
        return view_of(source)
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("case", REFUSED_CTS, ids=lambda case: case.id)
def test_a_refused_ct_is_drawn_or_the_reason_why_not_is_told(tmp_path, case):
    case.ct(tmp_path / "B1")
    case.rt(tmp_path / "B1")
    views = [drawn(source) for source in left_out(tmp_path, CohortOptions(**case.options)).values()]
    assert views or case.id == "scouts only" or case.reason.startswith(("no PatientID", "unreadable file"))
    assert all(isinstance(v, str) or (v.ct.values.size and np.isfinite(v.ct.values).all()) for v in views)


@pytest.mark.parametrize("case", REFUSED_CONTOURS, ids=lambda case: case.id)
def test_the_ct_under_a_refused_contour_is_drawn(tmp_path, case):
    write_ct(tmp_path / "B1" / "ct", "B1")
    write_rtstruct(tmp_path / "B1" / "rt.dcm", "B1", rois=case.rois, edit=case.edit)
    source = left_out(tmp_path, CohortOptions(**case.options)).get("B1")
    if source is None:
        assert case.reason.startswith("unreadable file")
        return
    view = view_of(source)
    assert view.ct.values.shape[0] == SLICES
    assert view.tumour is not None or view.remarks


def _cut_off(folder):
    paths = write_ct(folder, "B1")
    paths[2].write_bytes(paths[2].read_bytes()[:-900])


def _not_hu(data, k):
    data.RescaleIntercept = 5000


def _wide(data, k):
    if k == 0:
        data.PixelSpacing = [3.0, 3.0]


FAULTS = {
    "no contours": (lambda r: write_ct(r / "ct", "B1"), SLICES, 0, "no contour of this CT"),
    "organs only": (
        lambda r: write_patient(r, "B1", rois={"Heart": [square(3)]}),
        SLICES,
        0,
        "Which contour is the tumour is not known",
    ),
    "slice missing": (
        lambda r: (write_ct(r / "ct", "B1", slices=[0, 1, 2, 4, 5, 6, 7]), write_rtstruct(r / "rt.dcm", "B1")),
        SLICES,
        300,
        "irregular distances",
    ),
    "slice cut off": (lambda r: (_cut_off(r / "ct"), write_rtstruct(r / "rt.dcm", "B1")), SLICES, 300, "not drawn"),
    "one slice of another size": (
        lambda r: (write_ct(r / "ct", "B1", edit=_wide), write_rtstruct(r / "rt.dcm", "B1")),
        SLICES - 1,
        0,
        "One of 2 CTs",
    ),
    "not HU": (lambda r: (write_ct(r / "ct", "B1", edit=_not_hu), write_rtstruct(r / "rt.dcm", "B1")), SLICES, 300, ""),
    "two tumours": (
        lambda r: write_patient(r, "B1", rois={"GTV-1": [square(3)], "GTV1": [square(5, 22, 25)]}),
        SLICES,
        109,
        "",
    ),
    "gap": (lambda r: write_patient(r, "B1", rois={"GTV-1": [square(1), square(2), square(5)]}), SLICES, 300, ""),
    "contour of another CT": (lambda r: write_patient(r, "B1", of="B2"), SLICES, 300, ""),
    "beside the CT": (
        lambda r: write_patient(r, "B1", rois={"GTV-1": [np.add(square(3), (50, 0, 0))]}),
        SLICES,
        0,
        "leaves the image of the CT",
    ),
    "smaller than a voxel": (
        lambda r: write_patient(r, "B1", rois={"GTV-1": [square(3, 10.6, 11.4)]}),
        SLICES,
        0,
        "encloses no voxel",
    ),
    "SEG without tumour": (lambda r: _seg(r, "Heart"), SLICES, 0, "Which contour is the tumour"),
    "SEG of two tumours": (lambda r: _seg(r, "GTV-1", "GTV1"), SLICES, 200, ""),
    "image without mask": (lambda r: write_volume(r / "B1" / "image.nii.gz", _image()), 8, 0, "There is no mask"),
    "mask on another grid": (lambda r: _pair(r, shift=0.3), 8, 8, ""),
    "mask not finite": (lambda r: _pair(r, value=np.nan), 8, 0, "not finite"),
    "image of NaN": (lambda r: _pair(r, hole=np.nan), 8, 8, ""),
    "organ mask only": (lambda r: _pair(r, name="mask_Heart"), 8, 0, "Which mask is the tumour is not known"),
}


def _seg(folder, *names):
    paths = write_ct(folder / "ct", "B1")
    masks = {}
    for n, name in enumerate(names):
        masks[name] = np.zeros((SLICES, 32, 32), bool)
        masks[name][3 + n, 10:20, 10:20] = True
    write_seg(folder / "seg.dcm", paths, masks)


def _image():
    values = np.full((8, 10, 12), -900, np.float32)
    values[:, 2:9, 2:9] = 30
    return values


def _pair(folder, shift=0.0, value=1.0, hole=None, name="mask_GTV"):
    values, mask = _image(), np.zeros((8, 10, 12), np.float32)
    mask[3:5, 4:6, 4:6] = 1
    mask[0, 0, 0] = value if value != 1 else 0
    if hole is not None:
        values[0, 0, 0] = hole
    write_volume(folder / "B1" / "image.nii.gz", values)
    write_volume(folder / "B1" / f"{name}.nii.gz", mask, origin=(1.0 + shift, 2.0, 3.0))


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_drawn_of_each_kind_of_fault(tmp_path, fault):
    write, slices, voxels, remark = FAULTS[fault]
    write(tmp_path)
    view = view_of(left_out(tmp_path)["B1"])
    assert view.ct.values.shape[0] == slices
    assert np.isfinite(view.ct.values).all()
    assert (view.tumour.voxel_count if view.tumour else 0) == voxels
    assert remark in " ".join(view.remarks)
    assert (remark == "") == (view.remarks == ())


def test_slices_that_are_there_are_drawn_as_they_are(tmp_path):
    write_ct(tmp_path / "ct", "B1", slices=[0, 1, 2, 4, 5, 6, 7])
    write_rtstruct(tmp_path / "rt.dcm", "B1")
    write_ct(tmp_path / "whole" / "ct", "B2")
    views = {name: view_of(source) for name, source in left_out(tmp_path).items()}
    kept = [0, 1, 2, 4, 5, 6, 7]
    np.testing.assert_array_equal(views["B1"].ct.values[kept], views["B2"].ct.values[kept])


@pytest.mark.parametrize("slices", [[3], [0, 7000]])
def test_no_image_is_made_of_slices_that_make_none(tmp_path, slices):
    write_ct(tmp_path / "ct", "B1", slices=[0, *slices], edit=lambda data, k: k > 0 or setattr(data, "Rows", 31))
    write_rtstruct(tmp_path / "rt.dcm", "B1")
    with pytest.raises(ReadError, match="no two whole slices|too far apart"):
        view_of(left_out(tmp_path)["B1"])


def test_a_sound_scan_without_follow_up_keeps_its_own_source(tmp_path):
    hospital(tmp_path, ["B2"])
    write_patient(tmp_path, "B1")
    cohort = read_cohort(tmp_path)
    (gone,) = cohort.left_out
    assert gone.id == "B1"
    assert gone.load().tumour.voxel_count == 300


def test_of_several_structure_sets_the_one_with_a_contour_is_drawn(tmp_path):
    write_ct(tmp_path / "ct", "B1")
    write_rtstruct(tmp_path / "a.dcm", "B1", rois={"Heart": [square(3)]})
    write_rtstruct(tmp_path / "b.dcm", "B1", rois={"GTV-1": [square(1), square(2), square(5)]})
    assert view_of(left_out(tmp_path)["B1"]).tumour.voxel_count == 300


def test_two_cts_and_no_way_to_tell_which(tmp_path):
    write_ct(tmp_path / "a", "B1", series="one")
    write_ct(tmp_path / "b", "B1", series="two", slices=range(5))
    write_rtstruct(tmp_path / "rt.dcm", "B1", series="three")
    view = view_of(left_out(tmp_path)["B1"])
    assert view.ct.values.shape[0] == SLICES
    assert view.tumour is None
    assert "One of 2 CTs" in view.remarks[0]


def test_a_picture_is_no_scan(tmp_path):
    write_ct(tmp_path / "ct", "B1")
    source = left_out(tmp_path)["B1"]
    with pytest.raises(ReadError, match="B1 is excluded; what can be read of the scan serves pictures only"):
        source.read("B1")


def test_who_has_no_ct_has_no_picture(tmp_path):
    write_rtstruct(tmp_path / "rt.dcm", "B1")
    write_table(tmp_path, [row("B2")], HEADER)
    assert left_out(tmp_path) == {}
