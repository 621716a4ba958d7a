"""Twenty synthetic regions, the same to the bit everywhere: whole numbers only, from the raw bits of PCG64.

Needs numpy alone: it is imported by perisurv's tests and by the script that runs pyradiomics.
"""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["RandomRegion", "random_regions"]


class RandomRegion(NamedTuple):
    """Image of whole HU and mask, both [k, j, i], with the spacing of these axes in mm."""

    name: str
    image: Any
    mask: Any
    spacing_mm: tuple[float, float, float]


class _Plan(NamedTuple):
    name: str
    radii: tuple[int, int, int]  # of the ellipsoid, voxels
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    roughness: int = 30  # per cent of the squared radius by which the surface is moved
    spread_hu: int = 800  # range of the intensities
    smooth: int = 2  # half width of the box that the noise is averaged over
    cut: tuple[int, int, int] = (0, 0, 0)  # voxels of the low end of each axis that the image lacks


_PLANS = (
    _Plan("thirty_voxels", (2, 2, 2), roughness=0, smooth=1),
    _Plan("small_rough", (3, 4, 5), roughness=60, smooth=1),
    _Plan("small_smooth", (4, 4, 4), smooth=3),
    _Plan("ball", (9, 9, 9), roughness=0),
    _Plan("rough_ball", (10, 10, 10), roughness=80),
    _Plan("rod", (3, 3, 20)),
    _Plan("plate", (2, 15, 17)),
    _Plan("one_slice", (0, 8, 11), roughness=40, smooth=1),
    _Plan("thick_slices", (5, 14, 13), (3.0, 0.9765625, 0.9765625)),
    _Plan("three_spacings", (8, 11, 9), (1.5, 0.75, 1.25), roughness=50),
    _Plan("fine_voxels", (12, 10, 9), (0.4, 0.4, 0.5)),
    _Plan("border_slice", (10, 9, 8), cut=(8, 0, 0)),
    _Plan("border_corner", (9, 10, 11), cut=(8, 9, 10), roughness=50),
    _Plan("two_pieces", (7, 10, 18)),
    _Plan("hole", (9, 10, 11)),
    _Plan("few_levels", (8, 8, 9), spread_hu=150, smooth=3),
    _Plan("flat", (5, 6, 7), spread_hu=0),
    _Plan("many_levels", (7, 9, 8), spread_hu=3000, smooth=0),
    _Plan("noise", (11, 12, 10), smooth=0, roughness=90),
    _Plan("twenty_thousand", (16, 17, 18), roughness=40),
)


def random_regions() -> list[RandomRegion]:
    """The regions: 30 to 20 000 voxels; at the border, in pieces, with a hole, flat, of few and of many grey levels."""
    return [_region(plan, seed) for seed, plan in enumerate(_PLANS, start=1)]


def _region(plan: _Plan, seed: int) -> RandomRegion:
    shape = tuple(2 * radius + 7 for radius in plan.radii)
    bits = np.random.PCG64(seed)
    noise = _averaged(_noise(bits, shape), plan.smooth)
    image = -400 + noise * plan.spread_hu // 1000
    mask = _ellipsoid(plan, _averaged(_noise(bits, shape), 1))
    k, j, i = (n // 2 for n in shape)
    if plan.name == "two_pieces":
        mask[:, :, i - 2 : i + 2] = False
    if plan.name == "hole":
        mask[k - 2 : k + 2, j - 1 : j + 3, i - 3 : i + 2] = False
    part = tuple(slice(3 + cut if cut else 0, None) for cut in plan.cut)
    return RandomRegion(plan.name, image[part].astype(np.float32), mask[part], plan.spacing_mm)


def _noise(bits: Any, shape: tuple[int, ...]) -> Any:
    """Whole numbers 0..999."""
    raw = np.asarray(bits.random_raw(int(np.prod(shape))))
    return (raw >> np.uint64(40)).astype(np.int64).reshape(shape) % 1000


def _averaged(values: Any, half: int) -> Any:
    """Mean over a box, spread to the range 0..999 again."""
    if half == 0:
        return values
    width = 2 * half + 1
    for axis in range(3):
        padded = np.pad(values, [(half, half) if a == axis else (0, 0) for a in range(3)], mode="reflect")
        values = sum(np.take(padded, range(n, n + values.shape[axis]), axis=axis) for n in range(width))
    low, high = values.min(), values.max()
    return (values - low) * 999 // (high - low)


def _ellipsoid(plan: _Plan, noise: Any) -> Any:
    """Voxels whose scaled squared distance from the centre, moved by the noise, is at most 1 (in parts of 10 000)."""
    distance = np.zeros(noise.shape, dtype=np.int64)
    for axis, (n, radius) in enumerate(zip(noise.shape, plan.radii, strict=True)):
        offset = (np.arange(n) - n // 2).reshape([-1 if a == axis else 1 for a in range(3)])
        distance = distance + offset**2 * 10_000 // max(radius**2, 1) + 20_000 * (np.abs(offset) > radius)
    return distance + (noise - 500) * plan.roughness // 5 <= 10_000
