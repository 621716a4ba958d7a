"""What leads back to a person, in a folder of its own: the key of the pseudonyms and the paths of the files.

The run folder holds neither, so that it can be shown to others. It calls a file by its number; ``files.csv`` says which
file that is.
"""

from __future__ import annotations

import csv
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from perisurv.cohort import cohort_from_frame, cohort_to_frame
from perisurv.core import Cohort, InputError, Patient, ReadError
from perisurv.study.settings import StudySettings
from perisurv.study.store import write_frame

__all__ = [
    "PrivateFolder",
    "cohort_without_paths",
    "numbered",
    "private_folder",
    "refuse_among_patients",
    "without_paths",
]

_TABLES = (".csv", ".tsv", ".xlsx", ".parquet")
# Words of our own sentences, which are the folder of nobody: "export the whole series" is no path.
_WORDS = frozenset(
    (
        "air", "body", "centre", "check", "clinical", "contour", "contours", "copies", "correct", "ct", "data",
        "dicom", "draw", "event", "export", "file", "files", "folder", "folders", "image", "images", "keep",
        "mask", "masks", "name", "of", "one", "patient", "patients", "save", "scan", "scans", "seg", "series",
        "set", "slice", "slices", "structure", "study", "table", "tables", "time", "tumour", "values", "write",
        "CT", "DICOM", "RTSTRUCT", "SEG",
    )
)  # fmt: skip
# Where a path may begin and end in a sentence.
_START = re.compile(r"(?<![^\s(\"'\[,:=])\S")
_END = re.compile(r"(?=\W)|$")


@dataclass(frozen=True, slots=True)
class PrivateFolder:
    """The folder, readable by its owner only.

    Parameters
    ----------
    root
        Made when something is written; for a study that keeps the identities, the run folder itself.
    """

    root: Path

    @property
    def sources(self) -> Path:
        """Which files the scan of each patient is read from."""
        return self.root / "sources.parquet"

    @property
    def left_out(self) -> Path:
        """Which files a picture of an excluded patient may be drawn from."""
        return self.root / "left_out.parquet"

    @property
    def files(self) -> Path:
        """Number and path of every file of the cohort folder."""
        return self.root / "files.csv"

    @property
    def people(self) -> Path:
        """Who every patient is; see :mod:`perisurv.study.people`."""
        return self.root / "patients.csv"

    @property
    def headers(self) -> Path:
        """What the CT headers said, for the next index."""
        return self.root / "headers.jsonl"

    def pseudonym_key(self) -> str:
        """The key of the pseudonyms, made when it is first asked for."""
        path = self.root / "pseudonym.key"
        if not path.exists():
            self.make()
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(16))
        return path.read_text(encoding="utf-8").strip()

    def make(self) -> None:
        """Make the folder, unless it is there."""
        if not self.root.exists():
            self.root.mkdir(parents=True, mode=0o700)

    def read_sources(self) -> pd.DataFrame:
        """What ``sources.parquet`` holds.

        Raises
        ------
        ReadError
            If it is not there.
        """
        try:
            return pd.read_parquet(self.sources)
        except (OSError, ValueError) as error:
            raise ReadError(
                f"{self.sources} is missing or damaged: it says where the scans lie. Put it back, or run index again."
            ) from error

    def write_left_out(self, cohort: Cohort, root: Path) -> None:
        """Write where what may be drawn of excluded patients lies, below the cohort folder."""
        gone = Cohort(cohort.left_out, pd.DataFrame(index=pd.Index([p.id for p in cohort.left_out], dtype=object)))
        write_frame(self.left_out, cohort_to_frame(gone, root).astype("string"))

    def read_left_out(self, root: Path) -> tuple[Patient, ...]:
        """Excluded patients of whom a picture may be drawn; none in a run of an earlier version."""
        if not self.left_out.exists():
            return ()
        return cohort_from_frame(pd.read_parquet(self.left_out), (), root).patients

    def write_names(self, names: Mapping[str, str]) -> None:
        """Write ``files.csv``."""
        self.make()
        with self.files.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("number", "path"), *((v, k) for k, v in names.items())])

    def names(self) -> dict[str, str]:
        """Number of every path; empty for a study whose texts hold the paths."""
        return self.read_names() if self.files.exists() else {}

    def read_names(self) -> dict[str, str]:
        """Number of every path, as :func:`numbered` gave it.

        Raises
        ------
        ReadError
            If there is no ``files.csv``.
        """
        try:
            with self.files.open(encoding="utf-8", newline="") as file:
                return {path: number for number, path in list(csv.reader(file))[1:]}
        except (OSError, ValueError) as error:
            raise ReadError(f"{self.files} is missing or damaged; run index again.") from error


