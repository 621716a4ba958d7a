"""The two lungs of a CT, with vessels, nodules and what lies against the chest wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging.anatomy.axial import Axial
from perisurv.imaging.anatomy.body import find_body
from perisurv.imaging.anatomy.coarse import AIR_HU
from perisurv.imaging.anatomy.sides import sides
from perisurv.imaging.resample import resample_volume
from perisurv.imaging.shapes import Bools, box_of, closed, filled, grown, neighbours, shrunk

__all__ = ["Lungs", "find_lungs", "lung_mask"]

LUNG_HU, SOFT_HU = -850.0, 50.0  # AIR_HU lies midway
AIRWAY_MM = 6.0  # half the width of the airways that are cut off where they leave a lung
MARGIN_MM = 1.5
LEAST_ML = 1.0
# Where air is -1000 HU. Median: gas lies below, lung above, with emphysema too.
AIRLESS_HU = -960.0
AIRLESS_ABOVE_HU = 60.0  # at most so much higher where air is denser: lung is not
# Gas of trachea and bowel is a small piece of nothing but air, emphysema a large one or not so far below the lung.
GAS_HU, GAS_BELOW_LUNG_HU, GAS_OF_LARGEST = -930.0, 40.0, 0.15
# An airway of the mediastinum has this share of voxels of pure air and this volume at least.
GAS_SHARE, AIRWAY_ML = 0.1, 1.0
VESSEL_MM = 9.0  # half the width of vessels and gaps that are filled everywhere
PLEURA_MM = 30.0  # radius of the ball that rolls along the chest wall
BONE_HU = 150.0
Singles = NDArray[np.float32]
Step = tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Lungs:
    """The lungs of one CT on an axial grid of about 3 mm, for any finer grid.

    Parameters
    ----------
    axial
        The turn from the CT to the axial grid.
    level
        In HU: below -400 inside, above outside; across a border it runs as the mean HU does, so that the border on a
        finer grid lies where lung and soft tissue share a voxel.
    side
        Positive nearer to the left lung of the patient, negative nearer to the right.
    gas
        Air of the body outside the lungs: trachea and main bronchi, bowel.
    """

    axial: Axial
    level: Volume
    side: Volume
    gas: Mask

    def on(self, grid: Geometry) -> tuple[Mask, Mask]:
        """Right and left lung on a grid with parallel axes; empty outside the CT."""
        level = resample_volume(self.level, self.axial.geometry(grid), order=1, outside_hu=SOFT_HU)
        return self.split(Mask(self.axial.back(level.values < AIR_HU), grid))

    def split(self, lungs: Mask) -> tuple[Mask, Mask]:
        """Right and left part of a mask of both lungs."""
        turned = self.axial.geometry(lungs.geometry)
        left = self.axial.back(resample_volume(self.side, turned, order=1, outside_hu=0.0).values >= 0)
        return Mask(lungs.values & ~left, lungs.geometry), Mask(lungs.values & left, lungs.geometry)


def lung_mask(ct: Volume, grid: Geometry | None = None) -> Mask:
    """Both lungs as in :func:`find_lungs`; parameters as in :func:`perisurv.imaging.body_mask`."""
    right, left = find_lungs(ct).on(grid or ct.geometry)
    return Mask(right.values | left.values, right.geometry)


def find_lungs(ct: Volume) -> Lungs:
    """Right and left lung by HU, connectivity and shape.

    Inside the pleura: aerated lung, its vessels and airways, enclosed nodules and consolidations. Trachea and main
    bronchi are cut off where they leave the lung, gas of the bowel is left out. What lies against the chest wall is
    kept where a ball of 30 mm radius cannot enter it from there, unless it borders mediastinum or diaphragm: a larger
    consolidation or a tumour in the hilum is not part of the lung. Effusions are left out.

    Parameters
    ----------
    ct
        In HU.
    """
    found = find_body(ct)
    axial, coarse, body = found.axial, found.hu, found.mask.values
    spacing = coarse.geometry.spacing_mm
    above_hu = 0.0 if found.gas_hu is None else max(found.gas_hu + 1000.0, 0.0)
    air = (coarse.values < AIR_HU) & body
    level = np.where(coarse.values < AIR_HU, SOFT_HU, np.minimum(coarse.values, SOFT_HU))
    side = np.zeros(level.shape, dtype=np.float32)
    if air.any():
        box = box_of(air, 1)
        hu, middle = coarse.values[box], float(np.nonzero(body)[2].mean() - box[2].start)
        lung = _aerated(hu, air[box], spacing, above_hu)
        air[box] &= ~lung
        side[box] = sides(lung, hu, middle, spacing)
        inside = _complete(lung & (side[box] < 0), hu, spacing, 1) | _complete(lung & (side[box] >= 0), hu, spacing, -1)
        level[box] = np.where(inside, np.where(lung, np.clip(hu, LUNG_HU, AIR_HU - 1), LUNG_HU), level[box])
    grid = coarse.geometry
    return Lungs(axial, Volume(level, grid), Volume(side, grid), Mask(air, grid))


def _aerated(hu: Singles, air: Bools, spacing_mm: Step, above_hu: float) -> Bools:
    """The air of both lungs: of the parts that are large where they are wide, without airways that leave them.

    ``above_hu`` is by how much the gas of this CT is denser than -1000 HU.
    """
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    cores, gas_hu = _lung_like(shrunk(air, AIRWAY_MM, spacing_mm), hu, LEAST_ML / voxel_ml, above_hu)
    near = grown(cores, AIRWAY_MM + MARGIN_MM, spacing_mm) & air
    # Thin parts of the lung go on from there; so does the airway, which is filled with pure air.
    rest = air & ~near
    labels, n = ndimage.label(rest)
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    gas = np.bincount(labels[hu < gas_hu], minlength=n + 1)
    airway = (gas > GAS_SHARE * sizes) & (sizes * voxel_ml > AIRWAY_ML)
    airway[0] = False
    rest &= ~grown(airway[labels] & (hu < gas_hu), AIRWAY_MM, spacing_mm)
    labels, n = ndimage.label(rest)
    keep = np.zeros(n + 1, dtype=bool)
    keep[np.unique(labels[neighbours(near)])] = True
    keep[0] = False
    return near | keep[labels]


def _lung_like(cores: Bools, hu: Singles, least: float, above_hu: float) -> tuple[Bools, float]:
    """The pieces with at least so many voxels that are not gas, and the HU below which gas lies."""
    labels, n = ndimage.label(cores)
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    sizes[0] = 0
    boxes = ndimage.find_objects(labels)
    median = {
        int(k): float(np.median(hu[boxes[k - 1]][labels[boxes[k - 1]] == k])) for k in np.flatnonzero(sizes > least)
    }
    airless = AIRLESS_HU + min(above_hu, AIRLESS_ABOVE_HU)
    dense = [k for k in median if median[k] > airless]
    if not dense:
        return np.zeros_like(cores), GAS_HU
    first = max(dense, key=lambda k: sizes[k])
    below = median[first] - GAS_BELOW_LUNG_HU
    limit = min(GAS_HU + above_hu, below)
    kept = [k for k in dense if median[k] > limit or sizes[k] > GAS_OF_LARGEST * sizes[first]]
    return np.isin(labels, kept), min(GAS_HU + above_hu, max(below, GAS_HU))


def _complete(air: Bools, hu: Singles, spacing_mm: Step, medial: int) -> Bools:
    """One lung with what lies in it; ``medial`` is the direction of the columns to the other lung."""
    if not air.any():
        return air
    box = box_of(air, 1)
    part = air[box]
    inside = filled(closed(part, VESSEL_MM, spacing_mm))
    inside |= closed(part, PLEURA_MM, spacing_mm) & _costal(part, medial) & (hu[box] < BONE_HU)
    whole = np.zeros_like(air)
    whole[box] = inside
    return whole


def _costal(lung: Bools, medial: int) -> Bools:
    """Voxels on the side of the chest wall: lung towards the other lung and below, none to one side at least."""
    behind = np.logical_or.accumulate(lung, axis=1)
    before = np.logical_or.accumulate(lung[:, ::-1], axis=1)[:, ::-1]
    towards = np.logical_or.accumulate(lung[..., ::-medial], axis=2)[..., ::-medial]
    beyond = np.logical_or.accumulate(lung[..., ::medial], axis=2)[..., ::medial]
    return towards & np.logical_or.accumulate(lung, axis=0) & ~(behind & before & beyond)
