"""Quality control of a run: a sheet for every patient and one page for the cohort."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from perisurv.core import Cohort
from perisurv.regions import load_regions
from perisurv.regions.audit import TISSUE_HU
from perisurv.report import PatientRow, Sheet, render_cohort, render_sheet
from perisurv.study.engine import Progress, run_tasks, split_failures
from perisurv.study.provenance import VERSION
from perisurv.study.settings import digest
from perisurv.study.store import RunFolder, safe_name, write_text

__all__ = ["QcPages", "write_qc"]

SHEETS = "patients"


@dataclass(frozen=True, slots=True)
class QcPages:
    """What :func:`write_qc` wrote: the page of the cohort, and patients without a sheet with the reason."""

    index: Path
    sheets: int
    undrawn: tuple[tuple[str, str], ...] = ()


def write_qc(folder: RunFolder, cohort: Cohort, *, workers: int = 1, progress: Progress | None = None) -> QcPages:
    """Write ``qc/index.html`` and ``qc/patients/`` of a run whose regions are built.

    A patient whose sheet cannot be drawn is named on the page of the cohort and stays in the study; the next call
    tries that patient again.

    Parameters
    ----------
    folder
        The run folder.
    cohort
        As indexed.
    workers
        Processes. Changes no result.
    progress
        Called with ("qc", done, total).

    Raises
    ------
    InputError
        If the regions of this run are not built.
    """
    folder.require("regions")
    index, sheets = folder.qc / "index.html", folder.qc / SHEETS
    key = digest("qc", VERSION, folder.done("regions"))
    rows = _rows(folder, cohort)
    if folder.done("qc") == key and index.exists():
        return QcPages(index, sum(bool(row.link) for row in rows))
    folder.forget("qc")
    parts = folder.open_parts("qc", key)
    work = partial(_draw, regions=folder.regions, sheets=sheets, parts=parts)
    known = [row for row in rows if row.link]
    results = run_tasks(work, known, workers=workers, label="qc", progress=progress)
    good, bad = split_failures(known, results)
    undrawn = tuple((row.patient, reason) for row, reason in bad)
    drawn = {row.link for row in good}
    shown = [row if row.link in drawn else replace(row, link="") for row in rows]
    gone = folder.read_exclusions("index", "regions")
    write_text(index, render_cohort(shown, gone, undrawn=undrawn, notes=cohort.notes, version=VERSION))
    for old in set(sheets.glob("*.html")) - {folder.qc / link for link in drawn}:
        old.unlink()
    if not undrawn:
        folder.finish("qc", key)
    return QcPages(index, len(good), undrawn)


def _rows(folder: RunFolder, cohort: Cohort) -> list[PatientRow]:
    """Every patient that the run has met, by id."""
    centres = {patient.id: patient.centre for patient in cohort}
    findings, grids, audits = folder.read_findings(), folder.read_grids(), folder.read_audits()
    reasons: dict[str, list[str]] = defaultdict(list)
    for exclusion in folder.read_exclusions("index", "regions"):
        reasons[exclusion.patient].append(exclusion.reason)
    patients = sorted((centres.keys() | findings.keys() | reasons.keys()) - {""})
    return [
        PatientRow(
            patient,
            centres.get(patient, ""),
            # Of a patient without regions and findings the page of the cohort says all that is known.
            f"{SHEETS}/{safe_name(patient)}.html" if patient in audits or patient in findings else "",
            grids.get(patient),
            audits.get(patient, {}),
            findings.get(patient, ()),
            tuple(reasons.get(patient, ())),
            excluded=patient not in audits,
        )
        for patient in patients
    ]


def _draw(row: PatientRow, *, regions: Path, sheets: Path, parts: Path) -> None:
    """Write the sheet of one patient, unless that was done before the run was cut off."""
    name = safe_name(row.patient)
    sheet, marker = sheets / f"{name}.html", parts / name
    if marker.exists() and sheet.exists():
        return
    built = None if row.excluded else load_regions(regions / name)
    page = Sheet(row.patient, built, row.native, row.findings, row.reasons, row.excluded, TISSUE_HU, VERSION)
    write_text(sheet, render_sheet(page))
    marker.touch()
