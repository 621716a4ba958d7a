"""Who a pseudonym stands for: every patient of the folder, excluded ones too, and none of it in the run folder."""

import csv
import dataclasses
import json
import stat

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_study import follow_up, small_settings, write_hospital, write_patient
from typer.testing import CliRunner

from perisurv.cli import app
from perisurv.core import Cohort, EmptyCohortError, Exclusion, Person, ReadError
from perisurv.study.people import find_people, read_people, update_people, write_people
from perisurv.study.private import PrivateFolder
from perisurv.study.run import Run
from perisurv.study.settings import settings_to_toml
from perisurv.study.store import RunFolder

ODD_IDS = (
    "=1+1", "+49-7", "-12", "@SUM(A1)", "0012345", "'=quoted", "'plain", "a,b", 'a "b" c', "a\nb", "Müller^Jörg",
    "山田", "\uff1dcmd", "1e5", "a;b",
)  # fmt: skip


def _cohort(people, exclusions=(), set_aside=()):
    empty = pd.DataFrame(index=pd.Index([], name="patient", dtype=object))
    return Cohort((), empty, None, exclusions, people=people, set_aside=set_aside)


def _cells(private):
    with private.people.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("patient_id", ODD_IDS)
def test_ids_come_back_as_they_are_and_open_as_text(tmp_path, patient_id):
    private = PrivateFolder(tmp_path / "p")
    write_people(
        private, _cohort((Person("P-1", patient_id, (patient_id, "x")),), (Exclusion("P-1", "index", "no CT"),))
    )
    (row,) = read_people(private)
    assert (row.patient_id, row.folders) == (patient_id, (patient_id, "x"))
    (cells,) = _cells(private)
    assert not any(value[:1] in tuple("=+-@\t\r\n\uff1d") for value in cells.values() if value)
    assert cells["PatientID"].endswith(patient_id)
    assert stat.S_IMODE(private.people.stat().st_mode) == 0o600


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8))
def test_any_id_survives_the_file(tmp_path_factory, patient_id):
    private = PrivateFolder(tmp_path_factory.mktemp("p"))
    write_people(private, _cohort((Person("P-1", patient_id),)))
    assert read_people(private)[0].patient_id == patient_id


def test_an_id_with_leading_zeros_keeps_them_in_the_file(tmp_path):
    private = PrivateFolder(tmp_path)
    write_people(private, _cohort((Person("P-1", "0012345"),)))
    assert _cells(private)[0]["PatientID"] == "0012345"


def test_two_reasons_of_one_patient_are_both_there(tmp_path):
    private = PrivateFolder(tmp_path)
    gone = (Exclusion("P-1", "index", "no tumour ROI: a/1.dcm"), Exclusion("P-1", "index", "missing slice: b lacks 2"))
    write_people(private, _cohort((Person("P-1", "7", ("a", "b")), Person("P-2", "8")), gone))
    one, other = read_people(private)
    assert (one.state, one.stage, one.kind) == ("excluded", "index", "no tumour ROI")
    assert one.reasons == tuple(e.reason for e in gone)
    assert (other.state, other.stage) == ("not used", "")
    assert "P-1" in repr(one)
    assert "7" not in repr(one)


def _study(tmp_path, **tables):
    """Three patients; one without a mask, one whose follow-up is missing, one that only the table names."""
    root = tmp_path / "hospital"
    write_hospital(root, ("0012345", "=Mu,eller", "A3", "B4"), follow_up)
    (root / "B4" / "mask_GTV.nii.gz").unlink()
    write_patient(root, "C5", 3)
    with (root / "clinical.csv").open("a") as table:
        table.write("'=D6,100,1,60,north\n")
    text = (root / "clinical.csv").read_text().replace("\n=Mu,eller,", '\n"=Mu,eller",')
    (root / "clinical.csv").write_text(text)
    settings = small_settings(tmp_path, keep_ids=False, **tables)
    file = tmp_path / "study.toml"
    file.write_text(settings_to_toml(settings), encoding="utf-8")
    return file, Run(settings, RunFolder(tmp_path / "run"))


