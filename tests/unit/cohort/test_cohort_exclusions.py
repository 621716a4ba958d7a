"""One broken thing at a time beside two sound patients: it becomes one row with its reason, the rest goes on."""

import numpy as np
import pytest
from cohort_files import (
    FIRST_MM,
    SLICES,
    STEP_MM,
    TUMOUR,
    excluded,
    hospital,
    reason_of,
    row,
    square,
    uid,
    write_ct,
    write_patient,
    write_rtstruct,
    write_table,
)

from perisurv.cohort import CohortOptions, read_cohort, read_patient
from perisurv.core import InputError


def broken_ct(root, edit=None, slices=range(SLICES)):
    hospital(root, ["B1"])
    write_ct(root / "B1" / "ct", "B1", edit=edit, slices=slices)
    write_rtstruct(root / "B1" / "rt.dcm", "B1")


def broken_contour(root, **options):
    hospital(root, ["B1"])
    write_ct(root / "B1" / "ct", "B1")
    write_rtstruct(root / "B1" / "rt.dcm", "B1", **options)


def test_sound_patients_are_all_read(tmp_path):
    hospital(tmp_path)
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("S1", "S2")
    assert cohort.exclusions == ()
    assert cohort.outcome.time_days.tolist() == [700.0, 300.0]
    assert cohort.outcome.event.tolist() == [True, False]
    assert cohort.centres == {tmp_path.name: ("S1", "S2")}


def test_missing_slice_inside(tmp_path):
    broken_ct(tmp_path, slices=[0, 1, 2, 4, 5, 6, 7])
    reason = reason_of(tmp_path)
    assert reason.startswith("missing slice: B1/ct/002.dcm and B1/ct/004.dcm are 6.00 mm apart where 3.00 mm")


@pytest.mark.parametrize("gone", [0, SLICES - 1])
def test_missing_slice_at_the_end(tmp_path, gone):
    broken_ct(tmp_path, slices=[k for k in range(SLICES) if k != gone])
    assert reason_of(tmp_path).startswith("missing slice: B1/ct lacks 1 of the 8 slices that B1/rt.dcm refers to")


def test_irregular_slices(tmp_path):
    def shift(data, k):
        data.ImagePositionPatient[2] = FIRST_MM[2] + STEP_MM * k + (0.1 if k == 3 else 0.0)

    broken_ct(tmp_path, shift)
    assert reason_of(tmp_path).startswith("irregular slice distance: slices in B1/ct are 2.900 to 3.100 mm apart")
    relaxed = read_cohort(tmp_path, options=CohortOptions(slice_tolerance=0.05))
    assert relaxed.ids == ("B1", "S1", "S2")


def test_irregularity_below_one_percent_is_tolerated(tmp_path):
    def shift(data, k):
        data.ImagePositionPatient[2] = FIRST_MM[2] + STEP_MM * k + (0.01 if k == 3 else 0.0)

    broken_ct(tmp_path, shift)
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("B1", "S1", "S2")
    assert cohort["B1"].load().ct.geometry.spacing_mm[0] == pytest.approx(STEP_MM)


def test_two_series_with_one_uid_at_the_same_positions(tmp_path):
    broken_ct(tmp_path)

    def other_files(data, k):
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid("copy", k)

    write_ct(tmp_path / "B1" / "again", "B1", edit=other_files)
    reason = reason_of(tmp_path)
    assert reason.startswith("two series with one UID: B1/again/000.dcm and B1/ct/000.dcm lie at one position")
    assert "8 pairs" in reason


def matrix(data, k):
    data.Rows, data.PixelData = 16, data.PixelData[:1024]


def frame(data, k):
    data.FrameOfReferenceUID = uid("elsewhere")


def turned(data, k):
    data.ImageOrientationPatient = [0, 1, 0, -1, 0, 0]


def zoomed(data, k):
    data.PixelSpacing = [1.0, 1.0]


