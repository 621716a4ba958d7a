"""A first look at a folder: what is set, what is asked, what is offered; and the study file that says so."""

import re
import tomllib
from pathlib import Path

import pytest
from cohort_files import SLICES, hospital, row, square, uid, write_ct, write_patient, write_rtstruct, write_table
from pydicom.dataset import Dataset
from small_study import follow_up, write_hospital

from perisurv.cohort import read_cohort
from perisurv.core import InputError
from perisurv.study import first_look
from perisurv.study.draft import draft, findings, write_draft
from perisurv.study.first_look import look_at
from perisurv.study.settings import read_settings, settings_from_dict
from perisurv.study.settings_text import sections

pytestmark = pytest.mark.usefixtures("any_values")


def lines(look) -> list[list[str]]:
    return [[f"[{line.table}] {line.text}" for line in question.lines] for question in look.questions]


def forget_slices(data: Dataset, _: int) -> None:
    """Every slice that the structure set names got another UID."""
    frame = data.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    for k, image in enumerate(frame.ContourImageSequence):
        image.ReferencedSOPInstanceUID = uid("hashed", k)


def test_a_sound_folder_asks_nothing_and_its_study_file_is_read_as_it_is(tmp_path):
    write_hospital(tmp_path / "hospital", [f"P{n}" for n in range(14)], follow_up)
    study = tmp_path / "study.toml"
    look = look_at(tmp_path / "hospital")
    text = write_draft(look, study)
    assert (look.questions, look.taken, look.offers) == ((), (), ())
    assert not look.ready or "one centre" in look.plan
    assert '# time = "time_days"' in text
    settings = read_settings(study)
    assert Path(settings.input.folder) == tmp_path / "hospital"
    assert settings.cohort == settings_from_dict({}).cohort


def test_several_centres_say_who_trains_and_who_is_scored(tmp_path):
    patients = [f"P{n:02d}" for n in range(16)]
    write_hospital(tmp_path, patients, lambda n: follow_up(n, "north" if n < 12 else "south", 1))
    look = look_at(tmp_path)
    assert "2 centres: north (12), south (4)" in findings(look)[0]
    assert look.plan


def test_without_a_table_the_study_ends_with_features(tmp_path):
    write_hospital(tmp_path, ["P0", "P1"])
    look = look_at(tmp_path)
    assert look.ready
    assert look.plan.startswith("Features only")
    assert "no follow-up" in findings(look)[0]


def test_slices_of_other_uids_are_taken_by_their_series(tmp_path):
    hospital(tmp_path, ["B1"])
    write_ct(tmp_path / "B1" / "ct", "B1")
    write_rtstruct(tmp_path / "B1" / "rt.dcm", "B1", edit=forget_slices)
    look = look_at(tmp_path)
    assert [line.text for line in look.taken] == ['references = "series"']
    assert look.cohort.ids == ("B1", "S1", "S2")
    assert 'references = "series"\n' in draft(look, tmp_path.parent / "study.toml")


@pytest.mark.parametrize("name", ["IGTV", "Target 3", "Zielvolumen", 'IGTV "MIP"', "IGTV plän"])
def test_an_unsure_name_of_the_tumour_is_asked_for(tmp_path, name):
    for patient in ("B1", "B2"):
        write_patient(tmp_path, patient, rois={name: [square(k) for k in (3, 4, 5)], "Heart": [square(3, 2, 5)]})
    write_table(tmp_path, [row("B1"), row("B2", 200, 0)])
    look = look_at(tmp_path)
    (question,) = look.questions
    assert "2 patients have no contour that is surely the primary tumour" in question.text
    assert look.cohort.ids == ("B1", "B2")
    first = question.lines[0].text
    assert tomllib.loads(first)["tumour_roi"] == [{"exact": name}]
    study = draft(look, tmp_path.parent / "study.toml")
    assert f"\n# {first}\n" in study
    assert settings_from_dict(tomllib.loads(study.replace(f"# {first}", first))).cohort.tumour_roi[0].exact == name


def test_a_second_name_stands_beside_the_usual_ones(tmp_path):
    hospital(tmp_path, ["B1"])
    write_patient(tmp_path, "B1", rois={"IGTV": [square(k) for k in (3, 4, 5)]})
    look = look_at(tmp_path)
    assert look.cohort.ids == ("B1", "S1", "S2")
    assert look.questions[0].lines[0].text == 'tumour_roi = [{ named = "primary tumour" }, { exact = "IGTV" }]'


