"""Several contoured CTs of one patient: a rule of the study chooses, and a check names what was set aside."""

import pytest
from cohort_files import row, square, write_ct, write_rtstruct, write_table
from mask_files import write_volume

from perisurv.cohort import ClinicalOptions, CohortOptions, CtRules, read_cohort, read_patient
from perisurv.core import InputError, SettingsError


def contoured(root, **cts):
    """CTs of B1 with a structure set each; the values of each header by the name of the CT."""
    for name, values in cts.items():

        def edit(data, _, values=values):
            for tag, value in values.items():
                setattr(data, tag, value)

        write_ct(root / "B1" / name, "B1", series=name, edit=edit)
        write_rtstruct(root / "B1" / f"{name}.dcm", "B1", series=name)
    return root


def taken(root, rules="nearest_time_zero"):
    cohort = read_patient(root, CohortOptions(several_cts=rules))
    finding = next(f for f in cohort.findings["B1"] if f.id == "several_cts")
    assert "several_cts below [cohort] decides" in finding.text
    assert cohort.exclusions == ()
    source = cohort["B1"].source
    assert {name.rpartition("/")[0] for name in source.ct.slices} == {source.structures.removesuffix(".dcm")}
    assert finding.text.split(": taken is that of ")[1].startswith(source.structures)
    return source.structures.removeprefix("B1/").removesuffix(".dcm")


def described(*texts):
    return {f"ct{n}": {"SeriesDescription": text, "StudyDate": "20150101"} for n, text in enumerate(texts)}


@pytest.mark.parametrize(
    ("rules", "cts", "expected"),
    [
        ("nearest_time_zero", {"a": {"StudyDate": "20150301"}, "b": {"StudyDate": "20150101"}}, "b"),
        ("earliest", {"a": {"StudyDate": "20150301"}, "b": {"StudyDate": "20150101"}}, "b"),
        ("latest", {"a": {"StudyDate": "20150301"}, "b": {"StudyDate": "20150101"}}, "a"),
        ("earliest", {"a": {"StudyDate": "20150301", "SeriesDate": "20150302"},
                      "b": {"StudyDate": "20150301", "SeriesDate": "20150301"}}, "b"),
        ("earliest", {"a": {"AcquisitionDate": "20150302"}, "b": {"AcquisitionDate": "20150301"}}, "b"),
        ("earliest", {"a": {"SeriesNumber": 5}, "b": {"SeriesNumber": 4}}, "b"),
        ("earliest", {"a": {"AcquisitionTime": "101500"}, "b": {"AcquisitionTime": "093000"}}, "b"),
        ("earliest", {"a": {"NominalPercentageOfRespiratoryPhase": 50.0},
                      "b": {"NominalPercentageOfRespiratoryPhase": 10.0}}, "b"),
        ("earliest", {"a": {"TemporalPositionIdentifier": 2}, "b": {"TemporalPositionIdentifier": 1}}, "b"),
        ("earliest", {"a": {"SeriesDescription": "retest"}, "b": {"SeriesDescription": "Baseline"}}, "b"),
        (CtRules(series=("baseline|test$", "x")), described("re-scan", "Baseline"), "ct1"),
        (CtRules(series=("none", "AVERAGE")), described("Thorax 4D 0%", "average", "Thorax 4D 50%"), "ct1"),
        (CtRules(series=("4D",), phases=(50,)), described("4D 0%", "50%", "4D 50%"), "ct2"),
        (CtRules(phases=(30, 50)), described("4D 0%", "Gated, 50.0%", "4D 90%"), "ct1"),
        ("nearest_time_zero", described("Thorax 4D 50%", "Thorax 4D 0%", "Thorax 4D 100%"), "ct1"),
        ("nearest_time_zero", described("T50", "T10", "T00"), "ct2"),
        ("nearest_time_zero", described("phase 20", "free breathing", "phase 10"), "ct1"),
    ],
)  # fmt: skip
def test_a_rule_chooses(tmp_path, rules, cts, expected):
    assert taken(contoured(tmp_path, **cts), rules) == expected


@pytest.mark.parametrize(
    ("zero", "expected"), [("2015-02-01", "b"), ("2015-03-01", "a"), ("2015-06-01", "a"), ("2014-12-01", "b")]
)
def test_the_last_ct_up_to_time_zero(tmp_path, zero, expected):
    contoured(tmp_path, a={"StudyDate": "20150301"}, b={"StudyDate": "20150101"})
    write_table(tmp_path, [f"B1,{zero},2019-01-01,1"], header="PatientID,RT start,Date of death,event")
    cohort = read_cohort(tmp_path, options=CohortOptions(clinical=ClinicalOptions(imaging_tolerance_days=60)))
    assert cohort["B1"].source.structures == f"B1/{expected}.dcm"


