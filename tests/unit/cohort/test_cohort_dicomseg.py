"""DICOM SEG: the CT it belongs to, its segments, and every voxel in its place."""

import numpy as np
import pydicom
import pytest
from cohort_files import (
    COLUMNS,
    FIRST_MM,
    PIXEL_MM,
    ROWS,
    SLICES,
    STEP_MM,
    excluded,
    hospital,
    row,
    uid,
    write_ct,
    write_patient,
    write_rtstruct,
    write_table,
)
from mask_files import write_seg

from perisurv.cohort import (
    CohortOptions,
    ColumnOptions,
    RoiRule,
    cohort_from_frame,
    cohort_to_frame,
    read_cohort,
    read_patient,
)
from perisurv.core import GeometryError, InputError, ReadError

SHAPE = (SLICES, ROWS, COLUMNS)


def box(k, j, i):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[slice(*k), slice(*j), slice(*i)] = True
    return mask


TUMOUR = box((3, 6), (10, 20), (10, 20)) | box((4, 5), (20, 21), (10, 12))
NODE = box((2, 5), (2, 5), (25, 30))


def patient(root, name="P1", segments=None, ct_edit=None, **options):
    ct = write_ct(root / name / "ct", name, edit=ct_edit)
    return write_seg(root / name / "seg.dcm", ct, segments or {"GTV-1": TUMOUR, "GTVn": NODE}, **options)


def load(root, **options):
    return read_patient(root, CohortOptions(**options)).patients[0].load()


def broken(root, options=None, **seg):
    """The reason why B1 is left out, beside two sound patients."""
    hospital(root, ["B1"])
    patient(root, "B1", **seg)
    return excluded(read_cohort(root, options=options or CohortOptions()), "B1")


def found(root, **options):
    return {f.id: f for f in read_patient(root, CohortOptions(**options)).findings["P1"]}


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_every_voxel_comes_back(tmp_path, kind):
    patient(tmp_path, kind=kind)
    scan = load(tmp_path)
    np.testing.assert_array_equal(scan.tumour.values, TUMOUR)
    assert scan.others is None
    assert scan.acquisition["kernel"] == "B30f"
    assert found(tmp_path)["no_voxel"].text == "302 voxels on 3 slices, 4 to 6."


def test_frames_are_sparse_and_may_lie_in_any_order(tmp_path):
    def shuffle(data):
        frames = list(data.PerFrameFunctionalGroupsSequence)
        order = np.random.default_rng(1).permutation(len(frames))
        assert len(frames) == 6
        size = ROWS * COLUMNS // 8
        data.PerFrameFunctionalGroupsSequence = [frames[n] for n in order]
        data.PixelData = b"".join(data.PixelData[n * size : (n + 1) * size] for n in order)

    patient(tmp_path, edit=shuffle)
    np.testing.assert_array_equal(load(tmp_path).tumour.values, TUMOUR)


def test_distance_of_the_frames_need_not_be_known(tmp_path):
    """Frames on the second and sixth slice only, and nothing that says how far slices are apart."""

    def forget(data):
        measures = data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        del measures.SpacingBetweenSlices
        measures.SliceThickness = 1

    two = box((1, 2), (2, 5), (2, 5)) | box((5, 6), (20, 25), (20, 25))
    patient(tmp_path, segments={"GTV-1": two}, edit=forget)
    np.testing.assert_array_equal(load(tmp_path).tumour.values, two)


def test_rows_listed_backwards(tmp_path):
    """The SEG lists its columns from the other side; so does its orientation."""

    def turn(data):
        data.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
        for frame in data.PerFrameFunctionalGroupsSequence:
            position = frame.PlanePositionSequence[0].ImagePositionPatient
            position[0] = FIRST_MM[0] + PIXEL_MM * (COLUMNS - 1)

    patient(tmp_path, segments={"GTV-1": TUMOUR[:, :, ::-1]}, edit=turn)
    np.testing.assert_array_equal(load(tmp_path).tumour.values, TUMOUR)


