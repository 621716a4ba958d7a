"""Files of MR, PET and the like: called so, counted, remembered; they exclude nobody who has a CT."""

import pytest
from cohort_files import row, square, uid, write_ct, write_patient, write_rtstruct, write_table

from perisurv.cohort import CohortOptions, match, read_cohort, read_patient
from perisurv.core import InputError

CLASSES = {
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "NM": "1.2.840.10008.5.1.4.1.1.20",
    "RTDOSE": "1.2.840.10008.5.1.4.1.1.481.2",
}


def of(modality, patient, frame=""):
    def edit(data, k):
        data.Modality, data.SOPClassUID = modality, CLASSES[modality]
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.FrameOfReferenceUID = frame or uid(patient, modality, "frame")

    return edit


def add_other(root, patient, modality, frame=""):
    """A series of another modality with a structure set that was drawn on it."""
    write_ct(root / patient / modality, patient, series=modality, edit=of(modality, patient, frame))

    def drawn(data, _=None):
        own = frame or uid(patient, modality, "frame")
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid(patient, modality, "contours")
        data.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID = own
        for roi in data.StructureSetROISequence:
            roi.ReferencedFrameOfReferenceUID = own

    write_rtstruct(root / patient / f"rt_{modality}.dcm", patient, series=modality, edit=drawn)


def organs(root, patient, name="auto.dcm", organ="Heart"):
    def edit(data, _=None):
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid(patient, name)

    drawn = [square(k) for k in (3, 4, 5)]
    rois = {organ: drawn, "SpinalCord": drawn}
    write_rtstruct(root / patient / name, patient, rois=rois, edit=edit)


def test_an_extra_structure_set_of_organs_excludes_nobody(tmp_path):
    for patient in ("P1", "P2", "P3"):
        write_patient(tmp_path, patient)
        organs(tmp_path, patient)
    organs(tmp_path, "P3", "second.dcm", "Liver")
    write_table(tmp_path, [row("P1"), row("P2"), row("P3", event=0)])
    cohort = read_cohort(tmp_path)
    assert repr(cohort) == "Cohort(3 patients, 0 excluded: see .exclusions; 4 files set aside: see .set_aside)"
    assert [e.patient for e in cohort.set_aside] == ["P1", "P2", "P3", "P3"]
    assert all("Heart" in e.reason or "Liver" in e.reason for e in cohort.set_aside)


@pytest.mark.parametrize("modality", ["MR", "PT", "NM"])
@pytest.mark.parametrize("shared_frame", [False, True])
@pytest.mark.parametrize("references", ["slices", "series", "geometry"])
def test_structure_sets_of_other_modalities_are_set_aside(tmp_path, modality, shared_frame, references):
    """PET and CT of one scanner share their frame of reference."""
    write_patient(tmp_path, "P1")
    add_other(tmp_path, "P1", modality, uid("P1", "frame") if shared_frame else "")
    write_table(tmp_path, [row("P1")])
    cohort = read_cohort(tmp_path, options=CohortOptions(references=references))
    assert (cohort.ids, cohort.exclusions) == (("P1",), ())
    (aside,) = cohort.set_aside
    called = {"PT": "PET", "NM": "nuclear medicine"}.get(modality, modality)
    assert aside.reason.startswith(
        f"RTSTRUCT drawn on {called}: P1/rt_{modality}.dcm belongs to a series that is no CT"
    )
    assert f"Files of other modalities, not read: {modality} 8." in cohort.notes


def test_a_patient_with_contours_on_mr_only_is_excluded_for_that(tmp_path):
    write_patient(tmp_path, "P1")
    write_ct(tmp_path / "P2" / "ct", "P2")
    add_other(tmp_path, "P2", "MR")
    add_other(tmp_path, "P3", "PT")
    write_ct(tmp_path / "P4" / "mr", "P4", series="mr", edit=of("MR", "P4"))
    write_table(tmp_path, [row(f"P{n}") for n in (1, 2, 3, 4, 5)])
    cohort = read_cohort(tmp_path)
    reasons = {e.patient: e.reason for e in cohort.exclusions}
    assert list(reasons) == ["P2", "P3", "P4", "P5"]
    assert reasons["P2"].startswith("RTSTRUCT drawn on MR: P2/rt_MR.dcm belongs to a series that is no CT")
    assert reasons["P3"].startswith("RTSTRUCT drawn on PET: P3/rt_PT.dcm belongs to a series that is no CT")
    assert "the folder holds MR of this patient but no CT" in reasons["P4"]
    assert "the folder holds no image of this patient" in reasons["P5"]


def test_only_pet_is_asked_for(tmp_path):
    add_other(tmp_path, "P1", "PT")
    with pytest.raises(InputError, match="RTSTRUCT drawn on PET"):
        read_patient(tmp_path)


def test_stray_files_without_a_patient_are_set_aside(tmp_path):
    write_patient(tmp_path, "P1")
    (tmp_path / "P1" / "notes.dcm").write_bytes(b"no DICOM at all")
    write_ct(tmp_path / "dose", "P1", series="dose", slices=[0], edit=of("RTDOSE", "P1"))
    write_table(tmp_path, [row("P1")])
    cohort = read_cohort(tmp_path)
    assert cohort.exclusions == ()
    assert [(e.patient, e.reason.split(":")[0]) for e in cohort.set_aside] == [("", "unreadable file")]
    assert "Files of other modalities, not read: RTDOSE 1." in cohort.notes


def test_headers_of_other_modalities_are_read_once(tmp_path, monkeypatch):
    data = tmp_path / "data"
    write_patient(data, "P1")
    for modality in ("MR", "PT"):
        add_other(data, "P1", modality)
    write_table(data, [row("P1")])
    first = read_cohort(data, cache=tmp_path / "headers")
    read = []
    probe = match.probe
    monkeypatch.setattr(match, "probe", lambda path, name: read.append(name) or probe(path, name))
    again = read_cohort(data, cache=tmp_path / "headers")
    assert read == []
    assert (again.ids, again.notes, again.set_aside) == (first.ids, first.notes, first.set_aside)
