"""Truth -> files: a multicentre cohort whose prognostic signal is known.

`plan` draws everything that is not an image, `simulate_patient` writes one patient's DICOM, `write_tables` the
clinical tables and the truth, `oracle_risk` reads the true linear predictor back.
"""

from perisurv.simulation.options import DEFAULT_CENTRES, CentreOptions, EffectOptions, SimulationOptions
from perisurv.simulation.patient import (
    SimulatedScan,
    TrueAnatomy,
    make_scan,
    patient_folder,
    simulate_missing,
    simulate_patient,
)
from perisurv.simulation.plan import Latents, PatientPlan, Plan, patient_ids, plan
from perisurv.simulation.surroundings import SurroundingsOptions, border_box, cut, surround, write_surrounded
from perisurv.simulation.tables import oracle_risk, write_tables

__all__ = [
    "DEFAULT_CENTRES",
    "CentreOptions",
    "EffectOptions",
    "Latents",
    "PatientPlan",
    "Plan",
    "SimulatedScan",
    "SimulationOptions",
    "SurroundingsOptions",
    "TrueAnatomy",
    "border_box",
    "cut",
    "make_scan",
    "oracle_risk",
    "patient_folder",
    "patient_ids",
    "plan",
    "simulate_missing",
    "simulate_patient",
    "surround",
    "write_surrounded",
    "write_tables",
]
