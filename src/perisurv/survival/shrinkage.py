"""Coefficients that a new cohort will not disappoint: a Cox model shrunken for its own optimism."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from perisurv.core import ConvergenceError, FeatureTable, InputError, Outcome, SettingsError
from perisurv.statistics import RiskSets, Ties
from perisurv.survival.cox import CoxModel, fit_cox, model_at
from perisurv.survival.cox_maximum import CoxMaximum, Labels, Weights, cox_maximum, rows_by_patient
from perisurv.survival.design import design

__all__ = ["Shrinkage", "ShrinkageMethod", "shrink_bootstrap", "shrink_heuristic", "shrink_ridge"]

Floats = NDArray[np.float64]
ShrinkageMethod = Literal["heuristic", "bootstrap", "ridge"]


@dataclass(frozen=True, slots=True, eq=False)
class Shrinkage:
    """A shrunken Cox model.

    Parameters
    ----------
    method
        How it was shrunken.
    factor
        All coefficients were multiplied by this, 0 to 1; None for a ridge, which shrinks each by another factor.
    ridge
        The chosen penalty on features of unit variance; 0 without one.
    tried, deviance
        Ridges tried and the cross-validated deviance of each, shape (ridges,); empty without a ridge.
    failed
        Bootstrap samples in which no model could be fitted; they were left out.
    model
        With the shrunken coefficients and the baseline hazard that belongs to them. Standard errors are those before
        multiplication by the factor; under a ridge, of the penalised fit.
    """

    method: ShrinkageMethod
    factor: float | None
    ridge: float
    tried: Floats
    deviance: Floats
    failed: int
    model: CoxModel


def shrink_heuristic(
    x: FeatureTable | pd.DataFrame | ArrayLike,
    outcome: Outcome,
    ties: Ties = "efron",
    *,
    strata: Labels | None = None,
    weight: Weights | None = None,
) -> Shrinkage:
    """Shrink by (chi2 - p) / chi2, chi2 being the likelihood ratio statistic and p the number of features.

    van Houwelingen and le Cessie 1990, Stat Med 9:1303-1325. Where chi2 is not larger than p, the factor is 0: the
    features say no more than noise would.

    Parameters
    ----------
    x, outcome, ties, strata, weight
        As for :func:`fit_cox`. p counts the features given, so it must be the candidates, not those that a selection
        left.

    Raises
    ------
    FeatureError, OutcomeError, ConvergenceError
        As :func:`fit_cox`.
    """
    fit = cox_maximum(x, outcome, ties, strata=strata, weight=weight)
    chi2 = 2 * (fit.sets.log_likelihood(fit.eta) - fit.sets.log_likelihood(np.zeros(len(fit.eta))))
    factor = max(0.0, (chi2 - len(fit.names)) / chi2) if chi2 > 0 else 0.0
    model = model_at(fit, factor * fit.coef, outcome, ties, ridge=0.0, strata=strata, weight=weight)
    return Shrinkage("heuristic", factor, 0.0, np.zeros(0), np.zeros(0), 0, model)


def shrink_bootstrap(
    x: FeatureTable | pd.DataFrame | ArrayLike,
    outcome: Outcome,
    ties: Ties = "efron",
    *,
    rng: np.random.Generator,
    samples: int = 200,
    strata: Labels | None = None,
    weight: Weights | None = None,
) -> Shrinkage:
    """Shrink by the mean calibration slope of models of bootstrap samples on the patients themselves.

    Steyerberg et al. 2001, Stat Neerl 55:76-88. The mean slope is cut to 0..1.

    Parameters
    ----------
    x, outcome, ties, strata, weight
        As for :func:`fit_cox`.
    rng
        Draws the samples.
    samples
        Number of bootstrap samples.

    Raises
    ------
    FeatureError, OutcomeError
        As :func:`fit_cox`.
    ConvergenceError
        As :func:`fit_cox`, or if more than half of the samples have no model.
    """
    if samples < 1:
        raise SettingsError(f"A bootstrap needs at least one sample; got {samples}.")
    fit = cox_maximum(x, outcome, ties, strata=strata, weight=weight)
    cohort = _Rows.of(x, outcome, strata, weight)
    slopes = [_slope(cohort, rng.integers(len(outcome), size=len(outcome)), ties) for _ in range(samples)]
    known = [slope for slope in slopes if slope is not None]
    if 2 * len(known) < samples:
        raise ConvergenceError(
            f"{samples - len(known)} of {samples} bootstrap samples have no Cox model: too few events for these "
            "features. Use fewer features or a ridge."
        )
    factor = float(np.clip(np.mean(known), 0.0, 1.0))
    model = model_at(fit, factor * fit.coef, outcome, ties, ridge=0.0, strata=strata, weight=weight)
    return Shrinkage("bootstrap", factor, 0.0, np.zeros(0), np.zeros(0), samples - len(known), model)


def shrink_ridge(
    x: FeatureTable | pd.DataFrame | ArrayLike,
    outcome: Outcome,
    ties: Ties = "efron",
    *,
    folds: NDArray[np.integer],
    ridges: Sequence[float] | None = None,
    strata: Labels | None = None,
    weight: Weights | None = None,
) -> Shrinkage:
    """Shrink by the ridge of the smallest cross-validated deviance.

    Deviance of Verweij and van Houwelingen 1993, Stat Med 12:2305-2314: -2 x the log likelihood of all patients minus
    that of the training patients, at the coefficients of the training patients, summed over the folds.

    Parameters
    ----------
    x, outcome, ties, strata, weight
        As for :func:`fit_cox`.
    folds
        Fold of each patient, see :func:`assign_folds`, shape (patients,).
    ridges
        Penalties to try: ``ridge / 2 * sum(coef**2)`` of features of unit variance. None: 26 from 1/10 000 of the
        number of deaths to 10 times that number.

    Raises
    ------
    SettingsError
        If there are fewer than two folds, or a ridge is not positive.
    FeatureError, OutcomeError, ConvergenceError
        As :func:`fit_cox`.
    """
    cohort = _Rows.of(x, outcome, strata, weight)
    RiskSets.of(outcome.time_days, outcome.event, ties)  # refuses patients who all live
    tried = np.asarray(outcome.n_events * np.geomspace(1e-4, 10, 26) if ridges is None else ridges, dtype=float)
    if not len(tried) or not (tried > 0).all():
        raise SettingsError("The ridges to try must be positive, one at least.")
    if np.shape(folds) != (len(outcome),) or len(np.unique(folds)) < 2:
        raise SettingsError(
            f"Cross-validation needs two folds at least, and one fold for each of {len(outcome)} patients."
        )
    sd = cohort.x.std(axis=0)
    sd[sd == 0] = 1.0
    unit = replace(cohort, x=cohort.x / sd)
    dealt = np.asarray(folds)[rows_by_patient(outcome)]
    deviance = sum(
        np.array([_deviance(unit, dealt == fold, ridge, ties) for ridge in tried]) for fold in np.unique(dealt)
    )
    best = float(tried[int(np.argmin(deviance))])
    values, names = design(x, outcome)
    scaled = pd.DataFrame(values / sd, index=list(outcome.patients), columns=list(names))
    table = replace(x, frame=scaled) if isinstance(x, FeatureTable) else scaled
    model = fit_cox(table, outcome, ties, best, strata=strata, weight=weight)
    model = replace(
        model,
        coef=model.coef / sd,
        standard_error=model.standard_error / sd,
        robust_standard_error=model.robust_standard_error / sd,
        mean=model.mean * sd,
    )
    return Shrinkage("ridge", None, best, tried, np.asarray(deviance), 0, model)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Plain rows in the order of the pseudonyms, so that they can be drawn and left out."""

    x: Floats
    time_days: Floats
    event: NDArray[np.bool_]
    strata: NDArray[np.str_] | None
    weight: Floats | None

    @classmethod
    def of(
        cls,
        x: FeatureTable | pd.DataFrame | ArrayLike,
        outcome: Outcome,
        strata: Labels | None,
        weight: Weights | None,
    ) -> _Rows:
        rows = rows_by_patient(outcome)
        return cls(
            design(x, outcome)[0][rows],
            outcome.time_days[rows],
            outcome.event[rows],
            None if strata is None else np.array([str(s) for s in strata])[rows],
            None if weight is None else np.asarray(weight, dtype=float)[rows],
        )

    def take(self, rows: NDArray[np.intp]) -> _Rows:
        strata = None if self.strata is None else self.strata[rows]
        return _Rows(
            self.x[rows],
            self.time_days[rows],
            self.event[rows],
            strata,
            None if self.weight is None else self.weight[rows],
        )

    def fit(self, x: Floats, ties: Ties, ridge: float = 0.0) -> CoxMaximum:
        ids = tuple(f"{n:09d}" for n in range(len(x)))
        outcome = Outcome(ids, self.time_days, self.event)
        return cox_maximum(x, outcome, ties, ridge, strata=self.strata, weight=self.weight)

    def log_likelihood(self, eta: Floats, ties: Ties) -> float:
        strata = None if self.strata is None else self.strata.tolist()
        sets = RiskSets.of(self.time_days, self.event, ties, strata, self.weight)
        return sets.log_likelihood(eta[sets.order])


def _slope(cohort: _Rows, drawn: NDArray[np.intp], ties: Ties) -> float | None:
    """Calibration slope, on the cohort, of a model of the drawn rows; None where one of the two has no estimate."""
    sample = cohort.take(drawn)
    try:
        fit = sample.fit(sample.x, ties)
        calibration = cohort.fit((cohort.x @ (fit.coef / fit.scale))[:, None], ties)
    except (ConvergenceError, InputError):
        return None
    return float(calibration.coef[0] / calibration.scale[0])


def _deviance(cohort: _Rows, left_out: NDArray[np.bool_], ridge: float, ties: Ties) -> float:
    """-2 x the log likelihood that the left out rows add, at the coefficients of the others."""
    training = cohort.take(np.flatnonzero(~left_out))
    fit = training.fit(training.x, ties, ridge)
    coef = fit.coef / fit.scale
    return -2 * (cohort.log_likelihood(cohort.x @ coef, ties) - training.log_likelihood(training.x @ coef, ties))
