"""An endpoint with a competing event: cumulative incidence in report and JSON, and no Kaplan-Meier curve."""

import html as entities
import json
import re
from pathlib import Path

import numpy as np
import pytest
from small_study import small_settings, write_patient

from perisurv.core import Evaluation, Outcome
from perisurv.evaluation import evaluation_from_json, evaluation_to_json, gray_test
from perisurv.statistics import aalen_johansen
from perisurv.study.api import Study
from perisurv.study.run import Run
from perisurv.study.store import RunFolder

IDS = tuple(f"P{n:02d}" for n in range(22))
ENDPOINT = {
    "name": "local control",
    "word": "local failure",
    "event_free": "locally controlled",
    "event": "local failure",
    "time": "months",
    "competing_event": "died",
    "competing_word": "death",
}


def hospital(root: Path, *, centres: bool = True) -> None:
    """Local failure in every third patient, death without it in every fifth."""
    lines = ["PatientID,months,local failure,died,centre"]
    for n, patient in enumerate(IDS):
        write_patient(root / "hospital", patient, n)
        failed, died = n % 2 == 0, n % 3 == 0
        centre = "south" if n > 11 and centres else "north"
        lines.append(f"{patient},{6 + 7 * n % 41},{int(failed)},{int(died)},{centre}")
    (root / "hospital" / "follow_up.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, str]:
    root = tmp_path_factory.mktemp("competing")
    hospital(root)
    settings = small_settings(root, endpoint=ENDPOINT)
    result = Study(settings).run()
    assert result.report is not None
    return Run(settings, RunFolder(Path(settings.out))), result.report.html


def text_of(html: str) -> str:
    plain = re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.S))
    return re.sub(r"\s+", " ", entities.unescape(plain))


def scored(run: Run) -> tuple[Evaluation, Outcome]:
    outcome = run.data().outcome
    return run.evaluation(), outcome.take(run.data().external)


def test_the_evaluation_holds_the_incidence_of_both_causes(study: tuple[Run, str]) -> None:
    evaluation, outcome = scored(study[0])
    expected = aalen_johansen(outcome.time_days, outcome.cause)
    for name, column in (("event", 0), ("competing", 1)):
        (curve,) = [c for c in evaluation.incidence if c.group == "all" and c.cause == name]
        np.testing.assert_array_equal(curve.incidence, expected.incidence[:, column])
        np.testing.assert_array_equal(curve.upper, expected.upper[:, column])
        assert curve.at_risk[0] == len(outcome)
    assert evaluation.curves == ()
    assert evaluation.flow["competing"] == int((outcome.cause == 2).sum()) > 0


def test_risk_groups_are_compared_by_the_test_of_gray(study: tuple[Run, str]) -> None:
    import pandas as pd

    evaluation, outcome = scored(study[0])
    frame = pd.read_parquet(study[0].folder.predictions)
    tested = 0
    for branch, p in evaluation.gray_p.items():
        own = frame[frame["branch"] == branch].set_index("patient").loc[list(outcome.patients)]
        for cause, code in (("event", 1), ("competing", 2)):
            if cause in p:
                expected = gray_test(outcome.time_days, outcome.cause, own["group"].tolist(), code).p
                assert p[cause] == pytest.approx(expected)
                tested += 1
    assert tested


def test_the_json_carries_it_and_what_an_earlier_version_wrote_is_read(study: tuple[Run, str]) -> None:
    evaluation, _ = scored(study[0])
    text = evaluation_to_json(evaluation)
    again = evaluation_from_json(text)
    assert again == evaluation
    assert again.endpoint.competing == "death"
    old = json.loads(text)
    for name in ("incidence", "gray_p", "subdistribution"):
        del old[name]
    del old["endpoint"]["competing"]
    assert evaluation_from_json(json.dumps(old)).incidence == ()


def test_the_report_shows_incidence_and_says_what_was_done(study: tuple[Run, str]) -> None:
    html = study[1]
    text = text_of(html)
    assert "Kaplan-Meier curves of the risk groups" not in html
    assert 'aria-label="Cumulative incidence of all patients"' in html
    assert 'aria-label="Cumulative incidence of the risk groups, Combined"' in html
    assert "cause-specific hazard of local failure" in text
    assert "counts as censored at that time" in text
    assert "cause-specific C-index" in text
    assert "Gray's test" in text
    assert re.search(r"Local failure by \d+ years? \d+ %", text)
    assert re.search(r"Death by \d+ years? \d+ %", text)
    assert "in a world without death" in text
    assert "Overall survival" not in text
