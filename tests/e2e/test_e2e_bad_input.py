"""Bad input through the command line: a clear sentence or a row with its reason, and everything else finished."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest
from command_line import process, verb
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from perisurv import SimulationOptions, simulate
from perisurv.study.model import load_model

STUDY = """
out = "run"
workers = 1
keep_ids = true
[input]
folder = "cohort"
truth = "cohort"
[radiomics]
preset = "fast"
filters = []
[stability]
patients = 0
[deep]
enabled = false
[regions]
border = "exclude"
[evaluation]
resamples = 100
"""
TUMOUR = re.compile("gtv", re.IGNORECASE)


def refusal(*arguments: str, cwd: Path, start: Callable[..., CompletedProcess[str]] = verb) -> str:
    """The one sentence on stderr of a command that must end with exit code 2 and print no more than its progress."""
    done = start(*arguments, cwd=cwd)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    *progress, sentence = (line for line in done.stderr.splitlines() if line.strip())
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in progress), done.stderr
    assert sentence.startswith("perisurv: ")
    assert sentence.endswith(".")
    return sentence.removeprefix("perisurv: ")


# --- damage --------------------------------------------------------------------------------------------------------


def slices(patient: Path) -> list[Path]:
    """Files of the CT, from the feet up."""
    headers = {p: dcmread(p, stop_before_pixels=True) for p in patient.rglob("*") if p.is_file()}
    ct = {p: float(d.ImagePositionPatient[2]) for p, d in headers.items() if d.Modality == "CT"}
    return sorted(ct, key=ct.__getitem__)


def structure_file(patient: Path) -> Path:
    ct = set(slices(patient))
    (path,) = [p for p in patient.rglob("*") if p.is_file() and p not in ct]
    return path


def edit(path: Path, change: Callable[[Dataset], None]) -> None:
    data = dcmread(path)
    change(data)
    data.save_as(path)


def referenced_series(structures: Dataset) -> Dataset:
    study = structures.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
    series: Dataset = study.RTReferencedSeriesSequence[0]
    return series


def tumour_contours(structures: Dataset) -> Dataset:
    """The item of ROIContourSequence that holds the tumour."""
    (number,) = [r.ROINumber for r in structures.StructureSetROISequence if TUMOUR.match(r.ROIName)]
    item: Dataset
    (item,) = [r for r in structures.ROIContourSequence if r.ReferencedROINumber == number]
    return item


def lose_a_slice(patient: Path) -> None:
    ct = slices(patient)
    ct[len(ct) // 2].unlink()


def lose_the_last_slice(patient: Path) -> None:
    slices(patient)[-1].unlink()


def scan_twice_under_one_uid(patient: Path) -> None:
    for number, path in enumerate(slices(patient)[10:20]):
        data = dcmread(path)
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[path.name])
        data.save_as(path.with_name(f"second{number}"))


def refer_to_a_ct_elsewhere(patient: Path) -> None:
    def change(data: Dataset) -> None:
        referenced_series(data).SeriesInstanceUID = generate_uid(entropy_srcs=["elsewhere"])

    edit(structure_file(patient), change)


def swap_in_the_contours_of_a_neighbour(patient: Path) -> None:
    path, own = structure_file(patient), patient.name
    shutil.copy(structure_file(patient.with_name("NF-0020")), path)

    def change(data: Dataset) -> None:
        data.PatientID = own
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["swapped"])

    edit(path, change)


def rename_the_tumour(patient: Path) -> None:
    def change(data: Dataset) -> None:
        for roi in data.StructureSetROISequence:
            roi.ROIName = "Heart" if TUMOUR.match(roi.ROIName) else roi.ROIName

    edit(structure_file(patient), change)


def empty_the_tumour(patient: Path) -> None:
    def change(data: Dataset) -> None:
        del tumour_contours(data).ContourSequence

    edit(structure_file(patient), change)


def move_the_tumour_to_the_border(patient: Path) -> None:
    first_mm = float(dcmread(slices(patient)[0], stop_before_pixels=True).ImagePositionPatient[2])

    def change(data: Dataset) -> None:
        contours = tumour_contours(data).ContourSequence
        points = [np.array(c.ContourData, dtype=float).reshape(-1, 3) for c in contours]
        shift_mm = min(p[0, 2] for p in points) - first_mm
        for contour, p in zip(contours, points, strict=True):
            contour.ContourData = [f"{v:.3f}" for v in (p - (0.0, 0.0, shift_mm)).ravel()]
            del contour.ContourImageSequence  # names the slice where it was

    edit(structure_file(patient), change)


def lose_the_contours(patient: Path) -> None:
    structure_file(patient).unlink()


def cut_a_slice_off(patient: Path) -> None:
    path = slices(patient)[30]
    path.write_bytes(path.read_bytes()[:-300])


def cut_the_contours_off(patient: Path) -> None:
    path = structure_file(patient)
    path.write_bytes(path.read_bytes()[:-300])


def scan_and_draw_twice(patient: Path) -> None:
    """A second CT, of its own UIDs, with contours of its own."""
    structures, ct = structure_file(patient), slices(patient)
    again = patient / "again"
    again.mkdir()
    new = {"series": generate_uid(entropy_srcs=["again"])}
    for number, path in enumerate(ct):
        data = dcmread(path)
        new[data.SOPInstanceUID] = generate_uid(entropy_srcs=["again", str(number)])
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = new[data.SOPInstanceUID]
        data.SeriesInstanceUID = new["series"]
        data.save_as(again / f"{number}.dcm")
    data = dcmread(structures)
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["contours again"])
    referenced_series(data).SeriesInstanceUID = new["series"]
    contours = [contour for roi in data.ROIContourSequence for contour in roi.ContourSequence]
    for item in (referenced_series(data), *contours):
        for image in item.ContourImageSequence:
            image.ReferencedSOPInstanceUID = new[image.ReferencedSOPInstanceUID]
    data.save_as(again / "contours.dcm")


@dataclass(frozen=True)
class Damage:
    """What was done to a patient, and the reason that must be given for leaving it out."""

    patient: str
    do: Callable[[Path], None] | None
    words: tuple[str, ...]
    stage: str = "index"


DICOM_DAMAGE = (
    Damage("NF-0001", lose_a_slice, ("missing slice: northfield/NF-0001/", "10.00 mm apart", "the whole series")),
    Damage("NF-0002", lose_the_last_slice, ("missing slice: ", "NF-0002/CT lacks 1 of the", "export the whole series")),
    Damage("NF-0003", scan_twice_under_one_uid, ("two series with one UID: ", "second0", "10 pairs", "keep one")),
    Damage("NF-0004", refer_to_a_ct_elsewhere, ("RTSTRUCT of another CT: ", "not in the folder", "export that CT")),
    Damage("NF-0005", swap_in_the_contours_of_a_neighbour, ("RTSTRUCT of another CT: ", "another patient", "NF-0020")),
    Damage("NF-0006", rename_the_tumour, ("no tumour ROI: ", "Heart", "tumour_roi = [{ exact = ")),
    Damage("RB0001", empty_the_tumour, ("empty contour: ROI gtv 1 of rheinburg/RB0001/", "draw it")),
    Damage(
        "NF-0007",
        move_the_tumour_to_the_border,
        ("NF-0007", "touches the border", "slice", 'border = "truncate"'),
        "regions",
    ),
    Damage("NF-0008", cut_a_slice_off, ("unreadable file: northfield/NF-0008/", "ends before its pixels", "again")),
    Damage(
        "SM_0001", cut_the_contours_off, ("unreadable file: saltmere/SM_0001/", "ends before its contours", "again")
    ),
    Damage("NF-0009", lose_the_contours, ("no RTSTRUCT: ", "northfield/NF-0009", "export them")),
    Damage("RB0002", scan_and_draw_twice, ("duplicate patient: ", "2 contoured CTs", "again", "keep the planning CT")),
)
# A change of the patient's line in the table of its centre: pattern and what stands there afterwards.
LINE_DAMAGE = {
    "NF-0010": (r",\d+,([01])$", r",-12,\1"),
    "SM_0002": (r",[\d.]+,(\w+)$", r",0,\1"),
    "RB0003": (r";\w+$", r";unbekannt"),
    "NF-0011": (r",[01]$", r",2"),
    "NF-0012": (r"$", r"\nNF-0012,70,II,nos,male,1,60,500,1"),
    "NF-0013": (r"^.*$", r""),
    "SM_0003": (r"$", r"\nSM_9999,70,1,3B,nos,1,1.5,Deceased"),
}
TABLE_DAMAGE = (
    Damage("NF-0010", None, ("negative or zero time of follow-up: column Survival.time", "clinical_data.csv", "'-12'")),
    Damage("SM_0002", None, ("negative or zero time of follow-up: column OS_years", "'0'", "positive number")),
    Damage("RB0003", None, ("event not 0/1: column Status", "Patientenliste.csv", "'unbekannt'", "1 (dead) or 0")),
    Damage("NF-0011", None, ("event not 0/1: column deadstatus.event", "'2'")),
    Damage("NF-0012", None, ("duplicate patient: ", "2 clinical rows in northfield/clinical_data.csv", "keep one")),
    Damage("NF-0013", None, ("no clinical row: ", "PatientID", "add the row")),
    Damage("SM_9999", None, ("no CT: ", "saltmere/", "add the CT")),
)
DAMAGE = DICOM_DAMAGE + TABLE_DAMAGE


def damage_tables(cohort: Path) -> None:
    for table in cohort.rglob("*.csv"):
        text = table.read_text(encoding="utf-8")
        for patient, (pattern, new) in LINE_DAMAGE.items():
            line = next((line for line in text.splitlines() if line.startswith(patient)), None)
            if line is not None:
                changed = re.sub(pattern, new, line, count=1)
                assert changed != line
                text = text.replace(line, changed)
        table.write_text(text, encoding="utf-8")


# --- cohorts -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort without fault; of thick slices, as it is written, copied and read many times."""
    usual = SimulationOptions(patients=36, matrix=64)
    thick = tuple(replace(centre, slice_spacing_mm=5.0) for centre in usual.centres)
    return simulate(tmp_path_factory.mktemp("sound") / "cohort", replace(usual, centres=thick), workers=1)


