"""Colours and drawing of all figures: colour-blind safe, the same bytes for the same input."""

from __future__ import annotations

import io

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

__all__ = ["BLUE", "GREY", "INK", "ORANGE", "RINGS", "bare", "new_figure", "to_png", "to_svg"]

INK = "#1f2933"
GREY = "#8795a1"
BLUE = "#0072b2"
ORANGE = "#d55e00"
# Tumour, then rings by width (Okabe and Ito).
RINGS = ("#d55e00", "#f0e442", "#56b4e9", "#cc79a7", "#009e73", "#e69f00")


def new_figure(width_inch: float, height_inch: float) -> Figure:
    """A figure without any global state of pyplot."""
    return Figure(figsize=(width_inch, height_inch), layout="constrained")


def bare(axes: Axes) -> None:
    """Take away what carries no data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=9)


def to_svg(figure: Figure) -> str:
    """The figure as an SVG element for a page."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "perisurv", "svg.fonttype": "none", "font.family": "sans-serif"}):
        FigureCanvasSVG(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def to_png(figure: Figure, dpi: int = 110) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
