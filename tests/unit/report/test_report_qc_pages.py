"""The QC pages: what was measured stands on them, escaped, self-contained, the same bytes for the same input."""

import base64
import dataclasses
import hashlib
import html as entities
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from perisurv.core import Exclusion, Finding, Geometry, Mask, Region, RegionSet, Volume
from perisurv.report import PatientRow, Sheet, render_cohort, render_sheet
from perisurv.report.qc_charts import HU_BIN, cohort_histogram, hu_histogram
from perisurv.report.qc_cohort import FEW
from perisurv.report.qc_words import audit_table, figure, grid_facts, scan_facts

HOSTILE = "<script>alert('x')</script>&\"quoted\""
NATIVE = Geometry((134, 512, 500), (3.0, 0.9766, 0.8), (-249.5, -460.5, -681.5))
TISSUES = (("air", -950.0), ("lung", -500.0), ("soft", 150.0))
FINDINGS = (
    Finding("gaps", "missing slice", "a CT series", True, "slices lie 3.000 mm apart", 3.0),
    Finding("dice", "disagreement of the rasterisers", "contours", False, "Dice 0.941 < 0.98", 0.941),
    Finding("seg", "mask on another grid", "a DICOM SEG", None, "needs a DICOM SEG"),
)


def _text(html: str) -> str:
    bare = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.S)
    return entities.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare)))


def _table(html: str, holder: str) -> list[list[str]]:
    """Cells of the table after a mark."""
    part = html[html.index(holder) :]
    part = part[: part.index("</table>")]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", part, re.S)
    return [[_text(cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)] for row in rows]


class _WellFormed(HTMLParser):
    """Every element is closed, in order."""

    VOID = frozenset({"meta", "input", "img", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass


@pytest.fixture(scope="module")
def sheet(regions: RegionSet) -> Sheet:
    return Sheet("P-1", regions, NATIVE, FINDINGS, tissues=TISSUES, version="9.9")


@pytest.fixture(scope="module")
def page(sheet: Sheet) -> str:
    return render_sheet(sheet)


@pytest.fixture(scope="module")
def rows() -> list[PatientRow]:
    audits = {"tumour": {"volume_ml": 28.7}, "ring_6mm": {"volume_ml": 44.2, "clipped_share": 0.253}}
    return [
        PatientRow("P-1", "north", "patients/P-1.html", NATIVE, audits, FINDINGS[:1]),
        PatientRow("P-2", "north", "patients/P-2.html", NATIVE, audits | {"tumour": {"volume_ml": 2.0}}, FINDINGS),
        PatientRow("P-3", findings=(), reasons=("missing slice: one is gone.",), excluded=True),
    ]


def test_the_sheet_shows_every_finding(page: str) -> None:
    assert _table(page, 'id="checks"')[1:] == [
        ["passed", "missing slice gaps", "a CT series", "slices lie 3.000 mm apart", "3"],
        ["failed", "disagreement of the rasterisers dice", "contours", "Dice 0.941 < 0.98", "0.941"],
        ["not applicable", "mask on another grid seg", "a DICOM SEG", "needs a DICOM SEG", ""],
    ]
    assert "Checks failed 1 1 passed, 1 not applicable" in _text(page)


def test_the_sheet_shows_the_audit_of_every_ring(page: str, regions: RegionSet) -> None:
    ml = [f"{regions[name].mask.volume_ml:.2f} ml" for name in ("ring_3mm", "ring_6mm")]
    assert _table(page, 'id="audit"') == [
        ["", "3 mm ring", "6 mm ring"],
        ["volume", *ml],
        ["thickness", "2.96 mm", "\u2013"],
        ["clipped", "25.0 %", "50.0 %"],
    ]


def test_columns_of_the_audit_need_not_be_known() -> None:
    rows = audit_table([{"new_share": 0.5, "thickness_p5_mm": 1.25, "count": 3.0}, {"volume_ml": 2.0}])
    assert rows == [
        ("volume", ["\u2013", "2.00 ml"]),
        ("thickness p5", ["1.25 mm", "\u2013"]),
        ("new", ["50.0 %", "\u2013"]),
        ("count", ["3", "\u2013"]),
    ]
    assert figure("x_mm", float("nan")) == "\u2013"


def test_the_sheet_shows_both_grids(page: str) -> None:
    table = {row[0]: row[1:] for row in _table(page, 'id="geometry"')[1:]}
    assert table["Columns, rows, slices"] == ["500 \u00d7 512 \u00d7 134", "44 \u00d7 40 \u00d7 30"]
    assert table["Spacing"] == ["0.8 \u00d7 0.9766 \u00d7 3 mm", "1 \u00d7 1 \u00d7 1 mm"]
    assert table["Centre of the first voxel (x, y, z)"][0] == "-249.5, -460.5, -681.5 mm"
    assert table["Columns, rows, slices run"][0] == "R\u2192L, A\u2192P, I\u2192S"


def test_flipped_axes_are_named() -> None:
    """Feet first and prone: columns run to the right, rows to the front, slices to the feet."""
    flipped = ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0))
    facts = dict(grid_facts(dataclasses.replace(NATIVE, direction=flipped)))
    assert facts["Columns, rows, slices run"] == "L\u2192R, P\u2192A, S\u2192I"
    assert facts["Their directions in LPS"] == "-1, 0, 0; 0, -1, 0; 0, 0, -1"


