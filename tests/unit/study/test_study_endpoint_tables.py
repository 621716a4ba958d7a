"""Tables of endpoints other than overall survival, as hospitals keep them: events, competing events and their times."""

from pathlib import Path

import pytest

from perisurv.cohort import CohortOptions, read_clinical
from perisurv.cohort.checks import OUTCOME_CHECKS, first_reason
from perisurv.core import InputError
from perisurv.study.endpoint_options import EndpointOptions
from perisurv.study.settings import settings_from_dict

Row = tuple[float | None, bool | None, bool | None]


def read(tmp_path: Path, text: str, endpoint: dict[str, object], **clinical: object) -> dict[str, Row]:
    """Patient -> time, event, competing event."""
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    settings = settings_from_dict({"endpoint": endpoint, "cohort": {"clinical": clinical}})
    rows = read_clinical(path, settings.endpoint.columns(settings.cohort)).rows
    return {row.patient_id: (row.time_days, row.event, row.competing) for row in rows}


TABLES: dict[str, tuple[str, dict[str, object], dict[str, object], dict[str, Row]]] = {
    "0 censored, 1 event, 2 competing in one column": (
        "PatientID,days,status\nA,100,1\nB,200,2\nC,300,0\n",
        {"name": "recurrence", "time": "days", "event": "status", "competing": ["2"]},
        {"event_codes": {"1": "event", "0": "censored"}},
        {"A": (100, True, False), "B": (200, False, True), "C": (300, False, False)},
    ),
    "the codes called dead and alive": (
        "PatientID,days,status\nA,100,1\nB,200,2\nC,300,0\n",
        {"name": "recurrence", "time": "days", "event": "status", "competing": ["2"]},
        {"event_codes": {"1": "dead", "0": "alive"}},
        {"A": (100, True, False), "B": (200, False, True), "C": (300, False, False)},
    ),
    "texts with several causes that are events": (
        "PatientID,PFS (months),first event\n"
        "A,10,local recurrence\nB,20,Distant metastasis\nC,12,Death NOS\nD,30,none so far\n",
        {"name": "recurrence or metastasis", "time": "PFS (months)", "event": "first event", "competing": "death nos"},
        {
            "event_codes": {
                "Local recurrence": "event",
                "distant metastasis": "event",
                "none so far": "censored",
            }
        },
        {
            "A": (304.375, True, False),
            "B": (608.75, True, False),
            "C": (365.25, False, True),
            "D": (913.125, False, False),
        },
    ),
    "competing among the codes": (
        "PatientID,days,cause\nA,100,DOD\nB,200,DOC\nC,300,AWD\n",
        {"name": "death of lung cancer", "time": "days", "event": "cause"},
        {"event_codes": {"DOD": "event", "DOC": "competing", "AWD": "censored"}},
        {"A": (100, True, False), "B": (200, False, True), "C": (300, False, False)},
    ),
    "time to the event, else to the last follow-up": (
        "PatientID,days_to_recurrence,days_to_last_visit,relapse\nA,100,900,1\nB,,800,0\n",
        {"name": "recurrence", "time": ["days_to_recurrence", "days_to_last_visit"], "event": "relapse"},
        {},
        {"A": (100, True, False), "B": (800, False, False)},
    ),
    "the last follow-up written again where there was no event": (
        "PatientID,days_to_recurrence,days_to_last_visit,relapse\nA,100,900,1\nB,800,800,0\n",
        {"name": "recurrence", "time": ["days_to_recurrence", "days_to_last_visit"], "event": "relapse"},
        {},
        {"A": (100, True, False), "B": (800, False, False)},
    ),
    "no column of events: a filled time is the event": (
        "PatientID,days_to_recurrence,days_to_last_visit\nA,100,900\nB,,800\n",
        {"name": "recurrence", "time": ["days_to_recurrence", "days_to_last_visit"]},
        {},
        {"A": (100, True, False), "B": (800, False, False)},
    ),
    "local control with death in a column of its own": (
        "PatientID,days_to_local_failure,days_to_last_contact,local_failure,death\nA,100,900,1,1\nB,,800,0,1\nC,,700,0,0\n",
        {
            "name": "local control", "time": ["days_to_local_failure", "days_to_last_contact"],
            "event": "local_failure", "competing_event": "death",
        },
        {},
        {"A": (100, True, False), "B": (800, False, True), "C": (700, False, False)},
    ),
    "three times, as in tables of the GDC": (
        "PatientID,days_to_recurrence,days_to_death,days_to_last_follow_up\nA,100,900,\nB,,800,\nC,,,700\n",
        {
            "name": "recurrence", "time": ["days_to_recurrence", "days_to_last_follow_up"],
            "competing_time": "days_to_death",
        },
        {},
        {"A": (100, True, False), "B": (800, False, True), "C": (700, False, False)},
    ),
    "in French": (
        "PatientID;délai (mois);récidive;décès\nA;10;oui;non\nB;20;non;oui\nC;30;non;non\n",
        {"name": "récidive", "time": "délai (mois)", "event": "récidive", "competing_event": "décès"},
        {},
        {"A": (304.375, True, False), "B": (608.75, False, True), "C": (913.125, False, False)},
    ),
    "in German": (
        "PatientID;Zeit bis Rezidiv (Tage);Rezidiv;verstorben\nA;10;ja;nein\nB;20;nein;ja\n",
        {"name": "Rezidiv", "time": "Zeit bis Rezidiv (Tage)", "event": "Rezidiv", "competing_event": "verstorben"},
        {},
        {"A": (10, True, False), "B": (20, False, True)},
    ),
    "in Chinese": (
        "PatientID,复发时间（月）,复发\nA,10,是\nB,20,否\n",
        {"name": "复发", "time": "复发时间（月）", "event": "复发"},
        {},
        {"A": (304.375, True, False), "B": (608.75, False, False)},
    ),
    "beside columns of overall survival": (
        "PatientID,PFS_days,PFS_event,OS_days,death,date of death,RT start\n"
        "A,100,1,900,1,2016-06-22,2014-01-04\nB,800,0,900,0,,2014-01-04\n",
        {"name": "progression-free survival", "time": "PFS_days", "event": "PFS_event"},
        {},
        {"A": (100, True, False), "B": (800, False, False)},
    ),
    "dates of recurrence, with follow-up behind it": (
        "PatientID,RT start,recurrence on,last seen\nA,2014-01-01,2014-04-11,2016-01-01\nB,2014-01-01,,2014-07-20\n",
        {"name": "recurrence", "date": "recurrence on"},
        {},
        {"A": (100, True, False), "B": (200, False, False)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLES)
def test_a_table_of_another_endpoint(tmp_path: Path, case: str) -> None:
    text, endpoint, clinical, expected = TABLES[case]
    if case.startswith("dates of recurrence"):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        given = {"endpoint": endpoint, "cohort": {"columns": {"date_last": "last seen"}}}
        settings = settings_from_dict(given)
        rows = read_clinical(path, settings.endpoint.columns(settings.cohort)).rows
        found = {row.patient_id: (row.time_days, row.event, row.competing) for row in rows}
        assert not any(first_reason(OUTCOME_CHECKS, row) for row in rows)
    else:
        found = read(tmp_path, text, endpoint, **clinical)
    assert found == expected


@pytest.mark.parametrize(
    "columns",
    ["OS_days,death", "Survival.time,deadstatus.event", "days_to_death,vital_status", "生存时间,死亡", "time,died"],
)
def test_overall_survival_is_never_taken_for_another_endpoint(tmp_path: Path, columns: str) -> None:
    (tmp_path / "table.csv").write_text(f"PatientID,{columns}\nA,100,1\nB,200,0\n", encoding="utf-8")
    options = EndpointOptions(name="local control").columns(CohortOptions())
    with pytest.raises(InputError, match=r"no known column for (time|event).*\[endpoint\].*overall survival"):
        read_clinical(tmp_path / "table.csv", options)


@pytest.mark.parametrize("columns", ["time,event", "time_days,status", "follow-up (months),event"])
def test_names_that_speak_of_no_endpoint_are_guessed(tmp_path: Path, columns: str) -> None:
    found = read(tmp_path, f"PatientID,{columns}\nA,100,1\nB,200,0\n", {"name": "local control"})
    assert [event for _, event, _ in found.values()] == [True, False]


@pytest.mark.parametrize("name", ["overall survival", "OS", "Gesamtüberleben", "survie globale"])
def test_overall_survival_in_other_words_still_guesses_its_columns(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, "PatientID,OS_days,death\nA,100,1\nB,200,0\n", {"name": name})
    assert found == {"A": (100, True, False), "B": (200, False, False)}


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("C1", "C2", "C1"), "whether follow-up ended with the competing event"),
        (("1", "2", "2"), "whether follow-up ended with the competing event"),
    ],
)
def test_a_competing_column_that_says_neither_yes_nor_no_is_refused(
    tmp_path: Path, cells: tuple[str, ...], message: str
) -> None:
    lines = [f"{p},{100 + n},0,{cell}" for n, (p, cell) in enumerate(zip("ABC", cells, strict=True))]
    text = "\n".join(["PatientID,time,event,cause", *lines]) + "\n"
    with pytest.raises(InputError, match=message):
        read(tmp_path, text, {"name": "recurrence", "competing_event": "cause"})


