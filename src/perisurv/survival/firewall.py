"""What every fitted object of this room shares: refuse seen patients, pass on who shaped a row."""

from __future__ import annotations

import pandas as pd

from perisurv.core import FeatureTable, LeakageError

__all__ = ["passed_on", "refuse_seen"]


def refuse_seen(table: FeatureTable, fitted_on: frozenset[str], what: str) -> None:
    """Refuse a table that holds a patient of ``fitted_on``, or rows of a patient that helped to fit what shaped them.

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
    own = sorted(table.fitted_together.intersection(table.patients))
    if own:
        raise LeakageError(
            f"The rows of {len(own)} of the {len(table)} patients to be scored by the {what} "
            f"({', '.join(own[:5])}{', ...' if len(own) > 5 else ''}) come from a step that was fitted on these "
            "patients (fit_transform). Fit that step on the training patients only and transform the others."
        )


def passed_on(frame: pd.DataFrame, table: FeatureTable, fitted_on: frozenset[str]) -> FeatureTable:
    """What a fitted step made of a table, knowing the patients behind both."""
    before = table.fitted_on
    seen = {p: before[p] | fitted_on if p in before else fitted_on for p in table.patients}
    return FeatureTable(frame, seen, fitted_together=table.fitted_together)
