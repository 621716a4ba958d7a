"""Spine, ribs, sternum, scapulae and costal cartilage, painted at the resolution of the scanner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perisurv.core import Geometry
from perisurv.simulation.anatomy import HU, Body, Fields, couch_y
from perisurv.simulation.canvas import Canvas
from perisurv.simulation.tubes import axes_mm

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

__all__ = ["canal_y", "paint_chest_wall_bones", "paint_spine"]

CANAL_BEHIND_MM = 24.0
VERTEBRA_MM = 23.0
ANGLES = np.array([0.0, 0.5, 1.0, 1.6, 2.2, 2.6, 3.2])
RIB_DROP_MM = np.array([0.0, 10.0, 30.0, 58.0, 80.0, 84.0, 66.0])


def canal_y(body: Body, z: NDArray[np.floating]) -> NDArray[np.floating]:
    """Centre of the spinal canal."""
    return body.spine_y(z) + CANAL_BEHIND_MM


def paint_spine(canvas: Canvas, rng: Generator, body: Body) -> None:
    """Vertebral bodies, discs, arches, processes, canal and cord."""
    where, (z, y_scan, x) = _box(
        canvas.geometry, (-48.0, 48.0), (0.70 * body.half_depth - 40.0, body.half_depth + 62.0)
    )
    y = y_scan - body.spine_y(z).astype(np.float32)
    level = (z + float(rng.uniform(0.0, VERTEBRA_MM))) / VERTEBRA_MM
    along = np.abs(level - np.round(level)) * VERTEBRA_MM  # 0 in the middle of a vertebra, 11.5 in a disc
    wide = float(rng.normal(17.5, 1.2))
    # The waist of the vertebral body.
    radius = np.sqrt((x / (wide + 0.02 * along**2)) ** 2 + (y / (0.82 * wide)) ** 2)
    body_edge = (radius - 1.0) * wide
    endplate = along - 8.6
    paint = _Painter(canvas, where)
    paint(body_edge, HU["disc"])
    paint(np.maximum(body_edge, endplate), HU["cortex"] - 200.0)
    paint(np.maximum(body_edge + 1.6, endplate + 1.5), HU["marrow"])
    back = y - CANAL_BEHIND_MM
    ring = np.sqrt(x**2 + back**2)
    arch = np.maximum(np.maximum(np.abs(ring - 11.5) - 3.0, along - 8.0), -back - 6.0)
    process = np.maximum(np.maximum(np.abs(x) - 3.2, np.abs(back - 24.0) - 12.0), along - 7.0)
    process = np.maximum(process, y_scan - np.float32(couch_y(body) - 9.0))
    side = np.maximum(np.abs(back - 3.0 - 0.35 * (np.abs(x) - 12.0)) - 4.0, np.abs(np.abs(x) - 22.0) - 12.0)
    bone = np.minimum(np.minimum(arch, process), np.maximum(side, along - 6.5))
    paint(bone, HU["cortex"] - 170.0)
    paint(bone + 1.8, HU["marrow"] + 90.0)
    paint(ring - 8.6, HU["canal"])
    paint(np.sqrt((x / 1.25) ** 2 + back**2) - 4.9, HU["cord"])


def paint_chest_wall_bones(canvas: Canvas, rng: Generator, body: Body, fields: Fields) -> None:
    """Ribs with cortex and marrow, cartilage, sternum and scapulae in the shell outside the pleura."""
    shell = np.maximum(0.5 - fields.cavity, fields.cavity - 34.0)
    where, inside = canvas.cover(np.maximum(shell, fields.body + 2.0), 1.0)
    index = np.flatnonzero(inside.reshape(-1) > 0)
    depth = canvas.upsample(fields.cavity, where).reshape(-1)[index]
    axes = [np.arange(n)[part] for n, part in zip(canvas.geometry.shape, where, strict=True)]
    k, j, i = np.unravel_index(index, inside.shape)
    grid = axes_mm(canvas.geometry)
    z, y, x = grid[0].ravel()[axes[0]][k], grid[1].ravel()[axes[1]][j], grid[2].ravel()[axes[2]][i]
    angle = np.arctan2(np.abs(x) / body.half_width, y / body.half_depth)
    soft = canvas.geometry.spacing_mm[1]
    values = canvas.hu[where].reshape(-1)
    part = values[index]
    for distance, value in _wall_bones(rng, body, (z, y, x), angle, depth):
        share = np.clip(0.5 - distance / soft, 0.0, 1.0)
        part += (value - part) * share
    values[index] = part
    canvas.hu[where] = values.reshape(inside.shape)


def _wall_bones(
    rng: Generator, body: Body, at: tuple[Array, Array, Array], angle: Array, depth: Array
) -> list[tuple[Array, float]]:
    """Distances to the bones of the chest wall with the tissue that fills them, outside first."""
    z, y, x = at
    spacing = body.lung_height / 9.3
    drop = np.interp(angle, ANGLES, RIB_DROP_MM * body.lung_height / 245.0)
    number = (z + drop + float(rng.uniform(0.0, spacing))) / spacing
    slope = np.interp(angle, [0.0, 0.6, 1.6, 2.4, 3.2], [0.95, 0.86, 0.84, 0.92, 0.9])
    across = np.abs(number - np.round(number)) * spacing * slope
    middle, thick = 7.0, 4.1
    rib = (np.sqrt((across / 7.2) ** 2 + ((depth - middle) / thick) ** 2) - 1.0) * 4.6
    front = (angle - 2.45) * 60.0  # mm past the bone-cartilage junction
    high = z - 1.02 * body.lung_height
    rib = np.maximum(np.maximum(rib, high), np.where(y > 0, 25.0 - np.abs(x), -1e3))
    chest = np.maximum(np.abs(x) - 17.0 - 4.0 * np.cos(z / 11.0), np.abs(depth - 8.0) - 5.0)
    low, top = 0.30 * body.lung_height, 0.86 * body.lung_height
    sternum = np.maximum(np.maximum(chest, np.maximum(low - z, z - top)), y)
    blade = np.maximum(np.abs(depth - 23.0 - 4.0 * np.sin(z / 40.0)) - 2.6, np.abs(angle - 0.83) * 105.0 - 42.0)
    blade = np.maximum(blade, np.maximum(0.48 * body.lung_height - z, -1e3))
    return [
        (np.maximum(rib, -front), HU["cartilage"]),
        (np.maximum(rib, front), HU["cortex"]),
        (np.maximum(rib + 1.5, front), HU["rib_marrow"]),
        (sternum, HU["cortex"] - 250.0),
        (sternum + 1.6, HU["rib_marrow"]),
        (blade, HU["cortex"] - 220.0),
        (blade + 1.5, HU["rib_marrow"] + 60.0),
    ]


def _box(
    geometry: Geometry, x_mm: tuple[float, float], y_mm: tuple[float, float]
) -> tuple[tuple[slice, slice, slice], tuple[Array, Array, Array]]:
    z, y, x = axes_mm(geometry)
    rows = np.flatnonzero((y.ravel() >= y_mm[0]) & (y.ravel() <= y_mm[1]))
    columns = np.flatnonzero((x.ravel() >= x_mm[0]) & (x.ravel() <= x_mm[1]))
    j, i = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return (slice(0, geometry.shape[0]), j, i), (z, y[:, j], x[:, :, i])


class _Painter:
    """Paints the inside of a distance array of one box."""

    def __init__(self, canvas: Canvas, where: tuple[slice, slice, slice]) -> None:
        self._canvas, self._where = canvas, where
        self._soft = canvas.geometry.spacing_mm[1]

    def __call__(self, distance: Array, value: float) -> None:
        self._canvas.paint(self._where, np.clip(0.5 - distance / self._soft, 0.0, 1.0).astype(np.float32), value)
