"""Which batch a patient belongs to, and what is done with a batch that the training data did not hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perisurv.core import FeatureError, FeatureTable, SettingsError
from perisurv.survival.domain import Acquisition
from perisurv.survival.options import BatchBy

__all__ = ["BatchBy", "Batches", "Unseen", "batch_rows", "batches", "check_sample", "labels_of"]

Batches = Mapping[str, str]
Unseen = Literal["refuse", "as_is", "sample"]

ONE_BATCH = "all"
KEYS = {"centre": "centre", "scanner": "scanner", "kernel": "kernel", "slice_thickness": "slice_spacing_mm"}
NAMED = 5  # patients named in one sentence


def batches(acquisition: Acquisition, by: BatchBy, *, edges_mm: Sequence[float] = (1.5, 2.5, 4.0)) -> dict[str, str]:
    """The batch of each patient.

    Parameters
    ----------
    acquisition
        patient -> what is known of the scan: ``scanner`` (manufacturer and model), ``kernel``, ``slice_spacing_mm``,
        and ``centre`` where the caller has put it there.
    by
        What makes a batch. ``slice_thickness`` goes by the distance of the slices, ``slice_spacing_mm``, which is what
        sets the resolution of a resampled CT.
    edges_mm
        Upper ends of the bins of the slice thickness, mm, rising; a thickness on an end belongs to the bin below. The
        default parts 1-1.5, 2-2.5, 3-4 and 5 mm.

    Raises
    ------
    FeatureError
        If a patient lacks the value: who would be harmonised cannot be guessed.
    SettingsError
        If ``by`` or the edges are not as above.
    """
    if by not in get_args(BatchBy):
        raise SettingsError(f"A batch can go by {', '.join(get_args(BatchBy))}; got {by!r}.")
    edges = tuple(edges_mm) if by == "slice_thickness" else ()
    found = {patient: _label(row.get(KEYS[by]), edges) for patient, row in acquisition.items()}
    lacking = sorted(p for p, label in found.items() if not label)
    if lacking:
        raise FeatureError(
            f"Patients {_some(lacking)} have no {KEYS[by]}, so their batch by {by} is unknown. Give the value, take "
            "the batch from something else, or leave them out."
        )
    return found


def labels_of(batch: Batches | None, patients: Sequence[str]) -> NDArray[np.str_]:
    """Batch of each patient, shape (patients,); without a mapping all are of one batch.

    Raises
    ------
    FeatureError
        If a patient has none.
    """
    if batch is None:
        return np.full(len(patients), ONE_BATCH)
    known = {str(patient): label for patient, label in batch.items()}
    labels = {p: _label(known.get(p), ()) for p in patients}
    lacking = [p for p, label in labels.items() if not label]
    if lacking:
        raise FeatureError(f"Patients {_some(lacking)} have no batch; name the centre or scanner of each.")
    return np.array([labels[p] for p in patients])


def batch_rows(labels: NDArray[np.str_], known: Sequence[str], unseen: Unseen) -> NDArray[np.intp]:
    """Place of each patient's batch among the known ones; -1: unseen and left as it is.

    Raises
    ------
    FeatureError
        If a batch is not known and the policy does not leave it as it is.
    """
    place = {name: n for n, name in enumerate(known)}
    rows = np.array([place.get(str(label), -1) for label in labels], dtype=np.intp)
    if unseen != "as_is" and (rows < 0).any():
        new = sorted({str(label) for label in labels[rows < 0]})
        todo = (
            "with_sample estimates it from an unlabelled sample of it, whose patients are then not scored"
            if unseen == "sample"
            else "unseen='as_is' would leave its features as they are, unseen='sample' estimate it from a sample of it"
        )
        raise FeatureError(
            f"Batch {', '.join(map(repr, new[:NAMED]))} was not among the training batches ({_some(known)}), so its "
            f"shift is unknown; {todo}."
        )
    return rows


def check_sample(batch: str, known: Sequence[str], table: FeatureTable, unseen: Unseen, minimum: int) -> None:
    """Refuse a sample that cannot be one of an unseen batch.

    Raises
    ------
    SettingsError
        If the policy for unseen batches is another one.
    FeatureError
        If the batch is known, or the sample too small.
    """
    if unseen != "sample":
        raise SettingsError(f"The policy for unseen batches is {unseen!r}; to estimate one, fit with unseen='sample'.")
    if not batch or batch in known:
        raise FeatureError(f"The sample needs the name of a new batch; got {batch!r}, known are {_some(known)}.")
    if len(table) < minimum:
        raise FeatureError(
            f"{len(table)} patients of batch {batch!r} are too few to estimate its location and scale; "
            f"give at least {minimum}, none of whom is to be scored."
        )


def _label(value: object, edges_mm: Sequence[float]) -> str:
    """Text of a batch; empty: unknown."""
    if value is None or (isinstance(value, Real) and math.isnan(value)) or value is pd.NA:
        return ""
    if isinstance(value, Real) and edges_mm:
        return _bin(float(value), edges_mm)
    return str(value).strip()


def _bin(thickness_mm: float, edges_mm: Sequence[float]) -> str:
    if list(edges_mm) != sorted(set(edges_mm)) or edges_mm[0] <= 0:
        raise SettingsError(f"The ends of the bins of slice thickness must be positive and rise; got {edges_mm}.")
    place = int(np.searchsorted(edges_mm, round(thickness_mm, 2)))  # 2.5000001 is 2.5
    if place == 0:
        return f"up to {edges_mm[0]:g} mm"
    if place == len(edges_mm):
        return f"over {edges_mm[-1]:g} mm"
    return f"{edges_mm[place - 1]:g} to {edges_mm[place]:g} mm"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
