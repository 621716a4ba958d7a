"""Time: units, dates, and nobody imaged after time zero or followed up before it."""

from datetime import date

import pytest
from cohort_files import write_ct, write_rtstruct, write_table

from perisurv.cohort import ClinicalOptions, CohortOptions, ColumnOptions, read_clinical, read_cohort
from perisurv.cohort.checks.outcome import TimeFitsDates
from perisurv.core import InputError, SettingsError

DATES = "PatientID,RT start,Date of death,Last follow-up,event"


def clinical(**given):
    return CohortOptions(clinical=ClinicalOptions(**given))


def rows_of(tmp_path, header, lines, options=CohortOptions()):  # noqa: B008
    return read_clinical(write_table(tmp_path, lines, header=header), options).rows


# --- units -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "days"),
    [("Survival.time", 1), ("OS_days", 1), ("OS (weeks)", 7), ("OS_months", 30.4375), ("Survival in years", 365.25),
     ("Überlebenszeit (Monate)", 30.4375), ("Follow-up time [yrs]", 365.25), ("osMonths", 30.4375)],
)  # fmt: skip
def test_the_unit_stands_in_the_name(tmp_path, column, days):
    options = CohortOptions(columns=ColumnOptions(time=column))
    for told in (CohortOptions(), options):
        if column == "Survival in years" and told is not options:
            continue
        assert rows_of(tmp_path, f"id,{column},event", ["A,10,1"], told)[0].time_days == 10 * days


def test_the_study_file_says_the_unit(tmp_path):
    for unit, days in {"days": 1, "weeks": 7, "months": 30.4375, "years": 365.25}.items():
        assert rows_of(tmp_path, "id,OS_days,event", ["A,2,1"], clinical(time_unit=unit))[0].time_days == 2 * days


def test_two_units_in_one_name(tmp_path):
    options = CohortOptions(columns=ColumnOptions(time="months (or days)"))
    with pytest.raises(InputError, match=r"names several units \(days, months\); set time_unit"):
        rows_of(tmp_path, "id,months (or days),event", ["A,2,1"], options)


# --- dates -----------------------------------------------------------------------------------------------------------


def test_time_from_dates(tmp_path):
    lines = ["A,2014-03-05,2015-03-05,,1", "B,2014-03-05,,2014-03-15,0", "C,2014-03-05,,2014-03-15,1"]
    a, b, c = rows_of(tmp_path, DATES, lines)
    assert (a.time_days, a.event, a.time_from_dates) == (365, True, True)
    assert (b.time_days, b.event) == (10, False)
    assert c.time_days is None  # dead, and nobody says when


def test_event_from_the_date_of_death(tmp_path):
    header = "PatientID,RT start,Date of death,Last follow-up"
    lines = ["A,2014-03-05,2015-03-05,", "B,2014-03-05,,2014-03-15", "C,2014-03-05,soon,2014-03-15"]
    table = read_clinical(write_table(tmp_path, lines, header=header))
    assert [(r.time_days, r.event) for r in table.rows] == [(365, True), (10, False), (10, None)]
    assert "clinical.csv: a date in 'Date of death' read as event (date = dead, empty = alive)" in table.guesses
    assert "clinical.csv: time read as the days from 'RT start' to death or last follow-up" in table.guesses


def test_an_empty_time_to_death_comes_from_the_dates(tmp_path):
    """As in the table of NSCLC-Radiogenomics: the time is there for the dead only."""
    header = "Case ID,Survival Status,Date of Last Known Alive,Date of Death,Time to Death (days),CT Date"
    lines = ["R1,Dead,2/1/1994,3/25/1994,83,1/1/1994", "R2,Alive,1/31/1994,NA,NA,1/1/1994"]
    table = read_clinical(write_table(tmp_path, lines, header=header))
    assert [(r.time_days, r.event) for r in table.rows] == [(83, True), (30, False)]
    assert "clinical.csv: column 'CT Date' read as date_zero (month first)" in table.guesses
    assert table.remarks == ("clinical.csv: empty times taken from the dates: 1.",)


def test_the_order_of_day_and_month_is_not_guessed(tmp_path):
    with pytest.raises(InputError, match=r"do not show whether the day or the month stands first; state their form"):
        rows_of(tmp_path, DATES, ["A,05/03/2014,05/03/2015,,1"])
    with pytest.raises(InputError, match="hold dates of both orders"):
        rows_of(tmp_path, DATES, ["A,25/03/2014,03/25/2015,,1"])
    (row,) = rows_of(tmp_path, DATES, ["A,05/03/2014,05/03/2015,,1"], clinical(date_format="%d/%m/%Y"))
    assert row.dates.zero == date(2014, 3, 5)
    a, _ = rows_of(tmp_path, DATES, ["A,05/03/2014,05/03/2015,,1", "B,25/03/2014,,26/03/2014,0"])
    assert a.dates.zero == date(2014, 3, 5)


