"""Cumulative incidence of the event and of its competing event, in all patients and by risk group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import ConvergenceError, FeatureError, IncidenceCurve, Outcome, OutcomeError
from perisurv.evaluation.competing_risks import fine_gray, gray_test
from perisurv.evaluation.risk_groups import HALF_YEAR_DAYS
from perisurv.statistics import aalen_johansen

__all__ = ["CAUSES", "CompetingRisks", "competing_risks", "incidence_curves"]

CAUSES = {1: "event", 2: "competing"}  # as Outcome.cause codes them


@dataclass(frozen=True, slots=True)
class CompetingRisks:
    """What the risk groups of one branch say of the event and of its competing event.

    Parameters
    ----------
    curves
        Cumulative incidence of each risk group and cause.
    gray_p
        Cause -> p of Gray's test of the two risk groups; what could not be tested is left out, and ``notes`` says why.
    subdistribution
        Cause -> subdistribution hazard ratio (Fine and Gray) of the high against the low risk group, with its limits.
    """

    curves: tuple[IncidenceCurve, ...]
    gray_p: dict[str, float]
    subdistribution: dict[str, tuple[float, ...]]
    notes: tuple[str, ...]


def incidence_curves(branch: str, group: str, outcome: Outcome, confidence: float = 0.95) -> tuple[IncidenceCurve, ...]:
    """Aalen-Johansen estimate of the event and of the competing event, with numbers at risk each half year.

    Parameters
    ----------
    branch, group
        What the curves are called: name on the ladder, and ``low``, ``high`` or ``all``.
    outcome
        Follow-up of the patients of the group. A cause that does not occur stays at 0, with limits of 0.
    confidence
        Coverage of the pointwise limits.
    """
    times = np.unique(outcome.time_days)
    ticks = np.arange(0.0, outcome.time_days.max() + 1, HALF_YEAR_DAYS)
    at_risk = tuple(int((outcome.time_days >= t).sum()) for t in ticks)
    found = aalen_johansen(outcome.time_days, outcome.cause, confidence) if outcome.cause.any() else None
    curves = []
    for cause, name in CAUSES.items():
        values = lower = upper = np.zeros(len(times))
        if found and cause in found.causes:
            column = found.causes.index(cause)
            values, lower, upper = (a[:, column] for a in (found.incidence, found.lower, found.upper))
        shown = (_floats(times), _floats(values), _floats(lower), _floats(upper))
        curves.append(IncidenceCurve(branch, group, name, *shown, _floats(ticks), at_risk))
    return tuple(curves)


def competing_risks(
    branch: str, outcome: Outcome, high_risk: NDArray[np.bool_], confidence: float = 0.95
) -> CompetingRisks:
    """Incidence of event and competing event in the low and the high risk group, compared by Gray's test.

    Parameters
    ----------
    branch
        Name on the ladder.
    outcome
        Follow-up of the scored patients, with its competing events.
    high_risk
        Groups by a cut-off that was fixed on the training patients.
    confidence
        Coverage of all intervals.
    """
    curves: list[IncidenceCurve] = []
    for name, group in (("low", ~high_risk), ("high", high_risk)):
        if group.any():
            own = outcome.take([p for p, inside in zip(outcome.patients, group, strict=True) if inside])
            curves += incidence_curves(branch, name, own, confidence)
    gray: dict[str, float] = {}
    ratios: dict[str, tuple[float, ...]] = {}
    notes: list[str] = []
    labels = np.where(high_risk, "high", "low").tolist()
    for cause, name in CAUSES.items():
        try:
            gray[name] = gray_test(outcome.time_days, outcome.cause, labels, cause).p
        except OutcomeError as error:
            notes.append(f"{branch}: no test of Gray of the {_called(name)}. {error}")
            continue
        try:
            x = pd.DataFrame({"high": high_risk.astype(float)})
            ratio = fine_gray(x, outcome.time_days, outcome.cause, cause, confidence).ratios[0]
            if np.isfinite([ratio.value, ratio.lower, ratio.upper]).all():
                ratios[name] = (ratio.value, ratio.lower, ratio.upper)
        except (OutcomeError, ConvergenceError, FeatureError) as error:
            notes.append(f"{branch}: no subdistribution hazard ratio of the {_called(name)}. {error}")
    return CompetingRisks(tuple(curves), gray, ratios, tuple(notes))


def _called(cause: str) -> str:
    return "competing event" if cause == "competing" else cause


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
