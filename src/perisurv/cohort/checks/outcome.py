"""What a clinical row must say."""

from __future__ import annotations

from perisurv.cohort.checks.base import PASSED, Check, Verdict, failed
from perisurv.cohort.clinical import ClinicalRow

__all__ = ["OUTCOME_CHECKS", "BinaryEvent", "PositiveTime"]


class PositiveTime:
    """Survival time is a positive number."""

    id = "survival_time"
    title = "negative or zero survival time"
    requires = "a clinical row"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Quote the value."""
        if row.time_days is not None and row.time_days > 0:
            return PASSED
        return failed(
            f"column {row.time_column} of {row.table} holds {row.time_text!r}; "
            "it must be a positive number counted from time zero."
        )


class BinaryEvent:
    """Event is known and is 0 or 1."""

    id = "event"
    title = "event not 0/1"
    requires = "a clinical row"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Quote the value."""
        if row.event is not None:
            return PASSED
        return failed(
            f"column {row.event_column} of {row.table} holds {row.event_text!r}; it must be 1 (dead) or 0 (alive at "
            "last follow-up)."
        )


OUTCOME_CHECKS: tuple[Check[ClinicalRow], ...] = (PositiveTime(), BinaryEvent())
