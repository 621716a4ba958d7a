"""Planes and slices of one patient for the QC sheet, as SVG in mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perisurv.core import RegionSet
from perisurv.core.wording import counted
from perisurv.report.colours import RINGS, TAKEN
from perisurv.report.orientation import Upright, side
from perisurv.report.qc_words import region_label
from perisurv.report.slices import grey_png, outline, png_uri, thinned

__all__ = ["LUNG", "SOFT_TISSUE", "Views", "Window", "montage", "planes"]

MONTAGE_SLICES = 12
MONTAGE_COLUMNS = 4
MONTAGE_MARGIN_MM = 8.0
SCALE_MM = 20.0
# Pixels along the longer side of a picture, so that a sheet stays small for large tumours and fine grids.
PLANE_PIXELS, MONTAGE_PIXELS = 220, 150
# Text and gaps as shares of the width of a drawing.
TEXT, GAP = 0.0135, 0.008
CUT_CHECKS = ("tumour_in_ct", "rings_in_ct")

Values = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Range of HU that is shown from black to white."""

    key: str
    name: str
    range_hu: tuple[float, float]

    def __str__(self) -> str:
        """Name, range, level and width."""
        low, high = self.range_hu
        return f"{self.name}, {low:g} to {high:g} HU (level {(low + high) / 2:g}, width {high - low:g})"


