"""Whether a DICOM file is laid out as it says: every element ends inside what holds it, where the next one begins.

A parser takes what it can make of damaged bytes. A length that is wrong swallows contours, a byte too many shifts
pixels, and nothing else in the file would tell.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydicom import Dataset, dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from perisurv.core import ReadError

__all__ = ["read_whole"]

_ITEM, _ITEM_END, _SEQUENCE_END, _PIXELS = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0x7FE00010
_UNDEFINED = 0xFFFFFFFF
_LONG_VR = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_PREAMBLE = 132


class _LayoutError(Exception):
    """Nothing can begin at this byte."""


def read_whole(path: Path, name: str) -> Dataset:
    """Read a file with its values and check its layout; of a deflated file, that it can be inflated.

    Raises
    ------
    ReadError
        If an element does not end where it says.
    """
    content = path.read_bytes()
    dataset = dcmread(io.BytesIO(content), force=True)
    if dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        return dataset
    try:
        start = _after_meta(content)
        implicit = not b"AA" <= content[start + 4 : start + 6] <= b"ZZ"
        layout = _Layout(content, "little" if dataset.original_encoding[1] else "big")
        layout.elements(start, len(content), implicit, in_item=False)
    except _LayoutError as error:
        raise ReadError(
            f"{name} is damaged: the element at byte {error} does not end where it says; copy or export it again."
        ) from error
    return dataset


def _after_meta(content: bytes) -> int:
    """Where the data set begins: behind the file meta information, which is little endian in any file."""
    meta = _Layout(content, "little")
    at = _PREAMBLE if content[128:_PREAMBLE] == b"DICM" else 0
    while content[at : at + 2] == b"\2\0":
        _, _, length, start = meta.head(at, len(content), implicit=False)
        at = start + length
    return at


@dataclass(frozen=True, slots=True)
class _Layout:
    """DICOM PS3.5 chapter 7, lengths only. Every method gets where something begins and returns where it ends."""

    content: bytes
    order: Literal["little", "big"]

    def elements(self, at: int, end: int, implicit: bool, *, in_item: bool) -> int:
        """Elements up to ``end``, or in an item of undefined length up to its delimiter."""
        while at < end:
            tag, vr, length, start = self.head(at, end, implicit)
            if tag == _ITEM_END and in_item:
                return start
            if tag >> 16 == 0xFFFE:
                raise _LayoutError(at)
            # Without a VR, what a private element holds is its own affair.
            holds_items = vr == b"SQ" or (not vr and not tag >> 16 & 1 and self._tag(start) == _ITEM)
            if length == _UNDEFINED:
                flat = tag == _PIXELS or vr in (b"OB", b"OW")
                at = self._items(start, end, None if flat else implicit or vr == b"UN", delimited=True)
            elif length > end - start:
                raise _LayoutError(at)
            elif holds_items:
                at = self._items(start, start + length, implicit, delimited=False)
            else:
                at = start + length
        if in_item:
            raise _LayoutError(at)
        return at

    def _items(self, at: int, end: int, implicit: bool | None, *, delimited: bool) -> int:
        """Items of a sequence; with ``implicit`` None fragments of pixels."""
        while at < end:
            tag, _, length, start = self.head(at, end, implicit=True)
            if tag == _SEQUENCE_END and delimited:
                return start
            if tag != _ITEM or (length > end - start and length != _UNDEFINED):
                raise _LayoutError(at)
            if implicit is None:
                at = start + length
            elif length == _UNDEFINED:
                at = self.elements(start, end, implicit, in_item=True)
            else:
                at = self.elements(start, start + length, implicit, in_item=False)
        if delimited or at > end:
            raise _LayoutError(at)
        return at

    def head(self, at: int, end: int, implicit: bool) -> tuple[int, bytes, int, int]:
        """Tag, VR (none where it is implicit), length and begin of the value."""
        tag = self._tag(at)
        vr = self.content[at + 4 : at + 6]
        if end - at < 8:
            raise _LayoutError(at)
        if tag >> 16 == 0xFFFE or implicit or not b"AA" <= vr <= b"ZZ":
            return tag, b"", self._number(at + 4, 4), at + 8
        if vr in _LONG_VR:
            return tag, vr, self._number(at + 8, 4), at + 12
        return tag, vr, self._number(at + 6, 2), at + 8

    def _tag(self, at: int) -> int:
        return self._number(at, 2) << 16 | self._number(at + 2, 2)

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self.content[at : at + size], self.order)
