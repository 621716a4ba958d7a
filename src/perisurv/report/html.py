"""The report: one HTML file that opens offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Evaluation, Exclusion, IncidenceCurve, RegionSet, RiskGroupCurve
from perisurv.report import facts, remarks, words
from perisurv.report.figures import (
    calibration_plot,
    decision_plot,
    forest_plot,
    group_test,
    kaplan_meier_plot,
    ring_plot,
    roc_plot,
)
from perisurv.report.incidence import incidence_section
from perisurv.report.page import environment, example, svg
from perisurv.report.validation import validation_section

__all__ = ["render_report"]

COEFFICIENTS_SHOWN = 25


def render_report(
    evaluation: Evaluation,
    pictures: Sequence[RegionSet],
    settings_toml: str,
    maps: Sequence[NDArray[np.float32]] = (),
    validation: Mapping[str, Any] | None = None,
    set_aside: Sequence[Exclusion] = (),
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
    set_aside
        Files that are not used although nobody is lost by it.

    Returns
    -------
    str
        HTML with all styles and figures inside; it loads nothing and runs nothing. Text from files is escaped.
        The same input gives the same text.
    """
    page = {
        "e": evaluation,
        "endpoint": evaluation.endpoint,
        "provenance": evaluation.provenance,
        "tried": words.tried(evaluation.tried),
        "settings": settings_toml,
        "pictures": [example(one, maps[n] if n < len(maps) else None) for n, one in enumerate(pictures)],
        **_headline(evaluation),
        **_risk_groups(evaluation),
        **_incidence(evaluation),
        **_calibration(evaluation),
        **_patients_and_rings(evaluation),
        **_features(evaluation),
        "set_aside": facts.group_exclusions(set_aside),
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
        "forest": svg(
            forest_plot(evaluation.ladder, headline.branch, evaluation.confidence, "on the external centres")
        ),
        **_group_tests(evaluation, headline.branch),
    }


def _group_tests(evaluation: Evaluation, headline: str) -> dict[str, Any]:
    """P of the test of the two risk groups of each branch, and how many patients the groups of the headline hold."""
    curves: list[RiskGroupCurve | IncidenceCurve] = [*evaluation.curves]
    curves += [c for c in evaluation.incidence if c.cause == "event"]
    groups = {r.branch: [c for c in curves if c.branch == r.branch] for r in evaluation.ladder}
    gray = {branch: p["event"] for branch, p in evaluation.gray_p.items() if "event" in p}
    known = gray if evaluation.endpoint.competing else evaluation.log_rank_p
    return {
        "group_p": {branch: known[branch] for branch, own in groups.items() if len(own) == 2 and branch in known},
        "group_sizes": [(curve.group, curve.at_risk[0]) for curve in groups[headline]],
        "groups_of": "External patients, parted by a cut-off that was fixed on the training patients.",
    }


def _risk_groups(evaluation: Evaluation) -> dict[str, Any]:
    headline = facts.headline_row(evaluation).branch
    curves = {row.branch: [c for c in evaluation.curves if c.branch == row.branch] for row in evaluation.ladder}
    drawn = {
        branch: svg(
            kaplan_meier_plot(
                own, branch, evaluation.endpoint, group_test(evaluation, branch), small=branch != headline
            )
        )
        for branch, own in curves.items()
        if own
    }
    horizons, groups = facts.group_facts(evaluation, headline)
    auc_horizons, auc_rows = facts.auc_table(evaluation)
    return {
        "headline_curves": drawn.get(headline),
        "headline_roc": svg(roc_plot(evaluation, headline)) if any(r[0] == headline for r in auc_rows) else None,
        "other_curves": [figure for branch, figure in drawn.items() if branch != headline],
        "group_horizons": horizons,
        "groups": groups,
        "auc_horizons": auc_horizons,
        "auc_rows": auc_rows,
    }


def _incidence(evaluation: Evaluation) -> dict[str, Any]:
    """Cumulative incidence in place of the Kaplan-Meier curves, where the endpoint has a competing event."""
    headline = facts.headline_row(evaluation).branch
    others = [r.branch for r in evaluation.ladder if r.branch not in (headline, "oracle")]
    gray, ratios = evaluation.gray_p.get(headline, {}), evaluation.subdistribution.get(headline, {})
    called = {"event": evaluation.endpoint.event, "competing": evaluation.endpoint.competing}
    horizons = sorted({p.time_days for p in evaluation.auc}) or facts.DEFAULT_HORIZONS_DAYS
    return {
        **incidence_section(
            evaluation.incidence, [headline, *others], evaluation.endpoint, horizons, evaluation.gray_p
        ),
        "causes": [(name, gray.get(cause), ratios.get(cause)) for cause, name in called.items() if gray],
    }


def _calibration(evaluation: Evaluation) -> dict[str, Any]:
    headline = facts.headline_row(evaluation).branch
    rows = facts.calibration_table(evaluation)
    own = [point for point in evaluation.calibration if point.branch == headline]
    times = sorted({curve.time_days for curve in evaluation.net_benefit if curve.branch == headline})
    shown = [b for b in (headline, "clinical", "volume") if any(c.branch == b for c in evaluation.net_benefit)]
    middle = times[len(times) // 2] if times else None
    return {
        "calibration_rows": rows,
        "headline_calibration": svg(calibration_plot(own, headline, evaluation.endpoint)) if own else None,
        "decision": svg(decision_plot(evaluation, list(dict.fromkeys(shown)), middle)) if middle is not None else None,
    }


def _patients_and_rings(evaluation: Evaluation) -> dict[str, Any]:
    votes = evaluation.ring_votes
    return {
        "flow": facts.flow_counts(evaluation),
        "exclusions": facts.exclusion_groups(evaluation),
        "rings": svg(ring_plot(votes, evaluation.ring, "Folds won by each ring width")) if votes else None,
        "ring_won": votes.get(evaluation.ring, 0),
        "folds": sum(votes.values()),
        "outvoted": sorted(name for name in votes if votes[name] > votes.get(evaluation.ring, 0)),
    }


def _features(evaluation: Evaluation) -> dict[str, Any]:
    branches = [row.branch for row in evaluation.ladder if row.branch != "oracle"]
    return {"selected": {b: facts.coefficients(evaluation, b) for b in branches}, "shown": COEFFICIENTS_SHOWN}
