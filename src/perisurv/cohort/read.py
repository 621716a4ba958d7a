"""A folder of patient files to a cohort, and a reason for everything that is left out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from perisurv.cohort.clinical import FoundTables, read_table, refuse_absent_columns, tables_among
from perisurv.cohort.join import join, why_nobody
from perisurv.cohort.match import Found, Progress, index_dicom
from perisurv.cohort.options import CohortOptions
from perisurv.cohort.pairs import index_pairs
from perisurv.cohort.pseudonym import patient_key
from perisurv.cohort.walk import FoundFiles, find_files
from perisurv.core import Cohort, EmptyCohortError, InputError

__all__ = ["read_cohort", "read_patient"]

DEFAULTS = CohortOptions()
_LOG = logging.getLogger(__name__)

Tables = Path | str | Sequence[Path | str] | None
FollowUp = Literal["auto", "required", "none"]


def read_cohort(
    folder: Path | str,
    *,
    clinical: Tables = None,
    options: CohortOptions = DEFAULTS,
    cache: Path | None = None,
    progress: Progress | None = None,
    follow_up: FollowUp = "auto",
) -> Cohort:
    """Read the headers, contours and clinical tables of a cohort. Pixels are read later, by ``Patient.load``.

    Parameters
    ----------
    folder
        Any nesting of DICOM CT with RTSTRUCT or SEG (any file names) and of an image with its masks as NIfTI, NRRD or
        MetaImage, see ``perisurv.cohort.layout``.
    clinical
        Clinical tables; without any, every CSV, TSV and XLSX below the folder that has a column of patients and of
        follow-up, and a row of a patient with images.
    cache
        File that keeps what CT headers said: an index that was cut off goes on, a later one reads new and changed
        files only. It changes no result, and holds PatientIDs, UIDs and names of files.
    progress
        Called with ("index", files read, files in all).
    follow_up
        ``auto``: as the clinical tables have it; without ``clinical`` and where no table below the folder has
        follow-up, patients have no outcome. ``required``: who has none is excluded. ``none``: it is not read.

    Returns
    -------
    Cohort
        Patients ordered by id. ``exclusions`` has a row for everything that was left out.

    Raises
    ------
    EmptyCohortError
        If no patient is left; it carries the exclusions, findings and notes.
    InputError
        If the folder or a table is not there, a table lacks a column, or all are censored.
    """
    return _read(folder, clinical, options, follow_up, cache=cache, progress=progress)


def read_patient(folder: Path | str, options: CohortOptions = DEFAULTS, *, clinical: Tables = None) -> Cohort:
    """Read patients to be predicted: as ``read_cohort``, without outcome, and with or without a clinical table.

    Raises
    ------
    InputError
        If the folder or a table is not there, or no patient can be read.
    """
    return _read(folder, clinical, options, "none")


def _read(
    folder: Path | str,
    clinical: Tables,
    options: CohortOptions,
    follow_up: FollowUp,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Cohort:
    root = Path(folder).absolute()
    if not root.is_dir():
        raise InputError(f"There is no folder {folder}; give the folder that holds the patients.")
    files = find_files(root)
    images = _index(files, root, options, index_dicom(files.dicom, root, options, cache, progress))
    outcome = follow_up != "none"
    found = _tables(files, root, clinical, options, images, outcome=outcome, required=follow_up == "required")
    if follow_up == "auto" and not found.tables and not found.of_others:
        outcome = False  # features only: a table may still hold age, sex, stage
        told = found.remarks
        found = _tables(files, root, clinical, options, images, outcome=False)
        found = replace(found, remarks=tuple(dict.fromkeys(told + found.remarks)))
    tables = found.tables
    if outcome:
        refuse_absent_columns(tables, options)
    rows = [row for table in tables for row in table.rows]
    counts = len(files.dicom), len(files.volumes), len(rows), files.ignored
    _LOG.info("%d DICOM files, %d volumes and %d clinical rows; %d other files ignored.", *counts)
    guesses = tuple(text for table in tables for text in table.guesses)
    remarks = found.remarks + tuple(text for table in tables for text in table.remarks)
    try:
        cohort = join(images, rows, options, outcome=outcome)
    except InputError as error:
        # All are censored: what was not understood in the tables is often why.
        raise InputError("\n".join([str(error), *remarks])) from error
    for text in () if outcome else remarks:
        _LOG.warning("%s", text)
    cohort = replace(cohort, notes=guesses + remarks + cohort.notes)
    if not cohort.patients:
        raise EmptyCohortError("\n".join((why_nobody(cohort), *remarks)), cohort)
    return cohort


def _index(files: FoundFiles, root: Path, options: CohortOptions, dicom: Found) -> Found:
    pairs = index_pairs(files.volumes, root, options)
    for key, (patient_id, folders) in pairs.people.items():
        dicom.people.setdefault(key, (patient_id, set()))[1].update(folders)
    return Found(
        dicom.sources + pairs.sources,
        dicom.failures + pairs.failures + _not_read(files, root),
        dicom.findings + pairs.findings,
        dicom.checked,
        dicom.others,
        pairs.pictures | dicom.pictures,
        dicom.people,
    )


def _not_read(files: FoundFiles, root: Path) -> list[tuple[str, str]]:
    """What lies in the folder and nobody could look into, and why."""
    told = [(path, "unreadable file: {} is called DICOM but is not; export it again.") for path in files.unreadable]
    told += [(path, "unreadable file: {} cannot be opened; check its rights and the disk.") for path in files.unopened]
    told += [
        (path, f"folder not listed: {{}} cannot be listed ({why}), so that nothing in it was found; check its rights.")
        for path, why in files.unlisted
    ]
    told += [
        (path, "broken link: {} leads to a file that is not there; mend or remove it.") for path in files.broken_links
    ]
    return [("", text.format(path.relative_to(root).as_posix())) for path, text in told]


def _tables(
    files: FoundFiles,
    root: Path,
    clinical: Tables,
    options: CohortOptions,
    images: Found,
    *,
    outcome: bool,
    required: bool = False,
) -> FoundTables:
    if clinical:
        paths = [Path(p) for p in ([clinical] if isinstance(clinical, (str, Path)) else clinical)]
        for path in paths:
            if not path.is_file():
                raise InputError(
                    f"There is no clinical table {path}; give the path of a CSV, TSV, XLSX or Parquet file."
                )
        return FoundTables(tuple(read_table(path, path.name, options, outcome=outcome) for path in paths))
    known = {patient_key(p) for p, _ in images.sources + images.failures} - {""}
    return tables_among(files.tables, root, options, known, patient_key, outcome=outcome, required=required)
