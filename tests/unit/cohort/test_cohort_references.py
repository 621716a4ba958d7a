"""Structure sets and DICOM SEG whose references to the CT are incomplete, contradictory or of other UIDs."""

import copy

import numpy as np
import pytest
from cohort_files import SLICES, STEP_MM, hospital, reason_of, square, uid, write_ct, write_rtstruct
from hard_rtstruct import names_slice
from mask_files import write_seg
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from perisurv.cohort import CohortOptions, read_cohort, read_patient
from perisurv.core import InputError

SERIES, GEOMETRY = CohortOptions(references="series"), CohortOptions(references="geometry")


def image(*words):
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    item.ReferencedSOPInstanceUID = uid(*words)
    return item


def listed_series(data):
    return data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence


def both(*edits):
    def edit(data, k):
        for each in edits:
            each(data, k)

    return edit


def drawn(root, *edits, rois=None, **ct):
    """CT and structure set of B1 below ``root``."""
    write_ct(root / "B1" / "ct", "B1", **ct)
    options = {"rois": rois} if rois else {}
    write_rtstruct(root / "B1" / "rt.dcm", "B1", edit=both(*edits), **options)
    return root


def checks(root, options=SERIES):
    cohort = read_patient(root, options)
    assert cohort.ids == ("B1",)
    assert cohort["B1"].load().tumour.voxel_count == 300
    return {f.id: f for f in cohort.findings["B1"]}


def refused(root, options=None):
    with pytest.raises(InputError) as error:
        read_patient(root, options or CohortOptions())
    return str(error.value)


# --- slices of other UIDs --------------------------------------------------------------------------------------------


def other_images(data, _):
    """Listed slices got other UIDs."""
    listed_series(data)[0].ContourImageSequence = Items([image("hashed", k) for k in range(SLICES)])


def other_named(data, _):
    """The slices that contours name got other UIDs."""
    for contour in data.ROIContourSequence[0].ContourSequence:
        contour.ContourImageSequence = Items([image("hashed", 3)])


def other_series(data, _):
    listed_series(data)[0].SeriesInstanceUID = uid("hashed series")


def other_frame(data, _):
    data.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID = uid("hashed frame")


@pytest.mark.parametrize(
    "edits",
    [
        (other_images, other_named),
        (other_named,),
        (other_images,),
        (other_images, other_named, other_series),
        (other_images, other_named, other_frame),
        (other_series,),
    ],
)
def test_slices_of_other_uids_are_passed_over_when_asked(tmp_path, edits):
    root = drawn(tmp_path, *edits)
    text = refused(root)
    assert "as all contours lie on slices of" in text
    assert 'set references = "series" below [cohort]' in text
    for options in (SERIES, GEOMETRY):
        found = checks(root, options)["references"]
        assert found.passed
        assert f'which references = "{options.references}" passes over: the patient and the' in found.text
        assert "each of its 3 contours lies on a slice of the CT in B1/ct" in found.text


def test_slices_of_other_uids_refuse_nobody_else(tmp_path):
    hospital(tmp_path, ["B1"])
    drawn(tmp_path, other_images, other_named)
    reason = reason_of(tmp_path)
    assert reason.startswith("RTSTRUCT of another CT: B1/rt.dcm refers to none of the slices in B1/ct; export the CT")
    assert read_cohort(tmp_path, options=SERIES).ids == ("B1", "S1", "S2")


def test_nothing_but_the_place_agrees(tmp_path):
    root = drawn(tmp_path, other_images, other_named, other_series, other_frame)
    for options in (CohortOptions(), SERIES):
        text = refused(root, options)
        assert "drawn on a CT that is not in the folder" in text
        assert 'set references = "geometry" below [cohort]' in text
    found = checks(root, GEOMETRY)["references"]
    assert 'references = "geometry" passes over: the patient fits, and each of its 3 contours' in found.text
    write_ct(tmp_path / "B1" / "second", "B1", series="second")
    assert "more than one CT" in refused(root, CohortOptions())
    assert "ambiguous CT: B1/rt.dcm fits 2 CT series (B1/ct, B1/second)" in refused(root, GEOMETRY)


