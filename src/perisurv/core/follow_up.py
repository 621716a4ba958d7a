"""Follow-up from a table in memory: what is certain is taken, the rest is refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core.errors import OutcomeError

__all__ = ["follow_up_of"]

_WORDS = {
    **dict.fromkeys(("dead", "deceased", "died"), True),
    **dict.fromkeys(("alive", "living", "censored"), False),
}
_ONE_AND_TWO = "Where 1 is censored and 2 is dead, as in R: frame['event'] = frame['event'] == 2."


def follow_up_of(
    frame: pd.DataFrame,
) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Patients, times, events and competing events of a table indexed by patient.

    Parameters
    ----------
    frame
        ``time_days``: numbers, days. ``event``: booleans, the numbers 0 and 1, or the words dead and alive;
        ``competing``, where there is such a column: the same.

    Raises
    ------
    OutcomeError
        If a column is missing or there twice, the index does not name the patients, or a cell is missing or could
        mean something else.
    """
    for name in ("time_days", "event"):
        if list(frame.columns).count(name) != 1:
            raise OutcomeError(
                f"A table of follow-up needs one column {name!r}; its columns are "
                f"{', '.join(map(str, frame.columns)) or 'none'}."
            )
    patients = _patients(frame)
    competing = _events(patients, frame["competing"], "competing") if "competing" in frame.columns else None
    return patients, _times(patients, frame["time_days"]), _events(patients, frame["event"], "event"), competing


def _patients(frame: pd.DataFrame) -> tuple[str, ...]:
    column = next((name for name in ("patient", "PatientID", "patient_id") if name in frame.columns), None)
    if column is not None and isinstance(frame.index, pd.RangeIndex):
        raise OutcomeError(
            f"The table of follow-up is indexed by row numbers and has a column {column!r}; index it by patient: "
            f"frame.set_index({column!r})."
        )
    ids = [str(label) for label in frame.index]
    nameless = [n for n, label in enumerate(frame.index, start=1) if _absent(label) or not str(label).strip()]
    if nameless:
        raise OutcomeError(f"Rows of the follow-up that name no patient: {len(nameless)} (row {_some(nameless)}).")
    twice = sorted(frame.index[frame.index.duplicated()].astype(str).unique())
    if twice:
        raise OutcomeError(f"Patients occur twice in the table of follow-up: {_some(twice)}; keep one row of each.")
    return tuple(ids)


def _times(patients: Sequence[str], cells: pd.Series) -> NDArray[np.float64]:
    if cells.dtype.kind in "mM":
        raise OutcomeError(
            "Column 'time_days' holds dates or spans of time; give days as numbers, such as (end - start).dt.days."
        )
    values = list(cells.astype(object))
    _refuse_absent(patients, values, "time_days")
    _refuse(
        patients, values, lambda v: not isinstance(v, (Real, Decimal)) or isinstance(v, (bool, np.bool_)),
        "Column 'time_days' must hold numbers; it does not for {who}. Texts are turned into numbers by pd.to_numeric.",
    )  # fmt: skip
    times = np.array([float(v) for v in values], dtype=np.float64)
    _refuse(
        patients, times, lambda t: not (math.isfinite(t) and t > 0),
        "Column 'time_days' must be positive and finite, days from time zero; it is not for {who}. Correct these "
        "patients or leave them out.",
    )  # fmt: skip
    return times


def _events(patients: Sequence[str], cells: pd.Series, name: str) -> NDArray[np.bool_]:
    values = list(cells.astype(object))
    _refuse_absent(patients, values, name)
    events = [_event(value) for value in values]
    strange = [p for p, event in zip(patients, events, strict=True) if event is None]
    if strange:
        others = sorted({repr(_plain(v)) for v, event in zip(values, events, strict=True) if event is None})
        two = f" {_ONE_AND_TWO}" if "2" in others or "2.0" in others else ""
        raise OutcomeError(
            f"Column {name!r} must hold booleans (True = event), the numbers 0 and 1, or dead and alive; it holds "
            f"{_some(others)} for {_some(strange)}.{two}"
        )
    return np.array(events, dtype=bool)


def _event(value: Any) -> bool | None:
    if isinstance(value, str):
        return _WORDS.get(value.strip().casefold())
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (Real, Decimal)) and value in (0, 1):
        return bool(value)
    return None


def _plain(value: Any) -> Any:
    """A NumPy number as the number that it is, for messages."""
    return value.item() if isinstance(value, np.generic) else value


def _absent(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, Real) and math.isnan(value))


def _refuse_absent(patients: Sequence[str], values: Iterable[Any], column: str) -> None:
    _refuse(patients, values, _absent, f"Column {column!r} is empty for {{who}}; fill it or leave these patients out.")


def _refuse(patients: Sequence[str], values: Iterable[Any], wrong: Callable[[Any], bool], text: str) -> None:
    bad = [patient for patient, value in zip(patients, values, strict=True) if wrong(value)]
    if bad:
        raise OutcomeError(text.format(who=_some(bad)))


def _some(names: Sequence[object]) -> str:
    return ", ".join(map(str, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
