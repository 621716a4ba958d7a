"""The patient without couch, immobilisation and surrounding air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perisurv.core import Geometry, Mask, Volume
from perisurv.imaging.anatomy.axial import Axial
from perisurv.imaging.anatomy.outside import THIN_HU, gas_of, lung_like, outside_parts, parts_of
from perisurv.imaging.anatomy.padding import without_padding
from perisurv.imaging.resample import resample_mask
from perisurv.imaging.shapes import Bools, neighbours

__all__ = ["COARSE_MM", "Body", "body_mask", "find_body"]

COARSE_MM = 3.0
BODY_HU = -300.0
PLATE_MM = 15.0  # what is thinner within its slice is a shell, a table or a fold
PIECE = 0.25  # of the largest piece: the other leg is one, an arm beside the trunk is not
HELD, HELD_PIECE = 0.25, 0.02  # share of a block that a region fills; of the largest piece, if it holds the region
FLAT = 0.6  # height of a lung over its width at least; the foam of a couch is a strip
OPEN = 0.25  # of its largest section: so far a gap opens to the air above or below
Singles = NDArray[np.float32]
Step = tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The patient in one CT, on an axial grid of about 3 mm.

    Parameters
    ----------
    axial
        The turn from the CT to the axial grid.
    hu
        Mean HU of blocks, with air in place of padding.
    mask
        The patient; lungs and airways belong to it.
    padding
        Where nothing was measured.
    gas_hu
        HU of the air around the body, or of the gas in it if that is thinner; None where no air is around it.
    """

    axial: Axial
    hu: Volume
    mask: Mask
    padding: Bools
    gas_hu: float | None

    def on(self, grid: Geometry) -> Mask:
        """The patient on a grid with axes parallel to those of the CT; empty outside the CT."""
        found = resample_mask(self.mask, self.axial.geometry(grid))
        return Mask(self.axial.back(found.values), grid)

    @property
    def share(self) -> float:
        """Part of the image, without padding, that is body."""
        return self.mask.voxel_count / max(int(np.count_nonzero(~self.padding)), 1)

    @property
    def cut_slices(self) -> int:
        """Slices of the axial grid in which the body touches the border of the image on all four sides."""
        touched = self.mask.values & _border(self.padding)
        rows, columns = (np.abs(np.linspace(-1, 1, n)) for n in touched.shape[1:])
        beside = columns[None, :] >= rows[:, None]
        front = np.arange(len(rows))[:, None] < len(rows) // 2
        right = np.arange(len(columns))[None, :] < len(columns) // 2
        sides = (beside & right, beside & ~right, ~beside & front, ~beside & ~front)
        return int(np.count_nonzero(np.logical_and.reduce([(touched & side).any(axis=(1, 2)) for side in sides])))


def body_mask(ct: Volume, grid: Geometry | None = None) -> Mask:
    """The patient without couch, immobilisation and surrounding air; parameters as in :func:`find_body`.

    Parameters
    ----------
    ct
        In HU.
    grid
        Grid of the result, parallel to that of the CT; by default the grid of the CT. Empty outside the CT.
    """
    return find_body(ct).on(grid or ct.geometry)


def find_body(ct: Volume, holding: Mask | None = None) -> Body:
    """Find the patient by density, thickness and what lies around.

    The large dense pieces (trunk, or both legs) without what is thinner than 15 mm, filled slice by slice, and lungs
    behind a chest wall that is thinner than that. Of the parts
    of the image that they do not enclose, air is told from lung that the border of the image cuts by its
    evenness (:mod:`perisurv.imaging.anatomy.outside`), so that it may have any HU. Padding is neither.

    Parameters
    ----------
    ct
        In HU.
    holding
        A region of the patient, on the grid of the CT: the dense pieces that hold it belong to the body even if they
        are small, such as an arm beside the trunk.
    """
    axial = Axial.of(ct.geometry)
    coarse, padding = without_padding(axial.volume(ct), COARSE_MM)
    hu, grid = coarse.values, coarse.geometry
    seed = None
    if holding is not None:
        turned = Mask(axial.turn(holding.values), axial.geometry(holding.geometry))
        seed = resample_mask(turned, grid, HELD).values
    dense = _pieces(hu, padding, seed)
    body = _filled_slices(dense, padding)
    labels, parts = parts_of(~(body | padding), _border(padding), hu, grid.spacing_mm)
    inner = gas_of(body, hu, grid.voxel_volume_mm3 / 1000.0)
    outside = outside_parts(parts, inner)
    lung = np.ones(len(parts) + 1, dtype=bool)
    lung[[0, *outside]] = False
    outer = [part.median_hu for part in parts if part.label in outside]
    beyond = np.isin(labels, outside)
    walled = _behind_thin_walls(hu, body, padding, grid.spacing_mm) & beyond
    around = hu[beyond & ~walled & (hu < THIN_HU)]
    air = [float(np.median(around))] if around.size else outer
    body |= lung[labels]
    body |= _lungs_with_walls(hu, walled, air, padding, grid.spacing_mm)
    body = _without_plates(_opened_gaps(body, dense), grid.spacing_mm)
    gas = min([*outer, *([] if inner is None else [inner])]) if outer else None
    return Body(axial, coarse, Mask(body, grid), padding, gas)


