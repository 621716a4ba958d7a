"""The smooth surface of a mask drawn slice by slice, with sub-voxel accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from perisurv.core import Geometry, Mask, RegionError, Volume

__all__ = ["smooth_surface"]

Bools = NDArray[np.bool_]
Singles = NDArray[np.float32]
Steps = tuple[int, int, int]

# Standard deviation of the smoothing, in steps of the coarsest axis: it takes the stairs away and leaves curvature.
SMOOTH_STEPS = 0.6
ROUNDS = 3
FINEST_MM = 0.75
# How far a sample stays on its side of the surface, mm.
CLEAR_MM = 1e-3


def smooth_surface(mask: Mask) -> Volume:
    """Level function of the mask: negative inside, positive outside; it grows with the distance, about as mm.

    The surface is the smoothest that keeps every voxel centre of the mask on its own side and encloses the volume of
    the mask. It is found by turns: smooth the distance to the mask by a Gaussian without second moment (which leaves
    planes, spheres and cylinders where they are), set the level to the volume of the mask, and move the function
    where a voxel centre of the mask came to lie on the wrong side.

    Parameters
    ----------
    mask
        Region on the grid on which it was drawn.

    Returns
    -------
    Volume
        On a crop around the mask, the grid of the mask with thick steps divided into equal parts.

    Raises
    ------
    RegionError
        If the mask is empty or fills its grid, so that it has no surface.
    """
    if mask.voxel_count == 0 or mask.values.all():
        raise RegionError("A mask that is empty or fills its grid has no surface to measure from.")
    spacing = mask.geometry.spacing_mm
    sigma_mm = SMOOTH_STEPS * max(spacing)
    parts = _parts(spacing)
    inside, geometry = _cropped(mask, 3.0 * sigma_mm)
    fine = _divided(geometry, parts)
    distance = distance_transform_edt(~inside, sampling=spacing) - distance_transform_edt(inside, sampling=spacing)
    level = _between(distance.astype(np.float32), parts)
    sigma = [sigma_mm / step for step in fine.spacing_mm]
    volume = _fine_voxels(inside, parts)
    samples = tuple(slice(None, None, n) for n in parts)
    for _ in range(ROUNDS):
        level = _without_second_moment(level, sigma)
        _enclose(level, volume, max(fine.spacing_mm))
        now = level[samples]
        wrong = np.where(inside, np.maximum(now, -CLEAR_MM) + CLEAR_MM, np.minimum(now, CLEAR_MM) - CLEAR_MM)
        level -= _between(wrong, parts)
    return Volume(level, fine)


def _fine_voxels(inside: Bools, parts: Steps) -> float:
    """Voxels of the divided grid that the mask fills; that grid ends at the outer centres, not half a voxel later."""
    filled = inside.astype(np.float64)
    for axis, part in enumerate(parts):
        ends = np.full(inside.shape[axis], float(part))
        ends[[0, -1]] = 0.5 * (part + 1)
        filled = filled * ends.reshape([-1 if axis == other else 1 for other in range(3)])
    return float(filled.sum())


def _parts(spacing_mm: tuple[float, float, float]) -> Steps:
    """Into how many parts each step is divided, so that all become about as fine as the finest."""
    finest = max(min(spacing_mm), FINEST_MM)
    k, j, i = (max(1, round(step / finest)) for step in spacing_mm)
    return k, j, i


def _cropped(mask: Mask, margin_mm: float) -> tuple[Bools, Geometry]:
    """The mask in its box plus a margin; beyond the border of the grid it goes on as it is there."""
    box = mask.bounding_box(margin_mm)
    wanted = [
        (s.start - int(np.ceil(margin_mm / step)), s.stop + int(np.ceil(margin_mm / step)))
        for s, step in zip(mask.bounding_box(), mask.geometry.spacing_mm, strict=True)
    ]
    pads = [(s.start - first, last - s.stop) for s, (first, last) in zip(box, wanted, strict=True)]
    inside = np.pad(mask.values[box], pads, mode="edge")
    x, y, z = (float(v) for v in mask.geometry.to_mm([first for first, _ in wanted]))
    k, j, i = inside.shape
    return inside, Geometry((k, j, i), mask.geometry.spacing_mm, (x, y, z), mask.geometry.direction)


def _divided(geometry: Geometry, parts: Steps) -> Geometry:
    k, j, i = ((n - 1) * part + 1 for n, part in zip(geometry.shape, parts, strict=True))
    dk, dj, di = (step / part for step, part in zip(geometry.spacing_mm, parts, strict=True))
    return Geometry((k, j, i), (dk, dj, di), geometry.origin_mm, geometry.direction)


def _between(values: Singles, parts: Steps) -> Singles:
    """Linear interpolation onto the divided grid."""
    for axis, part in enumerate(parts):
        if part > 1:
            moved = np.moveaxis(values, axis, 0)
            out = np.empty(((len(moved) - 1) * part + 1, *moved.shape[1:]), dtype=np.float32)
            out[::part] = moved
            rise = moved[1:] - moved[:-1]
            for n in range(1, part):
                out[n::part] = moved[:-1] + np.float32(n / part) * rise
            values = np.moveaxis(out, 0, axis)
    return np.ascontiguousarray(values, dtype=np.float32)


def _without_second_moment(values: Singles, sigma: list[float]) -> Singles:
    once = gaussian_filter(values, sigma, mode="nearest", truncate=3.0)
    return np.asarray(2 * once - gaussian_filter(once, sigma, mode="nearest", truncate=3.0))


def _enclose(level: Singles, voxels: float, step_mm: float) -> None:
    """Shift the level so that it encloses the volume of so many voxels; one at the surface counts by its part."""
    width = 2 * step_mm
    near = level[np.abs(level) < 2 * width]
    whole = float(np.count_nonzero(level <= -2 * width))
    shift = 0.0
    for _ in range(4):
        part = np.clip(0.5 - (near + shift) / width, 0.0, 1.0)
        area = np.count_nonzero((part > 0) & (part < 1)) / width
        if area == 0:
            break
        shift += (whole + float(part.sum()) - voxels) / area
        shift = float(np.clip(shift, -width, width))
    level += np.float32(shift)
