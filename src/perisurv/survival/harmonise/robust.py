"""Robust scaling of each batch by its own median and spread: harmonisation without a reference, a model or a prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureError, FeatureTable, SettingsError
from perisurv.core.brief import Brief
from perisurv.survival.firewall import passed_on, refuse_seen
from perisurv.survival.harmonise.batches import Batches, Unseen, batch_rows, check_sample, labels_of
from perisurv.survival.harmonise.combat import refuse_missing

__all__ = ["RobustOptions", "RobustScale", "Spread", "fit_robust_scale"]

Floats = NDArray[np.float64]
Spread = Literal["iqr", "mad"]

IQR_OF_NORMAL = 1.3489795003921634  # interquartile range of the standard normal distribution
MAD_OF_NORMAL = 0.6744897501960817


@dataclass(frozen=True, slots=True)
class RobustOptions:
    """How batches are scaled.

    Parameters
    ----------
    spread
        Interquartile range, or median absolute deviation; both as a standard deviation of normal values.
    unseen
        A batch that the training data did not hold: ``refuse``; ``as_is``: scaled by median and spread of all training
        patients, as if it were like them; or ``sample``: refuse until ``with_sample`` has estimated it.
    minimum_batch
        Smaller training batches are refused: quartiles of a handful say nothing.
    minimum_sample
        Smaller samples of an unseen batch are refused.
    """

    spread: Spread = "iqr"
    unseen: Unseen = "refuse"
    minimum_batch: int = 5
    minimum_sample: int = 10

    def __post_init__(self) -> None:
        for key, kind in (("spread", Spread), ("unseen", Unseen)):
            if getattr(self, key) not in get_args(kind):
                raise SettingsError(
                    f"Robust scaling needs {key} to be one of {', '.join(get_args(kind))}; got {getattr(self, key)!r}."
                )
        if min(self.minimum_batch, self.minimum_sample) < 2:
            raise SettingsError("Robust scaling needs minimum_batch and minimum_sample of at least 2.")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RobustScale(Brief):
    """Fitted robust scaling: ``(y - centre_i) / spread_i`` for a patient of batch i.

    A new patient alone is scaled by its batch as it was among the training patients or in a sample, never by itself.

    Parameters
    ----------
    names
        Features.
    batches
        Known batches.
    sizes
        Patients that each was estimated from.
    centre, spread
        Median and spread of each batch, shape (batches, features). A feature without spread in a batch has its median
        spread over the other training batches there, or 1 if it has none anywhere.
    pooled_centre, pooled_spread
        Of all training patients, shape (features,).
    options
        As fitted.
    fitted_on
        Training patients, patients of samples, and all behind their features; they are refused.
    """

    names: tuple[str, ...]
    batches: tuple[str, ...]
    sizes: tuple[int, ...]
    centre: Floats
    spread: Floats
    pooled_centre: Floats
    pooled_spread: Floats
    options: RobustOptions
    fitted_on: frozenset[str]

    def __post_init__(self) -> None:
        per_batch, pooled = (len(self.batches), len(self.names)), (len(self.names),)
        if self.centre.shape != per_batch or self.spread.shape != per_batch:
            raise FeatureError(f"A robust scaling needs arrays of shape {per_batch}, got {self.centre.shape}.")
        if self.pooled_centre.shape != pooled or self.pooled_spread.shape != pooled:
            raise FeatureError(f"A robust scaling needs pooled arrays of shape {pooled}.")
        if len(self.sizes) != len(self.batches) or len(set(self.batches)) != len(self.batches):
            raise FeatureError("A robust scaling needs distinct batches, each with its size.")
        if not ((self.spread > 0).all() and (self.pooled_spread > 0).all()):
            raise FeatureError("A robust scaling needs positive spreads.")

    def apply(self, table: FeatureTable, batch: Batches | None = None) -> FeatureTable:
        """Scaled features of new patients; other columns are left out.

        Raises
        ------
        LeakageError
            If a patient was used for fitting or in a sample.
        FeatureError
            If a feature or a batch is missing, or a batch is unseen and the policy refuses it.
        """
        refuse_seen(table, self.fitted_on, "robust scaling")
        return passed_on(self.values(table.select(self.names).frame, batch), table, self.fitted_on)

    def values(self, frame: pd.DataFrame, batch: Batches | None = None) -> pd.DataFrame:
        """The arithmetic of :meth:`apply`, without its check; other columns are left out."""
        raw = frame[list(self.names)].to_numpy(dtype=float)
        refuse_missing(raw, self.names)
        rows = batch_rows(labels_of(batch, [str(p) for p in frame.index]), self.batches, self.options.unseen)
        unseen = rows[:, None] < 0
        centre = np.where(unseen, self.pooled_centre, self.centre[rows])
        spread = np.where(unseen, self.pooled_spread, self.spread[rows])
        return pd.DataFrame((raw - centre) / spread, index=frame.index, columns=list(self.names))

    def narrow(self, names: Sequence[str]) -> RobustScale:
        """The same step for some of the features."""
        position = {name: n for n, name in enumerate(self.names)}
        at = [position[name] for name in names]
        return replace(
            self,
            names=tuple(names),
            centre=self.centre[:, at],
            spread=self.spread[:, at],
            pooled_centre=self.pooled_centre[at],
            pooled_spread=self.pooled_spread[at],
        )

    def notes(self, patients: Sequence[str], batch: Batches | None = None) -> dict[str, str]:
        """Patients of unseen batches, scaled by all training patients, with a sentence for the reader."""
        labels = labels_of(batch, patients)
        rows = batch_rows(labels, self.batches, self.options.unseen)
        return {
            p: f"Batch {str(label)!r} was not among the training batches: its features are scaled by those of all."
            for p, label, row in zip(patients, labels, rows, strict=True)
            if row < 0
        }

    def with_sample(self, table: FeatureTable, batch: str) -> RobustScale:
        """The same step, knowing one more batch by a sample of its patients, who join ``fitted_on``.

        Raises
        ------
        SettingsError
            If the policy for unseen batches is another one.
        FeatureError
            If the batch is known, the sample too small, or a value is missing.
        LeakageError
            If a patient of the sample is a training patient.
        """
        check_sample(batch, self.batches, table, self.options.unseen, self.options.minimum_sample)
        refuse_seen(table, self.fitted_on, "robust scaling")
        raw = table.select(self.names).frame.to_numpy()
        refuse_missing(raw, self.names)
        spread = _spread(raw, self.options.spread)
        return replace(
            self,
            batches=(*self.batches, batch),
            sizes=(*self.sizes, len(table)),
            centre=np.vstack([self.centre, np.median(raw, axis=0)]),
            spread=np.vstack([self.spread, np.where(spread > 0, spread, np.median(self.spread, axis=0))]),
            fitted_on=self.fitted_on | frozenset(table.patients) | table.seen,
        )


def fit_robust_scale(
    table: FeatureTable, batch: Batches | None, options: RobustOptions | None = None
) -> tuple[RobustScale, pd.DataFrame]:
    """Fit a robust scaling on the patients of a table.

    Parameters
    ----------
    table
        Training patients, without missing values.
    batch
        Patient -> batch; None: all are of one.
    options
        Default :class:`RobustOptions`.

    Returns
    -------
    The fitted step, and the training patients' own values: the only place where these can be had.

    Raises
    ------
    FeatureError
        If a value or a batch is missing, or a batch is too small.
    """
    options = options or RobustOptions()
    raw, labels = table.frame.to_numpy(), labels_of(batch, table.patients)
    refuse_missing(raw, table.names)
    known = tuple(sorted({str(b) for b in labels}))
    members = [raw[labels == name] for name in known]
    for name, rows in zip(known, members, strict=True):
        if len(rows) < options.minimum_batch:
            raise FeatureError(
                f"Batch {name!r} has {len(rows)} patients (n_samples = {len(rows)}), too few for quartiles; merge it "
                f"with a like batch or leave it out (minimum_batch is {options.minimum_batch})."
            )
    spread = np.array([_spread(rows, options.spread) for rows in members])
    pooled = _spread(raw, options.spread)
    step = RobustScale(
        names=table.names,
        batches=known,
        sizes=tuple(len(rows) for rows in members),
        centre=np.array([np.median(rows, axis=0) for rows in members]),
        spread=_filled(spread),
        pooled_centre=np.median(raw, axis=0),
        pooled_spread=np.where(pooled > 0, pooled, 1.0),
        options=options,
        fitted_on=frozenset(table.patients) | table.seen,
    )
    return step, step.values(table.frame, batch)


def _spread(values: Floats, kind: Spread) -> Floats:
    """Spread of each feature (patients, features), as a standard deviation of normal values; 0 where it is rounding."""
    if kind == "iqr":
        low, high = np.quantile(values, [0.25, 0.75], axis=0)
        found = (high - low) / IQR_OF_NORMAL
    else:
        found = np.median(np.abs(values - np.median(values, axis=0)), axis=0) / MAD_OF_NORMAL
    return np.where(found > 1e-12 * np.abs(values).max(axis=0), found, 0.0)


def _filled(spread: Floats) -> Floats:
    """Spreads (batches, features) with the median of the others where there is none."""
    known = np.where(spread > 0, spread, np.nan)
    others = np.array([np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else 1.0 for c in known.T])
    return np.where(spread > 0, spread, others)
