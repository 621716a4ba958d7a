"""The splits of a validation, dealt from the study file; and the same design for a permuted outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perisurv.core import Outcome, OutcomeError, SettingsError
from perisurv.core.brief import Brief
from perisurv.evaluation import Split, leave_one_centre_out, permuted, repeated_folds, temporal_split
from perisurv.study import stages
from perisurv.study.settings import ValidationOptions

__all__ = ["Patients", "deal", "permute", "permuted_runs"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Patients(Brief):
    """What a design may look at.

    Parameters
    ----------
    outcome
        Follow-up of the patients of the validation.
    centres
        Centre -> its patients.
    order
        When each patient was treated; empty where the design does not ask.
    """

    outcome: Outcome
    centres: Mapping[str, Sequence[str]]
    order: Mapping[str, float]


def deal(patients: Patients, options: ValidationOptions, rng: np.random.Generator, repeats: int) -> tuple[Split, ...]:
    """The splits of a design, the same for every branch.

    Parameters
    ----------
    patients
        Who is split.
    options
        The design.
    rng
        Deals the folds of a nested design.
    repeats
        Of a nested design.

    Raises
    ------
    SettingsError
        If there is no design.
    OutcomeError, InputError
        If a part has no events, a patient no time, or there is one centre only.
    """
    if options.design == "nested":
        centre = {p: name for name, own in patients.centres.items() for p in own}
        return repeated_folds(patients.outcome, options.folds, repeats, rng, centre or None)
    if options.design == "leave_one_centre_out":
        return leave_one_centre_out(patients.centres, patients.outcome)
    if options.design == "temporal":
        return (temporal_split(patients.order, patients.outcome, share=options.share),)
    raise SettingsError("This study has no validation: set design below [validation], for example to 'nested'.")


def permuted_runs(
    patients: Patients, options: ValidationOptions, splits: Sequence[Split], seed: int
) -> Iterator[tuple[Outcome, tuple[Split, ...]]]:
    """Each permuted outcome of a validation with the splits that are dealt to it, one repeat of a nested design.

    Parameters
    ----------
    patients, options
        As for :func:`deal`.
    splits
        Of the outcome as it is.
    seed
        Of the study.

    Raises
    ------
    OutcomeError
        If a part of a permuted outcome has no events; the message names the permutation.
    """
    for number in range(options.permutations):
        rng = stages.stream(seed, "permutation", str(number))
        null = permute(patients, options, splits, rng)
        try:
            yield null.outcome, deal(null, options, rng, 1)
        except OutcomeError as error:
            raise OutcomeError(
                f"Permuted outcome {number + 1} of {options.permutations}: {error} Or do without: permutations = 0 "
                "below [validation]."
            ) from error


def permute(
    patients: Patients, options: ValidationOptions, splits: Sequence[Split], rng: np.random.Generator
) -> Patients:
    """The same patients with the outcome dealt to others.

    Within the parts that the design does not deal (centres, periods), so that each keeps its events and what centres or
    periods have in common is no signal to be found.
    """
    if options.design == "nested":
        return Patients(permuted(patients.outcome, rng), patients.centres, patients.order)
    parts = [permuted(patients.outcome.take(sorted(split.scored)), rng) for split in splits]
    if options.design == "temporal":
        parts.append(permuted(patients.outcome.take(sorted(splits[0].training)), rng))
    outcome = Outcome(
        tuple(p for part in parts for p in part.patients),
        np.concatenate([part.time_days for part in parts]),
        np.concatenate([part.event for part in parts]),
    )
    return Patients(outcome.take(patients.outcome.patients), patients.centres, patients.order)
