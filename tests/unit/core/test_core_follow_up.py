"""Follow-up from a table in memory: nobody dies of a spelling."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from perisurv.core import Outcome, OutcomeError


def table(event, time=None, index=None, **more):
    events = event if isinstance(event, (pd.Series, pd.Categorical)) else pd.Series(event)
    index = [f"P{n}" for n in range(len(events))] if index is None else index
    time = [10.0 * (n + 1) for n in range(len(events))] if time is None else time
    frame = pd.DataFrame({"time_days": time, "event": list(events) if isinstance(events, pd.Categorical) else events})
    frame["event"] = events
    return frame.set_index(pd.Index(index, name="patient")).assign(**more)


@pytest.mark.parametrize(
    "event",
    [
        [True, False, True],
        [1, 0, 1],
        [1.0, 0.0, 1.0],
        ["dead", "alive", "dead"],
        [" Dead", "LIVING", "deceased"],
        [Decimal(1), Decimal(0), Decimal(1)],
        pd.Series([1, 0, 1], dtype="Int64"),
        pd.Series([1, 0, 1], dtype="int8"),
        pd.Series([1.0, 0.0, 1.0], dtype="Float64"),
        pd.Series([True, False, True], dtype="boolean"),
        pd.Series([True, 0, 1.0], dtype=object),
        pd.Series(["dead", "alive", "dead"], dtype="string"),
        pd.Series(["dead", "alive", "dead"], dtype="category"),
        pd.Series([1, 0, 1], dtype="category"),
    ],
)
def test_what_is_certain_is_taken(event):
    assert Outcome.from_frame(table(event)).event.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ([1, 2, 1], "it holds 2 for P1. Where 1 is censored and 2 is dead, as in R"),
        ([1.0, 2.0, 1.0], "it holds 2.0 for P1. Where 1 is censored"),
        (["1", "0", "1"], "it holds '0', '1' for P0, P1, P2"),
        (["yes", "no", "no"], "it holds 'no', 'yes' for P0, P1, P2"),
        (["alive", "lost", "dead"], "it holds 'lost' for P1"),
        ([1, -9, 0], "it holds -9 for P1"),
        ([0.5, 0, 1], "it holds 0.5 for P0"),
        ([1, 0, np.nan], "Column 'event' is empty for P2"),
        (pd.Series([1, None, 0], dtype="Int64"), "Column 'event' is empty for P1"),
        (pd.Series([True, pd.NA, False], dtype="boolean"), "Column 'event' is empty for P1"),
        (pd.Series(["dead", None, "alive"], dtype="string"), "Column 'event' is empty for P1"),
        ([None, None, True], "Column 'event' is empty for P0, P1"),
        (pd.to_datetime(["2014-03-05"] * 3), "for P0, P1, P2"),
    ],
)
def test_what_is_not_certain_is_refused_with_the_patients(event, told):
    with pytest.raises(OutcomeError) as error:
        Outcome.from_frame(table(event))
    assert told in str(error.value)


@pytest.mark.parametrize(
    "time",
    [
        [3, 4],
        [3.0, 4.0],
        pd.array([3, 4], dtype="Int64"),
        pd.array([3, 4], dtype="Float32"),
        np.array([3, 4], dtype="uint16"),
        [Decimal("3"), 4],
    ],
)
def test_times_of_any_numeric_type(time):
    assert Outcome.from_frame(table([1, 0], time)).time_days.tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    ("time", "told"),
    [
        ([3, np.nan], "Column 'time_days' is empty for P1"),
        (pd.array([3, None], dtype="Int64"), "Column 'time_days' is empty for P1"),
        ([3, 0], "must be positive and finite, days from time zero; it is not for P1"),
        ([-3, 4], "it is not for P0"),
        ([3, np.inf], "it is not for P1"),
        (["3", "4"], "must hold numbers; it does not for P0, P1. Texts are turned into numbers by pd.to_numeric"),
        ([3, "4 months"], "it does not for P1"),
        ([True, True], "must hold numbers"),
        (pd.to_timedelta([3, 4], unit="D"), "holds dates or spans of time; give days as numbers"),
        (pd.to_datetime(["2014-03-05", "2014-03-06"]), "holds dates or spans of time"),
    ],
)
def test_times_that_are_none_are_refused_with_the_patients(time, told):
    with pytest.raises(OutcomeError) as error:
        Outcome.from_frame(table([1, 0], time))
    assert told in str(error.value)


def test_many_patients_are_not_all_listed():
    with pytest.raises(OutcomeError, match="P0, P1, P2, P3, P4 and 15 more"):
        Outcome.from_frame(table([np.nan] * 20))


@pytest.mark.parametrize("index", [["A", "A"], [7, 7], ["7", 7]])
def test_a_patient_who_occurs_twice_is_refused(index):
    with pytest.raises(OutcomeError, match="twice"):
        Outcome.from_frame(table([1, 0], index=index))


@pytest.mark.parametrize("index", [["A", None], ["A", np.nan], ["A", " "], [1.0, np.nan]])
def test_a_row_without_patient_is_refused(index):
    with pytest.raises(OutcomeError, match=r"name no patient: 1 \(row 2\)"):
        Outcome.from_frame(table([1, 0], index=index))


@pytest.mark.parametrize("name", ["patient", "PatientID", "patient_id"])
def test_row_numbers_are_no_patients(name):
    frame = pd.DataFrame({name: ["A", "B"], "time_days": [3, 4], "event": [1, 0]})
    with pytest.raises(OutcomeError, match=rf"frame\.set_index\('{name}'\)"):
        Outcome.from_frame(frame)
    assert Outcome.from_frame(frame.set_index(name)).patients == ("A", "B")


@pytest.mark.parametrize("absent", ["time_days", "event"])
def test_a_column_that_is_not_there_or_there_twice_is_named(absent):
    with pytest.raises(OutcomeError, match=f"needs one column '{absent}'; its columns are"):
        Outcome.from_frame(table([1, 0]).drop(columns=absent))
    frame = table([1, 0])
    with pytest.raises(OutcomeError, match=f"needs one column '{absent}'"):
        Outcome.from_frame(pd.concat([frame, frame[[absent]]], axis=1))


def test_spans_of_time_are_no_numbers_of_days():
    """NumPy would turn them into nanoseconds or days without a word."""
    with pytest.raises(OutcomeError, match="numbers of days"):
        Outcome(("A",), np.array([3], dtype="timedelta64[D]"), np.array([True]))  # type: ignore[arg-type]


def test_no_patients():
    assert len(Outcome.from_frame(table([1, 0]).iloc[:0])) == 0
