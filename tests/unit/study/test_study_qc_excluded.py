"""The QC sheet of a patient whom the index excluded: CT, contour where there is one, and the reason; no identity."""

import json
import re

import numpy as np
import pytest
from small_study import follow_up, small_settings, write_hospital, write_patient

from perisurv.study.people import read_people
from perisurv.study.run import Run
from perisurv.study.store import RunFolder

SOUND = ("0012345", "A2", "A3", "A4")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Four sound patients, and one for each kind of fault."""
    root = tmp_path_factory.mktemp("excluded")
    hospital = root / "hospital"
    write_hospital(hospital, (*SOUND, "Mueller", "cut-off", "T1"), follow_up)
    write_patient(hospital, "NoFollowUp", 2)
    (hospital / "Mueller" / "mask_GTV.nii.gz").rename(hospital / "Mueller" / "mask_Heart.nii.gz")
    image = hospital / "cut-off" / "image.nii.gz"
    image.write_bytes(image.read_bytes()[:2000])
    with (hospital / "clinical.csv").open("a") as table:
        table.write("OnlyInTheTable,100,1,60,north\n")
    run = Run(small_settings(root, keep_ids=False), RunFolder(root / "run"))
    run.index()
    mask = hospital / "T1" / "mask_GTV.nii.gz"
    mask.write_bytes(mask.read_bytes()[:-9])  # after the index: the stage regions loses this patient
    run.regions()
    run.qc()
    return run


def _sheet(run, patient_id):
    one = next(p for p in read_people(run.private) if p.patient_id == patient_id)
    return one, (run.folder.qc / "patients" / f"{one.pseudonym}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("patient_id", "title", "pictures", "outline", "remark"),
    [
        ("Mueller", "no tumour ROI", True, False, "Which mask is the tumour is not known."),
        ("NoFollowUp", "no clinical row", True, True, ""),
        ("cut-off", "unreadable file", False, False, "No picture: file-"),
        ("OnlyInTheTable", "no CT", False, False, "No picture: there is no CT of this patient."),
        ("T1", "is cut off", True, False, "The contour is not drawn: file-"),
    ],
)
def test_as_much_as_can_be_drawn_with_the_reason(run, patient_id, title, pictures, outline, remark):
    person, sheet = _sheet(run, patient_id)
    assert person.state == "excluded"
    heading = re.search(r"<h1>(.*?)</h1>", sheet).group(1)
    assert heading.startswith(f"{person.pseudonym}: excluded, ")
    assert title in heading
    assert ("<image" in sheet) == pictures
    assert ('<g class="outline"' in sheet) == outline
    assert remark in sheet
    assert (">CT, without a contour<" in sheet) == (pictures and not outline)


def test_sheets_name_neither_patients_nor_paths(run):
    for sheet in run.folder.qc.rglob("*.html"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"0012345|Mueller|NoFollowUp|cut-off|OnlyInTheTable|hospital|\.nii", text)


def test_sound_patients_are_drawn_as_before(run):
    person, sheet = _sheet(run, "A2")
    assert person.state == "in"
    assert f"<h1>{person.pseudonym}</h1>" in sheet
    assert "Audit of the rings" in sheet


def test_what_is_kept_for_pictures_lies_in_the_private_folder(run):
    assert run.private.left_out.exists()
    assert not list(run.folder.root.rglob("left_out*"))
    kept = {p.id for p in run.cohort().left_out}
    excluded = {row["patient"] for row in json.loads((run.folder.root / "exclusions" / "index.json").read_text())}
    assert kept < excluded
    assert np.isin(run.cohort().ids, list(kept)).sum() == 0


def test_a_run_of_an_earlier_version_keeps_its_words(run):
    run.private.left_out.rename(run.private.root / "away")
    try:
        assert run.cohort().left_out == ()
    finally:
        (run.private.root / "away").rename(run.private.left_out)
