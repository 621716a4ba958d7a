"""Frames of a DICOM SEG to voxels of the CT, each by its own position (PS3.3 C.7.6.16.2.3, C.8.20.3)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from perisurv.cohort.ct import CtSeries
from perisurv.cohort.dicom import DICOM_ERRORS
from perisurv.cohort.dicom_layout import read_whole
from perisurv.cohort.grids import Placed, grid_of, lattice_index, place
from perisurv.core import Geometry, GeometryError, Mask, ReadError

__all__ = ["read_segments"]

_HALF = 0.5  # of MaximumFractionalValue
_REFERENCES = (
    "ReferencedSeriesSequence",
    "StudiesContainingOtherReferencedInstancesSequence",
    "SourceImageEvidenceSequence",
    "SourceImageSequence",
    "ReferencedImageSequence",
)


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """One plane of one segment, as thick as a slice of the CT."""

    plane: Geometry
    values: NDArray[np.bool_]


def read_segments(
    path: Path, name: str, numbers: Iterable[int], series: CtSeries, threshold: float | None
) -> dict[int, Placed]:
    """Segments on the grid of the CT, by number.

    Frames may be sparse, in any order and interleaved. Where each of a segment lies on a slice of the CT, its voxels
    are those of the slice; otherwise the segment is resampled as a volume, see :func:`perisurv.cohort.grids.place`.

    Parameters
    ----------
    path, name
        The file, and what messages call it.
    numbers
        Segment numbers.
    series
        The CT.
    threshold
        Share of MaximumFractionalValue from which a voxel of a FRACTIONAL segment is inside; None: one half.

    Raises
    ------
    ReadError
        If the file cannot be decoded, or a segment has two frames at one position.
    GeometryError
        If frames lie on other planes than the slices and make no regular volume.
    """
    import highdicom  # noqa: PLC0415 (loaded on first use only)

    try:
        data = highdicom.seg.Segmentation.from_dataset(_without_references(read_whole(path, "it")), copy=False)
        return {n: _placed(data, n, series, threshold or _HALF) for n in numbers}
    except (ReadError, GeometryError) as error:
        raise type(error)(f"{name}: {error}") from error
    except (*DICOM_ERRORS, sqlite3.Error) as error:  # highdicom keeps an index of frames in SQLite
        raise ReadError(f"{name} cannot be read as DICOM SEG ({type(error).__name__}); export it again.") from error


def _without_references(data: Dataset) -> Dataset:
    """The data set without its lists of images, which highdicom refuses where one is listed under two series.

    Which CT they mean was found before; a voxel is placed by the position of its own frame.
    """
    for name in _REFERENCES:
        if name in data:
            del data[name]
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in data.get(groups) or ():
            for derivation in group.get("DerivationImageSequence") or ():
                derivation.SourceImageSequence = []
    return data


def _placed(data: Any, number: int, series: CtSeries, share: float) -> Placed:
    geometry = series.geometry()
    frames = _frames(data, number, share, geometry.spacing_mm[0])
    values = np.zeros(geometry.shape, dtype=bool)
    outside = 0
    for frame in frames:
        index = _index(frame, series, geometry)
        if index is None or not series.rectangular:
            return place(_volume(data, number, share), geometry)
        inside = ((index >= 0) & (index < geometry.shape)).all(axis=1)
        values[tuple(index[inside].T)] = True
        outside += int((~inside).sum())
    return Placed(values, outside, (outside + int(values.sum())) * geometry.voxel_volume_mm3)


def _index(frame: _Frame, series: CtSeries, geometry: Geometry) -> NDArray[np.int64] | None:
    """Indices of the voxels of a frame in the CT; None if it does not lie on the pixels of a slice."""
    height = float(np.dot(np.asarray(geometry.direction)[:, 0], frame.plane.origin_mm))
    k = int(np.abs(series.offsets_mm - height).argmin())
    origin = series.slices[k].position_mm or geometry.origin_mm
    pixels = Geometry((1, *geometry.shape[1:]), geometry.spacing_mm, origin, geometry.direction)
    index = lattice_index(Mask(frame.values[None], frame.plane), pixels)
    return None if index is None else index + np.array((k, 0, 0))


def _frames(data: Any, number: int, share: float, step_mm: float) -> list[_Frame]:
    """The planes of a segment."""
    every = list(range(int(data.NumberOfFrames)))
    if data.segmentation_type.value != "LABELMAP":
        every = [n for n in every if _segment(data, n) == number]
    stored = data.get_stored_frames([n + 1 for n in every]) if every else ()
    frames = []
    for n, pixels in zip(every, stored, strict=True):
        frames.append(_Frame(_plane(data, n, step_mm), _inside(data, pixels, number, share)))
    places = [tuple(np.round(f.plane.origin_mm, 3)) for f in frames]
    if len(set(places)) < len(places):
        raise ReadError(f"segment {number} has two frames at one position; export it again.")
    return frames


def _inside(data: Any, pixels: NDArray[np.float64], number: int, share: float) -> NDArray[np.bool_]:
    kind = data.segmentation_type.value
    if kind == "LABELMAP":
        return np.asarray(pixels == number)
    least = share * int(data.MaximumFractionalValue) if kind == "FRACTIONAL" else 1
    return np.asarray(pixels >= least)


def _plane(data: Any, n: int, step_mm: float) -> Geometry:
    """The grid of one frame."""
    position = [float(v) for v in _group(data, n, "PlanePositionSequence").ImagePositionPatient]
    turn = np.reshape([float(v) for v in _group(data, n, "PlaneOrientationSequence").ImageOrientationPatient], (2, 3))
    rows_mm, columns_mm = (float(v) for v in _group(data, n, "PixelMeasuresSequence").PixelSpacing)
    steps_mm = np.column_stack([step_mm * np.cross(turn[0], turn[1]), rows_mm * turn[1], columns_mm * turn[0]])
    return grid_of((1, int(data.Rows), int(data.Columns)), steps_mm, position)


def _segment(data: Any, n: int) -> int:
    return int(_group(data, n, "SegmentIdentificationSequence").ReferencedSegmentNumber)


def _group(data: Any, n: int, name: str) -> Dataset:
    """A functional group of a frame: its own or the shared one (PS3.3 C.7.6.16)."""
    for groups in (data.PerFrameFunctionalGroupsSequence[n], *data.SharedFunctionalGroupsSequence):
        if groups.get(name):
            group: Dataset = groups[name].value[0]
            return group
    raise KeyError(name)


def _volume(data: Any, number: int, share: float) -> Mask:
    """A segment on its own regular grid."""
    try:
        volume = data.get_volume(segment_numbers=[number], rescale_fractional=False)
    except (RuntimeError, ValueError) as error:
        raise GeometryError(
            f"segment {number} lies on other planes than the slices of the CT, and its frames make no "
            "regular volume; draw it on the CT."
        ) from error
    grid = grid_of(volume.array.shape[:3], volume.affine[:3, :3], volume.affine[:3, 3])
    return Mask(_inside(data, volume.array[..., 0], 1, share), grid)
