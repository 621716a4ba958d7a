"""Texture of a small window around every voxel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.compiled import kernel
from perisurv.radiomics.kernels.formulae import cooccurrence_features, emphasis_features
from perisurv.radiomics.kernels.texture import cooccurrence, neighbourhood, run_lengths

__all__ = ["cooccurrence_map", "dependence_map", "run_length_map"]

Floats = NDArray[np.float64]
Levels = NDArray[np.unsignedinteger]
Positions = NDArray[np.int64]


@kernel(nogil=True)
def _window(levels: Levels, centre: Positions, radius: int, box: Levels, first: int, runs: Positions) -> int:
    """Copy the window around a voxel into the small box and write its runs; returns how many there are.

    The levels have a border of ``radius`` zeros on every side.
    """
    width = 2 * radius + 1
    row = width + 2
    n = 0
    for k in range(width):
        for j in range(width):
            here = first + k * row * row + j * row
            open_run = False
            for i in range(width):
                level = levels[centre[0] + k, centre[1] + j, centre[2] + i]
                box[here + i] = level
                if level and not open_run:
                    runs[0, n] = here + i
                if open_run and not level:
                    runs[1, n] = here + i
                    n += 1
                open_run = level > 0
            if open_run:
                runs[1, n] = here + width
                n += 1
    return n


@kernel(nogil=True)
def cooccurrence_map(
    levels: Levels, centres: Positions, radius: int, offsets: Positions, layout: Positions, feature: int
) -> Floats:
    """One merged co-occurrence feature of the window around every centre."""
    out = np.empty(len(centres))
    box = np.zeros(layout[0], levels.dtype)
    runs = np.empty((2, layout[2]), np.int64)
    highest = int(levels.max())
    for v in range(len(centres)):
        n = _window(levels, centres[v], radius, box, layout[1], runs)
        counts = cooccurrence(box, runs[0, :n], runs[1, :n], offsets, highest)
        out[v] = cooccurrence_features(counts.sum(axis=0).astype(np.float64))[feature]
    return out


@kernel(nogil=True)
def run_length_map(
    levels: Levels, centres: Positions, radius: int, offsets: Positions, layout: Positions, feature: int
) -> Floats:
    """One merged run length feature of the window around every centre."""
    out = np.empty(len(centres))
    box = np.zeros(layout[0], levels.dtype)
    runs = np.empty((2, layout[2]), np.int64)
    highest = int(levels.max())
    width = 2 * radius + 1
    lengths = np.arange(width + 1).astype(np.float64)
    for v in range(len(centres)):
        n = _window(levels, centres[v], radius, box, layout[1], runs)
        counts = run_lengths(box, runs[0, :n], runs[1, :n], offsets, (width + 2) ** 2, highest, width)
        voxels = (runs[1, :n] - runs[0, :n]).sum() * offsets.size
        out[v] = emphasis_features(counts.sum(axis=0).astype(np.float64), lengths, voxels)[feature]
    return out


@kernel(nogil=True)
def dependence_map(
    levels: Levels, centres: Positions, radius: int, rows: Positions, layout: Positions, feature: int
) -> Floats:
    """One dependence feature of the window around every centre."""
    out = np.empty(len(centres))
    box = np.zeros(layout[0], levels.dtype)
    runs = np.empty((2, layout[2]), np.int64)
    highest = int(levels.max())
    lengths = np.arange(28).astype(np.float64)
    for v in range(len(centres)):
        n = _window(levels, centres[v], radius, box, layout[1], runs)
        counts, _, _ = neighbourhood(box, runs[0, :n], runs[1, :n], rows, highest)
        voxels = (runs[1, :n] - runs[0, :n]).sum()
        out[v] = emphasis_features(counts.astype(np.float64), lengths, voxels)[feature]
    return out
