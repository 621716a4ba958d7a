"""``make bench-geometry``: rings around analytic bodies, drawn on CT grids with random offsets and rotations.

Rings of 3, 6 and 9 mm around spheres, ellipsoids and capsules against Steiner's formula (volume) and against rays along
the true normals (realised thickness). Beside them the usual ways: dilation by voxels on the native grid, and the
distance transform of the nearest-neighbour mask at 1 mm.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt, generate_binary_structure, zoom

from analytic_bodies import KINDS, drawn, random_body, realised_thickness_mm
from perisurv.core import Scan
from perisurv.regions import RingOptions, rings
from table import Row, publish

RADII_MM = (5.0, 10.0, 20.0, 40.0)
SLICES_MM = (1.0, 2.5, 3.0, 5.0)
PIXELS_MM = (0.7, 1.2)
WIDTHS_MM = (3.0, 6.0, 9.0)
OPTIONS = RingOptions(WIDTHS_MM, barrier="none", margin_mm=0.0, cube_mm=0.0, minimum_voxels=1)
VOLUME_TARGET, THICKNESS_TARGET_MM = 0.03, 0.2
COMPARED_MM = (20.0, 3.0)


@dataclass
class Cell:
    """Errors of the rings of one radius and slice distance: relative volume, and mean thickness in mm."""

    volume: dict[float, list[float]] = field(default_factory=lambda: defaultdict(list))
    thickness_mm: dict[float, list[float]] = field(default_factory=lambda: defaultdict(list))
    audited_mm: dict[float, list[float]] = field(default_factory=lambda: defaultdict(list))


def measure(radius_mm: float, slice_mm: float, repeats: int, seed: int = 0) -> Cell:
    """Rings around random bodies of every kind."""
    cell = Cell()
    for kind in KINDS:
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, int(radius_mm), int(10 * slice_mm), KINDS.index(kind), repeat])
            body = random_body(kind, radius_mm, rng)
            scan = drawn(body, slice_mm, rng.uniform(*PIXELS_MM), rng)
            regions = rings(scan, OPTIONS)
            for width in WIDTHS_MM:
                ring = regions[f"ring_{width:g}mm"]
                truth = (body.grown_mm3(width) - body.grown_mm3(0.0)) / 1000.0
                cell.volume[width].append(ring.mask.volume_ml / truth - 1)
                realised = realised_thickness_mm(body, ring.mask, width).mean()
                cell.thickness_mm[width].append(float(realised) - width)
                cell.audited_mm[width].append(ring.audit["thickness_mm"] - width)
    return cell


def usual_ways(scan: Scan, width_mm: float) -> Iterator[tuple[str, float]]:
    """Volume in ml of a ring by dilation with voxels, and by the distance to a mask resampled to 1 mm."""
    mask, spacing = scan.tumour, scan.ct.geometry.spacing_mm
    cross = generate_binary_structure(3, 1)
    steps = round(width_mm / spacing[1])
    grown = binary_dilation(mask.values, cross, iterations=steps)
    yield "dilation by pixels", np.count_nonzero(grown & ~mask.values) * mask.geometry.voxel_volume_mm3 / 1000.0
    block = zoom(mask.values.astype(np.uint8), spacing, order=0, grid_mode=True, mode="nearest") > 0
    exact = np.asarray(mask.values.shape) * spacing / np.asarray(block.shape)
    distance = distance_transform_edt(~block, sampling=exact)
    band = np.count_nonzero((distance > 0) & (distance <= width_mm))
    yield "distance to voxel centres at 1 mm", band * float(np.prod(exact)) / 1000.0


def compared(repeats: int) -> Iterator[Row]:
    """The usual ways on the same bodies."""
    radius, slice_mm = COMPARED_MM
    found: dict[tuple[str, float], list[float]] = defaultdict(list)
    for repeat in range(repeats):
        rng = np.random.default_rng([1, repeat])
        body = random_body("sphere", radius, rng)
        scan = drawn(body, slice_mm, rng.uniform(*PIXELS_MM), rng)
        for width in WIDTHS_MM:
            truth = (body.grown_mm3(width) - body.grown_mm3(0.0)) / 1000.0
            for way, volume_ml in usual_ways(scan, width):
                found[way, width].append(100 * (volume_ml / truth - 1))
    for (way, width), errors in found.items():
        name = f"{way}: sphere {radius:g} mm, slices {slice_mm:g} mm, ring {width:g} mm, mean volume error"
        yield Row(name, float(np.mean(errors)), "%")


def table(repeats: int) -> Iterator[Row]:
    for radius in RADII_MM:
        for slice_mm in SLICES_MM:
            cell = measure(radius, slice_mm, repeats)
            aimed = radius >= 10 and slice_mm <= 3
            for width in WIDTHS_MM:
                where = f"radius {radius:g} mm, slices {slice_mm:g} mm, ring {width:g} mm"
                volume = 100 * float(np.abs(cell.volume[width]).max())
                met = volume <= 100 * VOLUME_TARGET if aimed else None
                yield Row(f"{where}: worst volume error", volume, "%", "<= 3" if aimed else "", met)
                thickness = float(np.abs(cell.thickness_mm[width]).max())
                met = thickness <= THICKNESS_TARGET_MM if aimed else None
                yield Row(f"{where}: worst mean thickness error", thickness, "mm", "<= 0.2" if aimed else "", met)
                audited = float(np.abs(cell.audited_mm[width]).max())
                yield Row(f"{where}: worst error of the audit's thickness", audited, "mm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=6, help="random offsets and rotations of each body")
    repeats = parser.parse_args().repeats
    publish("geometry", [*table(repeats), *compared(repeats)], "make bench-geometry")


if __name__ == "__main__":
    main()