def test_of_two_cts_that_whose_slices_hold_the_contours(tmp_path):
    root = drawn(tmp_path, other_images, other_named, other_series, other_frame)

    def between(data, k):
        data.ImagePositionPatient[2] += 0.5 * STEP_MM

    write_ct(tmp_path / "B1" / "second", "B1", series="second", edit=between)
    assert "the CT in B1/ct, inside" in checks(root, GEOMETRY)["references"].text


def lifted(mm, levels=(3, 4, 5)):
    return {"GTV-1": [np.add(square(k), (0, 0, mm)) for k in levels]}


@pytest.mark.parametrize(
    ("rois", "why"),
    [
        (lifted(0.5 * STEP_MM), "a contour lies 1.50 mm off the nearest slice"),
        (lifted(0.2 * STEP_MM), "a contour lies 0.60 mm off the nearest slice"),
        ({"GTV-1": [square(3), np.add(square(4), (0, 0, 1.0)), square(5)]}, "a contour lies 1.00 mm off the nearest"),
        ({"GTV-1": [square(SLICES - 1), square(SLICES)]}, "a contour lies on slice 9 of a CT with 8 slices"),
        ({"GTV-1": [np.add(square(3), (50, 0, 0))]}, "a contour leaves the image of the CT"),
    ],
)
@pytest.mark.parametrize("policy", ["series", "geometry"])
def test_contours_off_the_slices_are_never_accepted(tmp_path, rois, why, policy):
    root = drawn(tmp_path, other_images, other_named, rois=rois)
    text = refused(root)
    assert why in text
    assert "set references" not in text
    options = CohortOptions(references=policy, between_slices="interpolate")
    assert why.split(" lies")[0] in refused(root, options)


def test_lesions_off_the_slices_count_too(tmp_path):
    root = drawn(tmp_path, other_images, rois={"GTV-1": [square(4)], "GTV-2": lifted(1.0)["GTV-1"]})
    options = CohortOptions(references="series", other_lesions=("GTV",), between_slices="interpolate")
    assert "contours off the slices of the CT: B1/rt.dcm refers to none" in refused(root, options)


def test_a_ct_without_its_last_slices(tmp_path):
    root = drawn(tmp_path, slices=range(SLICES - 1))
    text = refused(root)
    assert "missing slice: B1/ct lacks 1 of the 8 slices that B1/rt.dcm refers to; export the whole series" in text
    assert 'set references = "series"' in text
    assert "refers to 8 slices of which 1 are not there" in checks(root)["references"].text


# --- empty items and second frames of reference ----------------------------------------------------------------------


def empty_item(data, _):
    listed_series(data)[0].ContourImageSequence.insert(0, Dataset())


def empty_items_of_contours(data, _):
    names_slice(3, 4, 5)(data, _)
    for contour in data.ROIContourSequence[0].ContourSequence:
        contour.ContourImageSequence.append(Dataset())


def empty_sequence_of_contours(data, _):
    for contour in data.ROIContourSequence[0].ContourSequence:
        contour.ContourImageSequence = Items([])


def class_without_instance(data, _):
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    item.ReferencedSOPInstanceUID = ""
    listed_series(data)[0].ContourImageSequence.append(item)


def empty_series(data, _):
    listed_series(data).append(Dataset())


def empty_frame_and_study(data, _):
    data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence.append(Dataset())
    data.ReferencedFrameOfReferenceSequence.append(Dataset())


def second_frame_elsewhere(data, _):
    """The ROI names a frame of reference that is not that of the list, which is that of the CT."""
    data.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = uid("other frame")


def second_frame_listed(data, _):
    item = Dataset()
    item.FrameOfReferenceUID = uid("other frame")
    data.ReferencedFrameOfReferenceSequence.insert(0, item)


