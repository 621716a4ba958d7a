"""Checks, grids and QC pages of a run folder: complete, resumable, one bad patient never stops the others."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perisurv.cohort import PairSource, read_patient
from perisurv.core import (
    Cohort,
    Exclusion,
    Finding,
    Geometry,
    InputError,
    Mask,
    Patient,
    ReadError,
    Region,
    RegionSet,
    Scan,
    SettingsError,
    Volume,
)
from perisurv.regions import save_regions
from perisurv.regions.audit import TISSUE_HU
from perisurv.report import Sheet, render_sheet
from perisurv.study import stages
from perisurv.study.qc import write_qc
from perisurv.study.run import Run
from perisurv.study.settings import StudySettings
from perisurv.study.store import SET_ASIDE, RunFolder, grid_row, safe_name, write_frame

IDS = ("<b>1", "P-1", "P-2")
FINDINGS = {
    "P-2": (Finding("b", "second", "a CT", None, "needs a tilt"), Finding("a", "first", "a CT", False, "3 < 4", 3.0)),
    "P-1": (Finding("a", "first", "a CT", True),),
    "P-9": (Finding("a", "first", "a CT", False, "gone", 0.125),),
}
NATIVE = Geometry(
    (30, 40, 44), (3.0, 0.9, 0.8), (1.5, -2.0, 3.25), ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0))
)


def _regions(patient: str, radius_mm: float = 6.0) -> RegionSet:
    grid = Geometry((24, 26, 28), (1.0, 1.0, 1.0))
    z, y, x = np.indices(grid.shape)
    r = np.sqrt((z - 12) ** 2 + (y - 13) ** 2 + (x - 14) ** 2)
    ring = Region("ring_3mm", Mask((r >= radius_mm) & (r < radius_mm + 3), grid), {"clipped_share": radius_mm / 100})
    image = Volume(np.where(r < radius_mm, 40, -800).astype(np.float32), grid)
    return RegionSet(patient, image, (Region("tumour", Mask(r < radius_mm, grid)), ring), {"kernel": "B30f"})


def _cohort(ids: tuple[str, ...] = IDS) -> Cohort:
    patients = tuple(Patient(p, "north", PairSource(Path("/nowhere"), f"{n}.nii", ())) for n, p in enumerate(ids))
    clinical = pd.DataFrame({"age_years": [60.0] * len(ids)}, index=pd.Index(ids, name="patient", dtype=object))
    return Cohort(patients, clinical, None, (Exclusion("P-9", "index", "first: gone"),), FINDINGS)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run whose regions are built for three patients."""
    run = RunFolder(tmp_path)
    run.write_findings(FINDINGS)
    run.write_exclusions("index", _cohort().exclusions)
    rows = []
    for n, patient in enumerate(IDS):
        regions = _regions(patient, 5.0 + n)
        save_regions(run.regions / safe_name(patient), regions)
        rows += [{"patient": patient, "region": k, **v} for k, v in stages.audit_figures(regions).items()]
    write_frame(run.audit, pd.DataFrame(rows))
    write_frame(run.grids, pd.DataFrame([grid_row(p, NATIVE) for p in IDS]))
    run.finish("regions", "k1")
    return run


def _only(cohort: Cohort, *ids: str) -> Cohort:
    kept = sorted(ids)
    return dataclasses.replace(
        cohort, patients=tuple(cohort[p] for p in kept), clinical=cohort.clinical.loc[kept], findings={}, exclusions=()
    )


def _bytes(folder: RunFolder) -> dict[str, bytes]:
    return {str(p.relative_to(folder.qc)): p.read_bytes() for p in sorted(folder.qc.rglob("*")) if p.is_file()}


