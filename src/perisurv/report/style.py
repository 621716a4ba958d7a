"""Drawing of all figures: the same bytes whatever the reader's matplotlibrc says."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from perisurv.report.colours import GREY, INK, SOFT

__all__ = ["draw_png", "draw_svg"]


def draw_svg(draw: Callable[[Figure], None], size_inch: tuple[float, float], label: str) -> str:
    """An SVG element for a page.

    Parameters
    ----------
    draw
        Fills the figure.
    size_inch
        Width and height, inch.
    label
        What the figure shows, for readers who cannot see it. Different figures of a page need different labels.
    """
    with _style(label):
        figure = Figure(figsize=size_inch, layout="constrained")
        draw(figure)
        FigureCanvasSVG(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Names of groups repeat from figure to figure; only clips and markers are referred to.
    used = set(re.findall(r"(?:href=\"|url\()#([^\")]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", text)
    # The page's own typeface.
    return re.sub(r"font-family: [^;\"]*;? ?", "", text)


def draw_png(draw: Callable[[Figure], None], size_inch: tuple[float, float], dpi: int = 190) -> bytes:
    """A PNG of the figure that ``draw`` fills."""
    with _style("png"):
        figure = Figure(figsize=size_inch, layout="constrained")
        draw(figure)
        FigureCanvasAgg(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


@contextmanager
def _style(salt: str) -> Iterator[None]:
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "axes.edgecolor": GREY,
                "axes.labelcolor": SOFT,
                "axes.linewidth": 0.8,
                "axes.spines.right": False,
                "axes.spines.top": False,
                "font.size": 9.0,
                "legend.fontsize": 9.0,
                "legend.frameon": False,
                "svg.fonttype": "none",
                "text.color": INK,
                "text.parse_math": False,
                "xtick.color": GREY,
                "xtick.labelcolor": INK,
                "ytick.color": GREY,
                "ytick.labelcolor": INK,
                "svg.hashsalt": f"perisurv {salt}",
            }
        )
        yield