@pytest.fixture(scope="module")
def damaged(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of a cohort with everything wrong that can be wrong with one patient or file, run to its end."""
    home = tmp_path_factory.mktemp("damaged")
    shutil.copytree(sound, home / "cohort")
    for damage in DICOM_DAMAGE:
        assert damage.do is not None
        damage.do(next((home / "cohort").glob(f"*/{damage.patient}")))
    damage_tables(home / "cohort")
    (home / "cohort" / "rheinburg" / "RB0004" / "notes.dcm").write_text("Not DICOM at all.")
    (home / "cohort" / "northfield" / "NF-0020" / "gone.dcm").symlink_to("nowhere.dcm")
    (home / "study.toml").write_text(STUDY)
    done = verb("run", "study.toml", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return home


def twin(
    cohort: Path, folder: Path, *, table: Callable[[str], str] = str, centres: str = "*", patients: str = "*00[01][1-4]"
) -> Path:
    """A study of some patients of a cohort with other tables; their images are links."""
    for centre in sorted(p for p in cohort.glob(centres) if p.is_dir()):
        (folder / "cohort" / centre.name).mkdir(parents=True)
        taken = {path for path in centre.glob(patients) if path.is_dir()}
        others = tuple(path.name for path in centre.iterdir() if path.is_dir() and path not in taken)
        for path in (*taken, *centre.glob("*.csv")):
            copy = folder / "cohort" / centre.name / path.name
            if path in taken:
                copy.symlink_to(path)
            else:
                lines = path.read_text(encoding="utf-8").splitlines()
                copy.write_text(
                    table("\n".join(ln for ln in lines if not ln.startswith(others)) + "\n"), encoding="utf-8"
                )
    (folder / "study.toml").write_text(STUDY.replace('truth = "cohort"\n', ""))
    return folder


def included(home: Path) -> set[str]:
    everybody = {p.name for p in (home / "cohort").glob("*/*") if p.is_dir()}
    return everybody - {d.patient for d in DAMAGE}


# --- one patient or file is bad ------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda d: f"{d.patient}-{d.words[0].split(':')[0].replace(' ', '_')}")
def test_a_bad_patient_is_left_out_with_its_reason(damaged: Path, damage: Damage) -> None:
    rows = json.loads((damaged / "run" / "evaluation.json").read_text())["exclusions"]
    reasons = [(stage, reason) for patient, stage, reason in rows if patient == damage.patient]
    assert len(reasons) == 1, reasons
    assert reasons[0][0] == damage.stage
    for word in damage.words:
        assert word in reasons[0][1]
    assert reasons[0][1].endswith(".")


def test_a_bad_file_beside_a_good_patient_costs_only_the_file(damaged: Path) -> None:
    rows = json.loads((damaged / "run" / "exclusions" / "set_aside.json").read_text())
    (reason,) = [row["reason"] for row in rows if "notes.dcm" in row["reason"]]
    assert reason == "unreadable file: rheinburg/RB0004/notes.dcm is called DICOM but is not; export it again."
    assert "RB0004" in included(damaged)


def test_everybody_else_trains_or_is_scored(damaged: Path) -> None:
    predicted = set(pd.read_parquet(damaged / "run" / "predictions.parquet")["patient"])
    trained = load_model(damaged / "run" / "model").signatures["combined"].fitted_on
    assert predicted | trained == included(damaged)
    assert not predicted & trained
    flow = json.loads((damaged / "run" / "evaluation.json").read_text())["flow"]
    assert flow["excluded"] == len(DAMAGE)
    assert flow["found"] == len(included(damaged)) + len(DAMAGE)
    assert (damaged / "run" / "report.html").stat().st_size > 0


def test_index_lists_the_same_exclusions(damaged: Path) -> None:
    done = verb("index", "study.toml", "--json", cwd=damaged)
    assert done.returncode == 0, done.stderr
    listed = {(row["patient"], row["stage"], row["reason"]) for row in json.loads(done.stdout)["exclusions"]}
    evaluated = json.loads((damaged / "run" / "evaluation.json").read_text())["exclusions"]
    assert listed == {tuple(row) for row in evaluated}


def test_a_corrected_table_outside_the_cohort_is_read_again(damaged: Path, tmp_path: Path) -> None:
    home = twin(damaged / "cohort", tmp_path, patients="*00[01][04]")
    tables = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv")]
    for table, source in zip(tables, sorted((home / "cohort").rglob("*.csv")), strict=True):
        source.rename(table)
    study = home / "study.toml"
    names = json.dumps([str(t) for t in tables])
    study.write_text(study.read_text().replace("[radiomics]", f"clinical = {names}\n[radiomics]"))

    def left_out() -> set[str]:
        done = verb("index", "study.toml", "--json", cwd=tmp_path)
        return {row["patient"] for row in json.loads(done.stdout)["exclusions"]}

    assert "NF-0010" in left_out()
    for table in tables:
        table.write_text(table.read_text(encoding="utf-8").replace(",-12,", ",120,"), encoding="utf-8")
    assert "NF-0010" not in left_out()


@pytest.mark.parametrize(
    ("patient", "words"),
    [
        ("northfield/NF-0001", ("missing slice", "export the whole series")),
        ("northfield/NF-0007", ("touches the border",)),
        ("northfield/NF-0009", ("no RTSTRUCT",)),
    ],
)
def test_a_bad_patient_is_not_predicted(damaged: Path, patient: str, words: tuple[str, ...]) -> None:
    sentence = refusal("predict", "run/model", f"cohort/{patient}", cwd=damaged)
    assert all(word in sentence for word in words), sentence


# --- the whole cohort, the study file or the model is bad ------------------------------------------------------------


def test_all_censored(sound: Path, tmp_path: Path) -> None:
    def alive(table: str) -> str:
        return (
            re.sub(r",1$", ",0", table, flags=re.MULTILINE).replace("verstorben", "lebt").replace("Deceased", "Alive")
        )

    sentence = refusal("run", "study.toml", cwd=twin(sound, tmp_path, table=alive))
    assert sentence.startswith("All 16 patients are censored")
    assert "check the event column" in sentence


@pytest.mark.parametrize(("kind", "centres"), [("training", "northfield"), ("external", "rheinburg, saltmere")])
def test_centres_without_deaths_are_refused_before_the_work(
    sound: Path, tmp_path: Path, kind: str, centres: str
) -> None:
    def alive(text: str) -> str:
        if kind == "training":
            return re.sub(r",1$", ",0", text, flags=re.MULTILINE)
        return text.replace("verstorben", "lebt").replace("Deceased", "Alive")

    home = twin(sound, tmp_path, table=alive)
    sentence = refusal("run", "study.toml", cwd=home)
    assert re.search(rf"deaths? among its {kind} patients and has 0", sentence)
    assert f"({centres})" in sentence
    assert "check the event column" in sentence
    assert not (home / "run" / "regions.parquet").exists()


def test_one_small_centre_is_refused_before_the_work(sound: Path, tmp_path: Path) -> None:
    home = twin(sound, tmp_path, centres="saltmere")
    sentence = refusal("run", "study.toml", cwd=home)
    assert "events" in sentence
    assert "folds" in sentence or "validation leaves" in sentence
    assert not (home / "run" / "regions.parquet").exists()


def test_run_folder_among_the_patients(sound: Path, tmp_path: Path) -> None:
    home = twin(sound, tmp_path, centres="saltmere")
    sentence = refusal("index", "study.toml", "--out", "cohort/run", cwd=home)
    assert "lies in the folder of the patients" in sentence
    assert "set out to a folder beside it" in sentence
    assert not (home / "cohort" / "run").exists()


def test_no_patient_left(sound: Path, tmp_path: Path) -> None:
    home = twin(
        sound, tmp_path, centres="saltmere", table=lambda text: text.replace("Deceased", "?").replace("Alive", "?")
    )
    sentence = refusal("run", "study.toml", cwd=home)
    assert sentence.startswith("No patient is left. Left out: ")
    assert "event not 0/1" in sentence
    assert "'?'" in sentence


def test_table_without_the_columns_of_follow_up(sound: Path, tmp_path: Path) -> None:
    home = twin(sound, tmp_path, centres="saltmere", table=lambda text: text.replace("vital_status", "remarks"))
    study = (home / "study.toml").read_text()
    (home / "study.toml").write_text(study.replace("[input]", '[input]\nfollow_up = "required"'))
    sentence = refusal("run", "study.toml", cwd=home)
    assert "no known column for event" in sentence
    assert "OS_years, remarks" in sentence
    assert "event = " in sentence


def test_truth_of_another_cohort_is_refused_before_the_work(sound: Path, tmp_path: Path) -> None:
    home = twin(sound, tmp_path, centres="[nr]*")
    other = tmp_path / "other"
    other.mkdir()
    pd.DataFrame({"PatientID": ["X1"], "linear_predictor": [0.0]}).to_parquet(other / "truth.parquet")
    study = (home / "study.toml").read_text()
    for truth, words in (("other", ("does not know", "RB0001", "take it out")), ("none", ("No truth.parquet",))):
        (home / "study.toml").write_text(study.replace("[radiomics]", f'truth = "{truth}"\n[radiomics]'))
        sentence = refusal("run", "study.toml", cwd=home)
        assert all(word in sentence for word in words), sentence
    assert not (home / "run" / "regions.parquet").exists()


STUDY_FILES = {
    "unknown key": ("resamples", "resample", ("[evaluation]", "'resample'", "nearest known key is 'resamples'")),
    "unknown table": ("[deep]", "[depe]", ("'depe'", "nearest known key is 'deep'")),
    "wrong type": ("= 100", '= "many"', ("evaluation.resamples", "'many'", "whole number")),
    "wrong value": ("= 100", "= 5", ("[evaluation]", "resamples >= 100")),
    "no folder": ('folder = "cohort"', 'folder = "nowhere"', ("no folder", "nowhere", "below [input]")),
    "folder not set": ('folder = "cohort"', "", ("names no folder", "below [input]")),
    "no table": ("[radiomics]", 'clinical = ["nowhere.csv"]\n[radiomics]', ("nowhere.csv", "CSV")),
}


@pytest.mark.parametrize("case", STUDY_FILES)
def test_study_file(tmp_path: Path, case: str) -> None:
    old, new, words = STUDY_FILES[case]
    (tmp_path / "cohort").mkdir()
    assert old in STUDY
    (tmp_path / "study.toml").write_text(STUDY.replace(old, new))
    sentence = refusal("run", "study.toml", cwd=tmp_path)
    assert all(word in sentence for word in words), sentence


def test_a_study_file_that_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY.replace("workers = 1", "workers = "))
    done = verb("run", "study.toml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("perisurv: study.toml, line 3 is no TOML: workers =")
    assert "Traceback" not in done.stderr


def test_paths_that_are_not_what_they_should_be(tmp_path: Path) -> None:
    assert "no study file nowhere.toml" in refusal("run", "nowhere.toml", cwd=tmp_path, start=process)
    assert "cannot be read: Is a directory" in refusal("run", ".", cwd=tmp_path)
    (tmp_path / "cohort").mkdir()
    (tmp_path / "study.toml").write_text(STUDY)
    sentence = refusal("run", "study.toml", cwd=tmp_path)
    assert sentence.startswith("No patient is left. The folder holds no DICOM CT with RTSTRUCT")
    sentence = refusal("run", "study.toml", "--out", "study.toml", cwd=tmp_path)
    assert "study.toml/" in sentence
    assert "Not a directory" in sentence


def broken_models(model: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """A model folder that is broken, and what must be said."""
    (folder / "empty").mkdir()
    yield "empty", "model.json is missing"
    for name in ("lacking", "cut", "other", "foreign"):
        shutil.copytree(model, folder / name)
    (folder / "lacking" / "signatures" / "volume.json").unlink()
    yield "lacking", "volume.json"
    path = folder / "cut" / "model.json"
    path.write_text(path.read_text()[:-100])
    yield "cut", "model.json is not readable as JSON"
    path = folder / "other" / "signatures" / "volume.json"
    path.write_text("{}")
    yield "other", "signature"
    (folder / "foreign" / "model.json").write_text('{"format": 99}')
    yield "foreign", "format 1"


def test_a_folder_that_is_no_model(damaged: Path, tmp_path: Path) -> None:
    patient = str(damaged / "cohort" / "saltmere" / "SM_0004")
    for name, words in broken_models(damaged / "run" / "model", tmp_path):
        sentence = refusal("predict", name, patient, cwd=tmp_path)
        assert words in sentence
        assert name in sentence or "signature" in sentence


def test_nobody_to_predict(damaged: Path, tmp_path: Path) -> None:
    model = str(damaged / "run" / "model")
    patient = str(damaged / "cohort" / "saltmere" / "SM_0004")
    (tmp_path / "empty").mkdir()
    assert "no DICOM CT with RTSTRUCT" in refusal("predict", model, "empty", cwd=tmp_path)
    assert "There is no folder nowhere" in refusal("predict", model, "nowhere", cwd=tmp_path)
    assert "it has volume, clinical" in refusal("predict", model, patient, "--branch", "depp", cwd=tmp_path)
    sentence = refusal("predict", model, patient, "--key-file", "nowhere.key", cwd=tmp_path)
    assert "nowhere.key" in sentence
    assert "No such file" in sentence
