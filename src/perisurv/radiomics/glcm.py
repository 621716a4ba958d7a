"""Grey level co-occurrence (IBSI 3.6, family LFYI)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["glcm"]


def glcm(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """The 25 features of one matrix in the order of the catalogue.

    Parameters
    ----------
    counts
        One-way counts [level, neighbour's level]; the opposite direction is added here. Row and column 0 belong to no
        level.

    Returns
    -------
    ndarray
        NaN where there is no pair; correlation and first measure of information correlation also where all neighbours
        have one level.
    """
    from perisurv.radiomics.kernels.formulae import cooccurrence_features  # noqa: PLC0415 (numba, only here)

    return np.asarray(cooccurrence_features(np.ascontiguousarray(counts, dtype=np.float64)))
