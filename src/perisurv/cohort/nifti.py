"""NIfTI 1 and 2 as one file: header, grid and values, read to the last byte.

The usual libraries fill what a broken download lacks, and values that are no numbers, with zeros, which are 0 HU. Here
the length must be that of the header, compressed bytes must pass their checksum, and values stay as they are stored.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from perisurv.cohort.dicom import unreadable
from perisurv.cohort.nifti_axes import grid_of_header
from perisurv.core import Geometry, GeometryError, ReadError

__all__ = ["NIFTI_SUFFIXES", "read_nifti", "read_nifti_grid"]

NIFTI_SUFFIXES = (".nii", ".nii.gz")
_FIELDS = (
    *("size", "magic", "dim", "datatype", "bitpix", "pixdim", "vox_offset", "slope", "intercept"),
    *("units", "qform", "sform", "quaternion", "offset", "rows"),
)
_NIFTI_1 = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [
            *("i4", "S4", ("i2", 8), "i2", "i2", ("f4", 8), "f4", "f4", "f4"),
            *("u1", "i2", "i2", ("f4", 3), ("f4", 3), ("f4", (3, 4))),
        ],
        "offsets": [0, 344, 40, 70, 72, 76, 108, 112, 116, 123, 252, 254, 256, 268, 280],
        "itemsize": 348,
    }
)
_NIFTI_2 = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [
            *("i4", "S4", ("i8", 8), "i2", "i2", ("f8", 8), "i8", "f8", "f8"),
            *("i4", "i4", "i4", ("f8", 3), ("f8", 3), ("f8", (3, 4))),
        ],
        "offsets": [0, 4, 16, 12, 14, 104, 168, 176, 184, 500, 344, 348, 352, 376, 400],
        "itemsize": 540,
    }
)
# Code of a data type -> its numpy name.
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
# Four bytes behind the header say whether extensions follow.
_EXTENSION_FLAG = 4
_PART = 1 << 24


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a header says about the bytes behind it: ``shape`` is in array order k, j, i."""

    header: np.void
    shape: tuple[int, int, int]
    stored: np.dtype[np.generic]
    start: int

    @property
    def end(self) -> int:
        """Length of the file without compression."""
        return self.start + self.shape[0] * self.shape[1] * self.shape[2] * self.stored.itemsize


def read_nifti_grid(path: Path, name: str) -> Geometry:
    """The grid of an image, from its header alone.

    Raises
    ------
    ReadError
        If the header cannot be read or contradicts itself.
    GeometryError
        If it is not a 3D image with one value a voxel, or its axes are unknown, contradictory or not perpendicular.
    """
    with _opened(path, name) as file:
        layout = _layout(file.read(_NIFTI_2.itemsize), name)
    return grid_of_header(layout.header, layout.shape, name)


def read_nifti(path: Path, name: str) -> tuple[NDArray[np.float32], Geometry]:
    """Values as float32 in array order (slice, row, column), and their grid; NaN and infinity are kept.

    Raises
    ------
    ReadError
        If the file is cut off, longer than its header says, or damaged.
    GeometryError
        If it is not a 3D image with one value a voxel, or its axes are unknown, contradictory or not perpendicular.
    """
    with _opened(path, name) as file:
        head = file.read(_NIFTI_2.itemsize)
        layout = _layout(head, name)
        grid = grid_of_header(layout.header, layout.shape, name)
        # One byte more than there should be: reading to the end is also what compares the checksum.
        raw = _read(file, head, layout.end + 1)
    if len(raw) < layout.end:
        raise ReadError(
            f"{name} is cut off: its header promises {layout.end} bytes and {len(raw)} are there. Copy or export it "
            "again."
        )
    if len(raw) > layout.end:
        raise ReadError(
            f"{name} is longer than the {layout.end} bytes that its header promises; header and voxels do not belong "
            "together. Export it again."
        )
    count = layout.shape[0] * layout.shape[1] * layout.shape[2]
    stored = np.frombuffer(raw, layout.stored, count, layout.start).reshape(layout.shape)
    return _scaled(stored, layout.header, name), grid


