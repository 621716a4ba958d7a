"""Regions of one patient to one row of features."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from perisurv.core import FeatureError, FeatureTable, RegionSet, Volume
from perisurv.radiomics.catalogue import Facts, undefined_reason
from perisurv.radiomics.image_features import image_features, local_features, shape_features
from perisurv.radiomics.options import ExtractOptions
from perisurv.radiomics.prepare import prepare
from perisurv.radiomics.pyradiomics import ibsi_name
from perisurv.radiomics.raster import Box

__all__ = ["extract"]

Features = dict[str, float]
Work = Callable[[], tuple[Features, Facts]]


class _Task(NamedTuple):
    region: str
    image: str
    work: Work


def extract(regions: RegionSet, options: ExtractOptions | None = None, *, threads: int = 1) -> FeatureTable:
    """Radiomics of all regions of one patient.

    Morphology and local intensity of the original image; statistics, histograms and textures of every region on the
    original and on every filtered image. Regions share the crop and the filtered images. Intensities come from the
    voxels whose HU lie in the re-segmentation range, also in filtered images.

    Parameters
    ----------
    regions
        Tumour and rings with their image in HU.
    options
        Families, bins, range, filters, aggregation.
    threads
        Regions worked on at a time. Changes no value.

    Returns
    -------
    FeatureTable
        One row; columns ``region__morph__feature`` and ``region__image__feature``. A feature that has no value for a
        region is NaN, and ``undefined`` holds its reason.

    Raises
    ------
    FeatureError
        If a feature comes out infinite, or as NaN where the catalogue defines it; names patient, region and image.
    """
    # Small matrix products are faster on one core than shared, and images are worked on side by side.
    with _blas().limit(limits=1, user_api="blas"):
        return _row(regions, options or ExtractOptions(), threads)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _row(regions: RegionSet, options: ExtractOptions, threads: int) -> FeatureTable:
    row: Features = {}
    undefined: dict[str, str] = {}
    for task, features, facts in _done(_tasks(regions, options), threads):
        for name, value in features.items():
            column = f"{task.region}__{task.image}__{name}"
            row[column] = value
            if np.isnan(value) and (reason := undefined_reason(ibsi_name(name), facts)):
                undefined[column] = reason
            elif not np.isfinite(value):
                raise FeatureError(
                    f"Patient {regions.patient}: {name} of region {task.region} ({task.image}) came out as {value}, "
                    "which its definition does not allow; look at the image and the contour there."
                )
    frame = pd.DataFrame(np.array([list(row.values())]), index=[regions.patient], columns=list(row))
    return FeatureTable(frame, undefined={regions.patient: undefined} if undefined else {})


def _tasks(regions: RegionSet, options: ExtractOptions) -> Iterator[_Task]:
    """What there is to compute, in the order of the columns."""
    box, original, prepared = prepare(regions, options)
    if "morph" in options.families:
        for region in prepared:
            yield _Task(region.name, "morph", partial(shape_features, region, original, options))
    if "loc" in options.families:
        for region in prepared:
            yield _Task(region.name, "original", partial(local_features, region, regions.image, box))
    if set(options.families) <= {"morph", "loc"}:
        return
    for name, values in _images(regions.image, original, box, options):
        for region in prepared:
            work = partial(image_features, region, values, options, filtered=name != "original")
            yield _Task(region.name, name, work)


def _images(
    image: Volume, original: Volume, box: Box, options: ExtractOptions
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The original and every filtered image on the box; filters see as much around it as they reach."""
    yield "original", original.values
    for image_filter in options.image_filters():
        for name, response in image_filter.responses(image, box):
            yield name, np.ascontiguousarray(response.values)


def _done(tasks: Iterator[_Task], threads: int) -> Iterator[tuple[_Task, Features, Facts]]:
    """Results in the order of the tasks; never more than a few images are held at once."""
    if threads == 1:
        for task in tasks:
            yield task, *task.work()
        return
    waiting: deque[tuple[_Task, Future[tuple[Features, Facts]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for task in tasks:
            waiting.append((task, pool.submit(task.work)))
            while len(waiting) > 4 * threads or (waiting and waiting[0][1].done()):
                first, future = waiting.popleft()
                yield first, *future.result()
        for first, future in waiting:
            yield first, *future.result()
