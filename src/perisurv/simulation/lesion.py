"""A tumour and the lung around it on a 1 mm grid, from the latents of a patient."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from scipy.special import ndtr, sph_harm_y

from perisurv.core import Geometry
from perisurv.simulation.options import SimulationOptions
from perisurv.simulation.plan import Latents
from perisurv.simulation.tubes import axes_mm, stamp

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

__all__ = ["Lesion", "Surface", "draw_surface", "make_lesion"]

TISSUE_HU = 45.0
INFILTRATE_HU = 30.0
NECROSIS_DROP_HU = 40.0
CAPSULE_MM = 2.5
THETA, PHI = 49, 96


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Star-convex surface: radius in mm on a grid of (polar, azimuthal) angles around the centre."""

    radius_mm: NDArray[np.float64]

    def at(self, z: Array, y: Array, x: Array) -> tuple[Array, Array]:
        """Distance of points to the centre and radius of the surface in their direction, mm."""
        r = np.sqrt(x * x + y * y + z * z)
        theta = np.arccos(np.clip(z / np.maximum(r, 1e-3), -1.0, 1.0)) * ((THETA - 1) / np.pi)
        phi = np.broadcast_to((np.arctan2(y, x) % (2 * np.pi)) * (PHI / (2 * np.pi)), r.shape)
        table = np.concatenate([self.radius_mm, self.radius_mm[:, :1]], axis=1).astype(np.float32)
        return r, map_coordinates(table, [theta, phi], order=1, mode="nearest")

    @property
    def largest_mm(self) -> float:
        """Distance of the farthest point of the surface from the centre."""
        return float(self.radius_mm.max())


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """One tumour around the origin of a 1 mm grid.

    Parameters
    ----------
    geometry
        Grid of all arrays, centred on the tumour.
    level_mm
        About the distance to the surface, negative inside; smooth, for contours.
    inside
        Tumour voxels.
    necrosis
        Dead part of the tumour.
    core, rim
        Inner and outer half of the living tumour voxels below the capsule; of equal count. The capsule, which
        pixels and contours mix with the lung, holds both textures in equal parts in every patient.
    hu
        HU of the tumour.
    infiltrate
        Share of the lung outside that is replaced by infiltrating tissue, 0..1; zero inside the tumour.
    spicules
        Share of voxels filled by spicules.
    """

    geometry: Geometry
    level_mm: Array
    inside: NDArray[np.bool_]
    necrosis: NDArray[np.bool_]
    core: NDArray[np.bool_]
    rim: NDArray[np.bool_]
    hu: Array
    infiltrate: Array
    spicules: Array

    @property
    def cover(self) -> Array:
        """Share of every voxel inside the tumour."""
        return np.asarray(np.clip(0.5 - self.level_mm, 0.0, 1.0))


def draw_surface(rng: Generator, volume_ml: float, roughness: float) -> Surface:
    """A star-convex surface of exactly this volume.

    Spherical harmonics of degree 2-3 give every tumour its form; those of degree 4-10 grow with the latent.
    """
    shape = 0.10 * _harmonics(rng, 2, 3) + 0.055 * np.exp(0.45 * roughness) * _harmonics(rng, 4, 10)
    radius = np.clip(np.exp(shape), 0.55, 1.7)
    theta, _ = _angles()
    weight = np.sin(theta) * (np.pi / (THETA - 1)) * (2 * np.pi / PHI)
    volume = float((radius**3 * weight).sum() / 3.0)
    return Surface(radius * (1000.0 * volume_ml / volume) ** (1.0 / 3.0))


