"""Hazard ratios of groups, and of a number such as the risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from perisurv.core import FeatureError, Outcome, OutcomeError, SettingsError
from perisurv.evaluation.estimate import Estimate, log_normal_estimate
from perisurv.evaluation.groups import group_labels
from perisurv.statistics import RiskSets, Ties, maximise

__all__ = ["GroupHazardRatio", "group_hazard_ratios", "hazard_ratio"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupHazardRatio:
    """Hazard of one group against the reference group; ``ratio.standard_error`` is that of its logarithm."""

    group: str
    reference: str
    ratio: Estimate


def hazard_ratio(
    outcome: Outcome,
    value: ArrayLike,
    per: Literal["unit", "sd"] = "unit",
    *,
    ties: Ties = "efron",
    strata: Sequence[object] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Hazard ratio of a number by Cox regression, with Wald interval and p.

    Parameters
    ----------
    outcome
        Follow-up.
    value
        One finite number a patient, such as the risk, shape (patients,).
    per
        For a rise of one unit, or of one standard deviation (with n - 1) of these patients.
    ties
        Tied deaths.
    strata
        One label a patient, such as the centre, each with a baseline hazard of its own.
    confidence
        Coverage of the interval.

    Raises
    ------
    FeatureError
        If a value is missing or not finite, or all are equal.
    OutcomeError
        If nobody died, or strata do not fit the patients.
    ConvergenceError
        If the value separates the deaths from those at risk, so that the ratio is not finite.
    SettingsError
        If ``per`` is unknown.
    """
    x = np.asarray(value, dtype=float)
    if x.shape != (len(outcome),) or not np.isfinite(x).all():
        raise FeatureError(f"A hazard ratio needs one finite value for each of the {len(outcome)} patients.")
    if per not in ("unit", "sd"):
        raise SettingsError(f"A hazard ratio is per 'unit' or per 'sd', got {per!r}.")
    if np.ptp(x) == 0:
        raise FeatureError("A hazard ratio needs a value that differs between patients; all are equal.")
    coef, error = _cox(x[:, None], outcome, ties, strata, ("value",))
    scale = float(x.std(ddof=1)) if per == "sd" else 1.0
    return log_normal_estimate(float(coef[0]) * scale, float(error[0]) * scale, confidence)


def group_hazard_ratios(
    outcome: Outcome,
    group: Sequence[object] | NDArray[np.generic],
    reference: object | None = None,
    *,
    ties: Ties = "efron",
    strata: Sequence[object] | None = None,
    confidence: float = 0.95,
) -> tuple[GroupHazardRatio, ...]:
    """Hazard ratio of every group against the reference group by Cox regression.

    Parameters
    ----------
    outcome, ties, strata, confidence
        As in :func:`hazard_ratio`.
    group
        One label a patient.
    reference
        Label of the reference; None: the first in ascending order.

    Raises
    ------
    OutcomeError
        If there are fewer than two groups, the reference is none of them, or nobody died.
    ConvergenceError
        If a group has no death (or only the reference has none): its hazard ratio is 0 or infinite.
    """
    names, place = group_labels(group, len(outcome), "Hazard ratios")
    if len(names) < 2:
        raise OutcomeError("All patients are in one group; a hazard ratio needs two.")
    base = names[0] if reference is None else str(reference)
    if base not in names:
        raise OutcomeError(f"The reference group {base!r} is none of {', '.join(names)}.")
    others = [name for name in names if name != base]
    x = np.column_stack([place == names.index(name) for name in others]).astype(float)
    coef, error = _cox(x, outcome, ties, strata, tuple(f"group {name}" for name in others))
    return tuple(
        GroupHazardRatio(name, base, log_normal_estimate(float(b), float(se), confidence))
        for name, b, se in zip(others, coef, error, strict=True)
    )


def _cox(
    x: Floats, outcome: Outcome, ties: Ties, strata: Sequence[object] | None, names: tuple[str, ...]
) -> tuple[Floats, Floats]:
    """Coefficients and standard errors, shape (columns,)."""
    sets = RiskSets.of(outcome.time_days, outcome.event, ties, strata)
    scale = x.std(axis=0)
    scaled = ((x - x.mean(axis=0)) / scale)[sets.order]
    coef, information = maximise(scaled, sets, np.zeros(x.shape[1]), names)
    return coef / scale, np.sqrt(np.diag(linalg.inv(information))) / scale
