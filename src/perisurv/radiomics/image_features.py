"""One region of one image to its features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Volume
from perisurv.radiomics.catalogue import FAMILIES, Facts, names
from perisurv.radiomics.discretise import fixed_bin_number, fixed_bin_size
from perisurv.radiomics.histogram import histogram
from perisurv.radiomics.intensity_volume import intensity_volume
from perisurv.radiomics.local_intensity import local_intensity
from perisurv.radiomics.morphology import intensity_shape, shape
from perisurv.radiomics.options import ExtractOptions, Family
from perisurv.radiomics.prepare import PreparedRegion
from perisurv.radiomics.pyradiomics import pyradiomics_features, pyradiomics_names, pyradiomics_shape
from perisurv.radiomics.raster import Bins, Box, GreyLevels
from perisurv.radiomics.spatial import autocorrelation
from perisurv.radiomics.statistics import statistics
from perisurv.radiomics.texture import texture_features

__all__ = ["MINIMUM_VOXELS", "bins_of", "image_features", "local_features", "shape_features"]

Features = dict[str, float]
MINIMUM_VOXELS = 2
# What the IBSI advises for the intensity-volume histogram of arbitrary units.
_ARBITRARY_UNITS_BINS = 1000


def image_features(
    region: PreparedRegion, image: NDArray[np.float32], options: ExtractOptions, *, filtered: bool
) -> tuple[Features, Facts]:
    """Statistics, histograms and textures.

    Parameters
    ----------
    region
        The region, rastered in the box of the image.
    image
        CT in HU or a filtered image, (slices, rows, columns).
    options
        Families, bins, aggregation.
    filtered
        Whether the image has arbitrary units, and is discretised as filtered images are.

    Returns
    -------
    tuple
        Name -> value, NaN where undefined (everything for fewer than two voxels); what decides why.
    """
    families = [f for f in FAMILIES if f in options.families and f not in {"morph", "loc"}]
    theirs = options.naming == "pyradiomics"
    if region.raster.n_voxels < MINIMUM_VOXELS:
        named = pyradiomics_names if theirs else names
        nothing = {name: float("nan") for family in families for name in named(family)}
        return nothing, Facts(region.raster.n_voxels, constant=True)
    values = region.raster.gather(image) if filtered else region.values
    ascending = np.sort(values)
    facts = Facts(values.size, constant=bool(ascending[0] == ascending[-1]))
    grey = region.raster.place(values, bins_of(ascending, options, filtered=filtered))
    if theirs:
        return pyradiomics_features(ascending, grey, families, region.voxel_volume_mm3), facts
    table = _first_order(ascending, grey, families, options, filtered=filtered)
    features = {
        name: float(value)
        for family in families
        if family in table
        for name, value in zip(names(family), table[family], strict=True)
    }
    return features | texture_features(grey, options.aggregation, families, region.distance), facts


def _first_order(
    ascending: NDArray[np.float32],
    grey: GreyLevels,
    families: list[Family],
    options: ExtractOptions,
    *,
    filtered: bool,
) -> dict[str, NDArray[np.float64]]:
    table: dict[str, NDArray[np.float64]] = {}
    if "stat" in families:
        table["stat"] = statistics(ascending)
    if "ih" in families:
        table["ih"] = histogram(grey.counts)
    if "ivh" in families:
        number = (options.ivh_bins or _ARBITRARY_UNITS_BINS) if filtered else options.ivh_bins
        table["ivh"] = intensity_volume(ascending, options.ivh_bin_width_hu, number, options.resegment_hu)
    return table


def shape_features(region: PreparedRegion, image: Volume, options: ExtractOptions) -> tuple[Features, Facts]:
    """Morphology; of a ring its voxel volume only, unless the options want all."""
    spacing = image.geometry.spacing_mm
    values = region.values
    facts = Facts(values.size, constant=values.size > 0 and bool(values.min() == values.max()))
    if options.naming == "pyradiomics":
        return pyradiomics_shape(region.whole, spacing), facts
    if region.name != "tumour" and not options.ring_morphology:
        return {"morph_vol_approx": region.whole.n_voxels * image.geometry.voxel_volume_mm3}, facts
    found = shape(region.whole, spacing)
    found |= intensity_shape(region.whole, region.raster, values, spacing, found["morph_volume"])
    if options.autocorrelation:
        found["morph_moran_i"], found["morph_geary_c"] = autocorrelation(region.raster, values, spacing)
    return {name: found[name] for name in names("morph") if name in found}, facts


def local_features(region: PreparedRegion, image: Volume, box: Box) -> tuple[Features, Facts]:
    """Local and global intensity peak; the image reaches beyond the box of the regions."""
    peaks = local_intensity(image, region.raster, box)
    return dict(zip(names("loc"), peaks, strict=True)), Facts(region.raster.n_voxels, constant=False)


def bins_of(ascending: NDArray[np.float32], options: ExtractOptions, *, filtered: bool) -> Bins:
    """Bins of the intensities of one region."""
    lowest, highest = float(ascending[0]), float(ascending[-1])
    number = options.filtered_bins if filtered else options.ct_bins
    if number:
        return fixed_bin_number(number, lowest, highest)
    width = options.filtered_bin_width if filtered else options.bin_width_hu
    lower = lowest
    if options.bin_origin == "multiple":
        lower = lowest - lowest % width
    elif options.bin_origin == "range" and not filtered and np.isfinite(options.resegment_hu[0]):
        lower = options.resegment_hu[0]
    return fixed_bin_size(width, lower, lowest, highest)
