"""The tables of the Imaging Data Commons: which collections have drawn CTs, and which series those are."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from perisurv.archives.objects import is_uid
from perisurv.core import InputError

__all__ = ["Collection", "IdcIndex", "IdcSeries", "Licence", "Wanted", "collections", "load_index", "select"]

_COLUMNS = [
    *("collection_id", "analysis_result_id", "PatientID", "SeriesInstanceUID", "Modality"),
    *("instanceCount", "series_size_MB", "license_short_name", "source_DOI", "series_aws_url"),
]
_URL = re.compile(r"s3://[a-z0-9.-]+/[0-9a-f-]{36}/\*")


@dataclass(frozen=True)
class IdcIndex:
    """What the client library of the Imaging Data Commons knows offline. A test gives tables of its own.

    Parameters
    ----------
    version
        Release of the data, such as ``v25``.
    series
        A row a series; columns as in the library's ``index``.
    collections
        A row a collection: ``collection_id`` and ``sources``, which hold DOI, citation and licence.
    s5cmd
        The library's program for downloads.
    references
        Gives a table of ``SeriesInstanceUID`` and ``drawn_on``, the CT of an RTSTRUCT or SEG series; ``None`` if it
        cannot be had. Called only where a patient has several CTs.
    """

    version: str
    series: pd.DataFrame
    collections: pd.DataFrame
    s5cmd: Path
    references: Callable[[], pd.DataFrame | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to select from a collection.

    Parameters
    ----------
    patients
        PatientIDs; empty: all.
    first
        Only so many patients, in the order of their IDs; ``None``: all.
    contours
        Modalities of contours: ``RTSTRUCT``, ``SEG`` or both.
    derived
        Also series that others derived from the collection, such as segmentations by a network.
    """

    patients: tuple[str, ...] = ()
    first: int | None = None
    contours: tuple[str, ...] = ("RTSTRUCT", "SEG")
    derived: bool = False

    def __post_init__(self) -> None:
        if not self.contours or not set(self.contours) <= {"RTSTRUCT", "SEG"}:
            raise InputError(f"Contours come as RTSTRUCT or SEG, not as {', '.join(self.contours) or 'nothing'}.")


@dataclass(frozen=True, slots=True)
class Licence:
    """Terms of a source, and how to cite it."""

    name: str
    url: str
    doi: str
    citation: str


