"""The step behind every filter: the features that were kept."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from perisurv.core import FeatureTable
from perisurv.core.brief import Brief
from perisurv.survival.firewall import passed_on, refuse_seen

__all__ = ["KeptFeatures"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class KeptFeatures(Brief):
    """A fixed choice of columns.

    Parameters
    ----------
    names
        Features that remain, in the order of the columns.
    fitted_on
        Patients that this step must not transform.
    """

    names: tuple[str, ...]
    fitted_on: frozenset[str]

    def apply(self, table: FeatureTable) -> FeatureTable:
        """The kept features of new patients.

        Raises
        ------
        LeakageError
            If a patient was used for fitting.
        FeatureError
            If a feature is not in the table.
        """
        refuse_seen(table, self.fitted_on, "choice of features")
        return passed_on(self.values(table.select(self.names).frame), table, self.fitted_on)

    def values(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The arithmetic of :meth:`apply`, without its check; other columns are left out."""
        return frame[list(self.names)]
