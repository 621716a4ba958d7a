"""What is understood of each cell: numbers, dates, codes, TNM."""

from datetime import date

import pytest

from perisurv.cohort.clinical import dates, tnm, values
from perisurv.cohort.clinical.cells import decimal_signs, is_missing, number, text_of
from perisurv.cohort.clinical.events import event


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.5", 1.5), ("1,5", 1.5), (" 12 ", 12), ("1.234,5", 1234.5), ("1,234.5", 1234.5), ("-3", -3), ("1e2", 100),
     ("1 234,5", 1234.5), ("1'234.5", 1234.5), ("1,234,567", 1234567), ("1.234.567,8", 1234567.8), ("1.2.3", None),
     ("1,2,3", None), ("1,234.5,6", None), ("1_000", None), ("0.751", 0.751), ("0,751", 0.751),
     ("1234,567", 1234.567), ("", None), ("NA", None), ("nan", None), ("inf", None), ("1;5", None),
     ("12 days", None)],
)  # fmt: skip
def test_number(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("I", 1), ("IA", 1), ("ib", 1.5), ("IA2", 1), ("II", 2), ("IIa", 2), ("IIB", 2.5), ("III", 3), ("IIIa", 3),
     ("IIIb", 3.5), ("Stage IIIB", 3.5), ("3B", 3.5), ("IIIC", 3.75), ("IV", 4), ("IVA", 4), ("4", 4), ("3.0", 3),
     ("Stadium III", 3), ("V", None), ("0", None), ("", None), ("occult", None), ("T2N1", None)],
)  # fmt: skip
def test_stage(text, value):
    group = tnm.stage_group(text)
    assert (None if group is None else tnm.stage_number(group)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("1.0", True), ("1,0", True), ("dead", True), ("Deceased", True), ("YES", True),
     ("verstorben", True), ("DOD", True), ("AWD", False), ("living", False),
     ("1:DECEASED", True), ("0", False), ("0.0", False), ("alive", False), ("lebt", False), ("0:LIVING", False),
     ("2", None), ("-1", None), ("0.5", None), ("", None), ("NA", None), ("unknown", None)],
)  # fmt: skip
def test_event(text, value):
    assert event(text) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [("adenocarcinoma", "adenocarcinoma"), ("Adeno-Ca", "adenocarcinoma"), ("squamous cell carcinoma", "squamous"),
     ("SCC", "squamous"), ("Plattenepithelkarzinom", "squamous"), ("large cell", "large_cell"), ("nos", "nos"),
     ("NSCLC NOS", "nos"), ("adenosquamous", "other"), ("large cell neuroendocrine", "other"), ("sarcoma", "other"),
     ("", None), ("NA", None)],
)  # fmt: skip
def test_histology(text, value):
    assert values.histology(text) == value


def test_other_cells():
    assert [values.sex(t) for t in ("M", "female", "W", "1", "2", "1.0", "x", "0")] == [
        "male", "female", "female", "male", "female", "male", None, None,
    ]  # fmt: skip
    assert [values.ecog(t) for t in ("0", "ECOG 2", "1.0", "5", "0-1", "")] == [0.0, 2.0, 1.0, None, None, None]
    assert [values.age_years(t) for t in ("66", "066Y", "999", "1956", "0", "")] == [66.0, 66.0, None, None, None, None]
    assert [values.dose_gy(t) for t in ("60", "60 Gy", "66,6Gy", "6000 cGy", "-1", "full")] == [
        60,
        60,
        66.6,
        60,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("Never", "never"), ("never-smoker", "never"), ("ex-smoker", "former"), ("Former smoker", "former"),
     ("current", "current"), ("Nonsmoker", None), ("1", None), ("", None)],
)  # fmt: skip
def test_smoking(text, value):
    assert values.smoking(text) == value


def test_numbers_that_can_be_read_both_ways():
    assert (number("1,234"), number("1,234", ","), number("1.234"), number("1.234", ",")) == (1234, 1.234, 1.234, 1234)
    assert number(1.234, ",") == 1.234
    assert decimal_signs(["1,234", "7.125", "12", "soon", ""]) == set()
    assert decimal_signs(["66,5"]) == {","}
    assert decimal_signs(["1.234.567", "66.5"]) == {",", "."}


def test_cells_with_types_as_text():
    assert [text_of(c) for c in (7.0, 66.5, date(2020, 2, 3), " a ", -9.0)] == ["7", "66.5", "2020-02-03", "a", "-9"]


def test_missing():
    assert all(is_missing(c) for c in ("", " NA ", "n/a", "Unknown", "X", ".", "TX", "nx"))
    assert not any(is_missing(c) for c in ("-9", "999", 0.0, "0", "none given"))
    assert is_missing("-9.0", ["-9"])
    assert is_missing(-9.0, ["-9"])
    assert is_missing("Lost", ["lost"])


# --- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "order"),
    [("2014-03-05", "iso"), ("2014/3/5", "iso"), ("20140305", "iso"), ("2014-03-05T10:11:12", "iso"),
     ("2014-03-05 00:00:00", "iso"), ("5 March 2014", "iso"), ("05-Mar-2014", "iso"), ("Mar 5, 2014", "iso"),
     ("5.3.2014", "dmy"), ("05/03/2014", "dmy"), ("03/05/2014", "mdy"), ("3-5-2014 11:30", "mdy"),
     ("2014-03-05", "dmy"),
     ("05.03.14", "%d.%m.%y"), (date(2014, 3, 5), "iso")],
)  # fmt: skip
def test_day(text, order):
    assert dates.day_of(text, order) == date(2014, 3, 5)


