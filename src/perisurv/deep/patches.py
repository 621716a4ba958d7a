"""Regions of a patient -> the cube that the network sees. No torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from perisurv.core import GeometryError, RegionSet, SettingsError
from perisurv.deep.options import DeepOptions

__all__ = ["cut_patch"]

AIR = -1.0  # lower end of the window, what lies outside the image


def cut_patch(regions: RegionSet, options: DeepOptions | None = None) -> NDArray[np.float32]:
    """CT and tumour mask in a cube around the tumour.

    The cube is cut on the grid of the regions (1 mm) without interpolation, centred on the tumour's centre of mass
    to half a voxel, filled with air where the image ends, and averaged over the volume of each larger voxel where
    ``patch_voxels`` is smaller.

    Parameters
    ----------
    regions
        With a region ``"tumour"`` on an isotropic grid.
    options
        ``patch_mm``, ``patch_voxels``, ``window_hu``, ``surround_mm``; the defaults of `DeepOptions` if None.

    Returns
    -------
    ndarray
        (2, patch_voxels, patch_voxels, patch_voxels): CT with the window mapped to -1..1, and the share of each
        voxel that is tumour.

    Raises
    ------
    GeometryError
        If the grid is not isotropic.
    SettingsError
        If the cube on this grid has fewer voxels than ``patch_voxels``.
    """
    options = options or DeepOptions()
    size = _edge_voxels(regions, options)
    tumour = regions["tumour"].mask.values.astype(np.float32)
    centre = np.array([index.mean() for index in np.nonzero(tumour)])
    start = np.floor(centre - (size - 1) / 2 + 0.5).astype(int)
    low, high = options.window_hu
    ct = _cube(regions.image.values, start, size, fill=low)
    mask = _cube(tumour, start, size, fill=0)
    ct = np.clip((ct - 0.5 * (low + high)) / (0.5 * (high - low)), -1.0, 1.0)
    spacing_mm = regions.image.geometry.spacing_mm[0]
    # A tumour whose centre of mass lies in a cavity wider than the cube leaves the cube empty.
    if mask.any():
        ct[distance_transform_edt(mask == 0) * spacing_mm > options.surround_mm] = AIR
    return _average(np.stack([ct, mask]), options.patch_voxels).astype(np.float32)


def _edge_voxels(regions: RegionSet, options: DeepOptions) -> int:
    spacing = regions.image.geometry.spacing_mm
    if max(spacing) - min(spacing) > 1e-6:
        raise GeometryError(f"Patient {regions.patient}: a patch needs an isotropic grid, got spacing {spacing} mm.")
    size = round(options.patch_mm / spacing[0])
    if size < options.patch_voxels:
        raise SettingsError(
            f"Network: patch_voxels = {options.patch_voxels} on a cube of {size} voxels of {spacing[0]:g} mm; "
            "lower patch_voxels or raise patch_mm."
        )
    return size


def _cube(values: NDArray[np.float32], start: NDArray[np.int_], size: int, fill: float) -> NDArray[np.float64]:
    """A cube of voxels that may reach out of the array."""
    cube = np.full((size, size, size), fill)
    box = [(max(int(s), 0), min(int(s) + size, n)) for s, n in zip(start, values.shape, strict=True)]
    if all(a < b for a, b in box):
        inside = tuple(slice(a - int(s), b - int(s)) for (a, b), s in zip(box, start, strict=True))
        cube[inside] = values[tuple(slice(a, b) for a, b in box)]
    return cube


def _average(channels: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Mean over the volume of each of size^3 voxels; a voxel on a border counts by its share."""
    n = channels.shape[-1]
    if n == size:
        return channels
    edges = np.arange(size + 1) * (n / size)
    voxel = np.arange(n)
    overlap = np.minimum(edges[1:, None], voxel + 1) - np.maximum(edges[:-1, None], voxel)
    weight = np.maximum(overlap, 0.0) * (size / n)
    averaged: NDArray[np.float64] = np.einsum("ak,bj,ci,xkji->xabc", weight, weight, weight, channels, optimize=True)
    return averaged
