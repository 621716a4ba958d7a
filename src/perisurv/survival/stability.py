"""Which features survive another drawing of the contour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perisurv.core import FeatureError

__all__ = ["icc_1_1", "stable_features"]

Floats = NDArray[np.float64]


def icc_1_1(values: Floats) -> Floats:
    """Intraclass correlation ICC(1,1): one-way random effects, single measurement.

    Shrout and Fleiss 1979, Psychol Bull 86(2):420-428: (MSB - MSW) / (MSB + (k - 1) MSW).

    Parameters
    ----------
    values
        Shape (subjects, repeats, features); at least two of each of the first two.

    Returns
    -------
    Shape (features,); NaN where a value is NaN or all values are equal. At most 1; negative where repeats of one
    subject differ more than subjects do.

    Raises
    ------
    FeatureError
        If the array has another shape.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 3 or values.shape[0] < 2 or values.shape[1] < 2:
        raise FeatureError(
            f"ICC needs an array (subjects, repeats, features) with two subjects and repeats, got {values.shape}."
        )
    subjects, repeats, _ = values.shape
    mean = values.mean(axis=1)
    between = repeats * ((mean - mean.mean(axis=0)) ** 2).sum(axis=0) / (subjects - 1)
    within = ((values - mean[:, None]) ** 2).sum(axis=(0, 1)) / (subjects * (repeats - 1))
    total = between + (repeats - 1) * within
    varies = total > 1e-24 * np.square(values).max(axis=(0, 1), initial=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(varies, (between - within) / total, np.nan)


def stable_features(values: Floats, threshold: float = 0.75) -> NDArray[np.bool_]:
    """Whether the ICC(1,1) of each feature reaches the threshold, shape (features,); undefined counts as unstable."""
    with np.errstate(invalid="ignore"):
        return np.asarray(icc_1_1(values) >= threshold)