def test_the_check_names_what_was_set_aside(tmp_path):
    cohort = read_patient(contoured(tmp_path, **described("4D 10%", "4D 0%")))
    found = {f.id: f for f in cohort.findings["B1"]}
    assert found["several_cts"].text == (
        "2 contoured CTs: taken is that of B1/ct1.dcm (phase 0), of the lowest phase of those of one day; set aside "
        "are those of B1/ct0.dcm (phase 10). several_cts below [cohort] decides."
    )
    assert found["several_cts"].value == 2
    assert any("one of which was taken as several_cts says: 1 of 1" in note for note in cohort.notes)


def test_the_checks_are_those_of_the_ct_that_is_taken(tmp_path):
    contoured(tmp_path, a={"StudyDate": "20150301"}, b={"StudyDate": "20150101"})
    write_rtstruct(tmp_path / "B1" / "b.dcm", "B1", series="b", rois={"GTV-1": [square(2), square(3)]})
    found = {f.id: f for f in read_patient(tmp_path).findings["B1"]}
    assert found["no_voxel"].value == 200


@pytest.mark.parametrize(
    ("rules", "cts"),
    [
        ("nearest_time_zero", {"a": {}, "b": {}}),
        ("latest", {"a": {"StudyDate": "20150301"}, "b": {"StudyDate": "20150301"}}),
        ("earliest", {"a": {"StudyDate": "20150301"}, "b": {}}),
        ("refuse", {"a": {"StudyDate": "20150301"}, "b": {"StudyDate": "20150101"}}),
        (CtRules(series=("4D",), date="refuse"), described("4D 0%", "4D 50%", "other")),
    ],
)
def test_what_is_not_chosen_is_refused_with_the_key(tmp_path, rules, cts):
    contoured(tmp_path, **cts)
    with pytest.raises(InputError, match=r"contoured CTs \(B1/.*several_cts below \[cohort\]") as caught:
        read_patient(tmp_path, CohortOptions(several_cts=rules))
    assert "keep the planning CT" in str(caught.value)


def test_two_drawings_of_the_ct_that_is_taken(tmp_path):
    contoured(tmp_path, a={"StudyDate": "20150301"}, b={"StudyDate": "20150101"})
    write_rtstruct(tmp_path / "B1" / "b2.dcm", "B1", series="b", rois={"GTV-1": [square(3)]})
    with pytest.raises(InputError, match=r"there are 2 contours of one CT \(B1/b.dcm, B1/b2.dcm\)"):
        read_patient(tmp_path)
    assert read_patient(tmp_path, CohortOptions(several_cts="latest")).ids == ("B1",)


def test_several_structure_sets_are_chosen_on_each_ct(tmp_path):
    def dated(date):
        return lambda data, _: setattr(data, "StructureSetDate", date)

    contoured(tmp_path, a={"StudyDate": "20150301"}, b={"StudyDate": "20150101"})
    write_rtstruct(tmp_path / "B1" / "b.dcm", "B1", series="b", edit=dated("20150102"))
    write_rtstruct(tmp_path / "B1" / "b2.dcm", "B1", series="b", rois={"GTV-1": [square(3)]}, edit=dated("20150103"))
    cohort = read_patient(tmp_path, CohortOptions(several_structure_sets="newest"))
    assert cohort["B1"].source.structures == "B1/b2.dcm"


@pytest.mark.usefixtures("any_values")
def test_dicom_beside_research_files_of_one_patient(tmp_path):
    import numpy as np

    contoured(tmp_path, a={})
    mask = np.zeros((4, 8, 8), dtype=np.uint8)
    mask[1:3, 2:5, 2:5] = 1
    write_volume(tmp_path / "b1" / "image.nii.gz", np.full((4, 8, 8), -700, dtype=np.int16))
    write_volume(tmp_path / "b1" / "mask.nii.gz", mask)
    with pytest.raises(InputError, match="2 contoured CTs .* in DICOM and as research files; keep the planning CT"):
        read_patient(tmp_path)


def test_the_order_of_files_changes_nothing(tmp_path):
    first = contoured(tmp_path / "1", a={"SeriesNumber": 2}, b={"SeriesNumber": 1})
    second = contoured(tmp_path / "2", b={"SeriesNumber": 2}, a={"SeriesNumber": 1})
    assert (taken(first), taken(second)) == ("b", "a")


def test_all_patients_with_phases_are_read_without_any_key(tmp_path):
    contoured(tmp_path, **described("4D 0%", "4D 50%"))
    write_table(tmp_path, [row("B1")])
    assert read_cohort(tmp_path).ids == ("B1",)


@pytest.mark.parametrize("given", [{"series": ("(",)}, {"phases": (101,)}, {"phases": (-1,)}, {"date": "newest"}])
def test_rules_that_cannot_be_meant(given):
    with pytest.raises(SettingsError, match="several_cts"):
        CtRules(**given)
    with pytest.raises(SettingsError, match="several_cts must be one of"):
        CohortOptions(several_cts="newest")