def test_findings_round_trip_in_the_order_of_the_checks(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_findings(FINDINGS)
    assert run.read_findings() == FINDINGS
    frame = pd.read_parquet(run.checks)
    assert list(frame["patient"]) == ["P-1", "P-2", "P-2", "P-9"]
    assert list(frame["outcome"]) == ["passed", "not applicable", "failed", "failed"]
    assert frame["value"].isna().tolist() == [True, True, False, False]
    before = run.checks.read_bytes()
    run.write_findings(dict(reversed(FINDINGS.items())))
    assert run.checks.read_bytes() == before


def test_no_findings_are_a_table_of_the_same_columns(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_findings(FINDINGS)
    full = pd.read_parquet(run.checks)
    run.write_findings({"P-1": ()})
    assert run.read_findings() == {}
    pd.testing.assert_series_equal(pd.read_parquet(run.checks).dtypes, full.dtypes)
    run.checks.unlink()
    with pytest.raises(ReadError, match="missing"):
        run.read_findings()


def test_grids_round_trip(folder: RunFolder) -> None:
    assert folder.read_grids() == dict.fromkeys(IDS, NATIVE)


def test_the_index_keeps_findings_of_excluded_patients_too(tmp_path: Path) -> None:
    run = Run(StudySettings(out=str(tmp_path), keep_ids=True), RunFolder(tmp_path))
    indexed = run.index(_cohort())
    assert indexed.findings == FINDINGS
    key = run.folder.done("index")
    run.index(dataclasses.replace(_cohort(), findings={}))
    assert run.folder.done("index") != key
    assert run.folder.read_findings() == {}


def test_how_files_were_read_stands_on_the_page_of_the_cohort(folder: RunFolder) -> None:
    cohort = dataclasses.replace(_cohort(), notes=("Masks on another grid, resampled: 2 of 3 patients",))
    assert cohort.notes[0] in write_qc(folder, cohort).index.read_text(encoding="utf-8")


def test_files_set_aside_are_on_the_page_and_on_the_sheet_of_a_patient_who_stays(folder: RunFolder) -> None:
    older = "older RTSTRUCT: file-000007 is set aside for file-000008, which is newer."
    aside = [Exclusion("P-1", "index", older), Exclusion("", "index", "broken link: file-000001 leads nowhere.")]
    folder.write_exclusions(SET_ASIDE, aside)
    page = write_qc(folder, _cohort()).index.read_text(encoding="utf-8")
    assert "Files set aside" in page
    assert page.count(older) == 1
    assert "and 2 files set aside" in page
    assert f"Left out of this patient: {older}" in (folder.qc / "patients" / "P-1.html").read_text(encoding="utf-8")
    assert "Left out" not in (folder.qc / "patients" / "P-2.html").read_text(encoding="utf-8")


def test_every_patient_gets_a_sheet_with_its_own_figures(folder: RunFolder) -> None:
    pages = write_qc(folder, _cohort())
    assert (pages.sheets, pages.undrawn) == (4, ())
    names = {f"patients/{safe_name(p)}.html" for p in (*IDS, "P-9")}
    assert set(_bytes(folder)) == {"index.html", *names}
    index = pages.index.read_text(encoding="utf-8")
    assert set(re.findall(r'href="([^"]+)"', index)) == names
    assert "<b>1" not in index
    sheet = (folder.qc / "patients" / "P-2.html").read_text(encoding="utf-8")
    assert "7.0 %" in sheet
    assert "3 &lt; 4" in sheet
    assert "0.8 \u00d7 0.9 \u00d7 3 mm" in sheet
    assert "L\u2192R, P\u2192A, I\u2192S" in sheet
    assert "<image" not in (folder.qc / "patients" / "P-9.html").read_text(encoding="utf-8")


def test_workers_and_a_second_call_change_nothing(folder: RunFolder, tmp_path: Path) -> None:
    write_qc(folder, _cohort())
    first = _bytes(folder)
    stamp = (folder.qc / "index.html").stat().st_mtime_ns
    assert write_qc(folder, _cohort()).sheets == 4
    assert (folder.qc / "index.html").stat().st_mtime_ns == stamp
    folder.finish("regions", "k2")
    write_qc(folder, _cohort(), StudySettings(workers=2))
    assert (folder.qc / "index.html").stat().st_mtime_ns != stamp
    assert _bytes(folder) == first


def test_a_patient_that_cannot_be_drawn_stops_nobody_and_is_tried_again(folder: RunFolder) -> None:
    damaged = folder.regions / "P-1" / "voxels.npz"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:100])
    pages = write_qc(folder, _cohort())
    assert pages.sheets == 3
    assert [patient for patient, _ in pages.undrawn] == ["P-1"]
    index = pages.index.read_text(encoding="utf-8")
    assert "P-1.html" not in index
    assert "holds no readable regions" in index
    assert not folder.done("qc")
    stamp = (folder.qc / "patients" / "P-2.html").stat().st_mtime_ns
    damaged.write_bytes(whole)
    assert write_qc(folder, _cohort()).undrawn == ()
    assert (folder.qc / "patients" / "P-1.html").exists()
    assert (folder.qc / "patients" / "P-2.html").stat().st_mtime_ns == stamp
    assert folder.done("qc")


def test_sheets_of_patients_who_are_gone_go(folder: RunFolder) -> None:
    write_qc(folder, _cohort())
    folder.write_findings({})
    frame = pd.read_parquet(folder.audit)
    write_frame(folder.audit, frame[frame["patient"] != "P-2"])
    folder.write_exclusions("regions", [Exclusion("P-2", "regions", "the tumour touches the border")])
    folder.finish("regions", "k2")
    write_qc(folder, _cohort())
    left = {f"patients/{safe_name(p)}.html" for p in ("<b>1", "P-1", "P-2", "P-9")}
    assert set(_bytes(folder)) == {"index.html", *left}
    folder.write_exclusions("regions", [])
    folder.write_exclusions("index", [])
    folder.finish("regions", "k3")
    write_qc(folder, _only(_cohort(), "P-1", "<b>1"))
    assert set(_bytes(folder)) == {"index.html", "patients/P-1.html", f"patients/{safe_name('<b>1')}.html"}
    folder.write_exclusions("regions", [Exclusion("P-2", "regions", "the tumour touches the border")])
    folder.write_exclusions("index", [Exclusion("P-9", "index", "first: gone")])
    folder.finish("regions", "k4")
    write_qc(folder, _cohort())
    index = (folder.qc / "index.html").read_text(encoding="utf-8")
    assert "the tumour touches the border" in index
    assert "first: gone" in index