def test_a_patient_whose_competing_event_is_not_known_is_told(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("PatientID,time,event,death\nA,100,0,\nB,200,1,\nC,300,0,1\nD,400,0,0\n")
    options = EndpointOptions(name="recurrence", competing_event="death").columns(CohortOptions())
    reasons = [first_reason(OUTCOME_CHECKS, row) for row in read_clinical(path, options).rows]
    assert reasons[0] is not None
    assert "column death of table.csv does not tell" in reasons[0]
    assert reasons[1:] == [None, None, None]


@pytest.mark.parametrize("none", ["none", "None", "nil", "无"])
def test_a_word_for_none_is_asked_for_and_may_be_a_code(tmp_path: Path, none: str) -> None:
    text = f"PatientID,time,relapse\nA,100,local\nB,200,{none}\nC,300,local\n"
    endpoint = {"name": "recurrence", "time": "time", "event": "relapse"}
    with pytest.raises(InputError, match=rf'"{none.lower()}" = "\.\.\."'):
        read(tmp_path, text, endpoint)
    found = read(tmp_path, text, endpoint, event_codes={"local": "event", none: "censored"})
    assert [event for _, event, _ in found.values()] == [True, False, True]


def test_unknown_codes_are_asked_for_in_the_words_of_any_event(tmp_path: Path) -> None:
    text = "PatientID,time,relapse\n" + "".join(f"P{n},{100 + n},{n % 3}\n" for n in range(9))
    with pytest.raises(InputError, match=r"with event, censored or competing for each code"):
        read(tmp_path, text, {"name": "recurrence", "time": "time", "event": "relapse"})
