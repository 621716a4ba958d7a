"""DICOM objects on disk: named by their UIDs, written whole or not at all."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset

from perisurv.core import ReadError

__all__ = [
    "STORAGE_CLASSES",
    "UID_TAGS",
    "ObjectFolder",
    "ObjectUids",
    "is_uid",
    "raw_bytes",
    "uids_of",
    "write_whole",
]

# What a cohort is made of (PS3.4 B.5): the classes that `receive` accepts. A test holds that `index` reads the same.
STORAGE_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "Enhanced CT": "1.2.840.10008.5.1.4.1.1.2.1",
    "Legacy Converted Enhanced CT": "1.2.840.10008.5.1.4.1.1.2.2",
    "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
    "SEG": "1.2.840.10008.5.1.4.1.1.66.4",
    "Label Map SEG": "1.2.840.10008.5.1.4.1.1.66.7",
}
UID_TAGS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def is_uid(text: str) -> bool:
    """Whether this is a UID: digits and dots, 64 characters at most (PS3.5 9.1), hence a safe file name.

    Leading zeros of a component, which the standard forbids and some devices write, pass.
    """
    return len(text) <= 64 and _UID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ObjectUids:
    """What names an object: StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID.

    Raises
    ------
    ReadError
        If one of them is no UID; such text never becomes a path.
    """

    study: str
    series: str
    instance: str

    def __post_init__(self) -> None:
        for name, text in zip(UID_TAGS, (self.study, self.series, self.instance), strict=True):
            if not is_uid(text):
                raise ReadError(f"An object has no valid {name} (digits and dots, 64 at most); it is not written.")


def uids_of(header: Dataset) -> ObjectUids:
    """Name an object by its header.

    Raises
    ------
    ReadError
        If a UID is missing or is none.
    """
    return ObjectUids(*(raw_bytes(header, tag).decode("ascii", "replace").rstrip("\0 ") for tag in UID_TAGS))


def raw_bytes(header: Dataset, tag: str) -> bytes:
    """Value of an element as it is in the file: pydicom logs values that it converts and dislikes."""
    value = header.get_item(tag).value if tag in header else b""
    return value if isinstance(value, bytes) else str(value or "").encode()


class ObjectFolder:
    """A folder of DICOM objects: ``study/series/object.dcm``, no identity in any name.

    Parameters
    ----------
    root
        The folder; made if it is not there. What an interrupted run left unfinished in it is removed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        for leftover in root.glob("*/*/.*.part"):
            leftover.unlink(missing_ok=True)

    def path(self, uids: ObjectUids) -> Path:
        """Where this object lies, or will lie."""
        return self.root / uids.study / uids.series / f"{uids.instance}.dcm"

    def add(self, uids: ObjectUids, write: Callable[[BinaryIO], object]) -> Path:
        """Write an object; what has its name is whole, whenever the process or the machine stops.

        Raises
        ------
        OSError
            If the disk is full or the folder cannot be written; nothing is left of the object.
        """
        path = self.path(uids)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, write)
        return path


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place, down to the disk, and give it its name only then."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