@pytest.mark.parametrize(
    "edit",
    [
        empty_item, empty_items_of_contours, empty_sequence_of_contours, class_without_instance, empty_series,
        empty_frame_and_study, second_frame_elsewhere, second_frame_listed,
        both(names_slice(3, 4, 5), second_frame_listed, second_frame_elsewhere),
    ],
)  # fmt: skip
def test_what_names_nothing_refuses_nobody(tmp_path, edit):
    assert checks(drawn(tmp_path, edit), CohortOptions())["references"].passed is None


# --- several series --------------------------------------------------------------------------------------------------


def lists(*names, images=range(SLICES)):
    """The structure set lists these series beside the planning CT."""

    def edit(data, _):
        for name in names:
            item = Dataset()
            item.SeriesInstanceUID = uid("B1", name)
            item.ContourImageSequence = Items([image("B1", name, k) for k in images])
            listed_series(data).insert(0, item)

    return edit


def other_lesion_names(series, *numbers):
    def edit(data, _):
        for contour, k in zip(data.ROIContourSequence[1].ContourSequence, numbers, strict=True):
            contour.ContourImageSequence = Items([image("B1", series, k)])

    return edit


def pet(data, _):
    data.Modality, data.SOPClassUID = "PT", "1.2.840.10008.5.1.4.1.1.128"
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID


def only_of_the_pet(data, _):
    """The structure set lists the PET alone."""
    lists("pet")(data, _)
    del listed_series(data)[1]


def part(data, _):
    listed_series(data)[-1].ContourImageSequence = Items([image("B1", "planning", k) for k in (3, 4, 5)])


TWO = {"GTV-1": [square(k) for k in (3, 4, 5)], "GTV-2": [square(k, 22, 26) for k in (3, 4, 5)]}


@pytest.mark.parametrize(
    ("edits", "rois"),
    [
        ((lists("pet"),), None),
        ((lists("contrast"),), None),
        ((lists("pet", "mr", "contrast"),), None),
        ((lists("contrast", images=(3, 4, 5)), part), None),
        ((lists("contrast"), other_lesion_names("contrast", 3, 4, 5)), TWO),
        ((only_of_the_pet,), None),
    ],
)
def test_the_series_whose_slices_the_contours_name_counts(tmp_path, edits, rois):
    root = drawn(tmp_path, names_slice(3, 4, 5), *edits, rois=rois)
    write_ct(tmp_path / "B1" / "contrast", "B1", series="contrast")
    write_ct(tmp_path / "B1" / "pet", "B1", series="pet", edit=pet)
    cohort = read_patient(root, CohortOptions(other_lesions=("GTV-2",)))
    assert set(cohort["B1"].source.ct.slices) == {f"B1/ct/{k:03d}.dcm" for k in range(SLICES)}
    assert cohort["B1"].load().tumour.voxel_count == 300


def test_a_contour_that_names_a_slice_of_each_series(tmp_path):
    def every(data, _):
        for contour, k in zip(data.ROIContourSequence[0].ContourSequence, (3, 4, 5), strict=True):
            contour.ContourImageSequence = Items([image("B1", "pet", k), image("B1", "planning", k)])

    assert checks(drawn(tmp_path, lists("pet"), every), CohortOptions())


def test_contours_that_name_slices_of_two_cts(tmp_path):
    def mixed(data, _):
        for contour, name in zip(data.ROIContourSequence[0].ContourSequence, ("ct", "ct", "planning"), strict=True):
            contour.ContourImageSequence = Items([image("B1", name, 3)])

    root = drawn(tmp_path, lists("ct"), mixed)
    write_ct(tmp_path / "B1" / "second", "B1", series="ct")
    assert "name slices of 2 CT series (B1/second, B1/ct); draw them on one" in refused(root).replace(
        "(B1/ct, B1/second)", "(B1/second, B1/ct)"
    )


