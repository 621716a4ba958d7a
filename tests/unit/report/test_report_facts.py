"""What the report reads off an evaluation, and how it writes it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.core import Evaluation, Outcome, RegionSet, RiskGroupCurve
from perisurv.report.facts import (
    auc_table,
    audit_rows,
    coefficients,
    exclusion_groups,
    flow_counts,
    group_facts,
    median_days,
)
from perisurv.report.words import branch_label, horizon_label, p_value, ring_label

Make = Callable[..., Evaluation]


def _curve(time: list[float], survival: list[float], lower: list[float], upper: list[float]) -> RiskGroupCurve:
    return RiskGroupCurve("x", "low", tuple(time), tuple(survival), tuple(lower), tuple(upper), (0.0,), (9,))


def test_median_survival_as_in_r(test_data: Path) -> None:
    from perisurv.evaluation import risk_group_curves

    reference = test_data / "reference_statistics"
    table = pd.read_csv(reference / "lung1_clin_lp.csv", index_col=0)
    outcome = Outcome(tuple(table.index), table["time"].to_numpy(float), table["event"].to_numpy() == 1)
    medians = pd.read_csv(reference / "km_lung1_medians.csv", index_col=0)
    for curve, (_, row) in zip(
        risk_group_curves("x", outcome, table["grp"].to_numpy() == 1), medians.iterrows(), strict=True
    ):
        assert median_days(curve) == (row["median"], row["0.95LCL"], row["0.95UCL"])


def test_median_in_the_middle_of_a_level_stretch() -> None:
    level = _curve([10, 20, 30, 40], [0.75, 0.5, 0.5, 0.25], [0.6, 0.4, 0.4, 0.1], [0.9, 0.8, 0.8, 0.5])
    assert median_days(level) == (30, 20, 40)
    never = _curve([10, 20], [0.9, 0.8], [0.7, 0.6], [1.0, 1.0])
    assert median_days(never) == (None, None, None)


def test_median_has_no_upper_limit_where_nobody_is_left() -> None:
    assert median_days(_curve([10, 20], [0.6, 0.0], [0.4, 0.0], [0.9, 0.0])) == (20, 10, None)


def test_groups_in_numbers(make_evaluation: Make) -> None:
    horizons, (low, high) = group_facts(make_evaluation(), "combined")
    assert horizons == ("1 year", "2 years")
    assert (low.group, low.n, high.group) == ("low", 10, "high")
    assert low.median == ("13.1", "13.1 to not reached")
    assert low.survival == (("90 %", "70 to 100"), ("50 %", "30 to 90"))
    assert group_facts(make_evaluation(), "ring_6mm")[1] == ()


def test_survival_beyond_follow_up_is_not_told(make_evaluation: Make) -> None:
    curve = dataclasses.replace(make_evaluation().curves[0], time_days=(400.0, 500.0, 600.0))
    _, (low,) = group_facts(make_evaluation(curves=(curve,)), "combined")
    assert low.survival == (("100 %", ""), ("\u2013", ""))


def test_exclusions_by_reason(make_evaluation: Make) -> None:
    groups = exclusion_groups(make_evaluation())
    assert [(g.kind, g.patients) for g in groups] == [
        ("no tumour ROI", ("P9", "P8")),
        ("missing slice", ("P7",)),
        ("unreadable file", ("a file without a patient",)),
    ]


def test_reasons_that_differ_in_numbers_are_one_group(make_evaluation: Make) -> None:
    reasons = [
        "Patient P-1: tumour has 12 voxels of 1 mm, fewer than minimum_voxels = 64; it would be noise.",
        "Patient P-2: tumour has 3 voxels of 1.5 mm, fewer than minimum_voxels = 64; it would be noise.",
        "no tumour ROI: file 12.dcm has no ROI that tumour_roi matches.",
    ]
    exclusions = tuple((f"P-{n + 1}", "regions", reason) for n, reason in enumerate(reasons))
    first, second = exclusion_groups(make_evaluation(exclusions=exclusions))
    assert (first.patients, first.reasons) == (("P-1", "P-2"), tuple(reasons[:2]))
    assert first.example == reasons[0]
    assert (second.kind, second.example) == ("no tumour ROI", reasons[2])


def test_the_same_reason_at_two_stages_is_two_groups(make_evaluation: Make) -> None:
    exclusions = (("P", "index", "not HU"), ("Q", "regions", "not HU"))
    groups = exclusion_groups(make_evaluation(exclusions=exclusions))
    assert [(g.stage, g.patients, g.example) for g in groups] == [("index", ("P",), ""), ("regions", ("Q",), "")]


def test_flow_without_counts_is_read_off_the_rest(make_evaluation: Make) -> None:
    expected = {"found": 246, "excluded": 3, "training": 183, "external": 60}
    assert flow_counts(make_evaluation(flow={})) == expected


def test_auc_table_has_a_gap_where_undefined(make_evaluation: Make) -> None:
    horizons, rows = auc_table(make_evaluation())
    assert horizons == ("1 year", "2 years")
    assert [(branch, [p.auc if p else None for p in points]) for branch, points in rows] == [
        ("volume", [0.6, None]),
        ("combined", [0.71, 0.66]),
    ]


def test_coefficients_by_size(make_evaluation: Make) -> None:
    first, second = coefficients(make_evaluation(), "combined")
    assert (first.name, first.value, first.share) == ("deep_003", -0.9, -1.0)
    assert second.share == pytest.approx(0.8 / 0.9)
    assert coefficients(make_evaluation(selected={"combined": {"a": 0.0}}), "combined")[0].share == 0.0


def test_audit_shows_what_is_known(regions: RegionSet) -> None:
    columns, rows = audit_rows(regions)
    assert columns == ("thickness", "clipped")
    assert [(name, cells) for name, _, cells in rows] == [
        ("ring_3mm", ("3.0 mm", "25%")),
        ("ring_6mm", ("\u2013", "50%")),
    ]
    assert rows[0][1] == pytest.approx(4 / 3 * np.pi * (11**3 - 8**3) / 1000, rel=0.03)


def test_words() -> None:
    assert [branch_label(b) for b in ("ring_9mm", "tumour+ring", "mine")] == [
        "9 mm ring radiomics",
        "Tumour + ring radiomics",
        "mine",
    ]
    assert [ring_label(r) for r in ("ring_4.5mm", "mine")] == ["4.5 mm ring", "mine"]
    assert [horizon_label(d) for d in (365.25, 730, 1095.75, 500.0, 90.0)] == [
        "1 year", "2 years", "3 years", "500 days", "90 days",
    ]  # fmt: skip
    assert [p_value(p) for p in (0.00099, 0.001, 0.0416, 1.0)] == ["p < 0.001", "p = 0.001", "p = 0.042", "p = 1.000"]
