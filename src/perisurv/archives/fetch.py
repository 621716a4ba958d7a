"""A collection of the Imaging Data Commons into a folder: series by series, each whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from perisurv.archives.clinical import read_tables, study_file, write_table
from perisurv.archives.idc_index import IdcIndex, IdcSeries, Licence, Wanted, select
from perisurv.archives.objects import write_whole
from perisurv.core import ArchiveError, InputError, ReadError
from perisurv.core.wording import counted

__all__ = ["ENDPOINT", "FetchPlan", "Fetched", "fetch", "plan_fetch"]

ENDPOINT = "https://s3.amazonaws.com"
_PROVENANCE = "provenance.json"
_STAGING = ".fetching"  # hidden, so that no index reads an unfinished series
_GIVE_UP = 3  # failures in a row


@dataclass(frozen=True)
class FetchPlan:
    """What would be fetched, and on which terms.

    Parameters
    ----------
    collection, idc_version
        Name of the collection and release of the archive.
    folder
        Where it goes: ``patient/MODALITY_series/``.
    series
        All series of the selection.
    missing
        Those that do not lie complete in the folder.
    licences
        Terms and citations of the sources.
    notes
        What the user should know before it starts.
    """

    collection: str
    idc_version: str
    folder: Path
    series: tuple[IdcSeries, ...]
    missing: tuple[IdcSeries, ...]
    licences: tuple[Licence, ...]
    notes: tuple[str, ...]

    @property
    def patients(self) -> tuple[str, ...]:
        """PatientIDs of the selection."""
        return tuple(dict.fromkeys(series.patient for series in self.series))

    @property
    def missing_bytes(self) -> int:
        """Bytes to come."""
        return sum(series.size_bytes for series in self.missing)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What lies in the folder now.

    Parameters
    ----------
    patients, series
        How many.
    fetched
        Series that came now; the others were there.
    clinical
        Clinical tables that were written.
    study
        The study file, ready for ``perisurv index``.
    notes
        What could not be had.
    """

    patients: int
    series: int
    fetched: int
    clinical: tuple[Path, ...]
    study: Path
    notes: tuple[str, ...]


def plan_fetch(index: IdcIndex, collection: str, folder: Path, wanted: Wanted) -> FetchPlan:
    """Select series and compare them with the folder; nothing is written.

    Raises
    ------
    InputError
        If the collection or a patient is not there, the folder holds another collection, or the disk is too small.
    """
    name, series, licences, notes = select(index, collection, wanted)
    held = _read_provenance(folder).get("collection", name)
    if held != name:
        raise InputError(f"{folder} holds the collection {held}; give another folder for {name}.")
    missing = tuple(s for s in series if _difference(_place(folder, s), s))
    plan = FetchPlan(name, index.version, folder, tuple(series), missing, tuple(licences), tuple(notes))
    free = shutil.disk_usage(next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())).free
    if plan.missing_bytes > free:
        raise InputError(
            f"{folder} needs {plan.missing_bytes / 1e9:.1f} GB and has {free / 1e9:.1f} GB free; make room, or fetch "
            "fewer patients."
        )
    return plan


def fetch(
    plan: FetchPlan,
    index: IdcIndex,
    *,
    endpoint: str = ENDPOINT,
    progress: Callable[[str, int, int | None], object] = lambda *_: None,
) -> Fetched:
    """Fetch what is missing, compare files and bytes of every series with the index, and write what belongs beside.

    Interrupted at any moment and called again it goes on where it was; ``provenance.json`` is written once all is
    there.

    Parameters
    ----------
    plan
        From ``plan_fetch``.
    index
        The same tables.
    endpoint
        S3 service that holds the archive, ``http`` or ``https``.

    Raises
    ------
    InputError
        If the endpoint is no URL.
    ArchiveError
        If series do not come or are not what the index says. Those that came stay.
    """
    s5cmd = _S5cmd(index.s5cmd, endpoint)
    plan.folder.mkdir(parents=True, exist_ok=True)
    clinical, notes = _clinical(plan, s5cmd)
    failures: list[str] = []
    in_a_row = 0
    for n, series in enumerate(plan.missing, start=1):
        problem = _fetch_series(s5cmd, plan.folder, series)
        failures += [problem] if problem else []
        in_a_row = in_a_row + 1 if problem else 0
        progress("fetch", n, len(plan.missing))
        if in_a_row == _GIVE_UP:
            break
    if failures:
        stopped = f" Stopped after {_GIVE_UP} failures in a row." if in_a_row == _GIVE_UP else ""
        raise ArchiveError(
            f"{len(failures)} of {len(plan.missing)} series did not come; the first: {failures[0]}.{stopped} "
            "What came stays; run the same command again for the rest."
        )
    shutil.rmtree(plan.folder / _STAGING, ignore_errors=True)
    _write_provenance(plan, s5cmd.endpoint, clinical)
    study = study_file(plan.folder, plan.collection, clinical, {series.modality for series in plan.series})
    return Fetched(len(plan.patients), len(plan.series), len(plan.missing), tuple(clinical), study, tuple(notes))


