"""Selected features of all groups -> components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureError, FeatureTable
from perisurv.survival.firewall import passed_on, refuse_seen

__all__ = ["FusedFeatures", "fit_fusion"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FusedFeatures:
    """A fixed linear map from standardised features to components.

    Parameters
    ----------
    names
        Standardised features, shape (features,).
    components
        Names of the components: ``pc_01``, ... by descending variance, or the features themselves without PCA.
    loadings
        Shape (features, components).
    explained
        Share of the training variance that the components carry.
    fitted_on
        Patients that this step must not transform.
    """

    names: tuple[str, ...]
    components: tuple[str, ...]
    loadings: Floats
    explained: float
    fitted_on: frozenset[str]

    def __post_init__(self) -> None:
        if self.loadings.shape != (len(self.names), len(self.components)):
            raise FeatureError(
                f"Loadings of {len(self.names)} features on {len(self.components)} components cannot have shape "
                f"{self.loadings.shape}."
            )

    def apply(self, table: FeatureTable) -> FeatureTable:
        """Components of new patients.

        Raises
        ------
        LeakageError
            If a patient was used for fitting.
        """
        refuse_seen(table, self.fitted_on, "fusion")
        return passed_on(self.values(table.select(self.names).frame), table, self.fitted_on)

    def values(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The arithmetic of :meth:`apply`, without its check."""
        return pd.DataFrame(frame.to_numpy() @ self.loadings, index=frame.index, columns=list(self.components))


def fit_fusion(
    x: pd.DataFrame, fitted_on: frozenset[str], pca_variance: float | None
) -> tuple[FusedFeatures, pd.DataFrame]:
    """Fit on standardised training features.

    Parameters
    ----------
    x
        Training patients x features, standardised.
    fitted_on
        The training patients and those behind their features.
    pca_variance
        Keep as many principal components as explain this share of the variance; None keeps the features themselves.
        A component's largest loading is positive, so its sign is no accident of the solver.

    Returns
    -------
    The fitted step, and the training patients' own components.
    """
    names = tuple(str(c) for c in x.columns)
    if pca_variance is None or len(names) < 2:
        step = FusedFeatures(names, names, np.eye(len(names)), 1.0, fitted_on)
        return step, step.values(x)
    _, singular, rows = np.linalg.svd(x.to_numpy(), full_matrices=False)
    share = np.cumsum(singular**2) / np.sum(singular**2)
    rank = int(np.sum(singular > 1e-10 * singular[0]))
    count = min(int(np.searchsorted(share, pca_variance - 1e-12)) + 1, rank)
    loadings = rows[:count].T
    largest = np.abs(loadings).argmax(axis=0)
    loadings = loadings * np.sign(loadings[largest, np.arange(count)])
    components = tuple(f"pc_{n:02d}" for n in range(1, count + 1))
    step = FusedFeatures(names, components, loadings, float(share[count - 1]), fitted_on)
    return step, step.values(x)
