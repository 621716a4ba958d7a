"""Histograms of the QC pages, drawn as plain SVG: HU of every region, one figure over the cohort."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["cohort_histogram", "hu_histogram"]

HU_RANGE = (-1050.0, 550.0)
HU_BIN = 25.0
HU_TICK = 250.0
WIDTH, LEFT, ROW, GAP, FOOT = 720.0, 84.0, 52.0, 10.0, 34.0
BARS_WIDTH, BARS_HEIGHT = 340.0, 130.0
# Of a character below a bar, generously; between two names; between two lines of names.
CHARACTER, APART, LINE = 6.2, 6.0, 12.0
MOST_BARS = 12

Floats = NDArray[np.floating]
Tissues = Sequence[tuple[str, float]]


def hu_histogram(regions: Sequence[tuple[str, str, Floats]], tissues: Tissues = ()) -> str:
    """HU of every region, one below the other, each to the height of its own largest bar.

    Parameters
    ----------
    regions
        Name, colour and HU of the voxels.
    tissues
        Name and upper limit in HU, ascending; the last tissue, denser than all limits, is bone.

    Returns
    -------
    str
        SVG. Voxels beyond the axis are counted in the first and last bar.
    """
    low, high = HU_RANGE
    bottom = len(regions) * (ROW + GAP)
    edges = np.arange(low, high + 1.0, HU_BIN)
    shares = [np.histogram(np.clip(hu, low, high - 1e-3), edges)[0] / max(hu.size, 1) for _, _, hu in regions]
    parts = [_bands(tissues, bottom)]
    for n, ((name, color, hu), share) in enumerate(zip(regions, shares, strict=True)):
        foot = (n + 1) * (ROW + GAP) + 14.0
        parts.append(_steps(edges, share * ROW / max(float(share.max()), 1e-9), foot, color))
        parts.append(f'<text x="{LEFT - 8:g}" y="{foot - 4:g}" text-anchor="end">{escape(name)}</text>')
        if hu.size:
            middle = _x(float(np.clip(np.median(hu), low, high)))
            parts.append(f'<path class="median" d="M{middle:.1f} {foot:g}v{-ROW:g}"/>')
    for tick in np.arange(math.ceil(low / HU_TICK) * HU_TICK, high + 1, HU_TICK):
        written = f"{tick:g}".replace("-", "\u2212")
        parts.append(f'<text class="tick" x="{_x(tick):.1f}" y="{bottom + 30:g}" text-anchor="middle">{written}</text>')
    parts.append(f'<text x="{LEFT - 8:g}" y="{bottom + 30:g}" text-anchor="end">HU</text>')
    label = f"Histogram of HU of {', '.join(name for name, _, _ in regions)}"
    return _svg("".join(parts), WIDTH, bottom + FOOT + 6, label)


def cohort_histogram(values: Sequence[float], label: str, *, logarithmic: bool = False) -> str:
    """How often a figure occurs in the cohort: a bar a value where there are few, else, and for volumes, a bar a range.

    Parameters
    ----------
    values
        One a patient; not finite ones are left out.
    label
        What is counted, with its unit.
    logarithmic
        Ranges of equal ratio, for volumes.
    """
    known = np.asarray([v for v in values if math.isfinite(v) and (v > 0 or not logarithmic)], dtype=float)
    if known.size == 0:
        return ""
    names, counts = _counted(known, logarithmic=logarithmic)
    step, widest = BARS_WIDTH / len(names), CHARACTER * max(map(len, names)) + APART
    lines = math.ceil(widest / step)  # wide names stand in turn on several lines below the bars
    aside = max(0.0, (widest - step) / 2)
    parts = []
    for n, (name, count) in enumerate(zip(names, counts, strict=True)):
        height = BARS_HEIGHT * count / max(counts)
        x, y = aside + n * step, 18 + BARS_HEIGHT - height
        middle, below = x + step / 2, BARS_HEIGHT + 34 + LINE * (n % lines)
        parts.append(f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{step - 2:.1f}" height="{height:.1f}"/>')
        if count:
            parts.append(f'<text x="{middle:.1f}" y="{y - 4:.1f}" text-anchor="middle">{count}</text>')
        if n % lines:
            parts.append(f'<path class="leader" d="M{middle:.1f} {BARS_HEIGHT + 22:g}V{below - 10:g}"/>')
        parts.append(f'<text class="tick" x="{middle:.1f}" y="{below:g}" text-anchor="middle">{escape(name)}</text>')
    said = ", ".join(f"{name}: {count}" for name, count in zip(names, counts, strict=True))
    height = BARS_HEIGHT + 42 + LINE * (lines - 1)
    return _svg("".join(parts), BARS_WIDTH + 2 * aside, height, f"{label}. {said}")


def _counted(known: Floats, *, logarithmic: bool) -> tuple[list[str], list[int]]:
    # Spacings differ by rounding in their last figures.
    rounded, counts = np.unique(np.round(known, 3), return_counts=True)
    if len(rounded) <= (1 if logarithmic else MOST_BARS):
        return [f"{value:.3g}" for value in rounded], counts.tolist()
    bars = min(MOST_BARS, max(4, int(np.sqrt(known.size)) + 1))
    space = np.geomspace if logarithmic else np.linspace
    edges = space(known.min(), known.max(), bars + 1)
    edges[0], edges[-1] = known.min(), known.max()
    ranges = np.histogram(known, edges)[0]
    ends = [f"{float(f'{edge:.2g}'):g}" for edge in edges]  # 160, not 1.6e+02
    return [f"{a}\u2013{b}" for a, b in pairwise(ends)], ranges.tolist()


def _bands(tissues: Tissues, bottom: float) -> str:
    """Ranges of the tissues behind the bars, named above them."""
    if not tissues:
        return ""
    low, high = HU_RANGE
    names = [*(name for name, _ in tissues), "bone"]
    limits = [low, *(limit for _, limit in tissues), high]
    parts = []
    for n, name in enumerate(names):
        a, b = _x(limits[n]), _x(limits[n + 1])
        parts.append(
            f'<rect class="band{n % 2}" x="{a:.1f}" y="16" width="{b - a:.1f}" height="{bottom:g}"/>'
            f'<text class="tick" x="{(a + b) / 2:.1f}" y="11" text-anchor="middle">{escape(name)}</text>'
        )
    return "".join(parts)


def _steps(edges: Floats, heights: Floats, foot: float, color: str) -> str:
    bars = "".join(f"V{foot - h:.1f}H{_x(right):.1f}" for h, right in zip(heights, edges[1:], strict=True))
    return f'<path class="bars" fill="{color}" d="M{_x(edges[0]):.1f} {foot:g}{bars}V{foot:g}z"/>'


def _x(hu: float) -> float:
    low, high = HU_RANGE
    return LEFT + (WIDTH - LEFT) * (hu - low) / (high - low)


def _svg(inside: str, width: float, height: float, label: str) -> str:
    return (
        f'<svg class="chart" role="img" aria-label="{escape(label)}" viewBox="0 0 {width:g} {height:g}">{inside}</svg>'
    )
