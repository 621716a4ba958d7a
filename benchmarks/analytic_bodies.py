"""Bodies whose distance bands are known in closed form, drawn on CT grids: spheres, ellipsoids, capsules, turned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from perisurv.core import Geometry, Mask, Scan, Volume

__all__ = ["KINDS", "Body", "drawn", "random_body", "realised_thickness_mm"]

Floats = NDArray[np.float64]
KINDS = ("sphere", "ellipsoid", "capsule")
# Semi-axes of the ellipsoid in radii; a capsule's axis is two radii long.
SEMI_AXES = np.array([1.3, 1.0, 0.8])
ROOM_MM = 14.0


@dataclass(frozen=True, eq=False)
class Body:
    """A convex body around the origin, turned by a rotation; LPS mm."""

    kind: str
    radius_mm: float
    rotation: Floats

    @property
    def reach_mm(self) -> float:
        return {"sphere": 1.0, "ellipsoid": 1.3, "capsule": 2.0}[self.kind] * self.radius_mm

    def inside(self, points: Floats) -> NDArray[np.bool_]:
        own = points @ self.rotation
        if self.kind == "capsule":
            own[..., 0] -= np.clip(own[..., 0], -self.radius_mm, self.radius_mm)
        scale = SEMI_AXES if self.kind == "ellipsoid" else np.ones(3)
        return np.asarray(((own / (scale * self.radius_mm)) ** 2).sum(axis=-1) <= 1)

    def grown_mm3(self, width_mm: float) -> float:
        """Volume of all points within the width of the body: Steiner's formula, V + S w + M w^2 + 4/3 pi w^3."""
        r, w = self.radius_mm, width_mm
        if self.kind == "ellipsoid":
            points, normals, area = self._surface()
            volume = 4 / 3 * np.pi * float(np.prod(SEMI_AXES)) * r**3
            support = (points * normals).sum(axis=1)
            # The mean width is the mean of the support function over directions; its integral is M.
            directions, solid = _sphere()
            mean = float((np.linalg.norm(directions * SEMI_AXES * r, axis=1) * solid).sum())
            assert abs((support * area).sum() / 3 / volume - 1) < 1e-3
            return volume + float(area.sum()) * w + mean * w**2 + 4 / 3 * np.pi * w**3
        length = 2 * r if self.kind == "capsule" else 0.0
        return 4 / 3 * np.pi * (r + w) ** 3 + np.pi * (r + w) ** 2 * length

    def surface(self) -> tuple[Floats, Floats, Floats]:
        """Points on the surface (n, 3), outward unit normals and the area that each stands for, mm and mm^2."""
        points, normals, area = self._surface()
        return points @ self.rotation.T, normals @ self.rotation.T, area

    def _surface(self) -> tuple[Floats, Floats, Floats]:
        directions, solid = _sphere()
        r = self.radius_mm
        if self.kind == "ellipsoid":
            axes = SEMI_AXES * r
            scaled = directions / axes
            length = np.linalg.norm(scaled, axis=1)
            return directions * axes, scaled / length[:, None], solid * float(np.prod(axes)) * length
        if self.kind == "sphere":
            return directions * r, directions, solid * r**2
        caps = directions * r + np.sign(directions[:, :1]) * np.array([r, 0.0, 0.0])
        along, around = np.meshgrid((np.arange(60) + 0.5) / 30 - 1, np.arange(120) * np.pi / 60, indexing="ij")
        normals = np.stack([np.zeros(along.size), np.cos(around.ravel()), np.sin(around.ravel())], axis=1)
        side = normals * r + np.stack([along.ravel() * r, *np.zeros((2, along.size))], axis=1)
        patch = np.full(along.size, 2 * r / 60 * r * np.pi / 60)
        return (
            np.concatenate([caps, side]),
            np.concatenate([directions, normals]),
            np.concatenate([solid * r**2, patch]),
        )


def _sphere() -> tuple[Floats, Floats]:
    """Directions and the solid angle that each stands for."""
    height = (np.arange(80) + 0.5) / 40 - 1
    turn = (np.arange(160) + 0.5) * np.pi / 80
    z, phi = (a.ravel() for a in np.meshgrid(height, turn, indexing="ij"))
    flat = np.sqrt(1 - z**2)
    directions = np.stack([z, flat * np.cos(phi), flat * np.sin(phi)], axis=1)
    return directions, np.full(z.size, 4 * np.pi / z.size)


def random_body(kind: str, radius_mm: float, rng: np.random.Generator) -> Body:
    return Body(kind, radius_mm, Rotation.random(random_state=rng).as_matrix())


def drawn(body: Body, slice_mm: float, pixel_mm: float, rng: np.random.Generator) -> Scan:
    """The body on a grid with a random sub-voxel offset: voxels whose centre lies inside, as contours are filled."""
    spacing = np.array([slice_mm, pixel_mm, pixel_mm])
    half = np.ceil((body.reach_mm + ROOM_MM) / spacing).astype(int)
    first = (rng.uniform(-0.5, 0.5, 3) - half) * spacing
    k, j, i = (2 * half + 1).tolist()
    grid = Geometry((k, j, i), (slice_mm, pixel_mm, pixel_mm), (first[2], first[1], first[0]))
    mask = body.inside(grid.to_mm(np.stack(np.indices(grid.shape), axis=-1)))
    return Scan(body.kind, Volume(np.zeros(grid.shape), grid), Mask(mask, grid))


def realised_thickness_mm(body: Body, ring: Mask, width_mm: float, step_mm: float = 0.1) -> Floats:
    """Extent of a ring's voxels along the true outward normals of the body, mm; mean weighted by area."""
    points, normals, area = body.surface()
    hits = np.zeros(len(points))
    last = np.asarray(ring.values.shape) - 1
    for depth in np.arange(-2.0 + step_mm / 2, width_mm + 2.0, step_mm):
        at = np.rint(ring.geometry.to_index(points + depth * normals)).astype(int)
        k, j, i = np.clip(at, 0, last).T
        hits += ring.values[k, j, i]
    return np.asarray(hits * step_mm * area / area.mean())
