"""What a run ends with: found, left out, warnings, result and places, for every plan and after a run that went on."""

import json
import re
from pathlib import Path

import pytest
import SimpleITK
from small_study import follow_up, small_settings, write_hospital

from perisurv.report.remarks import warnings_of
from perisurv.study.api import Study
from perisurv.study.findings import findings_text, read_findings, summary_text
from perisurv.study.run import Run
from perisurv.study.store import RunFolder
from perisurv.study.whole import run_study

IDS = tuple(f"P{n:02d}" for n in range(16))


def _two_centres(number: int) -> str:
    return follow_up(number, "south" if number % 3 == 0 else "north")


def _shift_tumour(folder: Path, slices: int) -> None:
    path = folder / "mask_GTV.nii.gz"
    mask = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    moved = SimpleITK.GetImageFromArray(mask[[*range(slices, len(mask)), *range(slices)]])
    moved.SetSpacing((2.0, 2.0, 2.0))
    SimpleITK.WriteImage(moved, str(path))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two centres: two patients without a mask, one with a broken image, one whose ring leaves the CT."""
    root = tmp_path_factory.mktemp("two")
    write_hospital(root / "hospital", IDS, _two_centres)
    for patient in (IDS[13], IDS[15]):
        (root / "hospital" / patient / "mask_GTV.nii.gz").unlink()
    (root / "hospital" / IDS[11] / "image.nii.gz").write_bytes(b"nothing")
    _shift_tumour(root / "hospital" / IDS[4], 3)
    run_study(_run(root))
    return root


def _run(root: Path, **tables: object) -> Run:
    settings = small_settings(root, **tables)
    return Run(settings, RunFolder(Path(settings.out)))


def _summary(root: Path) -> dict:
    return json.loads((root / "run" / "summary.json").read_text())


def test_patients_are_counted_by_kind_of_reason(two: Path) -> None:
    found = _summary(two)
    assert (found["found"], found["used"], found["excluded"]) == (16, 13, 3)
    assert found["centres"] == {"north": 8, "south": 5}
    assert [(group["patients"], group["stage"]) for group in found["exclusions"]] == [(2, "index"), (1, "index")]
    text = summary_text(found, two / "run")
    assert text.startswith("16 patients found, 13 used (north 8, south 5), 3 excluded:\n  2  no mask (index)\n  1  ")
    assert not any(patient in text for patient in IDS)


def test_what_calls_the_result_into_question_comes_first(two: Path) -> None:
    warnings = _summary(two)["warnings"]
    assert any("events a feature" in told for told in warnings)
    assert "ring cut by the border of the CT: 1 patient of 13, who stay" in warnings
    places = [next(n for n, told in enumerate(warnings) if words in told) for words in ("a feature", "who stay", "AUC")]
    assert places == sorted(places)
    assert not any("read as" in told or "rows (utf-8" in told for told in warnings)


def test_the_result_and_where_everything_lies(two: Path) -> None:
    run = _run(two)
    said = findings_text(read_findings(run.folder.root))
    best = next(row for row in run.evaluation().ladder if row.branch == "combined")
    assert f"Result, external centres ({best.n} patients, {best.events} deaths): the model combined has" in said
    assert f"C-index of {best.c_index:.3f} (95 % interval {best.lower:.3f} to {best.upper:.3f})" in said
    assert said.splitlines()[0].split() == ["branch", "C-index", "interval", "n", "events"]
    for line in said.splitlines()[-2:]:
        assert Path(re.split(r":\s+", line)[1]).exists()


def test_a_run_that_had_nothing_to_do_and_python_say_the_same(two: Path) -> None:
    before = (two / "run" / "summary.json").read_bytes()
    found = run_study(_run(two))
    assert (two / "run" / "summary.json").read_bytes() == before
    assert found.plain()["summary"] == json.loads(before)
    result = Study(small_settings(two)).run()
    assert result.text.startswith(str(found))
    assert result.text in repr(result)
    assert f"log:             {two / 'run' / 'run.log'}" in result.text


def test_a_run_that_goes_on_ends_with_the_same_summary(two: Path) -> None:
    before = (two / "run" / "summary.json").read_bytes()
    for stage in ("extract", "evaluate"):
        (two / "run" / "ledger" / f"{stage}.json").unlink()
    (two / "run" / "summary.json").unlink()
    run_study(_run(two))
    assert (two / "run" / "summary.json").read_bytes() == before


def test_groups_of_volume_are_recognised(two: Path) -> None:
    import pandas as pd

    from perisurv.study.summary import _of_groups

    folder = RunFolder(two / "other")
    folder.root.mkdir()
    groups = {"volume": "lhh", "tumour": "lhh", "combined": "lll"}
    rows = [(patient, branch, group) for branch, own in groups.items() for patient, group in enumerate(own)]
    frame = pd.DataFrame(rows, columns=["patient", "branch", "group"])
    frame.to_parquet(folder.predictions)
    evaluation = _run(two).evaluation()
    assert _of_groups(folder, evaluation, None) == ["tumour: the same risk groups as tumour volume alone"]
    frame.assign(group="low").to_parquet(folder.predictions)
    assert _of_groups(folder, evaluation, None) == []


@pytest.mark.parametrize(
    ("row", "first", "parts"),
    [
        (follow_up, "Result, cross-validation inside these patients (12 patients", ["validation"]),
        (None, "Features only", []),
    ],
    ids=["one centre", "no follow-up"],
)
def test_other_plans(tmp_path: Path, row, first: str, parts: list[str]) -> None:
    write_hospital(tmp_path / "hospital", IDS[:12], row)
    found = run_study(_run(tmp_path))
    said = str(found)
    assert first in said
    assert "12 patients found, 12 used, 0 excluded." in said
    assert _summary(tmp_path)["parts"] == parts
    assert ("report:" in said) == bool(parts)
    assert ("features:" in said) != bool(parts)
    assert json.loads(json.dumps(found.plain()))["summary"]["used"] == 12


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("clinical.csv: 16 rows (utf-8, comma between cells)", False),
        ("clinical.csv: column 'age' read as age", False),
        ("clinical.csv: 3 cells of column 'stage' were not understood", True),
        ("3 of 9 external patients outside the training domain; the model would abstain for them.", True),
        ("volume: fitted on 5 events for 1 feature: fewer than 10 events a feature.", True),
    ],
)
def test_which_notes_are_warnings(note: str, shown: bool) -> None:
    assert bool(warnings_of([note])) == shown


def test_many_kinds_are_cut_short_and_files_are_told_apart() -> None:
    kinds = [{"stage": "index", "kind": f"kind {n}", "patients": 20 - n} for n in range(15)]
    values = {
        "found": 300, "used": 10, "excluded": 290, "centres": {"a": 10}, "exclusions": kinds,
        "warnings": [f"warning {n}" for n in range(8)],
        "set_aside": [{"kind": "RTSTRUCT drawn on MR", "files": 2}, {"kind": "organs only", "files": 1}],
        "results": [], "told": "", "places": {"features": "features.parquet"},
    }  # fmt: skip
    lines = summary_text(values, Path("run")).splitlines()
    assert lines[0] == "300 patients found, 10 used, 290 excluded:"
    assert lines[1] == "  20  kind 0 (index)"
    assert lines[13] == "  21  of 3 other kinds"
    assert lines[14] == "3 files set aside, by which no patient is lost:"
    assert lines[15:17] == ["  2  RTSTRUCT drawn on MR", "  1  organs only"]
    assert lines[17:] == [
        "Warnings:", *(f"  - warning {n}" for n in range(6)), "  - and 2 more: see the report",
        f"features: {Path('run', 'features.parquet')}",
    ]  # fmt: skip
