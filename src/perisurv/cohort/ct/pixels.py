"""Pixels of CT slices in HU, on the grid of their series."""

from __future__ import annotations

import filecmp
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    RLELossless,
)

from perisurv.cohort.ct.series import CtSeries
from perisurv.cohort.dicom import DICOM_ERRORS, UNCOMPRESSED, CtHeader, unreadable
from perisurv.cohort.dicom_layout import read_whole
from perisurv.cohort.volumes import read_frames
from perisurv.core import Geometry, ReadError, Volume
from perisurv.imaging.resample import resample_volume

__all__ = ["AIR_HU", "read_hu", "same_pixels", "sampled_hu"]

AIR_HU = -1000.0
# A padding value inside this range would blank out tissue: such a header is wrong and is not followed.
_TISSUE_HU = (-1000.0, 3071.0)
_DECODED_BY_PYDICOM = UNCOMPRESSED | {DeflatedExplicitVRLittleEndian, RLELossless}
# Frames that are decoded at once: 16 MB of 512 x 512.
_BATCH = 16
_FORMAT = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation",
)  # fmt: skip

Image = NDArray[np.float32]


def read_hu(series: CtSeries) -> Volume:
    """The CT on the grid of its series, HU.

    Slices of a sheared stack are shifted by cubic B-splines, what lies outside them is -1000 HU; planes between slices
    at irregular distances are mixed linearly from the two beside them. Both are rounded to whole HU.

    Raises
    ------
    ReadError
        If pixels cannot be decoded.
    """
    grid, sheared = series.geometry(), series.sheared
    values = np.empty((len(series.slices), *grid.shape[1:]), dtype=np.float32)
    heights_mm = series.offsets_mm - series.offsets_mm[0] - series.first_plane_mm
    numbers: dict[Path, list[int]] = defaultdict(list)
    for k, header in enumerate(series.slices):
        numbers[header.path].append(k)
    for own in numbers.values():
        for k, plane in zip(own, _of_file([series.slices[k] for k in own]), strict=True):
            values[k] = _shifted(plane, series.slices[k], grid, heights_mm[k]) if sheared else plane
    if not series.regular:
        values = _at_regular_distances(values, heights_mm, grid)
    if not series.rectangular:
        np.rint(values, out=values)
    return Volume(values, grid)


def sampled_hu(series: CtSeries, count: int) -> Image:
    """Slices of a series, spread evenly over it and as they are stored, HU; for a look at the values.

    Raises
    ------
    ReadError
        If pixels cannot be decoded.
    """
    places = np.linspace(0, len(series.slices) - 1, min(count, len(series.slices)) + 2)[1:-1]
    chosen: dict[Path, list[CtHeader]] = defaultdict(list)
    for place in places:
        header = series.slices[round(float(place))]
        chosen[header.path].append(header)
    return np.stack([plane for own in chosen.values() for plane in _of_file(own)])


def same_pixels(pairs: Sequence[tuple[CtHeader, CtHeader]]) -> bool:
    """Whether the slices of one file hold the same values in HU as those of another, pair by pair.

    Raises
    ------
    ReadError
        If pixels cannot be decoded.
    """
    one, other = zip(*pairs, strict=True)
    if filecmp.cmp(one[0].path, other[0].path, shallow=False):
        return True
    return all(np.array_equal(a, b) for a, b in zip(_of_file(one), _of_file(other), strict=True))


def _of_file(slices: Sequence[CtHeader]) -> Iterator[Image]:
    """Slices of one file, one after another, each by its own slope and intercept, HU."""
    first = slices[0]
    try:
        dataset = read_whole(first.path, first.name)
        for header, stored in zip(slices, _stored(dataset, [max(s.frame - 1, 0) for s in slices]), strict=True):
            values = _hounsfield(stored, header, dataset)
            if values.shape != (header.rows, header.columns) or not np.isfinite(values).all():
                raise ReadError(
                    f"the pixels of {header.label} are not {header.rows} x {header.columns} values in HU; export the "
                    "CT again."
                )
            yield values
    except DICOM_ERRORS as error:
        wrong = (
            f"the pixels of {first.name} cannot be decoded ({type(error).__name__}); export the CT again, uncompressed."
        )
        raise unreadable(first.name, error, wrong) from error