def renamed(data, k):
    data.PatientID = "B2"


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (matrix, "matrix"),
        (frame, "frame of reference"),
        (turned, "orientation or pixel spacing"),
        (zoomed, "orientation or pixel spacing"),
    ],
)
def test_two_series_with_one_uid_that_differ(tmp_path, edit, what):
    broken_ct(tmp_path, lambda data, k: edit(data, k) if k >= 5 else None)
    reason = reason_of(tmp_path)
    assert reason.startswith(
        f"two series with one UID: B1/rt.dcm fits 2 volumes under one SeriesInstanceUID that differ in {what}: "
        "5 slices from B1/ct/000.dcm"
    )
    assert "3 slices from B1/ct/005.dcm" in reason


def test_two_patients_in_one_series(tmp_path):
    broken_ct(tmp_path, lambda data, k: renamed(data, k) if k >= 5 else None)
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("S1", "S2")
    reasons = {e.patient: e.reason for e in cohort.exclusions}
    assert reasons["B1"].startswith("two series with one UID")
    assert "differ in patient" in reasons["B1"]
    assert reasons["B2"].startswith("no RTSTRUCT")


def test_gantry_tilt_in_the_positions(tmp_path):
    def shear(data, k):
        data.ImagePositionPatient[1] = FIRST_MM[1] + 0.5 * k

    broken_ct(tmp_path, shear)
    assert reason_of(tmp_path).startswith(
        "gantry tilt: the slices in B1/ct drift sideways by 3.50 mm; at most half a pixel (1.00 mm)"
    )


def no_slope(data, k):
    del data.RescaleSlope


def optical_density(data, k):
    data.RescaleType = "OD"


def inverse(data, k):
    data.PhotometricInterpretation = "MONOCHROME1"


@pytest.mark.parametrize("edit", [no_slope, optical_density, inverse])
def test_not_hu(tmp_path, edit):
    broken_ct(tmp_path, edit)
    assert reason_of(tmp_path).startswith("not HU: B1/ct/000.dcm")


def enhanced(data, k):
    data.NumberOfFrames, data.PixelData = 2, data.PixelData * 2


def no_position(data, k):
    del data.ImagePositionPatient


def skew(data, k):
    data.ImageOrientationPatient = [1, 0, 0, 0.1, 1, 0]


@pytest.mark.parametrize("edit", [enhanced, no_position, skew])
def test_no_slice_geometry(tmp_path, edit):
    broken_ct(tmp_path, edit)
    assert reason_of(tmp_path).startswith("no slice geometry: B1/ct/000.dcm")


def test_single_slice(tmp_path):
    broken_ct(tmp_path, slices=[4])
    assert reason_of(tmp_path).startswith("no slice geometry: B1/ct/004.dcm is the only slice")


def test_rtstruct_of_a_ct_that_is_not_there(tmp_path):
    broken_contour(tmp_path, series="follow-up")
    assert reason_of(tmp_path).startswith("RTSTRUCT of another CT: B1/rt.dcm was drawn on a CT that is not in the")


def test_rtstruct_of_the_ct_of_another_patient(tmp_path):
    broken_contour(tmp_path, of="S1")
    assert reason_of(tmp_path).startswith("RTSTRUCT of another CT: B1/rt.dcm was drawn on the CT of another patient")


def other_frame(data, _):
    data.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID = uid("elsewhere")


def other_images(data, _):
    series = data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    for n, image in enumerate(series.ContourImageSequence):
        image.ReferencedSOPInstanceUID = uid("elsewhere", n)


@pytest.mark.parametrize("edit", [other_frame, other_images])
def test_rtstruct_that_names_another_frame_or_other_slices(tmp_path, edit):
    broken_contour(tmp_path, edit=edit)
    assert reason_of(tmp_path).startswith("RTSTRUCT of another CT: B1/rt.dcm")


@pytest.mark.parametrize(
    ("contour", "what"),
    [
        (square(SLICES + 1), "slice 10 of a CT with 8 slices"),
        (np.add(square(3), (50, 0, 0)), "leaves the image"),
        (square(3)[:, [0, 2, 1]], "leaves the image"),
    ],
)
def test_contour_that_does_not_lie_on_the_ct(tmp_path, contour, what):
    broken_contour(tmp_path, rois={"GTV-1": [contour]})
    reason = reason_of(tmp_path)
    assert reason.startswith("RTSTRUCT of another CT: ROI GTV-1 of B1/rt.dcm")
    assert what in reason


