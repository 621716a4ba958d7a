"""What the planner draws: closed planar contours, uncertain around the tumour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from contourpy import LineType, contour_generator
from scipy.ndimage import gaussian_filter

from perisurv.core import Geometry
from perisurv.simulation.anatomy import Body, Fields
from perisurv.simulation.bones import canal_y
from perisurv.simulation.options import CentreOptions
from perisurv.simulation.tubes import axes_mm

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

__all__ = ["Contours", "cord_contours", "drawn_surface", "field_contours", "organ_contours"]

# Slice number of the CT and (n, 3) points x, y, z in mm.
Contours = list[tuple[int, "NDArray[np.float64]"]]
CORRELATION_MM = 10.0
SMALLEST_MM2 = 12.0


def drawn_surface(rng: Generator, level_mm: Array, centre: CentreOptions) -> Array:
    """The tumour surface as one observer draws it: smooth random displacement and a bias, mm.

    Positive displacement draws the tumour larger.
    """
    noise = gaussian_filter(rng.standard_normal(level_mm.shape, dtype=np.float32), 0.5 * CORRELATION_MM, truncate=2.5)
    shift = centre.contour_sd_mm * noise / noise.std() + rng.normal(0.0, centre.contour_bias_sd_mm)
    return np.asarray(level_mm - shift, dtype=np.float32)


def field_contours(values: Array, geometry: Geometry, slices: Geometry) -> Contours:
    """Contours at zero of a field (negative inside) in every slice of the CT that meets it."""
    z, y, x = (axis.ravel() for axis in axes_mm(geometry))
    found: Contours = []
    for number in range(slices.shape[0]):
        height = slices.origin_mm[2] + number * slices.spacing_mm[0]
        at = (height - geometry.origin_mm[2]) / geometry.spacing_mm[0]
        low = int(np.floor(at))
        if not 0 <= low < len(z) - 1:
            continue
        plane = values[low] + (at - low) * (values[low + 1] - values[low])
        if plane.min() >= 0:
            continue
        plane = np.pad(plane, 1, constant_values=max(float(plane.max()), 1.0))
        generator = contour_generator(_padded(x), _padded(y), plane, line_type=LineType.Separate)
        lines = [np.asarray(line, dtype=float) for line in generator.lines(0.0)]
        found += [(number, _at_height(line[:-1], height)) for line in lines if _area_mm2(line) > SMALLEST_MM2]
    return found


def organ_contours(fields: Fields, slices: Geometry) -> tuple[Contours, Contours, Contours]:
    """Contours of left lung, right lung and body."""
    _, _, x = axes_mm(fields.geometry)
    left, right = np.maximum(fields.lung, -x), np.maximum(fields.lung, x)
    grid = fields.geometry
    return (
        field_contours(left, grid, slices),
        field_contours(right, grid, slices),
        field_contours(fields.body, grid, slices),
    )


def cord_contours(body: Body, slices: Geometry) -> Contours:
    """A circle around the cord in every slice."""
    turn = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
    z = slices.origin_mm[2] + slices.spacing_mm[0] * np.arange(slices.shape[0])
    middle = canal_y(body, z)
    return [
        (
            number,
            _at_height(np.stack([6.5 * np.cos(turn), middle[number] + 5.5 * np.sin(turn)], axis=1), float(z[number])),
        )
        for number in range(len(z))
    ]


def _padded(axis: Array) -> NDArray[np.float64]:
    step = float(axis[1] - axis[0])
    return np.concatenate([[axis[0] - step], axis, [axis[-1] + step]])


def _at_height(points: NDArray[np.float64], height: float) -> NDArray[np.float64]:
    return np.column_stack([points, np.full(len(points), height)])


def _area_mm2(line: NDArray[np.float64]) -> float:
    x, y = line[:, 0], line[:, 1]
    return 0.5 * abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])))
