"""Write docs/transcripts: a new user's first hour with the folder of one hospital, and the same run in a cluster's log.

``make transcripts``; a test runs it and compares.
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

from perisurv.simulation import DEFAULT_CENTRES, PatientPlan, Plan, SimulationOptions, simulate_patient
from perisurv.simulation import plan as make_plan

PATIENTS = 24
BAD = 11  # the patient that lost a slice on its way


def write_hospital(folder: Path) -> None:
    """Export of one planning system: tumours are called IGTV, one patient lost a slice, a table as a clerk keeps it."""
    names = ("IGTV", "Lung_L", "Lung_R", "External", "SpinalCord")
    centre = dataclasses.replace(DEFAULT_CENTRES[0], name="export", prefix="H", roi_names=names, slice_spacing_mm=5.0)
    plan = make_plan(SimulationOptions(patients=PATIENTS, matrix=64, centres=(centre,)), 11)
    for number in range(PATIENTS):
        simulate_patient(plan, number, folder)
    slices = sorted((folder / centre.name / plan.patients[BAD].id).rglob("IM*"))
    slices[len(slices) // 2].unlink()
    _write_table(folder / "lung patients 2019.csv", plan)


def _write_table(path: Path, plan: Plan) -> None:
    """Two columns that may be the time, one of lobes, and a line of remarks below."""
    head = ["Patient ID", "Age", "Sex", "Stage", "Site", "OS (months)", "Follow-up (months)", "Status"]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *(_row(patient) for patient in plan.patients)])


def _row(patient: PatientPlan) -> list[object]:
    lobe = ("RUL", "RLL", "LUL", "LLL")[patient.number % 4]
    months = round(patient.time_days / 30.4375, 1)
    status = "dead" if patient.event else "alive"
    return [patient.id, round(patient.age_years), patient.sex, patient.stage, lobe, months, months, status]
