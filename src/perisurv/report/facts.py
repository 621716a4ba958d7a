"""What the report says in words and tables, read off an Evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perisurv.core import (
    AucPoint,
    CalibrationPoint,
    Evaluation,
    Exclusion,
    FeatureError,
    LadderRow,
    RegionSet,
    RiskGroupCurve,
)
from perisurv.report.words import DAYS_PER_MONTH, DAYS_PER_YEAR, horizon_label

__all__ = [
    "Coefficient",
    "ExclusionGroup",
    "GroupFacts",
    "auc_table",
    "audit_rows",
    "calibration_table",
    "caution",
    "coefficients",
    "exclusion_groups",
    "facts_of",
    "flow_counts",
    "group_exclusions",
    "group_facts",
    "headline_row",
    "median_days",
]

HEADLINE = "combined"
DEFAULT_HORIZONS_DAYS = (DAYS_PER_YEAR, 2 * DAYS_PER_YEAR, 3 * DAYS_PER_YEAR)
AUDIT = {
    "thickness_mm": ("thickness", "{:.1f} mm"),
    "clipped_share": ("clipped", "{:.0%}"),
    "lung_share": ("lung", "{:.0%}"),
    "soft_share": ("soft", "{:.0%}"),
    "bone_share": ("bone", "{:.0%}"),
    "air_share": ("air", "{:.0%}"),
}


@dataclass(frozen=True, slots=True)
class ExclusionGroup:
    """Everything that left the study at one stage for reasons of one kind.

    Parameters
    ----------
    stage
        Of the run.
    kind
        What the reasons have in common.
    reasons
        In full, each once, in the order of the exclusions.
    patients
        Their pseudonyms, or what stands for a file without a patient.
    """

    stage: str
    kind: str
    reasons: tuple[str, ...]
    patients: tuple[str, ...]

    @property
    def example(self) -> str:
        """The first reason in full, where it says more than the kind."""
        return "" if self.reasons[0] == self.kind else self.reasons[0]


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """One risk group in numbers: values and intervals as text; a dash where follow-up does not reach."""

    group: str
    n: int
    median: tuple[str, str]
    survival: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One feature of a branch; ``share`` of the largest coefficient, for its bar."""

    name: str
    value: float
    share: float


def headline_row(evaluation: Evaluation) -> LadderRow:
    """The combined model; without one, the last branch that is not the oracle.

    Raises
    ------
    FeatureError
        If the evaluation holds no such branch.
    """
    rows = [row for row in evaluation.ladder if row.branch != "oracle"]
    if not rows:
        raise FeatureError("The evaluation holds no branch to report; fit and evaluate a model first.")
    return next((row for row in rows if row.branch == HEADLINE), rows[-1])


def caution(headline: LadderRow, volume: LadderRow | None) -> tuple[str, ...]:
    """What the headline does not show, in plain words."""
    said = ["No feature was selected, so everybody has the same risk."] if not headline.n_features else []
    no_more_than_chance = headline.lower <= 0.5 <= headline.upper
    if no_more_than_chance and headline.n_features:
        said.append("The interval holds 0.5: this cohort does not show that the model discriminates.")
    elif headline.upper < 0.5:
        said.append("The model ranks patients the wrong way round.")
    if volume is None or volume.branch == headline.branch:
        return tuple(said)
    if headline.c_index <= volume.c_index:
        said.append("The model is no better than the volume of the tumour alone.")
    elif headline.lower <= volume.c_index and not no_more_than_chance:
        said.append("The interval holds the value of tumour volume alone: the gain over volume is not certain.")
    return tuple(said)


def flow_counts(evaluation: Evaluation) -> dict[str, int]:
    """Patients found, excluded, in training and external."""
    training = sum(evaluation.training_centres.values())
    external = sum(evaluation.external_centres.values())
    left = len({patient for patient, _, _ in evaluation.exclusions if patient})
    excluded = evaluation.flow.get("excluded", left)
    found = evaluation.flow.get("found", training + external + excluded)
    return {"found": found, "excluded": excluded, "training": training, "external": external}


def exclusion_groups(evaluation: Evaluation) -> tuple[ExclusionGroup, ...]:
    """Exclusions by stage and kind of reason, the most frequent first."""
    return group_exclusions([Exclusion(*one) for one in evaluation.exclusions])


def group_exclusions(exclusions: Sequence[Exclusion]) -> tuple[ExclusionGroup, ...]:
    """Exclusions by stage and kind of reason, the most frequent first."""
    groups: dict[tuple[str, str], list[Exclusion]] = {}
    for one in exclusions:
        groups.setdefault((one.stage, one.kind), []).append(one)
    found = [
        ExclusionGroup(
            stage,
            kind,
            tuple(dict.fromkeys(one.reason for one in own)),
            tuple(one.patient or "a file without a patient" for one in own),
        )
        for (stage, kind), own in groups.items()
    ]
    return tuple(sorted(found, key=lambda g: (-len(g.patients), g.stage, g.kind)))


