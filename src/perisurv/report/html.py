"""The report: one HTML file that opens offline."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from perisurv.core import Evaluation, LadderRow, RegionSet
from perisurv.report.figures import forest_plot, kaplan_meier_plot, ring_plot, roc_plot
from perisurv.report.pictures import ring_picture

__all__ = ["render_report"]

HEADLINE = "combined"
COEFFICIENTS_SHOWN = 25


def render_report(evaluation: Evaluation, pictures: Sequence[RegionSet], settings_toml: str) -> str:
    """The document of a study.

    Parameters
    ----------
    evaluation
        Everything that the study found.
    pictures
        Regions of a few example patients, shown without their names.
    settings_toml
        The whole study file.

    Returns
    -------
    str
        HTML with all styles and figures inside; it loads nothing. Text from files is escaped.
    """
    environment = Environment(
        loader=PackageLoader("perisurv.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ring"] = lambda name: name.removeprefix("ring_").replace("mm", " mm")
    branches = [row.branch for row in evaluation.ladder if row.branch != "oracle"]
    headline = HEADLINE if HEADLINE in branches else branches[-1]
    return environment.get_template("report.html").render(
        e=evaluation,
        headline=evaluation.row(headline),
        volume=_row(evaluation, "volume"),
        oracle=_row(evaluation, "oracle"),
        forest=Markup(forest_plot(evaluation)),  # noqa: S704 (our own SVG)
        rings=Markup(ring_plot(evaluation)),  # noqa: S704
        curves=[
            (b, Markup(kaplan_meier_plot(evaluation, b)), Markup(roc_plot(evaluation, b)))  # noqa: S704
            for b in branches
            if any(curve.branch == b for curve in evaluation.curves)
        ],
        first_branch=headline,
        pictures=[_picture(regions, number) for number, regions in enumerate(pictures, start=1)],
        selected={b: _largest(evaluation.selected.get(b, {})) for b in branches},
        settings=settings_toml,
    )


def _row(evaluation: Evaluation, branch: str) -> LadderRow | None:
    return next((row for row in evaluation.ladder if row.branch == branch), None)


def _picture(regions: RegionSet, number: int) -> tuple[str, str, RegionSet]:
    png = base64.b64encode(ring_picture(regions)).decode()
    return f"Example {number}", f"data:image/png;base64,{png}", regions


def _largest(coefficients: dict[str, float]) -> list[tuple[str, float]]:
    ordered = sorted(coefficients.items(), key=lambda item: (-abs(item[1]), item[0]))
    return ordered[:COEFFICIENTS_SHOWN]
