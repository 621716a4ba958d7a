"""A run that has nothing to do says so at once, and never where a run would do something."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_study import small_settings, write_hospital
from typer.testing import CliRunner

from perisurv.cli import app
from perisurv.study import finished, qc
from perisurv.study.finished import NOTHING_TO_DO, Asked, given_to, keep_finished, kept_findings
from perisurv.study.settings import settings_to_toml

IDS = ("P1", "P2", "P3")


def _study(root: Path, **tables: object) -> Path:
    """A study file in a folder, with paths that count from it."""
    settings = small_settings(root, out="run", **{"input": {"folder": "hospital"}, **tables})
    path = root / "study.toml"
    path.write_text(settings_to_toml(settings))
    return path


def _run(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["run", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study with pseudonyms; one patient behind a link, a table elsewhere."""
    root = tmp_path_factory.mktemp("finished")
    write_hospital(root / "hospital", IDS[:2])
    write_hospital(root / "elsewhere", IDS[2:])
    (root / "hospital" / "P3").symlink_to(root / "elsewhere" / "P3", target_is_directory=True)
    (root / "table.csv").write_text("PatientID,age\nP1,61\nP2,62\nP3,63\n")
    tables = {"folder": "hospital", "clinical": ["table.csv"], "follow_up": "none"}
    _run(_study(root, keep_ids=False, input=tables))
    return root


@pytest.fixture
def asked(home: Path) -> Asked:
    """What finished; the test may change what it likes, for the next one all is put down as finished again."""
    asked = Asked(home / "study.toml")
    keep_finished(asked, given_to(asked))
    assert kept_findings(asked) is not None
    return asked


def test_it_says_so_and_what_was_found(home: Path, asked: Asked) -> None:
    first = _run(home / "study.toml", "-v")
    again = _run(home / "study.toml")
    assert again == f"{NOTHING_TO_DO}\n{first}"
    values = json.loads(_run(home / "study.toml", "--json"))
    assert values["nothing_to_do"] is True
    assert values["summary"]["used"] == 3
    assert (home / "run" / "run.log").read_text().splitlines()[-1].endswith(" run: nothing to do")


