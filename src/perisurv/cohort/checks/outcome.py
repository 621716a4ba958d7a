"""What a clinical row must say, also about time: nobody is imaged after time zero or after death."""

from __future__ import annotations

import math

from perisurv.cohort.checks.base import PASSED, Check, Verdict, failed, not_applicable
from perisurv.cohort.clinical import ClinicalRow
from perisurv.cohort.clinical.cells import is_missing
from perisurv.cohort.clinical.tnm import agree

__all__ = [
    "CLINICAL_CHECKS",
    "OUTCOME_CHECKS",
    "AliveAtImaging",
    "BinaryEvent",
    "DatesInOrder",
    "EventFitsDates",
    "ImagingBeforeTimeZero",
    "PositiveTime",
    "StageFitsTnm",
    "TimeFitsDates",
]


class PositiveTime:
    """Survival time is a positive number."""

    id = "survival_time"
    title = "survival time positive"
    fault = "negative or zero survival time"
    requires = "a clinical row"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Quote the value."""
        if row.time_days is not None and row.time_days > 0:
            return PASSED
        if row.time_from_dates and row.time_days is not None:
            return failed(
                f"the dates in {row.table} put death or last follow-up {-row.time_days:g} days before time zero, not "
                "after it; correct them.",
                row.time_days,
            )
        if is_missing(row.time_text) and row.unread_dates:
            return failed(
                f"column {row.unread_dates[0]} of {row.table} holds a date that is not understood; correct it, or "
                'state its form below [cohort.clinical], such as date_format = "%d/%m/%Y".'
            )
        if row.death_time_column and is_missing(row.time_text):
            return failed(f"column {row.time_column} of {row.table} is empty, but the patient is dead; fill it in.")
        if not row.time_column:
            return failed(f"{row.table} gives neither a time nor the two dates to count it from; fill them in.")
        return failed(
            f"column {row.time_column} of {row.table} holds {row.time_text!r}; "
            "it must be a positive number counted from time zero."
        )


class BinaryEvent:
    """Event is known and is 0 or 1."""

    id = "event"
    title = "event known"
    fault = "event not 0/1"
    requires = "a clinical row"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Quote the value."""
        if row.event is not None:
            return PASSED
        return failed(
            f"column {row.event_column} of {row.table} holds {row.event_text!r}; it must be 1 (dead) or 0 (alive at "
            "last follow-up)."
        )


class DatesInOrder:
    """Nobody is followed up after death."""

    id = "dates_order"
    title = "no follow-up after death"
    fault = "follow-up after death"
    requires = "a clinical row with dates of death and last follow-up"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Count the days."""
        if row.dates.death is None or row.dates.last is None:
            return not_applicable("the table does not give both dates")
        days = float((row.dates.last - row.dates.death).days)
        if days <= 0:
            return PASSED
        return failed(f"the last follow-up in {row.table} lies {days:g} days after death; correct the dates.", days)


class EventFitsDates:
    """Who is alive has no date of death."""

    id = "event_dates"
    title = "event agrees with dates"
    fault = "event contradicts dates"
    requires = "a clinical row with event and dates"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Name the columns."""
        if row.event is None or (row.dates.death is None and not row.death_time_column):
            return not_applicable("the table gives no date of death")
        if row.event:
            return PASSED
        if row.death_time_column:
            return failed(
                f"column {row.event_column} of {row.table} says {row.event_text!r}, alive, but column "
                f"{row.death_time_column} gives a time to death; correct one of them."
            )
        return failed(
            f"column {row.event_column} of {row.table} says {row.event_text!r}, alive, but the row has a date of "
            "death; correct one of them."
        )


class TimeFitsDates:
    """The time is what its own dates say, as exactly as it is written."""

    id = "time_dates"
    title = "time agrees with dates"
    fault = "time contradicts dates"
    requires = "a clinical row with a time and two dates"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """State both."""
        by_dates = row.dates.follow_up_days(row.event)
        if row.time_from_dates or row.time_days is None or by_dates is None:
            return not_applicable("the table does not give both")
        apart = abs(row.time_days - by_dates)
        if apart <= row.time_step_days + 1.0:
            return PASSED
        return failed(
            f"column {row.time_column} of {row.table} says {row.time_days:g} days and its dates are {by_dates:g} days "
            "apart; correct one of them.",
            apart,
        )


class ImagingBeforeTimeZero:
    """The CT was taken before time zero: what is learned from it was known then."""

    id = "imaging_after_zero"
    title = "imaging before time zero"
    fault = "imaging after time zero"
    requires = "a clinical row with a date of time zero, and a CT with StudyDate"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Count the days."""
        if row.dates.zero is None or row.dates.imaging is None:
            return not_applicable("the date of time zero or of the CT is not known")
        days = float((row.dates.imaging - row.dates.zero).days)
        if days <= row.imaging_tolerance_days:
            return Verdict(True, f"the CT was taken {-days:g} days before time zero", days)
        return failed(
            f"the CT was taken {days:g} days after time zero in {row.table}; at most {row.imaging_tolerance_days:g} "
            "are allowed. Give the CT before treatment, or raise imaging_tolerance_days (inf where de-identification "
            "shifted the dates of images and table differently).",
            days,
        )


class AliveAtImaging:
    """Death or last follow-up does not lie before the CT."""

    id = "dead_before_imaging"
    title = "follow-up ends after imaging"
    fault = "death or last follow-up before imaging"
    requires = "a clinical row with dates, and a CT with StudyDate"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Count the days."""
        end = row.end
        if end is None or row.dates.imaging is None or math.isinf(row.imaging_tolerance_days):
            return not_applicable("the date of the end of follow-up or of the CT is not known or not to be used")
        days = float((row.dates.imaging - end).days)
        if days <= 0:
            return PASSED
        what = "death" if row.event else "the last follow-up"
        return failed(
            f"{what} in {row.table} lies {days:g} days before the CT was taken; correct the dates or give this "
            "patient's own CT.",
            days,
        )


class StageFitsTnm:
    """The stage group is the one of T, N and M in the edition of the study."""

    id = "stage_tnm"
    title = "stage agrees with TNM"
    fault = "stage contradicts TNM"
    requires = "a clinical row with stage, T, N and M, and tnm_edition"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Name both."""
        group, (t, n, m) = row.values.get("stage_group"), (row.values.get(c) for c in ("t", "n", "m"))
        if row.stages is None or group is None or t is None or n is None or m is None:
            return not_applicable("edition, stage, T, N or M is not known")
        if not row.stages:
            return Verdict(
                False, f"{t} {n} {m} has no stage group in edition {row.tnm_edition} of the TNM of lung cancer."
            )
        if agree(str(group), row.stages):
            return PASSED
        return failed(
            f"{row.table} says stage {group}, but {t} {n} {m} is {' or '.join(sorted(row.stages))} in edition "
            f"{row.tnm_edition} of the TNM of lung cancer; correct the row or tnm_edition."
        )


# What excludes a patient.
OUTCOME_CHECKS: tuple[Check[ClinicalRow], ...] = (
    PositiveTime(),
    BinaryEvent(),
    DatesInOrder(),
    EventFitsDates(),
    TimeFitsDates(),
    ImagingBeforeTimeZero(),
    AliveAtImaging(),
)
# What is only told.
CLINICAL_CHECKS: tuple[Check[ClinicalRow], ...] = (StageFitsTnm(),)