def _stored(dataset: Dataset, frames: Sequence[int]) -> Iterable[NDArray[Any]]:
    """Stored values of these frames, counted from 0, each (rows, columns)."""
    # A file without meta information is uncompressed; pydicom saw whether its VR are explicit.
    implicit = dataset.original_encoding[0]
    dataset.file_meta.setdefault("TransferSyntaxUID", ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian)
    if dataset.file_meta.TransferSyntaxUID in _DECODED_BY_PYDICOM:
        return iter_pixels(dataset, indices=frames)
    return _decoded_by_gdcm(dataset, frames)


def _decoded_by_gdcm(dataset: Dataset, frames: Sequence[int]) -> Iterator[NDArray[Any]]:
    """Frames in JPEG, JPEG-LS or JPEG 2000, through files without rescale: GDCM knows one for all frames only."""
    count = int(dataset.get("NumberOfFrames", 1) or 1)
    coded = list(generate_frames(dataset.PixelData, number_of_frames=count))
    plain = Dataset()
    plain.file_meta = FileMetaDataset()
    plain.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    plain.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    plain.SOPInstanceUID = dataset.SOPInstanceUID
    for name in _FORMAT:
        plain[name] = dataset[name]
    for batch in (frames[n : n + _BATCH] for n in range(0, len(frames), _BATCH)):
        plain.NumberOfFrames = len(batch)
        plain.PixelData = encapsulate([coded[n] for n in batch])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "frames.dcm"
            plain.save_as(path, enforce_file_format=True)
            decoded = read_frames(path)
        yield from decoded


def _hounsfield(stored: NDArray[Any], header: CtHeader, dataset: Dataset) -> Image:
    """Values in HU, shape (rows, columns).

    Pixel padding (PixelPaddingValue up to PixelPaddingRangeLimit) becomes -1000 HU, unless it lies within
    -1000..3071 HU, where it would blank out tissue: such a header is wrong and is not followed.
    """
    slope, intercept = header.slope or 1.0, header.intercept or 0.0
    values = stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    padding = dataset.get("PixelPaddingValue")
    if padding is not None:
        limit = dataset.get("PixelPaddingRangeLimit", padding)
        low, high = sorted(_as_stored(v, dataset) * slope + intercept for v in (padding, limit))
        if high < _TISSUE_HU[0] or low > _TISSUE_HU[1]:
            values[(values >= low - slope / 2) & (values <= high + slope / 2)] = AIR_HU
    return values


def _as_stored(value: Any, dataset: Dataset) -> int:
    """A padding value in the type of the pixels: signed images often state it as unsigned (63536 is -2000)."""
    bits = int(dataset.BitsAllocated)
    stored = int(value) % (1 << bits)
    return stored - (1 << bits) if dataset.PixelRepresentation and stored >= 1 << (bits - 1) else stored


def _shifted(plane: Image, header: CtHeader, grid: Geometry, height_mm: float) -> Image:
    """A slice of a sheared stack on the pixels of the grid, in its own plane."""
    normal = np.asarray(grid.direction)[:, 0]
    x, y, z = (float(v) for v in np.asarray(grid.origin_mm) + height_mm * normal)
    own = Geometry((1, *plane.shape), grid.spacing_mm, header.position_mm or grid.origin_mm, grid.direction)
    target = Geometry((1, *grid.shape[1:]), grid.spacing_mm, (x, y, z), grid.direction)
    shifted: Image = resample_volume(Volume(plane[None], own), target, outside_hu=AIR_HU).values[0]
    return shifted


def _at_regular_distances(values: Image, heights_mm: NDArray[np.float64], grid: Geometry) -> Image:
    """The planes of the grid, mixed linearly from the slices below and above."""
    planes_mm = grid.spacing_mm[0] * np.arange(grid.shape[0])
    below = np.clip(np.searchsorted(heights_mm, planes_mm, side="right") - 1, 0, len(heights_mm) - 2)
    share = np.clip((planes_mm - heights_mm[below]) / np.diff(heights_mm)[below], 0.0, 1.0)
    out = np.empty(grid.shape, dtype=np.float32)
    for m, (k, above) in enumerate(zip(below, share.astype(np.float32), strict=True)):
        out[m] = (1 - above) * values[k] + above * values[k + 1]
    return out