def auc_table(evaluation: Evaluation) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[AucPoint | None, ...]], ...]]:
    """Names of the horizons, and a row a branch with its AUC at each of them (None where undefined)."""
    horizons = sorted({point.time_days for point in evaluation.auc})
    points = {(point.branch, point.time_days): point for point in evaluation.auc}
    branches = [row.branch for row in evaluation.ladder if any(point.branch == row.branch for point in evaluation.auc)]
    rows = tuple((branch, tuple(points.get((branch, t)) for t in horizons)) for branch in branches)
    return tuple(horizon_label(t) for t in horizons), rows


def calibration_table(evaluation: Evaluation) -> tuple[tuple[str, str, CalibrationPoint], ...]:
    """A row a branch and horizon: branch, name of the horizon, its figures."""
    order = {row.branch: place for place, row in enumerate(evaluation.ladder)}
    points = sorted(evaluation.calibration, key=lambda p: (order.get(p.branch, len(order)), p.time_days))
    return tuple((point.branch, horizon_label(point.time_days), point) for point in points)


def group_facts(evaluation: Evaluation, branch: str) -> tuple[tuple[str, ...], tuple[GroupFacts, ...]]:
    """Names of the horizons, and both risk groups with median survival and survival at each horizon."""
    horizons = tuple(sorted({point.time_days for point in evaluation.auc})) or DEFAULT_HORIZONS_DAYS
    facts = tuple(facts_of(curve, horizons) for curve in evaluation.curves if curve.branch == branch)
    return tuple(horizon_label(t) for t in horizons), facts


def facts_of(curve: RiskGroupCurve, horizons_days: Sequence[float]) -> GroupFacts:
    """One risk group with its median and its share without event at each horizon."""
    at = tuple(_survival(curve, t) for t in horizons_days)
    return GroupFacts(curve.group, curve.at_risk[0], _median(curve), at)


def median_days(curve: RiskGroupCurve) -> tuple[float | None, float | None, float | None]:
    """Median survival with its interval, days; None where the curve or its limit does not fall to one half.

    Read off the curve and its limits (Brookmeyer and Crowley 1982), as R's ``survfit``: where the curve runs along
    one half, the middle of that stretch; limits end where nobody is left alive.
    """
    alive = [n for n, s in enumerate(curve.survival) if s > 0]
    days = [curve.time_days[n] for n in alive]
    lower = _first_half(days, [curve.lower[n] for n in alive])
    upper = _first_half(days, [curve.upper[n] for n in alive])
    return _first_half(list(curve.time_days), list(curve.survival)), lower, upper


def coefficients(evaluation: Evaluation, branch: str) -> tuple[Coefficient, ...]:
    """Features of a branch, the largest coefficient first."""
    chosen = evaluation.selected.get(branch, {})
    largest = max((abs(value) for value in chosen.values()), default=0.0) or 1.0
    ordered = sorted(chosen.items(), key=lambda item: (-abs(item[1]), item[0]))
    return tuple(Coefficient(name, value, value / largest) for name, value in ordered)


def audit_rows(regions: RegionSet) -> tuple[tuple[str, ...], tuple[tuple[str, float, tuple[str, ...]], ...]]:
    """Columns of the ring audit that are known, and a row a ring: name, volume in ml, audited figures."""
    rings = [region for region in regions if region.name != "tumour"]
    known = [key for key in AUDIT if any(key in ring.audit for ring in rings)]
    rows = tuple(
        (
            ring.name,
            ring.mask.volume_ml,
            tuple(AUDIT[key][1].format(ring.audit[key]) if key in ring.audit else "\u2013" for key in known),
        )
        for ring in rings
    )
    return tuple(AUDIT[key][0] for key in known), rows


def _first_half(days: list[float], values: list[float]) -> float | None:
    below = [n for n, value in enumerate(values) if value <= 0.5 + 1e-12]
    if not below:
        return None
    first = below[0]
    if abs(values[first] - 0.5) > 1e-12:
        return days[first]
    falls = [n for n in below if values[n] < 0.5 - 1e-12]
    return (days[first] + days[falls[0]]) / 2 if falls else days[first]


def _median(curve: RiskGroupCurve) -> tuple[str, str]:
    median, lower, upper = median_days(curve)
    if median is None:
        return "not reached", ""
    limits = [f"{days / DAYS_PER_MONTH:.1f}" if days is not None else "not reached" for days in (lower, upper)]
    return f"{median / DAYS_PER_MONTH:.1f}", " to ".join(limits)


def _survival(curve: RiskGroupCurve, time_days: float) -> tuple[str, str]:
    if not curve.time_days or time_days > curve.time_days[-1]:
        return "\u2013", ""
    before = [n for n, t in enumerate(curve.time_days) if t <= time_days]
    if not before:
        return "100 %", ""
    n = before[-1]
    return f"{100 * curve.survival[n]:.0f} %", f"{100 * curve.lower[n]:.0f} to {100 * curve.upper[n]:.0f}"