@pytest.mark.parametrize(
    ("text", "order"),
    [("05/03/2014", "iso"), ("31/02/2014", "dmy"), ("2014-13-01", "iso"), ("2014", "iso"), ("2014-03", "iso"),
     ("05.03.14", "dmy"), ("41703", "iso"), (41703.0, "iso"), ("", "iso"), ("soon", "dmy"), ("2014-03-05", "%d.%m.%Y"),
     ("0000-01-01", "iso"), ("1899-12-31", "iso"), ("0001-01-01", "iso"), ("5 Foo 2014", "iso"), ("2014-0305", "iso")],
)  # fmt: skip
def test_no_day(text, order):
    assert dates.day_of(text, order) is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [(["2014-03-05", "", "NA"], {"iso"}), (["05/03/2014"], {"dmy", "mdy"}), (["05/03/2014", "25/03/2014"], {"dmy"}),
     (["05/03/2014", "03/25/2014"], {"mdy"}), (["25/03/2014", "03/25/2014"], set()), (["05/05/2014"], {"dmy"})],
)  # fmt: skip
def test_orders(cells, expected):
    assert dates.orders(cells) == expected


# --- TNM -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [("T1mi", "T1mi"), ("T1(mi)", "T1mi"), ("1a", "T1a"), ("cT2a", "T2a"), ("pT3", "T3"), ("ypT1c", "T1c"),
     ("2.0", "T2"),
     ("Tis", "Tis"), ("T0", "T0"), ("T 4", "T4"), ("T2c", None), ("T3a", None), ("T5", None), ("TX", None), ("", None)],
)  # fmt: skip
def test_t(text, value):
    assert tnm.t_category(text) == value


def test_n_and_m():
    assert [tnm.n_category(t) for t in ("N0", "cN2", "3", "1.0", "4", "NX", "")] == [
        "N0",
        "N2",
        "N3",
        "N1",
        *[None] * 3,
    ]
    assert [tnm.m_category(t) for t in ("M0", "1b", "cM1a", "M1(c)", "1", "3", "M0a", "MX")] == [
        "M0", "M1b", "M1a", "M1c", "M1", None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["IIIA", "Stage IIIa", "3A", "iii a", "Stadium IIIA", "UICC IIIA", "III-A", "stage_3a", "Clinical stage IIIA"],
)
def test_stage_spellings(text):
    assert tnm.stage_group(text) == "IIIA"


# Every cell of the published tables: Goldstraw 2007, table 2 (7th), Goldstraw 2016, figure 1 (8th), Mountain 1997.
TABLES = {
    6: {"T1": "IA IIA IIIA IIIB", "T2": "IB IIB IIIA IIIB", "T3": "IIB IIIA IIIA IIIB", "T4": "IIIB IIIB IIIB IIIB"},
    7: {"T1a": "IA IIA IIIA IIIB", "T1b": "IA IIA IIIA IIIB", "T2a": "IB IIA IIIA IIIB", "T2b": "IIA IIB IIIA IIIB",
        "T3": "IIB IIIA IIIA IIIB", "T4": "IIIA IIIA IIIB IIIB"},
    8: {"T1a": "IA1 IIB IIIA IIIB", "T1b": "IA2 IIB IIIA IIIB", "T1c": "IA3 IIB IIIA IIIB", "T2a": "IB IIB IIIA IIIB",
        "T2b": "IIA IIB IIIA IIIB", "T3": "IIB IIIA IIIB IIIC", "T4": "IIIA IIIA IIIB IIIC"},
}  # fmt: skip


@pytest.mark.parametrize("edition", [6, 7, 8])
def test_stage_groups_of_lung_cancer(edition):
    for t, groups in TABLES[edition].items():
        for n, group in enumerate(groups.split()):
            assert tnm.derive(t, f"N{n}", "M0", edition) == {group}
            assert tnm.derive(t, f"N{n}", "M1", edition) <= {"IV", "IVA", "IVB"}


def test_stage_groups_of_categories_that_are_not_exact():
    assert tnm.derive("T1", "N0", "M0", 8) == {"IA1", "IA2", "IA3"}
    assert tnm.shared_group(tnm.derive("T1", "N0", "M0", 8)) == "IA"
    assert tnm.shared_group(tnm.derive("T2", "N0", "M0", 8)) is None
    assert tnm.shared_group(tnm.derive(None, "N3", "M0", 7)) == "IIIB"
    assert tnm.shared_group(tnm.derive(None, None, "M1", 8)) == "IV"
    assert tnm.derive("T2", "N2", "M1c", 8) == {"IVB"}
    assert tnm.shared_group(tnm.derive("T1a", "N0", None, 7)) is None
    assert tnm.derive("Tis", "N0", "M0", 8) == {"0"}
    assert (
        tnm.derive("T1c", "N0", "M0", 7)
        == tnm.derive("T0", "N0", "M0", 8)
        == tnm.derive("T1mi", "N1", "M0", 8)
        == set()
    )


@pytest.mark.parametrize(
    ("given", "allowed", "fits"),
    [("III", "IIIA", True), ("IIIA", "IIIA", True), ("IA", "IA2", True), ("IA2", "IA", True), ("I", "IA3", True),
     ("II", "III", False), ("IIIA", "IIIB", False), ("IA1", "IA2", False), ("I", "IV", False), ("IV", "IVB", True)],
)  # fmt: skip
def test_a_group_without_sub_stage_fits(given, allowed, fits):
    assert tnm.agree(given, frozenset({allowed})) is fits
