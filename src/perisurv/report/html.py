"""The report: one HTML file that opens offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from perisurv.core import Evaluation, RegionSet
from perisurv.report import facts, remarks
from perisurv.report.figures import (
    calibration_plot,
    decision_plot,
    forest_plot,
    kaplan_meier_plot,
    ring_plot,
    roc_plot,
)
from perisurv.report.page import environment, example
from perisurv.report.validation import validation_section

__all__ = ["render_report"]

COEFFICIENTS_SHOWN = 25


def render_report(
    evaluation: Evaluation,
    pictures: Sequence[RegionSet],
    settings_toml: str,
    maps: Sequence[NDArray[np.float32]] = (),
    validation: Mapping[str, Any] | None = None,
) -> str:
    """The document of a study.

    Parameters
    ----------
    evaluation
        Everything that the study found.
    pictures
        Regions of a few example patients, shown without their names.
    settings_toml
        The whole study file.
    maps
        For each of the example patients the joint entropy of small windows, on the grid of its regions; empty: none.
    validation
        What ``validation.json`` holds, for a section of its own; None: none.

    Returns
    -------
    str
        HTML with all styles and figures inside; it loads nothing and runs nothing. Text from files is escaped.
        The same input gives the same text.
    """
    page = {
        "e": evaluation,
        "settings": settings_toml,
        "pictures": [example(one, maps[n] if n < len(maps) else None) for n, one in enumerate(pictures)],
        **_headline(evaluation),
        **_risk_groups(evaluation),
        **_calibration(evaluation),
        **_patients_and_rings(evaluation),
        **_features(evaluation),
        "clinical_columns": remarks.clinical_columns(evaluation.notes),
        "notes": remarks.note_groups(evaluation.notes),
        **(validation_section(validation) if validation else {"validation": None}),
    }
    return environment().get_template("page.html").render(page)


def _headline(evaluation: Evaluation) -> dict[str, Any]:
    rows = {row.branch: row for row in evaluation.ladder}
    headline = facts.headline_row(evaluation)
    return {
        "headline": headline,
        "volume": rows.get("volume"),
        "oracle": rows.get("oracle"),
        "cautions": facts.caution(headline, rows.get("volume")),
        "confidence": f"{100 * evaluation.confidence:g} %",
        "forest": _svg(forest_plot(evaluation, headline.branch)),
        "tested": [b for b in rows if sum(curve.branch == b for curve in evaluation.curves) == 2],
    }


def _risk_groups(evaluation: Evaluation) -> dict[str, Any]:
    headline = facts.headline_row(evaluation).branch
    drawn = [row.branch for row in evaluation.ladder if any(c.branch == row.branch for c in evaluation.curves)]
    horizons, groups = facts.group_facts(evaluation, headline)
    auc_horizons, auc_rows = facts.auc_table(evaluation)
    return {
        "headline_curves": _svg(kaplan_meier_plot(evaluation, headline)) if headline in drawn else None,
        "headline_roc": _svg(roc_plot(evaluation, headline)) if any(r[0] == headline for r in auc_rows) else None,
        "other_curves": [_svg(kaplan_meier_plot(evaluation, b, small=True)) for b in drawn if b != headline],
        "group_horizons": horizons,
        "groups": groups,
        "auc_horizons": auc_horizons,
        "auc_rows": auc_rows,
    }


def _calibration(evaluation: Evaluation) -> dict[str, Any]:
    headline = facts.headline_row(evaluation).branch
    rows = facts.calibration_table(evaluation)
    times = sorted({curve.time_days for curve in evaluation.net_benefit if curve.branch == headline})
    shown = [b for b in (headline, "clinical", "volume") if any(c.branch == b for c in evaluation.net_benefit)]
    middle = times[len(times) // 2] if times else None
    return {
        "calibration_rows": rows,
        "headline_calibration": _svg(calibration_plot(evaluation, headline))
        if any(branch == headline for branch, _, _ in rows)
        else None,
        "decision": _svg(decision_plot(evaluation, list(dict.fromkeys(shown)), middle)) if middle is not None else None,
    }


def _patients_and_rings(evaluation: Evaluation) -> dict[str, Any]:
    votes = evaluation.ring_votes
    return {
        "flow": facts.flow_counts(evaluation),
        "exclusions": facts.exclusion_groups(evaluation),
        "rings": _svg(ring_plot(evaluation)) if votes else None,
        "ring_won": votes.get(evaluation.ring, 0),
        "folds": sum(votes.values()),
        "outvoted": sorted(name for name in votes if votes[name] > votes.get(evaluation.ring, 0)),
    }


def _features(evaluation: Evaluation) -> dict[str, Any]:
    branches = [row.branch for row in evaluation.ladder if row.branch != "oracle"]
    return {"selected": {b: facts.coefficients(evaluation, b) for b in branches}, "shown": COEFFICIENTS_SHOWN}


def _svg(element: str) -> Markup:
    return Markup(element)  # noqa: S704 (drawn here; its text was escaped by the writer)
