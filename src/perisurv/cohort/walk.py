"""What lies in a folder: DICOM by content, volumes and tables by name, the rest counted."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["VOLUME_SUFFIXES", "FoundFiles", "find_files", "walk_files"]

VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
# Never DICOM, so never opened. The truth of a simulated cohort (truth.parquet) is among them.
_OTHER_SUFFIXES = frozenset(
    [
        *(".parquet", ".npz", ".npy", ".raw", ".zraw", ".json", ".toml", ".yaml", ".yml", ".xml", ".ini", ".inf"),
        *(".md", ".log", ".html", ".htm", ".pdf", ".doc", ".docx"),
        *(".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".svg", ".zip", ".gz", ".tar", ".7z", ".rar"),
        *(".exe", ".dll", ".py", ".r", ".sh", ".sha256", ".md5"),
    ]
)
_TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".xls", ".ods"})
# What spreadsheet programs put beside a workbook that is open.
_LOCKS = ("~$", ".~lock")
_DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})
# First elements of a data set without preamble: file meta information, or group 0008.
_BARE_STARTS = frozenset(
    group + element for group in (b"\x02\x00", b"\x08\x00") for element in (bytes((n, 0)) for n in range(0x19))
)


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """Files below a folder, sorted by path.

    Parameters
    ----------
    dicom
        Files with DICOM content, whatever their name.
    volumes
        NIfTI, NRRD and MetaImage files.
    tables
        Tables as text and workbooks, by their suffix; ``.xls`` and ``.ods``, which nobody here reads, among them.
    unreadable
        Files that are called DICOM and are not.
    ignored
        How many other files there are.
    unlisted
        Folders that cannot be listed, with the reason that the machine gives.
    broken_links
        Links to what is not there.
    unopened
        Files that may be DICOM and cannot be opened.
    """

    dicom: tuple[Path, ...]
    volumes: tuple[Path, ...]
    tables: tuple[Path, ...]
    unreadable: tuple[Path, ...]
    ignored: int
    unlisted: tuple[tuple[Path, str], ...] = ()
    broken_links: tuple[Path, ...] = ()
    unopened: tuple[Path, ...] = ()


def find_files(root: Path) -> FoundFiles:
    """Sort the files below a folder by kind."""
    kinds: dict[str, list[Path]] = defaultdict(list)
    unlisted: list[tuple[Path, str]] = []
    for path in walk_files(root, lambda e: unlisted.append((Path(str(e.filename)), e.strerror or "no reason given"))):
        kinds[_kind(path)].append(path)
    return FoundFiles(
        tuple(kinds["dicom"]),
        tuple(kinds["volume"]),
        tuple(kinds["table"]),
        tuple(kinds["unreadable"]),
        len(kinds["other"]),
        tuple(sorted(unlisted)),
        tuple(kinds["link"]),
        tuple(kinds["unopened"]),
    )


def walk_files(root: Path, refused: Callable[[OSError], object] | None = None) -> Iterator[Path]:
    """Files of any nesting, ordered, through links, each real folder once; hidden folders are passed over.

    ``refused`` is called with what the machine says of a folder that cannot be listed.
    """
    seen: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True, onerror=refused):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files))


def _kind(path: Path) -> str:
    name, suffix = path.name.casefold(), path.suffix.casefold()
    if name.startswith((".", *_LOCKS)):
        return "other"
    if not path.is_file():
        return "link" if path.is_symlink() else "other"
    if name.endswith(VOLUME_SUFFIXES):
        return "volume"
    if suffix in _TABLE_SUFFIXES:
        return "table"
    return "other" if suffix in _OTHER_SUFFIXES else _kind_by_content(path, suffix)


def _kind_by_content(path: Path, suffix: str) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError:
        return "unopened"
    if head[128:] == b"DICM" or head[:4] in _BARE_STARTS:
        return "dicom"
    return "unreadable" if suffix in _DICOM_SUFFIXES else "other"