def test_two_series_that_no_contour_names(tmp_path):
    root = drawn(tmp_path, lists("contrast"))
    write_ct(tmp_path / "B1" / "contrast", "B1", series="contrast")
    assert "ambiguous CT: B1/rt.dcm fits 2 CT series" in refused(root)


def of_modality(modality, sop_class):
    def edit(data, _):
        data.Modality, data.SOPClassUID = modality, sop_class
        data.file_meta.MediaStorageSOPClassUID = sop_class

    return edit


@pytest.mark.parametrize(
    ("modality", "sop_class", "said"),
    [
        ("PT", "1.2.840.10008.5.1.4.1.1.128", "PET"),
        ("MR", "1.2.840.10008.5.1.4.1.1.4", "MR"),
        ("NM", "1.2.840.10008.5.1.4.1.1.20", "nuclear medicine"),
    ],
)
@pytest.mark.parametrize("policy", ["slices", "series", "geometry"])
def test_the_reason_names_another_modality(tmp_path, modality, sop_class, said, policy):
    write_ct(tmp_path / "B1" / "ct", "B1")
    write_ct(tmp_path / "B1" / "other", "B1", series="other", edit=of_modality(modality, sop_class))
    write_rtstruct(tmp_path / "B1" / "rt.dcm", "B1", series="other")
    text = refused(tmp_path, CohortOptions(references=policy))
    assert f"RTSTRUCT drawn on {said}: B1/rt.dcm belongs to a series that is no CT" in text


def test_a_structure_set_of_the_pet_beside_that_of_the_ct_excludes_nobody(tmp_path):
    root = drawn(tmp_path)
    write_ct(tmp_path / "B1" / "pet", "B1", series="pet", edit=pet)
    write_rtstruct(tmp_path / "B1" / "pet.dcm", "B1", series="pet")
    cohort = read_patient(root)
    assert cohort.exclusions == ()
    assert [e.reason[:24] for e in cohort.set_aside] == ["RTSTRUCT drawn on PET: B"]


# --- no references ---------------------------------------------------------------------------------------------------


def own_frame(data):
    for roi in data.StructureSetROISequence:
        roi.ReferencedFrameOfReferenceUID = uid("B1", "frame")


def no_list(data, _):
    own_frame(data)
    del data.ReferencedFrameOfReferenceSequence


def no_studies(data, _):
    del data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence


def no_series(data, _):
    del data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence


def nothing(data, _):
    del data.ReferencedFrameOfReferenceSequence


@pytest.mark.parametrize(
    "edit",
    [
        no_list, no_studies, no_series,
        lambda data, _: setattr(data, "ReferencedFrameOfReferenceSequence", Items([])) or own_frame(data),
        both(names_slice(3, 4, 5), nothing),
    ],
)  # fmt: skip
def test_without_lists_the_frame_of_reference_or_the_named_slices_decide(tmp_path, edit):
    assert checks(drawn(tmp_path, edit), CohortOptions())["references"].passed is None


def test_named_slices_decide_between_cts_in_one_frame_of_reference(tmp_path):
    root = drawn(tmp_path, names_slice(3, 4, 5), no_list)
    write_ct(tmp_path / "B1" / "a second", "B1", series="second")
    assert checks(root, CohortOptions())


def test_a_structure_set_that_names_nothing_says_so(tmp_path):
    root = drawn(tmp_path, nothing)
    text = refused(root)
    assert "RTSTRUCT that names no CT: B1/rt.dcm names neither a series nor a frame of reference nor slices" in text
    assert "not in the folder" not in text
    assert 'set references = "geometry"' in text
    assert "names neither a series" in checks(root, GEOMETRY)["references"].text


# --- DICOM SEG -------------------------------------------------------------------------------------------------------