def test_oblique_ct(tmp_path):
    turn = np.array([[0.961262, 0.0, -0.275637], [0.0759756, 0.961262, 0.264960]])
    normal = np.cross(*turn)

    def oblique(data, k):
        data.ImageOrientationPatient = [round(v, 6) for v in turn.ravel()]
        data.ImagePositionPatient = [round(v, 4) for v in np.add(FIRST_MM, STEP_MM * k * normal)]

    patient(tmp_path, ct_edit=oblique)
    np.testing.assert_array_equal(load(tmp_path).tumour.values, TUMOUR)


def test_slices_at_slightly_irregular_distances(tmp_path):
    """A frame lies on the slice itself, not on where a regular grid would have it."""

    def drift(data, k):
        data.ImagePositionPatient[0] += 0.1 * k  # 0.7 mm in all, less than half a pixel
        data.ImagePositionPatient[2] += 0.01 * (k % 2)

    patient(tmp_path, ct_edit=drift)
    np.testing.assert_array_equal(load(tmp_path).tumour.values, TUMOUR)


@pytest.mark.parametrize("kind", ["PROBABILITY", "OCCUPANCY"])
def test_threshold_of_fractional_segments(tmp_path, kind):
    share = TUMOUR * 0.6
    share[4, 12:15, 12] = 0.4
    patient(tmp_path, segments={"GTV-1": np.round(share * 200) / 200}, kind="FRACTIONAL", fractional_type=kind,
            max_fractional_value=200)  # fmt: skip
    for threshold, count in ((None, 299), (0.5, 299), (0.6, 299), (0.605, 0), (0.4, 302)):
        if count:
            assert load(tmp_path, mask_threshold=threshold).tumour.voxel_count == count
    reasons = read_patient_reason(tmp_path, mask_threshold=0.605)
    assert reasons.startswith("empty mask: segment GTV-1 of P1/seg.dcm holds no voxel")


def read_patient_reason(root, **options):
    write_patient(root, "S1")
    (exclusion,) = read_patient(root, CohortOptions(**options)).exclusions
    return exclusion.reason


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("^GTVn$", NODE), (RoiRule(exact="gtvN"), NODE), (RoiRule(glob="*-1"), TUMOUR)],
)
def test_segments_are_chosen_by_the_rules_of_rois(tmp_path, rule, expected):
    patient(tmp_path)
    np.testing.assert_array_equal(load(tmp_path, tumour_roi=(rule,)).tumour.values, expected)


@pytest.mark.parametrize("kind", ["Neoplasm", " neoplasm", "108369006"])
def test_type_is_the_meaning_or_code_of_the_segmented_property(tmp_path, kind):
    patient(tmp_path)
    rules = (RoiRule(type=kind),)
    assert load(tmp_path, tumour_roi=rules, several_rois="union").tumour.voxel_count == (TUMOUR | NODE).sum()
    assert load(tmp_path, tumour_roi=rules, several_rois="largest").tumour.voxel_count == TUMOUR.sum()
    with pytest.raises(InputError) as error:
        load(tmp_path, tumour_roi=rules)
    assert "no tumour ROI: P1/seg.dcm has several tumour segments (GTV-1, GTVn) by type" in str(error.value)


def test_other_lesions_without_the_tumour(tmp_path):
    patient(tmp_path, segments={"GTV-1": TUMOUR, "GTVn": NODE | TUMOUR})
    scan = load(tmp_path, other_lesions=(RoiRule(type="Neoplasm"),))
    np.testing.assert_array_equal(scan.tumour.values, TUMOUR)
    np.testing.assert_array_equal(scan.others.values, NODE)


def test_the_source_survives_the_table_at_another_place(tmp_path):
    patient(tmp_path / "a")
    cohort = read_patient(tmp_path / "a", CohortOptions(other_lesions=("n$",), mask_threshold=0.3))
    frame = cohort_to_frame(cohort, tmp_path)
    assert str(tmp_path) not in frame.to_json()
    again = cohort_from_frame(frame, (), tmp_path)["P1"]
    assert again.source == cohort["P1"].source.below(tmp_path)
    assert again.load().others.voxel_count == NODE.sum()


# --- which CT --------------------------------------------------------------------------------------------------------


def test_seg_of_a_ct_that_is_not_there(tmp_path):
    def elsewhere(data):
        data.ReferencedSeriesSequence[0].SeriesInstanceUID = uid("elsewhere")

    assert broken(tmp_path, edit=elsewhere).startswith("DICOM SEG of another CT: B1/seg.dcm was drawn on a CT that is")


