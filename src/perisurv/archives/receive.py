"""A DICOM node that takes in what a treatment planning system or an archive sends (C-STORE, C-ECHO)."""

from __future__ import annotations

import logging
import struct
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from pydicom import dcmread
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID

from perisurv.archives.objects import STORAGE_CLASSES, UID_TAGS, ObjectFolder, ObjectUids, raw_bytes, uids_of
from perisurv.core import InputError, ReadError

__all__ = ["ReceiveOptions", "Received", "Receiver", "receive"]

_LOG = logging.getLogger(__name__)
# C-STORE response status (PS3.4 B.2.3)
_SUCCESS, _OUT_OF_RESOURCES, _DOES_NOT_MATCH, _NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
_VERIFICATION = "1.2.840.10008.1.1"
_POLL_S = 0.1
# What pydicom raises on a data set that is broken in one way or another.
_BROKEN = (
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    KeyError,
    NotImplementedError,
    OverflowError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class ReceiveOptions:
    """Where to listen, and to whom.

    Parameters
    ----------
    port
        TCP port; 0 takes a free one.
    aet
        Own application entity title.
    bind
        Address to listen on. The default is this machine alone; ``0.0.0.0`` opens the port to the network.
    allow
        Calling application entity titles that may send; empty: all.
    until_idle_s
        Stop once nothing has come for so many seconds; ``None``: go on until interrupted.
    """

    port: int = 11112
    aet: str = "PERISURV"
    bind: str = "127.0.0.1"
    allow: tuple[str, ...] = ()
    until_idle_s: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise InputError(f"A port is a number from 0 to 65535, not {self.port}.")
        for title in (self.aet, *self.allow):
            if not (title.strip() and len(title) <= 16 and title.isascii() and title.isprintable()):
                raise InputError(f"An application entity title has 1 to 16 ASCII characters; {title!r} has not.")
        if self.until_idle_s is not None and self.until_idle_s <= 0:
            raise InputError(f"The idle time must be above 0 seconds, got {self.until_idle_s}.")


@dataclass(frozen=True, slots=True)
class Received:
    """What came, as counts.

    Parameters
    ----------
    patients, series, objects
        What was written.
    repeated
        Objects that were there already; the first stays.
    refused
        Objects that were answered with a failure.
    rejected
        Associations of callers that are not allowed.
    not_taken
        Names of the classes of objects that a caller offered and that are not taken, such as MR Image Storage.
    """

    patients: int
    series: int
    objects: int
    repeated: int
    refused: int
    rejected: int
    not_taken: tuple[str, ...] = ()


class Receiver:
    """A running node; a context manager that frees its port.

    Every object is stored in the transfer syntax in which it comes, its data set byte for byte.

    Parameters
    ----------
    folder
        Where the objects go, as ``study/series/object.dcm``.
    options
        Where to listen, and to whom.
    progress
        Called with ``("receive", objects, None)``.
    """

    def __init__(
        self,
        folder: Path,
        options: ReceiveOptions,
        progress: Callable[[str, int, int | None], object] = lambda *_: None,
    ) -> None:
        self._options, self._progress = options, progress
        self._folder = ObjectFolder(folder)
        self._lock = threading.Lock()
        self._patients: set[bytes] = set()
        self._series: set[str] = set()
        self._not_taken: set[str] = set()
        self._objects = self._repeated = self._refused = self._rejected = 0
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        """Listen.

        Raises
        ------
        InputError
            If the address or the port cannot be had.
        """
        self._entity = _entity(self._options)
        from pynetdicom import evt  # noqa: PLC0415 (loaded when first used)

        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_REJECTED, self._reject), (evt.EVT_ACCEPTED, self._accept)]
        address = self._options.bind, self._options.port
        try:
            self._server = self._entity.start_server(address, block=False, evt_handlers=handlers)
        except OSError as error:
            raise InputError(
                f"Port {address[1]} of {address[0]} cannot be opened ({error.strerror or error}); choose another port "
                "or an address of this machine."
            ) from None
        self._last = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self._entity.shutdown()

    @property
    def port(self) -> int:
        """The port that listens."""
        return int(self._server.server_address[1])

    @property
    def received(self) -> Received:
        """What has come so far."""
        counts = self._objects, self._repeated, self._refused, self._rejected
        return Received(len(self._patients), len(self._series), *counts, tuple(sorted(self._not_taken)))

    def wait(self) -> None:
        """Return once nothing has come for ``until_idle_s``; never, if that is not set."""
        limit = self._options.until_idle_s
        while limit is None or self._entity.active_associations or time.monotonic() - self._last < limit:
            time.sleep(_POLL_S)

    def _store(self, event: Any) -> int:
        """Answer a C-STORE request; runs in the thread of its association."""
        with self._lock:
            self._last = time.monotonic()
            status = self._take(event)
            self._refused += status != _SUCCESS
            self._progress("receive", self._objects, None)
            return status

    def _take(self, event: Any) -> int:
        try:
            uids, patient = _identify(event.encoded_dataset())
        except ReadError as error:
            _LOG.warning("%s", error)
            return _NOT_UNDERSTOOD
        if uids.instance != event.request.AffectedSOPInstanceUID:
            _LOG.warning("An object was announced under another SOPInstanceUID than its own; it is refused.")
            return _DOES_NOT_MATCH
        try:
            new = self._keep(uids, event)
        except OSError as error:
            _LOG.error("An object cannot be written: %s. Check disk and rights.", error.strerror or error)
            return _OUT_OF_RESOURCES
        if new:
            self._patients.add(patient)
            self._series.add(uids.series)
        self._objects += new
        self._repeated += not new
        return _SUCCESS

    def _keep(self, uids: ObjectUids, event: Any) -> bool:
        """Write an object, unless it is there: the first stays."""
        path = self._folder.path(uids)
        if not path.exists():
            self._folder.add(uids, lambda file: file.write(event.encoded_dataset()))
            return True
        if not path.read_bytes().endswith(event.encoded_dataset(include_meta=False)):
            _LOG.warning("Object %s came again with other bytes; the first stays.", uids.instance)
        return False

    def _reject(self, _: Any) -> None:
        with self._lock:
            self._rejected += 1

    def _accept(self, event: Any) -> None:
        """Note what a caller offered in vain: such objects are never sent, so that no refusal of one is counted."""
        with self._lock:
            self._not_taken |= {UID(context.abstract_syntax).name for context in event.assoc.rejected_contexts}