@contextmanager
def _opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """The bytes without compression, whatever the name ends in; faults of the compression as ReadError."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield unpacked  # type: ignore[misc]  # a GzipFile reads as a BinaryIO does
            else:
                yield file
    except EOFError as error:
        raise ReadError(f"{name} is cut off: its compressed bytes end too early. Copy or export it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ReadError(
            f"{name} is damaged: its compressed bytes do not pass their checksum, or others follow them. Copy or "
            "export it again."
        ) from error
    except OSError as error:
        raise unreadable(name, error, f"{name} cannot be read as an image; export it again.") from error


def _read(file: BinaryIO, head: bytes, length: int) -> bytearray:
    """Head and what follows, up to a length that a damaged header may have made huge."""
    raw = bytearray(head)
    while len(raw) < length and (part := file.read(min(length - len(raw), _PART))):
        raw += part
    return raw


def _header(raw: bytes, name: str) -> np.void:
    for kind in (_NIFTI_1, _NIFTI_2):
        for layout in (kind, kind.newbyteorder()):
            header: np.void = np.frombuffer(raw.ljust(kind.itemsize, b"\0"), layout, 1)[0]
            if header["size"] == kind.itemsize:
                if len(raw) < kind.itemsize:
                    raise ReadError(f"{name} is cut off within its header. Copy or export it again.")
                return header
    raise ReadError(f"{name} cannot be read as an image: it does not start like NIfTI. Export it again.")


def _layout(raw: bytes, name: str) -> _Layout:
    header = _header(raw, name)
    if header["magic"][:2] != b"n+":
        raise ReadError(f"{name} has its voxels in another file (.img); write both as one .nii.gz.")
    stored = _TYPES.get(int(header["datatype"]))
    size, values = _size(header)
    if stored is None or len(size) != 3 or values != 1:
        kind = "" if stored else f" of NIfTI data type {int(header['datatype'])}"
        raise GeometryError(
            f"{name} has size {size} and {values} values a voxel{kind}; a 3D image with one number a voxel is needed."
        )
    kind_of_value = np.dtype(stored).newbyteorder(header.dtype["size"].byteorder)
    if header["bitpix"] != 8 * kind_of_value.itemsize:
        raise ReadError(
            f"{name} states {int(header['bitpix'])} bits a voxel, and its data type has {8 * kind_of_value.itemsize}; "
            "export it again."
        )
    return _Layout(header, (size[2], size[1], size[0]), kind_of_value, _start(header, name))


def _size(header: np.void) -> tuple[tuple[int, ...], int]:
    """Voxels along the axes of space and time without trailing ones, and values a voxel."""
    dim = [int(n) for n in header["dim"]]
    size = tuple(dim[1 : dim[0] + 1]) if 1 <= dim[0] <= 7 else ()
    if any(n < 1 for n in size):
        return (), 1
    values = int(np.prod(size[4:], dtype=np.int64)) if len(size) > 4 else 1
    size = size[:4]
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    return size, values


def _start(header: np.void, name: str) -> int:
    """Where the voxels start; zero, as some programs write, means right behind the header."""
    first, offset = header.dtype.itemsize + _EXTENSION_FLAG, float(header["vox_offset"])
    if offset == 0:
        return first
    if not (np.isfinite(offset) and offset.is_integer() and offset >= first):
        raise ReadError(
            f"{name} states that its voxels start at byte {offset:g}, which lies in its header; export it again."
        )
    return int(offset)


def _scaled(stored: NDArray[np.generic], header: np.void, name: str) -> NDArray[np.float32]:
    """Stored values times slope plus intercept; a slope of zero, or that is no number, means values as stored."""
    slope, intercept = float(header["slope"]), float(header["intercept"])
    if not np.isfinite(slope) or slope == 0 or (slope, intercept) == (1.0, 0.0):
        return stored.astype(np.float32)
    if not np.isfinite(intercept):
        raise ReadError(f"{name} scales its values by {slope:g} plus {intercept:g}; export it again.")
    return (stored.astype(np.float64) * slope + intercept).astype(np.float32)
