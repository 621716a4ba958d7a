"""How much of survival a risk explains: R2 of several kinds, Royston and Sauerbrei's D, indexes of rms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from perisurv.core import FeatureError, Outcome
from perisurv.statistics import RiskSets, Ties, harrell_c, maximise

__all__ = ["ExplainedVariation", "ModelIndexes", "explained_variation", "indexes_of", "model_indexes"]

Floats = NDArray[np.float64]

KAPPA = np.sqrt(8 / np.pi)
EXTREME_VALUE_VARIANCE = np.pi**2 / 6  # of the error of a proportional hazards model on the log cumulative hazard


@dataclass(frozen=True, slots=True)
class ExplainedVariation:
    """Explained variation of a risk; 0 where it explains nothing.

    Parameters
    ----------
    nagelkerke
        From the likelihood of the risk as the only term of a Cox model, scaled to at most 1 (as rms prints R2).
    royston_d, royston_d_standard_error
        Log hazard ratio between the halves of higher and lower risk, were the risk normal.
    r2_d
        Explained variation of D on the log hazard scale.
    kent_oquigley
        The same from the variance of the risk, its slope fitted on these patients.
    slope
        Coefficient of the risk in that Cox model; 1 for a calibrated linear predictor.
    """

    nagelkerke: float
    royston_d: float
    royston_d_standard_error: float
    r2_d: float
    kent_oquigley: float
    slope: float


@dataclass(frozen=True, slots=True)
class ModelIndexes:
    """Indexes of a linear predictor on some patients, as R's ``rms::validate`` names them.

    Parameters
    ----------
    dxy
        Somers' Dxy, 2 C - 1.
    r2
        Nagelkerke's R2 of the linear predictor with its slope fitted.
    slope
        Calibration slope.
    d
        Discrimination index: (likelihood ratio - 1) / (-2 log likelihood of no predictor).
    u
        Unreliability index: what the linear predictor as it is loses to the fitted slope, on the same scale; less the
        two parameters of a recalibration where it was fitted on these very patients.
    q
        Quality index, d - u.
    g
        Gini's mean difference of the linear predictor with its slope fitted.

    A linear predictor that is the same for all has dxy 0, r2 0, g 0 and no slope (NaN).
    """

    dxy: float
    r2: float
    slope: float
    d: float
    u: float
    q: float
    g: float


@dataclass(frozen=True, slots=True)
class _OneTerm:
    """Cox model of one term: slope, its standard error, log likelihood of none, of the slope, of slope 1."""

    slope: float
    standard_error: float
    none: float
    fitted: float
    as_it_is: float


def explained_variation(outcome: Outcome, risk: Floats, ties: Ties = "efron") -> ExplainedVariation:
    """Explained variation of a risk, as ``survival::royston`` in R.

    Parameters
    ----------
    outcome
        Follow-up.
    risk
        Linear predictor, in the order of the outcome. D uses its ranks alone: equal risks share the mean of their
        normal scores.
    ties
        Tied deaths.

    Raises
    ------
    ConvergenceError
        If the risk orders the deaths without fault, so that its slope has no finite value.
    FeatureError
        If a risk is missing or not finite, or all are equal.
    OutcomeError
        If nobody died.

    References
    ----------
    Nagelkerke, Biometrika 78 (1991) 691; Royston and Sauerbrei, Stat Med 23 (2004) 723; Kent and O'Quigley, Biometrika
    75 (1988) 525.
    """
    _check(outcome, risk)
    if np.ptp(risk) == 0:
        raise FeatureError("All risks are equal, so that they have no D; give a risk that tells patients apart.")
    sets = RiskSets.of(outcome.time_days, outcome.event, ties)
    model = _one_term(sets, risk)
    scores = _one_term(sets, _normal_scores(risk))
    spread = (scores.slope / KAPPA) ** 2
    variance = model.slope**2 * float(np.sort(risk).var(ddof=1))
    return ExplainedVariation(
        nagelkerke=_nagelkerke(model, len(outcome)),
        royston_d=scores.slope,
        royston_d_standard_error=scores.standard_error,
        r2_d=float(spread / (EXTREME_VALUE_VARIANCE + spread)),
        kent_oquigley=float(variance / (EXTREME_VALUE_VARIANCE + variance)),
        slope=model.slope,
    )


def model_indexes(
    outcome: Outcome, linear_predictor: Floats, ties: Ties = "efron", *, fitted_here: bool = False
) -> ModelIndexes:
    """Indexes of a linear predictor on these patients.

    Parameters and errors as in :func:`explained_variation`; ``fitted_here``: the linear predictor was fitted on these
    patients.
    """
    _check(outcome, linear_predictor)
    lp = np.asarray(linear_predictor, dtype=float)
    return indexes_of(outcome.time_days, outcome.event, lp, ties, fitted_here=fitted_here)


def indexes_of(time: Floats, event: NDArray[np.bool_], lp: Floats, ties: Ties, *, fitted_here: bool) -> ModelIndexes:
    """Indexes of rows that may be copies of one another."""
    n = len(lp)
    sets = RiskSets.of(time, event, ties)
    flat = np.ptp(lp) == 0
    none = sets.log_likelihood(np.zeros(n))
    model = _OneTerm(np.nan, np.nan, none, none, none) if flat else _one_term(sets, lp)
    null = -2 * model.none
    d = (2 * (model.fitted - model.none) - 1) / null
    u = (2 * (model.fitted - model.as_it_is) - (2 if fitted_here else 0)) / null
    ascending = np.sort(lp)
    gini = 2 * float((ascending * (2 * np.arange(n) - n + 1)).sum()) / (n * (n - 1))
    scale = 0.0 if flat else abs(model.slope)
    return ModelIndexes(
        dxy=2 * harrell_c(time, event, lp) - 1,
        r2=_nagelkerke(model, n),
        slope=model.slope,
        d=float(d),
        u=float(u),
        q=float(d - u),
        g=scale * gini,
    )


def _one_term(sets: RiskSets, risk: Floats) -> _OneTerm:
    """Fit on the standardised risk: the optimiser works in units of its spread."""
    values = risk[sets.order]
    centre, scale = values.mean(), values.std()
    x = ((values - centre) / scale)[:, None]
    coef, information = maximise(x, sets, np.zeros(1), ("risk",))
    none = sets.log_likelihood(np.zeros(len(values)))
    fitted = sets.log_likelihood(x @ coef)
    slope, error = coef[0] / scale, 1 / np.sqrt(information[0, 0]) / scale
    return _OneTerm(float(slope), float(error), none, fitted, sets.log_likelihood(values - centre))


def _nagelkerke(model: _OneTerm, n: int) -> float:
    return float(np.expm1(-2 * (model.fitted - model.none) / n) / np.expm1(2 * model.none / n))


def _normal_scores(risk: Floats) -> Floats:
    """Blom's normal scores over kappa; equal risks share the mean of theirs."""
    n = len(risk)
    scores = norm.ppf((np.arange(1, n + 1) - 0.375) / (n + 0.25)) / KAPPA
    _, inverse, count = np.unique(risk, return_inverse=True, return_counts=True)
    starts = np.append(0, np.cumsum(count)[:-1])
    return np.asarray((np.add.reduceat(scores, starts) / count)[inverse])


def _check(outcome: Outcome, risk: Floats) -> None:
    if np.shape(risk) != (len(outcome),) or not np.isfinite(risk).all():
        raise FeatureError(f"R2 needs one finite risk for each of the {len(outcome)} patients.")
