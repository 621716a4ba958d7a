"""Regions of one patient to one row of features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureError, FeatureTable, GeometryError, Mask, Region, RegionSet, Volume
from perisurv.imaging import laplacian_of_gaussian
from perisurv.radiomics.catalogue import feature_catalogue, names
from perisurv.radiomics.discretise import fixed_bin_number, fixed_bin_size
from perisurv.radiomics.histogram import histogram
from perisurv.radiomics.morphology import morphology
from perisurv.radiomics.options import ExtractOptions
from perisurv.radiomics.statistics import statistics
from perisurv.radiomics.texture import TEXTURES, texture_features

__all__ = ["extract", "extract_region"]

Features = dict[str, float]
MINIMUM_VOXELS = 2
_MAY_BE_UNDEFINED = {spec.name for spec in feature_catalogue() if spec.undefined}


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
        Families, bins, range, filters, aggregation.

    Returns
    -------
    FeatureTable
        One row; columns ``region__morph__feature`` and ``region__image__feature``. NaN where the catalogue says that a
        feature is undefined, and for all intensities of a region with fewer than two voxels in the range.

    Raises
    ------
    FeatureError
        If a feature comes out infinite, or as NaN where the catalogue defines it; names patient, region and image.
    """
    options = options or ExtractOptions()
    low, high = options.resegment_hu
    in_range = (regions.image.values >= low) & (regions.image.values <= high)
    row: Features = {}
    if "morph" in options.families:
        for region in regions:
            row |= _columns(regions.patient, region.name, "morph", _shape(regions, region, in_range, options))
    for image_name, image in _images(regions.image, options):
        for region in regions:
            mask = Mask(region.mask.values & in_range, region.mask.geometry)
            features = extract_region(image, mask, options, filtered=image is not regions.image)
            empty = mask.voxel_count < MINIMUM_VOXELS
            row |= _columns(regions.patient, region.name, image_name, features, all_undefined=empty)
    return FeatureTable(pd.DataFrame([row], index=[regions.patient]))


def extract_region(
    image: Volume, mask: Mask, options: ExtractOptions | None = None, *, filtered: bool = False
) -> Features:
    """Statistics, histogram and textures of one region of one image.

    Parameters
    ----------
    image
        CT in HU or a filtered image.
    mask
        Voxels whose intensities count: the region inside the re-segmentation range.
    options
        Families, bins, aggregation.
    filtered
        Whether the image has arbitrary units, so that it is discretised into ``filtered_bins``.

    Returns
    -------
    dict
        Name -> value, all NaN for fewer than two voxels.

    Raises
    ------
    GeometryError
        If mask and image do not share one grid.
    FeatureError
        If the CT has a value below the first bin.
    """
    options = options or ExtractOptions()
    if not mask.geometry.is_close(image.geometry):
        raise GeometryError(f"Mask {mask.geometry.shape} and image {image.geometry.shape} do not share one grid.")
    if mask.voxel_count < MINIMUM_VOXELS:
        families = [f for f in options.families if f != "morph"]
        return {name: float("nan") for family in families for name in names(family)}
    box = mask.bounding_box()
    inside = mask.values[box]
    values = image.values[box][inside]
    levels = np.zeros(inside.shape, dtype=np.int32)
    levels[inside] = _discretised(values, options, filtered)
    features: Features = {}
    if "stat" in options.families:
        features |= dict(zip(names("stat"), statistics(values), strict=True))
    if "ih" in options.families:
        features |= dict(zip(names("ih"), histogram(levels[inside]), strict=True))
    return features | texture_features(levels, options.aggregation, options.families)


def _discretised(values: NDArray[np.float32], options: ExtractOptions, filtered: bool) -> NDArray[np.int32]:
    bins = options.filtered_bins if filtered else options.ct_bins
    if bins:
        return fixed_bin_number(values, bins)
    return fixed_bin_size(values, options.bin_width_hu, options.resegment_hu[0])


def _shape(regions: RegionSet, region: Region, in_range: NDArray[np.bool_], options: ExtractOptions) -> Features:
    if region.name != "tumour" and not options.ring_morphology:
        return {"morph_vol_approx": region.mask.voxel_count * region.mask.geometry.voxel_volume_mm3}
    box = region.mask.bounding_box()
    mask = region.mask.crop(box)
    intensity_mask = Mask(mask.values & in_range[box], mask.geometry)
    return dict(zip(names("morph"), morphology(regions.image.crop(box), mask, intensity_mask), strict=True))


def _images(image: Volume, options: ExtractOptions) -> Iterator[tuple[str, Volume]]:
    if set(options.families).isdisjoint(("stat", "ih", *TEXTURES)):
        return
    yield "original", image
    for sigma in options.log_sigmas_mm:
        yield f"log_{sigma:g}mm", laplacian_of_gaussian(image, sigma)


def _columns(
    patient: str, region: str, part: str, features: Mapping[str, float], *, all_undefined: bool = False
) -> Features:
    """Features under their full names; no error may hide behind a number that is not finite."""
    for name, value in features.items():
        undefined = np.isnan(value) and (all_undefined or name in _MAY_BE_UNDEFINED)
        if not (np.isfinite(value) or undefined):
            raise FeatureError(
                f"Patient {patient}: {name} of region {region} ({part}) came out as {value}, which its definition does "
                "not allow; look at the image and the contour there."
            )
    return {f"{region}__{part}__{name}": value for name, value in features.items()}
