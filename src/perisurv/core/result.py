"""What a model says, what an evaluation found, and where both came from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core.endpoint import Endpoint
from perisurv.core.errors import FeatureError
from perisurv.core.wording import counted, ladder_text

__all__ = [
    "AucPoint",
    "CalibrationPoint",
    "Evaluation",
    "IncidenceCurve",
    "LadderRow",
    "NetBenefitCurve",
    "Prediction",
    "Provenance",
    "RiskGroupCurve",
]

_PATIENTS_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Prediction:
    """Risks of patients that the model has never seen.

    Parameters
    ----------
    patients
        Pseudonyms, one an entry.
    risk
        Linear predictor (log hazard ratio against the mean training patient); higher is worse.
    horizons_days
        Times at which survival is given, days.
    survival
        Probability of being free of the event (alive, for overall survival), shape (patients, horizons).
    high_risk
        True where the risk lies above the cut-off fixed on the training patients.
    abstained
        For patients outside the training domain: the reason. Their numbers are for study, not for use.
    """

    patients: tuple[str, ...]
    risk: NDArray[np.float64]
    horizons_days: tuple[float, ...]
    survival: NDArray[np.float64]
    high_risk: NDArray[np.bool_]
    abstained: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.patients)
        if not (
            self.risk.shape == (n,) == self.high_risk.shape and self.survival.shape == (n, len(self.horizons_days))
        ):
            raise FeatureError("Risk, survival and groups of a prediction must have one row a patient.")
        if not np.isfinite(self.risk).all():
            raise FeatureError("A prediction holds a risk that is not finite.")

    def to_frame(self, *, show_abstained: bool = False) -> pd.DataFrame:
        """One row a patient: risk, ``survival_<days>d``, group and the reason of an abstention (empty if none).

        Parameters
        ----------
        show_abstained
            Whether patients for whom the model abstains have numbers; they are for study, not for use.
        """
        frame = pd.DataFrame({"risk": self.risk}, index=pd.Index(self.patients, name="patient"))
        for column, days in enumerate(self.horizons_days):
            frame[f"survival_{days:g}d"] = self.survival[:, column]
        frame["group"] = np.where(self.high_risk, "high", "low")
        frame["abstained"] = [self.abstained.get(p, "") for p in self.patients]
        if not show_abstained:
            hidden = frame["abstained"] != ""
            frame.loc[hidden, [c for c in frame.columns if c not in ("group", "abstained")]] = np.nan
            frame.loc[hidden, "group"] = ""
        return frame

    def __repr__(self) -> str:
        lines = [
            f"Prediction({counted(len(self.patients), 'patient')}, {len(self.abstained)} abstained; risk: log hazard "
            "ratio against the mean training patient, higher is worse; research use only)"
        ]
        shown = range(min(len(self.patients), _PATIENTS_SHOWN))
        lines += [f"  {self.patients[n]}: {self._said(n)}" for n in shown]
        if len(self.patients) > _PATIENTS_SHOWN:
            lines.append(f"  ... {len(self.patients) - _PATIENTS_SHOWN} more: .to_frame()")
        return "\n".join(lines)

    def _said(self, n: int) -> str:
        if self.patients[n] in self.abstained:
            return f"abstained: {self.abstained[self.patients[n]]}"
        return f"risk {self.risk[n]:+.3f}, {'high' if self.high_risk[n] else 'low'} risk group"


@dataclass(frozen=True, slots=True)
class LadderRow:
    """Discrimination of one branch on patients it never saw."""

    branch: str
    c_index: float
    lower: float
    upper: float
    n: int
    events: int
    n_features: int


@dataclass(frozen=True, slots=True)
class AucPoint:
    """Time-dependent AUC of one branch, with the points of its ROC curve."""

    branch: str
    time_days: float
    auc: float
    lower: float
    upper: float
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """How far the predicted risks of the event by one time can be believed, for one branch.

    Parameters
    ----------
    branch
        Name on the ladder.
    time_days
        Horizon, days.
    brier, brier_null
        Brier score (IPCW) of the predictions, and of giving everybody the Kaplan-Meier risk of these patients.
    expected
        Mean predicted risk of the event.
    observed, observed_lower, observed_upper
        Kaplan-Meier risk of the event, with its interval; competing events count as censored.
    slope, slope_lower, slope_upper
        Of the calibration line, observed on predicted risk, both as log(-log(1 - risk)): 1 is right, below 1 too
        spread out.
    ici
        Integrated calibration index: mean distance between the predicted risk and the smooth curve.
    predicted, actual
        The smooth calibration curve.
    """

    branch: str
    time_days: float
    brier: float
    brier_null: float
    expected: float
    observed: float
    observed_lower: float
    observed_upper: float
    slope: float
    slope_lower: float
    slope_upper: float
    ici: float
    predicted: tuple[float, ...]
    actual: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class NetBenefitCurve:
    """Net benefit of treating whoever has a predicted risk of the event above a threshold, for one branch and time."""

    branch: str
    time_days: float
    threshold: tuple[float, ...]
    net_benefit: tuple[float, ...]
    treat_all: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RiskGroupCurve:
    """Kaplan-Meier curve of one risk group of one branch, with numbers at risk."""

    branch: str
    group: str
    time_days: tuple[float, ...]
    survival: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    at_risk_time_days: tuple[float, ...]
    at_risk: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IncidenceCurve:
    """Cumulative incidence (Aalen-Johansen) of one cause in one group, with numbers at risk.

    Parameters
    ----------
    branch
        Whose risk groups these are; empty for all patients.
    group
        ``low``, ``high`` or ``all``.
    cause
        ``event`` or ``competing``.
    """

    branch: str
    group: str
    cause: str
    time_days: tuple[float, ...]
    incidence: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    at_risk_time_days: tuple[float, ...]
    at_risk: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made an artefact. Holds no time of day: the same inputs give the same bytes."""

    version: str
    python: str
    packages: dict[str, str]
    settings_sha256: str
    seed: int


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation:
    """Everything that the study found, as written to ``evaluation.json``.

    Parameters
    ----------
    ladder
        One row a branch, the oracle last where the truth is known. Intervals are at ``confidence``.
    training_centres, external_centres
        Patients that fitted the models, patients that were scored once.
    flow
        Cohort flow: step -> number of patients (``competing``: external ones with a competing event); ``exclusions``
        lists (patient, stage, reason).
    ring_votes
        How often each ring width won the inner cross-validation; ``ring`` is the final choice.
    calibration, net_benefit
        Predicted risks of the event against what happened, per branch and time; net benefit.
    log_rank_p
        Per branch, two risk groups on the external patients, cut-off from the training patients.
    uno_c
        Per branch, Uno's C up to the last horizon; a branch whose C is undefined has no entry.
    selected
        Per branch: feature -> coefficient on the standardised feature.
    tried
        How many models, feature sets and rings were tried before these numbers.
    endpoint
        What was looked at, in its words.
    incidence
        With a competing event, in place of ``curves``: cumulative incidence of both, of all patients and per branch.
    gray_p
        Branch -> cause -> p of Gray's test of its two risk groups.
    subdistribution
        Branch -> cause -> subdistribution hazard ratio (Fine and Gray) of high against low risk, with its limits.
    """

    ladder: tuple[LadderRow, ...]
    auc: tuple[AucPoint, ...]
    curves: tuple[RiskGroupCurve, ...]
    calibration: tuple[CalibrationPoint, ...]
    net_benefit: tuple[NetBenefitCurve, ...]
    log_rank_p: dict[str, float]
    uno_c: dict[str, float]
    confidence: float
    ring: str
    ring_votes: dict[str, int]
    selected: dict[str, dict[str, float]]
    training_centres: dict[str, int]
    external_centres: dict[str, int]
    flow: dict[str, int]
    exclusions: tuple[tuple[str, str, str], ...]
    tried: dict[str, int]
    notes: tuple[str, ...]
    provenance: Provenance
    endpoint: Endpoint = field(default_factory=Endpoint)
    incidence: tuple[IncidenceCurve, ...] = ()
    gray_p: dict[str, dict[str, float]] = field(default_factory=dict)
    subdistribution: dict[str, dict[str, tuple[float, ...]]] = field(default_factory=dict)

    def row(self, branch: str) -> LadderRow:
        """The ladder row of one branch."""
        for row in self.ladder:
            if row.branch == branch:
                return row
        raise FeatureError(f"No branch {branch!r}; there are {[r.branch for r in self.ladder]}.")

    def __repr__(self) -> str:
        best = next((r for r in self.ladder if r.branch == "combined"), self.ladder[-1] if self.ladder else None)
        told = f"; {best.branch}: C {best.c_index:.3f} ({best.lower:.3f}-{best.upper:.3f})" if best else ""
        return (
            f"Evaluation({counted(sum(self.external_centres.values()), 'external patient')}, "
            f"{counted(len(self.ladder), 'branch', 'branches')}{told}; print() shows the ladder)"
        )

    def __str__(self) -> str:
        return ladder_text((r.branch, r.c_index, r.lower, r.upper, r.n, r.events) for r in self.ladder)