def test_seg_of_the_ct_of_another_patient(tmp_path):
    hospital(tmp_path, ["B1"])
    ct = sorted((tmp_path / "S1" / "ct").iterdir())

    def rename(data):
        data.PatientID = "B1"

    write_seg(tmp_path / "B1" / "seg.dcm", ct, {"GTV-1": TUMOUR}, edit=rename)
    reason = excluded(read_cohort(tmp_path), "B1")
    assert reason.startswith("DICOM SEG of another CT: B1/seg.dcm was drawn on the CT of another patient")


def other_frame(data):
    data.FrameOfReferenceUID = uid("elsewhere")


def other_images(data):
    for n, image in enumerate(data.ReferencedSeriesSequence[0].ReferencedInstanceSequence):
        image.ReferencedSOPInstanceUID = uid("elsewhere", n)


def test_seg_that_names_another_frame(tmp_path):
    reason = broken(tmp_path, edit=other_frame)
    assert reason.startswith("DICOM SEG of another CT: B1/seg.dcm names another frame of reference")


def test_seg_that_lists_other_slices_than_its_frames_name(tmp_path):
    reason = broken(tmp_path, edit=other_images)
    assert reason.startswith("missing slice: B1/ct lacks 8 of the 11 slices that B1/seg.dcm refers to")


def test_slice_that_the_seg_refers_to_is_missing(tmp_path):
    hospital(tmp_path, ["B1"])
    patient(tmp_path, "B1")
    (tmp_path / "B1" / "ct" / "000.dcm").unlink()
    reason = excluded(read_cohort(tmp_path), "B1")
    assert reason.startswith("missing slice: B1/ct lacks 1 of the 8 slices that B1/seg.dcm refers to")


def test_seg_without_references_is_matched_by_frame_of_reference(tmp_path):
    def forget(data):
        del data.ReferencedSeriesSequence

    hospital(tmp_path, ["B1"])
    patient(tmp_path, "B1", edit=forget)
    assert read_cohort(tmp_path).ids == ("B1", "S1", "S2")

    def forget_frames(data):
        forget(data)
        for frame in data.PerFrameFunctionalGroupsSequence:
            del frame.DerivationImageSequence

    patient(tmp_path, "B1", edit=forget_frames)
    write_ct(tmp_path / "B1" / "second", "B1", series="second")
    assert excluded(read_cohort(tmp_path), "B1").startswith("ambiguous CT: B1/seg.dcm fits 2 CT series")


def test_frames_that_name_their_slice_decide_between_series(tmp_path):
    def forget(data):
        del data.ReferencedSeriesSequence

    patient(tmp_path, edit=forget)
    write_ct(tmp_path / "P1" / "second", "P1", series="second")
    assert load(tmp_path).tumour.voxel_count == TUMOUR.sum()


def test_frame_on_another_slice_than_it_names(tmp_path):
    def swap(data):
        frames = data.PerFrameFunctionalGroupsSequence
        places = [list(f.PlanePositionSequence[0].ImagePositionPatient) for f in frames[:3]]
        for frame, place in zip(frames[:3], places[::-1], strict=True):
            frame.PlanePositionSequence[0].ImagePositionPatient = place

    patient(tmp_path)
    assert found(tmp_path)["wrong_slice"].text == "At most 0.00 slices off the slice named."
    reason = broken(tmp_path / "second", edit=swap)
    assert reason.startswith("frame on another slice than it names: B1/seg.dcm: a frame on slice 4 names B1/ct/005.dcm")


# --- segments that cannot be used -------------------------------------------------------------------------------------


def test_no_tumour_segment_lists_the_names(tmp_path):
    reason = broken(tmp_path, segments={"Lung": NODE, "GTVn": NODE})
    assert reason.startswith(
        "no tumour ROI: B1/seg.dcm has no segment whose name says primary tumour; its segments are Lung "
    )
    assert "GTVn (type Neoplasm)" in reason


