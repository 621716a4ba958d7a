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
from perisurv.radiomics.raster import GUARD, Raster
from perisurv.radiomics.statistics import statistics

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

    Raises
    ------
    FeatureError
        If there is no map of the feature, or the radius is not within 1..10.
    GeometryError
        If mask and image do not share one grid.
    """
    options = options or ExtractOptions()
    known = [name for family in _FAMILIES for name in names(family)]
    if feature not in known:
        raise FeatureError(f"There is no map of {feature!r}; there are maps of {', '.join(_FAMILIES)} features.")
    if not 1 <= radius_voxels <= 10:
        raise FeatureError(f"The radius of a feature map must lie within 1..10 voxels, got {radius_voxels}.")
    if not mask.geometry.is_close(image.geometry):
        raise GeometryError(f"Mask {mask.geometry.shape} and image {image.geometry.shape} do not share one grid.")
    inside = mask.values
    if not filtered:
        low, high = intensity_range(image.values[mask.values], options)
        inside = inside & (image.values >= low) & (image.values <= high)
    values = np.full(image.values.shape, np.nan, np.float32)
    if inside.any():
        box = Mask(inside, mask.geometry).bounding_box()
        part = np.full(inside[box].shape, np.nan, np.float32)
        within = inside[box]
        of_image = np.ascontiguousarray(image.values[box])
        if feature.startswith("stat_"):
            part[within] = _statistic_map(of_image, within, feature, radius_voxels)
        else:
            part[within] = _texture_map(of_image, within, feature, radius_voxels, bins_options=(options, filtered))
        values[box] = part
    return FeatureMap(feature, values, image.geometry)


def _statistic_map(image: NDArray[np.float32], inside: NDArray[np.bool_], feature: str, radius: int) -> Floats:
    at = names("stat").index(feature)
    padded = np.pad(np.where(inside, image, np.nan), radius, constant_values=np.nan)
    width = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (width, width, width))
    out = np.empty(int(inside.sum()))
    for v, (k, j, i) in enumerate(np.argwhere(inside)):
        window = windows[k, j, i]
        out[v] = statistics(np.sort(window[~np.isnan(window)]))[at]
    return out


def _texture_map(
    image: NDArray[np.float32],
    inside: NDArray[np.bool_],
    feature: str,
    radius: int,
    bins_options: tuple[ExtractOptions, bool],
) -> Floats:
    from perisurv.radiomics.kernels import maps  # noqa: PLC0415 (numba, only here)

    options, filtered = bins_options
    raster = Raster.of(inside, (slice(0, inside.shape[0]), slice(0, inside.shape[1]), slice(0, inside.shape[2])))
    values = raster.gather(image)
    lower, numerator, denominator, highest = bins_of(np.sort(values), options, filtered=filtered)
    levels = np.zeros(inside.shape, np.uint8 if highest <= 255 else np.uint16)
    levels[inside] = np.minimum(np.floor(numerator * (image[inside].astype(float) - lower) / denominator) + 1, highest)
    padded = np.pad(levels, radius)
    row = 2 * radius + 3
    plane = row * row
    guard = plane * -(-GUARD // plane)
    layout = np.array([row * plane + 2 * guard, guard + plane + row + 1, (row - 2) ** 3])
    forward = [step for step in product((0, 1), (-1, 0, 1), (-1, 0, 1)) if step > (0, 0, 0)]
    offsets = np.array([k * plane + j * row + i for k, j, i in forward])
    rows = np.array([k * plane + j * row for k, j in product((-1, 0, 1), repeat=2)])
    family = feature.split("_", maxsplit=1)[0]
    count = {"cm": maps.cooccurrence_map, "rlm": maps.run_length_map, "ngl": maps.dependence_map}[family]
    steps = rows if family == "ngl" else offsets
    return np.asarray(count(padded, np.argwhere(inside), radius, steps, layout, names(family).index(feature)))
