"""From many features to few: redundancy, univariate Cox, LASSO-Cox."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import Outcome
from perisurv.survival.folds import assign_folds
from perisurv.survival.lasso_cox import Screen, cv_lasso_cox
from perisurv.survival.options import FitOptions, LassoOptions
from perisurv.survival.redundancy import drop_redundant
from perisurv.survival.univariate import adjust_p, univariate_cox

__all__ = ["GroupSelection", "select_group"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupSelection:
    """How many features of one group each step left, and which remain.

    Parameters
    ----------
    group
        Name of the group.
    candidates, defined, distinct, associated
        Features given; of these defined and not constant; not redundant; with a univariate p below the limit. A step
        that was skipped repeats the number before.
    selected
        Features that remain.
    penalty
        The chosen LASSO lambda; 0 where LASSO was not asked.
    """

    group: str
    candidates: int
    defined: int
    distinct: int
    associated: int
    selected: tuple[str, ...]
    penalty: float


def select_group(
    name: str, x: pd.DataFrame, outcome: Outcome, options: FitOptions, rng: np.random.Generator
) -> GroupSelection:
    """Choose among the standardised features of one group.

    The univariate screen is repeated inside every fold of the LASSO's cross-validation, so lambda is judged on patients
    that neither step has seen.

    Parameters
    ----------
    name
        Of the group.
    x
        Training patients x features, standardised, in the order of the outcome.
    outcome
        Follow-up of the training patients.
    options
        Limits, see :class:`FitOptions`.
    rng
        Deals the folds.
    """
    names = tuple(str(c) for c in x.columns)
    if not options.select:
        return GroupSelection(name, len(names), len(names), len(names), len(names), names, 0.0)
    distinct = drop_redundant(x, options.redundancy_rho)
    values = x.loc[:, list(distinct)].to_numpy()
    screen = _screen(options)
    associated = screen(values, outcome)
    counts = (name, len(names), len(names), len(distinct), int(associated.sum()))
    if not associated.any():
        return GroupSelection(*counts, (), 0.0)
    folds = assign_folds(outcome, min(options.lasso_folds, outcome.n_events), rng)
    lasso = cv_lasso_cox(values, outcome, folds, LassoOptions(n_lambdas=options.lasso_lambdas), screen)
    chosen = np.flatnonzero(lasso.coef(options.lambda_rule))
    penalty = lasso.lambda_min if options.lambda_rule == "min" else lasso.lambda_1se
    return GroupSelection(*counts, tuple(distinct[n] for n in chosen), penalty)


def _screen(options: FitOptions) -> Screen:
    def screen(values: Floats, outcome: Outcome) -> NDArray[np.bool_]:
        p = univariate_cox(values, outcome, options.ties).p
        if options.correction == "benjamini_hochberg":
            p = adjust_p(p)
        return np.asarray(p < options.univariate_p)

    return screen
