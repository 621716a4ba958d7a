"""The Cox partial likelihood and its maximum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from perisurv.core import ConvergenceError, FeatureError
from perisurv.statistics.risk_sets import RiskSets

__all__ = ["derivatives", "maximise"]

Floats = NDArray[np.float64]

MAX_ITERATIONS = 50
TOLERANCE = 1e-14  # Newton decrement, in units of the log likelihood: invariant to the scale of the columns
LONGEST_STEP = 5.0  # change of a log hazard ratio in the first iteration that is too long; then twice that, ...
FAR = 50.0  # from steps of this length on it is looked at whether the maximum is finite
COLLINEAR = 1e-10  # smallest eigenvalue of the information at zero, columns scaled to unit variance
SEPARATED = 1e-6  # smallest share of the information at zero that is left at the maximum
UNDERFLOW = 1e-280  # a sum at risk, relative to the largest hazard of the stratum, that has lost its digits


def maximise(x: Floats, sets: RiskSets, penalty: Floats, names: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Maximum of the penalised log partial likelihood, by Newton's method with step halving.

    Parameters
    ----------
    x
        Rows in the order of the sets, columns of unit variance, shape (n, features).
    sets
        Risk sets.
    penalty
        ``penalty / 2 * coef**2`` is subtracted, shape (features,).
    names
        Of the columns, for messages.

    Returns
    -------
    Coefficients (features,) and penalised information (features, features).

    Raises
    ------
    FeatureError
        If columns are constant or collinear among the patients at risk and there is no penalty.
    ConvergenceError
        If the likelihood has no finite maximum (a feature separates the deaths) or Newton's method did not reach it.
    """
    coef = np.zeros(x.shape[1])
    gradient, start = derivatives(x, sets, coef, penalty)
    if not names:
        return coef, start
    unit = float(sets.death_weight.mean())  # case weights may have any scale
    _check_identified(start, penalty, unit, names)
    information, objective = start, sets.log_likelihood(np.zeros(len(x)))
    longest = LONGEST_STEP
    for _ in range(MAX_ITERATIONS):
        step = _newton_step(information, gradient, start, coef, names)
        if gradient @ step / 2 < TOLERANCE * unit:
            _check_finite_maximum(information, start, coef, names)
            return coef + step, derivatives(x, sets, coef + step, penalty)[1]
        length = float(np.abs(x @ step).max())
        if length > longest:  # once is a poor start; again and again, a maximum at infinity: go there faster
            step *= longest / length
            longest *= 2
        coef, objective = _improve(x, sets, coef, step, penalty, objective)
        gradient, information = derivatives(x, sets, coef, penalty)
        if longest > FAR:
            _check_finite_maximum(information, start, coef, names)
    raise ConvergenceError(
        f"The Cox model did not converge in {MAX_ITERATIONS} Newton steps; the largest coefficient is that of "
        f"{names[int(np.abs(coef).argmax())]!r}. Use fewer features or a ridge."
    )


def _newton_step(information: Floats, gradient: Floats, start: Floats, coef: Floats, names: tuple[str, ...]) -> Floats:
    """Solved for columns of like information, which a ridge on columns of unlike units does not leave."""
    unit = 1.0 / np.sqrt(np.maximum(np.diag(information), np.finfo(float).tiny))
    try:
        return np.asarray(unit * np.linalg.solve(information * np.outer(unit, unit), unit * gradient))
    except np.linalg.LinAlgError:
        _check_finite_maximum(information, start, coef, names)
        raise ConvergenceError(
            f"The Cox model has no single maximum; the largest coefficient is that of "
            f"{names[int(np.abs(coef).argmax())]!r}. Use fewer features or a ridge."
        ) from None


def _improve(
    x: Floats, sets: RiskSets, coef: Floats, step: Floats, penalty: Floats, objective: float
) -> tuple[Floats, float]:
    """Halve the step until the penalised likelihood does not fall."""
    for halving in range(30):
        trial = coef + step / 2**halving
        value = sets.log_likelihood(x @ trial) - float(penalty @ trial**2) / 2
        if value >= objective - 1e-10 * abs(objective):
            return trial, value
    raise ConvergenceError("The Cox model found no step that raises the likelihood; check the features for outliers.")


def derivatives(x: Floats, sets: RiskSets, coef: Floats, penalty: Floats) -> tuple[Floats, Floats]:
    """Gradient (features,) and negative Hessian (features, features) of the penalised log partial likelihood."""
    eta = x @ coef
    expected, mean = _expected(x, sets, eta)
    gradient = sets.weight[sets.deaths] @ x[sets.deaths] - expected @ x - penalty * coef
    information = (x * expected[:, None]).T @ x - (mean * sets.death_weight[:, None]).T @ mean + np.diag(penalty)
    return gradient, information


def _expected(x: Floats, sets: RiskSets, eta: Floats) -> tuple[Floats, Floats]:
    """Expected deaths of each patient, case weight included (n,), and the mean of x at risk at each death (m, p)."""
    weight = sets.relative_weight(eta)
    at_risk = sets.at_risk(weight)
    if at_risk.min() < UNDERFLOW:
        return _expected_far_apart(x, sets, eta)
    expected = weight * sets.up_to(sets.death_weight / at_risk)
    return expected, sets.at_risk(weight[:, None] * x) / at_risk[:, None]


def _expected_far_apart(x: Floats, sets: RiskSets, eta: Floats) -> tuple[Floats, Floats]:
    """The same where hazards differ by more than a float can hold: every risk set has a scale of its own. Slow."""
    expected, mean = np.zeros(len(eta)), np.empty((len(sets.deaths), x.shape[1]))
    with np.errstate(divide="ignore"):
        weighted = eta + np.log(sets.weight)
    log_at_risk = sets.log_at_risk(eta)
    ends = sets.strata[np.searchsorted(sets.strata, sets.deaths, side="right")]
    for n, (first, end) in enumerate(zip(sets.start, ends, strict=True)):
        share = np.exp(weighted[first:end] - log_at_risk[n])
        share[sets.deaths[sets.tie == sets.tie[n]] - first] *= 1.0 - sets.fraction[n]
        mean[n] = share @ x[first:end]
        expected[first:end] += sets.death_weight[n] * share
    return expected, mean


def _check_identified(information: Floats, penalty: Floats, unit: float, names: tuple[str, ...]) -> None:
    """A penalty beyond the information of the data identifies its column, and says nothing on the others."""
    enough = max(float((np.diag(information) - penalty).max()), unit)
    values, vectors = linalg.eigh(information - np.diag(np.maximum(penalty - enough, 0.0)))
    if values[0] > COLLINEAR * max(values[-1], unit):
        return
    involved = [names[n] for n in np.flatnonzero(np.abs(vectors[:, 0]) > 0.1)]
    what = "is constant among the patients at risk" if len(involved) == 1 else "are collinear"
    raise FeatureError(f"Cox model: {', '.join(involved[:6])} {what}; drop one or use a ridge.")


def _check_finite_maximum(information: Floats, start: Floats, coef: Floats, names: tuple[str, ...]) -> None:
    """At an infinite maximum the information has vanished in the direction in which the coefficients run away."""
    if linalg.eigvalsh(information, start)[0] < SEPARATED:
        worst = names[int(np.abs(coef).argmax())]
        raise ConvergenceError(
            f"Cox model: the coefficient of {worst!r} grows without bound, because it separates the patients with an "
            "event from those at risk. Drop it or use a ridge."
        )
