"""A study from its index to its report: as far as its patients allow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perisurv.core import Cohort, Evaluation
from perisurv.study.engine import tell
from perisurv.study.findings import findings_text, read_findings
from perisurv.study.ledger import stages_of
from perisurv.study.plan import StudyPlan
from perisurv.study.run import Run
from perisurv.study.store import write_text
from perisurv.study.summary import summarise
from perisurv.study.validation import validate

__all__ = ["Findings", "run_study"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Findings:
    """What a study found, and what it left out; printed, the ladder and the summary.

    Parameters
    ----------
    plan
        What could be done with the patients.
    folder
        The run folder.
    evaluation
        Of the external patients; None without any.
    validation
        What ``validation.json`` holds; None without a validation by folds, centres or time.
    report
        The document; None where there are features only.
    """

    plan: StudyPlan
    folder: Path
    evaluation: Evaluation | None = None
    validation: Mapping[str, Any] | None = None
    report: Path | None = None

    def __repr__(self) -> str:
        return f"Findings({self})"

    def __str__(self) -> str:
        return findings_text(self.plain())

    def plain(self) -> dict[str, Any]:
        """As JSON: the evaluation where there is one, and beside it what else was found."""
        return read_findings(self.folder)


def run_study(run: Run, cohort: Cohort | None = None) -> Findings:
    """Do every stage that is not done yet, down to the report.

    What cannot work is refused after the index. Several centres: the largest trains, the others are scored once. One
    centre, or a design in the study file: the tabular branches are validated by it. Without follow-up the study ends
    with its features.

    Parameters
    ----------
    run
        The study and its folder.
    cohort
        Patients; None reads the folder named in the study file.

    Raises
    ------
    InputError, OutcomeError, SettingsError
        If there are too few patients or events for what the study file asks, or no patient is left.
    """
    tell(run.progress, "stage", "index", 1, 0)
    run.index(cohort)
    plan, root = run.plan(), run.folder.root
    stages = stages_of(plan)
    evaluation = validation = report = None
    for number, stage in enumerate(stages[1:], start=2):
        tell(run.progress, "stage", stage, number, len(stages))
        if stage == "evaluate":
            evaluation = run.evaluate()
        elif stage == "validate":
            validation = validate(run)
        elif stage == "report":
            report = run.report()
        else:
            getattr(run, stage)()
    summary = summarise(run.folder, run.cohort(), plan, (evaluation, validation), run.settings.endpoint.note)
    write_text(run.folder.summary, json.dumps(summary, indent=1, allow_nan=False) + "\n")
    tell(run.progress, "warned", summary["warnings"])
    return Findings(plan, root, evaluation, validation, report)
