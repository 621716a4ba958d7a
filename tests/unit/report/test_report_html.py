"""The report: complete, self-contained, escaped, the same bytes for the same input."""

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest

from perisurv.core import Evaluation, Exclusion, FeatureError, LadderRow, RegionSet
from perisurv.report import render_report

Make = Callable[..., Evaluation]
SETTINGS = 'out = "x"\n'


@pytest.fixture(scope="module")
def html(make_evaluation: Make, regions: RegionSet) -> str:
    return render_report(make_evaluation(), [regions, regions], SETTINGS)


def test_maps_stand_below_the_pictures_of_their_patients(make_evaluation: Make, regions: RegionSet, html: str) -> None:
    values = np.full(regions.image.values.shape, np.nan, np.float32)
    values[regions["tumour"].mask.values] = 2.5
    empty = np.full_like(values, np.nan)
    with_maps = render_report(make_evaluation(), [regions, regions], SETTINGS, [values, empty])
    assert with_maps.count('<img class="map"') == 1
    assert "joint entropy of grey levels" in text_of(with_maps)
    assert "joint entropy of grey levels" not in text_of(html)
    assert '<img class="map"' not in html


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.S)))


def test_states_the_result_beside_volume_and_oracle(html: str) -> None:
    text = text_of(html)
    assert "ranks 60 external patients (40 deaths) with a C-index of 0.701 (95 % interval 0.621 to 0.782)." in text
    assert "Tumour volume alone reaches 0.610 (0.520 to 0.700). The true risk of this simulated cohort" in text
    assert "not for clinical use" in text


@pytest.mark.parametrize(
    "words",
    [
        "243 included", "2 excluded", "183 trained the models northfield (183)",
        "60 external, scored once rheinburg (30), saltmere (30)",
        "2 index no tumour ROI P9, P8", "a file without a patient",
        "tumour of 2.1 ml", "3 mm 3.4 ml 3.0 mm 25%", "won 7 of 10 inner folds",
        "6 mm ring radiomics 0.580 0.490 to 0.660 0.575 60 40 3 -", "Oracle (true risk) 0.800", "9 branches, 3 rings",
        "Alive at 1 year 90 % 70 to 100 60 % 40 to 80", "Median survival, months 13.1",
        "Combined 0.71 (0.60-0.80) 0.66 (0.50-0.77)", "Tumour volume alone 0.60 (0.50-0.70) -",
        "deep_003 -0.900 deep_000 +0.800", "Simulated cohort & honest.", "numpy 2.4", 'out = "x"', "abc",
    ],
)  # fmt: skip
def test_holds(html: str, words: str) -> None:
    import html as entities

    assert words in entities.unescape(text_of(html)).replace("\u2013", "-")


def test_every_branch_has_its_own_figure(html: str) -> None:
    """Labels for readers who cannot see; a branch without curves has none."""
    labels = re.findall(r'<svg role="img" aria-label="([^"]+)"', html)
    assert labels == [
        "Folds won by each ring width",
        "Forest plot of the C-index of every branch",
        "Kaplan-Meier curves of the risk groups, Combined",
        "Kaplan-Meier curves of the risk groups, Tumour volume alone",
        "ROC curves over time, Combined",
        "Calibration over time, Combined",
        "Net benefit at 1 year",
    ]
    assert "one risk group" in html


def test_figures_have_the_typeface_of_the_page(html: str) -> None:
    """Text stays text: it can be searched, read aloud and copied."""
    figures = "".join(re.findall(r"<svg .*?</svg>", html, flags=re.S))
    assert "font-family" not in figures
    assert figures.count("<text") > 50
    assert "Tumour volume alone</text>" in figures


def test_loads_nothing(html: str) -> None:
    """No reference leaves the file: namespaces of SVG are names, not addresses that are opened."""
    addresses = re.findall(r'(?:src|href|action|url)\s*[=(]\s*["\']?([^"\')\s>]+)', html)
    assert addresses
    assert all(a.startswith(("#", "data:image/png;base64,")) for a in addresses), addresses
    named = set(re.findall(r"\w+://[^\s\"'<]+", html))
    assert named <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    for loading in ("<script", "<link", "<iframe", "@import", "@font-face"):
        assert loading not in html
    assert "default-src 'none'" in html


