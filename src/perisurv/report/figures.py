"""Figures of an evaluation, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from perisurv.core import CalibrationPoint, Evaluation, IncidenceCurve, LadderRow, RiskGroupCurve
from perisurv.core.endpoint import Endpoint
from perisurv.report.colours import BLUE, GREEN, GREY, INK, LIGHT, ORANGE, PINK, SOFT
from perisurv.report.style import draw_svg
from perisurv.report.words import DAYS_PER_YEAR, branch_label, horizon_label, p_value, ring_label

__all__ = [
    "GROUP_COLORS",
    "calibration_plot",
    "decision_plot",
    "forest_plot",
    "group_test",
    "kaplan_meier_plot",
    "numbers_at_risk",
    "ring_plot",
    "roc_plot",
]

GROUP_COLORS = {"low": BLUE, "high": ORANGE, "all": INK}
HORIZON_COLORS = (BLUE, GREEN, PINK, ORANGE, GREY)
DECISION_COLORS = (ORANGE, BLUE, GREEN, PINK)


def forest_plot(rows: Sequence[LadderRow], headline: str, confidence: float, scored: str) -> str:
    """C-index with its interval for every branch; the headline in colour, the oracle set apart.

    Parameters
    ----------
    rows
        The ladder.
    headline
        Branch in colour.
    confidence
        Coverage of the intervals.
    scored
        Whom the C-index is of, such as ``on the external centres``.
    """
    volume = next((row.c_index for row in rows if row.branch == "volume"), None)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for place, row in enumerate(rows):
            _rung(axes, place, row, headline)
        axes.axvline(0.5, color=SOFT, lw=1.0, ls=(0, (4, 3)), zorder=0)
        if volume is not None:
            axes.axvline(volume, color=GREY, lw=1.0, ls=(0, (1, 2)), zorder=0)
        if rows and rows[-1].branch == "oracle" and len(rows) > 1:
            axes.axhline(len(rows) - 1.5, color=LIGHT, lw=1.0)
        low, high = min([0.4, *(r.lower for r in rows)]), max([0.8, *(r.upper for r in rows)])
        axes.set(xlim=(max(low - 0.02, 0.0), min(high + 0.02, 1.0)), ylim=(len(rows) - 0.5, -0.5))
        axes.set_yticks(range(len(rows)), [branch_label(r.branch) for r in rows])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"C-index {scored}")
        axes.text(1.02, 1.01, f"C ({confidence:.0%} interval)", transform=axes.transAxes, color=SOFT, va="bottom")

    return draw_svg(draw, (7.4, 0.34 * len(rows) + 0.8), "Forest plot of the C-index of every branch")


def kaplan_meier_plot(
    curves: Sequence[RiskGroupCurve], branch: str, endpoint: Endpoint, test: str, *, small: bool = False
) -> str:
    """Share without event in the risk groups of a branch, with intervals, censored patients and numbers at risk.

    Parameters
    ----------
    curves
        Of this branch.
    branch
        Its name.
    endpoint
        What the curves are of.
    test
        What compares the groups, such as ``log-rank p = 0.042``; empty: nothing does.
    small
        For a row of several.
    """

    def draw(figure: Figure) -> None:
        heights = [3.2, 1.0] if small else [5.0, 0.9]
        axes, table = figure.subplots(2, 1, height_ratios=heights, sharex=True)
        for curve in curves:
            _survival(axes, curve)
        axes.set(ylim=(0, 1.02), xlim=(0, None))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_yticks([0.0, 0.5, 1.0] if small else [0.0, 0.25, 0.5, 0.75, 1.0])
        if small:
            axes.set_title(branch_label(branch), loc="left", fontsize=9.5, fontweight="bold", color=INK, pad=16)
            axes.text(0, 1.04, test, transform=axes.transAxes, fontsize=8.5, color=SOFT)
        else:
            axes.set_ylabel(_curve_label(endpoint))
            axes.text(0.02, 0.04, test, transform=axes.transAxes)
        numbers_at_risk(table, curves, most=5 if small else 9)

    label = f"Kaplan-Meier curves of the risk groups, {branch_label(branch)}"
    return draw_svg(draw, (3.35, 2.85) if small else (6.2, 4.3), label)


def _curve_label(endpoint: Endpoint) -> str:
    """Overall survival is a share by its name; of another endpoint it is the share without event."""
    return endpoint.title if endpoint.event_free == "alive" else f"{endpoint.event_free.capitalize()} ({endpoint.name})"


def roc_plot(evaluation: Evaluation, branch: str) -> str:
    """ROC curves of one branch at every horizon."""
    points = [p for p in evaluation.auc if p.branch == branch]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=LIGHT, lw=1.0)
        for number, point in enumerate(points):
            color = HORIZON_COLORS[number % len(HORIZON_COLORS)]
            label = f"{horizon_label(point.time_days)}: {point.auc:.2f} ({point.lower:.2f}\u2013{point.upper:.2f})"
            axes.plot(point.false_positive_rate, point.true_positive_rate, color=color, lw=1.8, label=label)
        axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="1 \u2212 specificity", ylabel="Sensitivity", aspect="equal")
        axes.legend(title="AUC", alignment="left", loc="lower right", fontsize=8.5, title_fontsize=8.5)

    return draw_svg(draw, (3.7, 3.8), f"ROC curves over time, {branch_label(branch)}")


def calibration_plot(points: Sequence[CalibrationPoint], branch: str, endpoint: Endpoint) -> str:
    """Predicted against actual risk of the event of one branch at every horizon; the diagonal is right."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=LIGHT, lw=1.0)
        for number, point in enumerate(points):
            color = HORIZON_COLORS[number % len(HORIZON_COLORS)]
            axes.plot(point.predicted, point.actual, color=color, lw=1.8, label=horizon_label(point.time_days))
            low, high = point.observed_lower, point.observed_upper
            axes.plot([point.expected] * 2, [low, high], color=color, lw=1.2)
            axes.plot(point.expected, point.observed, marker="o", ms=5, color=color, ls="none")
        axes.set(
            xlim=(0, 1),
            ylim=(0, 1.01),
            aspect="equal",
            xlabel=f"Predicted risk of {endpoint.event}",
            ylabel=f"Actual risk, {endpoint.competing} censored" if endpoint.competing else "Actual risk",
        )
        axes.legend(loc="upper left", fontsize=8.5)

    return draw_svg(draw, (4.6, 3.8), f"Calibration over time, {branch_label(branch)}")