def _who(file, *arguments):
    return CliRunner().invoke(app, ["who", str(file), *arguments])


def test_everybody_of_the_folder_can_be_found_both_ways(tmp_path):
    file, run = _study(tmp_path)
    cohort = run.index()
    assert len(cohort) == 3
    excluded = {row["patient"] for row in json.loads((run.folder.root / "exclusions" / "index.json").read_text())}
    assert len(excluded) == 3
    done = _who(file, "--json", *cohort.ids, *sorted(excluded))
    assert done.exit_code == 0, done.output
    people = {p["patient_id"]: p for p in json.loads(done.stdout)["patients"]}
    assert set(people) == {"0012345", "=Mu,eller", "A3", "B4", "C5", "'=D6"}
    assert [people[p]["state"] for p in ("0012345", "=Mu,eller", "A3")] == ["in"] * 3
    assert people["B4"]["folders"] == ["B4"]
    assert people["B4"]["reasons"][0].startswith("no mask: B4 holds an image")
    assert people["C5"]["kind"] == "no clinical row"
    assert people["'=D6"]["folders"] == []
    for patient_id, person in people.items():
        back = _who(file, "--json", "--id", f" {patient_id.upper()} ")
        assert json.loads(back.stdout)["patients"] == [person]
    told = _who(file, people["B4"]["pseudonym"].upper())
    assert told.stdout.splitlines()[:3] == [
        f"{people['B4']['pseudonym']}: PatientID B4",
        "  folder B4",
        "  excluded at index",
    ]


def test_no_identity_in_the_run_folder(tmp_path):
    file, run = _study(tmp_path)
    cohort = run.index()
    assert _who(file, cohort.ids[0]).exit_code == 0
    names = [p.name for p in run.folder.root.rglob("*")]
    assert "patients.csv" not in names
    for path in run.folder.root.rglob("*"):
        if path.is_file():
            assert b"0012345" not in path.read_bytes()
            assert b"Mu,eller" not in path.read_bytes()


def test_with_identities_kept_it_lies_in_the_run_folder(tmp_path):
    file, run = _study(tmp_path)
    settings = dataclasses.replace(run.settings, keep_ids=True)
    file.write_text(settings_to_toml(settings), encoding="utf-8")
    Run(settings, run.folder).index()
    assert (run.folder.root / "patients.csv").exists()
    assert not run.private.people.exists()
    assert "0012345: PatientID 0012345" in _who(file, "0012345").stdout


@pytest.mark.parametrize(
    ("near", "told"),
    [
        (lambda p: p[:8], "near is {}"),
        (lambda p: p[:-1] + ("0" if p[-1] != "0" else "1"), "near is {}"),
        (lambda _: "P-zzzzzzzzzzzzzzzz", "study is called P-zzzzzzzzzzzzzzzz."),
        (lambda _: "", "study is called ."),
    ],
)
def test_an_unknown_pseudonym_is_refused_with_the_nearest_where_one_is_near(tmp_path, near, told):
    private = PrivateFolder(tmp_path)
    write_people(private, _cohort((Person("P-3f2a90b1c4d5e6f7", "1"), Person("P-0011223344556677", "2"))))
    found, (sentence,) = find_people(read_people(private), [near("P-3f2a90b1c4d5e6f7"), "p-0011223344556677"])
    assert [one.patient_id for one in found] == ["2"]
    assert told.format("P-3f2a90b1c4d5e6f7") in sentence
    assert ("near" in sentence) == ("{}" in told)


@pytest.mark.parametrize(
    ("asked", "near"), [("12345", True), (" 0012345.0", True), ("0012346", True), ("999", False), ("Q", False)]
)
def test_an_unknown_patient_id_names_nobody_elses(tmp_path, asked, near):
    private = PrivateFolder(tmp_path)
    write_people(private, _cohort((Person("P-1", "0012345"), Person("P-2", "Mueller"))))
    _, (sentence,) = find_people(read_people(private), [], [asked])
    assert ("near is that of P-1" in sentence) == near
    assert "0012345." not in sentence.replace(asked, "")
    assert "Mueller" not in sentence


