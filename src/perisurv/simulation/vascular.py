"""Heart vessels, pulmonary vessel trees and airways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perisurv.core import Geometry
from perisurv.simulation.anatomy import HU, Body, Fields
from perisurv.simulation.canvas import Canvas
from perisurv.simulation.tubes import axes_mm, grow_tree, stamp, tube_along

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Knots = list[tuple[float, ...]]
    Tubes = list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    Array = NDArray[np.floating[Any]]
    Cover = tuple[tuple[slice, slice, slice], Array]

__all__ = ["carina_mm", "hilum_mm", "paint_airways", "paint_great_vessels", "paint_lung_vessels"]

VESSELS_A_LUNG = 700
BRONCHI_A_LUNG = 26


def carina_mm(body: Body) -> NDArray[np.float64]:
    """Where the trachea divides."""
    z = 0.64 * body.lung_height
    return np.array([0.0, float(body.spine_y(np.array(z))) - 34.0, z])


def hilum_mm(body: Body, side: float) -> NDArray[np.float64]:
    """Where vessels and bronchus enter a lung; side is -1 for the right and +1 for the left lung."""
    return np.asarray(carina_mm(body) + np.array([side * 42.0, 2.0, -20.0 if side < 0 else -16.0]))


def paint_great_vessels(canvas: Canvas, body: Body) -> tuple[Cover, Cover]:
    """Aorta, pulmonary arteries and superior vena cava; oesophagus. Returns box and share that each of both fills."""
    top, base = carina_mm(body)[2] + 22.0, body.domes[1]
    spine = float(body.spine_y(np.array(top)))
    back = float(body.spine_y(np.array(0.0)))
    aorta: Knots = [
        (-8, -26, base + 55),
        (-16, -34, top - 30),
        (-8, -22, top - 4),
        (10, 0, top + 2),
        (24, spine - 18, top - 10),
    ]
    descending = [(27, spine - 8, top - 40), (22, back - 10, base), (10, back - 18, -40)]
    trunk: Knots = [(16, -34, base + 62), (14, -24, top - 36), (0, -4, top - 42)]
    tubes: list[tuple[Knots, float]] = [
        (aorta, 15.5),
        ([aorta[-1], *descending], 12.5),
        (trunk, 13.5),
        ([(10, -16, top - 40), (28, 4, top - 38), tuple(hilum_mm(body, 1.0))], 11.0),
        ([(6, -12, top - 42), (-20, -4, top - 46), tuple(hilum_mm(body, -1.0))], 11.0),
        ([(-26, -24, base + 50), (-27, -22, top), (-22, -16, top + 60)], 9.5),
        ([(12, -8, top + 6), (14, -2, top + 30), (18, -2, top + 90)], 6.5),
    ]
    sampled = [tube_along(np.array(knots, dtype=float), np.full(len(knots), radius), 3.0) for knots, radius in tubes]
    vessels = _paint(canvas, sampled, HU["blood"])
    gullet = np.array([(6, back - 28, -40), (4, spine - 26, top - 30), (4, spine - 22, top + 90)], dtype=float)
    return vessels, _paint(canvas, [tube_along(gullet, np.full(3, 7.0), 3.0)], HU["blood"] - 6.0)


def paint_lung_vessels(canvas: Canvas, rng: Generator, body: Body, fields: Fields, lung: Cover) -> Cover:
    """A tapering tree in each lung, by Murray's law; returns the box and the share that the vessels fill."""
    tubes: Tubes = []
    for side in (-1.0, 1.0):
        hilum = hilum_mm(body, side)
        trunk = np.stack([hilum - [side * 14.0, 0, -4.0], hilum])
        tree = grow_tree(rng, trunk, _ends(rng, fields, side, VESSELS_A_LUNG, 3.0), 7.0)
        tubes.append(tree.sampled(tree.radius_mm(0.72, 2.75, 7.0), 0.6 * canvas.geometry.spacing_mm[1]))
    where, share = lung
    cover = where, _stamped(canvas, tubes, where) * share
    canvas.paint(*cover, HU["blood"])
    return cover


def paint_airways(canvas: Canvas, rng: Generator, body: Body, fields: Fields) -> Cover:
    """Trachea, main bronchi and the first generations in each lung: soft wall around air.

    Returns the box and the share that the air fills.
    """
    carina = carina_mm(body)
    head = carina + np.array([0.0, -14.0, body.lung_height])
    tubes: Tubes = [tube_along(np.stack([head, carina]), np.array([8.8, 8.4]), 2.5)]
    for side in (-1.0, 1.0):
        hilum = hilum_mm(body, side) + np.array([0.0, 8.0, 0.0])
        trunk = np.stack([carina, carina + 0.5 * (hilum - carina), hilum])
        tree = grow_tree(rng, trunk, _ends(rng, fields, side, BRONCHI_A_LUNG, 18.0), 8.0)
        tubes.append(tree.sampled(tree.radius_mm(1.25, 2.3, 6.4), 0.6 * canvas.geometry.spacing_mm[1]))
    walls = [(points, radius + 0.7 + 0.12 * radius) for points, radius in tubes]
    _paint(canvas, walls, HU["bronchial_wall"])
    return _paint(canvas, tubes, HU["lumen"])


def _ends(rng: Generator, fields: Fields, side: float, count: int, depth_mm: float) -> NDArray[np.float64]:
    """Random points (x, y, z) at least some mm inside one lung."""
    _, _, x = axes_mm(fields.geometry)
    voxels = np.argwhere((fields.lung < -depth_mm) & (side * x > 0))
    chosen = voxels[rng.choice(len(voxels), size=count, replace=len(voxels) < count)]
    return fields.geometry.to_mm(chosen + rng.uniform(-0.5, 0.5, chosen.shape))


def _stamped(canvas: Canvas, tubes: Tubes, where: tuple[slice, slice, slice]) -> Array:
    box = tuple(slice(s.start or 0, s.stop or n) for s, n in zip(where, canvas.geometry.shape, strict=True))
    grid: Geometry = canvas.geometry.crop((box[0], box[1], box[2]))
    return stamp(grid, np.concatenate([p for p, _ in tubes]), np.concatenate([r for _, r in tubes]))


def _paint(canvas: Canvas, tubes: Tubes, value: float) -> Cover:
    """Paint tubes inside the smallest box that holds them; returns the box and the share that they fill."""
    points = np.concatenate([p for p, _ in tubes])
    reach = max(float(r.max()) for _, r in tubes) + max(canvas.geometry.spacing_mm)
    low = np.floor(canvas.geometry.to_index(points.min(axis=0) - reach)).astype(int)
    high = np.ceil(canvas.geometry.to_index(points.max(axis=0) + reach)).astype(int) + 1
    ends = [(max(int(a), 0), min(int(b), n)) for a, b, n in zip(low, high, canvas.geometry.shape, strict=True)]
    where = (slice(*ends[0]), slice(*ends[1]), slice(*ends[2]))
    cover = where, _stamped(canvas, tubes, where)
    canvas.paint(*cover, value)
    return cover
