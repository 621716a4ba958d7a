"""Who trains and who is scored: the patient is the unit, the same folds serve every branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perisurv.core import InputError, Outcome, OutcomeError, SettingsError

__all__ = ["external_split", "stratified_folds"]


def external_split(centres: Mapping[str, Sequence[str]]) -> tuple[str, tuple[str, ...]]:
    """The largest centre trains (the first by name among equals), the others are external.

    Parameters
    ----------
    centres
        Patients of each centre, such as ``Cohort.centres``; centres without patients do not count.

    Returns
    -------
    tuple
        Name of the training centre, names of the external centres.

    Raises
    ------
    InputError
        If there are fewer than two centres.
    """
    names = sorted((name for name in centres if centres[name]), key=lambda name: (-len(centres[name]), name))
    if len(names) < 2:
        found = f"there is one centre only ({names[0]})" if names else "there is no patient"
        raise InputError(
            f"External validation needs patients of at least two centres; {found}. "
            "Add a centre, or a centre column to the clinical table."
        )
    return names[0], tuple(names[1:])


def stratified_folds(outcome: Outcome, k: int, rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Patients in k folds with the share of deaths of the whole; independent of the order of the patients.

    Raises
    ------
    OutcomeError
        If there are fewer deaths than folds.
    SettingsError
        If there are fewer than two folds.
    """
    if k < 2:
        raise SettingsError(f"Cross-validation needs at least 2 folds, got {k}.")
    if outcome.n_events < k:
        raise OutcomeError(f"{k} folds need at least {k} deaths, there are {outcome.n_events}. Ask for fewer folds.")
    event = dict(zip(outcome.patients, outcome.event, strict=True))
    folds: list[list[str]] = [[] for _ in range(k)]
    place = 0
    for died in (True, False):
        stratum = sorted(p for p in outcome.patients if event[p] == died)
        for n in rng.permutation(len(stratum)):
            folds[place % k].append(stratum[n])
            place += 1
    return [tuple(sorted(fold)) for fold in folds]
