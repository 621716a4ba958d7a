"""New patients of a folder, cohort or scan: who cannot be used refuses nobody else; abstentions hide numbers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from small_study import follow_up, small_settings, write_hospital, write_patient
from typer.testing import CliRunner

import perisurv as ps
from perisurv.cli import app
from perisurv.core import InputError, LeakageError, Prediction
from perisurv.study.model import Model, load_model
from perisurv.study.run import Run
from perisurv.study.store import RunFolder

IDS = tuple(f"T{n:02d}" for n in range(12))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fitted model of one hospital, and new patients: sound, damaged, without tumour, one who trained."""
    root = tmp_path_factory.mktemp("predict")
    write_hospital(root / "hospital", IDS, follow_up)
    run = Run(small_settings(root), RunFolder(root / "run"))
    run.index()
    run.regions()
    run.extract()
    run.fit()
    new = root / "new"
    for number, patient in enumerate(("N1", "N2", "DAMAGED", "OTHER")):
        write_patient(new, patient, 20 + number)
    cut = new / "DAMAGED" / "image.nii.gz"
    cut.write_bytes(cut.read_bytes()[:900])
    (new / "OTHER" / "mask_GTV.nii.gz").rename(new / "OTHER" / "mask_Blob.nii.gz")
    shutil.copytree(root / "hospital" / "T03", new / "T03")
    return root


@pytest.fixture(scope="module")
def model(root: Path) -> Model:
    return load_model(root / "run" / "model")


def test_one_refused_patient_refuses_nobody_else(root: Path, model: Model) -> None:
    steps: list[tuple[str, int, int]] = []
    found = model.predict_each(root / "new", progress=lambda *step: steps.append(step))
    assert found.prediction.patients == ("N1", "N2")
    reasons = {e.patient: e.reason for e in found.exclusions}
    assert "trained the model" in reasons["T03"]
    assert {"DAMAGED", "OTHER"} <= reasons.keys()
    assert steps[-1][1] == steps[-1][2]
    assert [s for s in steps if s[0] == "predict"]


def test_processes_change_no_result(root: Path, model: Model) -> None:
    one, two = (model.predict_each(root / "new", workers=n) for n in (1, 2))
    assert one.prediction.to_frame().equals(two.prediction.to_frame())
    assert one.exclusions == two.exclusions


def test_nobody_left_says_why(root: Path, model: Model, tmp_path: Path) -> None:
    with pytest.raises(LeakageError, match="T03.*trained the model"):
        model.predict(root / "hospital" / "T03")
    with pytest.raises(InputError, match="no tumour ROI"):
        model.predict(root / "new" / "OTHER")
    with pytest.raises(InputError, match="it has volume, clinical"):
        model.predict(root / "new" / "N1", "depp")


def test_folder_cohort_patient_and_scan_give_the_same_risk(root: Path, model: Model) -> None:
    cohort = ps.read_cohort(root / "new", follow_up="none")
    patient = cohort["N1"]
    scan = patient.load()
    risks = [
        model.predict(new, "tumour").risk[0] for new in (root / "new" / "N1", str(root / "new"), cohort, patient, scan)
    ]
    assert len(set(risks)) == 1
    with pytest.raises(InputError, match="go with a folder"):
        model.predict(scan, clinical="table.csv")


def test_rules_for_the_tumour_roi(root: Path, model: Model) -> None:
    assert model.predict(root / "new" / "OTHER", tumour_roi=("Blob$",)).patients == ("OTHER",)
    (root / "other.toml").write_text('[input]\nfolder = "new"\n[cohort]\ntumour_roi = [{ exact = "mask_Blob" }]\n')
    for options in (
        ("--study", str(root / "other.toml")),
        ("--tumour-roi", "Blo"),
        ("--tumour-roi", "x", "--tumour-roi", "Blo"),
    ):
        done = CliRunner().invoke(app, ["predict", str(root / "run" / "model"), str(root / "new" / "OTHER"), *options])
        assert done.exit_code == 0, done.output
        assert "OTHER: " in done.output


def test_a_clinical_table_and_what_it_does_not_tell(root: Path, model: Model, tmp_path: Path) -> None:
    """No row, no column, no table: the patient is predicted, and told what stands in."""
    table = tmp_path / "clinic.csv"
    table.write_text("PatientID,age\nN1,70\n")
    told = model.predict_each(root / "new", "clinical", clinical=table)
    assert told.prediction.patients == ("N1", "N2")
    assert "clinical__age_decades" in told.stand_ins["N2"]
    assert "clinical__age_decades" not in told.stand_ins.get("N1", ())
    assert model.predict_each(root / "new" / "N1", "clinical").stand_ins["N1"]
    assert not model.predict_each(root / "new" / "N1", "tumour").stand_ins


