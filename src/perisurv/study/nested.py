"""The tabular branches under any design of splits: everything is fitted again in each training part.

Imputation, redundancy, selection, ring, fusion and cut-off are those of :mod:`perisurv.study.stages`, called on the
training patients of a split and on nobody else.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureTable, InputError, LeakageError, Outcome
from perisurv.core.brief import Brief
from perisurv.evaluation import FoldRisks, FoldScore, Split, score_folds
from perisurv.study import stages
from perisurv.study.designs import Patients, deal, permuted_runs
from perisurv.study.engine import Progress, run_tasks, split_failures
from perisurv.study.settings import StudySettings
from perisurv.study.stages import Acquisition, Branch

__all__ = ["CHOSEN", "Nested", "SplitFit", "fit_split", "fold_risks", "validate_branches"]

CHOSEN = "{ring}"  # stands for the ring that the inner folds chose, in the prefixes of a branch


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SplitFit(Brief):
    """What the models of one split say of the patients that they never saw.

    Parameters
    ----------
    split
        Who trained and who was scored.
    risk, high_risk
        Branch -> risk, and whether it lies above the cut-off of the training patients; in the order of the scored.
    ring
        The ring chosen inside the training part; empty without rings.
    selected
        Branch -> features of its signature.
    """

    split: Split
    risk: dict[str, NDArray[np.float64]]
    high_risk: dict[str, NDArray[np.bool_]]
    ring: str
    selected: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Nested(Brief):
    """What a validation found.

    Parameters
    ----------
    fits
        One a split.
    outcome
        Follow-up of the patients.
    score
        C of every branch, its interval and the paired differences.
    permuted
        Branch -> C of each run with a permuted outcome.
    """

    fits: tuple[SplitFit, ...]
    outcome: Outcome
    score: FoldScore
    permuted: dict[str, tuple[float, ...]]

    @property
    def ring_votes(self) -> dict[str, int]:
        """In how many splits each ring was chosen."""
        return dict(sorted(Counter(fit.ring for fit in self.fits if fit.ring).items()))

    @property
    def selection(self) -> dict[str, dict[str, float]]:
        """Branch -> feature -> share of the splits that selected it, most frequent first."""
        shares = {}
        for branch in self.score.c_index:
            counts = Counter(name for fit in self.fits for name in fit.selected[branch])
            ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            shares[branch] = {name: count / len(self.fits) for name, count in ordered}
        return shares

    def predictions(self) -> pd.DataFrame:
        """One row a patient, repeat and branch."""
        rows = [
            pd.DataFrame(
                {
                    "patient": fit.split.scored,
                    "repeat": fit.split.repeat + 1,
                    "split": fit.split.name,
                    "branch": branch,
                    "risk": risk,
                    "group": np.where(fit.high_risk[branch], "high", "low"),
                }
            )
            for fit in self.fits
            for branch, risk in fit.risk.items()
        ]
        return pd.concat(rows, ignore_index=True)


def validate_branches(
    table: FeatureTable,
    patients: Patients,
    branches: Sequence[Branch],
    settings: StudySettings,
    *,
    acquisition: Acquisition | None = None,
    progress: Progress | None = None,
) -> Nested:
    """Fit and score every branch in every split of ``settings.validation``.

    Same inputs and seed give the same bytes with any number of workers.

    Parameters
    ----------
    table
        Features of all patients; made by nothing that was fitted on one of them.
    patients
        Follow-up, centres and times.
    branches
        The ladder. A prefix may hold ``{ring}``, which then stands for the ring chosen inside the training part; the
        rings are those of ``settings.regions``.
    settings
        The study file.
    acquisition
        What is known of each scan.
    progress
        Called after every split.

    Raises
    ------
    LeakageError
        If a row was made by something fitted on a patient that would score it.
    InputError
        If a split cannot be fitted, with its name; or as :func:`perisurv.study.designs.deal`.
    """
    options, order = settings.validation, sorted(patients.outcome.patients)
    patients = dataclasses.replace(patients, outcome=patients.outcome.take(order))
    table = table.take(order)
    splits = deal(patients, options, stages.stream(settings.seed, "validation"), options.repeats)
    runs = [(patients.outcome, splits), *permuted_runs(patients, options, splits, settings.seed)]
    for split in (s for _, own in runs for s in own):
        _refuse_shaped(table, split)
    tasks = [(split, outcome) for outcome, own in runs for split in own]
    scans = {**(acquisition or {}), **stages.with_centres(acquisition or {}, patients.centres)}
    work = partial(fit_split, table=table, branches=tuple(branches), settings=settings, acquisition=scans)
    results = run_tasks(work, tasks, workers=settings.workers, label="validate", progress=progress)
    _, bad = split_failures(tasks, results)
    if bad:
        raise InputError(f"The split {bad[0][0][0].name!r} could not be fitted: {bad[0][1]}")
    parts, start = [], 0
    for outcome, own in runs:
        parts.append((outcome, tuple(results[start : start + len(own)])))
        start += len(own)
    return _assemble(parts, patients, settings)


def fit_split(
    task: tuple[Split, Outcome],
    *,
    table: FeatureTable,
    branches: Sequence[Branch],
    settings: StudySettings,
    acquisition: Acquisition,
) -> SplitFit:
    """Choose the ring and fit every branch on the training patients of one split; score the others."""
    split, outcome = task
    own = dataclasses.replace(settings, seed=_seed(settings.seed, split))
    training, scored = table.take(split.training), table.take(split.scored)
    known = outcome.take(split.training)
    rings = any(CHOSEN in p for branch in branches for prefixes in branch.groups.values() for p in prefixes)
    ring = stages.find_ring(training, known, own, acquisition).ring if rings else ""
    risk, high, selected = {}, {}, {}
    for branch in (_with_ring(b, ring) for b in branches):
        signature = stages.fit_branch(branch, training, known, acquisition, own)
        risk[branch.name] = np.asarray(signature.risk(scored, acquisition))
        high[branch.name] = risk[branch.name] > signature.cutoff
        selected[branch.name] = signature.selected
    return SplitFit(split, risk, high, ring, selected)


def _seed(seed: int, split: Split) -> int:
    return int(stages.stream(seed, "split", split.name).integers(2**31))


def _with_ring(branch: Branch, ring: str) -> Branch:
    groups = {g: tuple(p.replace(CHOSEN, ring) for p in prefixes) for g, prefixes in branch.groups.items()}
    return dataclasses.replace(branch, groups=groups)


def _refuse_shaped(table: FeatureTable, split: Split) -> None:
    """Rows of the training part that a scored patient shaped would carry that patient's data into its own score."""
    shaped = table.take(split.training).seen & set(split.scored)
    if shaped:
        raise LeakageError(
            f"Split {split.name!r}: features of its training patients were made by something fitted on patients that "
            f"it scores ({', '.join(sorted(shaped)[:5])}). Fit that step inside each split."
        )