def test_no_rtstruct(tmp_path):
    hospital(tmp_path, ["B1"])
    write_ct(tmp_path / "B1" / "ct", "B1")
    assert reason_of(tmp_path).startswith("no RTSTRUCT: the CT in B1/ct comes without contours")


def test_rtstruct_without_references_is_matched_by_frame_of_reference(tmp_path):
    def forget(data, _):
        del data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence

    broken_contour(tmp_path, edit=forget)
    assert read_cohort(tmp_path).ids == ("B1", "S1", "S2")
    write_ct(tmp_path / "B1" / "second", "B1", series="second")
    assert reason_of(tmp_path).startswith("ambiguous CT: B1/rt.dcm fits 2 CT series")


def test_no_tumour_roi_lists_the_names(tmp_path):
    broken_contour(tmp_path, rois={"Lung-Left": [square(3)], "GTVn": [square(3)], "Heart ": [square(4)]})
    reason = reason_of(tmp_path)
    assert reason.startswith("no tumour ROI: B1/rt.dcm has no ROI whose name says primary tumour")
    assert "Lung-Left, GTVn, Heart" in reason


def test_several_tumour_rois_are_not_guessed(tmp_path):
    broken_contour(tmp_path, rois={"GTV-2": [square(3)], "GTV-3": [square(4)]})
    assert reason_of(tmp_path).startswith("no tumour ROI: B1/rt.dcm has several tumour ROIs (GTV-2, GTV-3)")


@pytest.mark.parametrize("contours", [[], [square(3)[:2]], [np.array([[0.0, 0.0, 0.0]])]])
def test_empty_contour(tmp_path, contours):
    contours = [c if len(c) > 1 else square(3)[:1] for c in contours]
    broken_contour(tmp_path, rois={"GTV-1": contours})
    assert reason_of(tmp_path).startswith("empty contour: ROI GTV-1 of B1/rt.dcm has no closed contour")


def test_contours_that_are_not_closed_are_an_empty_contour(tmp_path):
    def points(data, _):
        for contour in data.ROIContourSequence[0].ContourSequence:
            contour.ContourGeometricType = "POINT"

    broken_contour(tmp_path, edit=points)
    assert reason_of(tmp_path).startswith("empty contour: ROI GTV-1")


def test_contour_between_voxel_centres_is_empty(tmp_path):
    broken_contour(tmp_path, rois={"GTV-1": [square(3, 10.6, 11.4)]})
    assert reason_of(tmp_path).startswith("empty contour: ROI GTV-1 of B1/rt.dcm encloses no voxel")


@pytest.mark.parametrize("time", ["0", "-3", "", "NA", "soon", "inf"])
def test_survival_time_that_is_not_positive(tmp_path, time):
    hospital(tmp_path, ["B1"], B1=row("B1", time))
    write_patient(tmp_path, "B1")
    reason = reason_of(tmp_path)
    assert reason.startswith("negative or zero time of follow-up: column Survival.time of clinical.csv holds")
    assert repr(time) in reason


@pytest.mark.parametrize("event", ["2", "", "NA", "maybe", "-1", "0.5"])
def test_event_that_is_not_0_or_1(tmp_path, event):
    hospital(tmp_path, ["B1"], B1=row("B1", 500, event))
    write_patient(tmp_path, "B1")
    reason = reason_of(tmp_path)
    assert reason.startswith("event not 0/1: column deadstatus.event of clinical.csv holds")
    assert repr(event) in reason


def test_duplicate_patient_in_the_images(tmp_path):
    broken_ct(tmp_path)
    write_ct(tmp_path / "B1b" / "ct", "b1 ", series="second")
    write_rtstruct(tmp_path / "B1b" / "rt.dcm", "b1 ", of="B1", edit=lambda d, _: _refer(d, "b1 ", "second"))
    reason = reason_of(tmp_path)
    assert reason.startswith("duplicate patient: there are 2 contoured CTs (B1/rt.dcm, B1b/rt.dcm)")


