"""One patient of a clinical table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

__all__ = ["ClinicalRow", "Dates", "Value", "differences"]

Value = float | str | None


@dataclass(frozen=True, slots=True)
class Dates:
    """Days of one patient; None where the table says nothing.

    Parameters
    ----------
    imaging
        StudyDate of the CT.
    """

    zero: date | None = None
    death: date | None = None
    last: date | None = None
    imaging: date | None = None

    def follow_up_days(self, event: bool | None) -> float | None:
        """From time zero to the event, or to the last follow-up of a patient who is not known to have had it."""
        end = self.death or (self.last if event is not True else None)
        return float((end - self.zero).days) if end and self.zero else None


@dataclass(frozen=True, slots=True)
class ClinicalRow:
    """One patient of a clinical table.

    Parameters
    ----------
    table
        File, as shown in messages.
    values
        Column of ``CLINICAL_COLUMNS`` or covariate -> value, None where unknown.
    time_days, event
        None where the cell, quoted in ``time_text`` and ``event_text``, cannot be used.
    competing
        Whether follow-up ended with a competing event; None where ``competing_column`` does not tell.
    of_death
        Whether the event is death.
    time_step_days
        What one unit of the last digit of the time is, days: the time is not known better.
    time_from_dates
        Whether the time is that between two dates, for lack of a time in the table.
    death_time_column
        Column of the time to the event, where the table has one beside that of the others and it counts for this row:
        the cell is filled, or the patient had the event.
    unread_dates
        Columns of dates whose cell in this row is filled and not understood.
    stages
        Stage groups that T, N and M allow; None where the edition is not given.
    imaging_tolerance_days
        How long after time zero the CT may be taken.
    """

    table: str
    patient_id: str
    centre: str
    values: dict[str, Value] = field(default_factory=dict)
    time_column: str = ""
    time_text: str = ""
    time_days: float | None = None
    time_step_days: float = 1.0
    time_from_dates: bool = False
    death_time_column: str = ""
    unread_dates: tuple[str, ...] = ()
    event_column: str = ""
    event_text: str = ""
    event: bool | None = None
    competing: bool | None = False
    competing_column: str = ""
    of_death: bool = True
    dates: Dates = field(default_factory=Dates)
    stages: frozenset[str] | None = None
    tnm_edition: int = 0
    imaging_tolerance_days: float = 0.0

    @property
    def end(self) -> date | None:
        """Day of the event or of the last follow-up: as stated, else by the time since time zero."""
        stated = self.dates.death or self.dates.last
        if stated or self.dates.zero is None or self.time_days is None or abs(self.time_days) > 100 * 366:
            return stated
        return self.dates.zero + timedelta(days=self.time_days)


def differences(rows: Sequence[ClinicalRow]) -> list[str]:
    """In what rows of one patient differ."""
    told = [
        {
            "centre": r.centre,
            "time": r.time_days,
            "event": r.event,
            "competing": r.competing,
            "dates": r.dates,
            **r.values,
        }
        for r in rows
    ]
    return [name for name in told[0] if len({repr(values.get(name)) for values in told}) > 1]
