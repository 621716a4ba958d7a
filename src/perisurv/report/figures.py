"""Figures of an evaluation, as SVG."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from perisurv.core import Evaluation, RiskGroupCurve
from perisurv.report.style import BLUE, GREY, INK, ORANGE, bare, new_figure, to_svg

__all__ = ["forest_plot", "kaplan_meier_plot", "ring_plot", "roc_plot"]

DAYS_PER_YEAR = 365.25


def forest_plot(evaluation: Evaluation) -> str:
    """C-index with its interval for every branch, the oracle set apart."""
    rows = evaluation.ladder
    figure = new_figure(7.6, 0.42 * len(rows) + 0.9)
    axes = figure.subplots()
    bare(axes)
    for place, row in enumerate(rows):
        oracle, headline = row.branch == "oracle", row.branch == "combined"
        color = GREY if oracle else ORANGE if headline else BLUE
        axes.plot([row.lower, row.upper], [place, place], color=color, lw=2, solid_capstyle="butt")
        axes.plot(row.c_index, place, marker="D" if oracle else "o", ms=7, color=color)
        axes.text(
            1.01, place, f"{row.c_index:.3f} ({row.lower:.3f}-{row.upper:.3f})", va="center", fontsize=9, color=INK,
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    axes.axvline(0.5, color=INK, lw=1, ls=(0, (4, 3)))
    low = min(0.45, *(r.lower for r in rows)) - 0.02
    axes.set(xlim=(low, max(0.9, *(r.upper for r in rows)) + 0.01), ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), [r.branch for r in rows])
    axes.set_xlabel("C-index on the external centres; dashed: no discrimination", fontsize=9, color=INK)
    return to_svg(figure)


def kaplan_meier_plot(evaluation: Evaluation, branch: str) -> str:
    """Survival of the low and the high risk group with intervals and numbers at risk."""
    curves = [c for c in evaluation.curves if c.branch == branch]
    figure = new_figure(6.4, 4.4)
    axes, table = figure.subplots(2, 1, height_ratios=[5, 1], sharex=True)
    bare(axes)
    for color, curve in zip((BLUE, ORANGE), curves, strict=False):
        x, survival = _steps(curve.time_days), (1.0, *curve.survival)
        axes.step(x, survival, where="post", color=color, lw=2, label=f"{curve.group} risk (n = {curve.at_risk[0]})")
        axes.fill_between(x, (1.0, *curve.lower), (1.0, *curve.upper), step="post", color=color, alpha=0.15, lw=0)
    axes.set(ylim=(0, 1.02), ylabel="Overall survival", xlim=(0, None))
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    p = evaluation.log_rank_p[branch]
    axes.text(0.02, 0.04, f"log-rank p {_p_value(p)}", transform=axes.transAxes, fontsize=9, color=INK)
    _numbers_at_risk(table, curves)
    return to_svg(figure)


def roc_plot(evaluation: Evaluation, branch: str) -> str:
    """ROC curves of one branch at every horizon."""
    points = [p for p in evaluation.auc if p.branch == branch]
    figure = new_figure(4.4, 4.4)
    axes = figure.subplots()
    bare(axes)
    for color, point in zip((BLUE, ORANGE, "#009e73", "#cc79a7"), points, strict=False):
        label = f"{point.time_days / DAYS_PER_YEAR:.3g} y: {point.auc:.3f} ({point.lower:.3f}-{point.upper:.3f})"
        axes.plot(point.false_positive_rate, point.true_positive_rate, color=color, lw=2, label=label)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls=(0, (4, 3)))
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="1 - specificity", ylabel="sensitivity", aspect="equal")
    if points:
        axes.legend(title="AUC", frameon=False, fontsize=8, title_fontsize=8, loc="lower right")
    return to_svg(figure)


def ring_plot(evaluation: Evaluation) -> str:
    """How often each ring width won the inner cross-validation."""
    votes = evaluation.ring_votes
    figure = new_figure(4.4, 0.4 * len(votes) + 0.9)
    axes = figure.subplots()
    bare(axes)
    colors = [ORANGE if name == evaluation.ring else BLUE for name in votes]
    axes.barh([_ring(name) for name in votes], list(votes.values()), color=colors, height=0.6)
    axes.invert_yaxis()
    axes.set_xlabel("folds won inside the training centre; orange: chosen", fontsize=9, color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return to_svg(figure)


def _numbers_at_risk(axes: Axes, curves: list[RiskGroupCurve]) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    for place, (color, curve) in enumerate(zip((BLUE, ORANGE), curves, strict=False)):
        every = max(len(curve.at_risk_time_days) // 8, 1)
        for days, count in list(zip(curve.at_risk_time_days, curve.at_risk, strict=True))[::every]:
            axes.text(days / DAYS_PER_YEAR, place, str(count), ha="center", va="center", fontsize=8, color=color)
    axes.set(ylim=(max(len(curves), 1) - 0.4, -0.6))
    axes.set_yticks(range(len(curves)), [c.group for c in curves], fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("years since start of radiotherapy; numbers at risk above", fontsize=9, color=INK)


def _steps(time_days: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(t) for t in np.array((0.0, *time_days)) / DAYS_PER_YEAR)


def _p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _ring(name: str) -> str:
    return name.removeprefix("ring_").replace("mm", " mm")
