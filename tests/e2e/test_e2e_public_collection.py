"""A public collection as it is downloaded, from `perisurv init` to the report: sound patients in, refusals true."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from public_collection import AT_BORDER, REFUSED, Truth, write_collection

import perisurv as ps
from perisurv.imaging import body_mask
from perisurv.study.settings import read_settings

pytestmark = pytest.mark.slow
# All that is changed in the study file that `perisurv init` writes: keys that cost time.
FASTER = {
    "radiomics": 'preset = "fast"',
    "stability": "patients = 4\nrepeats = 1",
    "validation": "repeats = 1",
}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Truth]]:
    home = tmp_path_factory.mktemp("public")
    (home / "data").mkdir()
    return home, write_collection(home / "data")


@pytest.fixture(scope="module")
def begun(collection: tuple[Path, list[Truth]]) -> Path:
    """The study file that `perisurv init` writes."""
    home, _ = collection
    done = verb("init", "data", cwd=home)
    assert done.returncode == 0, done.stderr[-2000:]
    return home / "study.toml"


def verb(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "perisurv", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_without_the_key_nobody_is_taken_and_the_key_is_named(collection) -> None:
    home, _ = collection
    with pytest.raises(ps.InputError, match='set references = "series" below'):
        ps.read_cohort(home / "data")


def test_init_sets_the_key_and_names_nobody(begun) -> None:
    text = begun.read_text(encoding="utf-8")
    assert read_settings(begun).cohort.references == "series"
    assert "PUB-" not in text
    assert "DECIDE" not in text
    assert "Found: 16 patients with CT and tumour" in text
    assert all(f"Left out: 1 patient, {kind}." in text for kind in REFUSED.values()), text


def test_from_the_index_to_the_report(collection, begun) -> None:
    home, truths = collection
    text = begun.read_text(encoding="utf-8")
    for table, lines in FASTER.items():
        assert text.count(f"\n[{table}]\n") == 1
        text = text.replace(f"\n[{table}]\n", f"\n[{table}]\n{lines}\n")
    (home / "faster.toml").write_text(text, encoding="utf-8")
    done = verb("run", "faster.toml", cwd=home)
    assert done.returncode == 0, done.stderr[-2000:]
    settings = read_settings(home / "faster.toml")
    run = Path(settings.out)
    with (run.with_name(f"{run.name}.private") / "patients.csv").open(encoding="utf-8", newline="") as file:
        people = {row["pseudonym"]: row for row in csv.DictReader(file)}
    refused = {truths[n].patient: kind for n, kind in REFUSED.items()}
    sound = {truth.patient for truth in truths} - set(refused)
    assert {people[p]["PatientID"] for p in pd.read_parquet(run / "features.parquet").index} == sound
    rows = json.loads((run / "exclusions" / "index.json").read_text(encoding="utf-8"))
    reasons = {people[row["patient"]]["PatientID"]: row["reason"].split(":")[0] for row in rows}
    assert reasons == refused
    aside = json.loads((run / "exclusions" / "set_aside.json").read_text(encoding="utf-8"))
    assert sorted(row["reason"].split(":")[0] for row in aside) == (
        ["RTSTRUCT drawn on MR"] * len(sound) + ["RTSTRUCT drawn on PET"] * len(sound)
    )
    report = " ".join(re.sub("<[^>]+>", " ", (run / "report.html").read_text(encoding="utf-8")).split())
    assert f"{len(truths)} found → {len(sound)} included {len(refused)} excluded" in report
    assert f"{len(sound)} train and are scored in turn" in report
    assert f"tumour on the border of the CT: {len(AT_BORDER)} patients of {len(sound)}, who stay" in report
    assert len(list((run / "qc" / "patients").glob("*.html"))) == len(truths)
    shown = [run / "run.log", run / "report.html", *(run / "qc").rglob("*.html"), *run.rglob("*.json")]
    assert not [path for path in shown if "PUB-" in path.read_text(encoding="utf-8")]


def test_the_body_is_found_in_every_patient(collection, begun) -> None:
    home, truths = collection
    cohort = ps.read_cohort(home / "data", options=read_settings(begun).cohort)
    dice = {}
    for truth in truths:
        if truth.patient in cohort.ids:
            found = body_mask(cohort[truth.patient].load().ct).values
            dice[truth.patient] = 2 * np.count_nonzero(found & truth.body) / (found.sum() + truth.body.sum())
    assert len(dice) == len(truths) - len(REFUSED)
    assert min(dice.values()) > 0.97, dice
