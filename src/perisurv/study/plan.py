"""What a study can do with its patients: decided right after the index, and what cannot work refused there."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from perisurv.cohort import clinical_features
from perisurv.core import Cohort, FeatureTable, InputError, Outcome, OutcomeError, PerisurvError, SettingsError
from perisurv.core.wording import counted
from perisurv.evaluation import Split, external_split
from perisurv.study import stages
from perisurv.study.designs import Patients, deal, permuted_runs
from perisurv.study.evaluate import true_risk
from perisurv.study.settings import Design, StudySettings

__all__ = ["StudyPlan", "order_of_treatment", "plan_study", "refuse_small_training"]


@dataclasses.dataclass(frozen=True, slots=True)
class StudyPlan:
    """What a study does after extraction.

    Parameters
    ----------
    external
        Whether the largest centre trains and all others are scored once.
    design
        How the tabular branches are validated beside or instead of that; ``none``: not.
    told
        What is not done, why, and what would change that; empty where nothing is left out.
    """

    external: bool
    design: Design
    told: str = ""

    @property
    def features_only(self) -> bool:
        """Whether the study ends with its features."""
        return not self.external and self.design == "none"

    def settings(self, settings: StudySettings) -> StudySettings:
        """The study file with the design of this plan."""
        return dataclasses.replace(settings, validation=dataclasses.replace(settings.validation, design=self.design))


def plan_study(cohort: Cohort, settings: StudySettings, key: str = "") -> StudyPlan:
    """What can be done with these patients.

    Several centres: external validation, and the design of the study file beside it. One centre: that design, or nested
    cross-validation where the file names none. No follow-up: features only.

    Parameters
    ----------
    cohort
        As indexed.
    settings
        The study file.
    key
        Of the pseudonyms; empty where the study keeps the identities.

    Raises
    ------
    InputError, OutcomeError, SettingsError
        If there are too few patients, centres or events for what the study file asks.
    """
    if cohort.outcome is None:
        return StudyPlan(False, "none", _without_outcome(settings))
    design = settings.validation.design
    if len(cohort.centres) > 1:
        try:
            _refuse_external(cohort, cohort.outcome, settings, key)
            plan = StudyPlan(True, design)
        except PerisurvError as error:
            if design == "none":
                raise
            plan = StudyPlan(False, design, f"No external validation: {error}")
    else:
        plan = StudyPlan(False, "nested" if design == "none" else design, _one_centre(cohort))
    if plan.design != "none":
        _refuse_validation(cohort, cohort.outcome, plan.settings(settings))
    return plan


def order_of_treatment(clinical: FeatureTable, settings: StudySettings) -> dict[str, float]:
    """When each patient of a temporal design was treated, where that is known; empty where no order is asked for.

    Raises
    ------
    InputError
        If there is no such column.
    """
    if not settings.validation.order:
        return {}
    column = f"clinical__{settings.validation.order}"
    if column not in clinical.names:
        known = ", ".join(name.removeprefix("clinical__") for name in clinical.names)
        raise InputError(
            f"[validation] order = {settings.validation.order!r}: no clinical covariate has that name, only {known}; "
            "list it below [cohort] covariates."
        )
    return {str(p): float(v) for p, v in clinical.frame[column].dropna().items()}


def refuse_small_training(outcome: Outcome, who: str, settings: StudySettings) -> None:
    """Refuse training patients that cannot fit one model.

    Raises
    ------
    OutcomeError
        If a model, or one of those that choose the ring, would have fewer events than ``[fit] minimum_events``.
    """
    needed, events, noun = _events_needed(settings), outcome.n_events, settings.endpoint.noun
    if events < needed:
        raise OutcomeError(
            f"A study needs at least {counted(needed, noun.event, noun.events)} among its training patients and has "
            f"{events} among "
            f"{len(outcome)} ({who}): every model takes {settings.fit.minimum_events} ([fit] minimum_events), and the "
            "ring is chosen by models of a part of them; check the event column, add patients or longer follow-up."
        )


def _events_needed(settings: StudySettings) -> int:
    """Events of training patients that leave every inner model its own minimum."""
    least, folds = settings.fit.minimum_events, settings.fit.ring_folds
    needed = least
    while needed - math.ceil(needed / max(2, min(folds, needed))) < least:
        needed += 1
    return needed


def _one_centre(cohort: Cohort) -> str:
    name = next(iter(cohort.centres))
    return (
        f"All {len(cohort)} patients are of one centre ({name}), so nobody is left for an external validation: the "
        "tabular branches are tested inside the centre, and no network is trained. For an external validation add "
        "the patients of another centre, or name the column of centres in the study file: "
        'centre = "..." below [cohort.columns].'
    )


def _without_outcome(settings: StudySettings) -> str:
    there = "Features only: regions, quality control and features of all patients are there, a model needs follow-up."
    if settings.input.follow_up == "none":
        return f'{there} The study file asks for none; take follow_up = "none" out of [input] to fit models.'
    return (
        f"{there} No clinical table with a column of patients and columns of time and event was found; put it into the "
        'folder or name it in the study file, clinical = ["table.csv"] below [input], and run again.'
    )


def _refuse_external(cohort: Cohort, outcome: Outcome, settings: StudySettings, key: str) -> None:
    stages.refuse_unseen_centres(settings)
    centre, external = external_split(cohort.centres)
    trained, tested = cohort.centres[centre], [p for name in external for p in cohort.centres[name]]
    refuse_small_training(outcome.take(trained), centre, settings)
    if not outcome.take(tested).n_events:
        raise OutcomeError(
            f"A study needs at least 1 {settings.endpoint.noun.event} among its external patients and has 0 among "
            f"{len(tested)} ({', '.join(external)}); check the event column, add patients or longer follow-up, or "
            'validate without external patients: design = "nested" below [validation].'
        )
    if settings.deep.enabled:
        _refuse_networks(outcome.take(trained), settings)
    if settings.input.truth:
        true_risk(Path(settings.input.truth), tested, key)


def _refuse_networks(training: Outcome, settings: StudySettings) -> None:
    folds, axes = settings.deep.folds, settings.deep.training.axes
    if training.n_events < folds:
        noun = settings.endpoint.noun
        raise OutcomeError(
            f"[deep] folds = {folds} needs at least {counted(folds, noun.event, noun.events)} among the training "
            "patients and there are "
            f"{training.n_events}; lower folds, or leave the network out: enabled = false below [deep]."
        )
    fewest = len(training) - -(-len(training) // folds)
    if fewest < axes + 1:
        raise SettingsError(
            f"[deep.training] axes = {axes} needs at least {axes + 1} training patients in every fold, and the "
            f"smallest has {fewest} of {len(training)}; set axes to {max(fewest - 1, 1)} or less, or leave the network "
            "out: enabled = false below [deep]."
        )


def _refuse_validation(cohort: Cohort, outcome: Outcome, settings: StudySettings) -> None:
    """Deal all splits, those of permuted outcomes too: each must be able to fit a model."""
    options, clinical = settings.validation, clinical_features(cohort.clinical)
    patients = Patients(outcome, cohort.centres, order_of_treatment(clinical, settings))
    splits = deal(patients, options, stages.stream(settings.seed, "validation"), options.repeats)
    _refuse_small_split(outcome, splits, settings, "")
    for number, (null, own) in enumerate(permuted_runs(patients, options, splits, settings.seed), start=1):
        _refuse_small_split(null, own, settings, f" with permuted outcome {number} of {options.permutations}")


def _refuse_small_split(outcome: Outcome, splits: Sequence[Split], settings: StudySettings, which: str) -> None:
    """Refuse splits that leave a model too few events or nothing to score.

    ``which`` names the outcome where it is a permuted one.
    """
    if not any(_comparable(outcome.take(split.scored)) for split in splits):
        raise OutcomeError(
            f"No two patients that one split of the {settings.validation.design.replace('_', ' ')} validation{which} "
            "scores can be compared: in each the events come after the follow-up of all others ended. Take fewer folds "
            "or longer follow-up."
        )
    needed, noun = _events_needed(settings), settings.endpoint.noun
    fewest = min(splits, key=lambda split: outcome.take(split.training).n_events)
    events = outcome.take(fewest.training).n_events
    if events < needed:
        raise OutcomeError(
            f"The split {fewest.name!r} of the {settings.validation.design.replace('_', ' ')} validation{which} leaves "
            f"{counted(events, noun.event, noun.events)} among {len(fewest.training)} training patients and needs at "
            f"least {needed}, as every model takes {settings.fit.minimum_events} and the ring is chosen by models of a "
            f"part of them ({counted(outcome.n_events, noun.event, noun.events)} among all {len(outcome)} patients); "
            "add patients or longer follow-up, or lower minimum_events below [fit]"
            f"{', or set permutations = 0 below [validation]' if which else ''}."
        )


def _comparable(outcome: Outcome) -> bool:
    """Whether somebody had an event while another one was followed."""
    first = outcome.time_days[outcome.event].min(initial=math.inf)
    later = outcome.time_days > first
    return bool((later | ((outcome.time_days == first) & ~outcome.event)).any())
