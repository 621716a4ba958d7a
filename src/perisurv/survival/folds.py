"""Folds that depend on the patients, not on the order of their rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Outcome, SettingsError

__all__ = ["assign_folds"]


def assign_folds(outcome: Outcome, folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Fold of each patient, 0 .. folds - 1, shape (patients,).

    Stratified: deaths, then censored patients, are dealt to the folds in turn, so folds differ by at most one patient
    and one death. The deal follows the sorted pseudonyms: reordered rows give each patient the same fold.

    Raises
    ------
    SettingsError
        If there are fewer than two folds or more folds than patients.
    """
    if not 2 <= folds <= len(outcome):
        raise SettingsError(
            f"Cross-validation of {len(outcome)} patients needs 2 to {len(outcome)} folds, got {folds}."
        )
    by_name = np.argsort(np.asarray(outcome.patients), kind="stable")
    shuffled = by_name[rng.permutation(len(outcome))]
    died = outcome.event[shuffled]
    dealt = np.concatenate([shuffled[died], shuffled[~died]])
    fold = np.empty(len(outcome), dtype=np.intp)
    fold[dealt] = np.arange(len(outcome)) % folds
    return fold