def test_needs_regions(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="perisurv regions"):
        write_qc(RunFolder(tmp_path), _cohort())


def test_figures_of_the_audit_become_covariates_on_request(folder: RunFolder) -> None:
    audits = folder.read_audits()
    assert stages.audit_features(audits, StudySettings()).names == ()
    asked = StudySettings(audit_covariates=("ring_3mm_clipped_share", "tumour_volume_ml"))
    table = stages.audit_features(audits, asked)
    assert table.names == ("clinical__ring_3mm_clipped_share", "clinical__tumour_volume_ml")
    assert table.frame.loc[list(IDS), table.names[0]].tolist() == [0.05, 0.06, 0.07]
    assert table.frame.loc["P-1", table.names[1]] == _regions("P-1", 6.0)["tumour"].mask.volume_ml
    # A new patient gets the same figures as the run folder holds.
    again = stages.audit_features({"P-1": stages.audit_figures(_regions("P-1", 6.0))}, asked)
    assert again.frame.loc["P-1"].tolist() == table.frame.loc["P-1"].tolist()


def test_an_unknown_figure_of_the_audit_is_refused_by_name(folder: RunFolder) -> None:
    with pytest.raises(SettingsError, match=r"'ring_4mm_x'; it has .*ring_3mm_clipped_share"):
        stages.audit_features(folder.read_audits(), StudySettings(audit_covariates=("ring_4mm_x",)))
    with pytest.raises(SettingsError, match="twice"):
        StudySettings(audit_covariates=("a", "a"))


def test_a_figure_that_one_patient_lacks_is_missing_there_only() -> None:
    audits = {"P-1": {"ring_3mm": {"soft_share": 0.25}}, "P-2": {"ring_3mm": {}}}
    table = stages.audit_features(audits, StudySettings(audit_covariates=("ring_3mm_soft_share",)))
    assert table.frame["clinical__ring_3mm_soft_share"].isna().tolist() == [False, True]


def test_a_real_patient(test_data: Path) -> None:
    """LUNG1-001: the tumour lies in the left lung, the grid is that of the files, the sheet stays small."""
    patient = read_patient(test_data / "lung1_001" / "dicom").patients[0]
    scan = patient.load()
    regions = stages.build_regions(scan, StudySettings())
    page = render_sheet(Sheet(patient.id, regions, scan.ct.geometry, tissues=TISSUE_HU))
    sagittal = re.search(r"Sagittal, x = ([\d.]+) mm", page)
    assert sagittal
    assert float(sagittal[1]) > 50  # LPS: the patient's left
    assert "512 \u00d7 512 \u00d7 134" in page
    assert "0.9766 \u00d7 0.9766 \u00d7 3 mm" in page
    assert len(page.encode()) < 600_000


class _Source:
    """A scan of a box with a tumour in it, or none that can be read."""

    def __init__(self, *, readable: bool = True, empty: bool = False) -> None:
        self.readable, self.empty = readable, empty

    def read(self, patient: str) -> Scan:
        if not self.readable:
            raise ReadError("file 3 ends before its pixels do.")
        grid = Geometry((20, 30, 40), (3.0, 1.0, 0.9))
        z, y, x = np.indices(grid.shape)
        ball = ((z - 10) * 3.0) ** 2 + (y - 15) ** 2 + (x - 20) ** 2 < (0 if self.empty else 64)
        image = Volume(np.where(ball, 40, -800).astype(np.float32), grid)
        return Scan(patient, image, Mask(ball, grid))

    def describe(self) -> dict[str, str]:
        return {}


@pytest.mark.parametrize(
    ("source", "drawn"), [(_Source(), True), (_Source(readable=False), False), (_Source(empty=True), False)]
)
def test_an_excluded_patient_is_drawn_as_far_as_it_can_be_read(folder: RunFolder, source: _Source, drawn: bool) -> None:
    """Left by the stage regions (P-2) or by the index (P-9): CT and contour, else the reason in words."""
    frame = pd.read_parquet(folder.audit)
    write_frame(folder.audit, frame[frame["patient"] != "P-2"])
    folder.write_exclusions("regions", [Exclusion("P-2", "regions", "the tumour touches the border")])
    cohort = _cohort()
    patients = tuple(dataclasses.replace(p, source=source) if p.id == "P-2" else p for p in cohort)
    cohort = dataclasses.replace(cohort, patients=patients, left_out=(Patient("P-9", "north", source),))
    pages = write_qc(folder, cohort, StudySettings(keep_ids=True, workers=1))
    assert (pages.sheets, pages.undrawn) == (4, ())
    for patient, reason in (("P-2", "the tumour touches the border"), ("P-9", "first: gone")):
        page = (folder.qc / "patients" / f"{patient}.html").read_text(encoding="utf-8")
        assert ("<image" in page) == drawn
        assert reason in page
        assert "Pseudonyms of the study only" not in page