@pytest.mark.parametrize("other", ["GTV_LN", "GTV met", "PTV", "Tumor bed"])
def test_a_node_is_not_the_tumour(tmp_path, other):
    patient(tmp_path / "a", segments={"Lung tumor": TUMOUR, other: NODE})
    np.testing.assert_array_equal(load(tmp_path / "a").tumour.values, TUMOUR)
    assert "has no segment whose name says primary tumour" in broken(tmp_path / "b", segments={other: NODE})


def test_empty_segment(tmp_path):
    reason = broken(tmp_path, segments={"GTV-1": TUMOUR & False, "GTVn": NODE})
    assert reason.startswith("empty mask: segment GTV-1 of B1/seg.dcm holds no voxel of the CT in B1/ct")


def test_empty_segment_yields_to_a_drawn_one(tmp_path):
    patient(tmp_path, segments={"GTV 1": TUMOUR & False, "GTV-1": TUMOUR})
    assert load(tmp_path).tumour.voxel_count == TUMOUR.sum()


def test_slice_left_out(tmp_path):
    gap = {"GTV-1": TUMOUR & ~box((4, 5), (0, ROWS), (0, COLUMNS))}
    reason = broken(tmp_path, segments=gap)
    assert reason.startswith("slices without mask: segment GTV-1 of B1/seg.dcm: slice 5 lies empty between two that")
    leave = CohortOptions(between_slices="leave")
    assert read_cohort(tmp_path, options=leave)["B1"].load().tumour.voxel_count == gap["GTV-1"].sum()


def test_two_lesions_one_below_the_other_are_no_gap(tmp_path):
    patient(tmp_path, segments={"GTV-1": box((1, 3), (2, 5), (2, 5)) | box((5, 7), (20, 25), (20, 25))})
    assert load(tmp_path).tumour.voxel_count == 18 + 50


def half_slices(data):
    for frame in data.PerFrameFunctionalGroupsSequence:
        frame.PlanePositionSequence[0].ImagePositionPatient[2] += STEP_MM / 2


def fine_pixels(data):
    """Pixels of half the size from the same first voxel: a quarter of the area."""
    data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [PIXEL_MM / 2, PIXEL_MM / 2]


@pytest.mark.parametrize(("edit", "ml"), [(half_slices, 3.624), (fine_pixels, 0.906)])
def test_another_grid_is_refused_or_resampled(tmp_path, edit, ml):
    reason = broken(tmp_path, edit=edit)
    assert reason.startswith("mask on another grid: segment GTV-1 of B1/seg.dcm: its grid of 32 x 32 x 4 voxels of")
    assert "not that of the CT in B1/ct, 32 x 32 x 8 voxels of 2 x 2 x 3 mm" in reason
    cohort = read_cohort(tmp_path, options=CohortOptions(other_grid="resample"))
    assert cohort.ids == ("B1", "S1", "S2")
    (note,) = [n for n in cohort.notes if "another grid" in n]
    assert "1 of 3 patients" in note
    check = next(f for f in cohort.findings["B1"] if f.id == "mask_grid")
    assert check.text.startswith("Resampled to the CT: its grid of 32 x 32 x 4 voxels of")
    assert f"tumour of {ml:.2f} ml before" in check.text
    scan = cohort["B1"].load()
    assert scan.tumour.volume_ml == pytest.approx(ml * (1 + check.value))
    assert abs(check.value) < 0.02


def test_resampled_mask_lies_where_it_was_drawn(tmp_path):
    """Half a pixel from the same first voxel: the box of the tumour shrinks towards that voxel."""
    patient(tmp_path, segments={"GTV-1": box((3, 6), (10, 20), (10, 20))}, edit=fine_pixels)
    values = load(tmp_path, other_grid="resample").tumour.values
    np.testing.assert_array_equal(values, box((3, 6), (5, 10), (5, 10)))


def test_seg_beyond_the_ct(tmp_path):
    def away(data):
        for frame in data.PerFrameFunctionalGroupsSequence:
            frame.PlanePositionSequence[0].ImagePositionPatient[0] += 15 * PIXEL_MM

    reason = broken(tmp_path, CohortOptions(other_grid="resample"), edit=away)
    assert reason.startswith("mask of another CT: segment GTV-1 of B1/seg.dcm reaches 90 voxels beyond the CT in B1/ct")


def nameless(data):
    for frame in data.PerFrameFunctionalGroupsSequence:
        del frame.DerivationImageSequence


