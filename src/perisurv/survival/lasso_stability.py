"""Stability selection: which features a LASSO-Cox keeps choosing on halves of the patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from perisurv.core import FeatureTable, Outcome, OutcomeError, SettingsError
from perisurv.statistics import RiskSets
from perisurv.survival.design import design
from perisurv.survival.folds import assign_folds
from perisurv.survival.lasso_cox import pose
from perisurv.survival.lasso_options import LassoOptions
from perisurv.survival.lasso_solver import walk

__all__ = ["StabilityOptions", "StabilitySelection", "stability_selection"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StabilityOptions:
    """How stable a feature must be.

    Parameters
    ----------
    pairs
        Complementary pairs of halves.
    threshold
        Smallest share of the halves, above one half, in which a stable feature is chosen.
    per_half
        Features that a half may choose: the first to enter its path.
    lasso
        The path on a half; its smallest lambda bounds the choice too.
    """

    pairs: int = 50
    threshold: float = 0.75
    per_half: int = 10
    lasso: LassoOptions = field(default_factory=lambda: LassoOptions(lambda_min_ratio=0.05, tolerance=1e-6))

    def __post_init__(self) -> None:
        if self.pairs < 1 or self.per_half < 1 or not 0.5 < self.threshold <= 1:
            raise SettingsError(
                "Stability selection needs pairs >= 1, per_half >= 1 and a threshold above 0.5 and at most 1; got "
                f"{self.pairs}, {self.per_half} and {self.threshold}."
            )


@dataclass(frozen=True, slots=True, eq=False)
class StabilitySelection:
    """How often each feature was chosen.

    Parameters
    ----------
    names
        Features.
    frequency
        Share of the halves that chose the feature, shape (features,).
    threshold
        From which a feature is stable.
    mean_chosen
        Mean number of features that a half chose.
    bound
        Upper bound of the expected number of unstable features, those that a random half chooses no more often than
        ``mean_chosen / features``, among the stable ones: ``mean_chosen^2 / ((2 threshold - 1) features)``.
    """

    names: tuple[str, ...]
    frequency: Floats
    threshold: float
    mean_chosen: float
    bound: float

    @property
    def stable(self) -> tuple[str, ...]:
        """Names of the stable features, in the order of the columns."""
        return tuple(n for n, f in zip(self.names, self.frequency, strict=True) if f >= self.threshold)


def stability_selection(
    x: FeatureTable | pd.DataFrame | ArrayLike,
    outcome: Outcome,
    rng: np.random.Generator,
    options: StabilityOptions | None = None,
    *,
    strata: Sequence[object] | None = None,
) -> StabilitySelection:
    """Selection frequencies over complementary halves of the patients.

    Meinshausen and Buehlmann (2010, J R Stat Soc B 72:417) with the complementary pairs of Shah and Samworth (2013,
    J R Stat Soc B 75:55), whose Theorem 1 gives the bound. Halves hold equal shares of the deaths and follow the sorted
    pseudonyms, so the order of the rows does not matter.

    Parameters
    ----------
    x
        Shape (patients, features), rows in the order of the outcome.
    outcome
        Follow-up.
    rng
        Deals the halves.
    options
        How stable a feature must be.
    strata
        One label a patient: each stratum has its own baseline hazard.

    Raises
    ------
    FeatureError, OutcomeError, ConvergenceError
        As :func:`lasso_cox_path`, or if there are fewer than four patients or two deaths.
    """
    values, names = design(x, outcome)
    options = options or StabilityOptions()
    if len(outcome) < 4 or outcome.n_events < 2:
        raise OutcomeError(
            f"Stability selection halves the patients: it needs four and two events; got n_samples={len(outcome)} and "
            f"{outcome.n_events} events."
        )
    halves = []
    for _ in range(options.pairs):
        side = assign_folds(outcome, 2, rng)
        halves += [side == 0, side == 1]
    ties = options.lasso.ties
    sets = [
        RiskSets.of(outcome.time_days, outcome.event, ties, strata, part)
        for part in (np.ones(len(outcome)), *(half.astype(float) for half in halves))
    ]
    columns, problems = pose(values, sets, options.lasso)
    chosen = np.zeros(len(names))
    for problem in problems[1:]:
        walked = walk(columns, [problem], options.lasso, lambda coef, _: len(coef) > options.per_half)
        chosen += _first(walked.coef != 0, options.per_half)
    mean = float(chosen.sum()) / len(halves)
    bound = mean**2 / ((2 * options.threshold - 1) * max(len(names), 1))
    return StabilitySelection(names, chosen / len(halves), options.threshold, mean, bound)


def _first(entered: NDArray[np.bool_], limit: int) -> NDArray[np.bool_]:
    """Features that were in the model at a lambda before more than ``limit`` had ever been, shape (features,)."""
    ever = np.logical_or.accumulate(entered, axis=0)
    within = ever.sum(axis=1) <= limit
    return np.asarray(ever[within][-1] if within.any() else np.zeros(entered.shape[1], dtype=bool))
