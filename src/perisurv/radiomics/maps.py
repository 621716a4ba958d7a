"""Feature maps: a feature of the window around every voxel of a region."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from perisurv.core import FeatureError, Geometry, GeometryError, Mask, Volume
from perisurv.radiomics.catalogue import names
from perisurv.radiomics.image_features import bins_of
from perisurv.radiomics.options import ExtractOptions
from perisurv.radiomics.prepare import intensity_range
from perisurv.radiomics.raster import GUARD, Bins
from perisurv.radiomics.statistics import statistics
from perisurv.radiomics.texture import DIRECTIONS

__all__ = ["FeatureMap", "feature_map"]

Floats = NDArray[np.float64]
_FAMILIES = ("stat", "cm", "rlm", "ngl")


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMap:
    """A feature around every voxel of a region.

    Parameters
    ----------
    feature
        Tag of the feature.
    values
        Array (slices, rows, columns), float32; NaN outside the region and where the window leaves it undefined.
    geometry
        The grid of the values.
    """

    feature: str
    values: NDArray[np.float32]
    geometry: Geometry


def feature_map(
    image: Volume,
    mask: Mask,
    feature: str,
    *,
    radius_voxels: int = 2,
    options: ExtractOptions | None = None,
    filtered: bool = False,
    at: Mask | None = None,
) -> FeatureMap:
    """A feature of the cube around every voxel of a region, of the voxels of the region only.

    Grey levels are those of the whole region, so that windows can be compared; matrices are 3D and merged.

    Parameters
    ----------
    image
        CT in HU or a filtered image.
    mask
        The region.
    feature
        A statistic or a feature of co-occurrence, run lengths or dependence (``stat_``, ``cm_``, ``rlm_``, ``ngl_``).
    radius_voxels
        Half the side of the cube: 2 for 5 x 5 x 5 voxels.
    options
        Re-segmentation and bins.
    filtered
        Whether the image is discretised as filtered images are, and not re-segmented.
    at
        Where the feature is wanted, such as one slice; everywhere by default. Windows reach beyond it.

    Raises
    ------
    FeatureError
        If there is no map of the feature, or the radius is not within 1..10.
    GeometryError
        If mask, image and ``at`` do not share one grid.
    """
    options = options or ExtractOptions()
    known = [name for family in _FAMILIES for name in names(family)]
    if feature not in known:
        raise FeatureError(f"There is no map of {feature!r}; there are maps of {', '.join(_FAMILIES)} features.")
    if not 1 <= radius_voxels <= 10:
        raise FeatureError(f"The radius of a feature map must lie within 1..10 voxels, got {radius_voxels}.")
    for one in (mask, at or mask):
        if not one.geometry.is_close(image.geometry):
            raise GeometryError(f"Mask {one.geometry.shape} and image {image.geometry.shape} do not share one grid.")
    inside = mask.values
    if not filtered:
        low, high = intensity_range(image.values[mask.values], options)
        inside = inside & (image.values >= low) & (image.values <= high)
    values = np.full(image.values.shape, np.nan, np.float32)
    wanted = inside if at is None else inside & at.values
    if wanted.any():
        box = Mask(inside, mask.geometry).bounding_box()
        part, centres = np.ascontiguousarray(image.values[box]), np.argwhere(wanted[box])
        if feature.startswith("stat_"):
            found = _statistic_map(part, inside[box], centres, feature, radius_voxels)
        else:
            lowest_first = np.sort(image.values[inside])
            bins = bins_of(lowest_first, options, filtered=filtered)
            found = _texture_map(_levels(part, inside[box], bins), centres, feature, radius_voxels)
        values[wanted] = found
    return FeatureMap(feature, values, image.geometry)


def _statistic_map(
    image: NDArray[np.float32], inside: NDArray[np.bool_], centres: NDArray[np.int64], feature: str, radius: int
) -> Floats:
    at = names("stat").index(feature)
    padded = np.pad(np.where(inside, image, np.nan), radius, constant_values=np.nan)
    width = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (width, width, width))
    out = np.empty(len(centres))
    for v, (k, j, i) in enumerate(centres):
        window = windows[k, j, i]
        out[v] = statistics(np.sort(window[~np.isnan(window)]))[at]
    return out


def _levels(image: NDArray[np.float32], inside: NDArray[np.bool_], bins: Bins) -> NDArray[np.unsignedinteger]:
    """Grey levels as an array; 0 outside the region."""
    lower, numerator, denominator, highest = bins
    kind: type[np.unsignedinteger] = np.uint8 if highest <= 255 else np.uint16
    levels: NDArray[np.unsignedinteger] = np.zeros(inside.shape, dtype=kind)
    steps = numerator * (image[inside].astype(float) - lower) / denominator
    levels[inside] = np.minimum(np.floor(steps) + 1, highest)
    return levels


def _texture_map(levels: NDArray[np.unsignedinteger], centres: NDArray[np.int64], feature: str, radius: int) -> Floats:
    from perisurv.radiomics.kernels import maps  # noqa: PLC0415 (numba, only here)

    padded = np.pad(levels, radius)
    row = 2 * radius + 3
    plane = row * row
    guard = plane * -(-GUARD // plane)
    layout = np.array([row * plane + 2 * guard, guard + plane + row + 1, (row - 2) ** 3])
    offsets = np.array([k * plane + j * row + i for k, j, i in DIRECTIONS])
    rows = np.array([k * plane + j * row for k, j in product((-1, 0, 1), repeat=2)])
    family = feature.split("_", maxsplit=1)[0]
    count = {"cm": maps.cooccurrence_map, "rlm": maps.run_length_map, "ngl": maps.dependence_map}[family]
    steps = rows if family == "ngl" else offsets
    return np.asarray(count(padded, centres, radius, steps, layout, names(family).index(feature)))
