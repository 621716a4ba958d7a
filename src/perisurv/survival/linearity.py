"""Is the log hazard linear in a feature? A restricted cubic spline against a straight line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, special

from perisurv.core import FeatureTable, Outcome, SettingsError
from perisurv.statistics import Ties
from perisurv.survival.cox_maximum import CoxMaximum, Labels, Weights, cox_maximum
from perisurv.survival.design import design

__all__ = ["Linearity", "check_linearity", "restricted_cubic_spline", "spline_knots"]

Floats = NDArray[np.float64]

# Harrell, Regression Modeling Strategies, 2nd edition, table 2.3
QUANTILES = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}
FEW = 100  # patients; below, the outer knots are the fifth smallest and largest value


@dataclass(frozen=True, slots=True, eq=False)
class Linearity:
    """Test of linearity of each feature, all other features kept linear.

    Parameters
    ----------
    names
        Features.
    knots
        Of each feature's spline; fewer than asked where knots coincide, none where fewer than three are left.
    df
        Degrees of freedom, knots - 2, shape (features,); 0 where there is nothing to test.
    wald, p_wald
        Wald test of the terms beyond the straight line, shape (features,). NaN where there is nothing to test.
    likelihood_ratio, p_likelihood_ratio
        Likelihood ratio test of the same, shape (features,). NaN where there is nothing to test.
    martingale
        Martingale residual of each patient in a model without features, in the order of the rows, shape (patients,).
        Smoothed against a feature they show the shape of its effect (Therneau 1990, Biometrika 77:147-160).
    """

    names: tuple[str, ...]
    knots: tuple[Floats, ...]
    df: NDArray[np.intp]
    wald: Floats
    p_wald: Floats
    likelihood_ratio: Floats
    p_likelihood_ratio: Floats
    martingale: Floats


def check_linearity(
    x: FeatureTable | pd.DataFrame | ArrayLike,
    outcome: Outcome,
    ties: Ties = "efron",
    *,
    knots: int = 4,
    strata: Labels | None = None,
    weight: Weights | None = None,
) -> Linearity:
    """Test for each feature whether a restricted cubic spline fits better than a straight line.

    Parameters
    ----------
    x, outcome, ties, strata, weight
        As for :func:`fit_cox`.
    knots
        3, 4 or 5 a feature, see :func:`spline_knots`.

    Raises
    ------
    SettingsError
        If the number of knots is another.
    FeatureError, OutcomeError, ConvergenceError
        As :func:`fit_cox`, for the straight lines and for each spline.
    """
    values, names = design(x, outcome)
    places = tuple(spline_knots(column, knots) for column in values.T)
    straight = cox_maximum(values, outcome, ties, strata=strata, weight=weight)
    df = np.array([max(len(at) - 2, 0) for at in places], dtype=np.intp)
    wald, ratio = np.full((2, len(names)), np.nan)
    for n in np.flatnonzero(df):
        bent = pd.DataFrame(values, index=list(outcome.patients), columns=list(names))
        for k, column in enumerate(restricted_cubic_spline(values[:, n], places[n]).T[1:], start=1):
            bent[f"{names[n]}, bend {k} of its spline"] = column
        fit = cox_maximum(bent, outcome, ties, strata=strata, weight=weight)
        wald[n] = _wald(fit, int(df[n]))
        ratio[n] = 2 * (fit.sets.log_likelihood(fit.eta) - straight.sets.log_likelihood(straight.eta))
    null = cox_maximum(np.empty((len(values), 0)), outcome, ties, strata=strata, weight=weight)
    martingale = np.empty(len(values))
    martingale[null.rows] = null.martingale_residuals()
    tested = np.where(df > 0, df, 1)
    return Linearity(
        names=names,
        knots=places,
        df=df,
        wald=wald,
        p_wald=np.asarray(special.chdtrc(tested, wald)),
        likelihood_ratio=ratio,
        p_likelihood_ratio=np.asarray(special.chdtrc(tested, np.maximum(ratio, 0.0))),
        martingale=martingale,
    )


def spline_knots(values: Floats, count: int) -> Floats:
    """Knots of a restricted cubic spline, as rms in R places them, shape (knots,).

    Quantiles .10, .50, .90 (3 knots), .05, .35, .65, .95 (4) or .05, .275, .5, .725, .95 (5); with fewer than 100
    values (and at least 10) the outer knots are the fifth smallest and the fifth largest value. Knots that coincide
    are one; fewer than three are none.

    Raises
    ------
    SettingsError
        If the number of knots is not 3, 4 or 5.
    """
    if count not in QUANTILES:
        raise SettingsError(f"A restricted cubic spline takes 3, 4 or 5 knots here; got {count!r}.")
    knots = np.quantile(values, QUANTILES[count])
    if 10 <= len(values) < FEW:
        ordered = np.sort(values)
        knots[0], knots[-1] = ordered[4], ordered[-5]
    knots = np.unique(knots)
    return knots if len(knots) >= 3 else np.zeros(0)


def restricted_cubic_spline(values: Floats, knots: Floats) -> Floats:
    """Basis of a cubic spline that is linear beyond the outer knots, shape (values, knots - 1).

    First column the values themselves, then the truncated powers of Stone and Koo (1985) over the squared distance of
    the outer knots.
    """
    last, before = knots[-1], knots[-2]
    cubes = np.maximum(values[:, None] - knots, 0.0) ** 3
    inner = (
        cubes[:, :-2]
        - cubes[:, [-2]] * (last - knots[:-2]) / (last - before)
        + cubes[:, [-1]] * (before - knots[:-2]) / (last - before)
    )
    return np.column_stack([values, inner / (last - knots[0]) ** 2])


def _wald(fit: CoxMaximum, df: int) -> float:
    """Wald statistic of the last coefficients."""
    coef, covariance = fit.coef[-df:], fit.covariance[-df:, -df:]
    return float(coef @ linalg.solve(covariance, coef, assume_a="pos"))
