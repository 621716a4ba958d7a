"""Signed Euclidean distance to the surface of a region, in mm."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, map_coordinates

from perisurv.core import Geometry, Mask
from perisurv.imaging import resample_volume
from perisurv.regions.surface import smooth_surface

__all__ = ["Surface", "Surroundings", "signed_distance_mm", "surroundings"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

ROUNDS = 3
# Share of the way along the surface that a foot point slides in one round; more would overshoot small spheres.
SLIDE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Points on a surface, about two a voxel of surface.

    Parameters
    ----------
    points
        (3, n) indices (k, j, i) on the grid.
    normals
        (3, n) unit normals, outward, along the axes of the grid.
    """

    points: Floats
    normals: Floats

    def within(self, part: NDArray[np.bool_]) -> Surface:
        """The points in a part of the grid."""
        k, j, i = np.clip(np.rint(self.points).astype(np.intp), 0, np.asarray(part.shape)[:, None] - 1)
        kept = part[k, j, i]
        return Surface(self.points[:, kept], self.normals[:, kept])


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Where every voxel of a grid lies relative to a surface.

    Parameters
    ----------
    grid
        The grid.
    distance_mm
        Signed Euclidean distance of the voxel centres to the surface, mm; negative inside.
    surface
        The surface itself.
    """

    grid: Geometry
    distance_mm: Singles
    surface: Surface


def signed_distance_mm(mask: Mask, grid: Geometry | None = None, reach_mm: float = inf) -> Singles:
    """Distance of every voxel centre of a grid to the surface of the mask, mm; negative inside, positive outside.

    The surface is :func:`perisurv.regions.surface.smooth_surface`. Each voxel is taken to its foot point on the surface
    by Newton's method, started from the nearest voxel at the surface.

    Parameters
    ----------
    mask
        Region on the grid on which it was drawn.
    grid
        Grid with parallel axes; by default that of the mask.
    reach_mm
        Farther away the distance is only good to half a voxel.

    Raises
    ------
    RegionError
        If the mask is empty or fills its grid, so that it has no surface.
    """
    return surroundings(mask, grid or mask.geometry, reach_mm).distance_mm


def surroundings(mask: Mask, grid: Geometry, reach_mm: float = inf) -> Surroundings:
    """Distance to the surface of the mask, and the surface; parameters as in :func:`signed_distance_mm`."""
    smooth = smooth_surface(mask)
    level = resample_volume(smooth, grid, outside_hu=float(smooth.values.max())).values
    spacing = np.asarray(grid.spacing_mm)[:, None]
    slopes = [np.gradient(level, step, axis=axis) for axis, step in enumerate(grid.spacing_mm)]
    inside = level <= 0
    at = _at_surface(inside)
    distance, nearest = distance_transform_edt(~at, sampling=grid.spacing_mm, return_indices=True)
    near = distance <= reach_mm + 2 * max(grid.spacing_mm)
    start = np.stack([index[near] for index in nearest]).astype(np.float64)
    feet, normals, distance[near] = _feet(level, slopes, np.argwhere(near).T, start, spacing)
    own = at[near]  # from both sides: feet of one side would lie closer to its voxels
    signed = np.where(inside, -distance, distance).astype(np.float32)
    return Surroundings(grid, signed, Surface(feet[:, own], normals[:, own]))


def _at_surface(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels with a neighbour on the other side."""
    at = np.zeros_like(inside)
    for axis in range(3):
        first, second = np.moveaxis(at, axis, 0)[:-1], np.moveaxis(at, axis, 0)[1:]
        moved = np.moveaxis(inside, axis, 0)
        differs = moved[1:] != moved[:-1]
        first |= differs
        second |= differs
    return at


def _feet(
    level: Singles, slopes: list[Singles], voxels: NDArray[np.intp], feet: Floats, spacing: Floats
) -> tuple[Floats, Floats, Floats]:
    """Foot points of the voxels, (3, n) indices, the unit normals there and the distances, mm."""
    best, best_mm = feet, np.full(feet.shape[1], np.inf)
    for _ in range(ROUNDS):
        value = map_coordinates(level, feet, order=1, mode="nearest")
        slope = np.stack([map_coordinates(s, feet, order=1, mode="nearest") for s in slopes]).astype(np.float64)
        steepness = np.maximum(np.sqrt((slope**2).sum(axis=0)), 1e-3)
        normal = slope / steepness
        feet = feet - normal * (value / steepness) / spacing
        to_voxel = (voxels - feet) * spacing
        # What is left of the level: a foot that did not reach the surface must not look near.
        left = np.abs(map_coordinates(level, feet, order=1, mode="nearest")) / steepness
        distance = np.sqrt((to_voxel**2).sum(axis=0)) + left
        closer = distance < best_mm
        best, best_mm = np.where(closer, feet, best), np.where(closer, distance, best_mm)
        along = to_voxel - normal * (to_voxel * normal).sum(axis=0)
        feet = feet + SLIDE * along / spacing
    return best, normal, best_mm
