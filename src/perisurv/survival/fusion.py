"""Selected features of all groups -> components, by a fixed linear map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureError, FeatureTable, SettingsError
from perisurv.core.brief import Brief
from perisurv.survival.estimator import Features, FollowUp, TableTransformer
from perisurv.survival.firewall import passed_on, refuse_seen

__all__ = ["FusedFeatures", "PcaFusion", "fit_fusion"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FusedFeatures(Brief):
    """A fixed linear map from standardised features to components.

    Parameters
    ----------
    names
        Standardised features, shape (features,).
    components
        Names of the components: ``pc_01``, ... by descending variance, ``radiomics_pc_01``, ... by group,
        ``risk_radiomics``, ... the risk of a group; or the features themselves without fusion.
    loadings
        Shape (features, components).
    explained
        Share of the training variance that the components carry; 1 where nothing was compressed.
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
        """The arithmetic of :meth:`apply`, without its check; other columns are left out."""
        values = frame[list(self.names)].to_numpy() @ self.loadings
        return pd.DataFrame(values, index=frame.index, columns=list(self.components))


class PcaFusion(TableTransformer):
    """Principal components of standardised features; see :func:`fit_fusion`.

    Parameters
    ----------
    variance
        Keep as many components as explain this share of the variance.
    n_components
        Keep this number instead; 0: by the variance.
    """

    step_: FusedFeatures

    def __init__(self, *, variance: float = 0.95, n_components: int = 0) -> None:
        self.variance = variance
        self.n_components = n_components

    def fit(self, X: Features, y: FollowUp | None = None) -> Self:
        """Fit on training patients; the follow-up is not looked at.

        Raises
        ------
        SettingsError
            If the share does not lie within 0..1 or the number is negative.
        """
        if not 0 < self.variance <= 1 or self.n_components < 0:
            raise SettingsError(
                f"PcaFusion needs a variance within 0..1 and n_components >= 0; got {self.variance!r} and "
                f"{self.n_components!r}."
            )

        def fit(table: FeatureTable, _: object) -> FusedFeatures:
            ordered = table.take(sorted(table.patients))  # sums do not depend on the order of the rows
            seen = frozenset(table.patients) | table.seen
            return fit_fusion(ordered.frame, seen, self.variance, self.n_components)[0]

        return self._learn(X, y, fit)


def fit_fusion(
    x: pd.DataFrame,
    fitted_on: frozenset[str],
    pca_variance: float | None,
    count: int = 0,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    plain: Sequence[str] = (),
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
    count
        Keep this number of components instead, at most the rank; 0: by the variance.
    groups
        Name -> columns whose components are found by themselves; None: those of all columns together.
    plain
        Columns that stay as they are.

    Returns
    -------
    The fitted step, and the training patients' own components.
    """
    names = tuple(str(c) for c in x.columns)
    parts = {"": names} if groups is None else groups
    at = {name: n for n, name in enumerate(names)}
    components: list[str] = []
    columns: list[Floats] = []
    kept = 0.0
    for group, members in parts.items():
        rows = [at[c] for c in members if c not in plain]
        alone = [at[c] for c in members if c in plain]
        if pca_variance is None or len(rows) < 2:
            rows, alone = [], [at[c] for c in members]
        block, share = _principal(x.to_numpy()[:, rows], pca_variance or 1.0, count)
        components += [f"{group}{'_' * bool(group)}pc_{n:02d}" for n in range(1, block.shape[1] + 1)]
        components += [names[n] for n in alone]
        columns += [*_placed(block, rows, len(names)), *np.eye(len(names))[alone]]
        kept += share * _square(x, rows) + _square(x, alone)
    loadings = np.array(columns).reshape(len(components), len(names)).T
    total = _square(x, list(range(len(names))))
    step = FusedFeatures(names, tuple(components), loadings, kept / total if columns and total > 0 else 1.0, fitted_on)
    return step, step.values(x)


def _placed(block: Floats, rows: Sequence[int], size: int) -> Floats:
    """Loadings (components, all features) of a block of some of the features."""
    placed = np.zeros((block.shape[1], size))
    placed[:, rows] = block.T
    return placed


def _square(x: pd.DataFrame, columns: Sequence[int]) -> float:
    return float(np.sum(x.to_numpy()[:, columns] ** 2))


def _principal(values: Floats, variance: float, count: int) -> tuple[Floats, float]:
    """Loadings (features, components) and the share of the variance that they carry."""
    if not values.shape[1]:
        return np.zeros((0, 0)), 1.0
    _, singular, rows = np.linalg.svd(values, full_matrices=False)
    share = np.cumsum(singular**2) / max(float(np.sum(singular**2)), 1e-300)
    rank = max(int(np.sum(singular > 1e-10 * singular[0])), 1)
    kept = min(count or int(np.searchsorted(share, variance - 1e-12)) + 1, rank)
    loadings = rows[:kept].T
    largest = np.abs(loadings).argmax(axis=0)
    loadings = loadings * np.sign(loadings[largest, np.arange(kept)])
    return loadings, float(share[kept - 1])
