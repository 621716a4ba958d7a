"""What the values of a CT must be, whatever file they came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.checks.base import PASSED, Check, Verdict, failed
from perisurv.cohort.checks.window import cut_by_window, rescaled_apart

__all__ = ["IMAGE_CHECKS", "SCAN_CHECKS", "HounsfieldValues", "ImageFile", "OneRescale", "ScanValues", "TumourValues"]

# A CT of the chest holds air: in the lungs about -850 HU, around the patient -1000.
_AIR_HU = -200.0
# Below lies what was not scanned: padding, and what a second subtraction of the offset makes of air.
_PADDING_HU = -1250.0
# What is no air is soft tissue for the most part: fat -100, muscle 50 HU; in a crop of lung, its vessels.
_DENSE_HU, _TISSUE_HU = -500.0, (-450.0, 300.0)
# 90 % of a tumour lie below the first and half of it below the second: air with a contour around it, HU + 1024.
_TUMOUR_HU = (-750.0, 500.0)
_SAMPLE = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class ImageFile:
    """An image and its values; ``name`` stands in messages."""

    name: str
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ScanValues:
    """The values of a CT and those of the tumour in it; ``name`` stands in messages."""

    name: str
    values: NDArray[np.float32]
    tumour: NDArray[np.float32]


class HounsfieldValues:
    """The values can be HU of a chest: finite, with air and with soft tissue, and not cut to a display window."""

    id = "not_hu"
    title = "values plausible as HU"
    fault = "not HU"
    requires = "the values of a CT"

    def judge(self, image: ImageFile | ScanValues, /) -> Verdict:
        """State their range."""
        broken = int(image.values.size - np.count_nonzero(np.isfinite(image.values)))
        if broken:
            return failed(
                f"{image.name} holds {broken} voxels of {image.values.size} whose value is not finite (NaN or "
                "infinite); what belongs there is not guessed. Write air (-1000 HU) where nothing was scanned.",
                broken,
            )
        low, high = float(image.values.min()), float(image.values.max())
        said = f"values from {low:g} to {high:g}"
        problem = _without_air(image.values, low) or _in_a_window(image.values) or _without_tissue(image.values)
        if problem:
            return failed(f"{image.name} holds {said}{problem}", low)
        return Verdict(True, f"{said[0].upper()}{said[1:]} HU.", low)


class OneRescale:
    """What is tissue in one slice is not bone, or thinner than air, in the next."""

    id = "one_rescale"
    title = "slices rescaled alike"
    fault = "not HU"
    requires = "all values of a CT"

    def judge(self, image: ImageFile | ScanValues, /) -> Verdict:
        """Name the first slice that does not go with the one before."""
        k = rescaled_apart(image.values)
        if k is None:
            return PASSED
        return failed(
            f"{image.name}: slice {k + 1} and the one before it (counted from the first of "
            f"{len(image.values)}) cannot both be HU, as soft tissue lies hundreds of HU apart: some slices lack "
            "their RescaleIntercept, or have another. Export the original CT again.",
            k + 1,
        )


class TumourValues:
    """The tumour is neither as thin as air nor as dense as bone."""

    id = "tumour_hu"
    title = "tumour plausible in HU"
    fault = "not HU"
    requires = "CT and tumour"

    def judge(self, scan: ScanValues, /) -> Verdict:
        """State its median."""
        if not scan.tumour.size:
            return Verdict(None, "the tumour is empty")
        middle, upper = (float(v) for v in np.quantile(scan.tumour, (0.5, 0.9)))
        thin, dense = _TUMOUR_HU
        if upper < thin:
            return failed(
                f"{scan.name}: nine tenths of the tumour lie below {upper:.0f} HU, as air does: the offset was taken "
                "off twice, or the contour lies elsewhere. Look at the CT below its contour; export both again.",
                middle,
            )
        if middle > dense:
            return failed(
                f"{scan.name}: half of the tumour lies above {middle:.0f} HU, as bone does: stored values without "
                "their rescale (HU + 1024), or the contour lies elsewhere. Look at the CT below its contour; export "
                "both again.",
                middle,
            )
        return Verdict(True, f"Median of the tumour {middle:.0f} HU.", middle)


def _without_air(values: NDArray[np.float32], low: float) -> str:
    """What is wrong if there is no air where all of a CT was scanned; a sentence to go on with, or nothing."""
    if low >= 0:
        return (
            ", none below zero: stored values without their rescale (HU + 1024), or scaled ones. Convert the CT again "
            "to HU."
        )
    scanned = values[values >= _PADDING_HU] if low < _PADDING_HU else values
    lowest = float(scanned.min()) if scanned.size else low
    if scanned.size and lowest > _AIR_HU:
        return (
            f", and no air below {_AIR_HU:g} HU as every CT of a chest does; it was scaled, windowed or cut to the "
            "tumour. Convert the whole CT again to HU."
        )
    return ""


def _in_a_window(values: NDArray[np.float32]) -> str:
    """What is wrong if a display window cut the values; a sentence to go on with, or nothing."""
    cut = cut_by_window(values)
    return f", and {cut}. Convert the CT again without a window." if cut else ""


def _without_tissue(values: NDArray[np.float32]) -> str:
    """What is wrong if soft tissue does not lie where it does in HU; a sentence to go on with, or nothing."""
    sample = values.ravel()[:: max(values.size // _SAMPLE, 1)]
    dense = sample[sample > _DENSE_HU]
    low, high = _TISSUE_HU
    middle = float(np.median(dense)) if dense.size else -np.inf
    if low <= middle <= high:
        return ""
    where = f"the median of all above {_DENSE_HU:g} is {middle:.0f}" if dense.size else f"none above {_DENSE_HU:g}"
    return (
        f", and no soft tissue where it lies in HU ({where}): another RescaleIntercept or RescaleSlope than that of "
        "the scanner, or inverted values. Export the original CT again."
    )


IMAGE_CHECKS: tuple[Check[ImageFile], ...] = (HounsfieldValues(), OneRescale())
SCAN_CHECKS: tuple[Check[ScanValues], ...] = (HounsfieldValues(), OneRescale(), TumourValues())
