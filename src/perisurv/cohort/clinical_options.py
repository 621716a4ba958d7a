"""How clinical tables are read: ``[cohort.columns]`` and ``[cohort.clinical]`` of a study file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Literal, get_args

from perisurv.core import SettingsError

__all__ = ["SERIAL_DATES", "ClinicalOptions", "ColumnOptions", "check_covariates"]

Names = str | tuple[str, ...]
Delimiter = Literal["auto", ",", ";", "\t", "|"]
Unit = Literal["auto", "days", "weeks", "months", "years"]
Meaning = Literal["dead", "alive", "event", "censored", "competing"]

_CHOICES = {
    "delimiter": get_args(Delimiter),
    "decimal": ("auto", ".", ","),
    "time_unit": get_args(Unit),
    "tnm_edition": (0, 6, 7, 8),
}
# Days since the last day of 1899 (Excel) and since 1904-01-01 (Excel of older Macs).
SERIAL_DATES = {"serial-1900": date(1899, 12, 30), "serial-1904": date(1904, 1, 1)}
# Python's codecs of texts that no table is written in.
_NO_ENCODINGS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7"})
_COVARIATE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RESERVED = frozenset(
    [
        *(
            "patient",
            "centre",
            "source",
            "source_kind",
            "time_days",
            "event",
            "competing",
            "age_years",
            "age_decades",
            "sex",
            "male",
        ),
        *("stage", "stage_group", "t", "n", "m", "ecog", "histology", "smoking", "dose_gy"),
    ]
)


@dataclass(frozen=True, slots=True)
class ColumnOptions:
    """Which column holds what. A name, or several where tables of different centres call it differently.

    What is not named here is guessed from the known spellings and the guess is reported.

    Parameters
    ----------
    id, centre
        PatientID as in the images; treating centre (without such a column: the folder of the table).
    time, event
        Follow-up from time zero; whether it ended with the event, which is death unless ``[endpoint]`` says otherwise.
    time_death, time_last
        Where a table has two columns: time to the event, and time to the last follow-up of all others.
    date_zero, date_death, date_last
        Time zero (start of treatment, diagnosis, imaging), event, last follow-up.
    competing, time_competing
        Whether follow-up ended with a competing event; time to it, where the table has a column of its own for that.
    age, sex, stage, t, n, m, ecog, histology, smoking, dose
        Clinical variables.
    ignore
        Columns that no guess may take.
    """

    id: Names = ""
    centre: Names = ""
    time: Names = ""
    event: Names = ""
    time_death: Names = ""
    time_last: Names = ""
    date_zero: Names = ""
    date_death: Names = ""
    date_last: Names = ""
    competing: Names = ""
    time_competing: Names = ""
    age: Names = ""
    sex: Names = ""
    stage: Names = ""
    t: Names = ""
    n: Names = ""
    m: Names = ""
    ecog: Names = ""
    histology: Names = ""
    smoking: Names = ""
    dose: Names = ""
    ignore: tuple[str, ...] = ()

    def named(self) -> dict[str, tuple[str, ...]]:
        """Meaning -> the columns that the user named for it."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "ignore"}
        return {key: (names,) if isinstance(names, str) else tuple(names) for key, names in given.items() if names}


