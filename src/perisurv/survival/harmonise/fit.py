"""Fitting ComBat on training patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureError, FeatureTable
from perisurv.survival.harmonise.batches import Batches, labels_of
from perisurv.survival.harmonise.combat import CombatOptions, Harmonisation, constant, estimate, refuse_missing
from perisurv.survival.harmonise.covariates import check_covariates, covariate_values, refuse_confounded

__all__ = ["fit_combat"]

Floats = NDArray[np.float64]


def fit_combat(
    table: FeatureTable,
    batch: Batches | None,
    options: CombatOptions | None = None,
    covariates: pd.DataFrame | None = None,
) -> tuple[Harmonisation, pd.DataFrame]:
    """Fit ComBat on the patients of a table.

    A feature that is constant within a batch, or that batch and covariates explain completely, has no scale there; it
    is left as it is in all batches, as in sva, and named in ``unadjusted``. One batch: nothing is changed.

    Parameters
    ----------
    table
        Training patients, without missing values.
    batch
        Patient -> batch; None: all are of one.
    options
        Default :class:`CombatOptions`.
    covariates
        Numbers whose effect on the features is kept, a row a patient. Known at time zero: never the follow-up.

    Returns
    -------
    The fitted step, and the training patients' own values: the only place where these can be had.

    Raises
    ------
    FeatureError
        If a value, a batch or a covariate is missing; a batch is too small or without any spread; a covariate is
        confounded with the batches; or the reference is no batch.
    """
    options = options or CombatOptions()
    table_, kept = table.take(sorted(table.patients)), check_covariates(covariates)
    refuse_missing(table_.frame.to_numpy(), table.names)
    labels = labels_of(batch, table_.patients)
    x = covariate_values(covariates, kept, table_.patients)
    training = _Training(table_.frame.to_numpy(), labels, tuple(sorted({str(b) for b in labels})), x)
    _check(training, kept, options)
    reasons = _reasons(training)
    step = _fitted(training, kept, table, reasons, options)
    return step, step.values(table.frame, batch, covariates)


@dataclass(frozen=True, slots=True, eq=False)
class _Training:
    """Features (patients, features), the batch of each patient, the batches, covariates (patients, covariates)."""

    y: Floats
    labels: NDArray[np.str_]
    batches: tuple[str, ...]
    x: Floats

    @property
    def members(self) -> tuple[NDArray[np.bool_], ...]:
        return tuple(self.labels == name for name in self.batches)

    @property
    def design(self) -> Floats:
        """One column a batch, then the covariates against their mean."""
        indicators = np.column_stack([m.astype(float) for m in self.members])
        return np.column_stack([indicators, self.centred])

    @property
    def centred(self) -> Floats:
        return np.asarray(self.x - self.x.mean(axis=0))


def _check(training: _Training, kept: tuple[str, ...], options: CombatOptions) -> None:
    if options.reference and options.reference not in training.batches:
        raise FeatureError(
            f"The reference batch {options.reference!r} is none of the training batches {', '.join(training.batches)}."
        )
    alone = [name for name, m in zip(training.batches, training.members, strict=True) if m.sum() < 2]
    if alone and (not options.mean_only or options.prior == "none" or alone[0] == options.reference):
        raise FeatureError(
            f"Batch {alone[0]!r} has one patient (1 sample), which tells no scale and hardly a location. Merge it "
            "with a like batch, leave it out, or use mean_only with a prior, which moves it only part of the way."
        )
    batches = training.design[:, : len(training.batches)]
    refuse_confounded(batches, training.x, kept)
    if len(training.y) <= training.design.shape[1]:
        raise FeatureError(
            f"{len(training.y)} patients are too few for {len(training.batches)} batches and {len(kept)} covariates."
        )


def _reasons(training: _Training) -> dict[int, str]:
    """Columns that cannot be adjusted, with the reason."""
    reasons: dict[int, str] = {}
    for name, members in zip(training.batches, training.members, strict=True):
        if members.sum() < 2:
            continue
        flat = constant(training.y[members])
        if flat.all() and len(training.batches) > 1:
            raise FeatureError(f"No feature varies within batch {name!r}: are its patients copies of one another?")
        reasons |= {int(n): f"constant within batch {name!r}" for n in np.flatnonzero(flat) if n not in reasons}
    return reasons


def _fitted(
    training: _Training, kept: tuple[str, ...], table: FeatureTable, reasons: dict[int, str], options: CombatOptions
) -> Harmonisation:
    mean, sd, effect = _regression(training, options)
    explained = sd <= 1e-10 * np.abs(training.y).max(axis=0)
    reasons = {int(n): "explained by batch and covariates" for n in np.flatnonzero(explained)} | reasons
    sd[list(reasons)] = 1.0
    location, scale = _batch_effects(training, (training.y - mean - training.centred @ effect) / sd, reasons, options)
    return Harmonisation(
        names=table.names,
        batches=training.batches,
        sizes=tuple(int(m.sum()) for m in training.members),
        location=location,
        scale=scale,
        mean=mean,
        sd=sd,
        covariates=kept,
        covariate_mean=training.x.mean(axis=0),
        effect=effect,
        unadjusted={table.names[n]: reasons[n] for n in sorted(reasons)},
        options=options,
        fitted_on=frozenset(table.patients) | table.seen,
    )


def _regression(training: _Training, options: CombatOptions) -> tuple[Floats, Floats, Floats]:
    """Mean and standard deviation of what all batches are brought to, and the effect of each covariate."""
    known = len(training.batches)
    q, r = np.linalg.qr(training.design)
    coefficients = np.linalg.solve(r, q.T @ training.y)
    residuals = training.y - training.design @ coefficients
    sizes = np.array([m.sum() for m in training.members])
    mean = sizes / sizes.sum() @ coefficients[:known]
    if options.reference:
        place = training.batches.index(options.reference)
        mean, residuals = coefficients[place], residuals[training.members[place]]
    # sva divides the pooled variance by n, the variance of a batch by n - 1; M-ComBat both by n - 1.
    sd = np.sqrt((residuals**2).sum(axis=0) / (len(residuals) - int(options.m_combat)))
    return mean, sd, coefficients[known:]


def _batch_effects(
    training: _Training, z: Floats, reasons: dict[int, str], options: CombatOptions
) -> tuple[Floats, Floats]:
    """Location and scale of each batch, shape (batches, features); 0 and 1 for the reference, or a single batch."""
    adjusted = np.array([n not in reasons for n in range(z.shape[1])])
    location, scale = np.zeros((len(training.batches), len(adjusted))), np.ones((len(training.batches), len(adjusted)))
    if len(training.batches) > 1:
        for n, (name, members) in enumerate(zip(training.batches, training.members, strict=True)):
            if name != options.reference:
                location[n, adjusted], scale[n, adjusted] = estimate(z[members][:, adjusted], options)
    return location, scale
