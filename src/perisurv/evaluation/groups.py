"""Labels of groups of patients, in a stable order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from perisurv.core import OutcomeError

__all__ = ["group_labels"]


def group_labels(
    group: Sequence[object] | NDArray[np.generic], n: int, what: str
) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Names of the groups in ascending order (of numbers as numbers), and the group of each patient.

    Parameters
    ----------
    group
        One label a patient, shape (n,).
    n
        Patients.
    what
        The statistic, for messages.

    Raises
    ------
    OutcomeError
        If there is not one label a patient, or a label is missing.
    """
    labels = np.asarray(group)
    if labels.shape != (n,):
        raise OutcomeError(f"{what} needs one group a patient: {labels.size} for {n} patients.")
    missing = [label is None or (isinstance(label, float) and np.isnan(label)) for label in labels.tolist()]
    if any(missing):
        raise OutcomeError(f"{what} needs a group for every patient; {sum(missing)} have none.")
    if labels.dtype == object:
        labels = labels.astype(str)
    values, place = np.unique(labels, return_inverse=True)
    return tuple(str(v) for v in cast("list[object]", values.tolist())), place.astype(np.intp)
