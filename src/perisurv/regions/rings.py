"""A scan to its regions: the tumour and the rings around it on the analysis grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Geometry, Mask, Region, RegionError, RegionSet, Scan, Volume
from perisurv.imaging import resample_mask, resample_volume, round_hu
from perisurv.regions.audit import audit_ring, ball_shell_mm3
from perisurv.regions.barriers import allowed_voxels
from perisurv.regions.distance import signed_distance_mm
from perisurv.regions.options import RingOptions

__all__ = ["rings"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Box = tuple[slice, slice, slice]
PAD_VOXELS = 3


@dataclass(frozen=True, slots=True, eq=False)
class _Surroundings:
    """The tumour and everything that a ring may reach, not clipped to the image."""

    tumour: Mask
    distance_mm: Floats
    allowed: Bools


def rings(scan: Scan, options: RingOptions | None = None) -> RegionSet:
    """Tumour and rings of one scan.

    The CT is resampled by cubic B-spline onto the analysis grid, a crop of the grid that shares its centre with the
    native grid (IBSI), and rounded to whole HU; the mask is resampled linearly and kept where at least half a voxel is
    tumour. A ring holds the voxels outside the tumour whose signed Euclidean distance to its surface is at most the
    width, inside the barrier.

    Parameters
    ----------
    scan
        CT and tumour on one native grid.
    options
        Widths, kind, barrier, grid.

    Returns
    -------
    RegionSet
        ``tumour`` and ``ring_<width>mm`` on the CT cropped around them. Audit of each ring: ``volume_ml`` and
        ``unclipped_volume_ml`` (before barrier and image border) of the region, ``ball_shell_ml`` (the same ring
        around a ball of the tumour's volume: no unclipped ring can be smaller), and :func:`audit_ring`.

    Raises
    ------
    RegionError
        If the tumour touches the border of the CT, is too small, or a ring is empty.
    """
    options = options or RingOptions()
    native_box = scan.tumour.bounding_box()
    _refuse_border(scan, native_box)
    full = scan.ct.geometry.resampled((options.spacing_mm,) * 3)
    around = _around(scan, full, native_box, options)
    if around.tumour.voxel_count < options.minimum_voxels:
        raise RegionError(
            f"Patient {scan.patient}: the tumour has {around.tumour.voxel_count} voxels of {options.spacing_mm:g} mm, "
            f"fewer than minimum_voxels = {options.minimum_voxels}; radiomics of it would be noise."
        )
    grid = full.crop(_image_box(scan, full, native_box, options))
    image = round_hu(resample_volume(scan.ct, grid))
    tumour = Mask(_moved(around.tumour.values, around.tumour.geometry, grid), grid)
    regions = [Region("tumour", tumour)]
    inner = 0.0
    for width in options.widths_mm:
        regions.append(_ring(around, image, (inner, width), options))
        inner = width if options.kind == "shell" else 0.0
    return RegionSet(scan.patient, image, tuple(regions), scan.acquisition)


def _around(scan: Scan, full: Geometry, native_box: Box, options: RingOptions) -> _Surroundings:
    first, last = _ends(scan, full, native_box)
    reach = max(options.widths_mm) / options.spacing_mm + PAD_VOXELS
    tumour = resample_mask(scan.tumour, full.crop(_box(first - reach, last + reach)))
    if tumour.voxel_count == 0:
        return _Surroundings(tumour, np.empty(0), np.empty(0, dtype=bool))
    distance = signed_distance_mm(tumour, scan.ct.geometry.spacing_mm)
    return _Surroundings(tumour, distance, allowed_voxels(scan.ct, tumour, options.barrier))


def _ring(around: _Surroundings, image: Volume, span_mm: tuple[float, float], options: RingOptions) -> Region:
    """The ring between two distances, as a region of the image."""
    inner, outer = span_mm
    tumour, distance = around.tumour, around.distance_mm
    free = (distance > inner) & (distance <= outer)
    kept = free & around.allowed
    values = _moved(kept, tumour.geometry, image.geometry)
    audit = audit_ring(
        distance[free],
        distance[kept],
        image.values[values],
        inner_mm=inner,
        outer_mm=outer,
        step_mm=options.spacing_mm,
    )
    core_ml = tumour.volume_ml if options.kind == "expansion" else 0.0
    voxel_ml = image.geometry.voxel_volume_mm3 / 1000.0
    audit["volume_ml"] = core_ml + int(np.count_nonzero(kept)) * voxel_ml
    audit["unclipped_volume_ml"] = core_ml + int(np.count_nonzero(free)) * voxel_ml
    audit["ball_shell_ml"] = core_ml + ball_shell_mm3(1000.0 * tumour.volume_ml, inner, outer) / 1000.0
    if options.kind == "expansion":
        values = values | _moved(tumour.values, tumour.geometry, image.geometry)
    return Region(f"ring_{outer:g}mm", Mask(values, image.geometry), audit)


def _refuse_border(scan: Scan, box: Box) -> None:
    for axis, name in enumerate(("slice", "row", "column")):
        if box[axis].start == 0 or box[axis].stop == scan.tumour.values.shape[axis]:
            raise RegionError(
                f"Patient {scan.patient}: the tumour touches the border of the CT (first or last {name}), so tumour "
                "and rings are cut off; check the contour or use a CT that holds the whole tumour."
            )


def _image_box(scan: Scan, full: Geometry, native_box: Box, options: RingOptions) -> Box:
    """Part of the resampled grid that holds tumour, rings, filter support and network patch."""
    first, last = _ends(scan, full, native_box)
    margin = (max(options.widths_mm) + options.margin_mm) / options.spacing_mm
    starts = [s.start for s in native_box]
    mass = np.argwhere(scan.tumour.values[native_box]).mean(axis=0) + starts
    centre = full.to_index(scan.ct.geometry.to_mm(mass))
    half = 0.5 * options.cube_mm / options.spacing_mm + 2
    low, high = np.minimum(first - margin, centre - half), np.maximum(last + margin, centre + half)
    return _box(np.maximum(low, 0), np.minimum(high, np.asarray(full.shape) - 1))


def _ends(scan: Scan, full: Geometry, native_box: Box) -> tuple[Floats, Floats]:
    """Outer faces of the tumour's native voxels, as indices of the analysis grid."""
    native = scan.ct.geometry
    first = full.to_index(native.to_mm([s.start - 0.5 for s in native_box]))
    return first, full.to_index(native.to_mm([s.stop - 0.5 for s in native_box]))


def _box(low: Floats, high: Floats) -> Box:
    k, j, i = (slice(int(np.floor(a)), int(np.ceil(b)) + 1) for a, b in zip(low, high, strict=True))
    return k, j, i


def _moved(values: Bools, source: Geometry, target: Geometry) -> Bools:
    """The values on another crop of the same grid; False where the source has none."""
    shift = np.rint(target.to_index(source.to_mm((0, 0, 0)))).astype(int)
    low = np.maximum(shift, 0)
    high = np.minimum(shift + source.shape, target.shape)
    out = np.zeros(target.shape, dtype=bool)
    to = tuple(slice(a, max(a, b)) for a, b in zip(low, high, strict=True))
    out[to] = values[tuple(slice(s.start - d, s.stop - d) for s, d in zip(to, shift, strict=True))]
    return out