class _Page(HTMLParser):
    """Tags opened and closed, ids and what refers to them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "br", "link", "input"):
            self.open.append(tag)
        self._note(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def _note(self, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "xlink:href"):
                self.targets.append((value or "").removeprefix("#"))
            self.targets += re.findall(r"url\(#([^)]+)\)", value or "")


def test_is_well_formed_and_every_link_has_one_target(html: str) -> None:
    page = _Page()
    page.feed(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert set(page.targets) <= set(page.ids)


def test_text_from_files_is_escaped(make_evaluation: Make) -> None:
    evil = '--></style><script>alert("$x$")</script>'
    changed = make_evaluation(
        ladder=(*make_evaluation().ladder[:2], LadderRow(evil, 0.6, 0.5, 0.7, 60, 40, 2)),
        curves=tuple(dataclasses.replace(c, branch=evil) for c in make_evaluation().curves[:2]),
        auc=tuple(dataclasses.replace(p, branch=evil) for p in make_evaluation().auc[:1]),
        calibration=tuple(dataclasses.replace(p, branch=evil) for p in make_evaluation().calibration[:1]),
        net_benefit=tuple(dataclasses.replace(c, branch=evil) for c in make_evaluation().net_benefit[:1]),
        log_rank_p={evil: 0.2},
        uno_c={evil: 0.6},
        ring=evil,
        ring_votes={evil: 1},
        selected={evil: {evil: 1.0}},
        external_centres={evil: 60},
        exclusions=((evil, evil, evil),),
        tried={evil: 1},
        notes=(evil,),
    )
    html = render_report(changed, [], evil)
    assert "<script" not in html
    assert html.count("</style>") == html.count("<style")
    assert html.count("&lt;script&gt;") > 15
    page = _Page()
    page.feed(html)
    assert page.open == []


def test_no_patient_is_named_by_a_picture(html: str) -> None:
    assert "SECRET-ID" not in html


def test_same_input_same_bytes_whatever_matplotlibrc_says(html: str, make_evaluation: Make, regions: RegionSet) -> None:
    with mpl.rc_context({"font.size": 20.0, "axes.grid": True, "svg.fonttype": "path", "savefig.dpi": 30}):
        assert render_report(make_evaluation(), [regions, regions], SETTINGS) == html
        assert mpl.rcParams["font.size"] == 20.0


def test_in_another_process_the_same_bytes_and_no_pyplot(make_evaluation: Make) -> None:
    from perisurv.evaluation import evaluation_to_json

    code = (
        "import sys, hashlib\n"
        "from perisurv.evaluation import evaluation_from_json\n"
        "from perisurv.report import render_report\n"
        "html = render_report(evaluation_from_json(sys.stdin.read()), [], 'out = \"x\"\\n')\n"
        "print(hashlib.sha256(html.encode()).hexdigest(), 'matplotlib.pyplot' in sys.modules)"
    )
    import hashlib

    evaluation = make_evaluation()
    digest = hashlib.sha256(render_report(evaluation, [], SETTINGS).encode()).hexdigest()
    done = subprocess.run(
        [sys.executable, "-c", code], input=evaluation_to_json(evaluation), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [digest, "False"]


def test_without_deep_without_oracle_without_features_and_curves(make_evaluation: Make) -> None:
    plain = make_evaluation(
        ladder=(LadderRow("tumour", 0.5, 0.5, 0.5, 60, 40, 0),),
        auc=(), curves=(), calibration=(), net_benefit=(), uno_c={}, log_rank_p={}, selected={}, exclusions=(),
        notes=(), flow={}, ring_votes={}, tried={},
    )  # fmt: skip
    text = text_of(render_report(plain, [], ""))
    assert "No feature was selected" in text
    assert "No patient was excluded" in text
    assert "243 found" in text
    assert "0 excluded" in text
    assert "true risk of this simulated cohort" not in text
    assert "The tumour model ranks 60 external patients" in text
    assert "has no risk groups" in text


def test_without_a_branch_there_is_no_report(make_evaluation: Make) -> None:
    oracle_only = make_evaluation(ladder=make_evaluation().ladder[-1:])
    with pytest.raises(FeatureError, match="no branch"):
        render_report(oracle_only, [], "")


def test_long_lists_of_features_say_what_is_left_out(make_evaluation: Make) -> None:
    many = make_evaluation(selected={"combined": {f"f{n:03}": 1 / (n + 1) for n in range(40)}})
    html = render_report(many, [], "")
    assert "Combined (40)" in html
    assert "f024" in html
    assert "f025" not in html
    assert "15 smaller ones are in evaluation.json" in html


@pytest.mark.parametrize(
    ("c", "lower", "upper", "said"),
    [
        (0.55, 0.45, 0.65, "does not show that the model discriminates. The model is no better than the volume"),
        (0.60, 0.55, 0.65, "The model is no better than the volume of the tumour alone."),
        (0.65, 0.58, 0.72, "the gain over volume is not certain."),
        (0.40, 0.31, 0.48, "wrong way round."),
    ],
)
def test_headline_says_what_is_not_shown(
    make_evaluation: Make, c: float, lower: float, upper: float, said: str
) -> None:
    rows = make_evaluation().ladder
    changed = dataclasses.replace(rows[2], c_index=c, lower=lower, upper=upper)
    assert said in text_of(render_report(make_evaluation(ladder=(rows[0], rows[1], changed)), [], ""))


def test_headline_is_silent_where_the_result_is_clear(html: str) -> None:
    assert 'class="caution"' not in html


def test_an_outvoted_ring_is_called_unclear(make_evaluation: Make, html: str) -> None:
    assert "more folds were won by" not in html
    outvoted = render_report(make_evaluation(ring="ring_3mm"), [], "")
    assert "more folds were won by the 6 mm ring, so it is not a clear one" in text_of(outvoted)


def test_calibration_is_told_for_every_branch_and_drawn_for_the_headline(html: str, make_evaluation: Make) -> None:
    section = html.split('<section id="calibration">')[1].split("</section>", maxsplit=1)[0]
    rows = re.findall(r"<tr[^>]*><td>(.*?)</tr>", section)
    assert [" ".join(re.sub(r"<[^>]+>", " ", row).replace("\u2013", "-").split()) for row in rows] == [
        "Tumour volume alone 1 year 0.40 0.45 (0.33-0.57) 0.60 (0.10-1.10) 0.062 0.230 (0.240)",
        "Combined 1 year 0.42 0.45 (0.33-0.57) 0.81 (0.50-1.12) 0.041 0.190 (0.240)",
    ]
    assert section.count("<svg") == 2
    without = render_report(make_evaluation(calibration=(), net_benefit=()), [], "")
    assert "No calibration could be computed" in without


def test_unos_c_stands_in_the_ladder_or_a_dash(html: str) -> None:
    ladder = html.split('<section id="ladder">')[1].split("</section>", maxsplit=1)[0]
    assert ">0.694</td>" in ladder
    oracle = next(row for row in ladder.split("<tr") if "<td>Oracle" in row)
    assert ">\u2013</td>" in oracle


def test_a_title_claims_no_validation(make_evaluation: Make, html: str) -> None:
    """An interval that holds 0.5 validates nothing; who was scored is true in every case."""
    weak = [dataclasses.replace(r, lower=0.4, upper=0.8) for r in make_evaluation().ladder]
    for page in (html, render_report(make_evaluation(ladder=tuple(weak)), [], "")):
        title = re.findall(r"<h1>(.*?)</h1>", page)
        assert title == ["Overall survival from CT, tested on 2 external centres"]


def test_the_p_value_stands_with_what_was_compared(html: str) -> None:
    assert "Low against high risk p &lt; 0.001 log-rank test, 10 low, 10 high" in text_of(html)


def test_pseudonyms_are_not_broken(make_evaluation: Make) -> None:
    page = render_report(
        make_evaluation(exclusions=(("P-12-ab", "index", "not HU"), ("Q-7", "index", "not HU"))), [], ""
    )
    assert '<span class="id">P-12-ab,</span> <span class="id">Q-7</span>' in page
    assert ".id { white-space: nowrap; }" in page


def test_paper_is_no_phone(html: str) -> None:
    """The layout of narrow screens would otherwise be used on A4."""
    widths = re.findall(r"@media ([^{]*max-width[^{]*)\{", html)
    assert widths
    assert all(query.startswith("screen and ") for query in widths)
    printed = html[html.index("@media print") :]
    assert "@page { size: A4;" in html
    assert "table:not(.long) { break-inside: avoid; }" in printed
    assert "thead { display: table-header-group; }" in printed


ASIDE = (
    Exclusion("P-1", "index", "RTSTRUCT drawn on PET: file-000003 belongs to a series that is no CT; export one."),
    Exclusion("P-2", "index", "RTSTRUCT drawn on PET: file-000009 belongs to a series that is no CT; export one."),
    Exclusion("", "index", "unreadable file: <b>x</b> cannot be parsed as DICOM; export it again."),
)


def test_files_set_aside_are_counted_by_kind_and_are_no_patients(make_evaluation: Make) -> None:
    page = render_report(make_evaluation(), [], "", set_aside=ASIDE)
    text = text_of(page)
    assert "Files set aside" in text
    assert "2 RTSTRUCT drawn on PET RTSTRUCT drawn on PET: file-000003 belongs" in text
    assert "file-000009" not in text
    assert "1 unreadable file unreadable file: " in text
    assert "&lt;b&gt;x&lt;/b&gt; cannot be parsed" in page
    assert "<b>x</b>" not in page
    flow = re.search(r'<div class="flow">.*?</section>', page, re.DOTALL).group()
    plain = re.search(r'<div class="flow">.*?</section>', render_report(make_evaluation(), [], ""), re.DOTALL).group()
    assert re.findall(r"<b>(\d+)</b>", flow) == re.findall(r"<b>(\d+)</b>", plain)
    assert "Files set aside" not in plain
