"""Harmonisation as a step of the signature: some columns, the batch of each patient taken from the acquisition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from perisurv.core import FeatureTable, SettingsError
from perisurv.survival.domain import Acquisition
from perisurv.survival.firewall import passed_on, refuse_seen
from perisurv.survival.harmonise.batches import BatchBy, Batches, batches
from perisurv.survival.harmonise.combat import CombatOptions, Harmonisation
from perisurv.survival.harmonise.empirical_bayes import Prior
from perisurv.survival.harmonise.fit import fit_combat
from perisurv.survival.harmonise.robust import RobustOptions, RobustScale, fit_robust_scale
from perisurv.survival.options import FitOptions

__all__ = ["FeatureHarmonisation", "fit_harmonisation"]

NAMED = 8  # batches named in one sentence


@dataclass(frozen=True, slots=True, eq=False)
class FeatureHarmonisation:
    """Fitted harmonisation of some columns; a value that is undefined stays so.

    Parameters
    ----------
    by
        What makes a batch; the acquisition of every patient must tell it.
    step
        ComBat or robust scaling.
    """

    by: BatchBy
    step: Harmonisation | RobustScale

    @property
    def names(self) -> tuple[str, ...]:
        """Features that are harmonised."""
        return self.step.names

    @property
    def fitted_on(self) -> frozenset[str]:
        """Training patients and those behind their features; they are refused."""
        return self.step.fitted_on

    @property
    def note(self) -> str:
        """What the reader must know, one sentence."""
        how = "ComBat" if isinstance(self.step, Harmonisation) else "robust scaling"
        sizes = [f"{name} ({size})" for name, size in zip(self.step.batches, self.step.sizes, strict=True)]
        held = ", ".join(sizes[:NAMED]) + ", ..." * (len(sizes) > NAMED)
        new = {"refuse": "is refused", "as_is": "is taken as it is"}.get(self.step.options.unseen, "needs a sample")
        return f"Features were harmonised by {self.by} ({how}; training patients: {held}); another {self.by} {new}."

    def apply(self, table: FeatureTable, acquisition: Acquisition | None) -> FeatureTable:
        """All columns of new patients, those of this step harmonised.

        Raises
        ------
        LeakageError
            If a patient was used for fitting.
        FeatureError
            If a feature or the batch of a patient is missing, or a batch is unseen and the policy refuses it.
        """
        refuse_seen(table, self.fitted_on, "harmonisation")
        table.select(self.names)
        return passed_on(self.values(table.frame, acquisition), table, self.fitted_on)

    def values(self, frame: pd.DataFrame, acquisition: Acquisition | None) -> pd.DataFrame:
        """The arithmetic of :meth:`apply`, without its check."""
        own = frame[list(self.names)]
        batch = _batch_of([str(p) for p in frame.index], acquisition, self.by)
        return _with(frame, self.step.values(own.fillna(0.0), batch).where(own.notna()))

    def narrow(self, names: Sequence[str]) -> FeatureHarmonisation | None:
        """The same step for those of its features that are among the names; None if there are none."""
        kept = [n for n in names if n in set(self.names)]
        return replace(self, step=self.step.narrow(kept)) if kept else None


def fit_harmonisation(
    table: FeatureTable,
    columns: Mapping[str, Sequence[str]],
    options: FitOptions,
    acquisition: Acquisition | None,
) -> tuple[FeatureHarmonisation | None, FeatureTable]:
    """Fit the harmonisation that the options ask for on the patients of a table.

    Undefined values are filled by the median of the patient's batch for the estimation only (without one there, by that
    of all), and are undefined again afterwards: they shift no batch mean. Features that are constant, or undefined for
    more than ``max_missing_share`` of the patients, are left as they are; the fit drops them.

    Parameters
    ----------
    table
        Training patients.
    columns
        Group -> its columns.
    options
        ``harmonise``, ``harmonise_by``, ``harmonise_groups``, ``unseen``, ``max_missing_share``.
    acquisition
        patient -> ``centre``, ``scanner``, ``kernel``, ``slice_spacing_mm``.

    Returns
    -------
    The fitted step, None where nothing is harmonised; and the table with the training patients' own values.

    Raises
    ------
    SettingsError
        If no group of the fit is to be harmonised.
    FeatureError
        If the batch of a patient is not known, or as :func:`fit_combat` and :func:`fit_robust_scale`.
    """
    if options.harmonise == "none":
        return None, table
    names = [c for group in options.harmonise_groups for c in columns.get(group, ())]
    if not any(group in columns for group in options.harmonise_groups):
        raise SettingsError(
            f"[fit] harmonise_groups = {', '.join(options.harmonise_groups)}, but the groups of this fit are "
            f"{', '.join(columns)}. Name one of them or set harmonise to 'none'."
        )
    own = table.frame[names]
    varies = own.std(ddof=0) > 1e-9 * own.abs().max()
    own = own.loc[:, varies & (own.isna().mean() <= options.max_missing_share)]
    if not own.shape[1]:
        return None, table
    batch = _batch_of(table.patients, acquisition, options.harmonise_by)
    filled = FeatureTable(_filled(own, batch), table.fitted_on, {}, table.fitted_together)
    step, values = _fitted(filled, batch, options)
    frame = _with(table.frame, values.where(own.notna()))
    done = FeatureTable(frame, table.fitted_on, table.undefined, table.fitted_together)
    return FeatureHarmonisation(options.harmonise_by, step), done


def _fitted(
    table: FeatureTable, batch: Batches, options: FitOptions
) -> tuple[Harmonisation | RobustScale, pd.DataFrame]:
    if options.harmonise == "combat":
        prior: Prior = "parametric" if len(table.names) > 1 else "none"  # one feature has no others to learn from
        return fit_combat(table, batch, CombatOptions(prior=prior, unseen=options.unseen))
    return fit_robust_scale(table, batch, RobustOptions(unseen=options.unseen))


def _batch_of(patients: Sequence[str], acquisition: Acquisition | None, by: BatchBy) -> dict[str, str]:
    known = acquisition or {}
    return batches({p: known.get(p, {}) for p in patients}, by)


def _filled(frame: pd.DataFrame, batch: Batches) -> pd.DataFrame:
    """Undefined values as the median of the batch, or of all where the batch has none."""
    if not frame.isna().to_numpy().any():
        return frame
    of_batch = frame.groupby([batch[str(p)] for p in frame.index]).transform("median")
    return frame.fillna(of_batch).fillna(frame.median())


def _with(frame: pd.DataFrame, columns: pd.DataFrame) -> pd.DataFrame:
    """The frame with some of its columns replaced."""
    made = frame.astype(float)
    made[list(columns.columns)] = columns.to_numpy()
    return made
