"""Cox proportional hazards: Newton's method, Efron or Breslow ties, baseline hazard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, special

from perisurv.core import FeatureError, FeatureTable, Outcome
from perisurv.statistics import RiskSets, Ties, maximise
from perisurv.survival.design import design
from perisurv.survival.firewall import refuse_seen

__all__ = ["CoxModel", "fit_cox"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CoxModel:
    """A fitted Cox model with its baseline hazard.

    Parameters
    ----------
    names
        Features, in the order of the coefficients.
    coef
        Log hazard ratios per unit, shape (features,).
    standard_error
        Of the coefficients, from the inverse (penalised) information, shape (features,).
    mean
        Training means, shape (features,); the risk of the mean patient is 0.
    log_likelihood, log_likelihood_null
        Unpenalised log partial likelihood at the coefficients and at zero.
    baseline_time_days, baseline_hazard
        Times of death and the cumulative hazard of the mean patient from then on, shape (times,). Breslow's estimator;
        under Efron ties its Efron counterpart, as in R's ``basehaz``.
    follow_up_days
        Longest training follow-up, days.
    ties, ridge
        As fitted.
    fitted_on
        Patients that this model must not score.
    """

    names: tuple[str, ...]
    coef: Floats
    standard_error: Floats
    mean: Floats
    log_likelihood: float
    log_likelihood_null: float
    baseline_time_days: Floats
    baseline_hazard: Floats
    follow_up_days: float
    ties: Ties
    ridge: float
    fitted_on: frozenset[str]

    def __post_init__(self) -> None:
        for values in (self.coef, self.standard_error, self.mean):
            if values.shape != (len(self.names),):
                raise FeatureError(f"A Cox model of {len(self.names)} features got {values.shape} numbers.")
        if self.baseline_time_days.shape != self.baseline_hazard.shape or not len(self.baseline_hazard):
            raise FeatureError("A baseline hazard needs one value a time of death.")

    @property
    def z(self) -> Floats:
        """Wald statistics, shape (features,)."""
        return np.asarray(self.coef / self.standard_error)

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

    def survival(self, risk: Floats, horizons_days: Sequence[float]) -> Floats:
        """Probability of being alive, shape (patients, horizons).

        NaN beyond the longest training follow-up, where the data say nothing.
        """
        times = np.asarray(horizons_days, dtype=float)
        position = np.searchsorted(self.baseline_time_days, times, side="right")
        hazard = np.concatenate([[0.0], self.baseline_hazard])[position]
        hazard[times > self.follow_up_days] = np.nan
        ratio = np.exp(np.minimum(risk, 700.0))  # e^710 overflows; either is certain death
        return np.asarray(np.exp(-ratio[:, None] * hazard))


def fit_cox(
    x: FeatureTable | pd.DataFrame | ArrayLike, outcome: Outcome, ties: Ties = "efron", ridge: float = 0.0
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

    Raises
    ------
    FeatureError
        If a value is missing, or columns are constant or collinear and there is no ridge.
    OutcomeError
        If nobody died.
    ConvergenceError
        If the likelihood has no finite maximum (a feature separates the deaths) or Newton's method did not reach it.
    """
    values, names = design(x, outcome)
    sets = RiskSets.of(outcome.time_days, outcome.event, ties)
    seen = frozenset(outcome.patients) | (x.seen if isinstance(x, FeatureTable) else frozenset())
    mean = values.mean(axis=0)
    scale = values.std(axis=0)
    scale[scale <= 1e-12 * np.maximum(np.abs(mean), 1e-300)] = 1.0
    scaled = ((values - mean) / scale)[sets.order]
    penalty = ridge / scale**2
    coef, information = maximise(scaled, sets, penalty, names)
    eta = scaled @ coef
    weight = np.exp(eta)
    hazard = np.cumsum(1 / sets.at_risk(weight))
    last = np.append(sets.tie_start[1:], len(sets.deaths)) - 1
    return CoxModel(
        names=names,
        coef=coef / scale,
        standard_error=np.sqrt(np.diag(linalg.inv(information))) / scale if names else np.zeros(0),
        mean=mean,
        log_likelihood=sets.log_likelihood(eta),
        log_likelihood_null=sets.log_likelihood(np.zeros(len(eta))),
        baseline_time_days=sets.time_days[sets.deaths[last]],
        baseline_hazard=hazard[last],
        follow_up_days=float(sets.time_days[-1]),
        ties=ties,
        ridge=float(ridge),
        fitted_on=seen,
    )
