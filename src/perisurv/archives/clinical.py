"""The clinical tables of a collection, and a study file that reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from perisurv.archives.objects import write_whole
from perisurv.core import ReadError

__all__ = ["read_tables", "study_file", "write_table"]

_ID, _BATCH = "dicom_patient_id", "source_batch"  # columns that the archive adds
# What the columns of a collection mean, for `[cohort.columns]`. The archive writes names without dots and capitals.
_KNOWN_COLUMNS = {
    "nsclc_radiomics": {
        "time": "survivaltime",
        "event": "deadstatusevent",
        "age": "age",
        "sex": "gender",
        "stage": "overallstage",
        "t": "clinicaltstage",
        "n": "clinicalnstage",
        "m": "clinicalmstage",
        "histology": "histology",
    }
}
_KNOWN_CELLS = {"nsclc_radiomics": 'time_unit = "days"\ntnm_edition = 6\n'}


def read_tables(folder: Path, patients: Collection[str]) -> dict[str, pd.DataFrame]:
    """Rows of these patients in the clinical tables of a folder (Parquet), the ID in column ``PatientID``.

    Raises
    ------
    ReadError
        If a table cannot be read.
    """
    tables = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = path.stem
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise ReadError(f"the clinical table {name} cannot be read: {error}") from error
        if re.fullmatch(r"\w+", name) and _ID in table.columns:
            own = table[table[_ID].isin(list(patients))].drop(columns=_BATCH, errors="ignore")
            if len(own):
                tables[name] = _one_id(own).sort_values("PatientID", kind="stable")
    return tables


def write_table(path: Path, table: pd.DataFrame) -> Path:
    """Write a table as CSV."""
    text = table.to_csv(index=False)
    write_whole(path, lambda file: file.write(text.encode()))
    return path


def study_file(folder: Path, collection: str, tables: Sequence[Path], modalities: Collection[str]) -> Path:
    """Write ``study.toml`` into the folder of a collection, unless there is one.

    Where a structure set and a segmentation came, they show the same tumour, and the study takes the structure set.
    """
    path = folder / "study.toml"
    if path.exists():
        return path
    named = json.dumps([table.name for table in tables])
    out = json.dumps(f"../{folder.absolute().name}_run")
    text = f'out = {out}\n[input]\nfolder = "."\nclinical = {named}\n'
    if {"RTSTRUCT", "SEG"} <= set(modalities):
        text += '[cohort]\nseveral_structure_sets = "rtstruct"\n'
    columns = _known_columns(collection, tables)
    if columns:
        lines = [f"{meaning} = {json.dumps(column)}\n" for meaning, column in columns.items()]
        text += "".join(["[cohort.columns]\n", *lines, "[cohort.clinical]\n", _KNOWN_CELLS[collection]])
    write_whole(path, lambda file: file.write(text.encode()))
    return path


def _one_id(table: pd.DataFrame) -> pd.DataFrame:
    """The archive's ID as ``PatientID``, without columns that say the same again."""
    ids = table[_ID].astype(str)
    again = [name for name in table.columns if table[name].astype(str).equals(ids)]
    rest = table.drop(columns=again)
    rest.insert(0, "PatientID", ids)
    return rest


def _known_columns(collection: str, tables: Sequence[Path]) -> dict[str, str]:
    """Columns of the tables by meaning, where the collection is known and all of them are there."""
    there = {_plain(column): column for path in tables for column in pd.read_csv(path, nrows=0).columns}
    known = _KNOWN_COLUMNS.get(collection, {})
    if not known or not set(known.values()) <= there.keys():
        return {}
    return {"id": "PatientID", **{meaning: there[name] for meaning, name in known.items()}}


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]", "", column.casefold())