@pytest.mark.parametrize("pattern", ["%d.%m", "nonsense", "%H:%M", "%y %y %m %d %"])
def test_a_date_format_gives_a_day(pattern):
    with pytest.raises(SettingsError, match="date_format"):
        ClinicalOptions(date_format=pattern)


def test_two_dates_of_time_zero_are_not_guessed(tmp_path):
    with pytest.raises(InputError, match=r"several columns for date_zero \(Date of diagnosis, RT start\)"):
        rows_of(tmp_path, "id,Date of diagnosis,RT start,date of death", ["A,2014-01-01,2014-02-01,2015-01-01"])


# --- guards ----------------------------------------------------------------------------------------------------------


def hospital(tmp_path, line, header, taken="20140301", options=CohortOptions()):  # noqa: B008
    """A sound patient S1 and B1 with this line; both CTs were taken on this day."""

    def dated(data, _):
        data.StudyDate = taken

    for patient in ("S1", "B1"):
        write_ct(tmp_path / patient / "ct", patient, edit=dated)
        write_rtstruct(tmp_path / patient / "rt.dcm", patient)
    write_table(tmp_path, ["S1,2014-03-05,2016-03-05,,1,731", line], header=header)
    return read_cohort(tmp_path, options=options)


GUARDED = "PatientID,RT start,Date of death,Last follow-up,event,OS_days"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("B1,2014-02-20,2015-03-05,,1,378", "imaging after time zero: the CT was taken 9 days after time zero in"),
        (
            "B1,2014-03-05,2015-03-05,,1,200",
            "time contradicts dates: column OS_days of clinical.csv says 200 days and its",
        ),
        (
            "B1,2014-03-05,2015-03-05,,0,365",
            "event contradicts dates: column event of clinical.csv says '0', alive, but",
        ),
        (
            "B1,2014-03-05,2015-03-05,2015-04-01,1,365",
            "dates of follow-up out of order: the last follow-up in clinical.csv lies 27",
        ),
        (
            "B1,2014-03-05,2014-03-01,,1,",
            "negative or zero time of follow-up: the dates in clinical.csv put death or the last",
        ),
        (
            "B1,2014-03-05,2014-03-05,,1,",
            "negative or zero time of follow-up: the dates in clinical.csv put death or the last",
        ),
        (
            "B1,,2014-02-01,,1,50",
            "end of follow-up before imaging: death in clinical.csv lies 28 days before the",
        ),
        ("B1,,,2014-02-01,0,50", "end of follow-up before imaging: the last follow-up in clinical.csv lies 28"),
        ("B1,2014-03-05,,,1,", "negative or zero time of follow-up: column OS_days of clinical.csv holds ''"),
    ],
)
def test_time_guards(tmp_path, line, reason):
    cohort = hospital(tmp_path, line, GUARDED)
    assert cohort.ids == ("S1",)
    (exclusion,) = [e for e in cohort.exclusions if e.patient == "B1"]
    assert exclusion.reason.startswith(reason)
    assert "2014" not in exclusion.reason


@pytest.mark.parametrize("line", ["B1,2014-03-01,2015-03-01,,1,365", "B1,2014-03-05,,2015-03-05,0,366", "B1,,,,1,5"])
def test_what_the_guards_let_pass(tmp_path, line):
    cohort = hospital(tmp_path, line, GUARDED)
    assert cohort.ids == ("B1", "S1")
    found = {f.id: f for f in cohort.findings["S1"]}
    assert found["imaging_after_zero"].passed is True
    assert found["imaging_after_zero"].value == -4
    assert found["stage_tnm"].passed is None


def test_imaging_after_time_zero_within_the_tolerance(tmp_path):
    line = "B1,2014-02-20,2015-02-20,,1,365"
    assert hospital(tmp_path, line, GUARDED, options=clinical(imaging_tolerance_days=9.0)).ids == ("B1", "S1")
    assert read_cohort(tmp_path, options=clinical(imaging_tolerance_days=8.0)).ids == ("S1",)
    assert read_cohort(tmp_path, options=clinical(imaging_tolerance_days=float("inf"))).ids == ("B1", "S1")
    shifted = "B1,2004-02-20,2005-02-20,,1,366"
    assert hospital(tmp_path, shifted, GUARDED, options=clinical(imaging_tolerance_days=1e6)).ids == ("S1",)
    assert read_cohort(tmp_path, options=clinical(imaging_tolerance_days=float("inf"))).ids == ("B1", "S1")
    with pytest.raises(SettingsError, match="imaging_tolerance_days"):
        clinical(imaging_tolerance_days=-1.0)


