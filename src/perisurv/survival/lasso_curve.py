"""The cross-validated curves of a LASSO-Cox path."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perisurv.core import SettingsError
from perisurv.statistics import RiskSets
from perisurv.survival.lasso_problem import Problem

__all__ = ["Rise", "concordance_curve", "deviance_curve"]

Floats = NDArray[np.float64]

EQUAL = 9  # decimals in which risks must differ: equal patients must not differ by the rounding of a sum


def deviance_curve(eta: Floats, problems: Sequence[Problem], repeat: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Partial-likelihood deviance per death, and its standard error, each of shape (path,).

    Parameters
    ----------
    eta
        Linear predictors in the order of the risk sets, shape (problems, path, n); the first problem is that of all
        patients, the others leave a fold out.
    problems
        As walked.
    repeat
        Which repeat of the cross-validation each fold belongs to, shape (folds,).
    """
    from perisurv.survival.kernels.lasso import log_likelihoods  # noqa: PLC0415  numba loads at first use

    everyone = problems[0]
    lost, deaths = [], []
    for k in range(1, len(problems)):
        part = problems[k]
        size = float(everyone.share[part.share > 0].sum())
        whole = everyone.saturated - log_likelihoods(eta[k], everyone.share, everyone.sets)
        rest = part.saturated - log_likelihoods(eta[k], part.share, part.sets)
        lost.append(2 * (whole - size * rest))
        deaths.append(everyone.deaths - size * part.deaths)
    return _average(np.stack(lost), np.asarray(deaths), repeat)


class Rise:
    """Whether the deviance has risen for good, asked lambda by lambda: see ``patience`` of :class:`LassoOptions`."""

    def __init__(self, problems: Sequence[Problem], repeat: NDArray[np.intp], patience: int) -> None:
        self.problems, self.repeat, self.patience = problems, repeat, patience
        self.curve: list[float] = []
        self.spread: list[float] = []

    def __call__(self, _coef: Floats, eta: Floats) -> bool:
        """After the next lambda, with linear predictors (problems, n)."""
        curve, spread = deviance_curve(eta[:, None], self.problems, self.repeat)
        self.curve.append(float(curve[0]))
        self.spread.append(float(spread[0]))
        best = int(np.argmin(self.curve))
        since = self.curve[best + 1 :][-self.patience :]
        return len(since) == self.patience and min(since) > self.curve[best] + self.spread[best]


def concordance_curve(
    eta: Floats, sets: RiskSets, left_out: NDArray[np.bool_], repeat: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Harrell's C of the left-out patients, and its standard error, each of shape (path,).

    Pairs of different strata are not compared; a pair counts by the product of its case weights.

    Raises
    ------
    SettingsError
        If no fold holds patients who can be compared.
    """
    event = np.zeros(len(sets.order), dtype=bool)
    event[sets.deaths] = True
    stratum = np.searchsorted(sets.strata, np.arange(len(event)), side="right")
    values, sizes = [], []
    for k, out in enumerate(left_out):
        rows = np.flatnonzero(out)
        t, died = sets.time_days[rows], event[rows]
        earlier = (t[:, None] < t[None, :]) | ((t[:, None] == t[None, :]) & ~died[None, :])
        first, second = np.nonzero(earlier & died[:, None] & (stratum[rows][:, None] == stratum[rows][None, :]))
        pair = sets.weight[rows[first]] * sets.weight[rows[second]]
        total = float(pair.sum())
        sizes.append(float(sets.weight[rows].sum()) if total > 0 else 0.0)
        risks = np.round(eta[k + 1][:, rows], EQUAL)
        agree = [pair @ (1 + np.sign(risk[first] - risk[second])) / 2 for risk in risks]
        values.append(sizes[-1] * np.asarray(agree) / (total or 1.0))
    if not any(sizes):
        raise SettingsError("No fold holds two patients who can be compared; use fewer folds.")
    return _average(np.stack(values), np.asarray(sizes), repeat)


def _average(lost: Floats, size: Floats, repeat: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Mean over the folds, weighted by their size, and its standard error; then the means over the repeats."""
    curves, errors = [], []
    for r in np.unique(repeat):
        counts = (repeat == r) & (size > 1e-12 * size.max())
        each = lost[counts] / size[counts, None]
        weight = size[counts] / size[counts].sum()
        mean = weight @ each
        curves.append(mean)
        errors.append(np.sqrt(weight @ (each - mean) ** 2 / max(int(counts.sum()) - 1, 1)))
    return np.mean(curves, axis=0), np.mean(errors, axis=0)
