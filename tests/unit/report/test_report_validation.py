"""The report of one hospital holds what the report of external patients holds, and says nothing that is not so."""

import html as entities
import re
from typing import Any

import pytest

from perisurv.core import Exclusion, RegionSet
from perisurv.report import render_validation
from perisurv.report.validation import validation_facts

NOTES = [
    "What looks at follow-up was fitted again in every split.",
    "clinic.csv: 14 rows (utf-8, comma between cells)",
    "clinic.csv: column 'OS (Monate)' read as time (months)",
    *(f"P0{n}: the CT was resampled by {n} mm." for n in range(1, 6)),
]


def branch(name: str, c: float, lower: float, upper: float, **more: Any) -> dict[str, Any]:
    return {
        "branch": name, "c_index": c, "lower": lower, "upper": upper, "by_split": [c - 0.1, None, c + 0.1],
        "permuted": [], "minus_reference": [], "selected": {"a": 1.0, "b": 0.5}, **more,
    }  # fmt: skip


def curve(name: str, group: str) -> dict[str, Any]:
    return {
        "branch": name, "group": group, "time_days": [100.0, 900.0], "survival": [0.9, 0.4], "lower": [0.7, 0.2],
        "upper": [1.0, 0.7], "at_risk_time_days": [0.0, 182.625], "at_risk": [7, 6],
    }  # fmt: skip


def values(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "design": "nested",
        "patients": 14,
        "events": 7,
        "features": 80,
        "confidence": 0.95,
        "reference": "volume",
        "splits": [{"name": f"split {n}", "training": 9, "scored": 5, "ring": "ring_4mm"} for n in range(3)],
        "branches": [
            branch("volume", 0.6, 0.45, 0.7),
            branch("combined", 0.7, 0.62, 0.8, minus_reference=[0.1, -0.02, 0.2], permuted=[0.48, 0.54]),
        ],
        "ring_votes": {"ring_4mm": 2, "ring_8mm": 1},
        "groups": {"curves": [curve("combined", "low"), curve("combined", "high"), curve("volume", "low")]},
        "provenance": {
            "version": "0.1.0", "python": "3.11", "packages": {"numpy": "2"}, "settings_sha256": "abc", "seed": 7,
        },
        "told": "All 14 patients are of one centre (north).",
        "endpoint": {"name": "overall survival", "event": "death", "events": "deaths", "event_free": "alive"},
        "centres": {"north": 14},
        "flow": {"found": 17, "excluded": 3},
        "exclusions": [
            ["P20", "index", "no tumour ROI: none of 3 structures in file-0004 is called like a tumour; name it."],
            ["P21", "index", "no tumour ROI: none of 9 structures in file-0011 is called like a tumour; name it."],
            ["P22", "regions", "the tumour is empty."],
        ],
        "notes": NOTES,
    }  # fmt: skip
    return {**found, **changes}


def page(regions: RegionSet | None = None, **changes: Any) -> str:
    html = render_validation(values(**changes), [regions] if regions else [], "out = 'x'", (), ())
    plain = re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.S))
    return re.sub(r"\s+", " ", entities.unescape(plain)).replace("\u2013", "-")


@pytest.fixture(scope="module")
def whole(regions: RegionSet) -> str:
    return page(regions)


@pytest.mark.parametrize(
    "words",
    [
        "Overall survival from CT: 14 patients of 1 centre", "not for clinical use", "17 found", "14 included",
        "3 excluded", "14 train and are scored in turn north (14)", "2 index no tumour ROI for example:", "P20, P21",
        "clinic.csv OS (Monate) time months", "(5 such notes; the first is shown)", "3 splits",
        "0.60 (0.50 to 0.70)", "Alive at 1 year 90 % 70 to 100", "Median survival, months", "mean of 2 runs, combined",
        "how many of 3 splits chose each width", "Combined (2)", "shown and not tested", "Settings (SHA-256)",
        "No patient of another hospital was scored", "tumour of 2.1 ml", "3 mm 3.4 ml 3.0 mm 25%",
    ],
)  # fmt: skip
def test_holds(whole: str, words: str) -> None:
    assert words in whole


def test_figures_and_links() -> None:
    html = render_validation(values(), [], "")
    assert re.findall(r'<svg role="img" aria-label="([^"]+)"', html) == [
        "Forest plot of the C-index of every branch",
        "Splits that chose each ring width",
        "Kaplan-Meier curves of the risk groups, Combined",
        "Kaplan-Meier curves of the risk groups, Tumour volume alone",
    ]
    ids = set(re.findall(r'id="([^"]+)"', html))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= ids
    assert "<script" not in html


def test_what_is_not_so_is_not_said() -> None:
    """No external patient, no validated model, no test of groups that come from several models, one of each."""
    one = page(
        patients=1, events=1, splits=values()["splits"][:1], flow={"found": 1, "excluded": 0}, exclusions=[],
        centres={"north": 1}, told="",
    )  # fmt: skip
    assert "1 patient of 1 centre" in one
    assert "1 patient (1 death), 1 split" in one
    for false in ("xternal", "alidated", "log-rank", "1 patients", "1 splits", "1 deaths", "No file"):
        assert false not in one, false


@pytest.mark.parametrize(
    ("changes", "caution"),
    [
        ({"lower": 0.4}, "these patients do not show that the model discriminates"),
        ({"c_index": 0.3, "lower": 0.2, "upper": 0.4}, "ranks patients the wrong way round"),
        ({"selected": {}}, "No feature was selected in any split"),
        ({}, "A gain over tumour volume alone is not certain"),
    ],
)
def test_cautions(changes: dict[str, Any], caution: str) -> None:
    rows = [values()["branches"][0], {**values()["branches"][1], **changes}]
    assert caution in page(branches=rows)
    assert caution in " ".join(validation_facts(values(branches=rows))["validation_cautions"])


def test_the_words_of_other_designs() -> None:
    later = page(design="temporal", splits=values()["splits"][:1])
    assert "ranks the 5 later patients, whom it has not seen," in later
    assert "9 earlier ones train the models" in later
    centres = page(design="leave_one_centre_out", centres={"north": 9, "south": 5})
    assert "14 patients of 2 centres" in centres
    assert "another hospital" not in centres


def test_what_an_earlier_version_wrote_has_no_risk_groups() -> None:
    old = values()
    del old["groups"]
    html = render_validation(old, [], "")
    assert 'id="groups"' not in html
    assert 'href="#groups"' not in html


def test_files_set_aside_stand_below_the_exclusions() -> None:
    aside = [Exclusion("", "index", f"MR: file-000{n} is no CT.") for n in range(2)]
    html = render_validation(values(), [], "", (), aside)
    assert html.index("Excluded, with the reason") < html.index("set aside") < html.index('id="validation"')
