"""A public collection as it is downloaded, from the index to the report: every sound patient in, each refusal true."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from public_collection import REFUSED, Truth, write_collection

import perisurv as ps
from perisurv.cohort import CohortOptions
from perisurv.imaging import body_mask

pytestmark = pytest.mark.slow
# What the test changes in the study file that `perisurv init` wrote: it is to end in minutes.
FASTER = {
    "# bin_width_hu = 25.0": 'preset = "fast"',
    "# repeats = 10": "repeats = 1",
    "# patients = 20\n# Redrawn contours a patient.\n# repeats = 2": "patients = 4\nrepeats = 1",
    "# keep_ids = false": "keep_ids = true",
}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Truth]]:
    home = tmp_path_factory.mktemp("public")
    (home / "data").mkdir()
    return home, write_collection(home / "data")


def verb(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "perisurv", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_without_the_key_nobody_is_taken_and_the_key_is_named(collection) -> None:
    home, _ = collection
    with pytest.raises(ps.InputError, match='set references = "series" below'):
        ps.read_cohort(home / "data")


def test_from_the_index_to_the_report_with_the_study_file_of_init(collection) -> None:
    home, truths = collection
    begun = verb("init", "data", cwd=home)
    assert begun.returncode == 0, begun.stderr[-2000:]
    study = home / "study.toml"
    text = study.read_text(encoding="utf-8")
    assert '\nreferences = "series"\n' in text
    assert "DECIDE" not in text.replace("marked DECIDE", ""), begun.stdout
    for old, new in FASTER.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    study.write_text(text, encoding="utf-8")
    done = verb("run", "study.toml", cwd=home)
    assert done.returncode == 0, done.stderr[-2000:]
    run = home / "runs" / "study"
    refused = {truths[n].patient: said for n, said in REFUSED.items()}
    sound = {truth.patient for truth in truths} - set(refused)
    assert set(pd.read_parquet(run / "features.parquet")["patient"]) == sound
    reasons = {row["patient"]: row["reason"] for row in json.loads((run / "exclusions" / "index.json").read_text())}
    assert set(reasons) == set(refused)
    assert all(said in reasons[patient] for patient, said in refused.items()), reasons
    aside = json.loads((run / "exclusions" / "set_aside.json").read_text())
    assert sorted(row["reason"].split(":")[0] for row in aside) == (
        ["RTSTRUCT drawn on MR"] * len(sound) + ["RTSTRUCT drawn on PET"] * len(sound)
    )
    report = (run / "report.html").read_text(encoding="utf-8")
    assert f"{len(truths)} found, {len(refused)} excluded, {len(sound)} validated" in report


def test_the_body_is_found_in_every_patient(collection) -> None:
    home, truths = collection
    cohort = ps.read_cohort(home / "data", options=CohortOptions(references="series"))
    dice = {}
    for truth in truths:
        if truth.patient in cohort.ids:
            found = body_mask(cohort[truth.patient].load().ct).values
            dice[truth.patient] = 2 * np.count_nonzero(found & truth.body) / (found.sum() + truth.body.sum())
    assert len(dice) == len(truths) - len(REFUSED)
    assert min(dice.values()) > 0.97, dice