def _refer(data, patient, series):
    frame = data.ReferencedFrameOfReferenceSequence[0]
    frame.FrameOfReferenceUID = uid(patient, "frame")
    referenced = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    referenced.SeriesInstanceUID = uid(patient, series)
    del referenced.ContourImageSequence


def test_two_contours_of_one_ct_are_a_duplicate(tmp_path):
    broken_contour(tmp_path)
    write_rtstruct(tmp_path / "B1" / "rt2.dcm", "B1", rois={"GTV-1": [square(3), square(4)]})
    assert reason_of(tmp_path).startswith("duplicate patient: there are 2 contours of one CT (B1/rt.dcm, B1/rt2.dcm)")


def test_duplicate_patient_in_the_table(tmp_path):
    hospital(tmp_path)
    write_patient(tmp_path, "B1")
    write_table(tmp_path, [row("S1"), row("S2"), row("B1"), row(" b1 ", 50, 0)])
    assert reason_of(tmp_path).startswith("duplicate patient: there are 2 clinical rows in clinical.csv")


def test_no_clinical_row(tmp_path):
    hospital(tmp_path)
    write_patient(tmp_path, "B1")
    assert reason_of(tmp_path).startswith("no clinical row")


def test_clinical_row_without_images(tmp_path):
    hospital(tmp_path, ["B1"])
    assert reason_of(tmp_path).startswith("no CT: clinical.csv names this patient")


@pytest.mark.parametrize("lost", [1, 10, 1000, 2048 + 5])
def test_truncated_slice(tmp_path, lost):
    broken_ct(tmp_path)
    path = tmp_path / "B1" / "ct" / "004.dcm"
    path.write_bytes(path.read_bytes()[:-lost])
    assert reason_of(tmp_path).startswith("unreadable file: B1/ct/004.dcm ends before its pixels do")


def test_slice_cut_off_in_its_header(tmp_path):
    broken_ct(tmp_path)
    path = tmp_path / "B1" / "ct" / "004.dcm"
    path.write_bytes(path.read_bytes()[:340])
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("S1", "S2")
    reasons = {e.patient: e.reason for e in (*cohort.exclusions, *cohort.set_aside)}
    assert "B1/ct/004.dcm" in " ".join(reasons.values())
    assert all(r.startswith(("unreadable file", "missing slice")) for r in reasons.values())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_truncated_rtstruct(tmp_path, share):
    broken_contour(tmp_path)
    path = tmp_path / "B1" / "rt.dcm"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("S1", "S2")
    reasons = [e.reason for e in (*cohort.set_aside, *cohort.exclusions)]
    assert reasons[0].startswith("unreadable file: B1/rt.dcm")


def test_file_that_is_called_dicom_and_is_not(tmp_path):
    hospital(tmp_path)
    (tmp_path / "S1" / "ct" / "099.dcm").write_bytes(b"<html>session expired</html>")
    assert excluded(read_cohort(tmp_path), "").startswith("unreadable file: S1/ct/099.dcm is called DICOM but is not")


def test_dicom_without_class_is_unreadable(tmp_path):
    hospital(tmp_path)
    (tmp_path / "S1" / "noise").write_bytes(bytes(128) + b"DICM" + bytes(range(256)))
    assert excluded(read_cohort(tmp_path), "").startswith("unreadable file: S1/noise")


def test_slice_with_a_value_that_dicom_does_not_allow(tmp_path):
    def text(data, k):
        if k == 4:
            data.add_new("RescaleSlope", "LO", "one")

    broken_ct(tmp_path, text)
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("S1", "S2")
    file, series = sorted((e.reason for e in cohort.exclusions if e.patient == "B1"), reverse=True)
    assert file.startswith("unreadable file: B1/ct/004.dcm holds a value that DICOM does not allow")
    assert series.startswith("missing slice")


def test_empty_patient_id(tmp_path):
    hospital(tmp_path)
    write_ct(tmp_path / "anonymous", "")
    write_rtstruct(tmp_path / "anonymous" / "rt.dcm", "")
    assert excluded(read_cohort(tmp_path), "").startswith("no PatientID: the DICOM header in anonymous/rt.dcm")


