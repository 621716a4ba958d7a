"""Which air is outside of a patient, and which is lung that the border of the image cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.imaging.shapes import Bools, neighbours

__all__ = ["THIN_HU", "Part", "gas_of", "lung_like", "outside_parts", "parts_of"]

Singles = NDArray[np.float32]
Step = tuple[float, float, float]
# What is thinner is air, gas or lung; of these a part is made up if this share of it is.
THIN_HU, THIN_SHARE = -500.0, 0.3
DENSEST_AIR_HU = -830.0  # of a scanner that is far off
# Neighbouring cubes of lung differ by their vessels, of air by noise alone.
CELL_MM, EVEN_HU, FEWEST_PAIRS = 15.0, 8.0, 12
CELL_FULL = 0.95
# Median difference of two means of white noise, in standard deviations of a mean, and some more for few cubes.
OF_NOISE = 1.1
# Lung is denser than the gas of the same image by more than this; emphysema may come nearer.
ABOVE_GAS_HU, ABOVE_EVEN_HU = 40.0, 60.0
USUAL_AIR_HU = -1000.0
# Air that touches this share of the border of the slices, or so much of their width, lies around the patient.
AROUND, ACROSS, POCKETS = 0.6, 0.7, 3
GAS_ML = 1.0
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """A connected part of the image that the dense body does not enclose.

    Parameters
    ----------
    label
        Its number.
    thin_share
        Share that is thinner than -500 HU.
    median_hu
        Of what is thinner than that.
    step_hu
        Median difference between neighbouring cubes of 15 mm beyond noise; NaN where too few lie in it.
    border_share
        Share of the border of the slices that it touches.
    across
        Share of the width of the image between its outermost voxels at the border.
    corners
        Corners that it touches in at least half of its slices.
    """

    label: int
    thin_share: float
    median_hu: float
    step_hu: float
    border_share: float
    across: float
    corners: int

    @property
    def even(self) -> bool:
        """Air, foam, or lung that was drawn without vessels."""
        return self.step_hu <= EVEN_HU

    @property
    def like_air(self) -> bool:
        """Thin and even as air."""
        return self.even and self.thin_share >= THIN_SHARE and self.median_hu <= DENSEST_AIR_HU


def parts_of(free: Bools, border: Bools, hu: Singles, spacing_mm: Step) -> tuple[NDArray[np.integer[Any]], list[Part]]:
    """Labels of the connected parts of what the body does not enclose, and what is known of each.

    Parameters
    ----------
    free
        What the body does not enclose, without padding.
    border
        Voxels at the border of the slices, or beside padding.
    hu, spacing_mm
        Of the grid; axes z, y, x.
    """
    labels, _ = ndimage.label(free)
    at, columns = labels[border], np.nonzero(border)[2]
    width = max(int(np.ptp(columns)), 1) if columns.size else 1
    parts = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        own, touched = labels[box] == label, columns[at == label]
        values = hu[box][own]
        thin = values[values < THIN_HU]
        parts.append(
            Part(
                label,
                thin_share=len(thin) / len(values),
                median_hu=float(np.median(thin if len(thin) else values)),
                step_hu=_step_hu(hu[box], own, spacing_mm),
                border_share=len(touched) / max(len(columns), 1),
                across=float(np.ptp(touched)) / width if len(touched) else 0.0,
                corners=_corners(labels[box[0]] == label),
            )
        )
    return labels, parts


def outside_parts(parts: list[Part], inner_gas_hu: float | None) -> list[int]:
    """Labels of the parts that are not of the patient.

    Air is even, lung has vessels: cubes of 15 mm differ from their neighbours by noise alone, or by far more, whatever
    HU the scanner gives to air. Only where that does not tell does the HU decide: of a part that is too small, and of
    one that is even, does not lie around the patient and is denser than other gas of the image (lung that was drawn).

    Parameters
    ----------
    parts
        From :func:`parts_of`.
    inner_gas_hu
        Of the thinnest gas that the body encloses (:func:`gas_of`); None: it encloses none.
    """
    air = [part for part in parts if part.like_air and (part.border_share >= AROUND or part.across >= ACROSS)]
    pockets = [part for part in parts if part.like_air and part.corners == 1]
    if len(pockets) >= POCKETS:
        air += [part for part in pockets if part not in air]
    inner = [] if inner_gas_hu is None else [inner_gas_hu]
    around = [part.median_hu for part in air]
    return [part.label for part in parts if part in air or _outside(part, around, inner)]


def gas_of(inside: Bools, hu: Singles, voxel_ml: float) -> float | None:
    """HU of the thinnest gas within a body, of 1 ml at least: windpipe, bowel, emphysema; None where there is none."""
    core = ~neighbours(~(inside & (hu < THIN_HU)))
    least = int(GAS_ML / voxel_ml)
    values = hu[core]
    return float(np.partition(values, least)[least]) if len(values) > least else None


def _outside(part: Part, around: list[float], inner: list[float]) -> bool:
    if part.thin_share < THIN_SHARE:
        return False
    if part.median_hu > DENSEST_AIR_HU:
        # Foam of the couch fills a strip below the patient; a lung does not reach from side to side.
        return part.even and part.across >= ACROSS and part.border_share < HALF
    if part.step_hu > EVEN_HU:
        return _near(part.median_hu, around or [USUAL_AIR_HU], ABOVE_GAS_HU)
    return _near(part.median_hu, around or inner or [USUAL_AIR_HU], ABOVE_EVEN_HU)


def lung_like(part: Part, air_hu: list[float]) -> bool:
    """Thin, and either with vessels or denser than the air around the patient."""
    if part.thin_share < THIN_SHARE:
        return False
    return part.step_hu > EVEN_HU or not _near(part.median_hu, air_hu or [USUAL_AIR_HU], ABOVE_EVEN_HU)


def _near(median_hu: float, gases: list[float], tolerance_hu: float) -> bool:
    """Thinner than one of the gases, or denser by no more than the tolerance."""
    return median_hu <= max(gases) + tolerance_hu


def _step_hu(hu: Singles, own: Bools, spacing_mm: Step) -> float:
    sizes = [max(round(CELL_MM / step), 1) for step in spacing_mm]
    counts = [n // size for n, size in zip(own.shape, sizes, strict=True)]
    if not all(counts):
        return float("nan")
    cut = tuple(slice(0, n * size) for n, size in zip(counts, sizes, strict=True))
    split = [number for pair in zip(counts, sizes, strict=True) for number in pair]
    axes = (1, 3, 5)
    full = own[cut].reshape(split).mean(axis=axes) >= CELL_FULL
    means = hu[cut].reshape(split).mean(axis=axes)
    steps = []
    for axis in range(3):
        value, whole = np.moveaxis(means, axis, 0), np.moveaxis(full, axis, 0)
        steps.append(np.abs(value[1:] - value[:-1])[whole[1:] & whole[:-1]])
    found = np.concatenate(steps)
    if len(found) < FEWEST_PAIRS:
        return float("nan")
    noise = float(np.median(hu[cut].reshape(split).std(axis=axes)[full])) / float(np.sqrt(np.prod(sizes)))
    noise *= OF_NOISE * (1.0 + 1.0 / float(np.sqrt(len(found))))
    return float(np.sqrt(max(float(np.median(found)) ** 2 - noise**2, 0.0)))


def _corners(own: Bools) -> int:
    """Corners of the slices that a part fills in at least half of its slices."""
    return int(np.count_nonzero(own[:, (0, 0, -1, -1), (0, -1, 0, -1)].mean(axis=0) >= HALF))