def make_lesion(
    rng: Generator, surface: Surface, latents: Latents, options: SimulationOptions, margin_mm: float = 14.0
) -> Lesion:
    """Tumour, spicules and infiltration.

    Parameters
    ----------
    rng
        Source of the textures.
    surface
        From `draw_surface`.
    latents
        Of the patient.
    options
        Width of the infiltration, contrast of the textures.
    margin_mm
        Lung around the tumour that the grid holds; at least the width of the infiltration.
    """
    half = int(np.ceil(surface.largest_mm + max(margin_mm, options.infiltration_mm + 2.0)))
    n = 2 * half + 1
    geometry = Geometry((n, n, n), (1.0, 1.0, 1.0), (-float(half),) * 3)
    r, radius = surface.at(*axes_mm(geometry))
    level = r - radius
    inside = level < 0
    near = np.abs(level) < 4.0
    slopes = np.gradient(level)
    norm = np.sqrt(slopes[0] ** 2 + slopes[1] ** 2 + slopes[2] ** 2)
    level = np.where(near, level / np.maximum(norm, 0.5), level).astype(np.float32)
    outside = np.maximum(distance_transform_edt(~inside) - 0.5, 0.0).astype(np.float32)
    necrosis = _necrosis(rng, geometry, inside, latents.heterogeneity)
    living = inside & ~necrosis & (level < -min(CAPSULE_MM, 0.2 * float(radius.mean())))
    core = _inner_half(r / radius, living)
    return Lesion(
        geometry=geometry,
        level_mm=level,
        inside=inside,
        necrosis=necrosis,
        core=core,
        rim=living & ~core,
        hu=_tumour_hu(rng, (inside, necrosis, core, living & ~core), latents, options),
        infiltrate=_infiltrate(rng, outside, inside, latents.infiltration, options.infiltration_mm),
        spicules=_spicules(rng, geometry, surface, latents.roughness),
    )