def decision_plot(evaluation: Evaluation, branches: Sequence[str], time_days: float) -> str:
    """Net benefit of some branches at one time, beside treating everybody and nobody."""
    curves = [c for name in branches for c in evaluation.net_benefit if c.branch == name and c.time_days == time_days]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0.0, color=SOFT, lw=1.0, label="treat nobody")
        if curves:
            axes.plot(curves[0].threshold, curves[0].treat_all, color=GREY, lw=1.2, ls=(0, (4, 3)), label="treat all")
        for number, curve in enumerate(curves):
            color = DECISION_COLORS[number % len(DECISION_COLORS)]
            axes.plot(curve.threshold, curve.net_benefit, color=color, lw=1.8, label=branch_label(curve.branch))
        top = max([0.05, *(max(curve.net_benefit) for curve in curves)])
        axes.set(xlim=(0, 1), ylim=(-0.25 * top, 1.08 * top), ylabel="Net benefit")
        axes.set_xlabel(f"Threshold: risk of {evaluation.endpoint.event} by {horizon_label(time_days)}")
        axes.legend(loc="upper right", fontsize=8.5)

    return draw_svg(draw, (4.6, 3.8), f"Net benefit at {horizon_label(time_days)}")


def ring_plot(ring_votes: Mapping[str, int], chosen: str, won: str) -> str:
    """How often each ring width was chosen; the final choice in colour.

    Parameters
    ----------
    ring_votes
        Ring -> how often.
    chosen
        The final choice; empty: there is none.
    won
        What the figure shows, for readers who cannot see it.
    """
    votes = sorted(ring_votes.items(), key=lambda item: (_width(item[0]), item[0]))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        colors = [ORANGE if name == chosen else BLUE for name, _ in votes]
        bars = axes.barh([ring_label(name) for name, _ in votes], [n for _, n in votes], color=colors, height=0.62)
        axes.bar_label(bars, padding=4, color=INK)
        axes.set(ylim=(len(votes) - 0.5, -0.5), xlim=(0, max([1, *(n for _, n in votes)]) * 1.1))
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(length=0, labelbottom=False)

    return draw_svg(draw, (4.4, 0.32 * max(len(votes), 1) + 0.2), won)


