"""A scan to its regions: the tumour and the rings around it on the analysis grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry, Mask, Region, RegionError, RegionSet, Scan
from perisurv.imaging import body_mask, lung_mask, resample_mask, resample_volume, round_hu
from perisurv.regions.audit import audit_ring
from perisurv.regions.distance import signed_distance_mm
from perisurv.regions.options import RingOptions

__all__ = ["rings"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def rings(scan: Scan, options: RingOptions | None = None) -> RegionSet:
    """Tumour and rings of one scan.

    The CT is resampled by cubic B-spline onto the analysis grid whose centre is the centre of the native grid (IBSI)
    and rounded to whole HU; the mask is resampled linearly and kept where at least half a voxel is tumour. Rings are
    sets of voxels by their signed Euclidean distance in mm to the tumour's surface, inside the barrier.

    Parameters
    ----------
    scan
        CT and tumour on one native grid.
    options
        Widths, kind, barrier, grid.

    Returns
    -------
    RegionSet
        ``tumour`` and ``ring_<width>mm`` with their audit, on the CT cropped around them.

    Raises
    ------
    RegionError
        If the tumour touches the border of the CT, is too small, or a ring is empty.
    """
    options = options or RingOptions()
    _refuse_border(scan)
    grid = _analysis_grid(scan, options)
    image = round_hu(resample_volume(scan.ct, grid))
    tumour = resample_mask(scan.tumour, grid)
    if tumour.voxel_count < options.minimum_voxels:
        raise RegionError(
            f"Patient {scan.patient}: the tumour has {tumour.voxel_count} voxels of {options.spacing_mm:g} mm, "
            f"fewer than minimum_voxels = {options.minimum_voxels}; radiomics of it would be noise."
        )
    distance = signed_distance_mm(tumour)
    allowed = _allowed(scan, grid, options)
    regions = [Region("tumour", tumour)]
    inner = 0.0
    for width in options.widths_mm:
        free = _between(distance, inner if options.kind == "shell" else 0.0, width)
        audit = audit_ring(image, free, free & allowed, distance)
        values = free & allowed
        if options.kind == "expansion":
            values |= tumour.values
        regions.append(Region(f"ring_{width:g}mm", Mask(values, grid), audit))
        inner = width
    return RegionSet(scan.patient, image, tuple(regions), scan.acquisition)


def _between(distance: Floats, inner_mm: float, outer_mm: float) -> Bools:
    return np.asarray((distance > inner_mm) & (distance <= outer_mm))


def _allowed(scan: Scan, grid: Geometry, options: RingOptions) -> Bools:
    """Voxels that a ring may take."""
    if options.barrier == "none":
        return np.ones(grid.shape, dtype=bool)
    native = body_mask(scan.ct) if options.barrier == "body" else lung_mask(scan.ct)
    return resample_mask(native, grid).values


def _refuse_border(scan: Scan) -> None:
    box = scan.tumour.bounding_box()
    for axis, name in enumerate(("slice", "row", "column")):
        if box[axis].start == 0 or box[axis].stop == scan.tumour.values.shape[axis]:
            raise RegionError(
                f"Patient {scan.patient}: the tumour touches the border of the CT (first or last {name}), so tumour "
                "and rings are cut off; check the contour or use a CT that holds the whole tumour."
            )


def _analysis_grid(scan: Scan, options: RingOptions) -> Geometry:
    """Part of the resampled grid around tumour, rings, filter support and network patch."""
    native = scan.ct.geometry
    full = native.resampled((options.spacing_mm,) * 3)
    box = scan.tumour.bounding_box()
    first = full.to_index(native.to_mm([s.start - 0.5 for s in box]))
    last = full.to_index(native.to_mm([s.stop - 0.5 for s in box]))
    margin = (max(options.widths_mm) + options.margin_mm) / options.spacing_mm
    half = 0.5 * options.cube_mm / options.spacing_mm + 2
    centre = 0.5 * (first + last)
    low = np.floor(np.minimum(first - margin, centre - half)).astype(int)
    high = np.ceil(np.maximum(last + margin, centre + half)).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, full.shape)
    k, j, i = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return full.crop((k, j, i))