def test_the_acquisition_is_shown_as_far_as_known() -> None:
    known = {"slice_spacing_mm": 3.0, "kernel": "B30f", "scanner": "", "patient_position": "HFS", "gap_mm": 0.5}
    assert scan_facts(known) == [("Kernel", "B30f"), ("Patient position", "HFS"), ("Gap mm", "0.50 mm")]


def test_hu_of_every_region(page: str, regions: RegionSet) -> None:
    hu = {r.name: regions.image.values[r.mask.values] for r in regions}
    name, voxels, mean, *_ = _table(page, 'id="hu"')[1]
    assert (name, voxels, mean) == ("Tumour", str(hu["tumour"].size), "40")
    assert _table(page, 'id="hu"')[2][-2] == f"{np.median(hu['ring_3mm']):.0f}".replace("-", "\u2212")


@pytest.mark.parametrize(
    ("values", "logarithmic"),
    [
        ([0.5 + 0.0411 * n for n in range(11)], False),
        ([0.123, 0.98, 0.977, 1.17, 0.666, 0.78125, 0.8203, 0.859, 0.91, 1.3671, 0.703, 1.0], False),
        ([1.3**n for n in range(40)], True),
        ([0.001 * 1.9**n for n in range(25)], True),
        ([3.0], False),
        (list(np.linspace(0.4, 12000, 400)), False),
    ],
)
def test_names_below_the_bars_do_not_overlap_and_are_inside(values: list[float], logarithmic: bool) -> None:
    drawn = cohort_histogram(values, "Figure", logarithmic=logarithmic)
    left, _, width, height = (float(v) for v in re.search(r'viewBox="([^"]+)"', drawn).group(1).split())
    lines: dict[float, list[tuple[float, float]]] = {}
    for x, y, name in re.findall(r'class="tick" x="([\d.]+)" y="([\d.]+)" text-anchor="middle">([^<]+)<', drawn):
        half = 3.0 * len(name)  # at 10.5 units a figure is 5.9 wide
        assert left <= float(x) - half
        assert float(x) + half <= left + width
        assert float(y) <= height
        lines.setdefault(float(y), []).append((float(x) - half, float(x) + half))
    for line in lines.values():
        assert all(a[1] < b[0] for a, b in pairwise(sorted(line)))


def test_a_histogram_has_its_bars_where_the_values_are() -> None:
    hu = np.array([40.0] * 30 + [-800.0] * 10)
    drawn = hu_histogram([("Tumour", "#123456", hu)], TISSUES)
    path = re.search(r'class="bars" fill="#123456" d="M([\d.]+) ([\d.]+)([^"]+)V', drawn)
    assert path
    left, foot = float(path[1]), float(path[2])
    bars = [(float(y), float(x)) for y, x in re.findall(r"V([\d.]+)H([\d.]+)", path[3])]
    width = bars[0][1] - left
    tall = {round(-1050 + HU_BIN * n): foot - y for n, (y, _) in enumerate(bars) if foot - y > 0}
    assert list(tall) == [-800, 25]
    assert tall[-800] / tall[25] == pytest.approx(1 / 3, rel=0.01)
    # The tissue ranges lie on the same axis.
    bands = re.findall(r'class="band\d" x="([\d.]+)"', drawn)
    assert float(bands[2]) == pytest.approx(left + width * (-500 + 1050) / HU_BIN, abs=1.0)


