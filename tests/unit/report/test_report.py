"""The report: complete, self-contained, escaped, the same bytes for the same input."""

import dataclasses
import re

import numpy as np
import pytest

from perisurv.core import (
    AucPoint,
    Evaluation,
    Geometry,
    LadderRow,
    Mask,
    Provenance,
    Region,
    RegionSet,
    RiskGroupCurve,
    Volume,
)
from perisurv.report import render_report, ring_picture

SHAPE = (30, 40, 40)


def _regions() -> RegionSet:
    grid = Geometry(SHAPE, (1.0, 1.0, 1.0))
    z, y, x = np.indices(SHAPE)
    radius = np.sqrt((z - 15) ** 2 + (y - 20) ** 2 + (x - 20) ** 2)
    image = np.where(radius < 8, 40.0, -800.0).astype(np.float32)
    ring = Region("ring_3mm", Mask((radius >= 8) & (radius < 11), grid), {"clipped_share": 0.25})
    return RegionSet("SECRET-ID", Volume(image, grid), (Region("tumour", Mask(radius < 8, grid)), ring))


def _evaluation(**changes: object) -> Evaluation:
    curve = RiskGroupCurve("combined", "low", (100.0, 400.0), (0.9, 0.5), (0.7, 0.3), (1.0, 0.9), (0.0, 182.6), (10, 8))
    evaluation = Evaluation(
        ladder=(
            LadderRow("volume", 0.61, 0.52, 0.7, 60, 40, 1),
            LadderRow("combined", 0.701, 0.611, 0.782, 60, 40, 12),
            LadderRow("oracle", 0.8, 0.74, 0.86, 60, 40, 0),
        ),
        auc=(AucPoint("combined", 365.25, 0.71, 0.6, 0.8, (0.0, 0.2, 1.0), (0.0, 0.7, 1.0)),),
        curves=(curve, dataclasses.replace(curve, group="high", survival=(0.6, 0.2))),
        log_rank_p={"volume": 0.2, "combined": 0.0004},
        confidence=0.95,
        ring="ring_6mm",
        ring_votes={"ring_3mm": 2, "ring_6mm": 8},
        selected={"volume": {"tumour__morph__morph_volume": 0.3}, "combined": {"deep_000": 0.8, "deep_003": -0.9}},
        training_centres={"northfield": 183},
        external_centres={"rheinburg": 30, "saltmere": 30},
        flow={"found": 245, "excluded": 2, "training": 183, "external": 60},
        exclusions=(("P7", "index", "missing slice: <script>alert(1)</script>"),),
        tried={"branches": 9, "rings": 3},
        notes=("Simulated cohort & honest.",),
        provenance=Provenance("0.1.0", "3.11.7", {"numpy": "2.4"}, "abc", 7),
    )
    return dataclasses.replace(evaluation, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def html() -> str:
    return render_report(_evaluation(), [_regions()], 'out = "x"\n')


def test_states_the_result_beside_volume_and_oracle(html: str) -> None:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))
    assert "ranks 60 external patients (40 deaths) with a C-index of 0.701 (95 % interval 0.611 to 0.782)." in text
    assert "Tumour volume alone reaches 0.610 (0.520 to 0.700). The true risk of this simulated cohort" in text
    assert "Not a medical device" in text
    for word in ("log-rank p &lt; 0.001", "northfield (183)", "6 mm", "deep_003", "missing slice", "SHA-256"):
        assert word in html, word


def test_loads_nothing(html: str) -> None:
    """No reference leaves the file: namespaces of SVG are names, not addresses that are opened."""
    addresses = re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?([^"\')\s>]+)', html)
    assert all(a.startswith(("#", "data:")) for a in addresses), addresses
    assert "<script" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_text_from_files_is_escaped(html: str) -> None:
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_no_patient_is_named_by_a_picture(html: str) -> None:
    assert "SECRET-ID" not in html


def test_same_input_same_bytes(html: str) -> None:
    assert render_report(_evaluation(), [_regions()], 'out = "x"\n') == html


def test_without_deep_without_oracle_without_features_and_curves() -> None:
    plain = _evaluation(
        ladder=(LadderRow("combined", 0.5, 0.5, 0.5, 60, 40, 0),),
        auc=(),
        curves=(),
        log_rank_p={"combined": 1.0},
        selected={"combined": {}},
        exclusions=(),
        notes=(),
    )
    html = render_report(plain, [], "")
    assert "No feature was selected" in html
    assert "No patient and no file was excluded" in html
    assert "true risk of this simulated cohort" not in html


def test_ring_picture_shows_every_outline() -> None:
    """The outlines have their colours in the picture: tumour orange, ring yellow."""
    import io

    from matplotlib.image import imread

    pixels = (imread(io.BytesIO(ring_picture(_regions())), format="png")[..., :3] * 255).reshape(-1, 3)
    for color in ((213, 94, 0), (240, 228, 66)):
        assert (np.abs(pixels - color).max(axis=1) < 30).sum() > 100
    assert ring_picture(_regions()) == ring_picture(_regions())