def test_it_loads_nothing_heavy(home: Path, asked: Asked) -> None:
    code = (
        "import sys; sys.argv = ['perisurv', 'run', 'study.toml']\n"
        "from perisurv.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'pandas', 'numba', 'torch', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == NOTHING_TO_DO
    assert done.stdout.splitlines()[-1] == "[]"


def _same_size_and_time(home: Path) -> None:
    path = home / "hospital" / "P1" / "mask_GTV.nii.gz"
    stat = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _points_elsewhere(home: Path) -> None:
    shutil.copytree(home / "elsewhere", home / "other", dirs_exist_ok=True)
    (home / "hospital" / "P3").unlink()
    (home / "hospital" / "P3").symlink_to(home / "other" / "P3", target_is_directory=True)


def _becomes_a_link(home: Path) -> None:
    (home / "run").rename(home / "moved")
    (home / "run").symlink_to(home / "moved", target_is_directory=True)


CHANGES: dict[str, Callable[[Path], object]] = {
    "study file": lambda home: (home / "study.toml").write_text((home / "study.toml").read_text() + "# more\n"),
    "study file gone": lambda home: (home / "study.toml").rename(home / "renamed.toml"),
    "patient file touched": lambda home: os.utime(home / "hospital" / "P1" / "image.nii.gz"),
    "patient file replaced": _same_size_and_time,
    "patient file added": lambda home: (home / "hospital" / "P1" / "new.dcm").write_bytes(b"x"),
    "patient file hidden": lambda home: (home / "hospital" / "P1" / "new.dcm").rename(home / "hospital" / ".new"),
    "patient file deleted": lambda home: (home / "hospital" / ".new").unlink(),
    "behind a link": lambda home: os.utime(home / "elsewhere" / "P3" / "image.nii.gz"),
    "link to somewhere else": _points_elsewhere,
    "table elsewhere": lambda home: (home / "table.csv").write_text("PatientID,age\nP1,71\n"),
    "region folder": lambda home: shutil.rmtree(next((home / "run" / "regions").iterdir())),
    "artefact deleted": lambda home: (home / "run" / "features.parquet").unlink(),
    "artefact edited": lambda home: (home / "run" / "qc" / "index.html").write_text("mine"),
    "artefact touched": lambda home: os.utime(home / "run" / "cohort.parquet"),
    "ledger": lambda home: (home / "run" / "ledger" / "qc.json").unlink(),
    "sources": lambda home: (home / "run.private" / "sources.parquet").unlink(),
    "key of the pseudonyms": lambda home: (home / "run.private" / "pseudonym.key").write_text("0"),
    "private folder": lambda home: shutil.rmtree(home / "run.private"),
    "record": lambda home: (home / "run" / "ledger" / "run.json").write_text("[]"),
    "record cut off": lambda home: (home / "run" / "ledger" / "run.json").write_text('{"given": '),
    "summary": lambda home: (home / "run" / "summary.json").unlink(),
    "run folder": _becomes_a_link,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_after_a_change_the_stages_are_gone_through(
    tmp_path: Path, home: Path, change: Callable[[Path], object]
) -> None:
    here = tmp_path / "here"
    shutil.copytree(home, here, symlinks=True)
    (here / "hospital" / "P3").unlink()
    (here / "hospital" / "P3").symlink_to(here / "elsewhere" / "P3", target_is_directory=True)
    for path in (here / "hospital" / "P1" / "new.dcm", here / "hospital" / ".new"):
        path.write_bytes(b"x")
    asked = Asked(here / "study.toml")
    keep_finished(asked, given_to(asked))
    assert kept_findings(asked) is not None
    change(here)
    assert kept_findings(asked) is None


def test_options_and_version_belong_to_it(asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert kept_findings(Asked(asked.study, workers=3)) is None
    assert kept_findings(Asked(asked.study, out=tmp_path)) is None
    monkeypatch.setattr(finished, "version", lambda _: "9.9.9")
    assert kept_findings(asked) is None


def test_the_log_does_not(home: Path, asked: Asked) -> None:
    (home / "run" / "run.log").write_text("mine")
    assert kept_findings(asked) is not None
    (home / "run" / "run.log").unlink()
    assert kept_findings(asked) is not None


@pytest.mark.parametrize(
    "text", ["input = 3", "[input]\nfolder = 3", "out = 3\n[input]\nfolder = 'x'", "", "no toml ="]
)
def test_an_odd_study_file_is_for_the_stages(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.toml").write_text(text)
    asked = Asked(tmp_path / "study.toml")
    assert kept_findings(asked) is None
    assert given_to(asked) == ""


def test_a_folder_that_cannot_be_listed_is_unclear(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.scandir

    def refuses(folder: str) -> object:
        if folder.endswith("P2"):
            raise PermissionError(13, "Permission denied", folder)
        return listed(folder)

    monkeypatch.setattr(finished.os, "scandir", refuses)
    assert kept_findings(asked) is None
    assert given_to(asked) == ""


def test_what_changes_during_the_run_is_found_by_the_next(home: Path) -> None:
    asked = Asked(home / "study.toml")
    given = given_to(asked)
    os.utime(home / "hospital" / "P2" / "image.nii.gz")
    keep_finished(asked, given)
    assert kept_findings(asked) is None


def test_a_sheet_that_was_not_drawn_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_hospital(tmp_path / "hospital", IDS[:2])
    study = _study(tmp_path)

    def fails(*_: object, **__: object) -> None:
        raise finished.SettingsError("no ink")

    with monkeypatch.context() as patched:
        patched.setattr(qc, "render_sheet", fails)
        _run(study)
    assert kept_findings(Asked(study)) is None
    assert NOTHING_TO_DO not in _run(study)
    assert NOTHING_TO_DO in _run(study)
