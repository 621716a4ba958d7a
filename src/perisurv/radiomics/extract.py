"""Regions of one patient to one row of features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureTable, Mask, Region, RegionError, RegionSet, Volume
from perisurv.imaging import laplacian_of_gaussian
from perisurv.radiomics.catalogue import names
from perisurv.radiomics.discretise import fixed_bin_number, fixed_bin_size
from perisurv.radiomics.emphasis import emphasis
from perisurv.radiomics.glcm import glcm
from perisurv.radiomics.morphology import morphology
from perisurv.radiomics.ngtdm import ngtdm
from perisurv.radiomics.options import ExtractOptions
from perisurv.radiomics.statistics import statistics

__all__ = ["extract", "intensity_features", "texture_features"]

Levels = NDArray[np.int32]
Features = dict[str, float]
MINIMUM_VOXELS = 2
TEXTURE = ("cm", "rlm", "szm", "ngt", "ngl")
_NAN = float("nan")


def extract(regions: RegionSet, options: ExtractOptions | None = None) -> FeatureTable:
    """Radiomics of all regions of one patient.

    Morphology of the tumour, voxel volume of the rings; statistics and texture of every region on the original and on
    every filtered image. A filtered image is made once for all regions. Intensities come from the voxels whose HU lie
    in the re-segmentation range, also in filtered images.

    Parameters
    ----------
    regions
        Tumour and rings with their image in HU.
    options
        Bins, range, filters, aggregation.

    Returns
    -------
    FeatureTable
        One row; columns ``region__morph__feature`` and ``region__image__feature``. NaN where the catalogue says that a
        feature is undefined, and for all intensities of a region with fewer than two voxels in the range.
    """
    options = options or ExtractOptions()
    low, high = options.resegment_hu
    in_range = (regions.image.values >= low) & (regions.image.values <= high)
    row: Features = {}
    for region in regions:
        row |= {f"{region.name}__morph__{k}": v for k, v in _shape(regions, region, in_range).items()}
    for image_name, image in _images(regions.image, options):
        for region in regions:
            mask = region.mask.values & in_range
            features = _region(image, mask, image_name, options)
            row |= {f"{region.name}__{image_name}__{name}": value for name, value in features.items()}
    return FeatureTable(pd.DataFrame([row], index=[regions.patient]))


def intensity_features(values: NDArray[np.floating]) -> Features:
    """Statistics of the intensities of a region."""
    return dict(zip(names("stat"), statistics(values), strict=True))


def texture_features(levels: Levels, aggregation: str = "merged") -> Features:
    """Features of the five texture matrices.

    Parameters
    ----------
    levels
        Box (slices, rows, columns) around the region: grey levels from 1, 0 outside.
    aggregation
        ``merged`` or ``averaged`` over the directions, for co-occurrence and run lengths.

    Raises
    ------
    RegionError
        If the box holds no voxel or a negative level.
    """
    from perisurv.radiomics.kernels import texture  # noqa: PLC0415 (numba, only here)

    if not levels.any() or levels.min() < 0:
        raise RegionError("Texture needs a box with at least one voxel of a grey level of 1 or more.")
    padded = np.ascontiguousarray(np.pad(levels, 1).astype(np.int32))
    n, n_voxels = int(levels.max()), int(np.count_nonzero(levels))
    directions = texture.DIRECTIONS.astype(np.int64)
    features = dict(zip(names("cm"), glcm(texture.cooccurrence(padded, directions, n), aggregation), strict=True))
    runs = texture.run_lengths(padded, directions, n).astype(float)
    features |= dict(zip(names("rlm"), _runs(runs, n_voxels, aggregation), strict=True))
    features |= dict(zip(names("szm"), _zones(*texture.zones(padded), n, n_voxels), strict=True))
    voxels, difference, dependence = texture.neighbourhood(padded, n)
    features |= dict(zip(names("ngt"), ngtdm(voxels, difference), strict=True))
    return features | dict(zip(names("ngl"), _dependence(dependence.astype(float), n_voxels), strict=True))


def _shape(regions: RegionSet, region: Region, in_range: NDArray[np.bool_]) -> Features:
    if region.name != "tumour":
        return {"morph_vol_approx": region.mask.voxel_count * region.mask.geometry.voxel_volume_mm3}
    box = region.mask.bounding_box()
    mask = region.mask.crop(box)
    intensity_mask = Mask(mask.values & in_range[box], mask.geometry)
    return dict(zip(names("morph"), morphology(regions.image.crop(box), mask, intensity_mask), strict=True))


def _images(image: Volume, options: ExtractOptions) -> Iterator[tuple[str, Volume]]:
    yield "original", image
    for sigma in options.log_sigmas_mm:
        yield f"log_{sigma:g}mm", laplacian_of_gaussian(image, sigma)


def _region(image: Volume, mask: NDArray[np.bool_], image_name: str, options: ExtractOptions) -> Features:
    if np.count_nonzero(mask) < MINIMUM_VOXELS:
        return {name: _NAN for family in ("stat", *TEXTURE) for name in names(family)}
    box = Mask(mask, image.geometry).bounding_box()
    inside = mask[box]
    values = image.values[box][inside]
    levels = np.zeros(inside.shape, dtype=np.int32)
    if image_name == "original":
        levels[inside] = fixed_bin_size(values, options.bin_width_hu, options.resegment_hu[0])
    else:
        levels[inside] = fixed_bin_number(values, options.filtered_bins)
    return intensity_features(values) | texture_features(levels, options.aggregation)


def _runs(runs: NDArray[np.float64], n_voxels: int, aggregation: str) -> tuple[float, ...]:
    lengths = np.arange(1, runs.shape[2] + 1, dtype=float)
    if aggregation == "merged":
        return emphasis(runs.sum(axis=0), lengths, n_voxels * runs.shape[0])
    rows = [emphasis(one, lengths, n_voxels) for one in runs]
    return tuple(float(v) for v in np.mean(rows, axis=0))


def _zones(level: Levels, size: Levels, n_levels: int, n_voxels: int) -> tuple[float, ...]:
    sizes, column = np.unique(size, return_inverse=True)
    counts = np.zeros((n_levels, sizes.size))
    np.add.at(counts, (level - 1, column), 1.0)
    return emphasis(counts, sizes.astype(float), n_voxels)


def _dependence(counts: NDArray[np.float64], n_voxels: int) -> tuple[float, ...]:
    values = emphasis(counts, np.arange(1, counts.shape[1] + 1, dtype=float), n_voxels)
    energy = float(((counts / counts.sum()) ** 2).sum())
    return (*values, energy)