def _pieces(hu: Singles, padding: Bools, seed: Bools | None) -> Bools:
    """The large dense pieces, and smaller ones that hold the seed."""
    core = ~neighbours((hu <= BODY_HU) & ~padding) & ~padding  # no border of the image is an outside
    labels, n = ndimage.label(core)
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    sizes[0] = 0
    large = sizes >= max(PIECE * sizes.max(), 1)
    if seed is not None:
        held = np.unique(labels[seed])
        large[held] = sizes[held] >= max(HELD_PIECE * sizes.max(), 1)
    return neighbours(large[labels]) & ~padding & (hu > BODY_HU)


def _behind_thin_walls(hu: Singles, body: Bools, padding: Bools, spacing_mm: Step) -> Bools:
    """What only thin tissue, or a shell or a table, encloses within its slice; thick itself."""
    walls = (hu > BODY_HU) & ~padding
    return _without_plates(_filled_slices(walls, padding) & ~walls & ~body, spacing_mm)


def _lungs_with_walls(hu: Singles, walled: Bools, air_hu: list[float], padding: Bools, spacing_mm: Step) -> Bools:
    """The lungs among what is enclosed, and their walls; air and the foam of a couch, which is a strip, are none."""
    labels, parts = parts_of(walled, np.zeros_like(walled), hu, spacing_mm)
    lung = np.zeros(len(parts) + 1, dtype=bool)
    for part, box in zip(parts, ndimage.find_objects(labels), strict=True):
        height, width = ((box[axis].stop - box[axis].start) * spacing_mm[axis] for axis in (1, 2))
        lung[part.label] = height > FLAT * width and lung_like(part, air_hu)
    found = lung[labels]
    wall = _widened(found, [round(PLATE_MM / step) for step in spacing_mm[1:]]) & (hu > BODY_HU) & ~padding
    return np.asarray(found | wall)


def _without_plates(solid: Bools, spacing_mm: Step) -> Bools:
    """What is thick within its slice, with the skin over it."""
    half = [int(0.5 * PLATE_MM / step) for step in spacing_mm[1:]]
    thick = _widened(~_widened(~solid, half), half)
    return _widened(thick, [1, 1]) & solid


def _widened(mask: Bools, by: list[int]) -> Bools:
    """The mask moved by up to so many rows and columns each way."""
    for axis, most in enumerate(by, start=1):
        wide = mask.copy()
        source, target = np.moveaxis(mask, axis, 0), np.moveaxis(wide, axis, 0)
        for n in range(1, min(most, mask.shape[axis] - 1) + 1):
            target[n:] |= source[:-n]
            target[:-n] |= source[n:]
        mask = wide
    return mask


def _opened_gaps(body: Bools, dense: Bools) -> Bools:
    """Without gaps that are open to the air above or below: between legs, or between arm and trunk."""
    labels, n = ndimage.label(body & ~dense)
    if not n:
        return body
    beside = np.zeros_like(body)
    beside[1:] |= ~body[:-1]
    beside[:-1] |= ~body[1:]
    contact = np.bincount(labels[beside], minlength=n + 1)
    gap = np.zeros(n + 1, dtype=bool)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if contact[label]:
            gap[label] = contact[label] >= OPEN * (labels[box] == label).sum(axis=(1, 2)).max()
    return np.asarray(body & ~gap[labels])


def _border(padding: Bools) -> Bools:
    """Voxels at the border of the slices or beside padding."""
    border = neighbours(padding) & ~padding
    border[:, (0, -1)] = border[:, :, (0, -1)] = True
    return border & ~padding


def _filled_slices(mask: Bools, padding: Bools) -> Bools:
    """The mask with the holes of every slice; what touches padding is no hole."""
    within = np.zeros((3, 3, 3), dtype=bool)
    within[1, 1, :] = within[1, :, 1] = True
    labels, n = ndimage.label(~mask, within)
    outside = np.zeros(n + 1, dtype=bool)
    for edge in (labels[:, (0, -1)], labels[:, :, (0, -1)], labels[padding]):
        outside[np.unique(edge)] = True
    outside[0] = False
    return np.asarray(~outside[labels])