def test_names_that_are_never_the_tumour_are_not_proposed(tmp_path):
    hospital(tmp_path, ["B1"])
    write_patient(tmp_path, "B1", rois={"Heart": [square(3)], "GTV_LN": [square(4)]})
    look = look_at(tmp_path)
    assert look.questions == ()
    assert look.cohort.ids == ("S1", "S2")
    assert "Left out: 1 patient, no tumour ROI." in findings(look)


def test_where_nobody_has_a_name_that_may_be_the_tumour_it_is_asked_for(tmp_path):
    write_patient(tmp_path, "B1", rois={"Heart": [square(3)], "GTV_LN": [square(4)]})
    write_table(tmp_path, [row("B1")])
    look = look_at(tmp_path)
    assert "no name that is there may be it" in look.questions[0].text
    assert not look.ready


def test_where_nobody_is_left_for_another_reason_no_tumour_is_asked_for(tmp_path):
    write_patient(tmp_path, "B1")
    next((tmp_path / "B1" / "ct").glob("004*")).unlink()
    write_table(tmp_path, [row("B1")])
    look = look_at(tmp_path)
    assert look.questions == ()
    assert not look.ready


def test_of_tables_that_disagree_one_is_to_be_named(tmp_path):
    folder = tmp_path / "two words"
    write_hospital(folder, ["P0", "P1", "P2"], follow_up)
    (folder / "sub").mkdir()
    (folder / "sub" / "other.csv").write_text("PatientID,time_days,event\nP0,111,1\nP1,222,0\n")
    look = look_at(folder)
    (question,) = look.questions
    assert "clinical.csv takes 2 more patients, sub/other.csv takes 1 more patient" in question.text
    study = tmp_path / "study.toml"
    text = write_draft(look, study)
    assert '# clinical = ["two words/clinical.csv"]\n# clinical = ["two words/sub/other.csv"]\n' in text
    study.write_text(text.replace('# clinical = ["two words/sub', 'clinical = ["two words/sub'))
    assert read_settings(study).input.clinical == (str(folder / "sub" / "other.csv"),)


def move_last_slice(data: Dataset, k: int) -> None:
    if k == SLICES - 1:
        data.ImagePositionPatient[2] += 0.6


@pytest.mark.parametrize(
    ("key", "edit", "slices"),
    [
        ('between_slices = "interpolate"', None, (2, 3, 5, 6)),
        ('irregular_slices = "resample"', move_last_slice, (3, 4)),
    ],
)
def test_what_would_take_more_patients_is_offered(tmp_path, key, edit, slices):
    hospital(tmp_path, ["B1"])
    write_ct(tmp_path / "B1" / "ct", "B1", edit=edit)
    write_rtstruct(tmp_path / "B1" / "rt.dcm", "B1", rois={"GTV-1": [square(k) for k in slices]})
    look = look_at(tmp_path)
    (offer,) = look.offers
    assert (offer.text, look.cohort.ids) == (key, ("S1", "S2"))
    assert f"\n# {key}\n" in draft(look, tmp_path.parent / "study.toml")


def test_a_folder_is_read_again_only_for_keys_that_a_reason_names(tmp_path, monkeypatch):
    hospital(tmp_path, ["B1"])
    write_patient(tmp_path, "B1", rois={"Heart": [square(3)]})
    read = []
    monkeypatch.setattr(first_look, "read_cohort", lambda *a, **k: read.append(k) or read_cohort(*a, **k))
    assert "no tumour ROI" in str(findings(look_at(tmp_path)))
    assert len(read) == 1


@pytest.mark.parametrize(
    ("header", "values", "first"),
    [
        ("PatientID,OS days,Follow-up days,event", "200,210,1", '[cohort.columns] time = "OS days"'),
        ("PatientID,time_days,event,Site", "200,1,north", '[cohort.columns] centre = "Site"'),
        ("PatientID,time_days,status", "200,2", '[cohort.clinical] event_codes = { "1" = "alive", "2" = "dead" }'),
    ],
)
def test_what_a_table_leaves_open_is_asked_and_the_rest_is_still_seen(tmp_path, header, values, first):
    write_hospital(tmp_path, ["P0", "P1", "P2", "P3"])
    other = values.replace("200,2", "100,1").replace(",1", ",0") if "status" not in header else "100,1"
    table = [header, *(f"P{n},{values if n % 2 else other}" for n in range(4))]
    (tmp_path / "clinical.csv").write_text("\n".join(table) + "\n")
    look = look_at(tmp_path)
    assert lines(look)[0][0] == first
    assert len(look.cohort.patients) == 4


