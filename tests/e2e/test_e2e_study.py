"""A small simulated cohort through every verb, as a user would run it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import process, verb

import perisurv as ps
from perisurv.core import InputError, LeakageError
from perisurv.study.model import load_model
from perisurv.study.settings import settings_to_toml

STUDY = """
out = "run"
workers = 1
keep_ids = true
[input]
folder = "cohort"
truth = "cohort"
[stability]
patients = 4
repeats = 1
[radiomics]
preset = "fast"
filters = [{ kind = "log", sigma_mm = 2.0 }]
[deep]
folds = 2
[deep.training]
patch_voxels = 16
width = 4
epochs = 2
axes = 4
stem_stride = 2
[fit]
minimum_events = 3
[evaluation]
resamples = 100
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished small study, by processes as a user starts them."""
    folder = tmp_path_factory.mktemp("study")
    done = process("simulate", "cohort", "--patients", "20", "--matrix", "64", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "study.toml").write_text(STUDY)
    done = process("run", "study.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "combined" in done.stdout
    return folder


def test_artefacts_of_design(home: Path) -> None:
    run = home / "run"
    for name in ("cohort.parquet", "regions.parquet", "features.parquet", "predictions.parquet", "report.html"):
        assert (run / name).stat().st_size > 0
    sheets = list((run / "qc" / "patients").glob("*.html"))
    assert (run / "qc" / "index.html").exists()
    assert {sheet.stem for sheet in sheets} == set(pd.read_parquet(run / "cohort.parquet")["patient"])
    assert max(sheet.stat().st_size for sheet in sheets) < 600_000
    evaluation, read_as = (json.loads((run / f"{name}.json").read_text()) for name in ("evaluation", "notes"))
    assert read_as
    assert set(read_as) <= set(evaluation["notes"])
    ladder = evaluation["ladder"]
    assert {"branch", "c_index", "lower", "upper", "n", "events"} <= set(ladder[0])
    branches = [row["branch"] for row in ladder]
    for branch in ("volume", "clinical", "tumour", "ring_3mm", "ring_6mm", "ring_9mm", "deep", "combined", "oracle"):
        assert branch in branches
    for row in ladder:
        assert 0 <= row["lower"] <= row["c_index"] <= row["upper"] <= 1
    assert not list(run.rglob("*.pkl"))


def test_external_patients_are_the_other_centres(home: Path) -> None:
    model = load_model(home / "run" / "model")
    predicted = set(pd.read_parquet(home / "run" / "predictions.parquet")["patient"])
    cohort = ps.read_cohort(home / "cohort")
    largest = max(cohort.centres.values(), key=len)
    for signature in model.signatures.values():
        assert not signature.fitted_on & predicted
        assert signature.fitted_on <= set(largest)


def test_a_second_run_changes_nothing(home: Path) -> None:
    before = (home / "run" / "evaluation.json").read_bytes()
    stamp = (home / "run" / "features.parquet").stat().st_mtime_ns
    assert verb("run", "study.toml", cwd=home).returncode == 0
    assert (home / "run" / "evaluation.json").read_bytes() == before
    assert (home / "run" / "features.parquet").stat().st_mtime_ns == stamp


def test_two_workers_elsewhere_give_the_same_regions(home: Path) -> None:
    for stage in ("index", "regions"):
        assert verb(stage, "study.toml", "--out", "two", "--workers", "2", cwd=home).returncode == 0
    for name in ("cohort.parquet", "regions.parquet", "grids.parquet"):
        assert (home / "two" / name).read_bytes() == (home / "run" / name).read_bytes()


@pytest.mark.slow
def test_the_same_study_elsewhere_gives_the_same_bytes(home: Path) -> None:
    assert verb("run", "study.toml", "--out", "again", "--workers", "2", cwd=home).returncode == 0
    assert (home / "again" / "evaluation.json").read_bytes() == (home / "run" / "evaluation.json").read_bytes()


def lighter(study: str) -> str:
    """The same study for tests of something else: no filtered images, no redrawn contours."""
    return re.sub(r"filters = .*", "filters = []", study.replace("patients = 4", "patients = 0"))


def _folder_of(home: Path, patient: str) -> Path:
    return next((home / "cohort").glob(f"*/{patient}"))


def test_a_training_patient_is_refused_and_a_new_one_is_predicted(home: Path) -> None:
    model = ps.load_model(home / "run" / "model")
    trained = sorted(model.signatures["combined"].fitted_on)[0]
    external = str(pd.read_parquet(home / "run" / "predictions.parquet")["patient"].iloc[0])
    with pytest.raises(LeakageError, match=trained):
        model.predict(_folder_of(home, trained))
    prediction = model.predict(_folder_of(home, external))
    frame = pd.read_parquet(home / "run" / "predictions.parquet")
    expected = frame[(frame["patient"] == external) & (frame["branch"] == "combined")]["risk"].iloc[0]
    assert prediction.risk[0] == pytest.approx(expected, abs=1e-4)
    done = verb("predict", "run/model", str(_folder_of(home, external)), "--json", cwd=home)
    assert done.returncode == 0
    assert json.loads(done.stdout)["predictions"][0]["patient"] == external
    assert verb("predict", "run/model", str(_folder_of(home, trained)), cwd=home).returncode == 1


def _named_in(folder: Path, ids: Sequence[str]) -> list[Path]:
    """Files that hold one of the ids."""
    found = []
    for path in filter(Path.is_file, folder.rglob("*")):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += pd.read_parquet(path).to_csv().encode()
        found += [path for i in ids if i.encode() in content or i in path.name]
    return found


def test_no_identity_leaves_the_cohort_unless_asked(home: Path) -> None:
    """Folders are named by PatientID; one patient is left out by the index, one by a later stage."""
    ids = ps.read_cohort(home / "cohort").ids
    shutil.copytree(home / "cohort", home / "hospital")
    first, second = (sorted(next((home / "hospital").glob(f"*/{patient}")).rglob("*.dcm")) for patient in ids[:2])
    first[0].write_bytes(b"")
    text = lighter(STUDY).replace("keep_ids = true\n", "").replace("[deep]", "[deep]\nenabled = false")
    (home / "private.toml").write_text(text.replace('folder = "cohort"', 'folder = "hospital"'))
    shown = home / "shown"
    assert verb("index", "private.toml", "--out", "shown", cwd=home).returncode == 0
    second[5].unlink()
    assert verb("regions", "private.toml", "--out", "shown", cwd=home).returncode == 0
    assert "file-" in json.loads((shown / "exclusions" / "regions.json").read_text())[0]["reason"]
    assert not _named_in(shown, ids)
    done = verb("run", "private.toml", "--out", "shown", cwd=home)
    assert done.returncode == 0, done.stderr
    assert not _named_in(shown, ids)
    evaluation = json.loads((shown / "evaluation.json").read_text())
    assert sum("file-" in reason for _, _, reason in evaluation["exclusions"]) >= 2
    assert evaluation["ladder"][-1]["branch"] == "oracle"
    key = home / "shown.private" / "pseudonym.key"
    assert key.stat().st_mode & 0o077 == key.parent.stat().st_mode & 0o077 == 0


def test_ten_lines(home: Path) -> None:
    cohort = ps.read_cohort(home / "cohort")
    scan = cohort[cohort.ids[0]].load()
    regions = ps.rings(scan, widths_mm=(3, 6), kind="annulus", barrier="body")
    row = ps.extract(regions)
    assert {"tumour", "ring_3mm", "ring_6mm"} == {name.split("__")[0] for name in row.names}
    result = ps.Study.from_toml(home / "study.toml").run(out=home / "run")
    assert result.evaluation.row("combined").n == result.evaluation.row("volume").n
    assert result.report.write(home / "copy.html").read_text() == (home / "run" / "report.html").read_text()


def test_verbs_say_what_is_missing(home: Path) -> None:
    done = verb("extract", "study.toml", "--out", "nothing", cwd=home)
    assert done.returncode == 2
    assert "perisurv regions" in done.stderr
    (home / "typo.toml").write_text("[regions]\nwidth_mm = [3.0]\n")
    done = verb("run", "typo.toml", cwd=home)
    assert done.returncode == 2
    assert "widths_mm" in done.stderr
    assert verb("predict", "nowhere", "cohort", cwd=home).returncode == 2
    assert verb("check", cwd=home).returncode == 0


def test_one_centre_is_validated_by_folds(home: Path, tmp_path: Path) -> None:
    centre = max((home / "cohort").iterdir(), key=lambda p: sum(1 for _ in p.rglob("*")) if p.is_dir() else 0)
    shutil.copytree(centre, tmp_path / "cohort" / centre.name)
    text = lighter(STUDY).replace('truth = "cohort"', "")
    (tmp_path / "study.toml").write_text(text + "[validation]\nrepeats = 1\n")
    done = verb("run", "study.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    validation = json.loads((tmp_path / "run" / "validation.json").read_text())
    assert set(validation["centres"]) == {centre.name}
    assert centre.name in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_killed_three_times_ends_in_the_same_bytes(home: Path) -> None:
    """kill -9 while regions, features and networks are being made."""
    (home / "killed.toml").write_text(STUDY.replace("workers = 1", "workers = 2"))
    command = [sys.executable, "-m", "perisurv", "run", "killed.toml", "--out", "killed"]
    signs = ("parts/regions/*.json", "parts/extract/*.parquet", "parts/patches/*.npy")
    for sign in signs:
        process = subprocess.Popen(command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 300
        while len(list((home / "killed").glob(sign))) < 3 and time.monotonic() < deadline:
            assert process.poll() is None, f"finished before {sign} appeared"
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not (home / "killed" / "evaluation.json").exists()
    assert subprocess.run(command, cwd=home, capture_output=True, check=False).returncode == 0
    assert (home / "killed" / "evaluation.json").read_bytes() == (home / "run" / "evaluation.json").read_bytes()


@pytest.mark.parametrize(("folder", "volume_ml"), [("lung1_001/dicom", 156.3), ("ibsi1/ct_phantom/dicom", None)])
def test_real_patients_are_predicted_or_refused(
    home: Path, test_data: Path, folder: str, volume_ml: float | None
) -> None:
    """A real CT and RTSTRUCT go through index, regions, extract and predict; foreign patients get an abstention."""
    cohort = ps.read_patient(test_data / folder)
    assert len(cohort) == 1
    if volume_ml is not None:
        assert cohort[cohort.ids[0]].load().tumour.volume_ml == pytest.approx(volume_ml, abs=0.05)
    result = ps.load_model(home / "run" / "model").predict_each(test_data / folder)
    assert np.isfinite(result.prediction.risk).all()
    reason = result.prediction.abstained[cohort.ids[0]]
    assert "training" in reason


def test_settings_of_the_report_can_be_run_again() -> None:
    from perisurv.study.demo import demo_settings

    assert "[deep.training]" in settings_to_toml(demo_settings(Path("x"), 2))
    with pytest.raises(InputError):
        ps.load_model("nowhere")


def test_validate(home: Path) -> None:
    """The tabular branches by centre, beside the study itself; nothing else of the run changes."""
    fit = "minimum_events = 2\nlasso_folds = 3\nring_folds = 2\nring_repeats = 1\nlasso_lambdas = 20\n"
    design = '[validation]\ndesign = "leave_one_centre_out"\npermutations = 1\n'
    (home / "by_centre.toml").write_text(STUDY.replace("minimum_events = 3\n", fit) + design)
    before = (home / "run" / "evaluation.json").read_bytes()
    done = verb("validate", "by_centre.toml", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "leave_one_centre_out: 3 splits of 20 patients" in done.stdout
    values = json.loads((home / "run" / "validation.json").read_text())
    assert [row["branch"] for row in values["branches"]][:3] == ["volume", "clinical", "tumour"]
    assert sum(values["ring_votes"].values()) == 3
    centres = {split["name"] for split in values["splits"]}
    assert centres == set(pd.read_parquet(home / "run" / "cohort.parquet")["centre"])
    risks = pd.read_parquet(home / "run" / "validation.parquet")
    assert (risks.groupby("branch")["patient"].nunique() == 20).all()
    written = (home / "run" / "validation.json").read_bytes()
    again = verb("validate", "by_centre.toml", "--json", "--workers", "1", cwd=home)
    assert json.loads(again.stdout) == values
    (home / "run" / "ledger" / "validate.json").unlink()
    assert verb("validate", "by_centre.toml", "--workers", "2", cwd=home).returncode == 0
    assert (home / "run" / "validation.json").read_bytes() == written
    assert (home / "run" / "evaluation.json").read_bytes() == before
    refused = verb("validate", "study.toml", cwd=home)
    assert refused.returncode == 2
    assert "no validation: set design" in refused.stderr
