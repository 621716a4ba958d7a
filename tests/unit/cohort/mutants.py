"""Damaged DICOM files: what happens to bytes on disks, in transfers and in careless software. Deterministic by seed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset, dcmread

LONG_VR = {"OB", "OD", "OF", "OL", "OW", "SQ", "UC", "UN", "UR", "UT"}
VRS = [b"DS", b"IS", b"US", b"UI", b"SQ", b"OW", b"UN", b"LO", b"FL", b"\0\0", b"zz"]

Random = np.random.Generator


@dataclass(frozen=True)
class Element:
    """Where an element lies in its file: its tag at ``head``, its value in ``start`` to ``end``."""

    keyword: str
    head: int
    start: int
    end: int


@dataclass(frozen=True)
class Sound:
    """A whole file and its elements, those of sequences too."""

    content: bytes
    elements: tuple[Element, ...]

    def value(self, keyword: str) -> tuple[int, int]:
        """First and last byte + 1 of the value of the first element of this name."""
        return next((e.start, e.end) for e in self.elements if e.keyword == keyword)


def sound(content: bytes) -> Sound:
    data = dcmread(io.BytesIO(content))
    return Sound(content, tuple(_elements(data, content, 0, data.original_encoding[0])))


def _elements(data: Dataset, content: bytes, base: int, implicit: bool) -> Iterator[Element]:
    """``base``: where the value of the sequence begins that the items belong to."""
    for element in data:
        start = base + element.file_tell
        long = not implicit and element.VR in LONG_VR
        field = content[start - 4 : start] if long or implicit else content[start - 2 : start]
        length = int.from_bytes(field, "little")
        end = len(content) if length == 0xFFFFFFFF else start + length
        yield Element(element.keyword, start - (12 if long else 8), start, end)
        for item in element.value if element.VR == "SQ" else ():
            yield from _elements(item, content, start, implicit)


def flip_bytes(file: Sound, rng: Random) -> bytes:
    content = bytearray(file.content)
    for at in rng.integers(0, len(content), rng.integers(1, 5)):
        content[at] = rng.integers(0, 256)
    return bytes(content)


def flip_bit(file: Sound, rng: Random) -> bytes:
    content = bytearray(file.content)
    content[rng.integers(128, len(content))] ^= 1 << int(rng.integers(0, 8))
    return bytes(content)


def truncate(file: Sound, rng: Random) -> bytes:
    return file.content[: rng.integers(0, len(file.content))]


def insert(file: Sound, rng: Random) -> bytes:
    at = rng.integers(128, len(file.content) + 1)
    return file.content[:at] + rng.bytes(int(rng.integers(1, 9))) + file.content[at:]


def delete(file: Sound, rng: Random) -> bytes:
    at = rng.integers(0, len(file.content))
    return file.content[:at] + file.content[at + rng.integers(1, 9) :]


def lose_block(file: Sound, rng: Random) -> bytes:
    """A sector of zeros."""
    content = bytearray(file.content)
    at = int(rng.integers(0, len(content)))
    block = content[at : at + 512]
    content[at : at + 512] = bytes(len(block))
    return bytes(content)


def damage_vr(file: Sound, rng: Random) -> bytes:
    content = bytearray(file.content)
    at = _some(file, rng).head + 4
    content[at : at + 2] = VRS[rng.integers(0, len(VRS))]
    return bytes(content)


def damage_length(file: Sound, rng: Random) -> bytes:
    content = bytearray(file.content)
    element = _some(file, rng)
    at = element.start - (4 if rng.random() < 0.5 else 2)
    length = int.from_bytes(content[at : element.start], "little")
    changed = max(0, length + int(rng.choice([-12, -8, -4, -2, -1, 1, 2, 4, 8, 20, 1000])))
    content[at : element.start] = changed.to_bytes(8, "little")[: element.start - at]
    return bytes(content)


def damage_tag(file: Sound, rng: Random) -> bytes:
    content = bytearray(file.content)
    content[_some(file, rng).head + rng.integers(0, 4)] = rng.integers(0, 256)
    return bytes(content)


def swap_elements(file: Sound, rng: Random) -> bytes:
    first, second = sorted((_some(file, rng), _some(file, rng)), key=lambda e: e.head)
    if second.head < first.end:
        return file.content[: first.head] + file.content[first.end :]
    content = file.content
    return b"".join(
        (content[: first.head], content[second.head : second.end], content[first.end : second.head],
         content[first.head : first.end], content[second.end :])
    )  # fmt: skip


def repeat_element(file: Sound, rng: Random) -> bytes:
    element = _some(file, rng)
    return file.content[: element.end] + file.content[element.head : element.end] + file.content[element.end :]


def change_digit(file: Sound, rng: Random) -> bytes:
    """One digit of a number written as text."""
    texts = [e for e in file.elements if e.keyword in NUMBERS]
    element = texts[rng.integers(0, len(texts))]
    content = bytearray(file.content)
    digits = [n for n in range(element.start, element.end) if content[n : n + 1].isdigit()]
    if digits:
        content[digits[rng.integers(0, len(digits))]] = ord("0") + rng.integers(0, 10)
    return bytes(content)


NUMBERS = {
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept",
    "ContourData", "NumberOfContourPoints", "ROINumber", "ReferencedROINumber",
}  # fmt: skip
MUTATIONS: tuple[Callable[[Sound, Random], bytes], ...] = (
    flip_bytes, flip_bit, truncate, insert, delete, lose_block, damage_vr, damage_length, damage_tag, swap_elements,
    repeat_element, change_digit,
)  # fmt: skip


def _some(file: Sound, rng: Random) -> Element:
    return file.elements[rng.integers(0, len(file.elements))]
