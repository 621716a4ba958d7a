"""Internal validation: how much better a model looks on the patients it was fitted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from perisurv.core import ConvergenceError, FeatureError, Outcome, OutcomeError, SettingsError
from perisurv.evaluation.explained import ModelIndexes, indexes_of, model_indexes
from perisurv.statistics import Ties

__all__ = ["OptimismRow", "optimism_bootstrap"]

Floats = NDArray[np.float64]
Refit = Callable[[NDArray[np.intp]], Floats]


@dataclass(frozen=True, slots=True)
class OptimismRow:
    """One index, as a row of R's ``rms::validate``.

    Parameters
    ----------
    index
        Its name in :class:`perisurv.evaluation.ModelIndexes`.
    apparent
        Of the model on the patients it was fitted on.
    training, test
        Mean over the resamples: of the model fitted on a resample, on that resample; and on all patients.
    optimism
        training - test.
    corrected
        apparent - optimism.
    resamples
        In which the index was defined.
    """

    index: str
    apparent: float
    training: float
    test: float
    optimism: float
    corrected: float
    resamples: int


def optimism_bootstrap(
    outcome: Outcome, refit: Refit, counts: NDArray[np.int64], ties: Ties = "efron"
) -> dict[str, OptimismRow]:
    """Indexes corrected for optimism by refitting in resamples (as R's ``rms::validate``).

    Every step that looked at the outcome belongs into ``refit``: selection and tuning too.

    Parameters
    ----------
    outcome
        Follow-up of all patients.
    refit
        Takes the rows to fit on (positions in the outcome, those drawn twice stand twice) and returns the linear
        predictor of all patients, shape (n,).
    counts
        Resamples of :func:`perisurv.evaluation.bootstrap_counts`, shape (resamples, n).
    ties
        Tied deaths.

    Returns
    -------
    dict
        Index -> row. A resample in which the fit has no finite maximum is left out, and an index that is not defined in
        one (no slope of a constant linear predictor) in that one.

    Raises
    ------
    FeatureError
        If ``refit`` does not return one finite number a patient.
    OutcomeError
        If no resample could be fitted.
    SettingsError
        If the counts do not have one column a patient.

    References
    ----------
    Harrell, Lee and Mark, Stat Med 15 (1996) 361.
    """
    n = len(outcome)
    if counts.ndim != 2 or counts.shape[1] != n:
        raise SettingsError(f"Resamples need one count for each of the {n} patients, got shape {counts.shape}.")
    apparent = model_indexes(outcome, _refitted(refit, np.arange(n), n), ties, fitted_here=True)
    both = [pair for row in counts if (pair := _one_resample(outcome, refit, np.repeat(np.arange(n), row), ties))]
    if not both:
        raise OutcomeError("No resample of the patients could be fitted; use a ridge or fewer features.")
    return {field.name: _row(field.name, apparent, both) for field in fields(ModelIndexes)}


def _one_resample(
    outcome: Outcome, refit: Refit, rows: NDArray[np.intp], ties: Ties
) -> tuple[ModelIndexes, ModelIndexes] | None:
    try:
        lp = _refitted(refit, rows, len(outcome))
        training = indexes_of(outcome.time_days[rows], outcome.event[rows], lp[rows], ties, fitted_here=True)
        return training, indexes_of(outcome.time_days, outcome.event, lp, ties, fitted_here=False)
    except (ConvergenceError, OutcomeError):  # nobody died in the resample, or the deaths are separated
        return None


def _refitted(refit: Refit, rows: NDArray[np.intp], n: int) -> Floats:
    lp = np.asarray(refit(rows), dtype=float)
    if lp.shape != (n,) or not np.isfinite(lp).all():
        raise FeatureError(f"refit must return one finite linear predictor for each of the {n} patients.")
    return lp


def _row(name: str, apparent: ModelIndexes, both: list[tuple[ModelIndexes, ModelIndexes]]) -> OptimismRow:
    values = np.array([[asdict(part)[name] for part in pair] for pair in both])
    values = values[~np.isnan(values).any(axis=1)]
    if not len(values):
        return OptimismRow(name, asdict(apparent)[name], np.nan, np.nan, np.nan, np.nan, 0)
    training, test = (float(mean) for mean in values.mean(axis=0))
    found = float(asdict(apparent)[name])
    return OptimismRow(name, found, training, test, training - test, found - (training - test), len(values))