def _rung(axes: Axes, place: int, row: LadderRow, headline: str) -> None:
    oracle, first = row.branch == "oracle", row.branch == headline
    color = GREY if oracle else ORANGE if first else BLUE
    axes.plot([row.lower, row.upper], [place, place], color=color, lw=2.2 if first else 1.6, solid_capstyle="butt")
    axes.plot(row.c_index, place, marker="D" if oracle else "o", ms=8 if first else 6, color=color, ls="none")
    axes.text(
        1.02, place, f"{row.c_index:.3f} ({row.lower:.3f}\u2013{row.upper:.3f})", va="center",
        color=INK, transform=axes.get_yaxis_transform(),
    )  # fmt: skip


def _survival(axes: Axes, curve: RiskGroupCurve) -> None:
    color = GROUP_COLORS.get(curve.group, GREEN)
    years = [0.0, *(t / DAYS_PER_YEAR for t in curve.time_days)]
    survival = [1.0, *curve.survival]
    axes.step(years, survival, where="post", color=color, lw=1.8, label=f"{curve.group} risk")
    axes.fill_between(years, [1.0, *curve.lower], [1.0, *curve.upper], step="post", color=color, alpha=0.13, lw=0)
    censored = [n for n in range(1, len(years)) if survival[n] == survival[n - 1]]
    axes.plot(
        [years[n] for n in censored], [survival[n] for n in censored], ls="none", marker="|", ms=5, mew=0.9, color=color
    )


def numbers_at_risk(axes: Axes, curves: Sequence[RiskGroupCurve | IncidenceCurve], most: int) -> None:
    """Table of patients at risk below a figure, one row a group, with at most so many times."""
    axes.spines[["left", "bottom"]].set_visible(False)
    for place, curve in enumerate(curves):
        color = GROUP_COLORS.get(curve.group, GREEN)
        every = max(math.ceil(len(curve.at_risk_time_days) / most), 1)
        if every > 1:
            every += every % 2  # half years are given: show whole ones
        shown = list(zip(curve.at_risk_time_days, curve.at_risk, strict=True))[::every]
        for days, count in shown:
            axes.text(days / DAYS_PER_YEAR, place, str(count), ha="center", va="center", fontsize=8.5, color=color)
        axes.set_xticks([days / DAYS_PER_YEAR for days, _ in shown], [f"{d / DAYS_PER_YEAR:.3g}" for d, _ in shown])
    axes.set(ylim=(max(len(curves), 1) - 0.4, -0.6), xlabel="Years of follow-up, with numbers at risk")
    axes.set_yticks(range(len(curves)), [c.group if c.group == "all" else f"{c.group} risk" for c in curves])
    for label, curve in zip(axes.get_yticklabels(), curves, strict=True):
        label.set_color(GROUP_COLORS.get(curve.group, GREEN))
    axes.tick_params(axis="both", length=0)
    axes.tick_params(axis="y", pad=14)


def group_test(evaluation: Evaluation, branch: str) -> str:
    """What the log-rank test says of the risk groups of a branch."""
    if sum(curve.branch == branch for curve in evaluation.curves) < 2:
        return "one risk group"
    return f"log-rank {p_value(evaluation.log_rank_p[branch])}"


def _width(name: str) -> float:
    digits = name.removeprefix("ring_").removesuffix("mm")
    return float(digits) if digits.replace(".", "", 1).isdigit() else math.inf