LUNG = Window("lung", "Lung window", (-1350.0, 150.0))
SOFT_TISSUE = Window("soft", "Soft tissue window", (-160.0, 240.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Panel:
    """One slice: rows and columns, grey levels in blocks of voxels, regions, voxels lost, spacing, letters.

    ``letters``: what lies left, right, top and bottom. ``ends``: whether the CT ends there, within the largest ring.
    """

    key: str
    title: str
    size: tuple[int, int]
    image: Values
    block: int
    filled: tuple[Values, ...]
    taken: tuple[Values, ...]
    spacing_mm: tuple[float, float]
    letters: tuple[str, str, str, str]
    ends: tuple[bool, bool, bool, bool] = (False, False, False, False)

    @property
    def width_mm(self) -> float:
        return float(self.size[1] * self.spacing_mm[1])

    @property
    def height_mm(self) -> float:
        return float(self.size[0] * self.spacing_mm[0])


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """One patient the right way up: head up, front up or left, the patient's right on the left.

    Parameters
    ----------
    regions
        The tumour first; none where only the CT is shown.
    view
        How the arrays were turned.
    image, filled
        CT and each region with all that lies inside it (the inner edge of an annulus is the tumour's outline again),
        axes from head to feet, front to back, right to left.
    taken
        What the largest ring lost, by cause.
    slices
        Index along each axis of the slice with the largest section of the tumour; without tumour the middle.
    """

    regions: RegionSet
    view: Upright
    image: Values
    filled: tuple[Values, ...]
    taken: tuple[Values, ...]
    slices: tuple[int, int, int]

    @classmethod
    def of(cls, regions: RegionSet) -> Views:
        """The regions of one patient, turned."""
        view = Upright.of(regions.image.geometry)
        filled = tuple(np.logical_or.accumulate([view.turn(region.mask.values) for region in regions]))
        image = view.turn(regions.image.values)
        k, j, i = (_largest(filled[0], across) for across in ((1, 2), (0, 2), (0, 1))) if filled else _middle(image)
        taken = tuple(view.turn(mask.values) for mask in regions.taken.values())
        return cls(regions, view, image, filled, taken, (k, j, i))

    def names(self) -> list[tuple[str, str]]:
        """Name and colour of every region."""
        return [(region_label(region.name), RINGS[n % len(RINGS)]) for n, region in enumerate(self.regions)]

    @property
    def subject(self) -> str:
        """What the slices go through."""
        return "tumour" if self.filled else "CT"

    @property
    def cut(self) -> frozenset[tuple[int, int]]:
        """Shown axis and end (0 or 1) at which the CT ends within the tumour or its largest ring."""
        if not any(finding.id in CUT_CHECKS and finding.passed is False for finding in self.regions.findings):
            return frozenset()
        largest = self.filled[-1]
        sides = ((axis, end) for axis in range(3) for end in (0, 1))
        return frozenset((axis, end) for axis, end in sides if np.take(largest, -end, axis).any())

    def causes(self) -> list[tuple[str, str]]:
        """What took voxels of the largest ring, and its colour."""
        return [(cause, TAKEN[n % len(TAKEN)]) for n, cause in enumerate(self.regions.taken)]

    def position_mm(self, axis: int, index: int) -> float:
        """LPS coordinate z, y or x, in mm, of a slice across the shown axis, where it cuts through the tumour."""
        place: list[float] = list(self.slices)
        place[axis] = index
        geometry = self.regions.image.geometry
        return float(geometry.to_mm(self.view.index(place, geometry.shape))[2 - axis])


def planes(views: Views, window: Window, *, define: bool = True) -> str:
    """Axial, coronal and sagittal slice with the largest section of the tumour, to one scale.

    Small marks at the edges show where the other two planes lie.

    Parameters
    ----------
    views
        The patient.
    window
        HU from black to white.
    define
        Whether to write the outlines; a second drawing of the same patient on one page refers to the first.
    """
    k, j, i = views.slices
    panels = [_panel(views, axis, index) for axis, index in ((0, k), (1, j), (2, i))]
    down, back, left = ((index + 0.5) * step for index, step in zip((k, j, i), views.view.spacing_mm, strict=True))
    width = sum(panel.width_mm for panel in panels) / (1 - 2 * GAP)
    marks = [(left, back), (left, down), (back, down)]
    drawn, x = [], 0.0
    for panel, mark in zip(panels, marks, strict=True):
        inside = _drawn(panel, views.names(), window, define=define, text=TEXT * width) + _marks(panel, mark)
        drawn.append(f'<g transform="translate({x:.3f} 0)">{inside}</g>')
        x += panel.width_mm + GAP * width
    outlines = " Outlines of tumour and rings." if views.filled else ""
    label = f"{'; '.join(panel.title for panel in panels)}. {window}.{outlines}"
    return _svg("".join(drawn), width, max(panel.height_mm for panel in panels), label)


def montage(views: Views, window: Window, *, define: bool = True) -> str:
    """Axial slices through the tumour, or the CT, from head to feet, cut around the largest ring."""
    box = _around(views)
    held = np.flatnonzero(views.filled[0].any(axis=(1, 2))) if views.filled else range(len(views.image))
    picks = np.unique(np.rint(np.linspace(held[0], held[-1], MONTAGE_SLICES)).astype(int))
    panels = [_panel(views, 0, int(k), box) for k in picks]
    one = panels[0]
    columns = min(MONTAGE_COLUMNS, len(panels))
    width = columns * one.width_mm / (1 - (columns - 1) * GAP)
    rows = -(-len(panels) // columns)
    drawn = []
    for n, panel in enumerate(panels):
        x = (n % columns) * (one.width_mm + GAP * width)
        y = (n // columns) * (one.height_mm + GAP * width)
        inside = _drawn(panel, views.names(), window, define=define, text=TEXT * width, scale=n == 0)
        drawn.append(f'<g transform="translate({x:.3f} {y:.3f})">{inside}</g>')
    count = counted(len(panels), "axial slice")
    outlines = " Outlines of tumour and rings." if views.filled else ""
    label = f"{count} through the {views.subject}, from head to feet. {window}.{outlines}"
    return _svg("".join(drawn), width, rows * one.height_mm + (rows - 1) * GAP * width, label)


def _largest(mask: Values, across: tuple[int, int]) -> int:
    """Slice with the largest section; of several the middle one."""
    areas = mask.sum(axis=across)
    best = np.flatnonzero(areas == areas.max())
    return int(best[len(best) // 2])


def _middle(image: Values) -> tuple[int, ...]:
    return tuple(count // 2 for count in image.shape)


def _panel(views: Views, axis: int, index: int, box: tuple[slice, slice] | None = None) -> _Panel:
    """The slice across one of the shown axes."""
    whole = box is None
    box = box or (slice(None), slice(None))
    rows, columns = (other for other in range(3) if other != axis)
    down, right = views.view.axes[rows], views.view.axes[columns]
    back = [[-v for v in direction] for direction in (right, down)]
    name = ("Axial", "Coronal", "Sagittal")[axis]
    title = f"{name}, {'zyx'[axis]} = {views.position_mm(axis, index):.1f} mm"
    image = np.take(views.image, index, axis)[box]
    return _Panel(
        f"{name.lower()}-{index}" if whole else f"cut-{index}",
        title,
        (image.shape[0], image.shape[1]),
        *thinned(image, PLANE_PIXELS if whole else MONTAGE_PIXELS),
        tuple(np.take(mask, index, axis)[box] for mask in views.filled),
        tuple(np.take(mask, index, axis)[box] for mask in views.taken),
        (views.view.spacing_mm[rows], views.view.spacing_mm[columns]),
        (side(back[0]), side(right), side(back[1]), side(down)),
        _ends(views, (rows, columns), box),
    )


def _ends(views: Views, axes: tuple[int, int], box: tuple[slice, slice]) -> tuple[bool, bool, bool, bool]:
    """Whether the CT ends within a ring at the left, right, top and bottom of a panel."""
    top, bottom, left, right = (
        (axis, end) in views.cut and (part.start, part.stop)[end] in (None, (0, views.image.shape[axis])[end])
        for axis, part in zip(axes, box, strict=True)
        for end in (0, 1)
    )
    return left, right, top, bottom


def _around(views: Views) -> tuple[slice, slice]:
    """Rows and columns of the axial slices that hold a region, with a margin."""
    if not views.filled:
        return slice(0, views.image.shape[1]), slice(0, views.image.shape[2])
    shadow: Values = np.logical_or.reduce(views.filled[-1], axis=0)
    found = []
    for hits, step, count in zip(
        (shadow.any(axis=1), shadow.any(axis=0)), views.view.spacing_mm[1:], shadow.shape, strict=True
    ):
        at, pad = np.flatnonzero(hits), int(np.ceil(MONTAGE_MARGIN_MM / step))
        found.append(slice(max(int(at[0]) - pad, 0), min(int(at[-1]) + 1 + pad, count)))
    return found[0], found[1]


def _drawn(
    panel: _Panel, names: Sequence[tuple[str, str]], window: Window, *, define: bool, text: float, scale: bool = True
) -> str:
    width, height = panel.width_mm, panel.height_mm
    picture = png_uri(grey_png(panel.image, window.range_hu))
    high, wide = (n * panel.block * step for n, step in zip(panel.image.shape, panel.spacing_mm, strict=True))
    parts = [
        f'<image width="{wide:g}" height="{high:g}" preserveAspectRatio="none" href="{picture}"/>',
        _outlines(panel, names, define=define),
        _drawn_ends(panel),
    ]
    left, right, top, bottom = panel.letters
    em, middle = text, height / 2 + 0.35 * text
    for letters, x, y, anchor in (
        (left, 0.4 * em, middle, "start"),
        (right, width - 0.4 * em, middle, "end"),
        (top, width / 2, 1.15 * em, "middle"),
        (bottom, width / 2, height - 0.5 * em, "middle"),
    ):
        parts.append(f'<text x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}" font-size="{em:.2f}">{letters}</text>')
    caption = escape(panel.title if panel.key[:3] != "cut" else panel.title.split(", ")[1])
    parts.append(
        f'<text class="where" x="{0.4 * em:.2f}" y="{1.1 * em:.2f}" font-size="{0.8 * em:.2f}">{caption}</text>'
    )
    if scale and width > 2 * SCALE_MM:
        x, y = 0.5 * em, height - 0.6 * em
        parts.append(f'<path class="scale" d="M{x:.2f} {y:.2f}h{SCALE_MM:g}"/>')
        parts.append(f'<text x="{x:.2f}" y="{y - 0.35 * em:.2f}" font-size="{0.8 * em:.2f}">{SCALE_MM:g} mm</text>')
    return "".join(parts)


def _outlines(panel: _Panel, names: Sequence[tuple[str, str]], *, define: bool) -> str:
    """What was lost, then the largest region first, so that the tumour lies on top; dark below, for white tissue."""
    vertical, horizontal = panel.spacing_mm
    defined, used = [], []
    for n, lost in enumerate(panel.taken):
        path = outline(lost)
        if path:
            key = f"{panel.key}-taken-{n}"
            if define:
                defined.append(f'<path id="{key}" d="{path}"/>')
            used.append(f'<use class="taken" href="#{key}" fill="{TAKEN[n % len(TAKEN)]}"/>')
    for n in reversed(range(len(names))):
        path = outline(panel.filled[n])
        if not path:
            continue
        key = f"{panel.key}-{n}"
        if define:
            defined.append(f'<path id="{key}" vector-effect="non-scaling-stroke" d="{path}"/>')
        used.append(f'<use class="halo" href="#{key}"/><use href="#{key}" stroke="{names[n][1]}"/>')
    if not used:
        return ""
    definitions = f"<defs>{''.join(defined)}</defs>" if defined else ""
    return f'{definitions}<g class="outline" transform="scale({horizontal / 2:g} {vertical / 2:g})">{"".join(used)}</g>'


def _drawn_ends(panel: _Panel) -> str:
    w, h = panel.width_mm, panel.height_mm
    lines = (f"M0 0V{h:.2f}", f"M{w:.2f} 0V{h:.2f}", f"M0 0H{w:.2f}", f"M0 {h:.2f}H{w:.2f}")
    drawn = "".join(line for line, ends in zip(lines, panel.ends, strict=True) if ends)
    return f'<path class="ct-end" d="{drawn}"/>' if drawn else ""


def _marks(panel: _Panel, at: tuple[float, float]) -> str:
    x, y = at
    length = 0.025 * panel.width_mm
    w, h = panel.width_mm, panel.height_mm
    lines = (
        f"M{x:.2f} 0v{length:.2f}M{x:.2f} {h:.2f}v{-length:.2f}M0 {y:.2f}h{length:.2f}M{w:.2f} {y:.2f}h{-length:.2f}"
    )
    return f'<path class="mark" d="{lines}"/>'


def _svg(inside: str, width: float, height: float, label: str) -> str:
    box = f"0 0 {width:.3f} {height:.3f}"
    return f'<svg class="slices" role="img" aria-label="{escape(label)}" viewBox="{box}">{inside}</svg>'
