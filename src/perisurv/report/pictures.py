"""Pictures of tumour and rings on the CT."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from perisurv.core import Geometry, RegionSet
from perisurv.report.colours import RINGS, SOFT
from perisurv.report.orientation import Upright
from perisurv.report.style import draw_png
from perisurv.report.words import ring_label

__all__ = ["map_picture", "ring_picture"]

LUNG_WINDOW_HU = (-1150.0, 350.0)
WIDTH_INCH = 5.6
MARGIN_MM = 22.0
SCALE_MM = 20.0
EDGE = withStroke(linewidth=2.3, foreground=(0.0, 0.0, 0.0, 0.45))

Image = NDArray[np.generic]


def ring_picture(regions: RegionSet, title: str = "") -> bytes:
    """PNG of the axial and the coronal slice with the largest section of the tumour, lung window, with all outlines.

    Seen as a radiologist does: the patient's right on the left, front or head up, both slices to one scale.

    Parameters
    ----------
    regions
        Tumour and rings of one patient, the tumour first.
    title
        Text above the picture; the patient is not named otherwise.
    """
    image, filled, spacing_mm, _ = _seen(regions)
    names = ["Tumour" if region.name == "tumour" else ring_label(region.name).capitalize() for region in regions]
    tumour = filled[0]
    k, j = (int(tumour.sum(axis=axes).argmax()) for axes in ((1, 2), (0, 2)))
    height, depth, width = (n * s for n, s in zip(image.shape, spacing_mm, strict=True))

    def draw(figure: Figure) -> None:
        axial, coronal = figure.subplots(1, 2)
        _slice(axial, image[k], [m[k] for m in filled], spacing_mm[1:], "RLAP")
        _slice(coronal, image[:, j], [m[:, j] for m in filled], (spacing_mm[0], spacing_mm[2]), "RLHF")
        axial.set_title("Axial", fontsize=9, color=SOFT)
        coronal.set_title("Coronal", fontsize=9, color=SOFT)
        handles = [Line2D([], [], color=c, lw=2.2, label=n) for c, n in zip(_colors(len(names)), names, strict=True)]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5), handlelength=1.6)
        if title:
            figure.suptitle(title, fontsize=10)

    return draw_png(draw, (WIDTH_INCH, WIDTH_INCH * max(height, depth) / (2 * width) + (0.85 if title else 0.6)))


def map_picture(regions: RegionSet, values: NDArray[np.float32], label: str) -> bytes:
    """PNG of a feature map over the CT, in the axial slice that holds most of it, with the outlines of all regions.

    Parameters
    ----------
    regions
        Tumour and rings of one patient, the tumour first.
    values
        The map on the grid of the regions; NaN where there is none. At least one value.
    label
        What the colours mean.
    """
    image, filled, spacing_mm, box = _seen(regions)
    shown = _upright(values, regions.image.geometry)[0][box]
    k = int(np.isfinite(shown).sum(axis=(1, 2)).argmax())
    height, width = (n * s for n, s in zip(image.shape[1:], spacing_mm[1:], strict=True))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _slice(axes, image[k], [m[k] for m in filled], spacing_mm[1:], "RLAP")
        colours = axes.imshow(shown[k], cmap="viridis", extent=(0.0, width, height, 0.0), interpolation="nearest")
        figure.colorbar(colours, ax=axes, label=label, shrink=0.85)

    return draw_png(draw, (WIDTH_INCH * 0.62, WIDTH_INCH * 0.5 * height / width + 0.1))


def _seen(
    regions: RegionSet,
) -> tuple[Image, list[Image], tuple[float, float, float], tuple[slice, slice, slice]]:
    """CT around the regions as a radiologist sees it, each region with all that lies inside it, spacing and box.

    An annulus has an inner edge that is the tumour's outline again.
    """
    image, spacing_mm = _upright(regions.image.values, regions.image.geometry)
    filled = list(np.logical_or.accumulate([_upright(r.mask.values, regions.image.geometry)[0] for r in regions]))
    box = _box(filled[-1], spacing_mm, image.shape)
    return image[box], [mask[box] for mask in filled], spacing_mm, box


def _upright(values: Image, geometry: Geometry) -> tuple[Image, tuple[float, float, float]]:
    """The array with its axes from feet to head turned head up, front to back, right to left; and its spacing, mm."""
    view = Upright.of(geometry)
    return view.turn(values), view.spacing_mm


def _box(outer: Image, spacing_mm: tuple[float, float, float], shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    """The largest region with a margin, inside the image."""
    hits = np.argwhere(outer)
    pad = np.ceil(MARGIN_MM / np.asarray(spacing_mm)).astype(int)
    low, high = np.maximum(hits.min(axis=0) - pad, 0), np.minimum(hits.max(axis=0) + pad + 1, shape)
    k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return k, j, i


def _slice(axes: Axes, image: Image, masks: list[Image], spacing_mm: tuple[float, float], letters: str) -> None:
    """One slice, rows downwards; letters: left, right, upper and lower side of the patient."""
    vertical, horizontal = spacing_mm
    height, width = image.shape[0] * vertical, image.shape[1] * horizontal
    low, high = LUNG_WINDOW_HU
    extent = (0.0, width, height, 0.0)
    axes.imshow(image, cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="bilinear")
    x, y = ((np.arange(n) + 0.5) * s for n, s in ((image.shape[1], horizontal), (image.shape[0], vertical)))
    for color, mask in reversed(list(zip(_colors(len(masks)), masks, strict=True))):
        if mask.any() and not mask.all():
            lines = axes.contour(x, y, mask.astype(float), levels=[0.5], colors=[color], linewidths=1.3)
            lines.set_path_effects([EDGE])
    outline = withStroke(linewidth=1.5, foreground="black")
    white: dict[str, Any] = {"color": "white", "fontsize": 9.0, "path_effects": [outline]}
    places = ((0.015, 0.5, "left", "center"), (0.985, 0.5, "right", "center"), (0.5, 0.985, "center", "top"))
    for letter, (at_x, at_y, ha, va) in zip(letters[:3], places, strict=True):
        axes.text(at_x, at_y, letter, ha=ha, va=va, transform=axes.transAxes, **white)
    left, bottom = 0.03 * width, 0.955 * height
    axes.plot([left, left + SCALE_MM], [bottom, bottom], color="white", lw=2.6, path_effects=[EDGE])
    axes.text(left, bottom - 0.015 * height, f"{SCALE_MM:g} mm", va="bottom", **white)
    axes.set_axis_off()


def _colors(count: int) -> list[str]:
    return [RINGS[n % len(RINGS)] for n in range(count)]
