"""What is done, stale, cut off or missing: told as the run then does it, and nothing is written to find out."""

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_study import follow_up, small_settings, write_hospital
from typer.testing import CliRunner

from perisurv.cli import app
from perisurv.core import EmptyCohortError, InputError
from perisurv.study import document, ledger, provenance, qc, status
from perisurv.study.api import Study
from perisurv.study.run import Run
from perisurv.study.settings import StudySettings, settings_to_toml
from perisurv.study.status import study_status
from perisurv.study.store import RunFolder

IDS = tuple(f"P{n:02d}" for n in range(16))
ALL = ("index", "regions", "qc", "extract", "fit", "evaluate", "report")


def _run(settings: StudySettings) -> Run:
    return Run(settings, RunFolder(Path(settings.out)))


def _states(settings: StudySettings) -> dict[str, str]:
    return {stage.stage: stage.state for stage in study_status(_run(settings)).stages}


def _snapshot(root: Path) -> dict[str, tuple[int, int]]:
    return {str(p.relative_to(root)): (p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(root.rglob("*"))}


@pytest.fixture(scope="module", autouse=True)
def plain_pages() -> Iterator[None]:
    """Pages are not looked at here, and drawing them takes most of the time."""
    with pytest.MonkeyPatch.context() as patched:
        for module, name in (
            (document.pages, "render_report"),
            (document.pages, "render_validation"),
            (qc, "render_sheet"),
        ):
            patched.setattr(module, name, lambda *_, **__: "page")
        patched.setattr(document, "_examples", lambda run: [])
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of two centres."""
    root = tmp_path_factory.mktemp("status")
    write_hospital(root / "hospital", IDS, lambda n: follow_up(n, "south" if n % 3 == 0 else "north"))
    Study(small_settings(root)).run()
    return root


def _nothing(home: Path) -> None:
    """The study is as it was."""


def _region_folder(home: Path) -> None:
    shutil.rmtree(home / "run" / "regions" / "P03")


def _features(home: Path) -> None:
    (home / "run" / "features.parquet").unlink()


def _sheets(home: Path) -> None:
    (home / "run" / "qc" / "index.html").unlink()


def _report(home: Path) -> None:
    (home / "run" / "report.html").unlink()


def _people(home: Path) -> None:
    (home / "run" / "sources.parquet").unlink()


def _patient(home: Path) -> None:
    os.utime(home / "hospital" / "P03" / "image.nii.gz")


CASES: dict[str, tuple[Callable[[Path], None], dict[str, object], tuple[str, ...]]] = {
    "nothing": (_nothing, {}, ()),
    "region folder": (_region_folder, {}, ("regions",)),
    "features": (_features, {}, ("extract",)),
    "qc page": (_sheets, {}, ("qc",)),
    "report": (_report, {}, ("report",)),
    "sources": (_people, {}, ("index",)),
    "evaluation settings": (_nothing, {"evaluation": {"resamples": 101}}, ("evaluate", "report")),
    "fit settings": (_nothing, {"fit": {"lasso_lambdas": 9}}, ("fit", "evaluate", "report")),
    "design": (_nothing, {"validation": {"design": "nested", "folds": 2}}, ("validate", "report")),
    "feature settings": (_nothing, {"radiomics": {"families": ["morph"]}}, ALL[3:]),
    "region settings": (_nothing, {"regions": {"widths_mm": [5.0]}}, ALL[1:]),
    "patient": (_patient, {}, ALL),
}


@pytest.mark.parametrize(("change", "tables", "stages"), CASES.values(), ids=CASES.keys())
def test_it_tells_what_the_run_then_does(
    home: Path, change: Callable[[Path], None], tables: dict[str, object], stages: tuple[str, ...]
) -> None:
    Study(small_settings(home)).run()
    change(home)
    settings = small_settings(home, **tables)
    before = _snapshot(home)
    found = study_status(_run(settings))
    planned = study_status(_run(settings), read_patients=True)
    assert _snapshot(home) == before
    assert planned.next == stages
    assert found.next == (stages[:4] if "index" in stages else stages)
    told = (home / "run" / "run.log").read_text()
    Study(settings).run()
    lines = (home / "run" / "run.log").read_text()[len(told) :].splitlines()
    skipped = {line.split()[1].rstrip(":") for line in lines if line.endswith("was done before")}
    begun = {found[1] for line in lines if (found := re.search(r"stage [\d of]+, (\w+): begins", line))}
    assert begun - skipped == set(stages)


def test_why_and_when(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Study(small_settings(home)).run()
    finished = study_status(_run(small_settings(home))).stages
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", stage.finished) for stage in finished)
    assert not any(stage.why for stage in finished)
    changed = study_status(_run(small_settings(home, regions={"widths_mm": [6.0]}))).stages
    assert [stage.why.partition(";")[0] for stage in changed[:4]] == [
        "", "the study file changed", "regions is done again first", "regions is done again first",
    ]  # fmt: skip
    for module in (ledger, status, provenance):
        monkeypatch.setattr(module, "VERSION", "9.9.9")
    newer = study_status(_run(small_settings(home))).stages
    assert {stage.state for stage in newer} == {"stale"}
    assert newer[0].why.startswith("made by perisurv ")
    assert "this is 9.9.9" in newer[0].why


def test_patients_that_were_finished_before_a_stop_are_counted(tmp_path: Path) -> None:
    write_hospital(tmp_path / "hospital", IDS[:4])
    settings = small_settings(tmp_path)

    def stops(label: str, done: int, total: int) -> None:
        if label == "extract" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Study(settings).run(progress=stops)
    found = study_status(_run(settings))
    assert _states(settings) == {"index": "done", "regions": "done", "qc": "done", "extract": "partly done"}
    assert found.stages[3].why == "2 patients done of 4 patients"
    assert "run would do extract." in str(found)
    assert "Features only" in found.plan
    other = dataclasses.replace(settings, seed=7)
    assert study_status(_run(other)).stages[3].why == "4 patients"


@pytest.mark.parametrize(
    ("row", "tables", "told"),
    [
        (follow_up, {}, "nested cross-validation of the tabular branches"),
        (None, {}, "Features only"),
        (lambda n: follow_up(n, "south" if n % 3 == 0 else "north"), {}, "north (10) trains, south (6) scored once"),
    ],
    ids=["one centre", "no follow-up", "two centres"],
)
def test_a_dry_run_tells_the_plan_and_writes_nothing(tmp_path: Path, row, tables: dict[str, object], told: str) -> None:
    write_hospital(tmp_path / "hospital", IDS, row)
    settings = small_settings(tmp_path, keep_ids=False, out="run", input={"folder": "hospital"}, **tables)
    (tmp_path / "study.toml").write_text(settings_to_toml(settings))
    before = _snapshot(tmp_path)
    done = CliRunner().invoke(app, ["run", str(tmp_path / "study.toml"), "--dry-run"])
    assert done.exit_code == 0, done.output
    assert told in done.stdout
    assert "regions   missing      -         16 patients" in done.stdout
    assert _snapshot(tmp_path) == before
    values = json.loads(CliRunner().invoke(app, ["status", str(tmp_path / "study.toml"), "--json"]).stdout)
    assert values["next"] == ["index", "regions", "qc", "extract"]
    assert values["plan"] == ""
    assert _snapshot(tmp_path) == before


def test_what_the_run_would_refuse_is_told(tmp_path: Path) -> None:
    write_hospital(tmp_path / "hospital", IDS[:6], follow_up)
    settings = small_settings(tmp_path, fit={"minimum_events": 9})
    found = study_status(_run(settings), read_patients=True)
    assert "run would refuse: " in str(found)
    assert "minimum_events" in found.refused
    for mask in (tmp_path / "hospital").glob("*/mask*"):
        mask.unlink()
    with pytest.raises(EmptyCohortError):
        study_status(_run(settings), read_patients=True)
    shutil.rmtree(tmp_path / "hospital")
    with pytest.raises(InputError, match="There is no folder"):
        study_status(_run(settings))
    assert not (tmp_path / "run").exists()


def test_networks_that_are_trained_are_counted(tmp_path: Path) -> None:
    write_hospital(tmp_path / "hospital", IDS, lambda n: follow_up(n, "south" if n % 3 == 0 else "north"))
    settings = small_settings(tmp_path)
    run = _run(settings)
    run.index()
    run.regions()
    run.extract()
    deep = dataclasses.replace(settings.deep, enabled=True, folds=2, training=_small(settings))
    with_networks = _run(dataclasses.replace(settings, deep=deep))
    folder = with_networks.folder.open_parts("fit", with_networks.key("fit"))
    (folder / "network_1").mkdir()
    stages = {stage.stage: stage for stage in study_status(with_networks).stages}
    assert (stages["fit"].state, stages["fit"].why) == ("partly done", "1 network done of 2 networks")
    assert (stages["evaluate"].state, stages["evaluate"].why) == ("missing", "")


def _small(settings: StudySettings) -> object:
    return dataclasses.replace(settings.deep.training, axes=2)
