"""Everybody whose files lie in the folder is known by PatientID and folder, whatever becomes of the files."""

import pytest
from cohort_files import HEADER, hospital, row, write_ct, write_patient, write_rtstruct, write_table

from perisurv.cohort import CohortOptions, read_cohort
from perisurv.core import EmptyCohortError

OPTIONS = CohortOptions(ids="pseudonym", pseudonym_key="k")


def _people(root):
    cohort = read_cohort(root, options=OPTIONS)
    named = {*cohort.ids, *(e.patient for e in cohort.exclusions)}
    people = {person.patient_id: person for person in cohort.people}
    assert named <= {person.patient for person in cohort.people}
    assert not any(person.patient_id in repr(person) for person in cohort.people)
    return cohort, people


def _mr(data, k):
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    data.Modality = "MR"


def test_who_was_excluded_and_where_the_files_lie(tmp_path):
    hospital(tmp_path, ["B1", "B2", "B3", "B4", "B5"])
    write_ct(tmp_path / "B1" / "ct", "B1")  # no contours
    write_patient(tmp_path / "north", "B2", rois={"Heart": []})
    write_rtstruct(tmp_path / "south" / "rt.dcm", "B2", rois={"Lung_L": []})  # two structure sets, both without tumour
    write_ct(tmp_path / "B3" / "mr", "B3", edit=_mr)
    write_rtstruct(tmp_path / "flat.dcm", "B4")
    write_ct(tmp_path / "MR" / "b6", "B6", edit=_mr)  # in no table
    cohort, people = _people(tmp_path)
    assert {name: person.folders for name, person in people.items()} == {
        "S1": ("S1",),
        "S2": ("S2",),
        "B1": ("B1/ct",),
        "B2": ("north/B2", "south"),
        "B3": ("B3/mr",),
        "B4": (".",),
        "B5": (),
        "B6": ("MR/b6",),
    }
    gone = [e.patient for e in cohort.exclusions]
    assert gone.count(people["B2"].patient) in (1, 2)
    assert people["B6"].patient not in gone


def test_a_file_that_cannot_be_read_still_names_its_patient(tmp_path):
    hospital(tmp_path)
    write_ct(tmp_path / "B1", "B1", edit=lambda data, _: data.__delattr__("SeriesInstanceUID"))
    _, people = _people(tmp_path)
    assert people["B1"].folders == ("B1",)


def test_spellings_of_one_id_are_one_person_and_no_id_is_nobody(tmp_path):
    hospital(tmp_path)
    write_ct(tmp_path / "B1" / "ct", " b1 ")
    write_rtstruct(tmp_path / "B1" / "rt" / "rt.dcm", "B1")
    write_ct(tmp_path / "nobody", "")
    _, people = _people(tmp_path)
    assert {name.casefold() for name in people} == {"s1", "s2", "b1"}
    assert people["b1"].folders == ("B1/ct", "B1/rt")


def test_nobody_left_and_yet_known(tmp_path):
    write_ct(tmp_path / "B1" / "ct", "B1")
    write_table(tmp_path, [row("B1"), row("B2")], HEADER)
    with pytest.raises(EmptyCohortError) as refused:
        read_cohort(tmp_path, options=OPTIONS)
    assert {p.patient_id: p.folders for p in refused.value.cohort.people} == {"B1": ("B1/ct",), "B2": ()}
