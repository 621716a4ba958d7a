"""A drawn chest whose lungs are known: two ellipsoids in an ellipse of soft tissue, on a couch, with options."""

from dataclasses import dataclass, field

import numpy as np
from imaging_shapes import points

from perisurv.core import Geometry, Volume

GRID = Geometry((50, 120, 150), (3.0, 2.0, 2.0), (-149.0, -119.0, -73.5))
LUNG_HU, SOFT_HU, AIR_HU = -850.0, 40.0, -1000.0


@dataclass
class Chest:
    """HU and true lungs; every method draws one thing more. x runs to the left, y to the back, z to the head."""

    grid: Geometry = GRID
    noise_hu: float = 15.0
    hu: np.ndarray = field(init=False)
    right: np.ndarray = field(init=False)
    left: np.ndarray = field(init=False)

    def __post_init__(self):
        x, y, z = self.at()
        self.hu = np.full(self.grid.shape, AIR_HU)
        self.hu[(x / 130) ** 2 + (y / 90) ** 2 <= 1] = SOFT_HU
        self.right, self.left = (self.ellipsoid((62 * side, 0, 0), (45, 60, 62)) for side in (-1, 1))
        self.hu[self.right | self.left] = LUNG_HU
        self.hu[self.tube((0, -30), 8) & (z > -10)] = AIR_HU
        self.hu[self.tube((0, 65), 15)] = 400.0
        self.hu[(y > 100) & (y < 110) & (np.abs(x) < 120)] = 100.0

    def at(self):
        return np.moveaxis(points(self.grid), -1, 0)

    def ellipsoid(self, centre, radii):
        return sum(((p - c) / r) ** 2 for p, c, r in zip(self.at(), centre, radii, strict=True)) <= 1

    def tube(self, centre, radius):
        """Along z, centre in x and y."""
        x, y, _ = self.at()
        return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2

    def tongues(self, membrane_mm):
        """Both lungs reach in front of the heart and touch there; the pleura between them is this thick."""
        x, y, z = self.at()
        front = (np.abs(y + 38) < 16) & (np.abs(z) < 40) & (np.abs(x) < 50)
        self.right |= front & (x < -0.5 * membrane_mm)
        self.left |= front & (x > 0.5 * membrane_mm)
        self.hu[front] = SOFT_HU
        self.hu[self.right | self.left] = LUNG_HU
        return self

    def ct(self):
        noise = np.random.default_rng(0).normal(0, self.noise_hu, self.grid.shape)
        return Volume(self.hu + noise, self.grid)
