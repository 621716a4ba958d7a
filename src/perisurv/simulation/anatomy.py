"""A thorax: smooth fields of its organs, each patient different, and the tissues painted from them.

Coordinates are LPS in mm: x to the left, y to the back, z to the head; z = 0 is the base of the lungs and
(0, 0) the middle of the chest cavity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from perisurv.core import Geometry
from perisurv.simulation.canvas import Canvas, unit_gradient
from perisurv.simulation.tubes import axes_mm

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

__all__ = [
    "COARSE_MM",
    "HU",
    "Body",
    "Fields",
    "build_fields",
    "couch_y",
    "draw_body",
    "paint_soft_tissue",
    "scanner_grid",
    "smooth_noise",
]

HU = {
    "air": -1000.0,
    "lung": -835.0,
    "fat": -100.0,
    "muscle": 52.0,
    "blood": 42.0,
    "heart": 45.0,
    "liver": 60.0,
    "spleen": 50.0,
    "stomach": 25.0,
    "cord": 36.0,
    "canal": 8.0,
    "marrow": 165.0,
    "disc": 85.0,
    "cortex": 720.0,
    "rib_marrow": 130.0,
    "cartilage": 115.0,
    "couch": -740.0,
    "couch_shell": -180.0,
    "bronchial_wall": -40.0,
    "lumen": -985.0,
}
COARSE_MM = 4.0
BELOW_MM, ABOVE_MM = 28.0, 22.0
HEIGHTS = np.array([-0.2, 0.0, 0.18, 0.36, 0.6, 0.8, 0.92, 1.0, 1.1])


@dataclass(frozen=True, slots=True)
class Body:
    """Size and posture of one patient, mm.

    ``half_width`` and ``half_depth`` are those of the chest cavity, ``lung_height`` reaches from the lowest
    recess to the apex, ``domes`` are the heights of the diaphragm right and left, ``bend`` moves the upper
    chest backwards (kyphosis).
    """

    half_width: float
    half_depth: float
    lung_height: float
    fat: float
    muscle: float
    domes: tuple[float, float]
    bend: float
    breast: float
    heart: float
    lung_hu: float
    warp: float

    def relative(self, z: Array) -> Array:
        """Height as a share of the lung height."""
        return z / np.float32(self.lung_height)

    def spine_y(self, z: NDArray[np.floating]) -> NDArray[np.floating]:
        """Centre of the vertebral bodies."""
        return 0.70 * self.half_depth + self.bend * (1.6 * (z / self.lung_height - 0.45) ** 2 - 0.25)


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """About distances in mm to the surfaces of the organs on one coarse grid, negative inside."""

    geometry: Geometry
    body: Array
    muscle: Array
    cavity: Array
    lung: Array
    heart: Array
    liver: Array
    spleen: Array
    stomach: Array
    gas: Array
    planes: Array
    density: Array


def draw_body(rng: Generator, sex: str) -> Body:
    """Size and posture of one patient."""
    scale = 1.0 if sex == "male" else 0.92
    height = float(np.clip(scale * rng.normal(246.0, 18.0), 195.0, 290.0))
    right = float(rng.normal(0.285, 0.03)) * height
    return Body(
        half_width=float(np.clip(scale * rng.normal(131.0, 7.0), 108.0, 150.0)),
        half_depth=float(np.clip(scale * rng.normal(90.0, 6.0), 70.0, 106.0)),
        lung_height=height,
        fat=float(np.clip(rng.lognormal(np.log(13.0), 0.45), 4.0, 32.0)),
        muscle=float(rng.uniform(6.0, 14.0)) * scale,
        domes=(right, right - float(rng.uniform(8.0, 20.0))),
        bend=float(rng.normal(14.0, 8.0)),
        breast=0.0 if sex == "male" else float(rng.uniform(8.0, 28.0)),
        heart=scale * float(rng.normal(1.0, 0.08)),
        lung_hu=HU["lung"] + float(rng.normal(0.0, 22.0)),
        warp=3.0,
    )


def scanner_grid(body: Body, matrix: int, field_of_view_mm: float, slice_spacing_mm: float) -> Geometry:
    """Axial grid that covers both lungs with a margin."""
    pixel = field_of_view_mm / matrix
    slices = int(np.ceil((body.lung_height + BELOW_MM + ABOVE_MM) / slice_spacing_mm))
    corner = -0.5 * (matrix - 1) * pixel
    return Geometry((slices, matrix, matrix), (slice_spacing_mm, pixel, pixel), (corner, corner + 12.0, -BELOW_MM))


def smooth_noise(rng: Generator, geometry: Geometry, correlation_mm: float) -> Array:
    """Gaussian random field of unit variance on a grid: bells around a lattice of random weights."""
    weights = []
    for n, step in zip(geometry.shape, geometry.spacing_mm, strict=True):
        at = np.arange(n) * step / (0.5 * correlation_mm)
        bells = np.exp(-0.5 * (at[:, None] - np.arange(-2, int(at[-1]) + 4)) ** 2)
        weights.append((bells / np.linalg.norm(bells, axis=1, keepdims=True)).astype(np.float32))
    wz, wy, wx = weights
    lattice = rng.standard_normal((wz.shape[1], wy.shape[1], wx.shape[1]), dtype=np.float32)
    planes = np.matmul(wz, lattice.reshape(len(lattice), -1)).reshape(len(wz), *lattice.shape[1:])
    return np.asarray(np.matmul(np.matmul(wy, planes), wx.T))


def build_fields(rng: Generator, body: Body, grid: Geometry) -> Fields:
    """All organs of one patient as fields on a coarse grid over the extent of the scan."""
    slices = int(np.ceil(grid.shape[0] * grid.spacing_mm[0] / COARSE_MM)) + 2
    half = 0.5 * grid.shape[1] * grid.spacing_mm[1]
    wide, deep = min(half, body.half_width + 85.0), min(half, body.half_depth + 75.0)
    shape = (slices, int(2 * deep / COARSE_MM), int(2 * wide / COARSE_MM))
    origin = (-wide + 0.5 * COARSE_MM, 12.0 - deep + 0.5 * COARSE_MM, grid.origin_mm[2] - COARSE_MM)
    coarse = Geometry(shape, (COARSE_MM, COARSE_MM, COARSE_MM), origin)
    z, y, x = axes_mm(coarse)
    x = x + body.warp * smooth_noise(rng, coarse, 55.0)
    y = y + body.warp * smooth_noise(rng, coarse, 55.0)
    cavity = _cavity(body, coarse, z, y, x)
    heart = _ellipsoid(
        _turned(z, y, x, (0.26 * body.half_width, -0.22 * body.half_depth, body.domes[1] + 30.0), 38.0),
        (58.0 * body.heart, 43.0 * body.heart, 50.0 * body.heart),
    )
    diaphragm = _diaphragm(body, y, x)
    lung = _lungs(body, coarse, (z, y, x), cavity, heart, diaphragm)
    skin = _skin(body, coarse, z, y, x)
    organs = _abdomen(rng, body, (z, y, x), cavity, z - diaphragm)
    streaks = np.abs(smooth_noise(rng, coarse, 17.0)) * 9.0 - 1.0
    density = _parenchyma(rng, body, coarse, y)
    return Fields(
        geometry=coarse,
        body=skin,
        muscle=np.minimum(_muscle(body, skin, x, y), cavity - 11.0),
        cavity=cavity,
        lung=lung,
        heart=heart,
        planes=np.maximum(streaks, 7.0 - cavity),
        density=density,
        **organs,
    )


def paint_soft_tissue(canvas: Canvas, body: Body, fields: Fields) -> tuple[tuple[slice, slice, slice], Array]:
    """Couch, fat, muscle, organs and lung parenchyma; returns box and share of the lungs."""
    _paint_couch(canvas, body)
    canvas.paint_field(fields.body, HU["muscle"] - 20.0)
    canvas.paint_field(fields.body + 1.6, HU["fat"])
    canvas.paint_field(fields.muscle, HU["muscle"])
    canvas.paint_field(np.maximum(fields.planes, fields.muscle + 3.0), HU["fat"] + 20.0)
    canvas.paint_field(fields.cavity + 1.0, HU["fat"] + 15.0)
    for organ in ("heart", "liver", "spleen", "stomach"):
        canvas.paint_field(getattr(fields, organ), HU[organ])
    canvas.paint_field(fields.gas, -950.0)
    where, share = canvas.cover(fields.lung)
    # A thin soft layer: pleura, diaphragm and pericardium.
    canvas.paint(*canvas.cover(fields.lung - 2.0), HU["muscle"] - 15.0)
    canvas.paint(where, share, canvas.upsample(fields.density, where))
    return where, share


def _profile(values: tuple[float, ...], height: Array) -> Array:
    return np.asarray(PchipInterpolator(HEIGHTS, values)(np.clip(height, -0.2, 1.1)), dtype=np.float32)


def _rounded(u: Array, v: Array) -> Array:
    """Radius of a shape between an ellipse and a rectangle."""
    u2, v2 = u * u, v * v
    return np.asarray(np.sqrt(np.sqrt(u2 * u2 + v2 * v2 + 1.35 * u2 * v2)))


def _cavity(body: Body, coarse: Geometry, z: Array, y: Array, x: Array) -> Array:
    height = body.relative(z)
    wide = body.half_width * _profile((0.97, 1.0, 1.0, 0.98, 0.90, 0.76, 0.60, 0.40, 0.1), height)
    deep = body.half_depth * _profile((0.92, 0.98, 1.0, 1.0, 0.93, 0.78, 0.60, 0.40, 0.1), height)
    back = body.spine_y(z) - 0.70 * body.half_depth + 0.16 * body.half_depth * np.maximum(height - 0.4, 0)
    wall = unit_gradient(_rounded(x / wide, (y - back) / deep) - 1.0, coarse)
    return np.asarray(np.maximum(wall, z - body.lung_height))


def _turned(z: Array, y: Array, x: Array, centre: tuple[float, float, float], degrees: float) -> tuple[Array, ...]:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    dx, dy = x - centre[0], y - centre[1]
    return z - centre[2], cos * dy + sin * dx, cos * dx - sin * dy


def _ellipsoid(relative: tuple[Array, ...], half: tuple[float, float, float]) -> Array:
    """First-order distance to an ellipsoid with half axes along x, y, z."""
    dz, dy, dx = relative
    a, b, c = half
    radius = np.sqrt((dx / a) ** 2 + (dy / b) ** 2 + (dz / c) ** 2)
    slope = np.sqrt((dx / a**2) ** 2 + (dy / b**2) ** 2 + (dz / c**2) ** 2)
    return np.asarray((radius - 1.0) * radius / np.maximum(slope, 1e-4), dtype=np.float32)


def _diaphragm(body: Body, y: Array, x: Array) -> Array:
    """Height of the diaphragm over every (y, x)."""
    domes = []
    for side, peak in zip((-1.0, 1.0), body.domes, strict=True):
        u = (x - side * 0.46 * body.half_width) / (0.56 * body.half_width)
        v = (y + 0.08 * body.half_depth) / (1.02 * body.half_depth)
        domes.append(peak - 0.26 * body.lung_height * (u * u + v * v))
    return np.asarray(np.maximum(domes[0], domes[1]), dtype=np.float32)


def _lungs(
    body: Body, coarse: Geometry, at: tuple[Array, Array, Array], cavity: Array, heart: Array, diaphragm: Array
) -> Array:
    z, y, x = at
    height = body.relative(z)
    right = _profile((30.0, 32.0, 38.0, 40.0, 36.0, 31.0, 26.0, 20.0, 20.0), height)
    left = _profile((30.0, 34.0, 38.0, 36.0, 34.0, 33.0, 27.0, 20.0, 20.0), height)
    waist = 0.22 + 0.78 * np.exp(-(((y - 8.0) / (0.55 * body.half_depth)) ** 2))
    middle = np.maximum(-x - right * waist, x - left * waist)
    spine = _ellipsoid((0.0 * z, y - body.spine_y(z) - 8.0, x + 0.0 * z), (25.0, 27.0, 1e6))
    parts = (cavity, -middle, 0.8 * (diaphragm - z), 4.0 - heart, 2.0 - spine)
    return np.asarray(np.maximum.reduce([np.broadcast_to(p, coarse.shape) for p in parts]), dtype=np.float32)


def _skin(body: Body, coarse: Geometry, z: Array, y: Array, x: Array) -> Array:
    height = body.relative(z)
    wide = (body.half_width + body.muscle + 20.0 + body.fat) * _profile(
        (0.96, 0.97, 0.99, 1.0, 1.02, 1.05, 1.03, 0.97, 0.86), height
    )
    full = body.half_depth + body.muscle + 17.0 + 0.8 * body.fat
    deep = full * _profile((1.0, 1.0, 1.0, 1.0, 0.98, 0.92, 0.85, 0.78, 0.7), height)
    # The chest falls towards the neck; the back stays on the couch.
    middle = 7.0 + 0.9 * (full - deep)
    distance = unit_gradient(_rounded(x / wide, (y - middle) / deep) - 1.0, coarse)
    bump = np.exp(-(((np.abs(x) - 75.0) / 42.0) ** 2) - (((z - 0.42 * body.lung_height) / 55.0) ** 2))
    distance = distance - body.breast * bump * (y < 0)
    # Lying on a flat couch flattens the back.
    return np.asarray(np.maximum(distance, y - couch_y(body)), dtype=np.float32)


def couch_y(body: Body) -> float:
    """Height of the couch top."""
    return 7.0 + 0.95 * (body.half_depth + body.muscle + 17.0 + 0.8 * body.fat)


def _muscle(body: Body, skin: Array, x: Array, y: Array) -> Array:
    """Muscle begins below the subcutaneous fat, which is thinner at the sides of the back."""
    front = np.clip(-y / body.half_depth, 0.0, 1.0)
    return np.asarray(skin + body.fat * (0.75 + 0.5 * front) + 0.02 * np.abs(x), dtype=np.float32)


def _abdomen(
    rng: Generator, body: Body, at: tuple[Array, Array, Array], cavity: Array, above: Array
) -> dict[str, Array]:
    """Organs under the diaphragm; ``above`` is the height over it."""
    z, y, x = at
    inside = np.maximum(cavity + 5.0, above + 4.0)
    spine = _ellipsoid((0.0 * z, y - body.spine_y(z), x + 0.0 * z), (36.0, 32.0, 1e6))
    inside = np.maximum(inside, 4.0 - spine)
    low, width = body.domes[1], body.half_width
    spleen = _ellipsoid((z - low + 45.0, y - 30.0, x - 0.66 * width), (32.0, 46.0, 42.0))
    stomach = _ellipsoid((z - low + 42.0, y + 22.0, x - 0.42 * width), (44.0, 36.0, 40.0))
    level = float(rng.uniform(-38.0, -18.0))
    slope = 0.35 * (y + 0.3 * body.half_depth)
    return {
        "liver": np.asarray(np.maximum(inside, x - 18.0 + slope), dtype=np.float32),
        "spleen": np.asarray(np.maximum(inside, spleen), dtype=np.float32),
        "stomach": np.asarray(np.maximum(inside, stomach), dtype=np.float32),
        "gas": np.asarray(np.maximum(np.maximum(inside + 3.0, stomach + 4.0), y - level), dtype=np.float32),
    }


def _parenchyma(rng: Generator, body: Body, coarse: Geometry, y: Array) -> Array:
    """Lung HU: denser at the back by its weight, uneven over centimetres."""
    uneven = 10.0 * smooth_noise(rng, coarse, 25.0) + 12.0 * smooth_noise(rng, coarse, 70.0)
    return np.asarray(body.lung_hu + 45.0 * y / body.half_depth + uneven, dtype=np.float32)


def _paint_couch(canvas: Canvas, body: Body) -> None:
    _, y, x = axes_mm(canvas.geometry)
    depth = y[0, :, 0] - np.float32(couch_y(body) + 1.0)
    soft = canvas.geometry.spacing_mm[1]
    across = np.clip(0.5 + (262.0 - np.abs(x[0, 0, :])) / soft, 0.0, 1.0)
    for value, centre, half in (("couch", 13.0, 13.0), ("couch_shell", 1.0, 1.0), ("couch_shell", 25.0, 1.0)):
        share = np.clip(0.5 + (half - np.abs(depth - centre)) / soft, 0.0, 1.0) * min(1.0, 2 * half / soft)
        rows = np.flatnonzero(share)
        if rows.size:
            part = slice(int(rows[0]), int(rows[-1]) + 1)
            plane = share[part, None] * across[None, :]
            canvas.paint((slice(None), part, slice(None)), plane[None].astype(np.float32), HU[value])
