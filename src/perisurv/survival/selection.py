"""From many features to few: redundancy, univariate Cox, LASSO-Cox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import Outcome
from perisurv.core.brief import Brief
from perisurv.survival.folds import assign_folds
from perisurv.survival.lasso_cox import Screen, cv_lasso_cox
from perisurv.survival.lasso_stability import StabilityOptions, stability_selection
from perisurv.survival.options import FitOptions, LassoOptions
from perisurv.survival.redundancy import drop_redundant
from perisurv.survival.strata import Strata, labels_of_strata
from perisurv.survival.univariate import adjust_p, univariate_cox

__all__ = ["GroupSelection", "select_group", "select_groups"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class GroupSelection(Brief):
    """How many features of one group each step left, and which remain.

    Parameters
    ----------
    group
        Name of the group.
    part
        Region or family within the group that the selection was made for; empty: the whole group.
    candidates, defined, distinct, associated
        Features given; of these defined and not constant; not redundant; with a univariate p below the limit. A step
        that was skipped repeats the number before.
    selected
        Features that remain.
    penalty
        The chosen LASSO lambda; 0 where LASSO was not asked.
    """

    group: str
    part: str
    candidates: int
    defined: int
    distinct: int
    associated: int
    selected: tuple[str, ...]
    penalty: float


def select_groups(
    columns: Mapping[str, Sequence[str]],
    x: pd.DataFrame,
    outcome: Outcome,
    options: FitOptions,
    seed: int,
    *,
    strata: Strata | None = None,
) -> tuple[GroupSelection, ...]:
    """One selection for each group, or for each region or family of it.

    Parameters
    ----------
    columns
        Group -> its columns before any was left out as undefined or constant.
    x
        Training patients x features, standardised, in the order of the outcome.
    outcome
        Follow-up of the training patients.
    options
        Limits, see :class:`FitOptions`.
    seed
        Of the folds of the LASSO: the same folds for every selection.
    strata
        Patient -> stratum, such as the centre: only patients of one stratum are compared.
    """
    beside = x[[c for g in options.unpenalised for c in columns.get(g, ()) if c in x.columns]].to_numpy()
    found = []
    for group, members in columns.items():
        whole = replace(options, select=options.select and group not in options.unpenalised)
        for part, names in _parts(members, whole).items():
            defined = x[[c for c in names if c in x.columns]]
            rng = np.random.default_rng(seed)
            chosen = select_group(group, defined, outcome, whole, rng, beside=beside, strata=strata)
            found.append(replace(chosen, part=part, candidates=len(names)))
    return tuple(found)


def select_group(
    name: str,
    x: pd.DataFrame,
    outcome: Outcome,
    options: FitOptions,
    rng: np.random.Generator,
    *,
    beside: Floats | None = None,
    strata: Strata | None = None,
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
    beside
        Columns that stay whatever is selected, shape (patients, columns): LASSO chooses what adds to them.
    strata
        Patient -> stratum, for the screen and the LASSO.
    """
    names = tuple(str(c) for c in x.columns)
    if not options.select:
        return GroupSelection(name, "", len(names), len(names), len(names), len(names), names, 0.0)
    distinct = drop_redundant(x, options.redundancy_rho)
    values = x.loc[:, list(distinct)].to_numpy()
    screen, labels = _screen(options, strata), labels_of_strata(strata, outcome)
    associated = screen(values, outcome)
    counts = (name, "", len(names), len(names), len(distinct), int(associated.sum()))
    if not associated.any():
        return GroupSelection(*counts, (), 0.0)
    extra = np.zeros((len(values), 0)) if beside is None else beside
    path = LassoOptions(
        alpha=options.lasso_alpha,
        n_lambdas=options.lasso_lambdas,
        ties=options.lasso_ties,
        penalty_factors=(1.0,) * len(distinct) + (0.0,) * extra.shape[1] if extra.shape[1] else (),
    )
    if options.lambda_rule == "stability":
        stable = _stable(np.hstack([values, extra]), associated, outcome, path, rng, labels)
        return GroupSelection(*counts, tuple(distinct[n] for n in stable), 0.0)
    count = min(options.lasso_folds, outcome.n_events)
    folds = np.column_stack([assign_folds(outcome, count, rng) for _ in range(options.lasso_repeats)])
    kept = _keeping(screen, len(distinct))
    lasso = cv_lasso_cox(np.hstack([values, extra]), outcome, folds, path, kept, strata=labels)
    chosen = np.flatnonzero(lasso.coef(options.lambda_rule)[: len(distinct)])
    penalty = lasso.lambda_min if options.lambda_rule == "min" else lasso.lambda_1se
    return GroupSelection(*counts, tuple(distinct[n] for n in chosen), penalty)


def _stable(
    values: Floats,
    associated: NDArray[np.bool_],
    outcome: Outcome,
    path: LassoOptions,
    rng: np.random.Generator,
    labels: Sequence[str] | None,
) -> NDArray[np.intp]:
    """Positions of the associated features that are stable.

    Columns behind the candidates stay; they do not use up the places of a half.
    """
    at, staying = np.flatnonzero(associated), np.arange(len(associated), values.shape[1])
    factors = (1.0,) * len(at) + (0.0,) * len(staying) if len(staying) else ()
    base = StabilityOptions()
    lasso = replace(base.lasso, alpha=path.alpha, n_lambdas=path.n_lambdas, ties=path.ties, penalty_factors=factors)
    options = replace(base, per_half=base.per_half + len(staying), lasso=lasso)
    found = stability_selection(values[:, [*at, *staying]], outcome, rng, options, strata=labels)
    return at[found.frequency[: len(at)] >= found.threshold]


def _parts(names: Sequence[str], options: FitOptions) -> dict[str, list[str]]:
    """Columns ``region__image__family_feature`` by region or family, in the order of their first column."""
    parts: dict[str, list[str]] = {}
    for name in names:
        region, feature = name.split("__")[0], name.split("__")[-1]
        place = {"group": "", "region": region, "family": f"{region}__{feature.split('_')[0]}"}[options.select_by]
        parts.setdefault(place if options.select else "", []).append(name)
    return parts


def _keeping(screen: Screen, candidates: int) -> Screen:
    """The same screen for the candidates; the columns behind them always stay."""

    def kept(values: Floats, outcome: Outcome) -> NDArray[np.bool_]:
        passed = screen(values[:, :candidates], outcome)
        return np.concatenate([passed, np.ones(values.shape[1] - candidates, dtype=bool)])

    return kept


def _screen(options: FitOptions, strata: Strata | None) -> Screen:
    def screen(values: Floats, outcome: Outcome) -> NDArray[np.bool_]:
        p = univariate_cox(values, outcome, options.ties, strata=labels_of_strata(strata, outcome)).p
        if options.correction == "benjamini_hochberg":
            p = adjust_p(p)
        return np.asarray(p < options.univariate_p)

    return screen