@dataclass(frozen=True, slots=True)
class ClinicalOptions:
    """How the cells are read.

    Parameters
    ----------
    encoding
        Of CSV and TSV: any that Python knows, such as ``gb18030``, ``cp932``, ``cp1251`` or ``latin-1``. A byte order
        mark in the file goes before it.
    delimiter
        ``auto``: as a first line ``sep=;`` says, else the one that the line of names shows; two that are possible are
        an error.
    decimal
        Decimal sign of numbers such as ``1,234`` that could be read both ways; ``auto``: as the other numbers show.
    sheet
        Of a workbook; may be empty if it has one.
    time_unit
        ``auto`` reads it from the column name (``OS_months``, ``OS (mois)``, in Chinese, Japanese, Korean and most
        European languages); a name without any unit means days, a unit that is not known is an error. A month has
        30.4375 days, a year 365.25.
    date_format
        As for ``strptime``, such as ``%d.%m.%Y`` or ``%d/%m/%y``; ``serial-1900`` or ``serial-1904``: dates that a
        spreadsheet stored as numbers, in its usual system and in that of older Macs; empty: ISO dates, names of months,
        and days and months in figures where some date of the table shows their order.
    missing
        Further codes of missing values, such as ``-9``.
    event_codes
        Code -> ``dead`` or ``event``, ``alive`` or ``censored``, or ``competing`` (follow-up ended with another event,
        after which this one cannot be seen any more); replaces the known codes.
    event_is_death
        False: the event is another one, so columns whose names speak of death or overall survival are not guessed for
        it. ``[endpoint]`` sets it.
    tnm_edition
        6, 7 or 8: the stage of lung cancer is derived from T, N and M, stands in for a missing one and is compared with
        a given one; 0: not.
    imaging_tolerance_days
        How long after time zero the CT may be taken, days; ``inf``: no limit.

    Raises
    ------
    SettingsError
        If a value is not one of those.
    """

    encoding: str = "utf-8"
    delimiter: Delimiter = "auto"
    decimal: Literal["auto", ".", ","] = "auto"
    sheet: str = ""
    time_unit: Unit = "auto"
    date_format: str = ""
    missing: tuple[str, ...] = ()
    event_codes: dict[str, Meaning] = field(default_factory=dict)
    event_is_death: bool = True
    tnm_edition: Literal[0, 6, 7, 8] = 0
    imaging_tolerance_days: float = 0.0

    def __post_init__(self) -> None:
        for key, allowed in _CHOICES.items():
            if getattr(self, key) not in allowed:
                raise SettingsError(
                    f"{key} must be one of {', '.join(map(repr, allowed))}, got {getattr(self, key)!r}."
                )
        if not _is_encoding(self.encoding):
            raise SettingsError(
                f"encoding {self.encoding!r} is not known to Python; write it as there, such as 'utf-8', 'gb18030', "
                "'big5', 'cp932', 'cp949', 'cp1250', 'cp1251', 'cp1252' or 'latin-1'."
            )
        if self.date_format not in SERIAL_DATES and self.date_format and not _is_date_format(self.date_format):
            raise SettingsError(
                f"date_format {self.date_format!r} does not give year, month and day; write it as for strptime, "
                "such as '%d.%m.%Y', or 'serial-1900' for dates that a spreadsheet stored as numbers."
            )
        _check_event_codes(self.event_codes)
        if not self.imaging_tolerance_days >= 0:
            raise SettingsError(f"imaging_tolerance_days must be 0 or more, got {self.imaging_tolerance_days}.")


def _check_event_codes(codes: Mapping[str, str]) -> None:
    meanings = set(codes.values())
    if meanings - {*get_args(Meaning)}:
        raise SettingsError(
            f"event_codes must give 'dead' or 'alive' (or 'event', 'censored', 'competing') for each code, got {codes}."
        )
    if codes and not (meanings & {"dead", "event"} and meanings & {"alive", "censored", "competing"}):
        raise SettingsError(
            "event_codes must name the codes of both 'dead' and 'alive' (or of 'event' and 'censored')."
        )


def check_covariates(covariates: Mapping[str, str], levels: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse names and levels of covariates that cannot become columns.

    Raises
    ------
    SettingsError
        If a name is not plain or is taken, or levels belong to no covariate or are fewer than two.
    """
    for name in covariates:
        if not _COVARIATE.fullmatch(name):
            raise SettingsError(
                f"covariates: {name!r} must be small letters, digits and underscores, such as 'ldh_u_l'."
            )
        if name in _RESERVED:
            raise SettingsError(f"covariates: {name!r} has its own meaning; name its column below [cohort.columns].")
    for name, known in levels.items():
        if name not in covariates:
            raise SettingsError(f"levels: {name!r} is no covariate; name its column below [cohort.covariates].")
        if len({level.strip().casefold() for level in known}) < max(2, len(known)):
            raise SettingsError(f"levels: {name!r} needs at least two different levels; the first is the reference.")


def _is_encoding(name: str) -> bool:
    try:
        known = codecs.lookup(name).name
        "".encode(name)
    except (LookupError, ValueError, UnicodeError):
        return False
    return known.replace("-", "_") not in _NO_ENCODINGS


def _is_date_format(pattern: str) -> bool:
    day = date(2011, 3, 25)
    try:
        return datetime.strptime(day.strftime(pattern), pattern).date() == day
    except ValueError:
        return False
