"""A scan to its regions: the tumour and the rings around it on the analysis grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perisurv.core import Finding, Geometry, Mask, Region, RegionError, RegionSet, Scan, Volume
from perisurv.imaging import padding_mask, resample_mask, resample_volume, round_hu
from perisurv.regions.audit import RingShape, audit_ring
from perisurv.regions.barriers import barred, outside_image
from perisurv.regions.border import (
    border_findings,
    border_sides,
    cut_area_mm2,
    cut_by_border,
    refuse_cut_ring,
    refuse_cut_tumour,
)
from perisurv.regions.distance import Surface, Surroundings, surroundings
from perisurv.regions.options import RingOptions

__all__ = ["rings"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Box = tuple[slice, slice, slice]
PAD_VOXELS = 3
AIR_HU = -1000.0


@dataclass(frozen=True, slots=True, eq=False)
class _Around:
    """The tumour, how far every voxel is from it, and what a ring may not take, not clipped to the image."""

    tumour: Mask
    distance_mm: NDArray[np.float32]
    surface: Surface
    blocked: Mapping[str, Bools]
    findings: tuple[Finding, ...]


def rings(scan: Scan, options: RingOptions | None = None) -> RegionSet:
    """Tumour and rings of one scan.

    Padding, as beyond the circle of reconstruction, lies beyond the CT. The CT is resampled by cubic B-spline onto
    the analysis grid, a crop of the grid that shares its centre with the native grid (IBSI), and rounded to whole HU.
    The tumour is drawn on it from its smooth surface (or from its linearly interpolated voxels). A ring holds the
    voxels outside the tumour whose Euclidean distance to that surface is at most the width, inside the barrier,
    nearer to the tumour than to any other lesion, outside the excluded tissues.

    Parameters
    ----------
    scan
        CT, tumour, other lesions and lungs on one native grid.
    options
        Widths, kind, barrier, exclusions, grid.

    Returns
    -------
    RegionSet
        ``tumour`` and ``ring_<width>mm`` on the CT cropped around them, each ring with its audit
        (:func:`perisurv.regions.audit.audit_ring`); what the border of the CT cuts, and a body that cannot be told
        from the air around it, as failed checks in ``findings``.

    Raises
    ------
    RegionError
        If a region is too small or empty, the barrier is the body and the tumour lies outside of it, the barrier is
        the lung and the tumour touches none, or ``border = "exclude"`` and the CT ends within the tumour or a ring.
    """
    options = options or RingOptions()
    native_box = scan.tumour.bounding_box()
    scan, padding = _without_padding(scan)
    if options.border == "exclude":
        refuse_cut_tumour(scan.patient, scan.tumour)
    full = scan.ct.geometry.resampled((options.spacing_mm,) * 3)
    around = _around(scan, full, native_box, options, padding)
    _refuse_small(scan.patient, "the tumour", around.tumour.voxel_count, options)
    grid = full.crop(_image_box(scan, full, native_box, options))
    image = round_hu(resample_volume(scan.ct, grid))
    cut = {"border_area_mm2": cut_area_mm2(scan.tumour)} if border_sides(scan.tumour) else {}
    regions = [Region("tumour", Mask(_moved(around.tumour.values, around.tumour.geometry, grid), grid), cut)]
    inner = 0.0
    for width in options.widths_mm:
        ring = _ring(around, image, (inner, width), options)
        if ring.mask.voxel_count:  # an empty one has its own reason
            _refuse_small(scan.patient, ring.name, ring.mask.voxel_count, options)
        if options.border == "exclude":
            refuse_cut_ring(scan.patient, ring)
        regions.append(ring)
        inner = width if options.kind == "shell" else 0.0
    findings = (*border_findings(scan.tumour, regions[1:]), *around.findings)
    return RegionSet(scan.patient, image, tuple(regions), scan.acquisition, _taken(around, options, grid), findings)


def _without_padding(scan: Scan) -> tuple[Scan, Mask | None]:
    """The scan with air in place of padding, so that no spline swings beside it, and where it was."""
    padding = padding_mask(scan.ct)
    if not padding.any():
        return scan, None
    ct = Volume(np.where(padding, np.float32(AIR_HU), scan.ct.values), scan.ct.geometry)
    return replace(scan, ct=ct), Mask(padding, scan.ct.geometry)


def _around(scan: Scan, full: Geometry, native_box: Box, options: RingOptions, padding: Mask | None) -> _Around:
    first, last = _ends(scan, full, native_box)
    reach = max(options.widths_mm) / options.spacing_mm + PAD_VOXELS
    grid = full.crop(_box(first - reach, last + reach))
    near = surroundings(scan.tumour, grid, max(options.widths_mm))
    outside = outside_image(scan.ct.geometry, grid)
    if padding is not None:
        outside |= resample_mask(padding, grid).values
    drawn = near.distance_mm <= 0 if options.mask == "surface" else resample_mask(scan.tumour, grid).values
    tumour = Mask(drawn & ~outside, grid)
    distance = near.distance_mm
    if border_sides(scan.tumour):
        distance = cut_by_border(distance, tumour.values, outside, grid)
    blocked = {"border": outside}
    if scan.others is not None and scan.others.voxel_count:
        blocked["lesion"] = _nearer_to_another(scan.others, near, options)
    taken, findings = barred(scan, tumour, options)
    return _Around(tumour, distance, near.surface.within(~outside), blocked | taken, findings)


def _nearer_to_another(others: Mask, near: Surroundings, options: RingOptions) -> Bools:
    """Voxels in or nearer to another lesion: lesions that meet share the ground between by nearest surface."""
    theirs = surroundings(others, near.grid, max(options.widths_mm)).distance_mm
    return np.asarray(theirs < np.maximum(near.distance_mm, 0))


def _ring(around: _Around, image: Volume, span_mm: tuple[float, float], options: RingOptions) -> Region:
    """The ring between two distances, as a region of the image."""
    inner, outer = span_mm
    tumour = around.tumour
    free = ~tumour.values & (around.distance_mm <= outer)
    if inner > 0:
        free &= around.distance_mm > inner
    blocked = np.logical_or.reduce(list(around.blocked.values()))
    kept = free & ~blocked
    values = _moved(kept, tumour.geometry, image.geometry)
    audit = audit_ring(RingShape(free, kept, around.blocked, around.surface, span_mm), image.values[values], tumour)
    if options.kind == "expansion":
        values = values | _moved(tumour.values, tumour.geometry, image.geometry)
        for key in ("volume_ml", "unclipped_volume_ml", "ball_shell_ml"):
            audit[key] += tumour.volume_ml
    return Region(f"ring_{outer:g}mm", Mask(values, image.geometry), audit)


def _taken(around: _Around, options: RingOptions, grid: Geometry) -> dict[str, Mask]:
    """What the largest ring lost inside the image, each voxel to the first cause."""
    left = ~around.tumour.values & (around.distance_mm <= max(options.widths_mm))
    taken = {}
    for cause, blocked in around.blocked.items():
        lost = _moved(left & blocked, around.tumour.geometry, grid)
        if lost.any():
            taken[cause] = Mask(lost, grid)
        left &= ~blocked
    return taken


def _refuse_small(patient: str, name: str, voxels: int, options: RingOptions) -> None:
    if voxels < options.minimum_voxels:
        raise RegionError(
            f"Patient {patient}: {name} has {voxels} voxels of {options.spacing_mm:g} mm, "
            f"fewer than minimum_voxels = {options.minimum_voxels}; radiomics of it would be noise."
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
