"""Grey levels of a region to the features of the six texture matrices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perisurv.radiomics.catalogue import names
from perisurv.radiomics.emphasis import emphasis
from perisurv.radiomics.glcm import glcm
from perisurv.radiomics.ngtdm import ngtdm
from perisurv.radiomics.raster import GreyLevels

__all__ = [
    "AGGREGATIONS",
    "DIRECTIONS",
    "TEXTURES",
    "Aggregation",
    "TextureMatrices",
    "texture_features",
    "zone_features",
]

Counts = NDArray[np.integer]
DistanceMap = NDArray[np.uint16]
Aggregation = Literal[
    "3d_merged", "3d_averaged", "2.5d_merged", "2.5d_direction_merged", "2d_slice_merged", "2d_averaged"
]
_SMALL = 63
# One of each pair of opposite neighbours, along the rows first; the first four lie in the slice.
DIRECTIONS = [step for step in product((0, 1), (-1, 0, 1), (-1, 0, 1)) if step > (0, 0, 0)]
TEXTURES = ("cm", "rlm", "szm", "dzm", "ngt", "ngl")


@dataclass(frozen=True, slots=True)
class _Scheme:
    planar: bool
    merge_slices: bool
    merge_directions: bool


AGGREGATIONS: dict[Aggregation, _Scheme] = {
    "3d_merged": _Scheme(planar=False, merge_slices=True, merge_directions=True),
    "3d_averaged": _Scheme(planar=False, merge_slices=True, merge_directions=False),
    "2.5d_merged": _Scheme(planar=True, merge_slices=True, merge_directions=True),
    "2.5d_direction_merged": _Scheme(planar=True, merge_slices=True, merge_directions=False),
    "2d_slice_merged": _Scheme(planar=True, merge_slices=False, merge_directions=True),
    "2d_averaged": _Scheme(planar=True, merge_slices=False, merge_directions=False),
}


def texture_features(
    grey: GreyLevels,
    aggregation: Aggregation = "3d_merged",
    families: Collection[str] = TEXTURES,
    distance: DistanceMap | None = None,
) -> dict[str, float]:
    """Features of the texture matrices (Chebyshev distance 1, dependence coarseness 0).

    Parameters
    ----------
    grey
        Grey levels of at least one voxel.
    aggregation
        Neighbours in the volume (``3d``) or in the slice; matrices merged before or features averaged after.
    families
        Which of :data:`TEXTURES`.
    distance
        Distance of every position to the outside of the region for ``dzm``; the region of the grey levels by default.

    Returns
    -------
    dict
        Name -> value. An average leaves out the matrices that do not define the feature; NaN where none does.
    """
    counting = TextureMatrices(grey, aggregation, distance)
    values: dict[str, NDArray[np.float64]] = {}
    if "cm" in families:
        values["cm"] = _mean([glcm(counts) for counts, _ in counting.cooccurrence()])
    if "rlm" in families:
        values["rlm"] = _mean([emphasis(counts, None, n) for counts, n in counting.run_lengths()])
    if "szm" in families or "dzm" in families:
        zones = counting.zones()
        if "szm" in families:
            values["szm"] = _mean([zone_features(level, size, n) for level, size, _, n in zones])
        if "dzm" in families:
            values["dzm"] = _mean([zone_features(level, nearest, n) for level, _, nearest, n in zones])
    if "ngt" in families or "ngl" in families:
        neighbours = counting.neighbourhood()
        values["ngt"] = _mean([ngtdm(voxels, difference) for _, voxels, difference, _ in neighbours])
        values["ngl"] = _mean([_dependence(counts, n) for counts, _, _, n in neighbours])
    return {
        name: float(value)
        for family in TEXTURES
        if family in families
        for name, value in zip(names(family), values[family], strict=True)
    }


class TextureMatrices:
    """Texture matrices of one region, put together as the aggregation wants: one or several of each family.

    Parameters
    ----------
    grey
        Grey levels of at least one voxel.
    aggregation
        Which neighbours count, and what is merged.
    distance
        Distance of every position to the outside of the region; that of the grey levels by default.
    """

    def __init__(self, grey: GreyLevels, aggregation: Aggregation, distance: DistanceMap | None = None) -> None:
        from perisurv.radiomics.kernels import texture as kernels  # noqa: PLC0415 (numba, only here)

        raster, scheme = grey.raster, AGGREGATIONS[aggregation]
        self._kernels, self._grey, self._scheme = kernels, grey, scheme
        self._distance = raster.edge_distance(planar=scheme.planar) if distance is None else distance
        self._parts = raster.slices() if scheme.planar else [raster]
        across = [0] if scheme.planar else [-1, 0, 1]
        self._offsets = np.array(
            [k * raster.plane + j * raster.row + i for k, j, i in DIRECTIONS[: 4 if scheme.planar else 13]]
        )
        self._rows = np.array([k * raster.plane + j * raster.row for k, j in product(across, (-1, 0, 1))])

    def cooccurrence(self) -> list[tuple[Counts, int]]:
        """(one-way counts [level, neighbour's level]; voxels)."""
        grey, offsets = self._grey, self._offsets
        return self._directional(
            [
                self._kernels.cooccurrence(grey.levels, part.starts, part.ends, offsets, grey.highest)
                for part in self._parts
            ]
        )

    def run_lengths(self) -> list[tuple[Counts, int]]:
        """(counts [level, length]; voxels, once for each direction merged)."""
        grey, offsets, longest = self._grey, self._offsets, max(self._grey.raster.shape) - 2
        return self._directional(
            [
                self._kernels.run_lengths(
                    grey.levels, part.starts, part.ends, offsets, part.plane, grey.highest, longest
                )
                for part in self._parts
            ]
        )

    def zones(self) -> list[tuple[Counts, Counts, Counts, int]]:
        """(level, size, distance of every zone; voxels)."""
        found: list[tuple[Counts, Counts, Counts, int]] = []
        for part in self._parts:
            level, size, nearest = self._kernels.zones(
                self._grey.levels, part.starts, part.ends, self._offsets, part.plane, self._distance, _joins()
            )
            found.append((level, size, nearest, part.n_voxels))
        if not self._scheme.merge_slices or len(found) == 1:
            return found
        level, size, nearest = (np.concatenate([one[n] for one in found]) for n in range(3))
        return [(level, size, nearest, self._grey.raster.n_voxels)]

    def neighbourhood(self) -> list[tuple[Counts, Counts, Counts, int]]:
        """(dependence, voxels by neighbours, difference by neighbours; voxels)."""
        counted: list[tuple[Counts, Counts, Counts, int]] = []
        for part in self._parts:
            dependence, voxels, difference = self._kernels.neighbourhood(
                self._grey.levels, part.starts, part.ends, self._rows, self._grey.highest
            )
            counted.append((dependence, voxels, difference, part.n_voxels))
        if not self._scheme.merge_slices or len(counted) == 1:
            return counted
        dependence = np.sum([one for one, _, _, _ in counted], axis=0)
        voxels = np.sum([one for _, one, _, _ in counted], axis=0)
        difference = np.sum([one for _, _, one, _ in counted], axis=0)
        return [(dependence, voxels, difference, self._grey.raster.n_voxels)]

    def _directional(self, of_parts: list[Counts]) -> list[tuple[Counts, int]]:
        """Matrices [level, column] and the voxels behind each, from counts [direction, level, column] of the parts."""
        counted = [(counts, part.n_voxels) for counts, part in zip(of_parts, self._parts, strict=True)]
        if self._scheme.merge_slices and len(counted) > 1:
            counted = [(np.sum(of_parts, axis=0), self._grey.raster.n_voxels)]
        if self._scheme.merge_directions:
            return [(counts.sum(axis=0), n * len(counts)) for counts, n in counted]
        return [(one, n) for counts, n in counted for one in counts]


@cache
def _joins() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For every set of the 13 neighbours: how many of them do not touch one another, and one of each touching group."""
    steps = np.array(DIRECTIONS)
    touching = (np.abs(steps[:, None] - steps[None, :]).max(axis=2) <= 1) @ (1 << np.arange(13))
    rest = np.arange(1 << 13)
    counts, representatives = np.zeros(1 << 13, np.uint8), []
    while rest.any():
        counts += rest > 0
        group = rest & -rest
        representatives.append(np.log2(np.maximum(group, 1)).astype(np.uint8))
        # Grow the group of the lowest neighbour by whatever touches it.
        for _, d in product(range(4), range(13)):
            group |= np.where(group >> d & 1, touching[d], 0) & rest
        rest &= ~group
    return counts, np.stack(representatives, axis=1)


def zone_features(level: Counts, length: Counts, n_voxels: int) -> NDArray[np.float64]:
    """The sixteen features of zones of these levels and sizes or distances (:mod:`.emphasis`)."""
    # Almost all zones are small: a column for each small length, and one for each larger length that occurs.
    large = np.flatnonzero(length > _SMALL)
    others, which = np.unique(length[large], return_inverse=True)
    lengths = np.concatenate([np.arange(_SMALL + 1), others]).astype(float)
    column = length.astype(np.int64)
    column[large] = _SMALL + 1 + which
    shape = int(level.max()) + 1, lengths.size
    cells = np.bincount(level * shape[1] + column, minlength=shape[0] * shape[1])
    return emphasis(cells.reshape(shape), lengths, n_voxels)


def _dependence(counts: Counts, n_voxels: int) -> NDArray[np.float64]:
    p = counts[1:] / counts[1:].sum()
    return np.append(emphasis(counts, None, n_voxels), (p**2).sum())


def _mean(rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean of each feature over the matrices that define it."""
    if len(rows) == 1:
        return rows[0]
    table = np.array(rows)
    defined = ~np.isnan(table)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(defined, table, 0.0).sum(axis=0) / defined.sum(axis=0))