def _assemble(
    parts: Sequence[tuple[Outcome, tuple[SplitFit, ...]]], patients: Patients, settings: StudySettings
) -> Nested:
    centre = {p: name for name, own in patients.centres.items() for p in own}
    outcome, fits = parts[0]
    score = score_folds(
        fold_risks(fits, outcome),
        stages.stream(settings.seed, "validation", "bootstrap"),
        resamples=settings.evaluation.resamples,
        confidence=settings.evaluation.confidence,
        strata=[centre[p] for p in outcome.patients] if centre else None,
    )
    null: dict[str, list[float]] = {branch: [] for branch in score.c_index}
    for own, found in parts[1:]:
        risks = fold_risks(found, own)
        for branch, values in null.items():
            values.append(risks.c_index(branch))
    return Nested(fits, outcome, score, {branch: tuple(values) for branch, values in null.items()})


def fold_risks(fits: Sequence[SplitFit], outcome: Outcome) -> FoldRisks:
    """Risks of all splits by repeat and patient."""
    at: Mapping[str, int] = {p: n for n, p in enumerate(outcome.patients)}
    shape = (max(fit.split.repeat for fit in fits) + 1, len(outcome))
    fold = np.full(shape, -1, dtype=np.intp)
    risk = {branch: np.zeros(shape) for branch in fits[0].risk}
    for number, fit in enumerate(fits):
        columns = [at[p] for p in fit.split.scored]
        fold[fit.split.repeat, columns] = number
        for branch, values in fit.risk.items():
            risk[branch][fit.split.repeat, columns] = values
    return FoldRisks(outcome, fold, risk)
