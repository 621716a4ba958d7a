"""One hospital, no follow-up, or too few patients: what a study does with them, and what it refuses after the index."""

import json
from pathlib import Path

import pandas as pd
import pytest
import SimpleITK
from small_study import follow_up, small_settings, write_hospital

from perisurv.core import InputError, OutcomeError, PerisurvError, SettingsError
from perisurv.study.api import Study
from perisurv.study.plan import plan_study
from perisurv.study.run import Run
from perisurv.study.settings import StudySettings
from perisurv.study.store import RunFolder
from perisurv.study.validation import validate
from perisurv.study.whole import run_study

IDS = tuple(f"P{n:02d}" for n in range(14))


def of(settings: StudySettings) -> Run:
    return Run(settings, RunFolder(Path(settings.out)))


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of one hospital; the CT of one patient ends within the tumour."""
    root = tmp_path_factory.mktemp("one")
    write_hospital(root / "hospital", IDS, follow_up)
    for path in (root / "hospital" / IDS[3]).iterdir():
        SimpleITK.WriteImage(SimpleITK.ReadImage(path)[:, :, 8:], path)
    Study(small_settings(root)).run()
    return root


def test_one_hospital_ends_with_a_validation_and_a_report(one: Path) -> None:
    settings = small_settings(one)
    result = Study(settings).run()
    assert result.evaluation is None
    assert result.validation is not None
    assert result.validation["design"] == "nested"
    assert result.validation["patients"] == len(IDS)
    assert len(result.validation["splits"]) == 3
    assert result.report is not None
    assert "All 14 patients are of one centre (north)" in result.text
    assert "centre = " in result.text
    assert "All 14 patients are of one centre (north)" in result.report.html
    assert "Tested inside these patients" in result.report.html
    assert not (one / "run" / "model").exists()


def test_the_report_holds_the_failed_checks_of_patients_who_stay(one: Path) -> None:
    warnings = json.loads((one / "run" / "summary.json").read_text())["warnings"]
    stay = [warning for warning in warnings if warning.endswith("who stay")]
    assert "tumour on the border of the CT: 1 patient of 14, who stay" in stay
    report = (one / "run" / "report.html").read_text(encoding="utf-8")
    assert all(warning in report for warning in stay)


def test_features_are_dropped_by_a_rule_that_sees_no_follow_up(one: Path) -> None:
    """Other follow-up, the same redrawn patients and the same values."""
    run = of(small_settings(one))
    redrawn = pd.read_parquet(one / "run" / "perturbed.parquet")
    cohort = run.cohort()
    assert len(redrawn) == 3
    assert set(redrawn.index) <= set(cohort.ids)
    values = json.loads((one / "run" / "validation.json").read_text())
    assert any("follow-up was not looked at" in note for note in values["notes"])
    table = run.data().radiomics
    bare = type(cohort)(cohort.patients, cohort.clinical)
    from perisurv.study.stages import redrawn_patients

    assert redrawn_patients(bare, table, run.settings) == tuple(sorted(set(redrawn.index)))


def test_the_stages_of_one_hospital_one_at_a_time(one: Path) -> None:
    run = of(small_settings(one))
    assert validate(run)["patients"] == len(IDS)
    model = run.fit()  # a model of all patients, for those of another hospital
    assert model.signatures["combined"].fitted_on == frozenset(IDS)
    with pytest.raises(InputError, match="no external patient.*perisurv validate"):
        run.evaluate()
    assert run.report().exists()


def test_features_without_follow_up(tmp_path: Path) -> None:
    write_hospital(tmp_path / "hospital", IDS[:4])
    run = of(small_settings(tmp_path))
    found = run_study(run)
    assert found.evaluation is None
    assert found.report is None
    assert "Features only" in str(found)
    assert 'clinical = ["table.csv"]' in str(found)
    assert sorted(pd.read_parquet(run.folder.features).index) == list(IDS[:4])
    assert (tmp_path / "run" / "qc" / "index.html").exists()
    with pytest.raises(InputError, match="A model needs follow-up"):
        run.fit()
    with pytest.raises(SettingsError, match="Features only"):
        validate(run)


@pytest.mark.parametrize("header", ["PatientID,age,sex", "PatientID,scanner"])
def test_a_table_without_follow_up_is_no_obstacle(tmp_path: Path, header: str) -> None:
    write_hospital(tmp_path / "hospital", IDS[:2])
    rest = "61,m" if "sex" in header else "B30f"
    (tmp_path / "hospital" / "list.csv").write_text(f"{header}\nP00,{rest}\nP01,{rest}\n")
    cohort = of(small_settings(tmp_path)).index()
    assert cohort.outcome is None
    assert cohort.ids == IDS[:2]


def test_follow_up_that_is_required_or_not_wanted(tmp_path: Path) -> None:
    write_hospital(tmp_path / "hospital", IDS[:3])
    with pytest.raises(InputError, match="no clinical row"):
        of(small_settings(tmp_path, input={"follow_up": "required"})).index()
    write_hospital(tmp_path / "hospital", IDS[:3], follow_up)
    settings = small_settings(tmp_path, input={"follow_up": "none"})
    cohort = of(settings).index()
    assert cohort.outcome is None
    assert 'follow_up = "none"' in plan_study(cohort, settings).told


def test_follow_up_of_other_ids_is_not_silently_left_aside(tmp_path: Path) -> None:
    """Hours of extraction would end without a model because of the spelling of the IDs."""
    write_hospital(tmp_path / "hospital", IDS[:3])
    (tmp_path / "hospital" / "list.csv").write_text("PatientID,time_days,event\nX00,300,1\nX01,200,0\n")
    with pytest.raises(InputError, match=r'(?s)no clinical row.*follow_up = "none"'):
        of(small_settings(tmp_path)).index()


TOO_FEW = {
    "events for a model": ({"fit": {"minimum_events": 9}}, {}, OutcomeError, "needs at least .* every model takes 9"),
    "events for the folds": ({"validation": {"folds": 9}}, {}, OutcomeError, "9 folds need at least 9"),
    "centres to leave out": ({"validation": {"design": "leave_one_centre_out"}}, {}, InputError, "two centres"),
    "order of time": ({"validation": {"design": "temporal", "order": "year"}}, {}, InputError, "order = 'year'"),
    "axes of the network": (
        {"deep": {"enabled": True, "folds": 2, "training": {"axes": 8}}}, {"two": True}, SettingsError,
        r"axes = 8 needs at least 9 training patients.*axes to 3",
    ),
    "folds of the network": (
        {"deep": {"enabled": True, "folds": 6, "training": {"axes": 2}}}, {"two": True}, OutcomeError,
        r"\[deep\] folds = 6",
    ),
    "external events": ({}, {"two": True, "deaths": 0}, OutcomeError, 'external patients.*design = "nested"'),
}  # fmt: skip


@pytest.mark.parametrize(("tables", "patients", "error", "told"), TOO_FEW.values(), ids=TOO_FEW.keys())
def test_what_cannot_work_is_refused_after_the_index(
    tmp_path: Path, tables: dict[str, object], patients: dict[str, object], error: type[PerisurvError], told: str
) -> None:
    def row(number: int) -> str:
        centre = "south" if patients.get("two") and number % 3 == 0 else "north"
        line = follow_up(number, centre)
        if centre == "south" and patients.get("deaths") == 0:
            line = line.replace(",1,", ",0,")
        return line

    write_hospital(tmp_path / "hospital", IDS[:12], row)
    run = of(small_settings(tmp_path, **tables))
    with pytest.raises(error, match=told):
        run_study(run)
    assert not run.folder.done("regions")


def test_a_design_takes_over_where_the_other_centre_cannot_be_scored(tmp_path: Path) -> None:
    """The one patient of the other centre is alive: external validation cannot work, folds can."""
    write_hospital(tmp_path / "hospital", IDS, lambda n: follow_up(n, "south" if n == 1 else "north"))
    settings = small_settings(tmp_path, validation={"design": "nested"})
    cohort = of(settings).index()
    plan = plan_study(cohort, settings)
    assert (plan.external, plan.design) == (False, "nested")
    assert "No external validation: A study needs at least 1 death among its external patients" in plan.told
