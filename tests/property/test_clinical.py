"""What must hold for every clinical table and every cell."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perisurv.cohort import ClinicalOptions, CohortOptions
from perisurv.cohort.checks import CLINICAL_CHECKS, OUTCOME_CHECKS, findings
from perisurv.cohort.clinical import ClinicalRow, Dates, dates, read_table, tnm, values
from perisurv.cohort.clinical.cells import decimal_signs, is_missing, number, text_of, two_ways
from perisurv.cohort.clinical.events import event
from perisurv.cohort.clinical.spellings import DAYS_PER_UNIT
from perisurv.core import InputError

T = ["Tis", "T0", "T1", "T1mi", "T1a", "T1b", "T1c", "T2", "T2a", "T2b", "T3", "T4"]
N = ["N0", "N1", "N2", "N3"]
M = ["M0", "M1", "M1a", "M1b", "M1c"]
DAY = st.dates(date(1950, 1, 1), date(2050, 12, 31))
GROUPS = ["I", "IA", "IA1", "IA2", "IA3", "IB", "II", "IIA", "IIB", "III", "IIIA", "IIIB", "IIIC", "IV", "IVA", "IVB"]


def read(content, options=CohortOptions(), name="t.csv"):  # noqa: B008
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return read_table(path, name, options)


# --- numbers and units -----------------------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6, allow_nan=False), st.integers(0, 6))
def test_number_reads_point_and_comma_alike(value, digits):
    text = f"{value:.{digits}f}"
    comma = text.replace(".", ",")
    assert number(text, ".") == number(comma, ",") == float(text)
    if not two_ways(text):
        assert number(text, ",") == number(comma, ".") == float(text)


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**4), st.sampled_from([(",", "."), (".", ","), (" ", ",")]))
def test_thousands_may_be_parted(whole, part, signs):
    grouped = f"{whole:,}".replace(",", signs[0]) + f"{signs[1]}{part:04d}"
    assert number(grouped) == pytest.approx(float(f"{whole}.{part:04d}"), rel=1e-12)


@given(st.lists(st.floats(0, 5000).map(lambda v: f"{v:.2f}"), min_size=1), st.sampled_from(".,"))
def test_the_decimal_sign_of_a_column_is_found(column, sign):
    assert decimal_signs(text.replace(".", sign) for text in column) == {sign}


@given(st.floats(0.01, 20000), st.sampled_from(sorted(DAYS_PER_UNIT)))
def test_units_round_trip(days, unit):
    """A time written in any unit comes back in days, as exactly as it is written."""
    text = f"{days / DAYS_PER_UNIT[unit]:.6f}"
    assume(float(text) > 0)
    (row,) = read(f"id,OS_{unit},event\nP1,{text},1\n".encode()).rows
    assert row.time_days == pytest.approx(days, abs=DAYS_PER_UNIT[unit] * 1e-6)
    (declared,) = read(
        f"id,time,event\nP1,{text},1\n".encode(), CohortOptions(clinical=ClinicalOptions(time_unit=unit))
    ).rows
    assert declared.time_days == row.time_days


# --- dates -----------------------------------------------------------------------------------------------------------


@given(
    DAY, st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %B %Y", "%d-%b-%Y", "%B %d, %Y", "%Y-%m-%dT%H:%M:%S"])
)
def test_a_day_in_any_certain_form(day, form):
    assert dates.day_of(day.strftime(form)) == day


@given(DAY, st.sampled_from("-/."), st.booleans())
def test_a_day_in_figures_needs_its_order(day, sign, first):
    text = day.strftime(f"%d{sign}%m{sign}%Y" if first else f"%m{sign}%d{sign}%Y")
    order = "dmy" if first else "mdy"
    assert dates.day_of(text, order) == day
    assert dates.day_of(text) is None
    assert order in dates.orders([text]) or day.day == day.month


@given(DAY, st.integers(0, 20000), st.booleans())
def test_dates_give_the_days_between_them(zero, days, died):
    end = zero + timedelta(days=days)
    assume(end.year <= 2100)  # later years are no dates of patients
    line = f"P1,{zero},{end if died else ''},{end}"
    (row,) = read(f"id,time zero,date of death,last follow-up date\n{line}\n".encode()).rows
    assert (row.time_days, row.event) == (days, died)
    assert findings(OUTCOME_CHECKS, row)[0].passed is (days > 0)


@given(st.lists(st.none() | DAY, min_size=4, max_size=4), st.none() | st.booleans(), st.none() | st.floats(-1e9, 1e9))
def test_checks_judge_any_row_and_quote_no_date(days, died, time):
    row = ClinicalRow(
        "t.csv", "P1", "c", dates=Dates(*days), event=died, time_days=time, event_column="e", event_text="?"
    )
    told = findings(OUTCOME_CHECKS + CLINICAL_CHECKS, row)
    assert len(told) == 8
    for finding in told:
        assert finding.passed is True or finding.text
        assert not any(str(day) in finding.text for day in days if day)


# --- TNM -------------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(GROUPS), st.sampled_from(["", "Stage ", "stadium", "UICC ", "AJCC-"]), st.booleans(), st.booleans(),
    st.sampled_from(["", " ", "-", "_"]),
)  # fmt: skip
def test_a_stage_is_itself_in_any_spelling(group, prefix, small, arabic, blank):
    main = group.rstrip("ABC123")
    told = str(["", "I", "II", "III", "IV"].index(main)) if arabic else main
    text = f" {prefix}{told}{blank}{group[len(main) :]} "
    assert tnm.stage_group(text.lower() if small else text) == group


@given(
    st.sampled_from(T + N + M),
    st.sampled_from(["", "c", "p", "yp"]), st.booleans(), st.booleans(),
)  # fmt: skip
def test_a_category_is_itself_in_any_spelling(category, prefix, letter, small):
    read = {"T": tnm.t_category, "N": tnm.n_category, "M": tnm.m_category}[category[0]]
    text = prefix + (category if letter else category[1:])
    assert read(text.lower() if small else text.upper()) == category


@given(
    st.none() | st.sampled_from(T),
    st.none() | st.sampled_from(N), st.none() | st.sampled_from(M),
    st.sampled_from([6, 7, 8]),
)  # fmt: skip
def test_knowing_less_never_rules_out_a_stage(t, n, m, edition):
    exact = tnm.derive(t, n, m, edition)
    for known in ((None, n, m), (t, None, m), (t, n, None), (t and t[:2] if t != "Tis" else t, n, m)):
        wider = tnm.derive(*known, edition)
        assert exact - {"0"} <= wider
    shared = tnm.shared_group(exact)
    assert shared is None or tnm.agree(shared, exact)
    assert all(tnm.agree(group, exact) for group in exact)


# --- junk ------------------------------------------------------------------------------------------------------------


@given(st.text())
def test_no_cell_is_too_odd(text):
    readers = (number, event, values.sex, values.ecog, values.age_years, values.dose_gy, values.smoking, dates.day_of)
    for reader in (*readers, tnm.stage_group, tnm.t_category, tnm.n_category, tnm.m_category, text_of, is_missing):
        reader(text)
    for order in ("dmy", "mdy", "%d.%m.%Y"):
        dates.day_of(text, order)
    assert (values.histology(text) is None) == is_missing(text)
    assert text_of(text_of(text)) == text_of(text)


@given(st.one_of(st.binary(max_size=200), st.text('PatientID,;\t"\n\r0159.timevn ', max_size=120).map(str.encode)))
def test_any_bytes_are_a_table_or_bad_input(content):
    rows, message = _attempt(lambda: read(b"PatientID,time,event\n" + content))
    assert "t.csv" in message or all(row.patient_id for row in rows)


@given(st.binary(max_size=400), st.sampled_from(["t.csv", "t.tsv", "t.xlsx", "t.parquet"]))
def test_any_file_is_a_table_or_bad_input(content, name):
    _, message = _attempt(lambda: read(content, name=name))
    assert name in message


CELL = st.none() | st.text("aI1-/.,\u00e9 ", max_size=6) | st.integers() | st.floats(allow_nan=False) | st.dates()


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=1, max_size=4))
def test_any_cells_of_a_workbook_are_rows_or_bad_input(lines):
    book = openpyxl.Workbook()
    book.active.append(["id", "time", "event", "date of death"])
    with TemporaryDirectory() as folder:
        path = Path(folder, "t.xlsx")
        for line in lines:
            try:
                book.active.append(line)
            except ValueError:  # what the format itself cannot hold
                return
        book.save(path)
        rows, message = _attempt(lambda: read_table(path, "t.xlsx", CohortOptions()))
    assert "t.xlsx" in message or all(row.patient_id for row in rows)


def _attempt(read):
    try:
        return read().rows, ""
    except InputError as error:
        return (), str(error)
