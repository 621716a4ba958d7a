"""Whether the voxels of an NRRD or MetaImage file are all there and undamaged.

The library that decodes them notices raw bytes that are missing, but takes what it can make of damaged compressed ones.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perisurv.cohort.dicom import unreadable
from perisurv.core import ReadError

__all__ = ["META_SUFFIXES", "NRRD_SUFFIXES", "check_payload"]

NRRD_SUFFIXES = (".nrrd", ".nhdr")
META_SUFFIXES = (".mha", ".mhd")
_HEADER_BYTES = 1 << 20
# 64 kB unpack to 64 MB at most.
_PART = 1 << 16
# Bits 0-3: window of 32 kB; 32: zlib or gzip, whichever it is.
_ZLIB_OR_GZIP = 15 + 32
_NRRD_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"), 1),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), 2),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), 2),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t"), 4),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "signed long long int"), 8),
    **dict.fromkeys(("int64", "int64_t", "ulonglong", "unsigned long long", "unsigned long long int"), 8),
    **dict.fromkeys(("uint64", "uint64_t", "double"), 8),
    "float": 4,
}
_META_TYPES = {
    **dict.fromkeys(("MET_CHAR", "MET_UCHAR"), 1),
    **dict.fromkeys(("MET_SHORT", "MET_USHORT"), 2),
    **dict.fromkeys(("MET_INT", "MET_UINT", "MET_LONG", "MET_ULONG", "MET_FLOAT"), 4),
    **dict.fromkeys(("MET_LONG_LONG", "MET_ULONG_LONG", "MET_DOUBLE"), 8),
}


@dataclass(frozen=True, slots=True)
class _Payload:
    """Where the voxels lie.

    Parameters
    ----------
    files
        The file itself or those that its header names, each with an equal share of the voxels.
    start
        Bytes before the voxels, or before the compressed bytes; None: the voxels end with the file.
    length
        Length of all voxels without compression.
    packed, packed_length, skip
        Whether the bytes are compressed, how many are (None: all to the end) and how many unpacked ones to skip.
    """

    files: tuple[Path, ...]
    start: int | None
    length: int
    packed: bool = False
    packed_length: int | None = None
    skip: int = 0


def check_payload(path: Path, name: str) -> None:
    """Hold the voxels of an NRRD or MetaImage file against its header and, if compressed, their checksum.

    Kinds that the header does not measure (voxels as text, rare types) are left to the library that decodes them.

    Raises
    ------
    ReadError
        If voxels are missing, there are more than the header promises, or compressed bytes are damaged.
    """
    payload = _payload(path, name)
    if payload is None:
        return
    for file in payload.files:
        try:
            if payload.packed:
                _check_packed(file, payload, name)
            else:
                _check_raw(file, payload, name)
        except OSError as error:
            raise ReadError(f"{name}: the file of its voxels cannot be read; copy both again.") from error


def _check_raw(file: Path, payload: _Payload, name: str) -> None:
    wanted = payload.length // len(payload.files)
    there = file.stat().st_size - (payload.start or 0)
    if there < wanted:
        raise ReadError(
            f"{name} is cut off: its header promises {wanted} bytes of voxels and {max(there, 0)} are there. Copy or "
            "export it again."
        )
    if there > wanted and payload.start is not None:
        raise ReadError(
            f"{name} holds {there - wanted} bytes more than the {wanted} of voxels that its header promises; header "
            "and voxels do not belong together. Export it again."
        )


def _check_packed(file: Path, payload: _Payload, name: str) -> None:
    unpacker, count = zlib.decompressobj(_ZLIB_OR_GZIP), 0
    try:
        for part in _parts(file, payload.start or 0, payload.packed_length):
            rest = part
            while rest:
                if unpacker.eof:  # another member of a gzip file
                    unpacker = zlib.decompressobj(_ZLIB_OR_GZIP)
                count += len(unpacker.decompress(rest))
                rest = unpacker.unused_data
    except zlib.error as error:
        raise ReadError(
            f"{name} is damaged: its compressed bytes do not pass their checksum, or others follow them. Copy or "
            "export it again."
        ) from error
    if not unpacker.eof or count < payload.length + payload.skip:
        raise ReadError(f"{name} is cut off: its compressed voxels end too early. Copy or export it again.")
    if count > payload.length + payload.skip:
        raise ReadError(
            f"{name} holds {count} bytes of voxels and its header promises {payload.length + payload.skip}; header and "
            "voxels do not belong together. Export it again."
        )


def _parts(file: Path, start: int, length: int | None) -> Iterator[bytes]:
    left = math.inf if length is None else length
    with file.open("rb") as opened:
        opened.seek(start)
        while left > 0 and (part := opened.read(int(min(left, _PART)))):
            left -= len(part)
            yield part


def _payload(path: Path, name: str) -> _Payload | None:
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
    except OSError as error:
        raise unreadable(name, error, f"{name} cannot be read as an image; export it again.") from error
    try:
        return (_nrrd if path.name.casefold().endswith(NRRD_SUFFIXES) else _meta)(path, head, name)
    except (KeyError, ValueError, IndexError):
        return None


def _nrrd(path: Path, head: bytes, name: str) -> _Payload | None:
    text, _, _ = re.sub(rb"\r\n", b"\n", head).partition(b"\n\n")
    lines = text.decode("latin-1").split("\n")
    pairs = (
        line.split(": ", 1) for line in lines[1:] if ": " in line and not line.startswith("#") and ":=" not in line
    )
    fields = {key.strip().casefold(): value.strip() for key, value in pairs}
    size = _NRRD_TYPES[fields["type"].casefold()]
    length = math.prod(int(n) for n in fields["sizes"].split()) * size
    encoding = fields["encoding"].casefold()
    if encoding not in ("raw", "gzip", "gz"):
        return None
    files, start = _nrrd_files(path, head, lines, fields)
    if int(fields.get("line skip", fields.get("lineskip", "0"))):
        return None
    skip, packed = int(fields.get("byte skip", fields.get("byteskip", "0"))), encoding != "raw"
    if packed and len(files) > 1:
        raise ReadError(f"{name} is compressed in several files; write it as one file.")
    if packed:
        return _Payload(files, start, length, packed=True, skip=max(skip, 0))
    return _Payload(files, None if skip < 0 else start + skip, length)


def _nrrd_files(path: Path, head: bytes, lines: list[str], fields: dict[str, str]) -> tuple[tuple[Path, ...], int]:
    """The files of the voxels and where in them these start."""
    given = fields.get("data file", fields.get("datafile", ""))
    if not given:
        blank = re.search(rb"\r?\n\r?\n", head)
        if blank is None:
            raise ValueError(given)
        return (path,), blank.end()
    if given.split()[0] == "LIST":
        at = next(n for n, line in enumerate(lines) if line.casefold().startswith(("data file:", "datafile:")))
        return tuple(path.parent / line for line in lines[at + 1 :] if line), 0
    if "%" in given:
        pattern, first, last, step = given.rsplit(maxsplit=3) if len(given.split()) == 4 else given.split()[:4]
        count = abs(int(last) - int(first)) // abs(int(step)) + 1
        return tuple(path.parent / (pattern % (int(first) + n * int(step))) for n in range(count)), 0
    return (path.parent / given,), 0


def _meta(path: Path, head: bytes, name: str) -> _Payload | None:
    found = re.search(rb"^ElementDataFile[ \t]*=[ \t]*([^\r\n]*)\r?\n?", head, re.MULTILINE)
    if found is None:
        return None
    pairs = (line.split("=", 1) for line in head[: found.start()].decode("latin-1").splitlines() if "=" in line)
    fields = {key.strip(): value.strip() for key, value in pairs}
    size = _META_TYPES[fields["ElementType"]]
    values = math.prod(int(n) for n in fields["DimSize"].split()) * int(fields.get("ElementNumberOfChannels", "1"))
    target = found[1].decode("latin-1").strip()
    if fields.get("BinaryData", "False").casefold()[:1] not in "t1" or "%" in target or target.startswith("LIST"):
        return None
    local = target.upper() == "LOCAL"
    start = found.end() if local else 0
    files = (path if local else path.parent / target,)
    if fields.get("CompressedData", "False").casefold()[:1] in "t1":
        length = int(fields.get("CompressedDataSize", "0")) or None
        if local and length is None:
            raise ReadError(f"{name} does not state CompressedDataSize, the length of its voxels; export it again.")
        return _Payload(files, start, values * size, packed=True, packed_length=length)
    skip = int(fields.get("HeaderSize", "0"))
    return _Payload(files, None if skip < 0 else start + skip, values * size)