def _inner_half(relative: Array, living: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The half of the living voxels that lies nearest to the centre, relative to the surface."""
    return np.asarray(living & (relative <= np.median(relative[living])))


def _necrosis(rng: Generator, geometry: Geometry, inside: NDArray[np.bool_], heterogeneity: float) -> NDArray[np.bool_]:
    """A dead ball off the centre, up to an eighth of the volume."""
    radius = (3.0 * np.count_nonzero(inside) / (4.0 * np.pi)) ** (1.0 / 3.0)
    direction = rng.standard_normal(3)
    centre = 0.35 * radius * direction / np.linalg.norm(direction)
    z, y, x = axes_mm(geometry)
    away = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2
    return np.asarray(inside & (away < (radius * (0.10 + 0.40 * float(ndtr(heterogeneity)))) ** 2))


def _angles() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Polar and azimuthal angles of the grid of a surface, ready to broadcast."""
    return np.linspace(0.0, np.pi, THETA)[:, None], 2 * np.pi * np.arange(PHI)[None, :] / PHI


@cache
def _wave(degree: int, order: int) -> NDArray[np.complex128]:
    """A spherical harmonic on that grid: the same for every tumour."""
    return np.asarray(sph_harm_y(degree, order, *_angles()))


def _harmonics(rng: Generator, lowest: int, highest: int) -> NDArray[np.float64]:
    """Random real combination of spherical harmonics of unit variance over the sphere."""
    total = np.zeros((THETA, PHI))
    variance = 0.0
    for degree in range(lowest, highest + 1):
        for order in range(degree + 1):
            cosine, sine = rng.standard_normal(2) / degree
            wave = _wave(degree, order)
            # The mean square over the sphere of Re or Im of a normalised harmonic is 1 / (8 pi), 1 / (4 pi) for m = 0.
            total += cosine * wave.real + (sine * wave.imag if order else 0.0)
            variance += (2.0 / (8 * np.pi) if order else 1.0 / (4 * np.pi)) / degree**2
    return np.asarray(total / np.sqrt(variance))


def _field(rng: Generator, inside: NDArray[np.bool_], sigma_mm: float) -> Array:
    """Gaussian random field, zero mean and unit variance over the tumour."""
    field = gaussian_filter(rng.standard_normal(inside.shape, dtype=np.float32), sigma_mm, mode="wrap", truncate=3.0)
    values = field[inside]
    return np.asarray((field - values.mean()) / values.std(), dtype=np.float32)


def _tumour_hu(
    rng: Generator,
    masks: tuple[NDArray[np.bool_], ...],
    latents: Latents,
    options: SimulationOptions,
) -> Array:
    """HU of the tumour: two textures in core and rim, their amplitude, necrosis."""
    part = _bounding_cube(masks[0])
    inside, necrosis, core, rim = (mask[part] for mask in masks)
    fine, coarse = (_field(rng, inside, sigma_mm) for sigma_mm in (1.1, 2.8))
    regions = (core, rim, inside & ~core & ~rim)
    bright = _arrangement(_field(rng, inside, 3.2), regions, latents.pattern)
    amplitude = 34.0 * np.exp(0.5 * latents.heterogeneity)
    values = TISSUE_HU + rng.normal(0.0, 5.0) + amplitude * np.where(bright, fine, coarse)
    values += options.pattern_contrast_hu * (bright - 0.5)
    dead = TISSUE_HU - NECROSIS_DROP_HU + 0.5 * amplitude * coarse
    hu = np.full(masks[0].shape, TISSUE_HU, dtype=np.float32)
    hu[part] = np.where(necrosis, dead, values)
    return hu


def _bounding_cube(inside: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """Central cube that holds the tumour and two voxels more."""
    n = len(inside)
    where = np.argwhere(inside)
    first = max(int(min(where.min(), n - 1 - where.max())) - 2, 0)
    cube = slice(first, n - first)
    return cube, cube, cube


def _arrangement(field: Array, regions: tuple[NDArray[np.bool_], ...], pattern: float) -> NDArray[np.bool_]:
    """Where the fine bright texture lies: a share p of the core, 1 - p of the rim, half of the rest.

    The latent moves p alone. Histogram and co-occurrence of the whole tumour do not tell p from 1 - p.
    """
    share = float(ndtr(1.2 * pattern))
    bright = np.zeros(field.shape, dtype=np.bool_)
    for region, wanted in zip(regions, (share, 1.0 - share, 0.5), strict=True):
        bright |= region & (field > np.quantile(field[region], 1.0 - wanted))
    return bright


def _infiltrate(rng: Generator, outside_mm: Array, inside: NDArray[np.bool_], latent: float, width_mm: float) -> Array:
    """Strands of tissue that fade out at the planted width (raised cosine of the cubed distance)."""
    strength = min(0.24 * float(np.exp(0.5 * latent)), 0.75)
    field = gaussian_filter(rng.standard_normal(inside.shape, dtype=np.float32), 1.3, mode="wrap", truncate=3.0)
    strands = 0.6 + 1.6 * np.exp(-((field / (0.35 * field.std())) ** 2))
    fade = 0.5 * (1.0 + np.cos(np.pi * np.minimum(outside_mm / width_mm, 1.0) ** 3))
    return np.where(inside, 0.0, np.minimum(strength * fade * strands, 0.95)).astype(np.float32)


def _spicules(rng: Generator, geometry: Geometry, surface: Surface, roughness: float) -> Array:
    """Thin strands that leave the surface into the lung."""
    count = int(min(round(5.0 * float(np.exp(0.45 * roughness))), 18))
    directions = rng.standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    length = rng.uniform(4.0, 9.0, count) * np.exp(0.15 * roughness)
    x, y, z = directions.T.astype(np.float32)
    _, start = surface.at(z, y, x)
    along = np.arange(-1.5, float(length.max()), 0.7)
    reach = start[:, None] + along[None, :]
    radius = 1.3 * np.clip(1.0 - 0.75 * along[None, :] / length[:, None], 0.0, 1.15)
    keep = along[None, :] < length[:, None]
    points = (directions[:, None, :] * reach[..., None])[keep]
    return stamp(geometry, points, radius[keep])
