"""Cumulative incidence of the event and of its competing event: figure and table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from perisurv.core import IncidenceCurve
from perisurv.core.endpoint import Endpoint
from perisurv.report.colours import INK, SOFT
from perisurv.report.figures import GROUP_COLORS, numbers_at_risk
from perisurv.report.page import svg
from perisurv.report.style import draw_svg
from perisurv.report.words import DAYS_PER_YEAR, branch_label, horizon_label, p_value

__all__ = ["IncidenceRow", "incidence_plot", "incidence_section", "incidence_table"]

_STYLES = {"event": "-", "competing": (0, (4, 2))}


@dataclass(frozen=True, slots=True)
class IncidenceRow:
    """One cause at one time: incidence and interval of each group as text, a dash where follow-up does not reach."""

    what: str
    cells: tuple[tuple[str, str], ...]


def incidence_section(
    curves: Sequence[IncidenceCurve],
    branches: Sequence[str],
    endpoint: Endpoint,
    horizons_days: Sequence[float],
    tests: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """What the section of a report needs; the first of the branches is the headline.

    Parameters
    ----------
    curves
        Of all patients and of the risk groups of every branch; empty: the endpoint has no competing event.
    branches
        Those whose risk groups are shown.
    endpoint
        Its words.
    horizons_days
        Times of the table.
    tests
        Branch -> cause -> p of Gray's test; empty where groups are not compared.
    """
    if not curves:
        return {"incidence": None}
    everybody = [c for c in curves if not c.branch]
    own = {b: [c for c in curves if c.branch == b] for b in branches}
    drawn = [b for b in branches if own[b]]
    headline = own[branches[0]]
    columns, rows = incidence_table([*everybody, *headline], endpoint, horizons_days)
    return {
        "incidence": {
            "all": _drawn(everybody, "", endpoint, ""),
            "headline": _drawn(headline, branches[0], endpoint, _tested(tests, branches[0], headline)),
            "others": [
                _drawn(own[b], b, endpoint, _tested(tests, b, own[b]), small=True) for b in drawn if b != branches[0]
            ],
            "columns": columns,
            "rows": rows,
        }
    }


def incidence_table(
    curves: Sequence[IncidenceCurve], endpoint: Endpoint, horizons_days: Sequence[float]
) -> tuple[tuple[tuple[str, int], ...], tuple[IncidenceRow, ...]]:
    """Groups with their patients, and a row a cause and time."""
    groups = {c.group: c.at_risk[0] for c in curves}
    known = {(c.group, c.cause): c for c in curves}
    called = {"event": endpoint.event, "competing": endpoint.competing}
    rows = tuple(
        IncidenceRow(
            f"{called[cause][:1].upper()}{called[cause][1:]} by {horizon_label(days)}",
            tuple(_at(known[group, cause], days) for group in groups),
        )
        for cause in called
        for days in horizons_days
    )
    return tuple((g if g == "all" else f"{g} risk", n) for g, n in groups.items()), rows


def incidence_plot(
    curves: Sequence[IncidenceCurve], branch: str, endpoint: Endpoint, test: str, *, small: bool = False
) -> str:
    """Cumulative incidence of both causes in each group; the competing event is dashed.

    Parameters
    ----------
    curves
        Of one branch, or of all patients.
    branch
        Its name; empty: all patients.
    endpoint
        What the curves are of.
    test
        What compares the groups; empty: nothing does.
    small
        For a row of several.
    """

    def draw(figure: Figure) -> None:
        heights = [3.2, 1.0] if small else [5.0, 0.9]
        axes, table = figure.subplots(2, 1, height_ratios=heights, sharex=True)
        for curve in curves:
            _steps(axes, curve)
        axes.set(ylim=(0, 1.02), xlim=(0, None))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_yticks([0.0, 0.5, 1.0] if small else [0.0, 0.25, 0.5, 0.75, 1.0])
        if small:
            axes.set_title(branch_label(branch), loc="left", fontsize=9.5, fontweight="bold", color=INK, pad=16)
            axes.text(0, 1.04, test, transform=axes.transAxes, fontsize=8.5, color=SOFT)
        else:
            axes.set_ylabel("Cumulative incidence")
            for style, name in ((_STYLES["event"], endpoint.event), (_STYLES["competing"], endpoint.competing)):
                axes.plot([], [], color=SOFT, ls=style, lw=1.6, label=name)
            axes.legend(loc="upper left", title=test or None, title_fontsize=8.5, alignment="left")
        numbers_at_risk(table, [c for c in curves if c.cause == "event"], most=5 if small else 9)

    whose = f"of the risk groups, {branch_label(branch)}" if branch else "of all patients"
    return draw_svg(draw, (3.35, 2.85) if small else (6.2, 4.3), f"Cumulative incidence {whose}")


def _steps(axes: Axes, curve: IncidenceCurve) -> None:
    color = GROUP_COLORS.get(curve.group, INK)
    years = [0.0, *(t / DAYS_PER_YEAR for t in curve.time_days)]
    axes.step(years, [0.0, *curve.incidence], where="post", color=color, lw=1.8, ls=_STYLES[curve.cause])
    if curve.cause == "event":
        axes.fill_between(years, [0.0, *curve.lower], [0.0, *curve.upper], step="post", color=color, alpha=0.13, lw=0)


def _drawn(
    curves: Sequence[IncidenceCurve], branch: str, endpoint: Endpoint, test: str, *, small: bool = False
) -> Markup | None:
    if not curves:
        return None
    return svg(incidence_plot(curves, branch, endpoint, test, small=small))


def _tested(tests: Mapping[str, Mapping[str, float]], branch: str, curves: Sequence[IncidenceCurve]) -> str:
    """What Gray's test says of the event in the risk groups of a branch."""
    if len({c.group for c in curves}) < 2:
        return "one risk group"
    p = tests.get(branch, {}).get("event")
    return "" if p is None else f"Gray's test {p_value(p)}"


def _at(curve: IncidenceCurve, time_days: float) -> tuple[str, str]:
    before = [n for n, t in enumerate(curve.time_days) if t <= time_days]
    if time_days > curve.time_days[-1]:
        return "\u2013", ""
    value = curve.incidence[before[-1]] if before else 0.0
    if not value:
        return "0 %", ""
    n = before[-1]
    return f"{100 * value:.0f} %", f"{100 * curve.lower[n]:.0f} to {100 * curve.upper[n]:.0f}"
