"""Which ring width: decided inside the training patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perisurv.core import FeatureError, FeatureTable, Outcome, OutcomeError
from perisurv.core.brief import Brief
from perisurv.statistics import RiskSets, harrell_c
from perisurv.survival.domain import Acquisition
from perisurv.survival.folds import assign_folds
from perisurv.survival.options import FitOptions
from perisurv.survival.signature import fit_signature
from perisurv.survival.strata import labels_of_strata, strata_of

__all__ = ["RingChoice", "choose_ring"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class RingChoice(Brief):
    """The chosen ring and how sure the training patients are of it.

    Parameters
    ----------
    ring
        The ring of the best mean score.
    votes
        In how many folds each ring had the best score; equal scores go to the ring listed first.
    scores
        Score of each ring in each fold of each repeat; higher is better.
    """

    ring: str
    votes: dict[str, int]
    scores: dict[str, tuple[float, ...]]


def choose_ring(
    tables: Mapping[str, FeatureTable],
    outcome: Outcome,
    options: FitOptions,
    rng: np.random.Generator,
    *,
    acquisition: Acquisition | None = None,
) -> RingChoice:
    """Choose a ring by repeated stratified cross-validation on the training patients.

    In every fold and for every ring the whole selection and the Cox model are fitted again on the other folds, with the
    same folds for all rings. The score is either the held-out log partial likelihood a death (Verweij and van
    Houwelingen 1993: all patients minus fitted patients, above the same for the null model), or Harrell's C of the
    left-out fold.

    Parameters
    ----------
    tables
        Ring name -> features of the training patients, the rings in the order of preference at equal scores.
    outcome
        Follow-up of the training patients.
    options
        Of the fit and of the cross-validation (``ring_folds``, ``ring_repeats``, ``ring_score``).
    rng
        Deals the folds.
    acquisition
        Of the training patients, for strata (both scores then compare patients of one stratum only) and for the
        harmonisation of the rings, which is fitted again in every fold.

    Raises
    ------
    FeatureError
        If there is no table or the tables hold different patients.
    OutcomeError
        If a fit has too few deaths.
    LeakageError
        If the features of a patient were made by something fitted on another training patient.
    """
    first = next(iter(tables.values()), None)
    if first is None or any(set(t.patients) != set(first.patients) for t in tables.values()):
        raise FeatureError("The choice of a ring needs tables of the same training patients, one a ring.")
    patients = tuple(sorted(first.patients))
    outcome = outcome.take(patients)
    scores: dict[str, list[float]] = {ring: [] for ring in tables}
    for _ in range(options.ring_repeats):
        folds = assign_folds(outcome, max(2, min(options.ring_folds, outcome.n_events)), rng)
        for fold in range(int(folds.max()) + 1):
            seed = int(rng.integers(2**63))
            for ring, table in tables.items():
                held = folds == fold
                scores[ring].append(_score(table.take(patients), outcome, held, options, seed, acquisition))
    table_of_scores = np.array([scores[ring] for ring in tables])
    winners = table_of_scores.argmax(axis=0)
    names = list(tables)
    return RingChoice(
        ring=names[int(table_of_scores.mean(axis=1).argmax())],
        votes={ring: int((winners == n).sum()) for n, ring in enumerate(names)},
        scores={ring: tuple(values) for ring, values in scores.items()},
    )


def _score(
    table: FeatureTable,
    outcome: Outcome,
    left_out: NDArray[np.bool_],
    options: FitOptions,
    seed: int,
    acquisition: Acquisition | None,
) -> float:
    patients = np.asarray(outcome.patients)
    fitted, held = tuple(patients[~left_out].tolist()), tuple(patients[left_out].tolist())
    signature = fit_signature(
        table.take(fitted),
        outcome.take(fitted),
        groups={"ring": ("",)},
        options=replace(options, fusion="none", harmonise_groups=("ring",)),
        rng=np.random.default_rng(seed),
        acquisition=acquisition,
    )
    risk = np.zeros(len(outcome))
    risk[~left_out] = [signature.training_risk[p] for p in fitted]
    risk[left_out] = signature.risk(table.take(held), acquisition)
    strata = strata_of(options, acquisition, outcome.patients)
    if options.ring_score == "concordance":
        return _concordance(risk[left_out], outcome.take(held), labels_of_strata(strata, outcome.take(held)))
    return _held_out_likelihood(risk, outcome, left_out, labels_of_strata(strata, outcome))


def _held_out_likelihood(
    risk: Floats, outcome: Outcome, left_out: NDArray[np.bool_], labels: Sequence[str] | None = None
) -> float:
    """Gain of the left-out patients over the null model, in units of log likelihood a death."""

    def gain(rows: NDArray[np.bool_]) -> float:
        own = None if labels is None else np.asarray(labels)[rows].tolist()
        sets = RiskSets.of(outcome.time_days[rows], outcome.event[rows], "efron", own)
        eta = risk[rows][sets.order]
        return sets.log_likelihood(eta) - sets.log_likelihood(np.zeros(len(eta)))

    deaths = max(int(outcome.event[left_out].sum()), 1)
    return (gain(np.ones(len(outcome), dtype=bool)) - gain(~left_out)) / deaths


def _concordance(risk: Floats, outcome: Outcome, labels: Sequence[str] | None = None) -> float:
    """Harrell's C; 0.5 where no pair can be compared."""
    try:
        return harrell_c(outcome.time_days, outcome.event, risk, strata=labels)
    except OutcomeError:
        return 0.5