def twice(data):
    nameless(data)
    frames = data.PerFrameFunctionalGroupsSequence
    frames[1].PlanePositionSequence[0].ImagePositionPatient = frames[0].PlanePositionSequence[0].ImagePositionPatient


def without_position(data):
    del data.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence


def irregular(data):
    nameless(data)
    for n, frame in enumerate(data.PerFrameFunctionalGroupsSequence):
        frame.PlanePositionSequence[0].ImagePositionPatient[2] += 0.3 * n * n


def without_segments(data):
    del data.SegmentSequence


def one_number(data):
    for item in data.SegmentSequence:
        item.SegmentNumber = 1


def frame_of_no_segment(data):
    data.PerFrameFunctionalGroupsSequence[0].SegmentIdentificationSequence[0].ReferencedSegmentNumber = None


def pixels_of_no_size(data):
    data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [0, 2]


def unknown_kind(data):
    data.SegmentationType = "MAGIC"


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (twice, "unusable mask: B1/seg.dcm: segment 1 has two frames at one position"),
        (without_position, "unusable mask: B1/seg.dcm cannot be read as DICOM SEG"),
        (irregular, "unusable mask: B1/seg.dcm: segment 1 lies on other planes than the slices of the CT"),
        (without_segments, "unreadable file: B1/seg.dcm is not a whole DICOM SEG"),
        (one_number, "unreadable file: B1/seg.dcm gives the segments GTV-1, GTVn one number (1)"),
        (frame_of_no_segment, "unusable mask: B1/seg.dcm cannot be read as DICOM SEG"),
        (pixels_of_no_size, "unusable mask: B1/seg.dcm: Voxel spacing must be positive"),
        (unknown_kind, "unusable mask: B1/seg.dcm cannot be read as DICOM SEG"),
    ],
)
def test_damaged_seg_is_named(tmp_path, edit, expected):
    assert broken(tmp_path, CohortOptions(other_grid="resample"), edit=edit).startswith(expected)


@pytest.mark.parametrize("lost", [1, 300, 700])
def test_seg_that_was_cut_off(tmp_path, lost):
    hospital(tmp_path, ["B1"])
    path = patient(tmp_path, "B1")
    path.write_bytes(path.read_bytes()[:-lost])
    assert excluded(read_cohort(tmp_path), "B1").startswith("unreadable file: B1/seg.dcm")


# --- two contours of one CT -------------------------------------------------------------------------------------------


def both(root, **seg):
    """B1 with a structure set of 300 voxels and a SEG of 302."""
    hospital(root, ["B1"])
    patient(root, "B1", **seg)

    def dated(data, _):
        data.StructureSetDate, data.StructureSetTime = "20200102", "101500"

    write_rtstruct(root / "B1" / "rt.dcm", "B1", edit=dated)


def made(date):
    def edit(data):
        data.ContentDate, data.ContentTime = date, "101500"

    return edit


def test_rtstruct_and_seg_of_one_ct_are_not_guessed(tmp_path):
    both(tmp_path)
    reason = excluded(read_cohort(tmp_path), "B1")
    assert reason.startswith("duplicate patient: there are 2 contours of one CT (B1/rt.dcm, B1/seg.dcm)")
    assert 'several_structure_sets to "rtstruct" or "seg"' in reason


@pytest.mark.parametrize(
    ("prefer", "date", "voxels", "aside"),
    [
        ("newest", "20200101", 300, "older DICOM SEG: B1/seg.dcm is set aside for B1/rt.dcm, which is newer."),
        ("newest", "20200103", 302, "older RTSTRUCT: B1/rt.dcm is set aside for B1/seg.dcm, which is newer."),
        ("rtstruct", "20200103", 300, "DICOM SEG: B1/seg.dcm is set aside for B1/rt.dcm, as several_structure_sets "),
        ("seg", "20200101", 302, "RTSTRUCT: B1/rt.dcm is set aside for B1/seg.dcm, as several_structure_sets prefers"),
    ],
)
def test_the_study_file_may_prefer_one(tmp_path, prefer, date, voxels, aside):
    both(tmp_path, edit=made(date))
    cohort = read_cohort(tmp_path, options=CohortOptions(several_structure_sets=prefer))
    assert cohort.ids == ("B1", "S1", "S2")
    assert cohort["B1"].load().tumour.voxel_count == voxels
    (exclusion,) = cohort.set_aside
    assert exclusion.reason.startswith(aside)


