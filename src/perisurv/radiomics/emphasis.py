"""The sixteen features that run length, zone and dependence matrices share (IBSI 3.7 to 3.9 and 3.11)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["emphasis"]

Floats = NDArray[np.float64]


def emphasis(counts: NDArray[np.integer], lengths: Floats | None, n_voxels: float) -> Floats:
    """Features of a matrix of counts.

    Parameters
    ----------
    counts
        Elements [level, length]. Level 0 and length 0 belong to nothing.
    lengths
        The length, size, distance or dependence that each column stands for; None: 0, 1, 2, ...
    n_voxels
        Voxels behind the matrix, for the percentage.

    Returns
    -------
    ndarray
        Short and long emphasis; low and high grey level emphasis; short low, short high, long low, long high;
        grey level non-uniformity and its normalised form; length non-uniformity and its normalised form; percentage;
        grey level variance; length variance; entropy (bits).
    """
    from perisurv.radiomics.kernels.formulae import emphasis_features  # noqa: PLC0415 (numba, only here)

    table = np.ascontiguousarray(counts, dtype=np.float64)
    lengths = np.arange(table.shape[1], dtype=np.float64) if lengths is None else lengths
    return np.asarray(emphasis_features(table, lengths, float(n_voxels)))
