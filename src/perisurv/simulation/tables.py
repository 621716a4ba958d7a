"""Clinical tables as three hospitals would export them, and the truth beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from perisurv.core import ReadError
from perisurv.simulation.plan import PatientPlan, Plan

__all__ = ["oracle_risk", "write_tables"]

TRUTH = "truth.parquet"
DAYS_A_MONTH = 30.4375
DAYS_A_YEAR = 365.25
HISTOLOGY = {
    "lung1": {"squamous": "squamous cell carcinoma", "large_cell": "large cell"},
    "german": {
        "adenocarcinoma": "Adenokarzinom",
        "squamous": "Plattenepithelkarzinom",
        "large_cell": "Grosszelliges Karzinom",
        "nos": "NOS",
    },
    "years": {"adenocarcinoma": "ADENO", "squamous": "SQUAMOUS", "large_cell": "LARGE CELL", "nos": "nos"},
}
STAGE_DIGITS = {"I": "1", "II": "2", "IIIA": "3A", "IIIB": "3B", "IV": "4"}


def write_tables(plan: Plan, folder: Path) -> None:
    """Write ``<folder>/<centre>/<table>.csv`` for every centre and ``<folder>/truth.parquet``.

    The tables differ in separator, decimal sign, column names, coding and unit of time as those of real
    hospitals do. The truth holds the latents, the true linear predictor and the exact follow-up.
    """
    writers = {"lung1": _lung1, "german": _german, "years": _years}
    for centre in plan.options.centres:
        patients = [p for p in plan.patients if p.centre == centre]
        name, text = writers[centre.dialect](patients)
        _replace(Path(folder) / centre.name / name, text.encode("utf-8"))
    _replace(Path(folder) / TRUTH, plan.to_frame().to_parquet(index=False))


def oracle_risk(folder: Path) -> pd.Series:
    """True linear predictor of every patient of a simulated cohort; higher is worse.

    Returns
    -------
    pandas.Series
        Index: PatientID as in the DICOM files.

    Raises
    ------
    ReadError
        If the folder holds no truth.
    """
    path = Path(folder) / TRUTH
    if not path.is_file():
        raise ReadError(f"No {TRUTH} in {folder}: only a simulated cohort has an oracle.")
    frame = pd.read_parquet(path)
    return frame.set_index("PatientID")["linear_predictor"]


def _lung1(patients: list[PatientPlan]) -> tuple[str, str]:
    """Columns of the public LUNG1 table: days, 0/1, empty cells as NA."""
    lines = ["PatientID,age,Overall.Stage,Histology,gender,ECOG,dose_gy,Survival.time,deadstatus.event"]
    names = HISTOLOGY["lung1"]
    for p in patients:
        stage = p.stage.replace("A", "a").replace("B", "b")
        cells = (p.id, p.age_years, stage, names.get(p.histology, p.histology), p.sex, p.ecog)
        lines.append(",".join(map(str, (*cells, f"{p.dose_gy:g}", p.time_days, int(p.event)))))
    return "clinical_data.csv", "\n".join(lines) + "\n"


def _german(patients: list[PatientPlan]) -> tuple[str, str]:
    """Semicolons, decimal commas, German words, months, trailing blanks and a blank line."""
    lines = ["Pat-Nr;Alter;Geschlecht;Stadium;Histologie;ECOG;Gesamtdosis;Ueberlebenszeit (Monate);Status"]
    names = HISTOLOGY["german"]
    for p in patients:
        months = f"{p.time_days / DAYS_A_MONTH:.2f}".replace(".", ",")
        age, dose = (f"{value:.1f}".replace(".", ",") for value in (p.age_years, p.dose_gy))
        sex = "m" if p.sex == "male" else "w"
        status = "verstorben" if p.event else "lebt"
        cells = (p.id, age, sex, p.stage, names[p.histology] + " ", p.ecog, dose, months, status)
        lines.append(";".join(map(str, cells)))
    return "Patientenliste.csv", "\r\n".join([*lines, "", ""])


def _years(patients: list[PatientPlan]) -> tuple[str, str]:
    """Years, sex 1/2, stages in digits, vital status in words."""
    lines = ["patient_id,age_at_diagnosis,gender,overall_stage,histology,ecog_ps,OS_years,vital_status"]
    names = HISTOLOGY["years"]
    for p in patients:
        sex = 1 if p.sex == "male" else 2
        years = f"{p.time_days / DAYS_A_YEAR:.4f}"
        status = "Deceased" if p.event else "Alive"
        cells = (p.id, int(p.age_years), sex, STAGE_DIGITS[p.stage], names[p.histology], p.ecog, years, status)
        lines.append(",".join(map(str, cells)))
    return "nsclc_export_v2_FINAL.csv", "\n".join(lines) + "\n"


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that its name never stands for half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)  # noqa: PTH105 - Path.replace is the same call