def test_spare_rtstruct_is_named_and_the_patient_stays(tmp_path):
    hospital(tmp_path)
    write_rtstruct(tmp_path / "S1" / "old.dcm", "S1", series="diagnostic")
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("S1", "S2")
    assert [(e.patient, e.reason[:22]) for e in cohort.set_aside] == [("S1", "RTSTRUCT of another CT")]


def test_unreferenced_series_localizers_and_junk_do_not_disturb(tmp_path):
    hospital(tmp_path)
    write_ct(tmp_path / "S1" / "diagnostic", "S1", series="diagnostic", slices=[0, 1, 5])

    def scout(data, k):
        data.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid("scout", k)

    write_ct(tmp_path / "S1" / "scout", "S1", slices=[2], edit=scout)

    def pet(data, k):
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
        data.Modality = "PT"

    write_ct(tmp_path / "S1" / "pet", "S1", series="pet", edit=pet)
    for name in ("report.pdf", ".DS_Store", "Thumbs.db", "README", "._001.dcm"):
        (tmp_path / name).write_bytes(b"\x00\x05\x16\x07junk")
    directory = bytes(128) + b"DICM" + _meta("1.2.840.10008.1.3.10")
    (tmp_path / "DICOMDIR").write_bytes(directory)
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("S1", "S2")
    assert cohort.exclusions == ()


def _meta(sop_class):
    def element(number, vr, value):
        value += b"\0" * (len(value) % 2)
        return b"\x02\x00" + number.to_bytes(2, "little") + vr + len(value).to_bytes(2, "little") + value

    body = element(2, b"UI", sop_class.encode()) + element(0x10, b"UI", b"1.2.840.10008.1.2.1")
    return element(0, b"UL", len(body).to_bytes(4, "little")) + body


def test_linked_folders_are_followed_once(tmp_path):
    hospital(tmp_path / "store")
    cohort_folder = tmp_path / "cohort"
    cohort_folder.mkdir()
    (cohort_folder / "all").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "loop").symlink_to(cohort_folder)
    assert read_cohort(cohort_folder).ids == ("S1", "S2")


def test_truth_of_a_simulation_is_never_opened(tmp_path, monkeypatch):
    hospital(tmp_path)
    for name in ("truth.parquet", "truth_2.parquet"):
        (tmp_path / name).write_bytes(bytes(128) + b"DICM")
    opened = []
    original = type(tmp_path).open
    monkeypatch.setattr(
        type(tmp_path), "open", lambda path, *a, **k: opened.append(path.name) or original(path, *a, **k)
    )
    assert read_cohort(tmp_path).exclusions == ()
    assert "000.dcm" in opened
    assert not [name for name in opened if name.startswith("truth")]


def test_whole_cohort_errors(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        read_cohort(tmp_path / "nowhere")
    with pytest.raises(InputError, match="No patient is left.*holds no DICOM CT"):
        read_cohort(tmp_path)
    write_patient(tmp_path, "S1")
    with pytest.raises(InputError, match="No patient is left.*1 x no clinical row"):
        read_cohort(tmp_path, follow_up="required")
    write_table(tmp_path, [row("S1", 300, 0)])
    with pytest.raises(InputError, match="The only patient is censored"):
        read_cohort(tmp_path)
    with pytest.raises(InputError, match="no clinical table"):
        read_cohort(tmp_path, clinical=tmp_path / "missing.csv")


def test_patient_to_be_predicted_needs_no_table(tmp_path):
    write_patient(tmp_path, "P1", rois=TUMOUR)
    cohort = read_patient(tmp_path)
    assert cohort.outcome is None
    assert cohort.centres == {"unknown": ("P1",)}
    assert cohort.clinical.loc["P1"].isna().all()


def test_patient_to_be_predicted_with_a_table_without_outcome(tmp_path):
    write_patient(tmp_path, "P1")
    write_table(tmp_path / "north", ["p1,71,IV,squamous,w"], header="PatientID,age,stage,histology,sex")
    cohort = read_patient(tmp_path)
    assert cohort.clinical.loc["P1"].dropna().to_dict() == {
        "age_years": 71.0, "sex": "female", "stage": 4.0, "stage_group": "IV", "histology": "squamous",
    }  # fmt: skip
    assert cohort.centres == {"north": ("P1",)}
