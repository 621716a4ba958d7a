"""Quality control of a run: a sheet for every patient and one page for the cohort."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from perisurv.cohort import PictureSource, picture_of
from perisurv.core import Cohort, Geometry, Patient, PerisurvError, Region, RegionSet, View
from perisurv.regions import load_regions
from perisurv.regions.audit import TISSUE_HU
from perisurv.report import PatientRow, Sheet, render_cohort, render_sheet
from perisurv.study.engine import Progress, run_tasks, split_failures, tell
from perisurv.study.ledger import enter, stage_key
from perisurv.study.private import without_paths
from perisurv.study.provenance import VERSION
from perisurv.study.settings import StudySettings
from perisurv.study.store import SET_ASIDE, RunFolder, safe_name, write_text

__all__ = ["QcPages", "write_qc"]

SHEETS = "patients"
# What is drawn around the contour of an excluded patient.
AROUND_MM = 40.0


@dataclass(frozen=True, slots=True)
class QcPages:
    """What :func:`write_qc` wrote: the page of the cohort, and patients without a sheet with the reason."""

    index: Path
    sheets: int
    undrawn: tuple[tuple[str, str], ...] = ()


def write_qc(
    folder: RunFolder,
    cohort: Cohort,
    settings: StudySettings | None = None,
    *,
    progress: Progress | None = None,
    names: Mapping[str, str] | None = None,
) -> QcPages:
    """Write ``qc/index.html`` and ``qc/patients/`` of a run whose regions are built.

    Of an excluded patient the sheet shows the CT with the contour as far as they can be read, and the reason in words.
    A patient whose sheet cannot be drawn is named on the page of the cohort and stays in the study; the next call
    tries that patient again.

    Parameters
    ----------
    folder
        The run folder.
    cohort
        As indexed; its ``left_out`` are drawn as far as they can be read.
    settings
        The study file: number of processes, which changes no result, and whether patients are named as in their files.
    progress
        Called with ("qc", done, total).
    names
        Number of every path, see :func:`perisurv.study.private.numbered`; None where paths may be written.

    Raises
    ------
    InputError
        If the regions of this run are not built.
    """
    folder.require("regions")
    identified, workers = (settings.keep_ids, settings.workers) if settings else (False, 1)
    index, sheets = folder.qc / "index.html", folder.qc / SHEETS
    key = stage_key("qc", [folder.done("regions")], settings or StudySettings())
    rows = _rows(folder, cohort)
    if folder.done("qc") == key and index.exists():
        tell(progress, "detail", "qc: was done before")
        return QcPages(index, sum(bool(row.link) for row in rows))
    folder.forget("qc")
    parts = folder.open_parts("qc", key)
    work = partial(_draw, regions=folder.regions, sheets=sheets, parts=parts, identified=identified, names=names or {})
    known = [row for row in rows if row.link]
    scans = {patient.id: patient for patient in (*cohort.left_out, *cohort)}
    jobs = [(row, scans.get(row.patient) if row.excluded else None) for row in known]
    results = run_tasks(work, jobs, workers=workers, label="qc", progress=progress)
    good, bad = split_failures(known, results)
    undrawn = tuple((row.patient, reason) for row, reason in bad)
    drawn = {row.link for row in good}
    shown = [row if row.link in drawn else replace(row, link="") for row in rows]
    gone = folder.read_exclusions("index", "regions")
    aside = folder.read_exclusions(SET_ASIDE)
    page = render_cohort(
        shown, gone, set_aside=aside, undrawn=undrawn, notes=cohort.notes, version=VERSION, identified=identified
    )
    write_text(index, page)
    for old in set(sheets.glob("*.html")) - {folder.qc / link for link in drawn}:
        old.unlink()
    if not undrawn:
        enter(folder, "qc", key, settings or StudySettings())
    return QcPages(index, len(good), undrawn)


def _rows(folder: RunFolder, cohort: Cohort) -> list[PatientRow]:
    """Every patient that the run has met, by id."""
    centres = {patient.id: patient.centre for patient in cohort}
    findings, grids, audits = folder.read_findings(), folder.read_grids(), folder.read_audits()
    reasons: dict[str, list[str]] = defaultdict(list)
    for exclusion in folder.read_exclusions("index", "regions"):
        reasons[exclusion.patient].append(exclusion.reason)
    for file in folder.read_exclusions(SET_ASIDE):
        if file.patient in audits:
            reasons[file.patient].append(file.reason)
    patients = sorted((centres.keys() | findings.keys() | reasons.keys()) - {""})
    return [
        PatientRow(
            patient,
            centres.get(patient, ""),
            f"{SHEETS}/{safe_name(patient)}.html",
            grids.get(patient),
            audits.get(patient, {}),
            findings.get(patient, ()),
            tuple(reasons.get(patient, ())),
            excluded=patient not in audits,
        )
        for patient in patients
    ]


def _draw(
    job: tuple[PatientRow, Patient | None],
    *,
    regions: Path,
    sheets: Path,
    parts: Path,
    identified: bool,
    names: Mapping[str, str],
) -> None:
    """Write the sheet of one patient, unless that was done before the run was cut off."""
    row, scan = job
    name = safe_name(row.patient)
    sheet, marker = sheets / f"{name}.html", parts / name
    if marker.exists() and sheet.exists():
        return
    native, built = row.native, None
    remarks: tuple[str, ...] = ()
    if not row.excluded:
        built = load_regions(regions / name)
    else:
        native, built, remarks = _left_of(scan)
    page = Sheet(
        row.patient, built, native, row.findings, row.reasons, row.excluded, TISSUE_HU, VERSION, identified,
        tuple(without_paths(remark, names) for remark in remarks),
    )  # fmt: skip
    write_text(sheet, render_sheet(page))
    marker.touch()


def _left_of(patient: Patient | None) -> tuple[Geometry | None, RegionSet | None, tuple[str, ...]]:
    """Grid of the CT, CT and contour around the tumour as far as they can be read, and why not all is drawn."""
    if patient is None:
        return None, None, ("No picture: there is no CT of this patient.",)
    try:
        view = _view(patient)
    except PerisurvError as error:
        return None, None, (f"No picture: {error}",)
    if view.tumour is None:
        return view.ct.geometry, RegionSet(patient.id, view.ct, (), view.acquisition), view.remarks
    box = view.tumour.bounding_box(AROUND_MM)
    tumour = Region("tumour", view.tumour.crop(box))
    return view.ct.geometry, RegionSet(patient.id, view.ct.crop(box), (tumour,), view.acquisition), view.remarks


def _view(patient: Patient) -> View:
    """The scan as a study would read it; else what is left of it."""
    if isinstance(patient.source, PictureSource):
        return patient.source.view()
    try:
        scan = patient.load()
        return View(scan.ct, scan.tumour, (), scan.acquisition)
    except PerisurvError:
        picture = picture_of(patient.source)
        if picture is None:
            raise
    return picture.view()