def test_values_beyond_the_axis_are_counted() -> None:
    drawn = hu_histogram([("Tumour", "#123456", np.array([-5000.0, 9000.0]))])
    bars = re.findall(r"V([\d.]+)H", drawn)
    assert len({bars[0], bars[-1]}) == 1
    assert bars[0] != bars[1]


def test_counts_of_the_cohort() -> None:
    drawn = cohort_histogram([3.0, 3.00001, 5.0, float("nan")], "Slice spacing, mm")
    assert 'aria-label="Slice spacing, mm. 3: 2, 5: 1"' in drawn
    volumes = cohort_histogram([1.0, 2.0, 4.0, 100.0, 0.0], "Volume, ml", logarithmic=True)
    label = re.search(r'aria-label="([^"]+)"', volumes)
    assert label
    assert sum(int(n) for n in re.findall(r": (\d+)", label[1])) == 4
    assert "160\u2013190" in cohort_histogram([156.1, 358.8], "Volume, ml", logarithmic=True)
    assert cohort_histogram([], "Slice spacing, mm") == ""


def test_an_excluded_patient_has_findings_and_reasons_but_no_pictures() -> None:
    page = render_sheet(Sheet("P-3", findings=FINDINGS, reasons=("missing slice: one is gone.",), excluded=True))
    assert "Excluded. missing slice: one is gone." in _text(page)
    assert len(_table(page, 'id="checks"')) == 4
    assert "<image" not in page


def test_notes_name_what_was_left_out_and_rings_that_lost_most(sheet: Sheet, regions: RegionSet) -> None:
    lost = [dataclasses.replace(r, audit={"clipped_share": 0.8}) if r.name == "ring_6mm" else r for r in regions]
    more = dataclasses.replace(
        sheet, regions=dataclasses.replace(regions, regions=tuple(lost)), reasons=("two series: one.",)
    )
    said = _text(render_sheet(more))
    assert "Left out of this patient: two series: one." in said
    assert "6 mm ring: 80.0 % were clipped" in said
    assert "Excluded." not in said
    assert "Corrections and notes" not in _text(render_sheet(sheet))


def test_a_share_that_would_be_printed_as_zero_is_no_finding() -> None:
    rows = [PatientRow("P", audits={"ring_6mm": {"volume_ml": 44.2, "clipped_share": share}}) for share in (4e-4, 6e-4)]
    table = _table(render_cohort(rows, ()), 'id="cohort"')
    assert [line[-1] for line in table[1:]] == ["", "6 mm ring: 0.1 % clipped"]


def test_the_cohort_table_holds_what_is_known(rows: list[PatientRow]) -> None:
    table = _table(render_cohort(rows, ()), 'id="cohort"')
    assert table[0][6:] == ["Tumour, ml", "6 mm ring, ml", "Most clipped, %", "Worst finding"]
    failed = "disagreement of the rasterisers: Dice 0.941 < 0.98"
    assert table[1:] == [
        ["P-1", "north", "0", "134", "3", "0.8", "28.70", "44.20", "25.3", "6 mm ring: 25.3 % clipped"],
        ["P-2", "north", "1", "134", "3", "0.8", "2.00", "44.20", "25.3", failed],
    ]


def test_the_filter_hides_patients_without_a_failure(rows: list[PatientRow]) -> None:
    page = render_cohort(rows, ())
    clean = re.findall(r"<tr( data-clean)?><td class=\"id\">(?:<a[^>]+>)?(P-\d)", page[: page.index('id="exclusions"')])
    assert clean == [(" data-clean", "P-1"), ("", "P-2")]
    assert "body:has(#only-failed:checked) tr[data-clean] { display: none; }" in page


