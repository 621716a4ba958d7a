"""Discrimination of cross-validated risks: only patients of one fold are compared, as each fold has its own model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import FeatureError, Outcome, OutcomeError
from perisurv.core.brief import Brief
from perisurv.evaluation.resampling import bootstrap_counts, percentile_interval
from perisurv.statistics import RankedPairs, harrell_c

__all__ = ["FoldRisks", "FoldScore", "score_folds"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FoldRisks(Brief):
    """Risks of patients by models that never saw them, the same folds for every branch.

    Parameters
    ----------
    outcome
        Follow-up of the patients.
    fold
        Which fold scored each patient in each repeat, shape (repeats, patients); -1: none. The numbers of the folds
        go on from repeat to repeat.
    risk
        Branch -> risks, shape (repeats, patients), higher is worse; 0 where there is none.
    """

    outcome: Outcome
    fold: NDArray[np.intp]
    risk: Mapping[str, Floats]

    def __post_init__(self) -> None:
        if self.fold.ndim != 2 or self.fold.shape[1] != len(self.outcome) or not (self.fold >= 0).any():
            raise FeatureError(f"Folds of shape {self.fold.shape} do not score {len(self.outcome)} patients.")
        for branch, risk in self.risk.items():
            if risk.shape != self.fold.shape or not np.isfinite(risk).all():
                raise FeatureError(f"Branch {branch!r} needs a finite risk for every patient of every repeat.")

    def c_by_fold(self, branch: str) -> tuple[float | None, ...]:
        """Harrell's C of each fold by number; None where no pair can be compared."""
        found: list[float | None] = []
        for number in range(int(self.fold.max()) + 1):
            repeat = int((self.fold == number).any(axis=1).argmax())
            own = self.fold[repeat] == number
            time, event = self.outcome.time_days[own], self.outcome.event[own]
            try:
                found.append(harrell_c(time, event, self.risk[branch][repeat, own]))
            except OutcomeError:
                found.append(None)
        return tuple(found)

    def c_index(self, branch: str) -> float:
        """Concordant over comparable pairs of patients of the same fold, all folds and repeats together."""
        agree, total = self.pairs(branch, np.ones((1, len(self.outcome)), dtype=np.int64))
        return float(agree[0] / total[0])

    def pairs(self, branch: str, counts: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Concordant and comparable pairs within the folds of all repeats, for each resample of the patients.

        Raises
        ------
        OutcomeError
            If no two patients of one fold can be compared.
        """
        agree, total = np.zeros(len(counts)), np.zeros(len(counts))
        for fold, risk in zip(self.fold, self.risk[branch], strict=True):
            own = fold >= 0
            time, event = self.outcome.time_days[own], self.outcome.event[own]
            within = RankedPairs.of(time, event, risk[own], strata=fold[own].tolist())
            more, count = within.resampled_sums(counts[:, own])
            agree += more
            total += count
        if not total.any():
            raise OutcomeError("No two patients of one fold can be compared; take fewer folds or longer follow-up.")
        return agree, total


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FoldScore(Brief):
    """C of every branch and its differences from the others.

    Parameters
    ----------
    c_index
        Branch -> concordant over comparable pairs of patients of the same fold, all folds and repeats together.
    interval
        Branch -> percentile interval.
    by_fold
        Branch -> C of each fold.
    differences
        (first, second) -> difference of their C with its interval, on the same resamples.
    """

    c_index: dict[str, float]
    interval: dict[str, tuple[float, float]]
    by_fold: dict[str, tuple[float | None, ...]]
    differences: dict[tuple[str, str], tuple[float, float, float]]


def score_folds(
    risks: FoldRisks,
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    strata: Sequence[object] | None = None,
) -> FoldScore:
    """C with bootstrap intervals over patients.

    A patient is drawn with all of its risks, of every repeat and branch, so the interval knows that repeats score the
    same patients again and that pairs share patients. (The corrected t-interval of Nadeau and Bengio 2003 takes C as a
    mean over patients and guesses the dependence of folds from their sizes.) It answers for these models and other
    patients; how much the models would differ with other training patients is not in it.

    Parameters
    ----------
    risks
        Of every branch.
    rng
        Of the resamples, which all branches share.
    resamples, confidence
        Number of resamples and coverage of the intervals.
    strata
        One label a patient, such as the centre, to resample within; None: all together.

    Raises
    ------
    OutcomeError
        If no pair of patients of one fold can be compared.
    """
    counts = bootstrap_counts(len(risks.outcome), resamples, rng, strata)
    c_index, draws = {}, {}
    for branch in risks.risk:
        c_index[branch] = risks.c_index(branch)
        agree, total = risks.pairs(branch, counts)
        draws[branch] = np.divide(agree, total, out=np.full(len(total), np.nan), where=total > 0)
    differences = {}
    names = list(risks.risk)
    for first, second in [(b, names[0]) for b in names[1:]] + [(names[-1], b) for b in names[1:-1]]:
        interval = percentile_interval(draws[first] - draws[second], confidence)
        differences[first, second] = (c_index[first] - c_index[second], *interval)
    return FoldScore(
        c_index=c_index,
        interval={b: percentile_interval(d, confidence) for b, d in draws.items()},
        by_fold={b: risks.c_by_fold(b) for b in names},
        differences=differences,
    )
