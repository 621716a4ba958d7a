"""Proportional subdistribution hazards of Fine and Gray."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from perisurv.core import ConvergenceError, FeatureError, OutcomeError

__all__ = ["Subdistribution", "fit_subdistribution"]

Floats = NDArray[np.float64]

MAX_ITERATIONS = 50
TOLERANCE = 1e-14  # Newton decrement, in units of the log likelihood
LONGEST_STEP = 5.0  # change of a log hazard ratio in one iteration
COLLINEAR = 1e-10  # smallest eigenvalue of the information at zero
SEPARATED = 1e-6  # smallest share of the information at zero that is left at the maximum


@dataclass(frozen=True, slots=True, eq=False)
class Subdistribution:
    """A fitted subdistribution model.

    Parameters
    ----------
    coef
        Log subdistribution hazard ratios, shape (features,).
    covariance
        Robust covariance of Fine and Gray, which knows that the censoring distribution is estimated,
        shape (features, features).
    log_likelihood
        Weighted log partial likelihood at the coefficients.
    time_days, baseline
        Times of death of the cause, and the cumulative subdistribution hazard of a patient with all features 0 from
        then on, shape (times,).
    """

    coef: Floats
    covariance: Floats
    log_likelihood: float
    time_days: Floats
    baseline: Floats

    @property
    def standard_error(self) -> Floats:
        """Of the coefficients, shape (features,)."""
        return np.sqrt(np.diag(self.covariance))

    def incidence(self, x: Floats, days: Floats) -> Floats:
        """Cumulative incidence of the cause for rows (n, features) at times (times,), shape (n, times)."""
        hazard = np.concatenate([[0.0], self.baseline])[np.searchsorted(self.time_days, days, side="right")]
        return np.asarray(-np.expm1(-np.exp(np.minimum(x @ self.coef, 700.0))[:, None] * hazard))


@dataclass(frozen=True, slots=True, eq=False)
class _Weighted:
    """Patients by ascending time and the weights of the sets at risk.

    Up to the own time every patient is at risk with weight 1; who died of another cause stays at risk with weight
    G(t-) / G(T-), so that the sums over the sets at risk are two cumulated sums.
    """

    x: Floats
    time: Floats
    event: NDArray[np.bool_]
    other: NDArray[np.bool_]
    days: Floats  # distinct times of death of the cause
    deaths: Floats
    first: NDArray[np.intp]  # first patient at risk at each of these times
    g_days: Floats
    g_own: Floats

    def sums(self, values: Floats) -> Floats:
        """Weighted sum of values (n, ...) over the patients at risk at each time of death, shape (times, ...)."""
        zero = np.zeros_like(values[:1])
        later = np.concatenate([np.cumsum(values[::-1], axis=0)[::-1], zero])[self.first]
        share = np.divide(self.other, self.g_own, out=np.zeros(len(values)), where=self.other)
        column = (-1, *[1] * (values.ndim - 1))
        gone = np.concatenate([zero, np.cumsum(values * share.reshape(column), axis=0)])[self.first]
        return np.asarray(later + gone * self.g_days.reshape(column))


def fit_subdistribution(
    x: Floats, time_days: Floats, cause: NDArray[np.int64], of_cause: int, names: tuple[str, ...]
) -> Subdistribution:
    """Fit the model of Fine and Gray (1999) by Newton's method; ties as Breslow's, as ``cmprsk::crr``.

    The censoring distribution G is the Kaplan-Meier estimate over all patients, taken just before each time; at
    equal times a death counts as at risk of a censoring, as in crr (R's ``finegray`` puts deaths first).

    Parameters
    ----------
    x
        Shape (patients, features).
    time_days, cause
        Follow-up; 0: censored, other codes: causes of death, shape (patients,).
    of_cause
        Code of the cause of interest.
    names
        Of the columns, for messages.

    Raises
    ------
    OutcomeError
        If nobody died of the cause.
    FeatureError
        If columns are constant or collinear.
    ConvergenceError
        If the likelihood has no finite maximum or was not reached.
    """
    if not (cause == of_cause).any():
        raise OutcomeError(f"Nobody had an event of cause {of_cause}; a subdistribution model needs such events.")
    mean, scale = x.mean(axis=0), x.std(axis=0)
    flat = [name for name, s, m in zip(names, scale, mean, strict=True) if s <= 1e-12 * max(abs(m), 1e-300)]
    if flat:
        raise FeatureError(f"Subdistribution model: {', '.join(flat[:6])} is constant; drop it.")
    sets = _prepare((x - mean) / scale, time_days, cause, of_cause)
    coef, information = _newton(sets, names)
    covariance = _robust(sets, coef, linalg.inv(information)) / np.outer(scale, scale)
    risk = np.exp(sets.x @ coef)
    baseline = np.cumsum(sets.deaths / sets.sums(risk)) * np.exp(-float(mean / scale @ coef))
    return Subdistribution(coef / scale, covariance, _log_likelihood(sets, coef), sets.days, baseline)


def _prepare(x: Floats, time: Floats, cause: NDArray[np.int64], of_cause: int) -> _Weighted:
    order = np.argsort(time, kind="stable")
    time, cause = time[order], cause[order]
    event = cause == of_cause
    days, deaths = np.unique(time[event], return_counts=True)
    times, place = np.unique(time, return_inverse=True)
    at_risk = np.bincount(place)[::-1].cumsum()[::-1]
    left = np.cumprod(1.0 - np.bincount(place[cause == 0], minlength=len(times)) / at_risk)
    before = np.concatenate([[1.0], left[:-1]])
    return _Weighted(
        x=x[order],
        time=time,
        event=event,
        other=(cause != of_cause) & (cause != 0),
        days=days,
        deaths=deaths.astype(float),
        first=np.searchsorted(time, days, side="left"),
        g_days=before[np.searchsorted(times, days)],
        g_own=before[place],
    )


def _log_likelihood(sets: _Weighted, coef: Floats) -> float:
    eta = sets.x @ coef
    top = float(eta.max())
    return float(eta[sets.event].sum() - sets.deaths @ (np.log(sets.sums(np.exp(eta - top))) + top))


def _derivatives(sets: _Weighted, coef: Floats) -> tuple[Floats, Floats]:
    eta = sets.x @ coef
    risk = np.exp(eta - eta.max())
    s0 = sets.sums(risk)
    mean = sets.sums(risk[:, None] * sets.x) / s0[:, None]
    square = sets.sums((risk[:, None] * sets.x)[:, :, None] * sets.x[:, None, :]) / s0[:, None, None]
    gradient = sets.x[sets.event].sum(axis=0) - sets.deaths @ mean
    information = np.einsum("t,tij->ij", sets.deaths, square) - (mean * sets.deaths[:, None]).T @ mean
    return gradient, information


def _newton(sets: _Weighted, names: tuple[str, ...]) -> tuple[Floats, Floats]:
    coef = np.zeros(sets.x.shape[1])
    gradient, start = _derivatives(sets, coef)
    if linalg.eigvalsh(start)[0] <= COLLINEAR * max(float(np.trace(start)), 1.0):
        raise FeatureError(f"Subdistribution model: columns among {', '.join(names[:6])} are collinear; drop one.")
    information, value = start, _log_likelihood(sets, coef)
    for _ in range(MAX_ITERATIONS):
        step = linalg.solve(information, gradient, assume_a="sym")
        if gradient @ step / 2 < TOLERANCE:
            break
        step *= min(1.0, LONGEST_STEP / np.abs(sets.x @ step).max())
        trials = (coef + step / 2**halving for halving in range(30))
        better = next((t for t in trials if _log_likelihood(sets, t) >= value - 1e-10 * abs(value)), None)
        if better is None:
            raise ConvergenceError("The subdistribution model found no step that raises the likelihood.")
        coef, value = better, _log_likelihood(sets, better)
        gradient, information = _derivatives(sets, coef)
    if linalg.eigvalsh(information, start)[0] < SEPARATED:
        worst = names[int(np.abs(coef).argmax())]
        raise ConvergenceError(
            f"Subdistribution model: the coefficient of {worst!r} grows without bound, because it separates the events "
            "from those at risk. Drop it."
        )
    if gradient @ step / 2 >= TOLERANCE:
        raise ConvergenceError(f"The subdistribution model did not converge in {MAX_ITERATIONS} Newton steps.")
    return coef + step, _derivatives(sets, coef + step)[1]


def _robust(sets: _Weighted, coef: Floats, inverse: Floats) -> Floats:
    """Sandwich of Fine and Gray: influence of each patient on the score, that by way of G included."""
    risk = np.exp(sets.x @ coef)
    s0 = sets.sums(risk)
    mean = sets.sums(risk[:, None] * sets.x) / s0[:, None]
    # Columns: hazard, hazard times mean of each feature; cumulated plainly, and with G for who stays at risk.
    steps = np.column_stack([sets.deaths / s0, mean * (sets.deaths / s0)[:, None]])
    zero = np.zeros((1, steps.shape[1]))
    plain = np.concatenate([zero, np.cumsum(steps, axis=0)])
    faded = np.concatenate([zero, np.cumsum(steps * sets.g_days[:, None], axis=0)])
    through = np.searchsorted(sets.days, sets.time, side="right")
    share = np.divide(sets.other, sets.g_own, out=np.zeros(len(risk)), where=sets.other)
    under = risk[:, None] * (plain[through] + share[:, None] * (faded[-1] - faded[through]))
    score = under[:, 1:] - sets.x * under[:, :1]
    own = np.searchsorted(sets.days, sets.time[sets.event])
    score[sets.event] += sets.x[sets.event] - mean[own]
    total = score + _through_censoring(sets, risk * share, faded)
    return np.asarray(inverse @ (total.T @ total) @ inverse)


def _through_censoring(sets: _Weighted, staying: Floats, faded: Floats) -> Floats:
    """Influence of each patient on the score by way of the estimated G, shape (n, features).

    A censoring at u moves the weights at t >= u of those who died of another cause before u.
    """
    ends, place = np.unique(sets.time, return_inverse=True)
    censored = ~(sets.event | sets.other)
    at_risk = np.bincount(place)[::-1].cumsum()[::-1].astype(float)
    count = np.bincount(place[censored], minlength=len(ends))
    values = staying[:, None] * np.column_stack([np.ones(len(staying)), sets.x])
    died = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    died = died[np.searchsorted(sets.time, ends, side="left")]
    coming = faded[-1] - faded[np.searchsorted(sets.days, ends, side="left")]
    q = (died[:, 1:] * coming[:, :1] - died[:, :1] * coming[:, 1:]) / at_risk[:, None]
    compensator = np.cumsum(q * (count / at_risk)[:, None], axis=0)
    return np.asarray(np.where(censored[:, None], q[place], 0.0) - compensator[place])
