"""Structure sets: which CT they belong to, their ROIs, and contours to voxels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from perisurv.cohort.dicom import DICOM_ERRORS
from perisurv.core import Geometry, GeometryError, Mask, ReadError

__all__ = ["RTSTRUCT_CLASS", "Roi", "StructureSet", "choose_roi", "rasterise", "read_structure_set"]

RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
_CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
# How far off its slice a contour may lie, as a share of the slice distance.
_OFF_SLICE = 0.25

Contour = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Roi:
    """A region of interest: closed contours, each (points, 3) LPS in mm, and the slices they were drawn on."""

    number: int
    name: str
    contours: tuple[Contour, ...]
    image_uids: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class StructureSet:
    """A structure set and what it refers to.

    Parameters
    ----------
    name
        Path relative to the cohort folder, for messages.
    series_uids, frame_uids, image_uids
        The CT series, frames of reference and CT slices that it says it was drawn on; empty where it says nothing.
    roi_names
        ROI number -> name, as listed, blanks collapsed.
    candidates
        Names of the ROIs that the first matching rule matches.
    roi
        The chosen ROI; None unless there is exactly one candidate.
    """

    path: Path
    name: str
    patient_id: str
    series_uids: frozenset[str]
    frame_uids: frozenset[str]
    image_uids: frozenset[str]
    roi_names: dict[int, str]
    candidates: tuple[str, ...]
    roi: Roi | None


def choose_roi(names: dict[int, str], rules: Sequence[str]) -> tuple[int, ...]:
    """Numbers of the ROIs that the first matching rule matches; empty if no rule matches any ROI."""
    for rule in rules:
        pattern = re.compile(rule, re.IGNORECASE)
        hits = tuple(number for number, name in names.items() if pattern.search(name))
        if hits:
            return hits
    return ()


def read_structure_set(path: Path, name: str, rules: Sequence[str]) -> StructureSet:
    """Read a structure set and the ROI that the rules choose.

    Raises
    ------
    ReadError
        If the file is not a whole structure set.
    """
    try:
        dataset = dcmread(path, force=True)
        series, frames, images = _references(dataset)
        names = {
            int(r.ROINumber): " ".join(str(r.get("ROIName", "") or "").split()) for r in dataset.StructureSetROISequence
        }
        hits = choose_roi(names, rules)
        roi = _roi(dataset, hits[0], names[hits[0]]) if len(hits) == 1 else None
        patient_id = str(dataset.get("PatientID", "") or "").strip()
    except DICOM_ERRORS as error:
        raise ReadError(f"{name} is not a whole RTSTRUCT ({type(error).__name__}); export it again.") from error
    return StructureSet(path, name, patient_id, series, frames, images, names, tuple(names[n] for n in hits), roi)


def rasterise(contours: Iterable[Contour], geometry: Geometry) -> Mask:
    """Voxels whose centre lies inside the contours: even-odd rule, contours of one slice combined by XOR.

    A centre on the boundary belongs to the region on the side of smaller row and column index only, so that
    two regions that share a boundary share no voxel.

    Parameters
    ----------
    contours
        Closed planar contours, each (points, 3) LPS in mm, parallel to the slices.
    geometry
        Grid of the CT.

    Raises
    ------
    GeometryError
        If a contour does not lie on a slice of the grid.
    """
    slices: dict[int, list[Contour]] = {}
    for contour in contours:
        # 1e-6 of a voxel: contours are stored as decimal text, often exactly on voxel centres.
        index = np.round(geometry.to_index(contour), 6)
        slices.setdefault(_slice_of(index, geometry), []).append(index[:, 1:])
    values = np.zeros(geometry.shape, dtype=bool)
    for k, polygons in slices.items():
        points = np.concatenate(polygons)
        low = np.maximum(np.floor(points.min(axis=0)), 0).astype(int)
        high = np.minimum(np.ceil(points.max(axis=0)) + 1, geometry.shape[1:]).astype(int)
        window = values[k, low[0] : high[0], low[1] : high[1]]
        window[:] = _fill([p - low for p in polygons], *window.shape)
    return Mask(values, geometry)


def _slice_of(index: Contour, geometry: Geometry) -> int:
    k = round(float(np.median(index[:, 0])))
    if np.abs(index[:, 0] - k).max() > _OFF_SLICE:
        raise GeometryError("a contour does not lie on a slice of the CT")
    if not 0 <= k < geometry.shape[0]:
        raise GeometryError(f"a contour lies on slice {k + 1} of a CT with {geometry.shape[0]} slices")
    last = np.asarray(geometry.shape[1:]) - 1
    if (index[:, 1:] < -1).any() or (index[:, 1:] > last + 1).any():
        raise GeometryError("a contour leaves the image of the CT")
    return k


def _fill(polygons: Sequence[Contour], rows: int, columns: int) -> NDArray[np.bool_]:
    """Even-odd scan conversion of polygons, vertices (row, column) in a window of so many rows and columns."""
    start = np.concatenate(polygons)
    stop = np.concatenate([np.roll(p, -1, axis=0) for p in polygons])
    # An edge crosses the rows in [lower, upper): half open, so that a shared vertex counts once.
    first = np.ceil(np.minimum(start[:, 0], stop[:, 0])).astype(int).clip(0, rows)
    count = np.ceil(np.maximum(start[:, 0], stop[:, 0])).astype(int).clip(0, rows) - first
    edge = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    slope = (stop[edge, 1] - start[edge, 1]) / (stop[edge, 0] - start[edge, 0])
    # Rounded again: a crossing on a voxel centre must not depend on the last bit.
    crossing = np.round(start[edge, 1] + (row - start[edge, 0]) * slope, 6)
    toggles = np.zeros((rows, columns + 1), dtype=np.int32)
    np.add.at(toggles, (row, np.ceil(crossing).astype(int).clip(0, columns)), 1)
    inside: NDArray[np.bool_] = np.cumsum(toggles, axis=1)[:, :columns] % 2 == 1
    return inside


def _roi(dataset: Dataset, number: int, name: str) -> Roi:
    contours: list[Contour] = []
    images: set[str] = set()
    for item in dataset.get("ROIContourSequence") or ():
        if int(item.ReferencedROINumber) != number:
            continue
        for contour in item.get("ContourSequence") or ():
            points = np.array(contour.get("ContourData") or (), dtype=float).reshape(-1, 3)
            if str(contour.get("ContourGeometricType", "")).upper() not in _CLOSED or len(points) < 3:
                continue
            contours.append(points)
            images |= {str(image.ReferencedSOPInstanceUID) for image in contour.get("ContourImageSequence") or ()}
    return Roi(number, name, tuple(contours), frozenset(images))


def _references(dataset: Dataset) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    series: set[str] = set()
    frames: set[str] = set()
    images: set[str] = set()
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or ():
        frames.add(str(frame.get("FrameOfReferenceUID", "")))
        for study in frame.get("RTReferencedStudySequence") or ():
            for item in study.get("RTReferencedSeriesSequence") or ():
                series.add(str(item.SeriesInstanceUID))
                images |= {str(i.ReferencedSOPInstanceUID) for i in item.get("ContourImageSequence") or ()}
    return frozenset(series), frozenset(frames - {""}), frozenset(images)
