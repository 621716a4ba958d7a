"""The two lines that every fitted object of this room shares: refuse seen patients, pass on who shaped a row."""

from __future__ import annotations

import pandas as pd

from perisurv.core import FeatureTable, LeakageError

__all__ = ["passed_on", "refuse_seen"]


def refuse_seen(table: FeatureTable, fitted_on: frozenset[str], what: str) -> None:
    """Refuse a table that holds a patient of ``fitted_on``.

    Raises
    ------
    LeakageError
        Naming the patients.
    """
    seen = sorted(fitted_on.intersection(table.patients))
    if seen:
        raise LeakageError(
            f"The {what} was fitted on {len(seen)} of the {len(table)} patients to be scored "
            f"({', '.join(seen[:5])}{', ...' if len(seen) > 5 else ''}). Score patients that it has never seen."
        )


def passed_on(frame: pd.DataFrame, table: FeatureTable, fitted_on: frozenset[str]) -> FeatureTable:
    """What a fitted step made of a table, knowing the patients behind both."""
    return FeatureTable(frame, {p: table.fitted_on.get(p, frozenset()) | fitted_on for p in table.patients})
