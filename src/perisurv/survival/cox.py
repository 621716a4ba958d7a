"""Cox proportional hazards: Newton's method, Efron or Breslow ties, strata, case weights, baseline hazard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from perisurv.core import FeatureError, FeatureTable, Outcome
from perisurv.core.brief import Brief
from perisurv.statistics import RiskSets, Ties
from perisurv.survival.cox_maximum import CoxMaximum, Labels, Weights, cox_maximum
from perisurv.survival.estimator import Features, FollowUp, SurvivalRegressor
from perisurv.survival.firewall import refuse_seen

__all__ = ["BaselineHazard", "CoxModel", "CoxRegression", "fit_cox", "model_at"]

Floats = NDArray[np.float64]

LARGEST = 700.0  # exp(710) overflows; a log hazard ratio beyond it is certain death or certain life


@dataclass(frozen=True, slots=True, eq=False)
class BaselineHazard:
    """Cumulative hazard of the mean patient: Breslow's estimator, under Efron ties its Efron counterpart.

    Parameters
    ----------
    time_days
        Times of death, ascending, shape (times,); none where nobody died.
    hazard
        Cumulative hazard from each of them on, shape (times,).
    follow_up_days
        Longest follow-up, days.
    """

    time_days: Floats
    hazard: Floats
    follow_up_days: float

    def __post_init__(self) -> None:
        if self.time_days.shape != self.hazard.shape or self.hazard.ndim != 1:
            raise FeatureError("A baseline hazard needs one value a time of an event.")

    def at(self, times_days: Floats) -> Floats:
        """Cumulative hazard at any times, in the shape of the times; NaN beyond the longest follow-up."""
        position = np.searchsorted(self.time_days, times_days, side="right")
        hazard = np.concatenate([[0.0], self.hazard])[position]
        return np.asarray(np.where(times_days > self.follow_up_days, np.nan, hazard))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CoxModel(Brief):
    """A fitted Cox model with its baseline hazard.

    Parameters
    ----------
    names
        Features, in the order of the coefficients.
    coef
        Log hazard ratios per unit, shape (features,).
    standard_error
        Of the coefficients, from the inverse (penalised) information, shape (features,).
    robust_standard_error
        Of the coefficients, by the sandwich of Lin and Wei (1989), shape (features,).
    mean
        Training means (by case weight), shape (features,); the risk of the mean patient is 0.
    log_likelihood, log_likelihood_null
        Unpenalised log partial likelihood at the coefficients and at zero.
    baseline
        Of all training patients together at these coefficients.
    strata, stratum_baselines
        Labels of the strata, sorted, and the baseline hazard of each; none without strata.
    ties, ridge, weighted
        As fitted; whether case weights were given.
    fitted_on
        Patients that this model must not score.
    """

    names: tuple[str, ...]
    coef: Floats
    standard_error: Floats
    robust_standard_error: Floats
    mean: Floats
    log_likelihood: float
    log_likelihood_null: float
    baseline: BaselineHazard
    strata: tuple[str, ...]
    stratum_baselines: tuple[BaselineHazard, ...]
    ties: Ties
    ridge: float
    weighted: bool
    fitted_on: frozenset[str]

    def __post_init__(self) -> None:
        for values in (self.coef, self.standard_error, self.robust_standard_error, self.mean):
            if values.shape != (len(self.names),):
                raise FeatureError(f"A Cox model of {len(self.names)} features got {values.shape} numbers.")
        if not len(self.baseline.hazard) or len(self.strata) != len(self.stratum_baselines):
            raise FeatureError("A Cox model needs a baseline hazard, and one for each stratum.")

    @property
    def z(self) -> Floats:
        """Wald statistics, shape (features,); by the robust standard errors where case weights were given."""
        return np.asarray(self.coef / (self.robust_standard_error if self.weighted else self.standard_error))

    @property
    def p(self) -> Floats:
        """Two-sided Wald p-values, shape (features,)."""
        return np.asarray(2 * special.ndtr(-np.abs(self.z)))

    def risk(self, table: FeatureTable) -> Floats:
        """Log hazard ratio of new patients against the mean training patient, shape (patients,).

        Raises
        ------
        LeakageError
            If the model was fitted on one of the patients.
        """
        refuse_seen(table, self.fitted_on, "Cox model")
        return self.linear_predictor(table.select(self.names).frame.to_numpy())

    def linear_predictor(self, x: Floats) -> Floats:
        """Log hazard ratio of rows (n, features) against the mean training patient; says nothing on who they are."""
        return np.asarray((x - self.mean) @ self.coef)

    def survival(self, risk: Floats, horizons_days: Sequence[float], strata: Labels | None = None) -> Floats:
        """Probability of being alive, shape (patients, horizons).

        NaN beyond the longest training follow-up (of the stratum), where the data say nothing.

        Parameters
        ----------
        risk
            Log hazard ratios, shape (patients,).
        horizons_days
            Times, days.
        strata
            One label a patient. Patients of a stratum that was not in the training data, or in which nobody died, get
            the baseline of all training patients together, as does everybody without labels.
        """
        times = np.asarray(horizons_days, dtype=float)
        ratio = np.exp(np.minimum(risk, LARGEST))
        hazard = np.tile(self.baseline.at(times), (len(ratio), 1))
        if strata is not None:
            labels = np.array([str(s) for s in strata])
            if labels.shape != ratio.shape:
                raise FeatureError(f"Strata need one label a patient: {labels.size} labels for {ratio.size} patients.")
            for name, baseline in zip(self.strata, self.stratum_baselines, strict=True):
                if len(baseline.hazard):
                    hazard[labels == name] = baseline.at(times)
        with np.errstate(over="ignore"):  # an infinite cumulative hazard is certain death
            return np.asarray(np.exp(-ratio[:, None] * hazard))


def fit_cox(
    x: FeatureTable | pd.DataFrame | ArrayLike,
    outcome: Outcome,
    ties: Ties = "efron",
    ridge: float = 0.0,
    *,
    strata: Labels | None = None,
    weight: Weights | None = None,
) -> CoxModel:
    """Fit a Cox model by Newton's method with step halving.

    Parameters
    ----------
    x
        Shape (patients, features), rows in the order of the outcome; no feature at all gives the null model.
    outcome
        Follow-up.
    ties
        ``"efron"`` (as R's coxph) or ``"breslow"``.
    ridge
        Subtracts ``ridge / 2 * sum(coef**2)`` from the log partial likelihood.
    strata
        One label a patient: patients are compared within their stratum only, and each has its own baseline hazard.
    weight
        Case weights >= 0, one a patient. A weight of 2 counts as two patients under Breslow ties; under Efron ties
        it does not, because the two would be tied (as in R).

    Raises
    ------
    FeatureError
        If a value is missing, or columns are constant or collinear and there is no ridge.
    OutcomeError
        If nobody died, or strata or weights do not fit the patients.
    ConvergenceError
        If the likelihood has no finite maximum (a feature separates the deaths) or Newton's method did not reach it.
    """
    maximum = cox_maximum(x, outcome, ties, ridge, strata=strata, weight=weight)
    return model_at(maximum, maximum.coef, outcome, ties, ridge=ridge, strata=strata, weight=weight)


def model_at(
    maximum: CoxMaximum,
    coef: Floats,
    outcome: Outcome,
    ties: Ties,
    *,
    ridge: float,
    strata: Labels | None,
    weight: Weights | None,
) -> CoxModel:
    """The model with any coefficients (per unit of ``maximum.x``) and the baseline hazards that belong to them.

    Standard errors are those of the maximum.
    """
    sets, scale = maximum.sets, maximum.scale
    eta = maximum.x @ coef
    labels = () if strata is None else tuple(sorted({str(s) for s in strata}))
    return CoxModel(
        names=maximum.names,
        coef=coef / scale,
        standard_error=np.sqrt(np.diag(maximum.covariance)) / scale,
        robust_standard_error=np.sqrt(np.diag(maximum.robust_covariance())) / scale,
        mean=maximum.mean,
        log_likelihood=sets.log_likelihood(eta),
        log_likelihood_null=sets.log_likelihood(np.zeros(len(eta))),
        baseline=_pooled(maximum, eta, outcome, ties),
        strata=labels,
        stratum_baselines=_baselines(sets, eta) if labels else (),
        ties=ties,
        ridge=float(ridge),
        weighted=weight is not None,
        fitted_on=maximum.seen,
    )


def _pooled(maximum: CoxMaximum, eta: Floats, outcome: Outcome, ties: Ties) -> BaselineHazard:
    """The baseline of all patients together."""
    if len(maximum.sets.strata) == 2:
        return _baselines(maximum.sets, eta)[0]
    rows = maximum.rows
    together = RiskSets.of(outcome.time_days[rows], outcome.event[rows], ties, None, maximum.sets.weight)
    return _baselines(together, eta[together.order])[0]


def _baselines(sets: RiskSets, eta: Floats) -> tuple[BaselineHazard, ...]:
    """Cumulative baseline hazard of each stratum."""
    increment = sets.death_weight * np.exp(np.minimum(-sets.log_at_risk(eta), LARGEST))
    last = np.append(sets.tie_start[1:], len(sets.deaths)) - 1
    bounds = np.searchsorted(sets.deaths, sets.strata)
    made = []
    for n, (a, b) in enumerate(pairwise(bounds)):
        own = last[(last >= a) & (last < b)]
        made.append(
            BaselineHazard(
                time_days=sets.time_days[sets.deaths[own]],
                hazard=np.cumsum(increment[a:b])[own - a],
                follow_up_days=float(sets.time_days[sets.strata[n + 1] - 1]),
            )
        )
    return tuple(made)


class CoxRegression(SurvivalRegressor):
    """Cox proportional hazards; see :func:`fit_cox`.

    Parameters
    ----------
    ties
        ``"efron"`` or ``"breslow"``.
    ridge
        Subtracts ``ridge / 2 * sum(coef**2)`` from the log partial likelihood.

    Attributes
    ----------
    model_
        The fitted :class:`CoxModel`.
    coef_
        Log hazard ratios per unit, shape (features,).
    """

    model_: CoxModel
    coef_: Floats

    def __init__(self, *, ties: Ties = "efron", ridge: float = 0.0) -> None:
        self.ties = ties
        self.ridge = ridge

    def fit(
        self, X: Features, y: FollowUp, *, sample_weight: Weights | None = None, strata: Labels | None = None
    ) -> Self:
        """Fit on training patients, with case weights and strata if given: one a row."""

        def fit(table: FeatureTable, outcome: Outcome) -> None:
            self.model_ = fit_cox(table, outcome, self.ties, self.ridge, strata=strata, weight=sample_weight)
            self.coef_ = self.model_.coef

        return self._learn(X, y, fit)

    def predict_survival(self, X: Features, horizons_days: Sequence[float], *, strata: Labels | None = None) -> Floats:
        """Probability of being alive, shape (patients, horizons); see :meth:`CoxModel.survival`.

        Raises
        ------
        LeakageError
            If a patient was used for fitting.
        """
        return self.model_.survival(self.predict(X), horizons_days, strata)

    def _risk(self, frame: pd.DataFrame) -> Floats:
        return self.model_.linear_predictor(frame.to_numpy())