def test_the_cohort_page_counts_checks_and_lists_exclusions(rows: list[PatientRow]) -> None:
    gone = (Exclusion("P-3", "index", "missing slice: one is gone."), Exclusion("", "index", "unreadable file: x"))
    notes = ("Masks on another grid: 1 of 3 patients",)
    aside = (Exclusion("P-1", "index", "older RTSTRUCT: a"), Exclusion("P-2", "index", "older RTSTRUCT: b"))
    page = render_cohort(rows, gone, set_aside=aside, undrawn=(("P-2", "its regions are damaged"),), notes=notes)
    assert [row[2:] for row in _table(page, 'id="checks"')[1:]] == [["2", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]]
    assert [row[0] for row in _table(page, "missing slice <span")[1:]] == ["P-3"]
    assert [row[0] for row in _table(page, "unreadable file <span")[1:]] == ["a file without a patient"]
    said = _text(page)
    assert "Included 2 of 3 patients Excluded 1 and 2 files set aside With a failed check 1 of 2" in said
    assert _table(page, "Files set aside")[1:] == [["2", "older RTSTRUCT", "older RTSTRUCT: a"]]
    assert "P-2: its regions are damaged" in said
    assert "How the files were read Masks on another grid: 1 of 3 patients" in said


def test_an_empty_cohort_has_a_page() -> None:
    said = _text(render_cohort((), ()))
    assert "No findings of checks are stored in this run." in said
    assert "No patient was excluded." in said
    assert "How the files were read" not in said


def test_hostile_names_stay_text(regions: RegionSet) -> None:
    finding = Finding(HOSTILE, HOSTILE, HOSTILE, False, f"ROI {HOSTILE} is empty", 1.0)
    evil = dataclasses.replace(regions, acquisition={"kernel": HOSTILE, HOSTILE: 1.0})
    page = render_sheet(Sheet(HOSTILE, evil, None, (finding,), (HOSTILE,)))
    row = PatientRow(HOSTILE, HOSTILE, "", None, {HOSTILE: {"volume_ml": 1.0}}, (finding,), (HOSTILE,))
    cohort = render_cohort([row], [Exclusion(HOSTILE, HOSTILE, HOSTILE)], undrawn=[(HOSTILE, HOSTILE)], notes=[HOSTILE])
    assert "<script" not in page
    assert cohort.count("<script") == 1
    for html in (page, cohort):
        assert HOSTILE in _text(html) or HOSTILE in entities.unescape(html)
        _WellFormed().feed(html)


def test_pages_load_nothing(page: str, rows: list[PatientRow]) -> None:
    """Pictures are inside; the one script of the cohort page is the one that the page allows."""
    cohort = render_cohort(rows, ())
    for html, links in ((page, {"../index.html"}), (cohort, {"patients/P-1.html", "patients/P-2.html"})):
        addresses = set(re.findall(r'(?:src|href|action|url)\s*[=(]\s*["\']([^"\')\s>]+)', html))
        away = {a for a in addresses if not a.startswith(("#", "data:image/png;base64,"))}
        assert away == links
        assert "://" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S)
        assert "default-src 'none'" in html
    script = re.search(r"<script>(.*?)</script>", cohort, re.S)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in cohort
    assert "script-src" not in page


def test_every_picture_is_described(page: str) -> None:
    drawn = re.findall(r"<svg[^>]*>", page)
    assert len(drawn) == 5
    assert all('role="img"' in tag and re.search(r'aria-label="[^"]{20,}"', tag) for tag in drawn)
    for window in ("Lung window, -1350 to 150 HU (level -600, width 1500)", "Soft tissue window, -160 to 240 HU"):
        assert window in page


def test_the_same_input_gives_the_same_bytes_of_a_modest_size(sheet: Sheet, page: str, rows: list[PatientRow]) -> None:
    assert render_sheet(sheet) == page
    assert render_cohort(rows, ()) == render_cohort(rows, ())
    assert len(page.encode()) < 600_000


def test_a_huge_noisy_tumour_still_has_a_modest_sheet() -> None:
    """A ball of 0.7 litres in noise, on a grid of 1 mm, at the largest picture that is not thinned."""
    shape = (180, 200, 200)
    grid = Geometry(shape, (1.0, 1.0, 1.0))
    z, y, x = np.indices(shape, sparse=True)
    radius = np.sqrt((z - 90) ** 2 + (y - 100) ** 2 + (x - 100) ** 2)
    noise = np.random.default_rng(3).normal(-300, 40, shape).astype(np.float32)
    ball, ring = Mask(radius < 55, grid), Mask((radius >= 55) & (radius < 64), grid)
    regions = RegionSet("X", Volume(noise, grid), (Region("tumour", ball), Region("ring_9mm", ring)))
    assert len(render_sheet(Sheet("P-1", regions, NATIVE, FINDINGS, tissues=TISSUES)).encode()) < 600_000