def test_a_preference_that_decides_nothing_is_no_guess(tmp_path):
    both(tmp_path, edit=made("20200102"))
    same_time = read_cohort(tmp_path, options=CohortOptions(several_structure_sets="newest"))
    assert excluded(same_time, "B1").startswith("duplicate patient: there are 2 contours of one CT")
    write_seg(tmp_path / "B1" / "seg2.dcm", sorted((tmp_path / "B1" / "ct").iterdir()), {"GTV-1": TUMOUR})
    cohort = read_cohort(tmp_path, options=CohortOptions(several_structure_sets="seg"))
    assert cohort.ids == ("S1", "S2")
    assert any(e.reason.startswith("duplicate patient: there are 2 contours") for e in cohort.exclusions)


def test_seg_of_lungs_beside_an_rtstruct_is_set_aside(tmp_path):
    both(tmp_path, segments={"Lung": NODE})
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("B1", "S1", "S2")
    assert [e.reason.split(":")[0] for e in cohort.set_aside] == ["no tumour ROI"]


def test_date_of_the_ct_is_known_for_a_seg_too(tmp_path):
    def dated(data, _):
        data.StudyDate = "20140301"

    patient(tmp_path, "B1", ct_edit=dated)
    write_table(tmp_path, ["B1,2014-03-05,2015-02-20,1"], header="PatientID,date_start,date_death,event")
    clinical = CohortOptions(columns=ColumnOptions(date_zero="date_start", date_death="date_death", event="event"))
    found = read_cohort(tmp_path, options=clinical).findings["B1"]
    assert {f.id: f.value for f in found}["imaging_after_zero"] == -4


# --- after the index --------------------------------------------------------------------------------------------------


def test_what_changes_after_the_index_is_named(tmp_path):
    path = patient(tmp_path)
    indexed = read_patient(tmp_path).patients[0]
    patient(tmp_path, edit=half_slices)
    with pytest.raises(GeometryError, match=r"Patient P1: P1/seg\.dcm does not share the grid of the CT"):
        indexed.load()
    patient(tmp_path, segments={"GTVn": NODE, "GTV-1": TUMOUR})
    with pytest.raises(ReadError, match=r"Patient P1: P1/seg\.dcm no longer holds segment 'GTV-1'; run index again"):
        indexed.load()
    patient(tmp_path)
    data = pydicom.dcmread(path)
    data.SegmentationType = "MAGIC"
    data.save_as(path)
    with pytest.raises(ReadError, match=r"Patient P1: P1/seg\.dcm cannot be read as DICOM SEG"):
        indexed.load()
    path.unlink()
    with pytest.raises(ReadError, match=r"Patient P1: P1/seg\.dcm"):
        indexed.load()


def test_odd_matrix_whose_frames_share_bytes(tmp_path):
    """31 x 29 voxels: 899 bits a frame."""

    def cut(data, k):
        pixels = np.frombuffer(data.PixelData, dtype="<i2").reshape(ROWS, COLUMNS)[:31, :29]
        data.Rows, data.Columns, data.PixelData = 31, 29, pixels.tobytes() + b"\0\0"

    ct = write_ct(tmp_path / "P1" / "ct", "P1", edit=cut)
    write_seg(tmp_path / "P1" / "seg.dcm", ct, {"GTVn": NODE[:, :31, :29], "GTV-1": TUMOUR[:, :31, :29]})
    np.testing.assert_array_equal(load(tmp_path).tumour.values, TUMOUR[:, :31, :29])


def test_compressed_fractional_seg(tmp_path):
    path = patient(tmp_path, kind="FRACTIONAL")
    data = pydicom.dcmread(path)
    data.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
    data.save_as(path)
    np.testing.assert_array_equal(load(tmp_path).tumour.values, TUMOUR)


def test_clinical_rows_join_as_ever(tmp_path):
    hospital(tmp_path, ["B1"], B1=row("B1", 123))
    patient(tmp_path, "B1")
    assert read_cohort(tmp_path).outcome.take(["B1"]).time_days[0] == 123
