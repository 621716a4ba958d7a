"""Late fusion: a model a group, and a second model that weighs their risks on patients that they never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureTable, Outcome
from perisurv.survival.cox import CoxModel, fit_cox
from perisurv.survival.domain import Acquisition
from perisurv.survival.folds import assign_folds
from perisurv.survival.fusion import FusedFeatures
from perisurv.survival.harmonise import fit_harmonisation
from perisurv.survival.options import FitOptions
from perisurv.survival.selection import select_groups
from perisurv.survival.stacking import nonnegative_weights
from perisurv.survival.standardise import fit_standardisation
from perisurv.survival.strata import Strata, labels_of_strata, strata_of

__all__ = ["fit_late_fusion", "out_of_fold_risks"]

Floats = NDArray[np.float64]


def fit_late_fusion(
    selected: Mapping[str, pd.DataFrame],
    out_of_fold: FeatureTable,
    outcome: Outcome,
    options: FitOptions,
    fitted_on: frozenset[str],
    *,
    strata: Strata | None = None,
) -> tuple[FusedFeatures, CoxModel]:
    """Weigh the risks of groups; like every fusion, a linear map and a Cox model on its components.

    Groups without weight are left out: nothing was selected, or (``stacked``) the group does not help.

    Parameters
    ----------
    selected
        Group -> its selected features of the training patients, standardised. Its own Cox model is fitted here.
    out_of_fold
        What :func:`out_of_fold_risks` gave for these groups.
    outcome
        Follow-up of the training patients, in the order of the rows.
    options
        ``fusion`` ("late_ridge" or "stacked"), ``ridge`` and ``ties`` of all Cox models.
    fitted_on
        The training patients and those behind their features.
    strata
        Patient -> stratum, for all Cox models.

    Returns
    -------
    The map of standardised features to the risk of each group, ``risk_<group>``, in units of its out-of-fold standard
    deviation; and the Cox model on these risks: its coefficients are the weights, its baseline hazard comes from
    out-of-fold risks.
    """
    spread, labels = out_of_fold.frame.std(ddof=0), labels_of_strata(strata, outcome)
    kept = [g for g, x in selected.items() if x.shape[1] and spread[g] > 1e-9]
    risks = (out_of_fold.frame[kept] - out_of_fold.frame[kept].mean()) / spread[kept]
    if options.fusion == "stacked" and kept:
        weights = nonnegative_weights(risks, outcome, options.ties, options.ridge, strata=labels)
        kept = [g for g, w in zip(kept, weights, strict=True) if w > 0]
    risks = risks[kept].rename(columns=_named)
    cox = fit_cox(risks, outcome, options.ties, options.ridge, strata=labels)
    names = [c for g in kept for c in selected[g].columns]
    loadings = np.zeros((len(names), len(kept)))
    start = 0
    for column, group in enumerate(kept):
        own = fit_cox(selected[group], outcome, options.ties, options.ridge, strata=labels).coef
        loadings[start : start + len(own), column] = own / spread[group]
        start += len(own)
    fusion = FusedFeatures(tuple(names), tuple(map(_named, kept)), loadings, 1.0, fitted_on)
    # Columns were centred above: the mean patient, whose standardised features are 0, has risk 0.
    return fusion, replace(cox, mean=np.zeros(len(kept)), fitted_on=fitted_on)


def out_of_fold_risks(
    table: FeatureTable,
    outcome: Outcome,
    columns: Mapping[str, Sequence[str]],
    options: FitOptions,
    rng: np.random.Generator,
    *,
    acquisition: Acquisition | None = None,
) -> FeatureTable:
    """Risk of every training patient by each group, from models that never saw the patient.

    Harmonisation, imputation, scaling, selection and Cox model of every group are fitted again outside each fold.

    Parameters
    ----------
    table
        Training patients.
    outcome
        Their follow-up, in the order of the rows.
    columns
        Group -> its columns.
    options
        Of the fit, and ``fusion_folds``.
    rng
        Deals the folds.
    acquisition
        Of the training patients, for strata and harmonisation.

    Returns
    -------
    FeatureTable
        Rows as in ``table``, a column a group; each row knows the patients behind it.

    Raises
    ------
    LeakageError
        If a feature of another patient was made by something fitted on the patient, as out-of-fold features of a
        network are: what stands on them must not be judged by that patient.
    """
    patients = np.asarray(table.patients)
    folds = assign_folds(outcome, max(2, min(options.fusion_folds, outcome.n_events)), rng)
    parts = []
    for fold in range(int(folds.max()) + 1):
        fitted, held = patients[folds != fold].tolist(), patients[folds == fold].tolist()
        seed = int(rng.integers(2**63))
        training, new = table.take(fitted), table.take(held)
        parts.append(_risks(training, outcome.take(fitted), new, columns, options, seed, acquisition))
    return FeatureTable.stack(parts).take(table.patients)


def _risks(
    table: FeatureTable,
    outcome: Outcome,
    held: FeatureTable,
    columns: Mapping[str, Sequence[str]],
    options: FitOptions,
    seed: int,
    acquisition: Acquisition | None,
) -> FeatureTable:
    """Risks of the patients held out; the table that comes out refuses a patient behind its own row."""
    everything = [c for names in columns.values() for c in names]
    step, training = fit_harmonisation(table.select(everything), columns, options, acquisition)
    scaling, x = fit_standardisation(training, options.max_missing_share)
    scored = scaling.apply(held if step is None else step.apply(held, acquisition)).frame
    risks = pd.DataFrame(0.0, index=held.frame.index, columns=list(columns))
    strata, chosen = strata_of(options, acquisition, table.patients), dict[str, list[str]]()
    for selection in select_groups(columns, x, outcome, options, seed, strata=strata):
        chosen.setdefault(selection.group, []).extend(selection.selected)
    for group, names in chosen.items():
        cox = fit_cox(x[names], outcome, options.ties, options.ridge, strata=labels_of_strata(strata, outcome))
        risks[group] = cox.linear_predictor(scored[names].to_numpy())
    return FeatureTable(risks, dict.fromkeys(held.patients, scaling.fitted_on))


def _named(group: str) -> str:
    return f"risk_{group}"