def receive(
    folder: Path,
    options: ReceiveOptions,
    progress: Callable[[str, int, int | None], object] = lambda *_: None,
) -> Received:
    """Take in objects until nothing comes any more, or until interrupted (Ctrl-C).

    Raises
    ------
    InputError
        If the address or the port cannot be had, or pynetdicom is not installed.
    """
    with Receiver(folder, options, progress) as receiver, suppress(KeyboardInterrupt):
        receiver.wait()
    return receiver.received


def _entity(options: ReceiveOptions) -> Any:
    try:
        from pynetdicom import AE, ALL_TRANSFER_SYNTAXES  # noqa: PLC0415 (loaded when first used)
    except ImportError:
        raise InputError("Receiving needs pynetdicom: pip install pynetdicom.") from None
    entity = AE(ae_title=options.aet)
    entity.require_calling_aet = list(options.allow)
    entity.add_supported_context(_VERIFICATION)
    for sop_class in STORAGE_CLASSES.values():
        entity.add_supported_context(sop_class, ALL_TRANSFER_SYNTAXES)
    return entity


def _identify(data: bytes) -> tuple[ObjectUids, bytes]:
    """UIDs and PatientID, of which only the count is kept."""
    try:
        header = dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=[*UID_TAGS, "PatientID"])
    except _BROKEN:
        raise ReadError("An object is no DICOM data set that can be read; it is not written.") from None
    return uids_of(header), raw_bytes(header, "PatientID")