def test_ids_are_unique_and_references_lead_somewhere(page: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'<use[^>]* href="#([^"]+)"', page)) <= set(ids)


def test_only_the_pseudonym_of_the_sheet_is_named(page: str) -> None:
    """The regions of the fixture carry another name, which no picture shows."""
    assert "SECRET-ID" not in page
    assert "<h1>P-1</h1>" in page


def test_excluded_patients_stand_apart_by_kind_with_their_sheets() -> None:
    """Reasons differ in numbers; each is kept in full beside its patient."""
    reasons = {
        f"P-{n}": f"Patient P-{n}: tumour has {n} voxels of 1 mm, fewer than minimum_voxels = 64." for n in range(20)
    }
    reasons["Q-1"] = "no tumour ROI: file 7.dcm has no ROI that tumour_roi matches."
    rows = [PatientRow(p, link=f"patients/{p}.html", reasons=(r,), excluded=True) for p, r in reasons.items()]
    page = render_cohort([PatientRow("A-1"), *rows], [Exclusion(p, "regions", r) for p, r in reasons.items()])
    assert [row[0] for row in _table(page, 'id="cohort"')[1:]] == ["A-1"]
    summaries = re.findall(r"<details( open)?><summary>(.*?)</summary>", page)
    assert [(is_open, _text(said)) for is_open, said in summaries] == [
        ("", "tumour has \u2026 voxels of \u2026 mm, fewer than minimum_voxels = \u2026 (20, stage regions) "),
        (" open", "no tumour ROI (1, stage regions) "),
    ]
    assert dict(map(tuple, _table(page, summaries[0][1])[1:])) == {p: r for p, r in reasons.items() if p != "Q-1"}
    assert 'href="patients/P-7.html"' in page


def test_a_large_cohort_lays_out_its_first_rows_only() -> None:
    rows = [PatientRow(f"P-{n}") for n in range(1000)]
    page = render_cohort(rows, ())
    first, rest = re.findall(r"<tbody( hidden)?>(.*?)</tbody>", page[page.index('id="cohort"') :], re.S)[:2]
    assert (first[0], rest[0]) == ("", " hidden")
    assert (first[1].count("<tr"), rest[1].count("<tr")) == (FEW, 1000 - FEW)
    assert f"const FEW = {FEW};" in page
    # Nothing is lost on paper, or where scripts do not run.
    assert page.count("tbody[hidden] { display: table-row-group; }") == 2


@pytest.mark.parametrize("identified", [True, False])
def test_pages_say_what_the_names_of_patients_are(sheet: Sheet, rows: list[PatientRow], identified: bool) -> None:
    for page in (
        render_sheet(dataclasses.replace(sheet, identified=identified)),
        render_cohort(rows, (), identified=identified),
    ):
        assert ("Pseudonyms of the study only." in page) != identified
        assert ("Patients are named as in the files" in page) == identified


def test_an_excluded_patient_is_drawn_without_rings(regions: RegionSet) -> None:
    alone = dataclasses.replace(regions, regions=(regions["tumour"],))
    page = render_sheet(Sheet("P-3", alone, NATIVE, FINDINGS, reasons=("not HU: x",), excluded=True))
    assert "Contour of the tumour" in page
    assert page.count("<image") > 4
    assert "Audit of the rings" not in page
    assert "<h1>P-3: excluded, not HU</h1>" in page
    assert "analysis grid" not in page.lower()
    _WellFormed().feed(page)


def test_an_excluded_patient_without_a_contour_is_a_ct_with_the_reason_why(regions: RegionSet) -> None:
    alone = dataclasses.replace(regions, regions=())
    why = ("Which contour is the tumour is not known.",)
    page = render_sheet(
        Sheet("P-3", alone, NATIVE, FINDINGS, reasons=("no tumour ROI: <x>",), excluded=True, remarks=why)
    )
    assert page.count("<image") > 4
    assert "CT, without a contour" in page
    assert "Slices through the CT" in page
    assert 'class="outline"' not in page
    assert "HU of" not in page
    assert f"no tumour ROI: &lt;x&gt;<br>{why[0]}" in page
