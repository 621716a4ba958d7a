"""A cohort as a table of plain columns, as stored in ``cohort.parquet``, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from perisurv.cohort.sources import Source, source_from_fields
from perisurv.core import Cohort, Exclusion, InputError, Outcome, Patient, ScanSource

__all__ = ["SOURCE_COLUMNS", "cohort_from_frame", "cohort_to_frame"]

SOURCE_COLUMNS = ("source_kind", "source")
_OWN = ("patient", "centre", *SOURCE_COLUMNS)
_OUTCOME = ("time_days", "event", "competing")


@runtime_checkable
class _Movable(Protocol):
    def below(self, root: Path) -> Source: ...


def cohort_to_frame(cohort: Cohort, root: Path | str) -> pd.DataFrame:
    """One row a patient: id, centre, source as JSON with paths relative to ``root``, clinical columns, follow-up.

    Files outside ``root`` keep their whole path. Exclusions are not part of the table.
    """
    base = Path(root).absolute()
    fields = [_below(p.source, base).describe() for p in cohort.patients]
    frame = pd.DataFrame(
        {
            "patient": list(cohort.ids),
            "centre": [p.centre for p in cohort.patients],
            "source_kind": [f["kind"] for f in fields],
            "source": [json.dumps({k: v for k, v in f.items() if k != "kind"}, sort_keys=True) for f in fields],
        }
    )
    for name in cohort.clinical.columns:
        frame[name] = cohort.clinical[name].to_numpy()
    if cohort.outcome is not None:
        frame["time_days"] = cohort.outcome.time_days
        frame["event"] = cohort.outcome.event
        if cohort.outcome.competing is not None:
            frame["competing"] = cohort.outcome.competing
    return frame


def cohort_from_frame(frame: pd.DataFrame, exclusions: Iterable[Exclusion], root: Path | str) -> Cohort:
    """Inverse of ``cohort_to_frame``; ``root`` is where the cohort folder lies now.

    Raises
    ------
    InputError
        If a column is missing or a source is damaged.
    """
    missing = [name for name in _OWN if name not in frame.columns]
    if missing:
        raise InputError(f"The cohort table has no column {missing[0]!r}; run index again.")
    base = Path(root).absolute()
    patients = []
    for row in frame[list(_OWN)].itertuples(index=False):
        fields = {"kind": str(row.source_kind), **json.loads(str(row.source))}
        patients.append(Patient(str(row.patient), str(row.centre), source_from_fields(fields, base)))
    clinical = frame.drop(columns=[c for c in (*_OWN, *_OUTCOME) if c in frame.columns])
    clinical = clinical.where(clinical.notna(), np.nan)  # a column of nothing comes back as None
    clinical.index = pd.Index([p.id for p in patients], name="patient", dtype=object)
    outcome = Outcome.from_frame(frame.set_index("patient")) if "time_days" in frame.columns else None
    return Cohort(tuple(patients), clinical, outcome, tuple(exclusions))


def _below(source: ScanSource, root: Path) -> ScanSource:
    return source.below(root) if isinstance(source, _Movable) else source