def segmented(root, edit, **options):
    write_ct(root / "B1" / "ct", "B1")
    mask = np.zeros((SLICES, 32, 32), dtype=bool)
    mask[3:6, 10:20, 10:20] = True
    write_seg(root / "B1" / "seg.dcm", sorted((root / "B1" / "ct").iterdir()), {"GTV-1": mask}, edit=edit, **options)
    return root


def seg_other_images(data):
    for n, item in enumerate(data.ReferencedSeriesSequence[0].ReferencedInstanceSequence):
        item.ReferencedSOPInstanceUID = uid("hashed", n)
    for n, frame in enumerate(data.PerFrameFunctionalGroupsSequence):
        frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = uid("hashed", n)


def seg_other_series(data):
    seg_other_images(data)
    data.ReferencedSeriesSequence[0].SeriesInstanceUID = uid("hashed series")


def seg_other_frame(data):
    seg_other_images(data)
    data.FrameOfReferenceUID = uid("hashed frame")


@pytest.mark.parametrize("edit", [seg_other_images, seg_other_series, seg_other_frame])
def test_seg_whose_slices_have_other_uids(tmp_path, edit):
    root = segmented(tmp_path, edit)
    assert 'set references = "series" below [cohort]' in refused(root)
    assert "each of its 3 frames lies on a slice of the CT in B1/ct" in checks(root)["references"].text


def moved_frame(mm):
    def edit(data):
        seg_other_images(data)
        position = data.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
        x, y, z = position.ImagePositionPatient
        position.ImagePositionPatient = [x, y, z + mm]

    return edit


def turned_frames(data):
    seg_other_images(data)
    shared = data.SharedFunctionalGroupsSequence[0]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("edit", [moved_frame(1.5), moved_frame(0.5), moved_frame(3.0 * SLICES), turned_frames])
@pytest.mark.parametrize("policy", ["series", "geometry"])
def test_seg_off_the_slices_is_never_accepted(tmp_path, edit, policy):
    root = segmented(tmp_path, edit)
    assert "set references" not in refused(root)
    options = CohortOptions(references=policy, other_grid="resample")
    assert "contours off the slices of the CT: B1/seg.dcm refers to none" in refused(root, options)


def again_under_another_study(data):
    item = Dataset()
    item.StudyInstanceUID = uid("as before")
    item.ReferencedSeriesSequence = Items([copy.deepcopy(data.ReferencedSeriesSequence[0])])
    data.StudiesContainingOtherReferencedInstancesSequence = Items([item])


def again_under_another_series(data):
    again = copy.deepcopy(data.ReferencedSeriesSequence[0])
    again.SeriesInstanceUID = uid("as before")
    data.ReferencedSeriesSequence.append(again)


def twice_in_one_series(data):
    instances = data.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    instances.append(instances[0])


def series_twice(data):
    data.ReferencedSeriesSequence.append(data.ReferencedSeriesSequence[0])


def item_without_instance(data):
    data.ReferencedSeriesSequence[0].ReferencedInstanceSequence.append(Dataset())
    data.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence.append(Dataset())


def second_ct_listed(data):
    item = Dataset()
    item.SeriesInstanceUID = uid("B1", "contrast")
    item.ReferencedInstanceSequence = Items([image("B1", "contrast", k) for k in range(SLICES)])
    data.ReferencedSeriesSequence.insert(0, item)


@pytest.mark.parametrize(
    "edit",
    [
        again_under_another_study, again_under_another_series, twice_in_one_series, series_twice,
        item_without_instance, second_ct_listed,
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_seg_that_lists_instances_twice_or_of_several_series(tmp_path, edit, kind):
    root = segmented(tmp_path, edit, kind=kind)
    write_ct(tmp_path / "B1" / "contrast", "B1", series="contrast")
    cohort = read_patient(root)
    assert {f.passed for f in cohort.findings["B1"] if f.id == "references"} == {None}
    scan = cohort["B1"].load()
    assert scan.tumour.voxel_count == 300
    assert cohort["B1"].source.ct.slices[0] == "B1/ct/000.dcm"