def test_json_and_text_say_units_model_and_use(root: Path) -> None:
    command = ["predict", str(root / "run" / "model"), str(root / "new"), "--branch", "volume"]
    text = CliRunner().invoke(app, command).output
    for words in (
        "Research use only",
        "log hazard ratio against the mean training patient",
        "branch volume",
        "perisurv",
        "12 training patients",
        "overall survival",
        "not predicted T03",
    ):
        assert words in text  # fmt: skip
    values = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert values["model"]["branch"] == "volume"
    assert values["use"].startswith("Research use only")
    assert values["units"]["risk"].startswith("log hazard ratio")
    assert {row["patient"] for row in values["predictions"]} == {"N1", "N2"}


def test_an_abstention_hides_its_numbers_unless_asked(root: Path, model: Model, tmp_path: Path) -> None:
    write_patient(tmp_path, "FAR", 9)
    image = tmp_path / "FAR" / "image.nii.gz"
    for path in (image, image.with_name("mask_GTV.nii.gz")):  # slices five times as far apart as in the training
        volume = SimpleITK.ReadImage(str(path))
        volume.SetSpacing((2.0, 2.0, 9.0))
        SimpleITK.WriteImage(volume, str(path))
    found = model.predict_each(tmp_path, "volume")
    assert list(found.prediction.abstained) == ["FAR"]
    number = f"{found.prediction.risk[0]:+.3f}"
    assert number not in repr(found.prediction)
    assert np.isnan(found.prediction.to_frame().loc["FAR", "risk"])
    assert found.prediction.to_frame(show_abstained=True).loc["FAR", "risk"] == found.prediction.risk[0]
    command = ["predict", str(root / "run" / "model"), str(tmp_path), "--branch", "volume"]
    assert number not in CliRunner().invoke(app, command).output
    assert json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)["predictions"][0]["risk"] is None
    assert number in CliRunner().invoke(app, [*command, "--show-abstained"]).output


def _cut(folder: Path, patient: str, box: tuple[slice, slice, slice]) -> None:
    """Leave a part of image and mask."""
    write_patient(folder, patient, 20)
    for name in ("image", "mask_GTV"):
        path = folder / patient / f"{name}.nii.gz"
        volume = SimpleITK.ReadImage(str(path))
        part = SimpleITK.GetImageFromArray(np.ascontiguousarray(SimpleITK.GetArrayFromImage(volume)[box]))
        part.SetSpacing(volume.GetSpacing())
        SimpleITK.WriteImage(part, str(path))


@pytest.mark.parametrize(
    ("box", "failed"),
    [
        (np.s_[:, :, :], ()),
        (np.s_[7:, :, :], ("tumour_in_ct", "rings_in_ct")),
        (np.s_[:11, :, :], ("tumour_in_ct", "rings_in_ct")),
        (np.s_[:, 18:, :], ("rings_in_ct",)),
    ],
)
def test_checks_of_the_regions_are_told_of_a_new_patient(
    root: Path, model: Model, tmp_path: Path, box: tuple[slice, slice, slice], failed: tuple[str, ...]
) -> None:
    """The CT ends within tumour or rings: who reads the prediction must know."""
    _cut(tmp_path, "CUT", box)
    write_patient(tmp_path, "WHOLE", 21)
    found = model.predict_each(tmp_path, "volume")
    assert {f.id for f in found.findings["CUT"]} >= {"tumour_in_ct", "rings_in_ct"}
    assert all(f.passed for f in found.findings["WHOLE"])
    command = ["predict", str(root / "run" / "model"), str(tmp_path), "--branch", "volume"]
    checks = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)["checks"]
    told = {c["id"]: c for c in checks["CUT"] if c["passed"] is False}
    assert set(failed) <= told.keys()
    text = CliRunner().invoke(app, command).output
    assert text.count("CUT: a check failed: ") == len(told)
    assert all(f"CUT: a check failed: {c['fault']}: {c['text']}" in text for c in told.values())
    assert "WHOLE: a check failed" not in text


def test_a_long_prediction_prints_a_few_lines() -> None:
    ids = tuple(f"P{n}" for n in range(500))
    prediction = Prediction(ids, np.zeros(500), (365.0,), np.ones((500, 1)), np.zeros(500, dtype=bool), {"P1": "far"})
    assert repr(prediction).count("\n") == 6
    assert "P1: abstained: far" in repr(prediction)
    assert "495 more" in repr(prediction)
