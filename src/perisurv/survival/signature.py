"""The signature: everything fitted on the training patients, in one object that refuses to score them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from perisurv.core import FeatureError, FeatureTable, ModelError, Outcome, OutcomeError, Prediction
from perisurv.core.brief import Brief
from perisurv.core.wording import counted
from perisurv.survival import codec
from perisurv.survival.cox import CoxModel, fit_cox
from perisurv.survival.domain import Acquisition, Domain, fit_domain
from perisurv.survival.firewall import refuse_seen
from perisurv.survival.folds import assign_folds
from perisurv.survival.fusion import FusedFeatures, fit_fusion
from perisurv.survival.harmonise import FeatureHarmonisation, fit_harmonisation
from perisurv.survival.late_fusion import fit_late_fusion, out_of_fold_risks
from perisurv.survival.options import FitOptions
from perisurv.survival.selection import GroupSelection, select_groups
from perisurv.survival.shrinkage import shrink_bootstrap, shrink_heuristic, shrink_ridge
from perisurv.survival.standardise import Standardisation, fit_standardisation
from perisurv.survival.strata import Strata, labels_of_strata, strata_of

__all__ = ["Signature", "fit_signature"]

FORMAT = "perisurv.signature"
VERSION = 3
LATE = ("late_ridge", "stacked")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Signature(Brief):
    """A fitted prognostic signature.

    Parameters
    ----------
    selection
        Per group: what was selected, and how many features each step left.
    scaling
        Imputation and standardisation of the selected features.
    fusion
        Standardised features -> components.
    cox
        Cox model on the components, with its baseline hazard.
    cutoff
        Median risk of the training patients; above it a patient is at high risk.
    domain
        Which patients the signature may be used for.
    training_risk
        Risk of each training patient by the model that was fitted on it: apparent, for the cut-off and figures, never
        a result.
    notes
        What the reader must know, as sentences.
    fitted_on
        The training patients and every patient behind their features; predict refuses them.
    harmonisation
        Takes from features what their batch did to them, before everything else; None: nothing is taken.
    """

    selection: tuple[GroupSelection, ...]
    scaling: Standardisation
    fusion: FusedFeatures
    cox: CoxModel
    cutoff: float
    domain: Domain
    training_risk: dict[str, float]
    notes: tuple[str, ...]
    fitted_on: frozenset[str]
    harmonisation: FeatureHarmonisation | None = None

    def __post_init__(self) -> None:
        if not (self.selected == self.scaling.names == self.fusion.names == self.domain.scaling.names):
            raise ModelError("The steps of the signature do not use the same features.")
        if self.fusion.components != self.cox.names:
            raise ModelError("The Cox model of the signature does not use the components of its fusion.")
        if self.harmonisation is not None and not set(self.harmonisation.names) <= set(self.selected):
            raise ModelError("The harmonisation of the signature is not one of its features.")
        for step in (self.scaling, self.fusion, self.cox, self.domain, self.harmonisation):
            if step is not None and step.fitted_on != self.fitted_on:
                raise ModelError("The steps of the signature were not fitted on the same patients.")
        if not self.fitted_on.issuperset(self.training_risk):
            raise ModelError("The signature does not list all of its training patients in fitted_on.")

    @property
    def selected(self) -> tuple[str, ...]:
        """Selected features, in the order of the groups."""
        return tuple(name for group in self.selection for name in group.selected)

    @property
    def coefficients(self) -> dict[str, float]:
        """Log hazard ratio per standard deviation of each selected feature, loadings multiplied out."""
        return dict(zip(self.selected, (self.fusion.loadings @ self.cox.coef).tolist(), strict=True))

    def risk(
        self, table: FeatureTable, acquisition: Acquisition | None = None
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Log hazard ratio of new patients against the mean training patient, shape (patients,).

        Parameters
        ----------
        table
            Features as extracted.
        acquisition
            Needed by a signature with harmonisation: it tells the batch of each patient.

        Raises
        ------
        LeakageError
            If a patient was used for fitting.
        FeatureError
            If a selected feature is not in the table, or the batch of a patient is not known or refused.
        """
        return self._risk(self._harmonised(table, acquisition))

    def _risk(self, table: FeatureTable) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return self.cox.risk(self.fusion.apply(self.scaling.apply(table))).reshape(len(table))

    def _harmonised(self, table: FeatureTable, acquisition: Acquisition | None) -> FeatureTable:
        """Selected features of new patients."""
        refuse_seen(table, self.fitted_on, "signature")
        table = table.select(self.selected)
        return table if self.harmonisation is None else self.harmonisation.apply(table, acquisition)

    def linear_predictor(
        self, frame: pd.DataFrame, acquisition: Acquisition | None = None
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The arithmetic of :meth:`risk`, without its check, shape (rows,)."""
        if self.harmonisation is not None:
            frame = self.harmonisation.values(frame, acquisition)
        components = self.fusion.values(self.scaling.values(frame))
        return self.cox.linear_predictor(components.to_numpy()).reshape(len(frame))

    def predict(
        self,
        table: FeatureTable,
        horizons_days: Sequence[float] = (365.25, 730.5, 1095.75),
        *,
        acquisition: Acquisition | None = None,
    ) -> Prediction:
        """Score patients that the signature has never seen.

        Parameters
        ----------
        table
            Features as extracted; columns that were not selected are ignored.
        horizons_days
            Times of the predicted survival, days. Beyond the longest training follow-up it is NaN.
        acquisition
            patient -> ``slice_spacing_mm``, ``pixel_spacing_mm``, ...: checked against the training values; ``centre``:
            of a fit with strata, patients of a training centre get its baseline hazard, all others that of all; and the
            batch of each patient for the harmonisation.

        Raises
        ------
        LeakageError
            If a patient was used for fitting.
        FeatureError
            If a selected feature is not in the table, or the batch of a patient is not known or refused.
        """
        table = self._harmonised(table, acquisition)
        risk = self._risk(table)
        return Prediction(
            patients=table.patients,
            risk=risk,
            horizons_days=tuple(float(h) for h in horizons_days),
            survival=self.cox.survival(risk, horizons_days, self._centres(table, acquisition)),
            high_risk=np.asarray(risk > self.cutoff),
            abstained=self.domain.judge(table, acquisition),
        )

    def _centres(self, table: FeatureTable, acquisition: Acquisition | None) -> list[str] | None:
        if not self.cox.strata:
            return None
        return [str((acquisition or {}).get(p, {}).get("centre", "")) for p in table.patients]

    def to_json(self) -> str:
        """The signature as deterministic JSON text; numbers keep every bit."""
        return codec.encode(self, FORMAT, VERSION)

    @classmethod
    def from_json(cls, text: str) -> Signature:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ModelError
            If the text is no signature, of another version, or a field is missing, unknown or of a wrong type.
        """
        return codec.decode(cls, text, FORMAT, VERSION)


def fit_signature(
    table: FeatureTable,
    outcome: Outcome,
    *,
    groups: Mapping[str, tuple[str, ...]],
    options: FitOptions,
    rng: np.random.Generator,
    acquisition: Acquisition | None = None,
) -> Signature:
    """Fit a signature on the patients of a table.

    The steps: harmonise, if asked; drop undefined and constant features, impute, standardise; per group drop redundant
    features, screen by univariate Cox and select by LASSO-Cox; fuse the selected features of all groups; Cox; cut-off;
    domain. The order of the rows does not matter. If nothing is selected the signature is null: everybody has risk 0.

    Parameters
    ----------
    table
        Training patients only.
    outcome
        Follow-up of at least these patients.
    groups
        Name -> prefixes of its columns, e.g. ``{"radiomics": ("tumour__", "ring_6mm__"), "deep": ("deep_",)}``.
    options
        Choices of every step; ``select=False`` takes all features as they are, without fusion.
    rng
        Deals the folds of the LASSO; the same folds for every group.
    acquisition
        Of the training patients, for the domain, strata and harmonisation.

    Raises
    ------
    OutcomeError
        If a patient has no follow-up or there are too few deaths.
    FeatureError
        If a group has no column or a column is in two groups; or the centre of a patient, needed for strata, is not
        known.
    """
    table, outcome = _training(table, outcome, options)
    strata = strata_of(options, acquisition, table.patients)
    columns = _columns(table, groups)
    raw = table.select([c for names in columns.values() for c in names])
    harmonisation, harmonised = fit_harmonisation(raw, columns, options, acquisition)
    scaling, x = fit_standardisation(harmonised, options.max_missing_share)
    selection = select_groups(columns, x, outcome, options, int(rng.integers(2**63)), strata=strata)
    if options.select and options.fusion in LATE:
        risks = out_of_fold_risks(raw, outcome, columns, options, rng, acquisition=acquisition)
        chosen = _by_group(selection, x)
        fusion, cox = fit_late_fusion(chosen, risks, outcome, options, scaling.fitted_on, strata=strata)
    else:
        fusion, components = _fuse_early(x, selection, options, scaling.fitted_on)
        cox = replace(_final_cox(components, outcome, options, rng, strata), fitted_on=scaling.fitted_on)
    harmonisation = harmonisation and harmonisation.narrow(fusion.names)
    notes = (*_notes(selection, outcome, fusion), *([harmonisation.note] if harmonisation else []))
    selection = _used(selection, fusion)
    scaling = scaling.narrow(fusion.names)
    risk = cox.linear_predictor(fusion.values(x).to_numpy())
    return Signature(
        selection=selection,
        scaling=scaling,
        fusion=fusion,
        cox=cox,
        cutoff=float(np.median(risk)),
        domain=fit_domain(harmonised.select(fusion.names).frame, scaling, options, acquisition),
        training_risk=dict(zip(table.patients, risk.tolist(), strict=True)),
        notes=notes,
        fitted_on=scaling.fitted_on,
        harmonisation=harmonisation,
    )


def _fuse_early(
    x: pd.DataFrame,
    selection: Sequence[GroupSelection],
    options: FitOptions,
    fitted_on: frozenset[str],
) -> tuple[FusedFeatures, pd.DataFrame]:
    """Components of the selected features."""
    chosen = {group: list(own.columns) for group, own in _by_group(selection, x).items()}
    names = [c for members in chosen.values() for c in members]
    compress = options.select and options.fusion != "none"
    return fit_fusion(
        x[names],
        fitted_on,
        options.pca_variance if compress else None,
        options.pca_components,
        groups=chosen if options.fusion == "pca_branch" else None,
        plain=[c for group in options.unpenalised for c in chosen.get(group, [])],
    )


def _final_cox(
    x: pd.DataFrame, outcome: Outcome, options: FitOptions, rng: np.random.Generator, strata: Strata | None
) -> CoxModel:
    """Cox model on the components, shrunken as asked."""
    labels = labels_of_strata(strata, outcome)
    if options.shrinkage == "none" or not x.shape[1]:
        return fit_cox(x, outcome, options.ties, options.ridge, strata=labels)
    if options.shrinkage == "heuristic":
        return shrink_heuristic(x, outcome, options.ties, strata=labels).model
    if options.shrinkage == "bootstrap":
        return shrink_bootstrap(x, outcome, options.ties, rng=rng, strata=labels).model
    folds = assign_folds(outcome, min(options.lasso_folds, outcome.n_events), rng)
    return shrink_ridge(x, outcome, options.ties, folds=folds, strata=labels).model


def _by_group(selection: Sequence[GroupSelection], x: pd.DataFrame) -> dict[str, pd.DataFrame]:
    chosen: dict[str, list[str]] = {}
    for part in selection:
        chosen.setdefault(part.group, []).extend(part.selected)
    return {group: x[names] for group, names in chosen.items()}


def _used(selection: Sequence[GroupSelection], fusion: FusedFeatures) -> tuple[GroupSelection, ...]:
    """The selection without features of groups that the fusion gave no weight."""
    names = set(fusion.names)
    return tuple(replace(s, selected=tuple(c for c in s.selected if c in names)) for s in selection)


def _training(table: FeatureTable, outcome: Outcome, options: FitOptions) -> tuple[FeatureTable, Outcome]:
    """Training patients by pseudonym, with enough deaths."""
    patients = sorted(table.patients)
    outcome = outcome.take(patients)
    if outcome.n_events < options.minimum_events:
        what = "all of them are censored" if outcome.n_events == 0 else f"{outcome.n_events} of them had the event"
        count = "one sample (patient)" if len(outcome) == 1 else f"{len(outcome)} patients"
        raise OutcomeError(
            f"A signature needs at least {options.minimum_events} events among its training patients; "
            f"there are {count} and {what}. Add patients or longer follow-up."
        )
    return table.take(patients), outcome


def _columns(table: FeatureTable, groups: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    columns = {group: [c for c in table.names if c.startswith(prefixes)] for group, prefixes in groups.items()}
    for group, names in columns.items():
        if not names:
            wanted = " or ".join(repr(p) for p in groups[group])
            raise FeatureError(f"Group {group!r}: no feature starts with {wanted}.")
    owners: dict[str, str] = {}
    for group, names in columns.items():
        for name in names:
            if owners.setdefault(name, group) != group:
                raise FeatureError(f"Feature {name!r} is in two groups, {owners[name]!r} and {group!r}.")
    return columns


def _notes(selection: Sequence[GroupSelection], outcome: Outcome, fusion: FusedFeatures) -> tuple[str, ...]:
    notes = []
    for g in selection:
        name = f"Group {g.group!r}{f' ({g.part})' * bool(g.part)}"
        if not g.selected:
            notes.append(f"{name}: no feature was selected out of {g.candidates}.")
        elif not set(g.selected) & set(fusion.names):
            notes.append(
                f"{name}: its out-of-fold risk got no weight ({counted(len(g.selected), 'feature')} not used)."
            )
    count = len(fusion.names)
    if count == 0:
        notes.append("The signature is null: every patient has risk 0 and the curve of all training patients.")
    elif outcome.n_events < 10 * count:
        data = f"{counted(outcome.n_events, 'event')} for {counted(count, 'feature')}"
        notes.append(f"fitted on {data}: fewer than 10 events a feature.")
    return tuple(notes)
