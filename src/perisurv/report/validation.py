"""The report of a validation by folds, centres or time: its own page, and a section of the report of a study."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Exclusion, IncidenceCurve, LadderRow, Provenance, RegionSet, RiskGroupCurve
from perisurv.core.endpoint import Endpoint
from perisurv.report import facts, remarks, words
from perisurv.report.figures import forest_plot, kaplan_meier_plot, ring_plot
from perisurv.report.incidence import incidence_section
from perisurv.report.page import environment, example, svg

__all__ = ["render_validation", "validation_facts", "validation_section"]

_FEATURES_SHOWN = 15
_DESIGNS = {
    "nested": "repeated cross-validation, everything fitted again in every split",
    "leave_one_centre_out": "each centre scored by what was fitted on all others",
    "temporal": "the earlier patients train, the later are scored",
}
_SCORED = {
    "nested": "All patients, each in the group of the model that was fitted without its fold (first repeat).",
    "leave_one_centre_out": "All patients, each in the group of the model that was fitted without its centre.",
    "temporal": "The later patients, in the groups of the model that was fitted on the earlier ones.",
}
_NO_TEST = "Models and cut-offs differ from split to split, so the groups are shown and not tested."


def render_validation(
    values: Mapping[str, Any],
    pictures: Sequence[RegionSet],
    settings_toml: str,
    maps: Sequence[NDArray[np.float32]] = (),
    set_aside: Sequence[Exclusion] = (),
) -> str:
    """The document of a study without external patients.

    Parameters
    ----------
    values
        What ``validation.json`` holds.
    pictures, settings_toml, maps, set_aside
        As for :func:`perisurv.report.render_report`.

    Returns
    -------
    str
        HTML with all styles and pictures inside; it loads nothing and runs nothing. Text from files is escaped.
    """
    page = {
        **validation_section(values),
        **_groups(values),
        "v": values,
        "endpoint": Endpoint(**values["endpoint"]),
        "provenance": Provenance(**values["provenance"]),
        "settings": settings_toml,
        "exclusions": facts.group_exclusions([Exclusion(*one) for one in values["exclusions"]]),
        "set_aside": facts.group_exclusions(set_aside),
        "clinical_columns": remarks.clinical_columns(values["notes"]),
        "notes": remarks.note_groups(values["notes"]),
        "pictures": [example(one, maps[n] if n < len(maps) else None) for n, one in enumerate(pictures)],
    }
    return environment().get_template("validation_page.html").render(page)


def validation_facts(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a validation found, in the words of the report; draws nothing."""
    rows = values["branches"]
    headline = next((row for row in rows if row["branch"] == "combined"), rows[-1])
    return {
        "validation": values,
        "validation_endpoint": Endpoint(**values["endpoint"]),
        "validated_by": _DESIGNS.get(values["design"], values["design"]),
        "validation_level": f"{100 * values['confidence']:g} %",
        "validation_headline": headline,
        "validation_reference": rows[0],
        "validation_cautions": _cautions(headline, rows[0]),
        "permuted": any(row["permuted"] for row in rows),
        "often": [
            (row["branch"], [(n, s) for n, s in list(row["selected"].items())[:_FEATURES_SHOWN]]) for row in rows
        ],
    }


def validation_section(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the section of a validation needs, in the report of a study too: its facts and figures."""
    found = validation_facts(values)
    rows = tuple(
        LadderRow(
            row["branch"], row["c_index"], row["lower"], row["upper"], values["patients"], values["events"],
            round(sum(row["selected"].values())),
        )
        for row in values["branches"]
    )  # fmt: skip
    headline = found["validation_headline"]["branch"]
    votes = values["ring_votes"]
    return {
        **found,
        "validation_forest": svg(
            forest_plot(rows, headline, values["confidence"], "on patients that the model had not seen")
        ),
        "validation_rings": svg(ring_plot(votes, "", "Splits that chose each ring width")) if votes else None,
        "by_split": {row["branch"]: _spread(row["by_split"]) for row in values["branches"]},
    }


def _groups(values: Mapping[str, Any]) -> dict[str, Any]:
    """Risk groups, as the template of the report of a study shows them."""
    found = validation_facts(values)
    endpoint, headline = found["validation_endpoint"], found["validation_headline"]
    branches = [row["branch"] for row in values["branches"]]
    held = values.get("groups", {})
    curves = [RiskGroupCurve(**_with_tuples(one)) for one in held.get("curves", ())]
    incidence = [IncidenceCurve(**_with_tuples(one)) for one in held.get("incidence", ())]
    own = {branch: [c for c in curves if c.branch == branch] for branch in branches}
    first = headline["branch"]
    drawn = {
        branch: svg(kaplan_meier_plot(some, branch, endpoint, _one_group(some), small=branch != first))
        for branch, some in own.items()
        if some
    }
    horizons = facts.DEFAULT_HORIZONS_DAYS
    ordered = [first, *(branch for branch in branches if branch != first)]
    return {
        "headline": headline,
        "confidence": found["validation_level"],
        "groups_of": f"{_SCORED.get(values['design'], '')} {_NO_TEST}",
        "headline_curves": drawn.get(first),
        "other_curves": [figure for branch, figure in drawn.items() if branch != first],
        "groups": [facts.facts_of(curve, horizons) for curve in own[first]],
        "group_horizons": [words.horizon_label(days) for days in horizons],
        "causes": [],
        "grouped": bool(curves or incidence),
        **incidence_section(incidence, ordered, endpoint, horizons, {}),
    }


def _cautions(headline: Mapping[str, Any], reference: Mapping[str, Any]) -> list[str]:
    """What the headline does not show, in plain words."""
    if not headline["selected"]:
        return ["No feature was selected in any split, so everybody has the same risk."]
    said = []
    if headline["lower"] <= 0.5 <= headline["upper"]:
        said.append("The interval holds 0.5: these patients do not show that the model discriminates.")
    elif headline["upper"] < 0.5:
        said.append("The model ranks patients the wrong way round.")
    gain = headline["minus_reference"]
    if gain and gain[1] <= 0:
        known = words.branch_label(reference["branch"]).lower().removesuffix(" alone")
        said.append(f"A gain over {known} alone is not certain: its interval holds 0.")
    return said


def _spread(by_split: Sequence[float | None]) -> str:
    """C of the single splits: the middle one, the lowest and the highest."""
    known = [c for c in by_split if c is not None]
    if not known:
        return "\u2013"
    return f"{statistics.median(known):.2f} ({min(known):.2f} to {max(known):.2f})"


def _one_group(curves: Sequence[RiskGroupCurve]) -> str:
    return "one risk group" if len(curves) < 2 else ""


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
