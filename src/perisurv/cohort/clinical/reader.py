"""Lines of a table to rows, once columns, decimal sign and order of dates are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from perisurv.cohort.clinical import tnm, values
from perisurv.cohort.clinical.cells import Cell, decimal_signs, is_missing, number, text_of, two_ways
from perisurv.cohort.clinical.columns import TIMES, Layout
from perisurv.cohort.clinical.dates import day_of, form_to_state, orders
from perisurv.cohort.clinical.events import competing, event
from perisurv.cohort.clinical.files import Sheet
from perisurv.cohort.clinical.rows import ClinicalRow, Dates, Value
from perisurv.cohort.clinical.spellings import DAYS_PER_UNIT
from perisurv.cohort.options import CohortOptions
from perisurv.core import ChoiceError

__all__ = ["VALUES", "Reader", "decimal_sign", "level_column", "order_of_dates"]

# Meaning -> column of the clinical frame, and how a cell is read: text and decimal sign to a value.
VALUES: dict[str, tuple[str, Callable[[str, str], Value]]] = {
    "age": ("age_years", values.age_years),
    "stage": ("stage_group", lambda text, _: tnm.stage_group(text)),
    "t": ("t", lambda text, _: tnm.t_category(text)),
    "n": ("n", lambda text, _: tnm.n_category(text)),
    "m": ("m", lambda text, _: tnm.m_category(text)),
    "ecog": ("ecog", lambda text, _: values.ecog(text)),
    "histology": ("histology", lambda text, _: values.histology(text)),
    "smoking": ("smoking", lambda text, _: values.smoking(text)),
    "dose": ("dose_gy", values.dose_gy),
}
_DATES = ("date_zero", "date_death", "date_last")


@dataclass(frozen=True, slots=True)
class Reader:
    """How the cells of one table become rows.

    Parameters
    ----------
    decimal, order
        Decimal sign; order of day and month.
    folder
        The centre of a table without centres.
    sexes
        All codes of sex: 0 and 1 do not say which is which.
    """

    layout: Layout
    options: CohortOptions
    decimal: str
    order: str
    folder: str
    sexes: frozenset[str]

    def row(self, line: Sequence[Cell]) -> ClinicalRow:
        """The row of one line."""
        layout, clinical = self.layout, self.options.clinical
        known: dict[str, Value] = {column: self._value(line, meaning) for meaning, (column, _) in VALUES.items()}
        known["sex"] = self._value(line, "sex")
        known |= self._covariates(line)
        stages = self._stage(line, known)
        dates, died = self._dates(line), self._event(line)
        told_by = next((m for m in ("event", "date_death", "time_death") if m in layout.position), "event")
        row = ClinicalRow(
            table=layout.name,
            patient_id=layout.text(line, "id"),
            centre=self._centre(line),
            values=known,
            event_column=layout.column(told_by),
            event_text=layout.text(line, told_by),
            event=died,
            competing=self._competing(line, died),
            competing_column=layout.column("competing"),
            of_death=clinical.event_is_death,
            dates=dates,
            stages=stages,
            tnm_edition=clinical.tnm_edition,
            imaging_tolerance_days=clinical.imaging_tolerance_days,
            unread_dates=tuple(layout.column(m) for m in _DATES if self.lost(line, m)),
        )
        return self._timed(row, line)

    def lost(self, line: Sequence[Cell], meaning: str) -> bool:
        """Whether a cell says something that is not understood. Of time and event that excludes the patient."""
        cell = self.layout.cell(line, meaning)
        if meaning in ("id", "centre", "event", "competing", *TIMES) or is_missing(cell):
            return False
        if meaning in _DATES:
            return day_of(cell, self.order) is None
        if meaning in self.options.covariates:
            return self._covariate(cell, meaning) is None
        return self._value(line, meaning) is None

    def _value(self, line: Sequence[Cell], meaning: str) -> Value:
        text = self.layout.text(line, meaning)
        if is_missing(text):
            return None
        if meaning == "sex":
            return values.sex(text, self.sexes)
        cell = self.layout.cell(line, meaning)
        # A number that the file holds as a number has one decimal sign, whatever the texts have.
        return VALUES[meaning][1](text, "." if isinstance(cell, float) else self.decimal)

    def _covariates(self, line: Sequence[Cell]) -> dict[str, Value]:
        known: dict[str, Value] = {}
        for name in self.options.covariates:
            value = self._covariate(self.layout.cell(line, name), name)
            if name not in self.options.levels:
                known[name] = value
                continue
            for level in self.options.levels[name][1:]:
                known[level_column(name, level)] = None if value is None else float(value == level)
        return known

    def _covariate(self, cell: Cell, name: str) -> Value:
        if is_missing(cell):
            return None
        if name in self.options.levels:
            return values.level(text_of(cell), self.options.levels[name])
        return number(cell, self.decimal)

    def _stage(self, line: Sequence[Cell], known: dict[str, Value]) -> frozenset[str] | None:
        """Fill in the stage as a number, and with an edition a missing group; return the groups that TNM allows."""
        edition = self.options.clinical.tnm_edition
        allowed = None
        if edition:
            t, n, m = (None if known[c] is None else str(known[c]) for c in ("t", "n", "m"))
            allowed = tnm.derive(t, n, m, edition)
            if is_missing(self.layout.text(line, "stage")):
                known["stage_group"] = tnm.shared_group(allowed)
        group = known["stage_group"]
        known["stage"] = tnm.stage_number(str(group)) if group is not None else None
        return allowed

    def _dates(self, line: Sequence[Cell]) -> Dates:
        return Dates(*(day_of(self.layout.cell(line, meaning), self.order) for meaning in _DATES))

    def _centre(self, line: Sequence[Cell]) -> str:
        text = self.layout.text(line, "centre")
        # A centre may be called X, which elsewhere stands for a missing value.
        return text if (len(text) == 1 and text.isalnum()) or not is_missing(text) else self.folder

    def _event(self, line: Sequence[Cell]) -> bool | None:
        if "event" in self.layout.position:
            return event(self.layout.text(line, "event"), self.options.clinical.event_codes)
        if "date_death" in self.layout.position:
            cell = self.layout.cell(line, "date_death")
            if is_missing(cell):
                return False
            return True if day_of(cell, self.order) else None
        return not is_missing(self.layout.cell(line, "time_death")) if "time_death" in self.layout.position else None

    def _competing(self, line: Sequence[Cell], had_event: bool | None) -> bool | None:
        """Whether follow-up ended with a competing event: the first of both counts, so not behind the event."""
        layout = self.layout
        if had_event or had_event is None:
            return False
        if "event" in layout.position and competing(layout.text(line, "event"), self.options.clinical.event_codes):
            return True
        if "competing" in layout.position:
            return event(layout.text(line, "competing"))
        return "time_competing" in layout.position and not is_missing(layout.cell(line, "time_competing"))

    def _timed(self, row: ClinicalRow, line: Sequence[Cell]) -> ClinicalRow:
        """The row with its time: as a column gives it, else from the dates."""
        meaning = "time"
        if "time_death" in self.layout.position:
            # After an event the last follow-up is not the time of the event.
            meaning = "time_death" if row.event or self._has_event_time(row, line) else "time_last"
        if row.competing and not is_missing(self.layout.cell(line, "time_competing")):
            meaning = "time_competing"
        row = replace(
            row,
            time_column=self.layout.column(meaning),
            time_text=self.layout.text(line, meaning),
            death_time_column=self.layout.column(meaning) if meaning == "time_death" else "",
        )
        cell = self.layout.cell(line, meaning)
        if is_missing(cell):
            by_dates = row.dates.follow_up_days(row.event)
            return replace(row, time_days=by_dates, time_from_dates=by_dates is not None)
        unit = DAYS_PER_UNIT[self.layout.time_unit(self.options, meaning)[0]]
        time = number(cell, self.decimal)
        decimals = len(text_of(cell).replace(",", ".").partition(".")[2])
        return replace(row, time_days=None if time is None else time * unit, time_step_days=unit * 10.0**-decimals)

    def _has_event_time(self, row: ClinicalRow, line: Sequence[Cell]) -> bool:
        """Whether the time to the event is filled; the last follow-up written there again says nothing of an event."""
        cell = self.layout.cell(line, "time_death")
        if row.event is False and not row.of_death and text_of(cell) == self.layout.text(line, "time_last"):
            return False
        return not is_missing(cell)


def level_column(name: str, level: str) -> str:
    """Column of one level of a covariate: ``egfr_mutant``."""
    plain = "".join(c if c.isalnum() else "_" for c in level.strip().casefold())
    return f"{name}_{plain}"


def decimal_sign(sheet: Sheet, lines: Iterable[Sequence[Cell]], layout: Layout, options: CohortOptions) -> str:
    """Decimal sign of numbers that could be read both ways.

    Raises
    ------
    InputError
        If there are such numbers and no other number of the table shows the sign.
    """
    if options.clinical.decimal != "auto":
        return options.clinical.decimal
    numeric = [*TIMES, "age", "dose", *(name for name in options.covariates if name not in options.levels)]
    cells = {m: [layout.cell(line, m) for line in lines] for m in numeric if m in layout.position}
    signs = decimal_signs(cell for column in cells.values() for cell in column)
    unsure = [m for m, column in cells.items() for cell in column if two_ways(cell)]
    if len(signs) == 1 or not unsure:
        return signs.pop() if signs else "."
    # In a file parted by commas or tabs a lone point is not taken for a thousands sign by anyone.
    if not signs and sheet.delimiter in (",", "\t") and not any("," in str(c) for c in cells[unsure[0]]):
        return "."
    raise ChoiceError(
        f"Column {layout.column(unsure[0])!r} of {layout.name} holds numbers such as '1,234' or '1.234' ({len(unsure)})"
        " and no other number shows the decimal sign; state it below [cohort.clinical]: "
        'decimal = "," or decimal = ".".',
        "cohort.clinical",
        ('decimal = ","', 'decimal = "."'),
    )


def order_of_dates(lines: Sequence[Sequence[Cell]], layout: Layout, options: CohortOptions) -> str:
    """Order of day and month in all dates of the table.

    Raises
    ------
    InputError
        If no date shows the order, two dates contradict each other, or the times are to be counted from dates whose
        form must be stated.
    """
    if options.clinical.date_format:
        return options.clinical.date_format
    columns = [meaning for meaning in _DATES if meaning in layout.position]
    if not any(meaning in layout.position for meaning in TIMES):
        for meaning in columns:
            _refuse_unknown_form(lines, layout, meaning)
    possible = orders(layout.cell(line, meaning) for line in lines for meaning in columns)
    if len(possible) == 1:
        return possible.pop()
    names = ", ".join(repr(layout.column(meaning)) for meaning in columns)
    wrong = "hold dates of both orders" if not possible else "do not show whether the day or the month stands first"
    raise ChoiceError(
        f"Dates in {names} of {layout.name} {wrong}; state their form below [cohort.clinical], such as "
        'date_format = "%d/%m/%Y" (day first) or "%m/%d/%Y".',
        "cohort.clinical",
        ('date_format = "%d/%m/%Y"', 'date_format = "%m/%d/%Y"'),
    )


def _refuse_unknown_form(lines: Iterable[Sequence[Cell]], layout: Layout, meaning: str) -> None:
    """Refuse dates whose form must be stated; a single one beside others is a slip, which excludes its patient."""
    filled = [cell for cell in (layout.cell(line, meaning) for line in lines) if not is_missing(cell)]
    unread = [cell for cell in filled if not (day_of(cell, "dmy") or day_of(cell, "mdy"))]
    form, lines = form_to_state(unread)
    if form and (len(unread) > 1 or len(unread) == len(filled)):
        raise ChoiceError(f"Dates in {layout.column(meaning)!r} of {layout.name} {form}.", "cohort.clinical", lines)
