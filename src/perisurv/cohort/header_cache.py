"""What the headers of an index said: an index that was cut off goes on, a second one reads new files only.

A text file, readable by its owner only: a title, then a line a file that is only ever appended, and a line a judgement
of contours. It holds PatientIDs and belongs where the key of the pseudonyms lies.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any

from perisurv.cohort.dicom import CtHeader, OtherHeader, unreadable

__all__ = ["HeaderCache", "Stamp", "stamp_of"]

# Size and times of a file, and of contours how many ROIs were read; of a judgement its key.
Stamp = tuple[int | str, ...]

_LOG = logging.getLogger(__name__)
# A change to what a header is read to, under the same names and the same version, needs another number.
_FORMAT = 3
_FIELDS = tuple(f.name for f in fields(CtHeader) if f.name not in ("path", "name"))
_OTHER_FIELDS = ("modality", "patient_id", "series_uid", "frame_uid")
_ct_values, _other_values = attrgetter(*_FIELDS), attrgetter(*_OTHER_FIELDS)
_LINES_AT_ONCE = 500
# Begins the name of a judgement; no path holds it.
_JUDGED = "\0"


def stamp_of(path: Path, name: str) -> Stamp:
    """Size, time of change and time of change of the entry: a file that was replaced has another stamp.

    Raises
    ------
    ReadError
        If the file is gone.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise unreadable(name, error, f"{name} cannot be read.") from error
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


class HeaderCache:
    """Headers of CT slices, of contours and of files of other modalities by name and stamp, and judgements of contours.

    To be used in a ``with`` statement.

    Parameters
    ----------
    path
        The file; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: dict[str, tuple[Stamp, Any]] = {}
        self._current: dict[str, Stamp] = {}
        self._lines: list[bytes] = []
        self._stale = False
        self.stamps: dict[str, Stamp] = {}

    @property
    def keeps(self) -> bool:
        """Whether anything is kept."""
        return self._path is not None

    def stamp(self, path: Path, name: str) -> Stamp:
        """As :func:`stamp_of`; that of every file is noted in ``stamps``."""
        self.stamps[name] = stamp_of(path, name)
        return self.stamps[name]

    def __enter__(self) -> HeaderCache:
        """Read the file; one that is damaged or of another version is thrown away."""
        if self._path is not None and self._path.exists():
            try:
                self._load(self._path)
            except ValueError:
                _LOG.warning("The known headers in %s cannot be used; all files are read again.", self._path.name)
                self._rows.clear()
                self._stale = False
                self._path.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is new; after a whole index forget files that are gone or were replaced."""
        self._append()
        if self._path is not None and kind is None and (self._stale or self._rows):
            self._compact(self._path)

    def get(self, path: Path, name: str, stamp: Stamp) -> CtHeader | OtherHeader | dict[str, Any] | None:
        """What is known of a file, of contours as plain values; None if it must be read, again or at all."""
        values = self._known(name, stamp)
        if values is None or isinstance(values, dict):
            return values
        if len(values) == len(_OTHER_FIELDS):
            return OtherHeader(name, *map(_kept, values))
        facts: dict[str, Any] = dict(zip(_FIELDS, map(_kept, values), strict=True))
        return CtHeader(path=path, name=name, **facts)

    def put(self, header: CtHeader | OtherHeader, stamp: Stamp) -> None:
        """Keep a header that was read after its stamp was taken."""
        values = _other_values(header) if isinstance(header, OtherHeader) else _ct_values(header)
        self._keep(header.name, stamp, values)

    def put_facts(self, name: str, facts: Mapping[str, Any], stamp: Stamp) -> None:
        """Keep what contours say of themselves; more ROIs that were read take the place of fewer."""
        self._keep(name, (*stamp, len(facts["read"])), facts)

    def judgement(self, name: str, key: str) -> dict[str, Any] | None:
        """What came of these contours; None if something that goes into it has changed."""
        values = self._known(_JUDGED + name, (key,))
        return values if isinstance(values, dict) else None

    def keep_judgement(self, name: str, key: str, facts: Mapping[str, Any]) -> None:
        """Keep what came of contours."""
        self._keep(_JUDGED + name, (key,), facts)

    def _known(self, name: str, stamp: Stamp) -> Any:
        row = self._rows.pop(name, None)
        if row is None:
            return None
        known, values = row
        if known[: len(stamp)] != stamp:
            self._stale = True
            return None
        self._current[name] = known
        return values

    def _keep(self, name: str, stamp: Stamp, values: Any) -> None:
        if self._path is None:
            return
        self._stale |= name in self._current
        self._current[name] = stamp
        self._lines.append(_line([name, stamp, values]))
        if len(self._lines) >= _LINES_AT_ONCE:
            self._append()

    def _load(self, path: Path) -> None:
        good = 0
        with path.open("rb") as file:
            if file.readline() != _title():
                raise ValueError(path)
            good = file.tell()
            for line in file:
                if not line.endswith(b"\n"):  # cut off while it was written
                    os.truncate(path, good)
                    break
                name, stamp, values = _parsed(line)
                self._stale |= name in self._rows
                self._rows[name] = (stamp, values)
                good += len(line)

    def _append(self) -> None:
        if self._path is None or not self._lines:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            if file.tell() == 0:
                file.write(_title())
            file.writelines(self._lines)
        self._lines.clear()

    def _compact(self, path: Path) -> None:
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_title())
            file.writelines(self._live(path))
        temporary.replace(path)

    def _live(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.readline()
            for line in file:
                name, stamp, _ = _parsed(line)
                if self._current.get(name) == stamp:
                    yield line


def _kept(value: Any) -> Any:
    """A value as ``ct_header`` gives it; texts that slices share are kept once."""
    if isinstance(value, list):
        return tuple(value)
    return sys.intern(value) if isinstance(value, str) else value


def _title() -> bytes:
    return _line(["perisurv headers", _FORMAT, version("perisurv"), _FIELDS, _OTHER_FIELDS])


def _line(values: list[Any]) -> bytes:
    text = json.dumps(values, separators=(",", ":")).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)


def _parsed(line: bytes) -> tuple[str, Stamp, Any]:
    text = line[9:-1]
    if line[:9] != b"%08x " % zlib.crc32(text):
        raise ValueError(line)
    name, stamp, values = json.loads(text)
    return name, tuple(stamp), values
