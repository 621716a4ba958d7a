"""Notes of a study: columns of the clinical tables as a table, the rest with what repeats told once."""

import re
from collections.abc import Callable

from perisurv.core import Evaluation
from perisurv.report import render_report
from perisurv.report.remarks import NoteGroup, clinical_columns, note_groups

Make = Callable[..., Evaluation]
NOTES = (
    "a/clinical.csv: 14 rows (utf-8, comma between cells)",
    "a/clinical.csv: column 'PatientID' read as id",
    'a/clinical.csv: column "patient\'s age" read as age',
    "a/clinical.csv: column 'OS (Monate)' read as time (months)",
    "a/clinical.csv: column 'Status: last' read as event (1 = dead, 0 = alive)",
    *(f"ring_{w}mm: no calibration at {d} days. {w} of 10 risks are 0 or 1." for w in (3, 6) for d in (365.25, 730.5)),
    "volume: fitted on 8 deaths for 1 feature: fewer than 10 deaths a feature.",
    "Simulated cohort: the oracle ranks patients by their true risk.",
)


def test_columns_with_their_meaning() -> None:
    read = [(c.table, c.column, c.meaning, c.how) for c in clinical_columns(NOTES)]
    assert read == [
        ("a/clinical.csv", "PatientID", "id", ""),
        ("a/clinical.csv", "patient's age", "age", ""),
        ("a/clinical.csv", "OS (Monate)", "time", "months"),
        ("a/clinical.csv", "Status: last", "event", "1 = dead, 0 = alive"),
    ]


def test_what_the_reader_of_tables_says_is_understood() -> None:
    """The sentence of this page is the one that is written there."""
    import inspect

    from perisurv.cohort.clinical import table

    assert ": column {layout.columns[place]!r} read as " in inspect.getsource(table)


def test_more_than_three_notes_of_a_kind_are_told_once() -> None:
    assert note_groups(NOTES) == (
        NoteGroup(("a/clinical.csv",), "14 rows (utf-8, comma between cells)", 1),
        NoteGroup(("ring_3mm", "ring_6mm"), "no calibration at 365.25 days. 3 of 10 risks are 0 or 1.", 4),
        NoteGroup(("volume",), "fitted on 8 deaths for 1 feature: fewer than 10 deaths a feature.", 1),
        NoteGroup((), "Simulated cohort: the oracle ranks patients by their true risk.", 1),
    )


def test_the_report_has_the_table(make_evaluation: Make) -> None:
    html = render_report(make_evaluation(notes=NOTES), [], "")
    rows = [re.sub(r"(?:<[^>]+>)+", "|", row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)]
    assert "|a/clinical.csv|PatientID|id|" in rows
    assert "|OS (Monate)|time|months|" in rows
    assert "4 such notes; the first is shown" in html
    assert html.count("no calibration at") == 1