class _S5cmd:
    """The download program of idc-index, at an endpoint of our choice: the library itself knows only its own two."""

    def __init__(self, program: Path, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise InputError("The endpoint must be an http or https URL without a login, such as " + ENDPOINT + ".")
        self.endpoint = endpoint
        self._command = [str(program), "--json", "--log", "error", "--no-sign-request", "--retry-count", "5"]

    def __call__(self, *command: str) -> str:
        """Run a command; the first error it tells, or nothing."""
        full = [*self._command, "--endpoint-url", self.endpoint, *command]
        done = subprocess.run(full, capture_output=True, text=True, check=False)  # noqa: S603 (no shell, checked URLs)
        for line in done.stderr.splitlines():
            if line.startswith("{"):
                told = str(json.loads(line).get("error", "unknown error")).split(", request id")[0]
                return " ".join(told.split())
        return f"s5cmd ended with {done.returncode}" if done.returncode else ""


def _place(folder: Path, series: IdcSeries) -> Path:
    """Where a series lies. PatientIDs are cut down to characters that no file system minds."""
    patient = re.sub(r"[^A-Za-z0-9._-]", "_", series.patient).lstrip(".") or "_"
    return folder / patient / f"{series.modality}_{series.uid}"


def _difference(place: Path, series: IdcSeries) -> str:
    """How a folder differs from the series of the index, or nothing."""
    sizes = [path.stat().st_size for path in place.glob("*") if not path.name.startswith(".")]
    if len(sizes) != series.files:
        return f"{counted(len(sizes), 'file')} instead of {series.files}"
    if sum(sizes) != series.size_bytes:
        return f"{sum(sizes)} bytes instead of {series.size_bytes}"
    return ""


def _fetch_series(s5cmd: _S5cmd, folder: Path, series: IdcSeries) -> str:
    """Complete a series beside its place and move it there; what is wrong with it, or nothing."""
    place, staging = _place(folder, series), folder.absolute() / _STAGING / series.uid
    staging.parent.mkdir(exist_ok=True)
    if place.exists():  # files were lost or changed since
        shutil.rmtree(staging, ignore_errors=True)
        place.rename(staging)
    problem = s5cmd("sync", "--size-only", "--delete", series.url, f"{staging}/")
    problem = "; ".join(filter(None, [problem, _difference(staging, series)]))
    if problem:
        return f"{series.modality} series {series.uid} of {series.patient} ({problem})"
    place.parent.mkdir(exist_ok=True)
    staging.rename(place)
    return ""


def _clinical(plan: FetchPlan, s5cmd: _S5cmd) -> tuple[list[Path], list[str]]:
    """Write the clinical tables of the patients of the folder; they never keep the images from coming."""
    earlier = (entry["patient"] for entry in _read_provenance(plan.folder).get("series", []))
    staging = plan.folder.absolute() / _STAGING / "clinical"
    source = f"s3://idc-open-metadata/bigquery_export/idc_{plan.idc_version}_clinical/{plan.collection}_*"
    problem = s5cmd("sync", "--size-only", "--delete", source, f"{staging}/")
    try:
        tables = {} if problem else read_tables(staging, {*plan.patients, *earlier})
    except ReadError as error:
        tables, problem = {}, str(error)
    written = [write_table(plan.folder / f"{name}.csv", table) for name, table in tables.items()]
    if written:
        return written, []
    return [], [f"No clinical table came ({problem or 'none names these patients'}); give your own in study.toml."]


def _read_provenance(folder: Path) -> dict[str, Any]:
    path = folder / _PROVENANCE
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
    except ValueError:
        raise InputError(f"{path} is no longer readable; move it away and fetch again.") from None


def _write_provenance(plan: FetchPlan, endpoint: str, clinical: list[Path]) -> None:
    """What the folder holds and where it is from; what earlier fetches brought stays listed."""
    earlier = _read_provenance(plan.folder)
    licences = [entry for entry in earlier.get("licences", []) if entry["doi"] not in {x.doi for x in plan.licences}]
    series = [entry for entry in earlier.get("series", []) if entry["uid"] not in {x.uid for x in plan.series}]
    content = {
        "source": "Imaging Data Commons",
        "collection": plan.collection,
        "idc_version": plan.idc_version,
        "endpoint": endpoint,
        "perisurv": version("perisurv"),
        "completed": datetime.now(UTC).isoformat(timespec="seconds"),
        "licences": [*licences, *map(asdict, plan.licences)],
        "clinical": [path.name for path in clinical],
        "series": [*series, *map(asdict, plan.series)],
    }
    text = json.dumps(content, indent=1) + "\n"
    write_whole(plan.folder / _PROVENANCE, lambda file: file.write(text.encode()))
