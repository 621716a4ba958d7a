"""Feature tables that know which patients every row was made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from perisurv.core.errors import FeatureError, LeakageError
from perisurv.core.wording import counted

__all__ = ["FeatureTable"]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Numbers per patient, with the patients that shaped them.

    Parameters
    ----------
    frame
        Rows are patients (index of pseudonyms), columns are features, float64. NaN means that the feature has
        no value for this patient by definition; an error never becomes NaN.
    fitted_on
        For each patient whose row went through something fitted (a network, a scaler): the patients that it was
        fitted on. Rows of plain image features need no entry.
    undefined
        For each patient: column -> why it has no value for this patient. A NaN without an entry is a missing input.
    fitted_together
        Patients whose own rows fitted what shaped these rows (``fit_transform``). Such rows serve further fits only:
        whoever fits on some of them has seen all these patients, and none of these patients can be scored by them.

    Raises
    ------
    FeatureError
        If patients or columns are not unique or a value is infinite.
    LeakageError
        If a row was made by something fitted on that same patient.
    """

    frame: pd.DataFrame
    fitted_on: Mapping[str, frozenset[str]] = field(default_factory=dict)
    undefined: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fitted_together: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        frame = self.frame.astype(float)
        frame.index = pd.Index([str(p) for p in frame.index], name="patient")
        if not (frame.index.is_unique and frame.columns.is_unique):
            raise FeatureError("A feature table needs unique patients and unique feature names.")
        infinite = np.isinf(frame.to_numpy()).any(axis=0)
        if infinite.any():
            raise FeatureError(f"Feature {frame.columns[infinite][0]!r} is infinite for some patient.")
        for patient, seen in self.fitted_on.items():
            if patient in seen:
                raise LeakageError(
                    f"The features of patient {patient} were made by a model fitted on that patient. "
                    "Use out-of-fold features."
                )
        object.__setattr__(self, "frame", frame)

    @property
    def patients(self) -> tuple[str, ...]:
        """Pseudonyms, in row order."""
        return tuple(self.frame.index)

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names, in column order."""
        return tuple(str(c) for c in self.frame.columns)

    @property
    def seen(self) -> frozenset[str]:
        """Every patient that any row was fitted on, or with."""
        return self.fitted_together.union(*self.fitted_on.values())

    def take(self, patients: Sequence[str]) -> FeatureTable:
        """Rows of these patients, in this order."""
        missing = [p for p in patients if p not in self.frame.index]
        if missing:
            raise FeatureError(f"No features for {', '.join(missing[:5])}; run extract for them.")
        kept = {p: self.fitted_on[p] for p in patients if p in self.fitted_on}
        reasons = {p: self.undefined[p] for p in patients if p in self.undefined}
        return FeatureTable(self.frame.loc[list(patients)], kept, reasons, self.fitted_together)

    def select(self, names: Sequence[str]) -> FeatureTable:
        """Columns of these names, in this order."""
        missing = [n for n in names if n not in self.frame.columns]
        if missing:
            raise FeatureError(f"Feature {missing[0]!r} is not in the table of {self.frame.shape[1]} features.")
        wanted = set(names)
        reasons = {p: {c: why for c, why in held.items() if c in wanted} for p, held in self.undefined.items()}
        reasons = {p: held for p, held in reasons.items() if held}
        return FeatureTable(self.frame[list(names)], self.fitted_on, reasons, self.fitted_together)

    def starting_with(self, *prefixes: str) -> FeatureTable:
        """Columns whose names start with one of the prefixes."""
        return self.select([n for n in self.names if n.startswith(prefixes)])

    def join(self, other: FeatureTable) -> FeatureTable:
        """Columns of both tables for the patients of this one."""
        right = other.take(self.patients)
        seen = {
            p: self.fitted_on.get(p, frozenset()) | right.fitted_on.get(p, frozenset())
            for p in self.patients
            if p in self.fitted_on or p in right.fitted_on
        }
        reasons = {
            p: {**self.undefined.get(p, {}), **right.undefined.get(p, {})}
            for p in self.patients
            if p in self.undefined or p in right.undefined
        }
        together = self.fitted_together | right.fitted_together
        return FeatureTable(pd.concat([self.frame, right.frame], axis=1), seen, reasons, together)

    @classmethod
    def stack(cls, tables: Sequence[FeatureTable]) -> FeatureTable:
        """Rows of all tables, one below the other; every table has the columns of the first."""
        if not tables:
            raise FeatureError("There is no feature table to stack: no patient gave features.")
        names = tables[0].names
        frame = pd.concat([table.select(names).frame for table in tables])
        seen = {p: held for table in tables for p, held in table.fitted_on.items()}
        reasons = {p: held for table in tables for p, held in table.undefined.items()}
        return cls(frame, seen, reasons, frozenset().union(*(table.fitted_together for table in tables)))

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"FeatureTable({counted(len(self), 'patient')} x {counted(self.frame.shape[1], 'feature')})"
