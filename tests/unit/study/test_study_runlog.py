"""``run.log``: stages, versions and the end of every verb, and nothing that leads back to a person."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from small_study import follow_up, small_settings, write_hospital

from perisurv.core import InputError, PerisurvError
from perisurv.study.api import Study
from perisurv.study.finished import NO_ARTEFACTS
from perisurv.study.private import private_folder
from perisurv.study.run import Run
from perisurv.study.runlog import logged
from perisurv.study.settings import StudySettings
from perisurv.study.store import RunFolder

NAMES = ("Smith^Anna", "Garcia Lopez", "MUELLER_1951", "Nguyen", "Okafor", "Larsen")


def _log(root: Path) -> str:
    return (root / "run" / "run.log").read_text(encoding="utf-8")


def _texts(log: str) -> list[str]:
    return [line.partition(" ")[2] for line in log.splitlines()]


def _hidden(root: Path, **tables: object) -> StudySettings:
    return small_settings(root, keep_ids=False, **tables)


def _nobody_is_named(root: Path, log: str) -> None:
    assert not [name for name in NAMES if name in log or name.split()[0] in log]
    assert str(root) not in log
    assert "hospital" not in log


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of features; a patient has no mask."""
    root = tmp_path_factory.mktemp("features")
    write_hospital(root / "hospital", NAMES)
    (root / "hospital" / NAMES[3] / "mask_GTV.nii.gz").unlink()
    Study(_hidden(root)).run()
    return root


def test_every_stage_stands_there_with_its_count_and_time(features: Path) -> None:
    said = _texts(_log(features))
    assert said[0] == "Study.run begins"
    assert re.match(r"perisurv \d\S*, Python 3\S*, \S+; numpy \d", said[1])
    assert re.match(r"settings [0-9a-f]{64}, seed 2025, 1 worker", said[2])
    assert said[3] == "stage 1, index: begins"
    assert "excluded at the index 1: no mask" in said
    for stage in ("regions", "qc", "extract"):
        assert [s for s in said if re.match(rf"stage \d of 4, {stage}: begins", s)]
        assert [s for s in said if re.match(rf"{stage}: ends after \d+\.\d s", s)]
    assert any(re.match(r"regions: 5 of 5 in \d+\.\d s", s) for s in said)
    assert re.match(r"Study.run is done after \d+\.\d s", said[-1])


def test_nobody_is_named_and_no_path_is_told(features: Path) -> None:
    _nobody_is_named(features, _log(features))


def test_a_second_run_is_appended_and_says_what_was_done_before(features: Path) -> None:
    before = _log(features)
    Study(_hidden(features)).run()
    log = _log(features)
    assert log.startswith(before)
    added = _texts(log[len(before) :])
    assert [f"{stage}: was done before" for stage in ("index", "regions", "qc", "extract")] == [
        text for text in added if text.endswith("was done before")
    ]


def _missing_row(root: Path) -> None:
    (root / "hospital" / "clinical.csv").write_text("PatientID,time_days,event\nX00,300,1\n")


def _no_mask_at_all(root: Path) -> None:
    for mask in (root / "hospital").glob("*/mask*"):
        mask.unlink()


def _odd_table(root: Path) -> None:
    rows = "\n".join(f"{name},{n}" for n, name in enumerate(NAMES))
    (root / "hospital" / "clinical.csv").write_text(f"PatientID,time_days,event\n{rows}\n")


