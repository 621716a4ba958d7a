"""Net reclassification and integrated discrimination improvement: secondary measures of an added marker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perisurv.core import Outcome, OutcomeError, SettingsError
from perisurv.evaluation.estimate import Estimate, bootstrap_estimate
from perisurv.evaluation.horizon import check_horizon, check_probabilities
from perisurv.statistics import known_status, survival_at

__all__ = ["Reclassification", "reclassification"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reclassification:
    """How a new model moves predicted risks against an old one. Secondary: never the ground for choosing a model.

    Parameters
    ----------
    horizon_days
        Horizon, days.
    categories
        Cut-offs of the risk categories; empty: any move counts (category-free).
    events, nonevents
        Net share moved up among who dies by the horizon, and net share moved down among who lives on.
    nri
        Their sum, from -2 to 2.
    idi
        Integrated discrimination improvement: gain of the difference in mean risk between who dies and who lives on.
    role
        Always ``"secondary"``.
    """

    horizon_days: float
    categories: tuple[float, ...]
    events: Estimate
    nonevents: Estimate
    nri: Estimate
    idi: Estimate
    role: Literal["secondary"] = "secondary"


def reclassification(
    outcome: Outcome,
    old_risk: ArrayLike,
    new_risk: ArrayLike,
    horizon_days: float,
    counts: NDArray[np.int64],
    categories: tuple[float, ...] = (),
    *,
    confidence: float = 0.95,
) -> Reclassification:
    r"""NRI and IDI with censored follow-up (Pencina, D'Agostino and Steyerberg 2011).

    A secondary measure: the NRI rises with useless markers when models are fitted on the same data, is no proper score
    and mixes events and non-events regardless of the prevalence. Report it beside the difference of C and of net
    benefit, and with its two parts.

    With U and D the shares of patients moved up and down, and P the Kaplan-Meier risk of death by the horizon, of all
    patients or of those moved:

    .. math::
        NRI_{events} &= (P(U) U - P(D) D) / P \\
        NRI_{nonevents} &= ((1 - P(D)) D - (1 - P(U)) U) / (1 - P)

    The IDI is the mean risk of who dies by the horizon less that of who lives on, new minus old model; patients whose
    state at the horizon is known are weighted by the inverse probability of being uncensored.

    Parameters
    ----------
    outcome
        Follow-up.
    old_risk, new_risk
        Predicted probability of death by the horizon, shape (patients,).
    horizon_days
        Horizon, days. Where the follow-up of those moved ends before it, their last Kaplan-Meier value is carried on.
    counts
        Resamples of :func:`perisurv.evaluation.bootstrap_counts` for the intervals.
    categories
        Cut-offs within (0, 1), ascending; a risk at a cut-off belongs to the category above. Empty: category-free.
    confidence
        Coverage of the percentile intervals.

    Raises
    ------
    FeatureError
        If a risk is no probability.
    OutcomeError
        If nobody is followed to the horizon, or there are no deaths or no survivors by then.
    SettingsError
        If cut-offs do not rise within (0, 1), or counts do not fit the patients.
    """
    old = check_probabilities(old_risk, len(outcome), "Reclassification")
    new = check_probabilities(new_risk, len(outcome), "Reclassification")
    check_horizon(outcome, horizon_days)
    cuts = np.asarray(categories, dtype=float)
    if cuts.size and not (np.all(np.diff(cuts) > 0) and cuts[0] > 0 and cuts[-1] < 1):
        raise SettingsError(f"Cut-offs of risk categories rise within (0, 1), got {categories}.")
    if counts.ndim != 2 or counts.shape[1] != len(outcome):
        raise SettingsError(f"Resamples need one count for each of the {len(outcome)} patients.")
    move = np.sign(new - old)
    if cuts.size:
        move = np.sign(np.searchsorted(cuts, new, side="right") - np.searchsorted(cuts, old, side="right"))
    found = _statistics(outcome, old, new, move, horizon_days, np.ones((1, len(outcome))))
    if np.isnan(found).any():
        raise OutcomeError(
            f"Reclassification needs patients with an event by {horizon_days:g} days and patients without."
        )
    draws = _statistics(outcome, old, new, move, horizon_days, counts.astype(float))
    events, nonevents, nri, idi = (
        bootstrap_estimate(float(value), column, confidence) for value, column in zip(found[0], draws.T, strict=True)
    )
    return Reclassification(float(horizon_days), tuple(map(float, cuts)), events, nonevents, nri, idi)


def _statistics(
    outcome: Outcome, old: Floats, new: Floats, move: Floats, horizon_days: float, weight: Floats
) -> Floats:
    """NRI of events, of non-events, their sum, IDI; shape (weightings, 4), NaN where there is nobody of one kind."""
    total = weight.sum(axis=1)

    def deaths(inside: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Share of all patients who are inside and die, and who are inside and live on."""
        own = weight * inside
        share = own.sum(axis=1) / total
        died = 1.0 - survival_at(outcome.time_days, outcome.event, horizon_days, own)
        return share * died, share * (1.0 - died)

    die, live = deaths(np.ones(len(old), dtype=bool))
    up, down = deaths(move > 0), deaths(move < 0)
    die, live = np.where(die > 0, die, np.nan), np.where(live > 0, live, np.nan)
    events, nonevents = (up[0] - down[0]) / die, (down[1] - up[1]) / live
    cases, controls = known_status(outcome.time_days, outcome.event, horizon_days, weight)
    sums = [np.where(known.any(axis=1), known.sum(axis=1), np.nan) for known in (cases, controls)]
    gain = (cases * (new - old)).sum(axis=1) / sums[0] - (controls * (new - old)).sum(axis=1) / sums[1]
    return np.column_stack([events, nonevents, events + nonevents, gain])
