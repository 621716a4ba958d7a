"""Whoever studies recurrence reads of recurrence: in report, quality control, files, predictions and refusals."""

import html as entities
import json
import re
from pathlib import Path

import pytest
from small_study import small_settings, write_patient

from perisurv.cli_predict import _text
from perisurv.core import InputError, PerisurvError
from perisurv.study.api import Study
from perisurv.study.findings import summary_text, validation_text
from perisurv.study.model import load_model
from perisurv.study.run import Run
from perisurv.study.store import RunFolder

IDS = tuple(f"P{n:02d}" for n in range(14))
ENDPOINT = {
    "name": "recurrence or metastasis",
    "word": "recurrence",
    "event_free": "recurrence-free",
    "event": "relapse",
    "time": ["days_to_recurrence", "days_to_last_visit"],
}
OTHER = re.compile(r"\b(deaths?|died|dead|dies?|dying|alive|survival|survivors?|mortality)\b", re.IGNORECASE)
# A study file holds every key with its default, and columns of a prediction have one name for all endpoints.
TECHNICAL = re.compile(r"survival_[\d.]+d|\"survival\":|Study file with every setting.*", re.DOTALL)


def hospital(root: Path, south: str) -> None:
    lines = ["PatientID,days_to_recurrence,days_to_last_visit,relapse,centre"]
    for n, patient in enumerate(IDS):
        write_patient(root / "hospital", patient, n)
        again = n % 2 == 0
        lines.append(f"{patient},{150 + 31 * n if again else ''},{900 + n},{int(again)},{south if n > 9 else 'north'}")
    write_patient(root / "hospital", "Q1", 3)
    (root / "hospital" / "follow_up.csv").write_text("\n".join([*lines, "R1,,,x,north"]) + "\n")


def words_of(text: str) -> set[str]:
    """Words of overall survival that stand in a page or text, technical terms aside."""
    plain = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL)
    plain = entities.unescape(re.sub(r"<[^>]+>", " ", plain))
    return {f"... {plain[max(0, m.start() - 40) : m.end() + 20]}" for m in OTHER.finditer(TECHNICAL.sub("", plain))}


@pytest.fixture(scope="module", params=["two centres", "one centre"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("words")
    hospital(root, "south" if request.param == "two centres" else "north")
    settings = small_settings(root, endpoint=ENDPOINT)
    Study(settings).run()
    return Run(settings, RunFolder(Path(settings.out)))


def test_pages_speak_of_the_endpoint(run: Run) -> None:
    report = run.folder.report.read_text()
    assert "Recurrence or metastasis from CT" in report
    assert words_of(report) == set()
    pages = list(run.folder.qc.glob("*.html"))
    assert pages
    assert set().union(*(words_of(page.read_text()) for page in pages)) == set()


def test_files_and_summary_speak_of_the_endpoint(run: Run) -> None:
    found = json.loads((run.folder.root / "summary.json").read_text())
    assert words_of(summary_text(found, run.folder.root)) == set()
    for path in (run.folder.evaluation, run.folder.validation, run.folder.notes):
        if path.exists():
            assert words_of(path.read_text()) == set(), path.name
    if run.folder.validation.exists():
        assert words_of(validation_text(json.loads(run.folder.validation.read_text()))) == set()


def test_predictions_speak_of_the_endpoint(run: Run, tmp_path: Path) -> None:
    if not run.folder.model.exists():
        pytest.skip("one centre has no model of its own")
    for patient in ("N1", "N2"):
        write_patient(tmp_path, patient, 31)
    (tmp_path / "N2" / "mask_GTV.nii.gz").unlink()
    model = load_model(run.folder.model)
    told = model.told(model.predict_each(tmp_path, "volume"), "volume")
    text = _text(told)
    assert "recurrence-free at 1 y" in text
    assert "not predicted N2: no mask" in text
    assert words_of(text) == words_of(json.dumps(told)) == set()


REFUSALS = {
    "too few recurrences": ("P00,100,900,1,north\nP01,,900,0,north\n", {}),
    "nobody with an event": ("P00,,900,0,north\nP01,,900,0,north\n", {}),
    "unknown codes": ("P00,100,900,local,north\nP01,,900,none,north\nP02,,900,local,north\n", {}),
    "a column that is not there": ("P00,100,900,1,north\n", {"event": "rückfall"}),
    "an unreadable event": ("P00,100,900,maybe,north\n", {}),
    "a time before time zero": ("P00,-5,900,1,north\n", {}),
    "an event without its time": ("P00,,900,1,north\n", {}),
    "a time without its event": ("P00,100,900,0,north\n", {}),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_speak_of_the_endpoint(tmp_path: Path, case: str) -> None:
    rows, changes = REFUSALS[case]
    for n, patient in enumerate(IDS[:3]):
        write_patient(tmp_path / "hospital", patient, n)
    head = "PatientID,days_to_recurrence,days_to_last_visit,relapse,centre"
    (tmp_path / "hospital" / "follow_up.csv").write_text(f"{head}\n{rows}", encoding="utf-8")
    with pytest.raises(PerisurvError) as refused:
        Study(small_settings(tmp_path, endpoint={**ENDPOINT, **changes})).run()
    assert isinstance(refused.value, InputError)
    assert words_of(str(refused.value)) == set()
