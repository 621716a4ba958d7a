"""Redrawn contours and added noise: how stable is what is measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from perisurv.core import Mask, SettingsError, Volume

__all__ = ["add_noise", "perturb_contour"]

WAVES = 256
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def perturb_contour(mask: Mask, rng: np.random.Generator, sd_mm: float = 1.0, correlation_mm: float = 10.0) -> Mask:
    """The mask as another observer might draw it: its surface moved along the normal by a smooth random field.

    The field is Gaussian in patient space (covariance ``sd^2 exp(-r^2 / (2 correlation^2))``), so one stream moves one
    tumour in the same way on every grid. The outermost voxels of the grid do not change and the deepest voxel of the
    region stays, so that the result is never empty and never newly touches the border of the image.

    Parameters
    ----------
    mask
        Not empty, on any grid, native anisotropic voxels included.
    rng
        Source of the field.
    sd_mm
        Standard deviation of the displacement, mm.
    correlation_mm
        Length over which displacements agree, mm.

    Raises
    ------
    RegionError
        If the mask is empty.
    SettingsError
        If a length is negative, or not positive for the correlation.
    """
    if not (0 <= sd_mm < np.inf and 0 < correlation_mm < np.inf):
        raise SettingsError(
            f"A contour is redrawn with sd_mm >= 0 and correlation_mm > 0, got {sd_mm:g} and {correlation_mm:g}."
        )
    band_mm = 4.0 * sd_mm
    found = mask.bounding_box(band_mm + max(mask.geometry.spacing_mm))
    low, high = (np.array([getattr(s, end) for s in found]) for end in ("start", "stop"))
    low, high = np.maximum(low, 1), np.minimum(high, np.array(mask.values.shape) - 1)
    k, j, i = (slice(int(a), int(max(a, b))) for a, b in zip(low, high, strict=True))
    inside = mask.values[k, j, i]
    moved = np.array(mask.values)
    if inside.any() and not inside.all():
        distance = _half_voxel_distance(inside, mask.geometry.spacing_mm)
        near = np.abs(distance) < band_mm
        points = mask.geometry.to_mm(np.argwhere(near) + low)
        redrawn = np.array(inside)
        redrawn[near] = distance[near] < sd_mm * _smooth_field(points / correlation_mm, rng)
        redrawn[np.unravel_index(np.argmin(distance), distance.shape)] = True
        moved[k, j, i] = redrawn
    return Mask(moved, mask.geometry)


def add_noise(volume: Volume, rng: np.random.Generator, sd_hu: float) -> Volume:
    """The image with independent Gaussian noise of this standard deviation added.

    Raises
    ------
    SettingsError
        If the standard deviation is negative or not finite.
    """
    if not 0 <= sd_hu < np.inf:
        raise SettingsError(f"The standard deviation of added noise must not be negative in HU, got {sd_hu:g}.")
    noise = rng.standard_normal(volume.values.shape, dtype=np.float32)
    return Volume(volume.values + np.float32(sd_hu) * noise, volume.geometry)


def _half_voxel_distance(inside: Bools, spacing_mm: tuple[float, float, float]) -> Floats:
    """Signed distance in mm to the faces between voxels; a neighbour across the surface is half a step away."""
    return _to(inside, spacing_mm) - _to(~inside, spacing_mm)


def _to(target: Bools, spacing_mm: tuple[float, float, float]) -> Floats:
    distance, nearest = distance_transform_edt(~target, sampling=spacing_mm, return_indices=True)
    steps = np.abs(nearest - np.indices(target.shape)).max(axis=0)
    return np.asarray(distance * (1.0 - 0.5 / np.maximum(steps, 1)))


def _smooth_field(points: Floats, rng: np.random.Generator) -> Floats:
    """Gaussian random field of unit variance and correlation length at these points (n, 3), as a sum of waves."""
    directions = rng.standard_normal((WAVES, 3))
    phases = rng.uniform(0.0, 2.0 * np.pi, WAVES)
    total = np.zeros(len(points))
    for direction, phase in zip(directions, phases, strict=True):
        total += np.cos(points @ direction + phase)
    total *= np.sqrt(2.0 / WAVES)
    return total
