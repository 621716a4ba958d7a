"""Who trains and who is scored: the patient is the unit, the same folds serve every branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perisurv.core import InputError, LeakageError, Outcome, OutcomeError, SettingsError
from perisurv.core.brief import Brief

__all__ = [
    "Split",
    "external_centres",
    "external_split",
    "leave_one_centre_out",
    "repeated_folds",
    "stratified_folds",
    "temporal_split",
]


@dataclass(frozen=True, slots=True, repr=False)
class Split(Brief):
    """Who trains and who is scored, once.

    Parameters
    ----------
    name
        Such as ``repeat 2, fold 3`` or the centre that is scored.
    training, scored
        Patients; none is in both.
    repeat
        Splits of one repeat score each patient at most once.

    Raises
    ------
    LeakageError
        If a patient is in both parts.
    OutcomeError
        If a part is empty or holds a patient twice.
    """

    name: str
    training: tuple[str, ...]
    scored: tuple[str, ...]
    repeat: int = 0

    def __post_init__(self) -> None:
        for what, part in (("training", self.training), ("scored", self.scored)):
            if not part or len(set(part)) < len(part):
                wrong = "holds a patient twice" if part else "is empty"
                raise OutcomeError(
                    f"Split {self.name!r}: the {what} part {wrong}; each patient stands in one part once."
                )
        both = sorted(set(self.training) & set(self.scored))
        if both:
            raise LeakageError(
                f"Split {self.name!r} would score {len(both)} patients that it trains on ({', '.join(both[:5])}); "
                "deal whole patients, not rows."
            )

    def require_events(self, outcome: Outcome, training: int = 1, scored: int = 1) -> Split:
        """The split itself, if enough patients of both parts died.

        Raises
        ------
        OutcomeError
            Naming the split and the part.
        """
        for what, part, least in (("training", self.training, training), ("scored", self.scored, scored)):
            deaths = outcome.take(part).n_events
            if deaths < least:
                raise OutcomeError(
                    f"Split {self.name!r}: {deaths} of the {len(part)} {what} patients had an event and at least "
                    f"{least} must; take fewer folds, another cut-off, or join small centres."
                )
        return self


def external_split(centres: Mapping[str, Sequence[str]]) -> tuple[str, tuple[str, ...]]:
    """The largest centre trains (the first by name among equals), the others are external.

    Parameters
    ----------
    centres
        Patients of each centre, such as ``Cohort.centres``; centres without patients do not count.

    Returns
    -------
    tuple
        Name of the training centre, names of the external centres.

    Raises
    ------
    InputError
        If there are fewer than two centres.
    """
    names = sorted((name for name in centres if centres[name]), key=lambda name: (-len(centres[name]), name))
    if len(names) < 2:
        found = f"there is one centre only ({names[0]})" if names else "there is no patient"
        raise InputError(
            f"External validation needs patients of at least two centres; {found}. "
            "Add a centre, or a centre column to the clinical table."
        )
    return names[0], tuple(names[1:])


def external_centres(centres: Mapping[str, Sequence[str]], outcome: Outcome) -> Split:
    """The split of :func:`external_split`: the largest centre trains, all others are scored once.

    Raises
    ------
    InputError
        If there are fewer than two centres.
    OutcomeError
        If nobody of a part died.
    """
    training, external = external_split(centres)
    scored = tuple(p for name in external for p in centres[name])
    return Split("external centres", tuple(centres[training]), scored).require_events(outcome)


def leave_one_centre_out(centres: Mapping[str, Sequence[str]], outcome: Outcome) -> tuple[Split, ...]:
    """Each centre is scored once by what was fitted on all others; centres by name.

    Raises
    ------
    InputError
        If there are fewer than two centres.
    OutcomeError
        If nobody of a centre died: such a centre has no C and is named.
    """
    external_split(centres)
    names = sorted(name for name in centres if centres[name])
    without_event = [name for name in names if not outcome.take(centres[name]).n_events]
    if without_event:
        raise OutcomeError(
            f"Nobody of centre {', '.join(without_event)} had an event, so it cannot be scored when it is left out; "
            "join it with another centre or leave it out of the study."
        )
    return tuple(
        Split(name, tuple(p for other in names if other != name for p in centres[other]), tuple(centres[name]))
        for name in names
    )


def repeated_folds(
    outcome: Outcome,
    folds: int,
    repeats: int,
    rng: np.random.Generator,
    strata: Mapping[str, object] | None = None,
) -> tuple[Split, ...]:
    """Repeated stratified folds: the outer loop of a nested cross-validation.

    In each repeat every patient is scored once. Parameters as in :func:`stratified_folds`.

    Raises
    ------
    OutcomeError, SettingsError
        As :func:`stratified_folds`, or if there is no repeat.
    """
    if repeats < 1:
        raise SettingsError(f"Repeated cross-validation needs at least 1 repeat, got {repeats}.")
    everyone, splits = sorted(outcome.patients), []
    for repeat in range(repeats):
        for number, fold in enumerate(stratified_folds(outcome, folds, rng, strata)):
            held = frozenset(fold)
            name = f"repeat {repeat + 1}, fold {number + 1}"
            split = Split(name, tuple(p for p in everyone if p not in held), fold, repeat)
            splits.append(split.require_events(outcome))
    return tuple(splits)


def temporal_split(
    order: Mapping[str, float | str], outcome: Outcome, *, cutoff: float | str | None = None, share: float = 0.7
) -> Split:
    """The earlier patients train, the later are scored.

    Parameters
    ----------
    order
        When each patient was treated: a number such as the year, or a date as ``2014-03-31``.
    outcome
        Follow-up; its patients are split.
    cutoff
        The first value that is scored. None: the value at which ``share`` of the patients lie before; patients of equal
        value stay together, on the later side.
    share
        Of the patients that train where no cut-off is given.

    Raises
    ------
    InputError
        If a patient has no value, or numbers and texts are mixed.
    OutcomeError
        If a part is empty or nobody of it died.
    """
    patients = sorted(outcome.patients)
    lacking = [p for p in patients if p not in order or order[p] != order[p] or order[p] == ""]
    if lacking:
        raise InputError(f"A temporal split needs a time for every patient; {', '.join(lacking[:5])} has none.")
    values = [order[p] for p in patients]
    kinds = {isinstance(v, str) for v in (*values, *([] if cutoff is None else [cutoff]))}
    if len(kinds) > 1:
        raise InputError("A temporal split needs numbers or dates, not both: cut-off and values must be of one kind.")
    if cutoff is None:
        if not 0 < share < 1:
            raise SettingsError(f"The share of earlier patients lies between 0 and 1, got {share:g}.")
        cutoff = sorted(values)[min(round(share * len(values)), len(values) - 1)]
    early = tuple(p for p in patients if order[p] < cutoff)  # type: ignore[operator]
    late = tuple(p for p in patients if order[p] >= cutoff)  # type: ignore[operator]
    return Split(f"from {cutoff} on", early, late).require_events(outcome)


def stratified_folds(
    outcome: Outcome, k: int, rng: np.random.Generator, strata: Mapping[str, object] | None = None
) -> list[tuple[str, ...]]:
    """Patients in k folds with the share of deaths of the whole; independent of the order of the patients.

    Parameters
    ----------
    outcome
        Follow-up.
    k
        Folds.
    rng
        Deals the patients.
    strata
        Label of each patient, such as the centre, that is spread over the folds too; None: none.

    Raises
    ------
    OutcomeError
        If there are fewer deaths than folds.
    SettingsError
        If there are fewer than two folds.
    """
    if k < 2:
        raise SettingsError(f"Cross-validation needs at least 2 folds, got {k}.")
    if outcome.n_events < k:
        raise OutcomeError(f"{k} folds need at least {k} events, there are {outcome.n_events}. Ask for fewer folds.")
    event = dict(zip(outcome.patients, outcome.event, strict=True))
    label = {p: "" if strata is None else str(strata[p]) for p in outcome.patients}
    folds: list[list[str]] = [[] for _ in range(k)]
    place = 0
    for died in (True, False):
        for name in sorted(set(label.values())):
            stratum = sorted(p for p in outcome.patients if event[p] == died and label[p] == name)
            for n in rng.permutation(len(stratum)):
                folds[place % k].append(stratum[n])
                place += 1
    return [tuple(sorted(fold)) for fold in folds]
