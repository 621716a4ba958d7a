"""What a clinical row must say, also about time: nobody is imaged after time zero or after the end of follow-up."""

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
    """The time of follow-up is a positive number."""

    id = "survival_time"
    title = "time of follow-up positive"
    fault = "negative or zero time of follow-up"
    requires = "a clinical row"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Quote the value."""
        if row.time_days is not None and row.time_days > 0:
            return PASSED
        if row.time_from_dates and row.time_days is not None:
            return failed(
                f"the dates in {row.table} put {_event(row)} or the last follow-up {abs(row.time_days):g} days before "
                "time zero, not after it; correct them.",
                row.time_days,
            )
        if is_missing(row.time_text) and row.unread_dates:
            return failed(
                f"column {row.unread_dates[0]} of {row.table} holds a date that is not understood; correct it, or "
                'state its form below [cohort.clinical], such as date_format = "%d/%m/%Y".'
            )
        if row.death_time_column and is_missing(row.time_text):
            return failed(f"column {row.time_column} of {row.table} is empty, but {_had_event(row)}; fill it in.")
        if not row.time_column:
            return failed(f"{row.table} gives neither a time nor the two dates to count it from; fill them in.")
        return failed(
            f"column {row.time_column} of {row.table} holds {row.time_text!r}; "
            "it must be a positive number counted from time zero."
        )


class BinaryEvent:
    """Event and competing event are known."""

    id = "event"
    title = "event known"
    fault = "event not 0/1"
    requires = "a clinical row"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Quote the value."""
        if row.event is not None and row.competing is not None:
            return PASSED
        if row.event is not None:
            return failed(
                f"column {row.competing_column} of {row.table} does not tell whether follow-up ended with the "
                "competing event; it must be 1 (it did) or 0."
            )
        one, none = ("dead", "alive at last follow-up") if row.of_death else ("event", "none by the last follow-up")
        return failed(
            f"column {row.event_column} of {row.table} holds {row.event_text!r}; it must be 1 ({one}) or 0 ({none})."
        )


class DatesInOrder:
    """Nobody is followed up after death; after another event, such as a recurrence, follow-up goes on."""

    id = "dates_order"
    title = "dates of follow-up in order"
    fault = "dates of follow-up out of order"
    requires = "a clinical row with the dates of the event and of the last follow-up"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Count the days."""
        if row.dates.death is None or row.dates.last is None:
            return not_applicable("the table does not give both dates")
        if not row.of_death:
            return not_applicable("follow-up may go on after the event")
        days = float((row.dates.last - row.dates.death).days)
        if days <= 0:
            return PASSED
        return failed(f"the last follow-up in {row.table} lies {days:g} days after death; correct the dates.", days)


class EventFitsDates:
    """Who had no event has no date of one."""

    id = "event_dates"
    title = "event agrees with dates"
    fault = "event contradicts dates"
    requires = "a clinical row with event and dates"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Name the columns."""
        if row.event is None or (row.dates.death is None and not row.death_time_column):
            return not_applicable("the table gives neither a date nor a time of the event alone")
        if row.event:
            return PASSED
        what, none = ("death", "alive") if row.of_death else ("the event", "no event")
        other = f"column {row.death_time_column} gives a time to" if row.death_time_column else "the row has a date of"
        return failed(
            f"column {row.event_column} of {row.table} says {row.event_text!r}, {none}, but {other} {what}; correct "
            "one of them."
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
    """Event and last follow-up do not lie before the CT."""

    id = "dead_before_imaging"
    title = "follow-up ends after imaging"
    fault = "end of follow-up before imaging"
    requires = "a clinical row with dates, and a CT with StudyDate"

    def judge(self, row: ClinicalRow, /) -> Verdict:
        """Count the days."""
        end = row.end
        if end is None or row.dates.imaging is None or math.isinf(row.imaging_tolerance_days):
            return not_applicable("the date of the end of follow-up or of the CT is not known or not to be used")
        days = float((row.dates.imaging - end).days)
        if days <= 0:
            return PASSED
        what = _event(row) if row.event else "the last follow-up"
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


def _event(row: ClinicalRow) -> str:
    return "death" if row.of_death else "the event"


def _had_event(row: ClinicalRow) -> str:
    return "the patient is dead" if row.of_death else f"column {row.event_column} says that the event came"


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
