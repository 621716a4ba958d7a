"""The maximum of a Cox likelihood with what every diagnosis of the model starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from perisurv.core import FeatureTable, Outcome
from perisurv.statistics import RiskSets, Ties, maximise
from perisurv.survival.design import design

__all__ = ["CoxMaximum", "Labels", "Weights", "cox_maximum", "rows_by_patient"]

Floats = NDArray[np.float64]
Labels = Sequence[object] | NDArray[np.generic] | pd.Series
Weights = ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class CoxMaximum:
    """Standardised features in the order of the risk sets, and the coefficients that maximise the likelihood.

    Parameters
    ----------
    names
        Features.
    x
        Shape (n, features): by stratum and time, centred on the weighted mean, of unit weighted variance.
    sets
        Risk sets.
    rows
        For each position of the sets, the row that came in, shape (n,).
    mean, scale
        Of the features as given, shape (features,).
    coef, covariance
        Per unit of ``x``, shape (features,); inverse of the (penalised) information, shape (features, features).
    seen
        The training patients and those behind their features.
    """

    names: tuple[str, ...]
    x: Floats
    sets: RiskSets
    rows: NDArray[np.intp]
    mean: Floats
    scale: Floats
    coef: Floats
    covariance: Floats
    seen: frozenset[str]

    @property
    def eta(self) -> Floats:
        """Linear predictors, shape (n,)."""
        return np.asarray(self.x @ self.coef)

    @property
    def died(self) -> NDArray[np.bool_]:
        """Who died (with a case weight that is not zero), shape (n,)."""
        died = np.zeros(len(self.x), dtype=bool)
        died[self.sets.deaths] = True
        return died

    def mean_at_risk(self) -> tuple[Floats, Floats, Floats]:
        """Hazard of each patient against the largest of the stratum (n,); at each death their sum and the mean of x.

        Shapes (n,), (deaths,) and (deaths, features); weighted by hazard and case weight, ties as fitted.
        """
        weight = self.sets.relative_weight(self.eta)
        at_risk = self.sets.at_risk(weight)
        return weight, at_risk, self.sets.at_risk(weight[:, None] * self.x) / at_risk[:, None]

    def martingale_residuals(self) -> Floats:
        """Deaths minus expected deaths of each patient, case weight left out, in the order of the sets, shape (n,)."""
        # Without the own case weight, so that patients of weight zero have a residual too.
        hazard = self.sets.up_to(self.sets.death_weight * np.exp(-self.sets.log_at_risk(self.eta)))
        return np.asarray(self.died - np.exp(self.eta) * hazard)

    def score_residuals(self) -> Floats:
        """Each patient's share in the score, case weight left out, in the order of the sets, shape (n, features)."""
        _, _, mean = self.mean_at_risk()
        hazard = self.sets.death_weight * np.exp(-self.sets.log_at_risk(self.eta))
        ratio = np.exp(self.eta)[:, None]
        residual = ratio * (self.sets.up_to(hazard[:, None] * mean) - self.x * self.sets.up_to(hazard)[:, None])
        deaths = self.sets.deaths
        residual[deaths] += self.x[deaths] - self.sets.within_ties(mean)
        return np.asarray(residual)

    def robust_covariance(self) -> Floats:
        """Sandwich of Lin and Wei (1989, JASA 84:1074-1078) per unit of ``x``, shape (features, features)."""
        influence = (self.score_residuals() * self.sets.weight[:, None]) @ self.covariance
        return np.asarray(influence.T @ influence)


def rows_by_patient(outcome: Outcome) -> NDArray[np.intp]:
    """Positions of the patients by pseudonym: sums then do not hang on the order in which patients came."""
    return np.array(sorted(range(len(outcome)), key=outcome.patients.__getitem__), dtype=np.intp)


def cox_maximum(
    x: FeatureTable | pd.DataFrame | ArrayLike,
    outcome: Outcome,
    ties: Ties = "efron",
    ridge: float = 0.0,
    *,
    strata: Labels | None = None,
    weight: Weights | None = None,
) -> CoxMaximum:
    """Maximise the partial likelihood; parameters and errors as for :func:`perisurv.survival.fit_cox`."""
    values, names = design(x, outcome)
    order = rows_by_patient(outcome)
    whole = RiskSets.of(
        outcome.time_days[order],
        outcome.event[order],
        ties,
        None if strata is None else list(_taken(strata, order)),
        None if weight is None else _taken(weight, order).astype(float),
    )
    rows = order[whole.order]
    values = values[rows]
    total = whole.weight.sum()
    mean = whole.weight @ values / total
    scale = np.sqrt(whole.weight @ (values - mean) ** 2 / total)
    scale[scale <= 1e-12 * np.maximum(np.abs(mean), 1e-300)] = 1.0
    scaled = (values - mean) / scale
    coef, information = maximise(scaled, whole, ridge / scale**2, names)
    return CoxMaximum(
        names=names,
        x=scaled,
        sets=whole,
        rows=rows,
        mean=mean,
        scale=scale,
        coef=coef,
        covariance=np.asarray(linalg.inv(information)) if names else np.zeros((0, 0)),
        seen=frozenset(outcome.patients) | (x.seen if isinstance(x, FeatureTable) else frozenset()),
    )


def _taken(values: Labels | ArrayLike, order: NDArray[np.intp]) -> NDArray[np.generic]:
    """Values in another order; of another length they are left to the risk sets, which say what is wrong."""
    array: NDArray[np.generic] = np.asarray(values)
    return array[order] if array.shape == order.shape else array
