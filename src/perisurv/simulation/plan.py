"""Everything random about the patients that is not an image: latents, clinical data, outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perisurv.core import SettingsError
from perisurv.simulation.hazard import LATENTS, draw_clinical, draw_outcome, linear_predictor
from perisurv.simulation.options import CentreOptions, SimulationOptions

__all__ = ["Latents", "PatientPlan", "Plan", "patient_ids", "plan"]

MEDIAN_VOLUME_ML = 35.0
LOG_VOLUME_SD = 1.1
VOLUME_RANGE_ML = (1.5, 330.0)


@dataclass(frozen=True, slots=True)
class Latents:
    """What the images carry, independent standard normal numbers.

    Parameters
    ----------
    volume
        Logarithm of the tumour volume.
    roughness
        Roughness of the surface, number and length of spicules.
    heterogeneity
        Amplitude of the texture inside, size of the necrosis.
    infiltration
        Density of the lung around the tumour.
    pattern
        Positive: the fine bright texture lies in the core and the coarse dark one in the rim; negative: the reverse.
    """

    volume: float
    roughness: float
    heterogeneity: float
    infiltration: float
    pattern: float


@dataclass(frozen=True, slots=True)
class PatientPlan:
    """One patient before any image exists. Follow-up in days, event True = death."""

    number: int
    id: str
    centre: CentreOptions
    latents: Latents
    volume_ml: float
    touches: bool
    age_years: float
    sex: str
    stage: str
    ecog: int
    histology: str
    dose_gy: float
    linear_predictor: float
    time_days: int
    event: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A cohort before any image exists: the same options and seed give the same plan."""

    options: SimulationOptions
    seed: int
    patients: tuple[PatientPlan, ...]

    def rng(self, number: int, stream: int) -> np.random.Generator:
        """Generator of one patient for one purpose; independent of the other patients and purposes."""
        return np.random.default_rng([self.seed, 1, number, stream])

    def to_frame(self) -> pd.DataFrame:
        """The truth, one row a patient, in the order of the plan."""
        rows = [
            {
                "PatientID": p.id,
                "centre": p.centre.name,
                **{name: getattr(p.latents, name) for name in LATENTS},
                "volume_ml": p.volume_ml,
                "age_years": p.age_years,
                "sex": p.sex,
                "stage": p.stage,
                "ecog": p.ecog,
                "histology": p.histology,
                "dose_gy": p.dose_gy,
                "linear_predictor": p.linear_predictor,
                "time_days": p.time_days,
                "event": p.event,
            }
            for p in self.patients
        ]
        return pd.DataFrame(rows)


def plan(options: SimulationOptions, seed: int) -> Plan:
    """Draw latents, clinical covariates and outcome of all patients; no image is made.

    Parameters
    ----------
    options
        Size, effects and centres.
    seed
        Non-negative integer.

    Returns
    -------
    Plan
        Frozen; patients of the first centre first.

    Raises
    ------
    SettingsError
        If the seed is negative.
    """
    if seed < 0:
        raise SettingsError(f"The seed of a simulation must be a non-negative integer, got {seed}.")
    n = options.patients
    centres = _centres(options)
    rng_latent, rng_clinical, rng_outcome = (np.random.default_rng([seed, 0, stream]) for stream in range(3))
    latents = pd.DataFrame(rng_latent.standard_normal((n, len(LATENTS))), columns=list(LATENTS))
    touches = rng_latent.random(n) < options.touching_share
    clinical = draw_clinical(rng_clinical, n)
    risk = linear_predictor(latents, clinical, options)
    medians = np.array([centre.baseline_median_days for centre in centres])
    outcome = draw_outcome(rng_outcome, risk, medians, options)
    volume_ml = np.clip(MEDIAN_VOLUME_ML * np.exp(LOG_VOLUME_SD * latents["volume"].to_numpy()), *VOLUME_RANGE_ML)
    known = pd.concat([clinical, outcome], axis=1)
    known["volume_ml"], known["touches"], known["linear_predictor"] = volume_ml, touches, risk
    rows = known.astype(object).to_dict("records")
    drawn = [Latents(**{str(k): float(v) for k, v in row.items()}) for row in latents.to_dict("records")]
    patients = [
        _patient(number, centres, drawn[number], {str(key): value for key, value in row.items()})
        for number, row in enumerate(rows)
    ]
    return Plan(options, seed, tuple(patients))


def patient_ids(cohort: Plan) -> tuple[str, ...]:
    """PatientID of every patient, in the order of the plan, as written into DICOM and tables."""
    return tuple(p.id for p in cohort.patients)


def _patient(number: int, centres: list[CentreOptions], latents: Latents, row: dict[str, Any]) -> PatientPlan:
    centre = centres[number]
    return PatientPlan(
        number=number,
        id=f"{centre.prefix}{number - centres.index(centre) + 1:04d}",
        centre=centre,
        latents=latents,
        volume_ml=float(row["volume_ml"]),
        touches=bool(row["touches"]),
        age_years=float(row["age_years"]),
        sex=str(row["sex"]),
        stage=str(row["stage"]),
        ecog=int(row["ecog"]),
        histology=str(row["histology"]),
        dose_gy=float(row["dose_gy"]),
        linear_predictor=float(row["linear_predictor"]),
        time_days=int(row["time_days"]),
        event=bool(row["event"]),
    )


def _centres(options: SimulationOptions) -> list[CentreOptions]:
    """The centre of every patient, centre after centre: shares by largest remainder, at least one patient each."""
    share = np.array([centre.share for centre in options.centres])
    exact = options.patients * share / share.sum()
    count = np.floor(exact + 1e-9).astype(int)
    order = np.argsort(-(exact - count), kind="stable")
    count[order[: options.patients - int(count.sum())]] += 1
    while count.min() == 0:
        count[count.argmax()] -= 1
        count[count.argmin()] += 1
    return [centre for centre, n in zip(options.centres, count, strict=True) for _ in range(int(n))]