@pytest.mark.parametrize("spoil", [_missing_row, _no_mask_at_all, _odd_table])
def test_a_refusal_of_the_index_is_logged_without_its_words(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    write_hospital(tmp_path / "hospital", NAMES[:3])
    spoil(tmp_path)
    with pytest.raises(PerisurvError):
        Study(_hidden(tmp_path, input={"follow_up": "required"})).run()
    log = _log(tmp_path)
    assert "Study.run ended with" in _texts(log)[-1]
    _nobody_is_named(tmp_path, log)


@pytest.mark.parametrize(
    "message",
    [
        "No patch: {root}/hospital/Smith^Anna/image.nii.gz cannot be read.",
        "Patient P-1: Smith^Anna/image.nii.gz is empty.",
        "see '{root}/run/a b/c', or {root}/hospital/Garcia Lopez/mask_GTV.nii.gz",
        r"\\server\share\Nguyen and C:\data\Okafor are gone",
        "/mnt/pacs/Larsen/x.dcm is gone",
    ],
)
def test_a_refusal_of_a_later_stage_is_logged_without_paths(features: Path, message: str) -> None:
    settings, folder = _hidden(features), RunFolder(features / "run")
    with pytest.raises(InputError), logged("fit", folder, private_folder(settings, folder.root), settings):
        raise InputError(message.format(root=features))
    last = _texts(_log(features))[-1]
    assert last.startswith("fit ended with InputError: ")
    _nobody_is_named(features, last)


@pytest.mark.parametrize(
    ("error", "told"),
    [(KeyboardInterrupt(), "qc was stopped after"), (MemoryError("/a/Nguyen"), "qc broke off with MemoryError after")],
)
def test_a_stop_and_a_fault_are_logged(features: Path, error: BaseException, told: str) -> None:
    settings, folder = _hidden(features), RunFolder(features / "run")
    with pytest.raises(type(error)), logged("qc", folder, private_folder(settings, folder.root), settings):
        raise error
    assert _texts(_log(features))[-1].startswith(told)
    _nobody_is_named(features, _log(features))


def test_a_study_that_keeps_identities_keeps_the_words(tmp_path: Path) -> None:
    write_hospital(tmp_path / "hospital", NAMES[:2])
    _no_mask_at_all(tmp_path)
    with pytest.raises(InputError):
        Study(small_settings(tmp_path)).run()
    assert "no mask" in _texts(_log(tmp_path))[-1]


def test_no_log_among_the_files_of_patients(tmp_path: Path) -> None:
    write_hospital(tmp_path / "hospital", NAMES[:2])
    with pytest.raises(InputError, match="lies in the folder of the patients"):
        Study(small_settings(tmp_path)).run(out=tmp_path / "hospital" / NAMES[0])
    assert not list((tmp_path / "hospital").rglob("run.log"))


class _StoppedError(Exception):
    pass


def _artefacts(folder: Path) -> dict[str, bytes]:
    """Everything in a run folder but what tells of a run and not of the study."""
    paths = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in paths.items() if name not in NO_ARTEFACTS}


def test_stopped_in_three_stages_it_ends_in_the_same_bytes_but_for_the_log(tmp_path: Path) -> None:
    write_hospital(tmp_path / "hospital", [f"P{n:02d}" for n in range(12)], follow_up)
    study = Study(small_settings(tmp_path))
    study.run(out=tmp_path / "whole")
    for stage in ("regions", "qc", "extract"):

        def stops(label: str, done: int, total: int, at: str = stage) -> None:
            if label == at and done == 3:
                raise _StoppedError

        with pytest.raises(_StoppedError):
            study.run(out=tmp_path / "cut", progress=stops)
    study.run(out=tmp_path / "cut")
    assert _artefacts(tmp_path / "cut") == _artefacts(tmp_path / "whole")
    assert _texts((tmp_path / "cut" / "run.log").read_text()).count("Study.run begins") == 4


def test_the_log_changes_no_key(features: Path) -> None:
    run = Run(_hidden(features), RunFolder(features / "run"))
    before = run.key("extract")
    run.folder.log.write_text("something else\n")
    assert run.key("extract") == before
    Study(_hidden(features)).run()
    assert "extract: was done before" in _texts(_log(features))


@pytest.mark.parametrize(("progress", "said"), [(True, True), (False, False), (None, False)])
def test_python_shows_the_progress_of_the_command_line(features: Path, capsys, progress, said: bool) -> None:
    Study(_hidden(features)).run(progress=progress)
    lines = [line[9:] for line in capsys.readouterr().err.splitlines()]
    stages = ["stage 1, index", "stage 2 of 4, regions", "stage 3 of 4, qc", "stage 4 of 4, extract"]
    assert lines == (stages if said else [])


def test_a_cohort_and_a_function_are_taken_as_before(features: Path, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    settings = _hidden(features)
    cohort = Run(settings, RunFolder(features / "run")).cohort()
    Study(settings).run(cohort, out=tmp_path / "other", progress=lambda *told: heard.append(told))
    assert {label for label, _, _ in heard} >= {"regions", "qc", "extract"}
    assert "Study.run is done" in (tmp_path / "other" / "run.log").read_text()
