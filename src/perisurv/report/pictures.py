"""Pictures of tumour and rings on the CT."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from perisurv.core import RegionSet
from perisurv.report.style import RINGS, new_figure, to_png

__all__ = ["ring_picture"]

LUNG_WINDOW_HU = (-1150.0, 350.0)
SCALE_MM = 20.0


def ring_picture(regions: RegionSet, title: str = "") -> bytes:
    """PNG of the slices through the centre of the tumour: axial and coronal, lung window, with the outlines.

    Parameters
    ----------
    regions
        Tumour and rings of one patient.
    title
        Text above the picture; the patient is not named otherwise.
    """
    centre = np.argwhere(regions["tumour"].mask.values).mean(axis=0).round().astype(int)
    figure = new_figure(7.2, 3.9)
    axial, coronal = figure.subplots(1, 2)
    _draw(axial, regions, axis=0, at=int(centre[0]))
    _draw(coronal, regions, axis=1, at=int(centre[1]))
    axial.set_title("axial", fontsize=9, color="#1f2933")
    coronal.set_title("coronal", fontsize=9, color="#1f2933")
    handles = [
        Line2D([], [], color=color, lw=1.8, label=_label(region.name))
        for color, region in zip(RINGS, regions, strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=10, color="#1f2933")
    return to_png(figure)


def _draw(axes: Axes, regions: RegionSet, axis: int, at: int) -> None:
    image = np.take(regions.image.values, at, axis=axis)
    spacing = regions.image.geometry.spacing_mm
    vertical, horizontal = (spacing[1], spacing[2]) if axis == 0 else (spacing[0], spacing[2])
    height, width = image.shape[0] * vertical, image.shape[1] * horizontal
    # Rows run to the back in an axial slice, slices run to the head in a coronal one: the patient's front and head up.
    extent = (0.0, width, height, 0.0) if axis == 0 else (0.0, width, 0.0, height)
    origin: Literal["upper", "lower"] = "upper" if axis == 0 else "lower"
    low, high = LUNG_WINDOW_HU
    axes.imshow(image, cmap="gray", vmin=low, vmax=high, extent=extent, origin=origin, interpolation="bilinear")
    x = (np.arange(image.shape[1]) + 0.5) * horizontal
    y = (np.arange(image.shape[0]) + 0.5) * vertical
    for color, region in reversed(list(zip(RINGS, regions, strict=False))):
        mask = np.take(_filled(regions, region.name), at, axis=axis)
        if mask.any() and not mask.all():
            axes.contour(x, y, mask.astype(float), levels=[0.5], colors=[color], linewidths=1.4)
    axes.plot([4.0, 4.0 + SCALE_MM], [0.96 * height if axis == 0 else 0.04 * height] * 2, color="white", lw=2.5)
    axes.text(
        4.0, 0.94 * height if axis == 0 else 0.06 * height, f"{SCALE_MM:g} mm", color="white", fontsize=8, va="bottom"
    )
    axes.set_axis_off()


def _filled(regions: RegionSet, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The region with everything inside it, so that only its outer edge is drawn."""
    filled = np.zeros(regions.image.values.shape, dtype=bool)
    for region in regions:
        filled |= region.mask.values
        if region.name == name:
            break
    return filled


def _label(name: str) -> str:
    return name.replace("ring_", "").replace("mm", " mm ring") if name.startswith("ring_") else name
