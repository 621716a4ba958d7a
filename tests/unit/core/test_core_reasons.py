"""Reasons of exclusion that differ only in names and numbers are of one kind."""

import pytest

from perisurv.core import Exclusion, Finding
from perisurv.core.reasons import reason_kind


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        (
            "no tumour ROI",
            [
                "no tumour ROI: file 12.dcm has no ROI that tumour_roi matches; its ROIs are Lung_L, Heart. Draw it.",
                "no tumour ROI: file 7.dcm has no ROI that tumour_roi matches; its ROIs are none. Draw it.",
                "no tumour ROI",
            ],
        ),
        ("event not 0/1", ["event not 0/1: column Status of file 3.csv holds 'x'; it must be 1 (dead) or 0."]),
        (
            "tumour has \u2026 voxels of \u2026 mm, fewer than minimum_voxels = \u2026",
            [
                "Patient P-2f0a9c: tumour has 12 voxels of 1 mm, fewer than minimum_voxels = 64; it would be noise.",
                "Patient LUNG1-007: tumour has 3 voxels of 1.5 mm, fewer than minimum_voxels = 64; it would be noise.",
                "Patient Mr. O'Neill, J.: tumour has 3 voxels of 2 mm, fewer than minimum_voxels = 64; radiomics.",
            ],
        ),
        (
            "the tumour touches the border of the CT \u2026, so tumour and rings are cut off",
            [
                "Patient a/b: the tumour touches the border of the CT (first or last slice), so tumour and rings are "
                "cut off; leave it out.",
                "Patient 17: the tumour touches the border of the CT (first or last row), so tumour and rings are "
                "cut off; leave it out.",
            ],
        ),
        (
            "\u2026 cannot be opened",
            ["ct/slice 0012.dcm cannot be opened.".replace("slice ", "slice_"), "b.7/scan.dcm cannot be opened."],
        ),
        (
            "regions \u2026 and \u2026 share voxels",
            ["regions 'ring_3mm' and 'ring_6mm' share voxels.", 'regions "a" and "b b" share voxels.'],
        ),
    ],
)
def test_of_one_kind(kind, reasons):
    assert {reason_kind(reason) for reason in reasons} == {kind}


def test_no_number_of_a_patient_makes_a_kind():
    reasons = [f"Patient P-{n}: {n}.{n} % of 6 mm ring lies beyond the border of the CT." for n in range(50)]
    assert len({reason_kind(reason) for reason in reasons}) == 1


def test_an_exclusion_knows_its_kind():
    assert Exclusion("P", "index", "missing slice: ct 3 and ct 5 are 6 mm apart.").kind == "missing slice"
    assert Exclusion("P", "index", "").kind == ""


def test_the_reason_of_a_check_begins_with_its_fault():
    finding = Finding("roi", "tumour ROI present", "a contour", False, "RT has no ROI.", fault="no tumour ROI")
    assert finding.reason == "no tumour ROI: RT has no ROI."
    assert Finding("roi", "tumour ROI present", "a contour", False).reason == "tumour ROI present"
