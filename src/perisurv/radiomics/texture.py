"""Grey levels of a region to the features of the five texture matrices."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from perisurv.core import FeatureError, RegionError
from perisurv.radiomics.catalogue import names
from perisurv.radiomics.emphasis import emphasis
from perisurv.radiomics.glcm import glcm
from perisurv.radiomics.ngtdm import ngtdm

__all__ = ["TEXTURES", "texture_features"]

Levels = NDArray[np.int32]
Counts = NDArray[np.int64]
TEXTURES = ("cm", "rlm", "szm", "ngt", "ngl")


def texture_features(
    levels: Levels, aggregation: str = "merged", families: Collection[str] = TEXTURES
) -> dict[str, float]:
    """Features of the texture matrices (Chebyshev distance 1, dependence coarseness 0, three-dimensional).

    Parameters
    ----------
    levels
        Box (slices, rows, columns) around the region: grey levels from 1, 0 outside.
    aggregation
        ``merged`` or ``averaged`` over the 13 directions, for co-occurrence and run lengths.
    families
        Which of :data:`TEXTURES`.

    Raises
    ------
    FeatureError
        If the levels are not integers.
    RegionError
        If the box holds no voxel or a negative level.
    """
    from perisurv.radiomics.kernels import texture as kernels  # noqa: PLC0415 (numba, only here)

    if levels.dtype.kind not in "iu":
        raise FeatureError(f"Texture needs integer grey levels, got {levels.dtype}; discretise the intensities first.")
    if not levels.any() or levels.min() < 0:
        raise RegionError("Texture needs a box with at least one voxel of a grey level of 1 or more.")
    padded = np.pad(levels, 1).astype(np.int32)
    n, n_voxels = int(levels.max()), int(np.count_nonzero(levels))
    merged, directions = aggregation == "merged", kernels.DIRECTIONS
    values: dict[str, tuple[float, ...]] = {}
    if "cm" in families:
        values["cm"] = glcm(kernels.cooccurrence(padded, directions, n, merged))
    if "rlm" in families:
        values["rlm"] = _runs(kernels.run_lengths(padded, directions, n), n_voxels, merged)
    if "szm" in families:
        values["szm"] = _zones(*kernels.zones(padded), n, n_voxels)
    if "ngt" in families or "ngl" in families:
        voxels, difference, dependence = kernels.neighbourhood(padded, n)
        values["ngt"], values["ngl"] = ngtdm(voxels, difference), _dependence(dependence, n_voxels)
    return {
        name: value
        for family in TEXTURES
        if family in families
        for name, value in zip(names(family), values[family], strict=True)
    }


def _runs(runs: Counts, n_voxels: int, merged: bool) -> tuple[float, ...]:
    lengths = np.arange(1, runs.shape[2] + 1, dtype=float)
    if merged:
        return emphasis(runs.sum(axis=0).astype(float), lengths, n_voxels * runs.shape[0])
    rows = [emphasis(one.astype(float), lengths, n_voxels) for one in runs]
    return tuple(float(v) for v in np.mean(rows, axis=0))


def _zones(level: Levels, size: Levels, n_levels: int, n_voxels: int) -> tuple[float, ...]:
    sizes, column = np.unique(size, return_inverse=True)
    counts = np.zeros((n_levels, sizes.size))
    np.add.at(counts, (level - 1, column), 1.0)
    return emphasis(counts, sizes.astype(float), n_voxels)


def _dependence(dependence: Counts, n_voxels: int) -> tuple[float, ...]:
    counts = dependence.astype(float)
    values = emphasis(counts, np.arange(1, counts.shape[1] + 1, dtype=float), n_voxels)
    energy = float(((counts / counts.sum()) ** 2).sum())
    return (*values, energy)
