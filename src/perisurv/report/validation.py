"""The report of a validation by folds, centres or time: its own page, and a section of the report of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Exclusion, RegionSet
from perisurv.report.facts import group_exclusions
from perisurv.report.page import environment, example

__all__ = ["render_validation", "validation_section"]

_FEATURES_SHOWN = 15
_DESIGNS = {
    "nested": "repeated cross-validation, everything fitted again in every split",
    "leave_one_centre_out": "each centre scored by what was fitted on all others",
    "temporal": "the earlier patients train, the later are scored",
}


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
        "v": values,
        "settings": settings_toml,
        "exclusions": _groups(values["exclusions"]),
        "set_aside": group_exclusions(set_aside),
        "pictures": [example(one, maps[n] if n < len(maps) else None) for n, one in enumerate(pictures)],
    }
    return environment().get_template("validation_page.html").render(page)


def validation_section(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the section of a validation needs, in the report of a study too."""
    rows = values["branches"]
    headline = next((row for row in rows if row["branch"] == "combined"), rows[-1])
    return {
        "validation": values,
        "validated_by": _DESIGNS.get(values["design"], values["design"]),
        "validation_level": f"{100 * values['confidence']:g} %",
        "validation_headline": headline,
        "validation_cautions": _cautions(headline, rows[0]),
        "permuted": any(row["permuted"] for row in rows),
        "often": [
            (row["branch"], [(n, s) for n, s in list(row["selected"].items())[:_FEATURES_SHOWN]]) for row in rows
        ],
    }


def _cautions(headline: Mapping[str, Any], reference: Mapping[str, Any]) -> list[str]:
    """What the headline does not show, in plain words."""
    said = []
    if headline["lower"] <= 0.5 <= headline["upper"]:
        said.append("The interval holds 0.5: these patients do not show that the model discriminates.")
    elif headline["upper"] < 0.5:
        said.append("The model ranks patients the wrong way round.")
    gain = headline["minus_reference"]
    if gain and gain[1] <= 0:
        said.append(f"A gain over {reference['branch']} alone is not certain: its interval holds 0.")
    return said


def _groups(exclusions: Sequence[Sequence[str]]) -> list[tuple[str, str, list[str]]]:
    """Stage, reason and patients, the most frequent first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for patient, stage, reason in exclusions:
        groups.setdefault((stage, reason), []).append(patient or "a file without a patient")
    return sorted(((s, r, p) for (s, r), p in groups.items()), key=lambda g: (-len(g[2]), g[0], g[1]))