def test_a_table_whose_time_nobody_knows_is_asked_about_and_not_passed_over(tmp_path):
    write_hospital(tmp_path, ["P0", "P1"])
    (tmp_path / "clinical.csv").write_text("PatientID,how long,event\nP0,200,1\nP1,300,0\n")
    look = look_at(tmp_path)
    (question,) = look.questions
    assert "has no known column for time; its columns are PatientID, how long, event" in question.text
    assert "DECIDE: clinical.csv has no known column for time" in draft(look, tmp_path.parent / "study.toml")


def test_two_questions_are_found_in_one_look(tmp_path):
    write_hospital(tmp_path, ["P0", "P1", "P2", "P3"])
    table = ["PatientID,OS days,Follow-up days,status", "P0,200,201,1", "P1,300,301,2", "P2,400,401,2", "P3,500,501,1"]
    (tmp_path / "clinical.csv").write_text("\n".join(table) + "\n")
    asked = lines(look_at(tmp_path))
    assert [question[0].partition(" = ")[0] for question in asked] == [
        "[cohort.columns] time",
        "[cohort.clinical] event_codes",
    ]


@pytest.mark.parametrize("make", [lambda root: None, lambda root: root.mkdir(), lambda root: root.write_text("x")])
def test_a_folder_without_patients_is_refused_and_nothing_is_written(tmp_path, make):
    make(tmp_path / "data")
    with pytest.raises(InputError):
        look_at(tmp_path / "data")
    assert not list(tmp_path.rglob("*.toml"))


def test_every_default_that_stands_in_the_file_is_that_of_the_code(tmp_path):
    write_hospital(tmp_path, ["P0"])
    text = draft(look_at(tmp_path), tmp_path.parent / "study.toml")
    known = {name: keys for name, _, keys in sections()}
    table, seen = "", 0
    for line in text.splitlines():
        if header := re.fullmatch(r"\[(.+)\]", line):
            table = header[1]
        elif (found := re.fullmatch(r"# (\w+) = (.+)", line)) and table != "cohort.columns":
            assert known[table][found[1]] == found[2]
            seen += 1
    assert seen > 20
    told = re.sub(r"(?m)^# (\w+ = )(?!.*\"fast\")", r"\1", text)
    assert settings_from_dict(tomllib.loads(told)).regions == settings_from_dict({}).regions


@pytest.mark.parametrize(
    ("study", "folder", "out"),
    [
        ("study.toml", "data", "runs/study"),
        ("studies/a1.toml", "../data", "runs/a1"),
        ("data/study.toml", ".", "../data-study"),
        ("data/deep/er/study.toml", "{root}/data", "{root}/data-study"),
    ],
)
def test_paths_count_from_the_study_file_and_results_lie_outside_of_the_patients(tmp_path, study, folder, out):
    write_hospital(tmp_path / "data", ["P0"])
    values = tomllib.loads(draft(look_at(tmp_path / "data"), tmp_path / study))
    assert values["input"]["folder"] == folder.format(root=tmp_path.as_posix())
    assert values["out"] == out.format(root=tmp_path.as_posix())


def test_a_study_file_that_is_there_is_left_as_it_is(tmp_path):
    write_hospital(tmp_path / "data", ["P0"])
    study = tmp_path / "study.toml"
    study.write_text("mine")
    with pytest.raises(InputError, match=r"is there already and is left as it is; .*study-2\.toml"):
        write_draft(look_at(tmp_path / "data"), study)
    assert study.read_text() == "mine"


def test_nobody_is_named_in_the_study_file(tmp_path):
    hospital(tmp_path, ["DOE^JANE"])
    write_ct(tmp_path / "DOE^JANE" / "ct", "DOE^JANE", slices=[k for k in range(SLICES) if k != 4])
    write_rtstruct(tmp_path / "DOE^JANE" / "rt.dcm", "DOE^JANE")
    look = look_at(tmp_path)
    assert any("Left out: 1 patient, missing slice" in told for told in findings(look))
    assert "DOE" not in draft(look, tmp_path.parent / "study.toml")
