"""Titles of checks say what holds where the check passes, faults what is wrong; each title stands for one check."""

import pytest

from perisurv.cohort.checks import (
    CLINICAL_CHECKS,
    CONTOUR_CHECKS,
    IMAGE_CHECKS,
    MASK_CHECKS,
    OUTCOME_CHECKS,
    REFERENCE_CHECKS,
    SEG_CHECKS,
    SERIES_CHECKS,
)

GROUPS = (
    REFERENCE_CHECKS,
    SERIES_CHECKS,
    CONTOUR_CHECKS,
    SEG_CHECKS,
    IMAGE_CHECKS,
    MASK_CHECKS,
    OUTCOME_CHECKS,
    CLINICAL_CHECKS,
)
CHECKS = [check for group in GROUPS for check in group]
# Words that say that something is wrong: beside a tick they would be false.
FAULTS = {
    "another", "contradicts", "crosses", "damaged", "differ", "disagree", "empty", "irregular", "negative", "not",
    "unreadable", "unusable", "without", "wrong", "zero", "missing",
}  # fmt: skip
# "... not after ...": states in which the word is what the check wants.
STATES = {"no slice missing inside the series", "imaging before time zero"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: f"{type(c).__name__}")
def test_a_title_is_true_beside_a_tick(check):
    assert check.title != check.fault
    if check.title not in STATES and "without gap" not in check.title:
        assert not FAULTS & set(check.title.lower().split()), check.title


def test_each_title_stands_for_one_check():
    known = {}
    for check in CHECKS:
        assert known.setdefault(check.title, (check.id, check.requires)) == (check.id, check.requires)
    for group in GROUPS:
        assert len({check.title for check in group}) == len(group)
    patient = (*REFERENCE_CHECKS, *SERIES_CHECKS, *CONTOUR_CHECKS, *OUTCOME_CHECKS, *CLINICAL_CHECKS)
    assert len({check.title for check in patient}) == len(patient)
