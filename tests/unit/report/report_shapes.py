"""The same patient stored another way."""

import numpy as np

from perisurv.core import Geometry, Mask, Region, RegionSet, Volume


def stored(regions: RegionSet, order: tuple[int, int, int], flips: tuple[int, ...]) -> RegionSet:
    """The same patient with the array axes in another order and direction."""
    grid = regions.image.geometry
    direction = np.asarray(grid.direction)[:, list(order)]
    shape = np.asarray(grid.shape)[list(order)]
    corner = np.zeros(3)
    for axis in flips:
        corner[order[axis]] = shape[axis] - 1
        direction[:, axis] *= -1
    x, y, z = (tuple(float(v) for v in row) for row in direction)
    origin = tuple(float(v) for v in grid.to_mm(corner))
    stored = Geometry(tuple(int(n) for n in shape), (1.0, 1.0, 1.0), origin, (x, y, z))  # type: ignore[arg-type]

    def turned(values: np.ndarray) -> np.ndarray:
        return np.flip(values.transpose(order), flips)

    kept = tuple(Region(r.name, Mask(turned(r.mask.values), stored), r.audit) for r in regions)
    return RegionSet("X", Volume(turned(regions.image.values), stored), kept)
