"""Regions of a patient made ready for all images: cropped, re-segmented, rastered once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import RegionSet, Volume
from perisurv.radiomics.options import ExtractOptions
from perisurv.radiomics.raster import Box, Raster, box_of
from perisurv.radiomics.texture import AGGREGATIONS

__all__ = ["PreparedRegion", "intensity_range", "prepare"]


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRegion:
    """One region on the box that holds all regions.

    Parameters
    ----------
    name
        Of the region.
    whole
        Runs of all voxels (IBSI: morphological mask).
    raster
        Runs of the voxels whose intensities count (IBSI: intensity mask), in the same box.
    values
        Intensities of the CT along the raster, HU.
    distance
        Distance of every position of the raster to the outside of the region itself, voxels.
    voxel_volume_mm3
        Volume of a voxel.
    """

    name: str
    whole: Raster
    raster: Raster
    values: NDArray[np.float32]
    distance: NDArray[np.uint16]
    voxel_volume_mm3: float


def prepare(regions: RegionSet, options: ExtractOptions) -> tuple[Box, Volume, list[PreparedRegion]]:
    """The smallest box around all regions, the image there, and the regions on it."""
    boxes = [box_of(region.mask.values) for region in regions]
    starts = [min(box[axis].start for box in boxes) for axis in range(3)]
    stops = [max(box[axis].stop for box in boxes) for axis in range(3)]
    around = slice(starts[0], stops[0]), slice(starts[1], stops[1]), slice(starts[2], stops[2])
    geometry = regions.image.geometry.crop(around)
    image = Volume(np.ascontiguousarray(regions.image.values[around]), geometry)
    planar = AGGREGATIONS[options.aggregation].planar
    prepared = []
    for region, box in zip(regions, boxes, strict=True):
        whole = Raster.of(region.mask.values, box, around)
        values = whole.gather(image.values)
        low, high = intensity_range(values, options)
        raster = whole.within(values, low, high)
        values = values if raster is whole else values[(values >= low) & (values <= high)]
        distance = whole.edge_distance(planar=planar)
        prepared.append(PreparedRegion(region.name, whole, raster, values, distance, geometry.voxel_volume_mm3))
    return around, image, prepared


def intensity_range(values: NDArray[np.float32], options: ExtractOptions) -> tuple[float, float]:
    """Range of the CT that counts: re-segmentation and outliers (IBSI 2.6, codes USB3 and 7ACA).

    Parameters
    ----------
    values
        Intensities of the region. Mean and standard deviation are those of the values inside ``resegment_hu``.
    options
        Range and reach.
    """
    low, high = options.resegment_hu
    if options.outlier_sigma:
        inside = values[(values >= low) & (values <= high)].astype(float)
        if inside.size:
            reach = options.outlier_sigma * inside.std()
            low, high = max(low, inside.mean() - reach), min(high, inside.mean() + reach)
    return low, high