def private_folder(settings: StudySettings, root: Path) -> PrivateFolder:
    """The private folder of a run folder: apart from it, unless the study keeps the identities."""
    run = Path(os.path.abspath(root))  # noqa: PTH100  (resolve() would leave the folder through links)
    if settings.keep_ids:
        return PrivateFolder(run)
    return PrivateFolder(Path(settings.private) if settings.private else Path(f"{run}.private"))


def refuse_among_patients(root: Path, places: Mapping[str, Path]) -> None:
    """Refuse a folder of the study, by its key, that lies in the folder of the patients.

    Raises
    ------
    InputError
        If one does.
    """
    for key, place in places.items():
        if place.resolve().is_relative_to(root.resolve()):
            raise InputError(
                f"The folder {place} lies in the folder of the patients {root}, and what the study writes there would "
                f"be taken for patient files; set {key} to a folder beside it."
            )


def numbered(paths: Iterable[str]) -> dict[str, str]:
    """What files and the folders around them are called where no path may stand: ``file-000017``, ``folder-0003``.

    A table, which is of many patients, keeps its own name; what lies outside of the cohort folder has no number.

    Parameters
    ----------
    paths
        Relative to the cohort folder, with ``/``.
    """
    files = sorted(path for path in paths if not path.startswith("../"))
    around = sorted({path[: m.start()] for path in files for m in re.finditer("/", path)})
    folders = {path: f"folder-{n:04d}" for n, path in enumerate(around, start=1)}
    names = dict(folders)
    for n, path in enumerate(files, start=1):
        folder, _, own = path.rpartition("/")
        table = f"{folders[folder]}/{own}" if folder else own
        names[path] = table if own.casefold().endswith(_TABLES) else f"file-{n:06d}"
    return names


def without_paths(text: str, names: Mapping[str, str]) -> str:
    """The text with every path replaced by its number, the longest path that fits first.

    A folder that is called by a word of our sentences alone, such as ``export``, keeps its name.
    """
    out, at = [], 0
    while (start := _START.search(text, at)) is not None:
        begin = start.start()
        ends = [m.start() for m in _END.finditer(text, begin + 1)]
        end = next((e for e in reversed(ends) if text[begin:e] in names and text[begin:e] not in _WORDS), None)
        out.append(text[at:begin] + (text[begin] if end is None else names[text[begin:end]]))
        at = begin + 1 if end is None else end
    return "".join([*out, text[at:]])


def cohort_without_paths(cohort: Cohort, names: Mapping[str, str]) -> Cohort:
    """The cohort with a number for every path in its exclusions, files set aside, findings and notes."""
    findings = {
        patient: tuple(replace(f, text=without_paths(f.text, names)) for f in found)
        for patient, found in cohort.findings.items()
    }
    exclusions, set_aside = (
        tuple(replace(e, reason=without_paths(e.reason, names)) for e in entries)
        for entries in (cohort.exclusions, cohort.set_aside)
    )
    notes = tuple(without_paths(note, names) for note in cohort.notes)
    return replace(cohort, exclusions=exclusions, findings=findings, notes=notes, set_aside=set_aside)
