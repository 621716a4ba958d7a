"""Does a hazard ratio stay the same over time? Schoenfeld residuals and the score test of cox.zph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, special, stats

from perisurv.core import FeatureError, FeatureTable, Outcome, SettingsError
from perisurv.statistics import Ties, life_table
from perisurv.survival.cox_maximum import CoxMaximum, Labels, Weights, cox_maximum

__all__ = ["ProportionalHazards", "TimeScale", "check_proportional_hazards"]

Floats = NDArray[np.float64]
TimeScale = Literal["km", "identity", "rank", "log"]


@dataclass(frozen=True, slots=True, eq=False)
class ProportionalHazards:
    """Test of proportional hazards, and the residuals to draw beside it.

    Parameters
    ----------
    terms
        Names of the terms tested.
    chi2, df, p
        Score test of each term, shape (terms,). A small p: the hazard ratio changes over time.
    chi2_global, df_global, p_global
        Test of all terms together.
    features
        Names of the features.
    time_days, scaled_time
        Time of each death, by stratum and ascending, days; the same on the scale of the test, shape (deaths,).
    schoenfeld
        Feature of the patient who died minus its mean at risk, shape (deaths, features).
    scaled_schoenfeld
        Times the number of deaths and the covariance, plus the coefficient: an estimate of the coefficient at each
        death (Grambsch and Therneau 1994, Biometrika 81:515-526), shape (deaths, features).
    """

    terms: tuple[str, ...]
    chi2: Floats
    df: NDArray[np.intp]
    p: Floats
    chi2_global: float
    df_global: int
    p_global: float
    features: tuple[str, ...]
    time_days: Floats
    scaled_time: Floats
    schoenfeld: Floats
    scaled_schoenfeld: Floats


def check_proportional_hazards(
    x: FeatureTable | pd.DataFrame | ArrayLike,
    outcome: Outcome,
    ties: Ties = "efron",
    *,
    scale: TimeScale = "km",
    terms: Mapping[str, Sequence[str]] | None = None,
    strata: Labels | None = None,
    weight: Weights | None = None,
) -> ProportionalHazards:
    """Fit a Cox model and test whether its hazard ratios change over time.

    The exact score test for adding feature x g(time) to the model, as ``cox.zph`` of R's survival since version 3;
    older versions and other packages approximate it by a constant covariance.

    Parameters
    ----------
    x, outcome, ties, strata, weight
        As for :func:`fit_cox`.
    scale
        g(time): ``"km"`` 1 - Kaplan-Meier just before (without case weights, as in R), ``"identity"`` days, ``"rank"``
        among all follow-up times (ties share their mean rank), ``"log"`` of the days.
    terms
        Name -> its features, tested together with one degree of freedom each (indicators of one categorical
        variable); features in no term are terms of their own. None: each feature is one.

    Raises
    ------
    FeatureError
        As :func:`fit_cox`; if a term names an unknown feature; without any feature; or if a term cannot be tested
        because a hazard ratio that changes over time cannot be told from a constant one (all deaths at one time).
    OutcomeError, ConvergenceError
        As :func:`fit_cox`.
    """
    fit = cox_maximum(x, outcome, ties, strata=strata, weight=weight)
    if not fit.names:
        raise FeatureError("A model without features has no hazard ratio that could change over time.")
    columns = _columns(fit.names, terms)
    g = _scaled_time(outcome, fit, scale)
    score, information = _score(fit, g)
    chi2 = np.array([_statistic(score, information, at, name) for name, at in columns.items()])
    df = np.array([len(at) for at in columns.values()], dtype=np.intp)
    everything = np.arange(len(fit.names))
    total = _statistic(score, information, everything, "GLOBAL")
    schoenfeld = (fit.x[fit.sets.deaths] - fit.sets.within_ties(fit.mean_at_risk()[2])) * fit.scale
    covariance = fit.covariance / np.outer(fit.scale, fit.scale)
    return ProportionalHazards(
        terms=tuple(columns),
        chi2=chi2,
        df=df,
        p=np.asarray(special.chdtrc(df, chi2)),
        chi2_global=total,
        df_global=len(everything),
        p_global=float(special.chdtrc(len(everything), total)),
        features=fit.names,
        time_days=fit.sets.time_days[fit.sets.deaths],
        scaled_time=g,
        schoenfeld=schoenfeld,
        scaled_schoenfeld=len(schoenfeld) * schoenfeld @ covariance + fit.coef / fit.scale,
    )


def _columns(names: tuple[str, ...], terms: Mapping[str, Sequence[str]] | None) -> dict[str, NDArray[np.intp]]:
    """Term -> positions of its features, in the order of the features."""
    owner = {name: name for name in names}
    for term, members in (terms or {}).items():
        for name in members:
            if name not in owner:
                raise FeatureError(f"Term {term!r} names the feature {name!r}, which is not in the model.")
            owner[name] = term
    found: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        found.setdefault(owner[name], []).append(position)
    return {term: np.array(at, dtype=np.intp) for term, at in found.items()}


def _scaled_time(outcome: Outcome, fit: CoxMaximum, scale: TimeScale) -> Floats:
    """The time of each death on the scale of the test, shape (deaths,)."""
    sets = fit.sets
    time = sets.time_days[sets.deaths]
    if scale == "identity":
        return time
    if scale == "log":
        return np.asarray(np.log(time))
    if scale == "rank":
        return np.asarray(stats.rankdata(sets.time_days))[sets.deaths]
    if scale == "km":
        return _died_before(outcome, time)
    raise SettingsError(f"scale must be one of km, identity, rank, log; got {scale!r}.")


def _died_before(outcome: Outcome, time: Floats) -> Floats:
    """1 - Kaplan-Meier, case weights left out as in R, just before each time."""
    times, at_risk, deaths = life_table(outcome.time_days, outcome.event)
    survival = np.concatenate([[1.0], np.cumprod(1.0 - deaths / at_risk)])
    return np.asarray(1.0 - survival[np.searchsorted(times, time, side="left")])


def _score(fit: CoxMaximum, g: Floats) -> tuple[Floats, Floats]:
    """Score (2 p) and information (2 p, 2 p) of the features and of the features times g, at the maximum."""
    sets, x = fit.sets, fit.x
    centred = g - g.mean()  # changes no statistic, keeps digits
    centred = centred / max(float(np.abs(centred).max()), 1e-300)
    weight, at_risk, mean = fit.mean_at_risk()
    p = x.shape[1]
    blocks = np.zeros((3, p, p))
    powers = sets.death_weight * np.stack([np.ones_like(centred), centred, centred**2])
    # sum over deaths of g^k E[x x'] = sum over patients of (sum over their deaths of g^k / at risk) w x x'
    for k in range(3):
        share = weight * sets.up_to(powers[k] / at_risk)
        blocks[k] = (x * share[:, None]).T @ x - (mean * powers[k][:, None]).T @ mean
    score = (sets.weight[sets.deaths] * centred) @ x[sets.deaths] - powers[1] @ mean
    information = np.block([[blocks[0], blocks[1]], [blocks[1], blocks[2]]])
    return np.concatenate([np.zeros(p), score]), information


def _statistic(score: Floats, information: Floats, at: NDArray[np.intp], name: str) -> float:
    """Score statistic of the products of some features with time, the features themselves in the model."""
    p = len(score) // 2
    kept = np.concatenate([np.arange(p), p + at])
    part = information[np.ix_(kept, kept)]
    if linalg.eigvalsh(part)[0] <= 1e-12 * np.trace(part):
        raise FeatureError(
            f"Whether the hazard ratio of {name!r} changes over time cannot be tested: it takes events at two times at "
            "least, and more events than coefficients."
        )
    return float(score[kept] @ linalg.solve(part, score[kept], assume_a="pos"))
