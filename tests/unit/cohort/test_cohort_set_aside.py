"""Files that a patient does without are set aside; only who has no scan is excluded."""

import pytest
from cohort_files import hospital, row, square, write_ct, write_patient, write_rtstruct, write_table

from perisurv.cohort import CohortOptions, read_cohort

ORGANS = {"Heart": [square(3)], "Spinal cord": [square(4)]}


def organs_only(root):
    write_rtstruct(root / "S1" / "organs.dcm", "S1", rois=ORGANS)


def of_another_ct(root):
    write_rtstruct(root / "S1" / "old.dcm", "S1", series="elsewhere")


def cut_off(root):
    path = write_rtstruct(root / "S1" / "cut.dcm", "S1")
    path.write_bytes(path.read_bytes()[:-40])


def without_contours(root):
    write_rtstruct(root / "S1" / "empty.dcm", "S1", rois={"GTV-1": []})


@pytest.mark.parametrize("add", [organs_only, of_another_ct, cut_off, without_contours])
def test_a_file_more_excludes_nobody(tmp_path, add):
    hospital(tmp_path)
    add(tmp_path)
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("S1", "S2")
    assert cohort.exclusions == ()
    assert [e.patient for e in cohort.set_aside] == ["S1"]
    assert repr(cohort).startswith("Cohort(2 patients, 0 excluded")


def test_an_older_structure_set_is_set_aside(tmp_path):
    def dated(date):
        return lambda data, _: setattr(data, "StructureSetDate", date)

    hospital(tmp_path)
    write_rtstruct(tmp_path / "S1" / "rt.dcm", "S1", edit=dated("20200101"))
    write_rtstruct(tmp_path / "S1" / "draft.dcm", "S1", rois={"GTV-1": [square(3)]}, edit=dated("20190101"))
    cohort = read_cohort(tmp_path, options=CohortOptions(several_structure_sets="newest"))
    assert [e.reason[:15] for e in cohort.set_aside] == ["older RTSTRUCT:"]
    assert cohort.exclusions == ()


def test_who_has_no_scan_is_excluded_once(tmp_path):
    hospital(tmp_path, ["B1", "B2"])
    organs_only(tmp_path)
    write_ct(tmp_path / "B1" / "ct", "B1")
    write_rtstruct(tmp_path / "B1" / "a.dcm", "B1", rois=ORGANS)
    write_rtstruct(tmp_path / "B1" / "b.dcm", "B1", series="elsewhere")
    cohort = read_cohort(tmp_path)
    assert {e.patient for e in cohort.exclusions} == {"B1", "B2"}
    assert {e.patient for e in cohort.set_aside} == {"S1"}
    assert "2 excluded" in repr(cohort)


def test_a_patient_without_clinical_row_is_excluded_whatever_else_is_set_aside(tmp_path):
    hospital(tmp_path)
    write_patient(tmp_path, "B1")
    write_rtstruct(tmp_path / "B1" / "organs.dcm", "B1", rois=ORGANS)
    write_table(tmp_path, [row("S1"), row("S2", 300, 0)])
    cohort = read_cohort(tmp_path)
    assert {e.patient for e in cohort.exclusions} == {"B1"}
    assert cohort.set_aside == ()