def test_known_ones_are_printed_though_one_is_unknown(tmp_path):
    file, run = _study(tmp_path)
    known = run.index().ids[0]
    done = _who(file, known, "P-unknown")
    assert done.exit_code == 2
    assert known in done.stdout


def test_nothing_asked_is_refused_with_the_place_of_the_table(tmp_path):
    file, run = _study(tmp_path)
    run.index()
    refused = _who(file)
    assert "patients.csv" in str(refused.exception)
    assert "Name one or more pseudonyms" in str(refused.exception)


def test_a_run_without_the_table_asks_for_the_index_which_writes_it_again(tmp_path):
    file, run = _study(tmp_path)
    run.index()
    run.regions()
    before, kept = run.private.people.read_bytes(), run.folder.audit.stat().st_mtime_ns
    run.private.people.unlink()
    refused = _who(file, "P-1")
    assert isinstance(refused.exception, ReadError)
    assert "Run `perisurv index` with the same study file again" in str(refused.exception)
    run.index()
    run.regions()
    assert run.private.people.read_bytes() == before
    assert run.folder.audit.stat().st_mtime_ns == kept


@pytest.mark.parametrize("damage", [b"", b"a,b\n1,2\n", b'"pseudonym","Pat', b"\xff\xfe\x00"])
def test_a_damaged_table_is_called_so(tmp_path, damage):
    private = PrivateFolder(tmp_path)
    write_people(private, _cohort((Person("P-1", "7"),)))
    private.people.write_bytes(damage)
    if damage:
        with pytest.raises(ReadError, match=r"patients\.csv cannot be read"):
            read_people(private)
    else:
        assert read_people(private) == ()


def test_later_exclusions_are_added_and_taken_back(tmp_path):
    _, run = _study(tmp_path)
    ids = run.index().ids
    first = run.private.people.read_bytes()
    update_people(run.private, [Exclusion(ids[1], "regions", "the tumour is too small: 3 voxels")])
    row = next(r for r in read_people(run.private) if r.pseudonym == ids[1])
    assert (row.state, row.stage, row.kind) == ("excluded", "regions", "the tumour is too small")
    update_people(run.private, [Exclusion(ids[0], "extract", "no voxel left")])
    states = {r.pseudonym: r.stage for r in read_people(run.private)}
    assert (states[ids[0]], states[ids[1]]) == ("extract", "")
    update_people(run.private, ())
    assert run.private.people.read_bytes() == first


def test_a_patient_lost_by_the_stage_regions_is_excluded_there(tmp_path):
    _, run = _study(tmp_path)
    ids = run.index().ids
    lost = next(r for r in read_people(run.private) if r.patient_id == "A3")
    (tmp_path / "hospital" / "A3" / "mask_GTV.nii.gz").write_bytes(b"")
    run.regions()
    row = next(r for r in read_people(run.private) if r.patient_id == "A3")
    assert lost.pseudonym in ids
    assert (row.state, row.stage) == ("excluded", "regions")
    assert row.reasons


def test_where_nobody_is_left_everybody_can_still_be_found(tmp_path):
    file, run = _study(tmp_path)
    for mask in (tmp_path / "hospital").rglob("mask_GTV.nii.gz"):
        mask.unlink()
    with pytest.raises(EmptyCohortError):
        run.index()
    excluded = {row["patient"] for row in json.loads((run.folder.root / "exclusions" / "index.json").read_text())}
    done = _who(file, "--json", *sorted(excluded))
    assert done.exit_code == 0
    assert {p["state"] for p in json.loads(done.stdout)["patients"]} == {"excluded"}
    assert len(json.loads(done.stdout)["patients"]) == 6


def test_a_cohort_of_which_nobody_said_who_it_is(tmp_path):
    private = PrivateFolder(tmp_path)
    write_people(private, _cohort((), (Exclusion("X", "index", "no CT"), Exclusion("", "index", "broken link: a"))))
    assert [(r.pseudonym, r.patient_id, r.state) for r in read_people(private)] == [("X", "", "excluded")]