@pytest.mark.parametrize("taken", ["", "unknown"])
def test_a_ct_without_date_is_not_judged(tmp_path, taken):
    def dated(data, _):
        data.add_new(0x00080020, "LO", taken)

    write_ct(tmp_path / "B1" / "ct", "B1", edit=dated)
    write_rtstruct(tmp_path / "B1" / "rt.dcm", "B1")
    write_table(tmp_path, ["B1,2014-02-20,2015-02-20,,1,365"], header=GUARDED)
    cohort = read_cohort(tmp_path)
    assert {f.id: f.passed for f in cohort.findings["B1"]}["imaging_after_zero"] is None


@pytest.mark.parametrize(
    ("column", "text", "fits"),
    [("OS_months", "12", True), ("OS_months", "11", True), ("OS_months", "10", False), ("OS_months", "12.0", True),
     ("OS_months", "11.5", False), ("OS_years", "1.00", True), ("OS_years", "1.05", False), ("OS_days", "364", True),
     ("OS_days", "368", False)],
)  # fmt: skip
def test_a_time_fits_its_dates_as_exactly_as_it_is_written(tmp_path, column, text, fits):
    header = GUARDED.replace("OS_days", column)
    (row,) = rows_of(tmp_path, header, [f"B1,2014-03-05,2015-03-05,,1,{text}"])
    assert (TimeFitsDates().judge(row).passed is True) == fits


# --- stage -----------------------------------------------------------------------------------------------------------


def test_a_stage_that_contradicts_tnm_is_found_and_kept(tmp_path):
    for patient in ("S1", "B1"):
        write_ct(tmp_path / patient / "ct", patient)
        write_rtstruct(tmp_path / patient / "rt.dcm", patient)
    lines = ["S1,5,1,IIIa,T2a,N2,M0", "B1,5,1,IIIB,T4,N0,M0"]
    write_table(tmp_path, lines, header="PatientID,time,event,stage,T,N,M")
    cohort = read_cohort(tmp_path, options=clinical(tnm_edition=7))
    found = {p: {f.id: f for f in cohort.findings[p]}["stage_tnm"] for p in ("S1", "B1")}
    assert (found["S1"].passed, found["B1"].passed) == (True, False)
    assert found["B1"].text == (
        "clinical.csv says stage IIIB, but T4 N0 M0 is IIIA in edition 7 of the TNM of lung cancer; correct the row or "
        "tnm_edition."
    )
    assert cohort.clinical["stage_group"].tolist() == ["IIIB", "IIIA"]
    assert all(
        f.passed for f in read_cohort(tmp_path, options=clinical(tnm_edition=6)).findings["B1"] if f.id == "stage_tnm"
    )


# --- duplicates and ids ----------------------------------------------------------------------------------------------


def test_rows_that_say_the_same_count_once(tmp_path):
    cohort = hospital(tmp_path, "B1,2014-03-05,2015-03-05,,1,365\nB1 ,2014-03-05,2015-03-05,,yes,365.0", GUARDED)
    assert cohort.ids == ("B1", "S1")
    assert "clinical.csv: patients with several rows that say the same, each counted once: 1." in cohort.notes


def test_rows_that_contradict_each_other_exclude_the_patient(tmp_path):
    cohort = hospital(tmp_path, "B1,2014-03-05,2015-03-05,,1,365\nB1,2014-03-05,,2015-03-05,0,365", GUARDED)
    (exclusion,) = [e for e in cohort.exclusions if e.patient == "B1"]
    assert exclusion.reason == (
        "duplicate patient: there are 2 clinical rows in clinical.csv that differ in event, dates; keep one."
    )


def test_leading_zeros_are_not_guessed(tmp_path):
    for patient in ("S1", "007"):
        write_ct(tmp_path / patient / "ct", patient)
        write_rtstruct(tmp_path / patient / "rt.dcm", patient)
    write_table(tmp_path, ["S1,5,1", "7,6,0"], header="PatientID,time,event")
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ("S1",)
    reasons = {e.patient: e.reason for e in cohort.exclusions}
    assert "clinical.csv has one that differs only in leading zeros, blanks or decimals" in reasons["007"]
    assert reasons["7"].startswith("no CT")