@dataclass(frozen=True, slots=True)
class IdcSeries:
    """A series of the archive: what it is, where it lies, its number of files and bytes."""

    uid: str
    patient: str
    modality: str
    url: str
    files: int
    size_bytes: int
    doi: str


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection that qualifies: patients with a CT and with contours or segmentations."""

    name: str
    patients: int
    gigabytes: float
    licences: tuple[str, ...]


def load_index() -> IdcIndex:
    """Load the tables that come with idc-index; no network.

    Raises
    ------
    InputError
        If idc-index is not installed.
    """
    try:
        client: Any = import_module("idc_index").IDCClient()  # loaded when first used
    except ImportError:
        raise InputError("Fetching needs idc-index: pip install idc-index.") from None
    client.fetch_index("collections_index")
    series, described = client.index[_COLUMNS], client.collections_index[["collection_id", "sources"]]
    return IdcIndex(client.idc_version, series, described, Path(client.s5cmdPath), lambda: _references(client))


def collections(index: IdcIndex, wanted: Wanted = Wanted()) -> list[Collection]:
    """Every collection that has what is wanted, by name."""
    rows = _drawn(index.series, wanted)
    return [
        Collection(
            str(name),
            part["PatientID"].nunique(),
            float(part["series_size_MB"].sum()) / 1000,
            tuple(sorted(part["license_short_name"].unique())),
        )
        for name, part in rows.groupby("collection_id")
    ]


def select(index: IdcIndex, collection: str, wanted: Wanted) -> tuple[str, list[IdcSeries], list[Licence], list[str]]:
    """Series of the patients that have a CT and were drawn.

    Returns
    -------
    tuple
        Name of the collection in the archive, its series ordered by patient, the licences that apply, and notes.

    Raises
    ------
    InputError
        If the collection or a patient is not there, or has no CT with contours.
    """
    name = re.sub(r"[- ]", "_", collection.strip().casefold())
    rows = _drawn(index.series[index.series["collection_id"] == name], wanted)
    if rows.empty:
        raise InputError(_why_none(index, collection, name, wanted))
    rows = rows[rows["PatientID"].isin(_patients(rows, wanted))]
    rows, notes = _without_undrawn_cts(rows, index)
    series = [_series(row) for row in rows.sort_values(["PatientID", "Modality", "SeriesInstanceUID"]).itertuples()]
    return name, series, _licences(index, rows), notes


def _drawn(series: pd.DataFrame, wanted: Wanted) -> pd.DataFrame:
    """Rows of the patients that have a CT and contours or segmentations."""
    rows = series[series["Modality"].isin(("CT", *wanted.contours))]
    if not wanted.derived:
        rows = rows[rows["analysis_result_id"].isna()]
    ct = rows["Modality"] == "CT"
    has = pd.DataFrame({"ct": ct, "drawn": ~ct}).groupby([rows["collection_id"], rows["PatientID"]]).transform("any")
    return rows[has["ct"] & has["drawn"]]


def _why_none(index: IdcIndex, given: str, name: str, wanted: Wanted) -> str:
    if name in set(index.series["collection_id"]):
        hint = "" if wanted.derived else "; those that others derived come with --derived"
        return f"Collection {name} has no patient with CT and {' or '.join(wanted.contours)} of its own{hint}."
    near = difflib.get_close_matches(name, sorted(index.series["collection_id"].unique()), n=3, cutoff=0.5)
    hint = f"The nearest: {', '.join(near)}." if near else "See perisurv fetch --list."
    return f"The Imaging Data Commons ({index.version}) has no collection {given!r}. {hint}"


def _patients(rows: pd.DataFrame, wanted: Wanted) -> Sequence[str]:
    there = sorted(rows["PatientID"].unique())
    for patient in wanted.patients:
        if patient not in there:
            near = ", ".join(difflib.get_close_matches(patient, there, n=3, cutoff=0.5)) or there[0]
            raise InputError(
                f"The collection has no patient {patient!r} with CT and contours; there are such as {near}."
            )
    return (list(wanted.patients) or there)[: wanted.first]


def _without_undrawn_cts(rows: pd.DataFrame, index: IdcIndex) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the CTs of a patient on which nothing was drawn, where the archive knows."""
    ct = rows["Modality"] == "CT"
    if rows.loc[ct, "PatientID"].is_unique:
        return rows, []
    table = index.references()
    if table is None:
        return rows, ["Which CT was drawn on is not known offline: every CT of the patients is taken."]
    drawn_on = rows["SeriesInstanceUID"].map(table.set_index("SeriesInstanceUID")["drawn_on"])
    known = drawn_on.isin(rows.loc[ct, "SeriesInstanceUID"])
    sure = (ct | known).groupby(rows["PatientID"]).transform("all")
    idle = ct & sure & ~rows["SeriesInstanceUID"].isin(drawn_on[known])
    return rows[~idle], [f"{idle.sum()} CT series on which nothing was drawn are left out."] if idle.any() else []


def _references(client: Any) -> pd.DataFrame | None:
    """The library's tables of RTSTRUCT and SEG, which it fetches from the network once."""
    from requests import RequestException  # noqa: PLC0415 (a dependency of idc-index)

    named = {"rtstruct_index": "referenced_SeriesInstanceUID", "seg_index": "segmented_SeriesInstanceUID"}
    tables: list[pd.DataFrame] = []
    for name, column in named.items():
        try:
            client.fetch_index(name)
        except RequestException:
            return None
        table = getattr(client, name, None)
        if table is None:
            return None
        tables.append(table[["SeriesInstanceUID", column]].rename(columns={column: "drawn_on"}))
    return pd.concat(tables).drop_duplicates("SeriesInstanceUID")


def _series(row: Any) -> IdcSeries:
    if not is_uid(row.SeriesInstanceUID) or not _URL.fullmatch(row.series_aws_url):
        raise InputError(f"The index of the archive is damaged at series {row.SeriesInstanceUID!r}; install it again.")
    size_bytes = round(row.series_size_MB * 1e6)
    where = row.series_aws_url, int(row.instanceCount), size_bytes, str(row.source_DOI)
    return IdcSeries(row.SeriesInstanceUID, row.PatientID, row.Modality, *where)


def _licences(index: IdcIndex, rows: pd.DataFrame) -> list[Licence]:
    """Licence and citation of every source among the rows."""
    described = index.collections[index.collections["collection_id"].isin(rows["collection_id"])]
    sources = {str(s["source_doi"]).casefold(): s for sources in described["sources"] for s in sources}
    found = []
    for (doi, name), _ in rows.groupby(["source_DOI", "license_short_name"]):
        source = sources.get(str(doi).casefold(), {})
        citation = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", source.get("citation") or ""))
        url = (source.get("license") or {}).get("license_url") or ""
        found.append(Licence(str(name), url, f"https://doi.org/{doi}", citation.replace("&amp;", "&")))
    return found
