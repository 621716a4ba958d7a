"""ComBat: what the batch of a patient adds to the location and scale of every feature, taken away.

Johnson, Li and Rabinovic, Biostatistics 2007; M-ComBat: Stein et al., BMC Bioinformatics 2015. Fitted on training
patients once and then fixed; the follow-up is never looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureError, FeatureTable, SettingsError
from perisurv.core.brief import Brief
from perisurv.survival.firewall import passed_on, refuse_seen
from perisurv.survival.harmonise.batches import Batches, Unseen, batch_rows, check_sample, labels_of
from perisurv.survival.harmonise.covariates import covariate_values
from perisurv.survival.harmonise.empirical_bayes import Moments, Prior, shrink

__all__ = ["CombatOptions", "Harmonisation", "constant", "estimate", "refuse_missing"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CombatOptions:
    """How batches are harmonised.

    Parameters
    ----------
    prior
        Empirical Bayes with a parametric or a non-parametric prior over the features of a batch, or none: each feature
        by its own batch mean and variance.
    mean_only
        Adjust locations only, not scales.
    reference
        Batch whose location and scale the others get; its own patients stay as they are. Empty: the mean over all
        training patients and the pooled variance.
    m_combat
        M-ComBat: mean and variance (1/(n-1)) of every batch become those of the reference batch exactly. Batches are
        standardised one by one, so there is nothing left for a prior to shrink, and ``prior`` is not used.
    unseen
        A batch that the training data did not hold: ``refuse``; leave its features ``as_is``; or ``sample``: refuse
        until ``with_sample`` has estimated it from an unlabelled sample, whose patients cannot be scored then.
    minimum_sample
        Smaller samples are refused. The mean of 10 patients is still off by a third of a standard deviation.
    tolerance
        Relative change at which the iteration of the parametric estimates ends. The default is that of sva; results at
        full convergence differ by some 1e-4 standard deviations.
    """

    prior: Prior = "parametric"
    mean_only: bool = False
    reference: str = ""
    m_combat: bool = False
    unseen: Unseen = "refuse"
    minimum_sample: int = 10
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        for key, kind in (("prior", Prior), ("unseen", Unseen)):
            if getattr(self, key) not in get_args(kind):
                raise SettingsError(
                    f"ComBat needs {key} to be one of {', '.join(get_args(kind))}; got {getattr(self, key)!r}."
                )
        if self.m_combat and (self.mean_only or not self.reference):
            raise SettingsError("M-ComBat takes mean and variance of a reference batch: name it, without mean_only.")
        if self.minimum_sample < 2 or not self.tolerance > 0:
            raise SettingsError("ComBat needs minimum_sample >= 2 and tolerance > 0.")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Harmonisation(Brief):
    """Fitted harmonisation.

    A value y of a patient of batch i with covariates x becomes
    ``mean + x b + sd * ((y - mean - x b) / sd - location_i) / sqrt(scale_i)``, x against the mean training patient.

    Parameters
    ----------
    names
        Features.
    batches
        Known batches.
    sizes
        Patients that each was estimated from.
    location, scale
        Shift of each batch in units of ``sd``, and its variance over that of ``sd``, shape (batches, features).
    mean, sd
        What all batches are brought to, shape (features,).
    covariates
        Covariates whose effect is kept; needed for new patients too.
    covariate_mean
        Of the training patients, shape (covariates,).
    effect
        Of one unit of each covariate, shape (covariates, features).
    unadjusted
        Features that are left as they are, with the reason.
    options
        As fitted.
    fitted_on
        Training patients, patients of samples, and all behind their features; they are refused.
    """

    names: tuple[str, ...]
    batches: tuple[str, ...]
    sizes: tuple[int, ...]
    location: Floats
    scale: Floats
    mean: Floats
    sd: Floats
    covariates: tuple[str, ...]
    covariate_mean: Floats
    effect: Floats
    unadjusted: dict[str, str]
    options: CombatOptions
    fitted_on: frozenset[str]

    def __post_init__(self) -> None:
        features, known, kept = len(self.names), len(self.batches), len(self.covariates)
        for values, shape in (
            (self.location, (known, features)),
            (self.scale, (known, features)),
            (self.mean, (features,)),
            (self.sd, (features,)),
            (self.covariate_mean, (kept,)),
            (self.effect, (kept, features)),
        ):
            if values.shape != shape:
                raise FeatureError(f"A harmonisation needs an array of shape {shape}, got {values.shape}.")
        if len(self.sizes) != known or len(set(self.batches)) != known:
            raise FeatureError("A harmonisation needs distinct batches, each with its size.")
        if not ((self.scale > 0).all() and (self.sd > 0).all()):
            raise FeatureError("A harmonisation needs positive scales.")

    def apply(
        self, table: FeatureTable, batch: Batches | None = None, covariates: pd.DataFrame | None = None
    ) -> FeatureTable:
        """Harmonised features of new patients; other columns are left out.

        Parameters
        ----------
        table
            New patients.
        batch
            Patient -> batch; None only after a fit without batches.
        covariates
            A row a patient, as in the fit.

        Raises
        ------
        LeakageError
            If a patient was used for fitting or in a sample.
        FeatureError
            If a feature, a batch or a covariate is missing, or a batch is unseen and the policy refuses it.
        """
        refuse_seen(table, self.fitted_on, "harmonisation")
        frame = self.values(table.select(self.names).frame, batch, covariates)
        return passed_on(frame, table, self.fitted_on)

    def values(
        self, frame: pd.DataFrame, batch: Batches | None = None, covariates: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """The arithmetic of :meth:`apply`, without its check; other columns are left out."""
        patients = [str(p) for p in frame.index]
        raw = frame[list(self.names)].to_numpy(dtype=float)
        refuse_missing(raw, self.names)
        rows = batch_rows(labels_of(batch, patients), self.batches, self.options.unseen)
        expected = self._expected(covariate_values(covariates, self.covariates, patients))
        location = np.where(rows[:, None] < 0, 0.0, self.location[rows])
        scale = np.where(rows[:, None] < 0, 1.0, self.scale[rows])
        moved = ((raw - expected) / self.sd - location) / np.sqrt(scale) * self.sd + expected
        untouched = (location == 0) & (scale == 1)  # to the bit, not to rounding
        return pd.DataFrame(np.where(untouched, raw, moved), index=frame.index, columns=list(self.names))

    def narrow(self, names: Sequence[str]) -> Harmonisation:
        """The same step for some of the features."""
        position = {name: n for n, name in enumerate(self.names)}
        at = [position[name] for name in names]
        return replace(
            self,
            names=tuple(names),
            location=self.location[:, at],
            scale=self.scale[:, at],
            mean=self.mean[at],
            sd=self.sd[at],
            effect=self.effect[:, at],
            unadjusted={name: self.unadjusted[name] for name in names if name in self.unadjusted},
        )

    def notes(self, patients: Sequence[str], batch: Batches | None = None) -> dict[str, str]:
        """Patients of unseen batches, whose features are left as they are, with a sentence for the reader."""
        labels = labels_of(batch, patients)
        rows = batch_rows(labels, self.batches, self.options.unseen)
        return {
            p: f"Batch {str(label)!r} was not among the training batches: its features are not harmonised."
            for p, label, row in zip(patients, labels, rows, strict=True)
            if row < 0
        }

    def with_sample(self, table: FeatureTable, batch: str, covariates: pd.DataFrame | None = None) -> Harmonisation:
        """The same step, knowing one more batch by a sample of its patients.

        Mean, standard deviation and covariate effects of the training patients stay; location and scale of the new
        batch are estimated as in the fit, with the prior over its own features. No follow-up is needed or taken. The
        patients of the sample join ``fitted_on``: their features shaped the step, so they are not scored by it.

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
        refuse_seen(table, self.fitted_on, "harmonisation")
        table = table.select(self.names).take(sorted(table.patients))
        raw = table.frame.to_numpy()
        refuse_missing(raw, self.names)
        expected = self._expected(covariate_values(covariates, self.covariates, table.patients))
        left = np.isin(self.names, list(self.unadjusted))
        flat = ~left & constant(raw)
        location, scale = np.zeros(len(self.names)), np.ones(len(self.names))
        adjusted = ~left & ~flat
        z = ((raw - expected) / self.sd)[:, adjusted]
        location[adjusted], scale[adjusted] = estimate(z, self.options)
        reasons = {self.names[n]: f"constant in the sample of batch {batch!r}" for n in np.flatnonzero(flat)}
        return replace(
            self,
            batches=(*self.batches, batch),
            sizes=(*self.sizes, len(table)),
            location=np.vstack([self.location, location]),
            scale=np.vstack([self.scale, scale]),
            unadjusted=self.unadjusted | reasons,
            fitted_on=self.fitted_on | frozenset(table.patients) | table.seen,
        )

    def _expected(self, x: Floats) -> Floats:
        """Mean of each feature for these covariates, shape (patients, features), the same to the bit for any rows."""
        return np.asarray(self.mean + ((x - self.covariate_mean)[:, :, None] * self.effect).sum(axis=1))


def estimate(z: Floats, options: CombatOptions) -> tuple[Floats, Floats]:
    """Location and scale of one batch from its standardised features (patients, features)."""
    scale = np.ones(z.shape[1]) if options.mean_only else z.var(axis=0, ddof=1)
    prior: Prior = "none" if options.m_combat else options.prior
    moments = Moments(len(z), z.mean(axis=0), scale)
    return shrink(moments, prior, mean_only=options.mean_only, tolerance=options.tolerance)


def constant(values: Floats) -> NDArray[np.bool_]:
    """Features without spread among these patients, up to rounding, shape (features,)."""
    return np.asarray(values.std(axis=0) <= 1e-12 * np.abs(values).max(axis=0))


def refuse_missing(values: Floats, names: Sequence[str]) -> None:
    """Refuse NaN, naming the feature."""
    bad = np.isnan(values).any(axis=0)
    if bad.any():
        raise FeatureError(f"Feature {names[int(bad.argmax())]!r} is missing for a patient; impute it first.")
