"""The endpoint has a name: columns, report, figures, predictions and messages use it."""

from pathlib import Path

import pytest
from small_study import small_settings, write_patient

from perisurv.core import SettingsError
from perisurv.core.endpoint import Endpoint
from perisurv.study.api import Study
from perisurv.study.endpoint_options import EndpointOptions
from perisurv.study.model import load_model
from perisurv.study.plan import plan_study
from perisurv.study.run import Run
from perisurv.study.settings import settings_from_dict, settings_to_toml
from perisurv.study.store import RunFolder

IDS = tuple(f"P{n:02d}" for n in range(14))
ENDPOINT = {
    "name": "recurrence or metastasis",
    "word": "recurrence",
    "event_free": "recurrence-free",
    "time": ["days_to_recurrence", "days_to_last_visit"],
    "event": "relapse",
}


def table(root: Path) -> None:
    """Time to recurrence where there is one, else time to the last visit; deaths stand in a column of their own."""
    lines = ["PatientID,days_to_recurrence,days_to_last_visit,relapse,died,centre"]
    for n, patient in enumerate(IDS):
        write_patient(root, patient, n)
        again = n % 2 == 0
        first = str(150 + 31 * n) if again else ""
        lines.append(f"{patient},{first},{900 + n},{int(again)},0,{'south' if n > 9 else 'north'}")
    (root / "follow_up.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("endpoint")
    table(root / "hospital")
    return root


def test_report_and_prediction_use_the_name(root: Path) -> None:
    settings = small_settings(root, endpoint=ENDPOINT)
    result = Study(settings).run()
    assert result.report is not None
    html = result.report.html
    assert "<h1>Recurrence or metastasis from CT" in html
    assert "Recurrence-free (recurrence or metastasis)" in html
    assert "risk of recurrence" in html
    for word in ("Overall survival", " deaths", "risk of death", ">Alive at"):
        assert word not in html, word
    run = Run(settings, RunFolder(Path(settings.out)))
    model = load_model(run.folder.model)
    new = root / "new"
    write_patient(new, "N1", 31)
    told = model.told(model.predict_each(new, "volume"), "volume")
    assert told["endpoint"] == "recurrence or metastasis"
    assert "recurrence-free" in told["units"]["survival"]


def test_time_to_event_else_to_last_follow_up(root: Path) -> None:
    settings = small_settings(root, endpoint=ENDPOINT)
    outcome = Run(settings, RunFolder(Path(settings.out))).index().outcome
    assert outcome is not None
    assert outcome.n_events == 7
    times = dict(zip(outcome.patients, outcome.time_days, strict=True))
    assert (times["P00"], times["P01"], times["P02"]) == (150.0, 901.0, 212.0)


def test_one_hospital_uses_the_name_too(tmp_path: Path) -> None:
    table(tmp_path / "hospital")
    listed = tmp_path / "hospital" / "follow_up.csv"
    listed.write_text(listed.read_text().replace("south", "north"))
    result = Study(small_settings(tmp_path, endpoint=ENDPOINT)).run()
    assert result.report is not None
    assert "<h1>Recurrence or metastasis from CT" in result.report.html
    assert "(7 recurrences)" in result.report.html


def test_competing_events_are_known_to_the_cohort(tmp_path: Path) -> None:
    table(tmp_path / "hospital")
    listed = tmp_path / "hospital" / "follow_up.csv"
    lines = listed.read_text().splitlines()
    lines[2] = lines[2].replace(",0,0,", ",2,0,")
    listed.write_text("\n".join(lines) + "\n")
    endpoint = {**ENDPOINT, "competing": ["2"]}
    codes = {"clinical": {"event_codes": {"1": "event", "0": "censored"}}}
    settings = small_settings(tmp_path, endpoint=endpoint, cohort=codes)
    cohort = Run(settings, RunFolder(Path(settings.out))).index()
    assert cohort.outcome is not None
    assert cohort.outcome.n_events == 7
    assert cohort.outcome.cause.tolist() == [1, 2] + [1, 0] * 6
    assert plan_study(cohort, settings).external
    with pytest.raises(SettingsError, match=r"competing.*event_codes"):
        Run(small_settings(tmp_path, endpoint=endpoint), RunFolder(tmp_path / "other")).index()


@pytest.mark.parametrize(
    ("given", "noun"),
    [
        ({}, Endpoint()),
        ({"name": "Overall Survival"}, Endpoint("Overall Survival")),
        ({"name": "local control"}, Endpoint("local control", "event", "events", "event-free")),
        ({"name": "x", "word": "relapse"}, Endpoint("x", "relapse", "relapses", "event-free")),
        ({"name": "x", "word": "a", "words": "b", "event_free": "c"}, Endpoint("x", "a", "b", "c")),
    ],
)  # fmt: skip
def test_words_of_an_endpoint(given: dict[str, str], noun: Endpoint) -> None:
    assert EndpointOptions(**given).noun == noun


@pytest.mark.parametrize("wrong", [{"name": " "}, {"time": ["a", "b", "c"]}])
def test_what_is_no_endpoint(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"\[endpoint\]"):
        settings_from_dict({"endpoint": wrong})


def test_an_endpoint_in_a_study_file_reads_back() -> None:
    import tomllib

    settings = settings_from_dict({"endpoint": ENDPOINT})
    assert settings_from_dict(tomllib.loads(settings_to_toml(settings))) == settings
