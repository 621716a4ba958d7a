"""What a run ends with: found, left out and why, what to be careful about, the result, and where everything lies.

Read off the artefacts, so that a run that went on, or had nothing to do, says the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from perisurv.core import Cohort, Evaluation
from perisurv.core.endpoint import Endpoint
from perisurv.core.wording import counted
from perisurv.report import facts, remarks
from perisurv.report.validation import validation_facts
from perisurv.study.plan import StudyPlan
from perisurv.study.store import RunFolder

__all__ = ["Found", "failed_checks", "summarise"]

Found = tuple[Evaluation | None, Mapping[str, Any] | None]

_DESIGNS = {
    "nested": "cross-validation inside these patients",
    "leave_one_centre_out": "each centre scored by the others",
    "temporal": "the later patients scored by the earlier",
}
_WEIGHTY = ("outside the training domain", " a feature", "same risk groups", "who stay")
_VOLUME = "volume"
_EVENTS_A_FEATURE = 10
_OWNERS_SHOWN = 3


def summarise(folder: RunFolder, cohort: Cohort, plan: StudyPlan, found: Found, endpoint_note: str) -> dict[str, Any]:
    """The facts of ``summary.json``; no path, no name of a patient.

    Parameters
    ----------
    folder
        The run folder.
    cohort
        As indexed, with everything excluded since.
    plan
        What was done with the patients.
    found
        Evaluation of the external patients, and what ``validation.json`` holds; None for what was not done.
    endpoint_note
        What competing causes mean for the numbers; empty without any.
    """
    evaluation, validation = found
    gone = {e.patient for e in cohort.exclusions if e.patient}
    centres = {name: len(set(own) - gone) for name, own in cohort.centres.items()}
    kept = set(cohort.ids) - gone
    notes = evaluation.notes if evaluation else [*cohort.notes, *([endpoint_note] if endpoint_note else [])]
    warnings = [*map(_told, remarks.warnings_of(notes)), *(_crowded(validation) if validation else [])]
    warnings += [*_of_groups(folder, evaluation, validation), *failed_checks(cohort)]
    return {
        "found": len(kept | gone),
        "used": len(kept),
        "centres": {name: n for name, n in centres.items() if n},
        "excluded": len(gone),
        "exclusions": [
            {"stage": group.stage, "kind": group.kind, "patients": len(set(group.patients))}
            for group in facts.group_exclusions(cohort.exclusions)
        ],
        "set_aside": [
            {"kind": kind, "files": n} for kind, n in Counter(entry.kind for entry in cohort.set_aside).most_common()
        ],
        "warnings": sorted(warnings, key=_weight),
        "results": ([_external(evaluation)] if evaluation else []) + ([_validated(validation)] if validation else []),
        "told": plan.told,
        "parts": [name for name, part in zip(("evaluation", "validation"), found, strict=True) if part],
        "places": _places(folder),
    }


def _places(folder: RunFolder) -> dict[str, str]:
    places = {"report": folder.report, "features": folder.features, "quality control": folder.qc / "index.html"}
    places["log"] = folder.log
    if folder.report.exists():
        del places["features"]
    return {name: str(path.relative_to(folder.root)) for name, path in places.items() if path.exists()}


def _weight(warning: str) -> int:
    """What calls the result into question stands first; everything else keeps its order."""
    return next((n for n, words in enumerate(_WEIGHTY) if words in warning), len(_WEIGHTY))


def _told(group: remarks.NoteGroup) -> str:
    """A note with whom it is of."""
    many = len(group.owners) > _OWNERS_SHOWN
    owners = f"{len(group.owners)} branches, such as {group.owners[0]}" if many else ", ".join(group.owners)
    repeated = f" (the first of {group.count} of this kind)" if group.count > max(1, len(group.owners)) else ""
    return f"{owners}: {group.text}{repeated}" if owners else f"{group.text}{repeated}"


def failed_checks(cohort: Cohort) -> list[str]:
    """Checks that failed in patients that stay, such as a ring that the border of the CT cuts."""
    kept = set(cohort.ids) - {e.patient for e in cohort.exclusions}
    faults = Counter(
        finding.fault or finding.title
        for patient, findings in cohort.findings.items()
        if patient in kept
        for finding in findings
        if finding.passed is False
    )
    return [f"{fault}: {counted(n, 'patient')} of {len(kept)}, who stay" for fault, n in faults.most_common()]


def _of_groups(folder: RunFolder, evaluation: Evaluation | None, validation: Mapping[str, Any] | None) -> list[str]:
    """Where a model parts the patients exactly as the volume of the tumour does."""
    places = [(folder.predictions, ["patient"])] if evaluation else []
    places += [(folder.validation_predictions, ["patient", "repeat", "split"])] if validation else []
    said = []
    for path, rows in places:
        frame = pd.read_parquet(path, columns=[*rows, "branch", "group"])
        table = frame.pivot_table(index=rows, columns="branch", values="group", aggfunc="first")
        if _VOLUME not in table or table[_VOLUME].nunique() < 2:
            continue
        same = [str(name) for name in table.columns if name != _VOLUME and (table[name] == table[_VOLUME]).all()]
        said += [f"{', '.join(same)}: the same risk groups as tumour volume alone"] if same else []
    return said


def _crowded(validation: Mapping[str, Any]) -> list[str]:
    """Fewer than ten events a feature in the mean of the splits."""
    splits = validation["splits"]
    share = sum(split["training"] for split in splits) / (len(splits) * validation["patients"])
    events = share * validation["events"]
    named = {row["branch"]: sum(row["selected"].values()) for row in validation["branches"]}
    few = [branch for branch, features in named.items() if features and events / features < _EVENTS_A_FEATURE]
    told = f"fewer than {_EVENTS_A_FEATURE} {_noun(validation).events} a feature in the mean of the splits"
    return [f"{', '.join(few)}: {told}"] if few else []


def _external(evaluation: Evaluation) -> dict[str, Any]:
    headline = facts.headline_row(evaluation)
    volume = next((row for row in evaluation.ladder if row.branch == _VOLUME), None)
    return {
        "scored": "external centres",
        "branch": headline.branch,
        "c_index": headline.c_index,
        "lower": headline.lower,
        "upper": headline.upper,
        "confidence": evaluation.confidence,
        "patients": headline.n,
        "events": headline.events,
        "events_word": _counted_word(evaluation.endpoint, headline.events),
        "cautions": list(facts.caution(headline, volume)),
    }


def _validated(values: Mapping[str, Any]) -> dict[str, Any]:
    section = validation_facts(values)
    headline, cautions = section["validation_headline"], section["validation_cautions"]
    return {
        "scored": _DESIGNS[values["design"]],
        **{key: headline[key] for key in ("branch", "c_index", "lower", "upper")},
        "confidence": values["confidence"],
        "patients": values["patients"],
        "events": values["events"],
        "events_word": _counted_word(_noun(values), values["events"]),
        "cautions": list(cautions),
    }


def _noun(validation: Mapping[str, Any]) -> Endpoint:
    return Endpoint(**validation["endpoint"])


def _counted_word(endpoint: Endpoint, events: int) -> str:
    return endpoint.event if events == 1 else endpoint.events
