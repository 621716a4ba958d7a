"""Every hard structure set gives the voxels that it must, or its reason."""

import pytest
from cohort_files import hospital, reason_of, write_ct, write_patient, write_rtstruct
from hard_rtstruct import CASES, Case, cube

from perisurv.cohort import CohortOptions, cohort_from_frame, cohort_to_frame, read_cohort, read_patient
from perisurv.core import InputError


def written(root, case):
    write_ct(root / "B1" / "ct", "B1")
    write_rtstruct(root / "B1" / "rt.dcm", "B1", rois=case.rois, edit=case.edit)
    return root


@pytest.mark.parametrize("case", [c for c in CASES if c.reason], ids=lambda case: case.id)
def test_refused_by_name(tmp_path, case: Case):
    with pytest.raises(InputError) as error:
        read_patient(written(tmp_path, case), CohortOptions(**case.options))
    assert f"First: {case.reason}" in str(error.value)


@pytest.mark.parametrize("case", [c for c in CASES if not c.reason], ids=lambda case: case.id)
def test_accepted_with_its_voxels(tmp_path, case: Case):
    cohort = read_patient(written(tmp_path, case), CohortOptions(**case.options))
    assert cohort.exclusions == ()
    found = {f.id: f for f in cohort.findings["B1"]}
    assert any(case.says in f.text for f in found.values()), [f.text for f in found.values()]
    assert found["no_voxel"].value == case.voxels
    stored = cohort_from_frame(cohort_to_frame(cohort, tmp_path), (), tmp_path)
    for source in (cohort, stored):
        scan = source.patients[0].load()
        assert scan.tumour.voxel_count == case.voxels
        assert (scan.others.voxel_count if scan.others else None) == case.others
        assert scan.others is None or not (scan.others.values & scan.tumour.values).any()


def two_structure_sets(root, first="", second="", time="1200"):
    hospital(root)
    write_patient(root, "B1", edit=dated(first, "1100"))
    write_rtstruct(root / "B1" / "rt2.dcm", "B1", rois={"GTV-1": cube(3)}, edit=dated(second, time))


def dated(date, time):
    def edit(data, _):
        if date:
            data.StructureSetDate, data.StructureSetTime = date, time

    return edit


NEWEST = CohortOptions(several_structure_sets="newest")


def test_newest_structure_set_when_asked(tmp_path):
    two_structure_sets(tmp_path, "20190102", "20200304")
    cohort = read_patient(tmp_path, NEWEST)
    assert cohort["B1"].load().tumour.voxel_count == 100
    assert [e.reason for e in cohort.set_aside] == [
        "older RTSTRUCT: B1/rt.dcm is set aside for B1/rt2.dcm, which is newer."
    ]


@pytest.mark.parametrize(
    ("first", "second", "time"), [("", "", ""), ("20190102", "", ""), ("20190102", "20190102", "1100")]
)
def test_newest_structure_set_that_is_not_known(tmp_path, first, second, time):
    two_structure_sets(tmp_path, first, second, time)
    reasons = [e.reason for e in read_patient(tmp_path, NEWEST).exclusions]
    assert reasons[0].startswith("duplicate patient: there are 2 contours of one CT (B1/rt.dcm, B1/rt2.dcm)")


def test_structure_sets_on_two_cts_are_not_compared_by_date(tmp_path):
    two_structure_sets(tmp_path, "20190102")
    write_ct(tmp_path / "B1" / "second", "B1", series="second")
    write_rtstruct(tmp_path / "B1" / "rt2.dcm", "B1", series="second", edit=dated("20200101", "1000"))
    reasons = [e.reason for e in read_patient(tmp_path, NEWEST).exclusions]
    assert reasons[0].startswith("duplicate patient: there are 2 contoured CTs")


# The small hospital has one lesion a patient, contours that name no slice, and tables without dates, TNM and edition.
NOTHING_TO_JUDGE = {
    *("other_lesions", "references", "wrong_slice", "stage_tnm"),
    *("dates_order", "event_dates", "time_dates", "imaging_after_zero", "dead_before_imaging"),
}


def test_findings_hold_every_check_of_included_and_excluded_patients(tmp_path):
    hospital(tmp_path, ["B1"])
    write_ct(tmp_path / "B1" / "ct", "B1")
    write_rtstruct(tmp_path / "B1" / "rt.dcm", "B1", rois={"Heart": cube()})
    assert reason_of(tmp_path).startswith("no tumour ROI")
    found = read_cohort(tmp_path).findings
    assert set(found) == {"B1", "S1", "S2"}
    assert False not in {f.passed for f in found["S1"]}
    assert {f.id for f in found["S1"] if f.passed is None} == NOTHING_TO_JUDGE
    assert {"missing_slice", "raster_disagreement", "slice_difference", "volume_difference", "event"} <= {
        f.id for f in found["S1"]
    }
    assert len({f.id for f in found["S1"]}) == len(found["S1"])
    broken = [f for f in found["B1"] if f.passed is False]
    assert [f.id for f in broken] == ["no_tumour_roi"]
    after = found["B1"][found["B1"].index(broken[0]) + 1 :]
    assert any(f.passed is None and f.text == "needs: tumour ROI present" for f in after)


def test_roi_that_was_renamed_after_the_index(tmp_path):
    write_patient(tmp_path, "P1")
    patient = read_patient(tmp_path).patients[0]
    write_rtstruct(tmp_path / "P1" / "rt.dcm", "P1", rois={"Heart": cube()})
    with pytest.raises(InputError, match="Patient P1.*no longer holds ROI 'GTV-1'"):
        patient.load()
    write_rtstruct(tmp_path / "P1" / "rt.dcm", "P1", rois={})
    with pytest.raises(InputError, match="no longer holds the ROIs"):
        patient.load()
